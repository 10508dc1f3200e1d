//! Group commit: concurrent appends share one write and one sync.
//!
//! A thread of its own takes what is queued, gives positions, commits, answers.
//! While it waits for the disk the next group gathers; it lingers only when
//! fewer appends are queued than the last commit answered, because those
//! senders are likely to be back in a moment.
//!
//! A commit that fails, because the disk is full for example, ends the database
//! but not the log: the thread refuses what comes until it could open it anew.

use std::error::Error;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

use tokio::sync::{oneshot, watch};

use super::EmbeddedConfig;
use super::database::NewEntry;
use super::queue::{Answer, Append, Item, NotCommitted, NotQueued, Queue};
use super::store::Store;
use crate::{AppendError, Cause, Position};

/// How long to wait before the database is opened anew, doubling from try to try.
const FIRST_PAUSE: Duration = Duration::from_millis(100);
const LONGEST_PAUSE: Duration = Duration::from_secs(10);

pub(super) struct Committer {
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
}

struct Shared {
    queue: Queue,
    finished: watch::Sender<bool>,
}

#[derive(Debug, thiserror::Error)]
#[error("the commit thread ended without an answer")]
struct NoAnswer;

impl Committer {
    pub(super) fn start(store: Arc<Store>, config: &EmbeddedConfig) -> Result<Self, Cause> {
        let shared = Arc::new(Shared {
            queue: Queue::new(config),
            finished: watch::Sender::new(false),
        });
        let thread = std::thread::Builder::new()
            .name("eventlog-commit".into())
            .spawn({
                let shared = Arc::clone(&shared);
                move || {
                    // Also when a panic unwinds: `close` must not wait for ever.
                    let _finished = Finished(&shared);
                    run(&shared.queue, &store);
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
        let taken = match self.shared.queue.enqueue(&mut items, answer) {
            Ok(taken) => taken,
            Err(NotQueued::Closed) => {
                return (0..asked).map(|_| Err(AppendError::Closed)).collect();
            }
            Err(NotQueued::Reopening) => {
                let refused = || NotCommitted::Reopening.into_append_error();
                return (0..asked).map(|_| Err(refused())).collect();
            }
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

    /// Why nothing is committed now.
    pub(super) fn trouble(&self) -> Option<String> {
        self.shared.queue.trouble()
    }

    /// Refuses what comes from now on and waits for the rest.
    pub(super) async fn close(&self) {
        self.shared.queue.close();
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
        self.shared.queue.close();
        if let Some(thread) = self.thread.take() {
            // A panic there was reported by the panic hook already.
            let _ = thread.join();
        }
    }
}

struct Finished<'a>(&'a Shared);

impl Drop for Finished<'_> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            let reason = "the thread that commits has failed: start the process again";
            self.0.queue.suspend(reason.to_owned());
        }
        self.0.queue.close();
        self.0.finished.send_replace(true);
    }
}

fn run(queue: &Queue, store: &Store) {
    let mut tails = store.tails();
    let mut expected = 1;
    while let Some(group) = queue.next_group(expected) {
        expected = group.len();
        let bytes: usize = group.iter().map(|a| a.bytes).sum();
        let (entries, mut answers) = give_positions(&mut tails, group);
        let failed = store.commit(entries, &tails).err().map(Arc::new);
        if let Some(error) = &failed {
            tracing::error!(
                error = &**error as &dyn Error,
                "the embedded log could not commit"
            );
            // Before the answers: whoever has one sees why.
            queue.suspend(format!("cannot write: {}", chain(&**error)));
            for (_, answer) in &mut answers {
                *answer = Err(judge(error));
            }
        }
        // Before the answers: whoever has one finds the room free.
        queue.release(bytes);
        for (to, answer) in answers {
            // A caller that went away has no use for it.
            let _ = to.send(answer);
        }
        if failed.is_some() {
            if !heal(queue, store) {
                return;
            }
            tails = store.tails();
        }
    }
}

/// Gives each record the next position of its partition; what to store, and
/// what to answer to whom when it is stored.
fn give_positions(
    tails: &mut [u64],
    group: Vec<Append>,
) -> (Vec<NewEntry>, Vec<(oneshot::Sender<Answer>, Answer)>) {
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
    (entries, answers)
}

/// What a failed commit means to those whose records were in it.
fn judge(error: &Arc<fjall::Error>) -> NotCommitted {
    match **error {
        // Said before anything is written, because something failed earlier.
        fjall::Error::Poisoned => NotCommitted::Unwritten(Arc::clone(error)),
        // A journal that is written but not synced counts when it is read again.
        _ => NotCommitted::Unclear(Arc::clone(error)),
    }
}

/// Opens the database anew, as soon as that works; false if the log is closed
/// before.
fn heal(queue: &Queue, store: &Store) -> bool {
    let mut pause = FIRST_PAUSE;
    while !queue.is_closed_within(pause) {
        match store.reopen() {
            Ok(()) => {
                queue.resume();
                tracing::info!("the embedded log takes records again");
                return true;
            }
            Err(error) => {
                tracing::warn!(
                    error = &error as &dyn Error,
                    "the embedded log waits for its disk"
                );
                queue.suspend(format!("cannot be opened again: {}", chain(&error)));
            }
        }
        pause = (2 * pause).min(LONGEST_PAUSE);
    }
    false
}

/// An error with its sources, in one line.
fn chain(error: &dyn Error) -> String {
    let mut all = error.to_string();
    let mut next = error.source();
    while let Some(source) = next {
        all += &format!(": {source}");
        next = source.source();
    }
    all
}

#[cfg(test)]
mod tests {
    use std::io;

    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case(fjall::Error::Poisoned, false)]
    #[case(fjall::Error::Io(io::ErrorKind::StorageFull.into()), true)]
    #[case(fjall::Error::Io(io::ErrorKind::FileTooLarge.into()), true)]
    #[case(fjall::Error::InvalidTrailer, true)]
    fn only_what_was_never_written_is_refused(
        #[case] error: fjall::Error,
        #[case] may_still_arrive: bool,
    ) {
        let error = judge(&Arc::new(error)).into_append_error();
        assert_eq!(error.may_still_arrive(), may_still_arrive, "{error:?}");
        assert!(error.is_retryable());
    }

    fn item(size: usize) -> Vec<Item> {
        vec![Item {
            partition: 0,
            value: vec![0; size],
        }]
    }

    #[test]
    fn while_the_log_is_reopened_nothing_waits() {
        let queue = Queue::new(&EmbeddedConfig::new("unused"));
        let (answer, mut answered) = oneshot::channel();
        assert!(queue.enqueue(&mut item(10), answer).is_ok());

        queue.suspend("cannot write".to_owned());
        assert_eq!(queue.trouble().as_deref(), Some("cannot write"));
        let answer = answered.try_recv().expect("answered at once");
        assert!(matches!(answer, Err(NotCommitted::Reopening)), "{answer:?}");
        let (answer, _answered) = oneshot::channel();
        let refused = queue.enqueue(&mut item(10), answer);
        assert!(matches!(refused, Err(NotQueued::Reopening)));

        queue.resume();
        assert_eq!(queue.trouble(), None);
        // All the room is free again.
        let (answer, _answered) = oneshot::channel();
        assert!(matches!(queue.enqueue(&mut item(64 << 20), answer), Ok(1)));
    }

    #[test]
    fn closing_ends_the_wait_for_the_next_try() {
        let queue = Queue::new(&EmbeddedConfig::new("unused"));
        assert!(!queue.is_closed_within(Duration::ZERO));
        queue.close();
        assert!(queue.is_closed_within(Duration::from_secs(3600)));
    }
}
