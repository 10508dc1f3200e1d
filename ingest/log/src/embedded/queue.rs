//! The appends that wait for the next commit.

use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::oneshot;

use super::EmbeddedConfig;
use crate::{AppendError, Position};

/// One commit takes at most this many times `batch_bytes`.
const LARGEST_COMMIT: usize = 8;

/// A record on its way to the disk.
pub(super) struct Item {
    pub(super) partition: u32,
    pub(super) value: Vec<u8>,
}

/// One call's records and where its answer goes.
pub(super) struct Append {
    pub(super) items: Vec<Item>,
    pub(super) bytes: usize,
    pub(super) answer: oneshot::Sender<Answer>,
}

pub(super) type Answer = Result<Vec<Position>, NotCommitted>;

/// Why appends were not committed, shared by all that it concerns.
#[derive(Debug, Clone, thiserror::Error)]
pub(super) enum NotCommitted {
    #[error("the commit failed before anything was written")]
    Unwritten(#[source] std::sync::Arc<fjall::Error>),
    #[error("the commit failed and may have been written or not")]
    Unclear(#[source] std::sync::Arc<fjall::Error>),
    #[error("the log is being opened again after a commit that failed")]
    Reopening,
}

impl NotCommitted {
    pub(super) fn into_append_error(self) -> AppendError {
        match self {
            Self::Unwritten(_) | Self::Reopening => AppendError::Refused(self.into()),
            Self::Unclear(_) => AppendError::Unknown(self.into()),
        }
    }
}

/// Why an append was not queued.
pub(super) enum NotQueued {
    Closed,
    Reopening,
}

pub(super) struct Queue {
    state: Mutex<State>,
    changed: Condvar,
    linger: Duration,
    batch_bytes: usize,
    queue_bytes: usize,
}

#[derive(Default)]
struct State {
    waiting: Vec<Append>,
    /// Bytes of `waiting`.
    waiting_bytes: usize,
    /// Bytes of `waiting` and of the commit under way.
    held_bytes: usize,
    /// Why nothing is taken now.
    trouble: Option<String>,
    closed: bool,
}

impl Queue {
    pub(super) fn new(config: &EmbeddedConfig) -> Self {
        Self {
            state: Mutex::default(),
            changed: Condvar::new(),
            linger: config.linger,
            batch_bytes: config.batch_bytes,
            queue_bytes: config.queue_bytes,
        }
    }

    /// Takes as many leading items as the queue has room for.
    pub(super) fn enqueue(
        &self,
        items: &mut Vec<Item>,
        answer: oneshot::Sender<Answer>,
    ) -> Result<usize, NotQueued> {
        let mut state = self.lock();
        if state.closed {
            return Err(NotQueued::Closed);
        }
        if state.trouble.is_some() {
            return Err(NotQueued::Reopening);
        }
        let mut bytes = 0;
        let fits = |item: &&Item| {
            bytes += item.value.len();
            state.held_bytes + bytes <= self.queue_bytes
        };
        let taken = items.iter().take_while(fits).count();
        items.truncate(taken);
        let bytes = items.iter().map(|i| i.value.len()).sum();
        let append = Append {
            items: std::mem::take(items),
            bytes,
            answer,
        };
        if taken == 0 {
            // Nothing to wait for: the caller answers `Full`.
            let _ = append.answer.send(Ok(Vec::new()));
            return Ok(0);
        }
        state.waiting.push(append);
        state.waiting_bytes += bytes;
        state.held_bytes += bytes;
        drop(state);
        self.changed.notify_one();
        Ok(taken)
    }

    /// The appends of the next commit; none when closed and empty. Lingers for
    /// as many as `expected`.
    pub(super) fn next_group(&self, expected: usize) -> Option<Vec<Append>> {
        let mut state = self.lock();
        while state.waiting.is_empty() {
            if state.closed {
                return None;
            }
            state = self
                .changed
                .wait(state)
                .unwrap_or_else(PoisonError::into_inner);
        }
        let deadline = Instant::now() + self.linger;
        while state.waiting.len() < expected
            && state.waiting_bytes < self.batch_bytes
            && !state.closed
        {
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                break;
            }
            state = self.wait(state, left);
        }
        let mut bytes = 0;
        let fits = |append: &&Append| {
            bytes += append.bytes;
            bytes <= LARGEST_COMMIT * self.batch_bytes
        };
        let count = state.waiting.iter().take_while(fits).count().max(1);
        let group: Vec<Append> = state.waiting.drain(..count).collect();
        state.waiting_bytes -= group.iter().map(|a| a.bytes).sum::<usize>();
        Some(group)
    }

    /// The commit under way is over: its bytes are free again.
    pub(super) fn release(&self, bytes: usize) {
        self.lock().held_bytes -= bytes;
    }

    /// Takes nothing from now on, until [`Queue::resume`], and refuses what
    /// waits.
    pub(super) fn suspend(&self, reason: String) {
        let mut state = self.lock();
        state.trouble = Some(reason);
        let waiting = std::mem::take(&mut state.waiting);
        state.held_bytes -= std::mem::take(&mut state.waiting_bytes);
        drop(state);
        for append in waiting {
            // A caller that went away has no use for it.
            let _ = append.answer.send(Err(NotCommitted::Reopening));
        }
    }

    pub(super) fn resume(&self) {
        self.lock().trouble = None;
    }

    /// Why nothing is taken now.
    pub(super) fn trouble(&self) -> Option<String> {
        self.lock().trouble.clone()
    }

    pub(super) fn close(&self) {
        self.lock().closed = true;
        self.changed.notify_all();
    }

    /// Whether the queue is closed, now or within `pause`.
    pub(super) fn is_closed_within(&self, pause: Duration) -> bool {
        let deadline = Instant::now() + pause;
        let mut state = self.lock();
        while !state.closed {
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return false;
            }
            state = self.wait(state, left);
        }
        true
    }

    fn wait<'a>(&self, state: MutexGuard<'a, State>, long: Duration) -> MutexGuard<'a, State> {
        let waited = self.changed.wait_timeout(state, long);
        waited.unwrap_or_else(PoisonError::into_inner).0
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // The state is consistent between statements that can panic.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
