//! Group commit: concurrent appends share one write and one sync.
//!
//! A thread of its own takes what is queued, gives positions, commits, answers.
//! While it waits for the disk the next group gathers; it lingers only when
//! fewer appends are queued than the last commit answered, because those
//! senders are likely to be back in a moment.

use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use tokio::sync::{oneshot, watch};

use super::EmbeddedConfig;
use super::store::{NewEntry, Store};
use crate::{AppendError, Cause, Position};

/// One commit takes at most this many times `batch_bytes`.
const LARGEST_COMMIT: usize = 8;

/// A record on its way to the disk.
pub(super) struct Item {
    pub(super) partition: u32,
    pub(super) value: Vec<u8>,
}

pub(super) struct Committer {
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
}

struct Shared {
    queue: Mutex<Queue>,
    arrived: Condvar,
    finished: watch::Sender<bool>,
    linger: Duration,
    batch_bytes: usize,
    queue_bytes: usize,
}

#[derive(Default)]
struct Queue {
    waiting: Vec<Append>,
    /// Bytes of `waiting`.
    waiting_bytes: usize,
    /// Bytes of `waiting` and of the commit under way.
    held_bytes: usize,
    closed: bool,
}

/// One call's records and where its answer goes.
struct Append {
    items: Vec<Item>,
    bytes: usize,
    answer: oneshot::Sender<Answer>,
}

type Answer = Result<Vec<Position>, CommitError>;

/// A commit that failed, shared by all it carried.
#[derive(Debug, Clone, thiserror::Error)]
#[error("the commit failed")]
struct CommitError {
    /// Nothing of it can have reached the disk.
    refused: bool,
    #[source]
    source: Arc<fjall::Error>,
}

impl CommitError {
    fn into_append_error(self) -> AppendError {
        if self.refused {
            AppendError::Refused(self.into())
        } else {
            AppendError::Unknown(self.into())
        }
    }
}

#[derive(Debug, thiserror::Error)]
#[error("the commit thread ended without an answer")]
struct NoAnswer;

impl Committer {
    pub(super) fn start(store: Arc<Store>, config: &EmbeddedConfig) -> Result<Self, Cause> {
        let shared = Arc::new(Shared {
            queue: Mutex::default(),
            arrived: Condvar::new(),
            finished: watch::Sender::new(false),
            linger: config.linger,
            batch_bytes: config.batch_bytes,
            queue_bytes: config.queue_bytes,
        });
        let thread = std::thread::Builder::new()
            .name("eventlog-commit".into())
            .spawn({
                let shared = Arc::clone(&shared);
                move || {
                    // Also when a panic unwinds: `close` must not wait for ever.
                    let _finished = Finished(&shared);
                    shared.run(&store);
                }
            })?;
        Ok(Self {
            shared,
            thread: Some(thread),
        })
    }

    /// Commits the items and answers each in order.
    pub(super) async fn commit(&self, mut items: Vec<Item>) -> Vec<Result<Position, AppendError>> {
        let asked = items.len();
        if asked == 0 {
            return Vec::new();
        }
        let (answer, answered) = oneshot::channel();
        let taken = match self.shared.enqueue(&mut items, answer) {
            Ok(taken) => taken,
            Err(Closed) => return (0..asked).map(|_| Err(AppendError::Closed)).collect(),
        };
        let mut answers: Vec<_> = match answered.await {
            Ok(Ok(positions)) => positions.into_iter().map(Ok).collect(),
            Ok(Err(failed)) => (0..taken)
                .map(|_| Err(failed.clone().into_append_error()))
                .collect(),
            Err(_) => (0..taken)
                .map(|_| Err(AppendError::Unknown(NoAnswer.into())))
                .collect(),
        };
        answers.resize_with(asked, || Err(AppendError::Full));
        answers
    }

    /// Refuses what comes from now on and waits for the rest.
    pub(super) async fn close(&self) {
        self.shared.close();
        // The sender lives in `shared`, so this cannot fail.
        let _ = self
            .shared
            .finished
            .subscribe()
            .wait_for(|finished| *finished)
            .await;
    }
}

impl Drop for Committer {
    fn drop(&mut self) {
        self.shared.close();
        if let Some(thread) = self.thread.take() {
            // A panic there was reported by the panic hook already.
            let _ = thread.join();
        }
    }
}

struct Finished<'a>(&'a Shared);

impl Drop for Finished<'_> {
    fn drop(&mut self) {
        let abandoned = {
            let mut queue = self.0.lock();
            queue.closed = true;
            std::mem::take(&mut queue.waiting)
        };
        drop(abandoned);
        self.0.finished.send_replace(true);
    }
}

struct Closed;

impl Shared {
    /// Takes as many leading items as the queue has room for.
    fn enqueue(
        &self,
        items: &mut Vec<Item>,
        answer: oneshot::Sender<Answer>,
    ) -> Result<usize, Closed> {
        let mut queue = self.lock();
        if queue.closed {
            return Err(Closed);
        }
        let mut bytes = 0;
        let fits = |item: &&Item| {
            bytes += item.value.len();
            queue.held_bytes + bytes <= self.queue_bytes
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
        queue.waiting.push(append);
        queue.waiting_bytes += bytes;
        queue.held_bytes += bytes;
        drop(queue);
        self.arrived.notify_one();
        Ok(taken)
    }

    fn run(&self, store: &Store) {
        let mut tails: Vec<u64> = (0..store.partitions()).map(|p| store.tail(p)).collect();
        let mut expected = 1;
        while let Some(group) = self.next_group(expected) {
            expected = group.len();
            let bytes: usize = group.iter().map(|a| a.bytes).sum();
            let answers = commit_group(store, &mut tails, group);
            // Before the answers: whoever has one finds the room free.
            self.lock().held_bytes -= bytes;
            for (to, answer) in answers {
                // A caller that went away has no use for it.
                let _ = to.send(answer);
            }
        }
    }

    /// The appends of the next commit; none when closed and empty.
    fn next_group(&self, expected: usize) -> Option<Vec<Append>> {
        let mut queue = self.lock();
        while queue.waiting.is_empty() {
            if queue.closed {
                return None;
            }
            queue = self
                .arrived
                .wait(queue)
                .unwrap_or_else(PoisonError::into_inner);
        }
        let deadline = Instant::now() + self.linger;
        while queue.waiting.len() < expected
            && queue.waiting_bytes < self.batch_bytes
            && !queue.closed
        {
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                break;
            }
            queue = self
                .arrived
                .wait_timeout(queue, left)
                .unwrap_or_else(PoisonError::into_inner)
                .0;
        }
        let mut bytes = 0;
        let fits = |append: &&Append| {
            bytes += append.bytes;
            bytes <= LARGEST_COMMIT * self.batch_bytes
        };
        let count = queue.waiting.iter().take_while(fits).count().max(1);
        let group: Vec<Append> = queue.waiting.drain(..count).collect();
        queue.waiting_bytes -= group.iter().map(|a| a.bytes).sum::<usize>();
        Some(group)
    }

    fn close(&self) {
        self.lock().closed = true;
        self.arrived.notify_all();
    }

    fn lock(&self) -> MutexGuard<'_, Queue> {
        // The queue is consistent between statements that can panic.
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Gives positions, commits, and returns what to answer to whom.
fn commit_group(
    store: &Store,
    tails: &mut [u64],
    group: Vec<Append>,
) -> Vec<(oneshot::Sender<Answer>, Answer)> {
    let mut entries = Vec::with_capacity(group.iter().map(|a| a.items.len()).sum());
    let mut answers = Vec::with_capacity(group.len());
    for append in group {
        let mut positions = Vec::with_capacity(append.items.len());
        for Item { partition, value } in append.items {
            let tail = &mut tails[partition as usize];
            let offset = *tail;
            positions.push(Position { partition, offset });
            entries.push(NewEntry {
                partition,
                offset,
                value,
            });
            *tail += 1;
        }
        answers.push((append.answer, Ok(positions)));
    }
    // After a failure the positions stay used: the entries may be on disk.
    if let Err(source) = store.commit(entries, tails) {
        tracing::error!(error = %source, "the embedded log could not commit; it takes nothing more until it is opened again");
        let failed = CommitError {
            refused: matches!(source, fjall::Error::Poisoned),
            source: Arc::new(source),
        };
        for (_, answer) in &mut answers {
            *answer = Err(failed.clone());
        }
    }
    answers
}
