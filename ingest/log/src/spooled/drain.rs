//! Emptying the spool into the primary, oldest first and one batch at a time.
//!
//! It is also the probe that finds the primary back: while that is away nobody
//! else asks it. An entry goes only when the primary has acknowledged all of its
//! records; what was sent twice meanwhile deduplication takes out.

use std::collections::VecDeque;
use std::error::Error;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::aside::Aside;
use super::frame;
use super::primary::Primary;
use super::spool::Spool;
use crate::{AppendError, EventLog, ReadError, Record};

/// How long to wait after a failure, doubling from one to the next.
const FIRST_PAUSE: Duration = Duration::from_millis(100);
const LONGEST_PAUSE: Duration = Duration::from_secs(2);
/// How long a batch under way may take once we are to stop: what is answered is not
/// sent again.
const GRACE: Duration = Duration::from_millis(500);
/// How often to look whether the primary can be reached.
const LOOK: Duration = Duration::from_millis(100);
/// The longest rest after a batch while live traffic waits.
const LONGEST_REST: Duration = Duration::from_millis(250);
/// Bytes of records sent at once: little beside what live traffic may have under way,
/// more while there is none.
const BATCH: usize = 1 << 20;
const IDLE_BATCH: usize = 4 << 20;
/// Compressed bytes read at a time.
const READ: usize = 256 << 10;

/// Why nothing went out of the spool.
#[derive(Debug, thiserror::Error)]
enum DrainError {
    #[error("the spool cannot be read")]
    Read(#[source] ReadError),
    #[error("the log does not take records of the spool")]
    Append(#[source] AppendError),
    #[error("an entry of the spool cannot be sent and cannot be set aside")]
    SetAside(#[source] io::Error),
}

pub(super) struct Drain<P> {
    primary: Arc<Primary<P>>,
    spool: Arc<Spool>,
    aside: Aside,
    /// Read and not yet looked at.
    entries: VecDeque<(u64, Bytes)>,
    batch: Batch,
}

/// Entries under way together.
#[derive(Default)]
struct Batch {
    /// What the primary has not acknowledged yet, with the position of its entry.
    open: Vec<(u64, Record)>,
    /// The first position above its entries.
    end: u64,
    /// Compressed bytes and records of its entries.
    bytes: u64,
    records: u64,
    /// When the last of them was spooled.
    at: Option<u64>,
}

impl<P: EventLog> Drain<P> {
    pub(super) fn new(primary: Arc<Primary<P>>, spool: Arc<Spool>) -> Self {
        let batch = Batch {
            end: spool.head(),
            ..Batch::default()
        };
        Self {
            primary,
            aside: Aside::below(spool.folder()),
            spool,
            entries: VecDeque::new(),
            batch,
        }
    }

    /// Goes on until `stop`. What is not acknowledged then stays in the spool.
    pub(super) async fn run(mut self, stop: CancellationToken) {
        let mut pause = FIRST_PAUSE;
        while let Some(log) = stop.run_until_cancelled(self.turn()).await {
            let began = Instant::now();
            let late = async {
                stop.cancelled().await;
                tokio::time::sleep(GRACE).await;
            };
            let stepped = tokio::select! {
                stepped = self.step(&*log) => stepped,
                () = late => return,
            };
            let rest = match stepped {
                Ok(()) => {
                    pause = FIRST_PAUSE;
                    // Half of the time is theirs alone who wait.
                    let theirs = began.elapsed().min(LONGEST_REST);
                    if self.primary.is_waited_for() {
                        theirs
                    } else {
                        Duration::ZERO
                    }
                }
                Err(error) => {
                    if pause == FIRST_PAUSE {
                        let error = &error as &dyn Error;
                        tracing::warn!(error, "the spool waits");
                    }
                    let now = pause;
                    pause = (2 * pause).min(LONGEST_PAUSE);
                    now
                }
            };
            let _ = stop.run_until_cancelled(tokio::time::sleep(rest)).await;
        }
    }

    /// Waits until there is something to send and the primary may take it.
    async fn turn(&self) -> Arc<P> {
        if self.batch.open.is_empty() {
            self.spool.wait_for(self.batch.end).await;
        }
        loop {
            match self.primary.reachable() {
                Some(log) => return Arc::clone(log),
                None => tokio::time::sleep(LOOK).await,
            }
        }
    }

    /// Sends one batch, or what is left of one.
    async fn step(&mut self, log: &P) -> Result<(), DrainError> {
        if self.batch.open.is_empty() {
            self.gather().await?;
        }
        let records = self.batch.open.iter().map(|(_, record)| record.clone());
        let answers = if self.batch.open.is_empty() {
            // Nothing of the entries could be read.
            Vec::new()
        } else {
            log.append(records.collect()).await
        };
        let open = std::mem::take(&mut self.batch.open);
        let mut sent = 0;
        let mut failed = None;
        let mut refused = Vec::new();
        for ((at, record), answer) in open.into_iter().zip(answers) {
            match answer {
                Ok(_) => sent += 1,
                Err(error) if error.is_retryable() => {
                    failed.get_or_insert(error);
                    self.batch.open.push((at, record));
                }
                Err(error) => refused.push((at, record, error)),
            }
        }
        if sent > 0 {
            self.primary.answered();
            metrics::counter!("chalkline_spool_drained_records_total").increment(sent);
        }
        let mut not_aside = None;
        for (at, record, error) in refused {
            if let Err(error) = told(self.aside.keep_record(at, &record), &error) {
                // It is refused again, and then the disk may take it.
                self.batch.open.push((at, record));
                not_aside = Some(error);
            }
        }
        match (failed, not_aside) {
            (Some(error), _) => Err(DrainError::Append(error)),
            (None, Some(error)) => Err(DrainError::SetAside(error)),
            (None, None) => {
                self.remove().await;
                Ok(())
            }
        }
    }

    /// Takes entries into the batch: one while the primary is away, which is enough
    /// to find out, else as many as make a batch.
    async fn gather(&mut self) -> Result<(), DrainError> {
        let is_idle = !self.primary.is_waited_for();
        let enough = if is_idle { IDLE_BATCH } else { BATCH };
        let mut size = 0;
        while size < enough {
            if self.entries.is_empty() {
                let read = self.spool.read(self.batch.end, READ).await;
                self.entries.extend(read.map_err(DrainError::Read)?);
            }
            let Some((at, entry)) = self.entries.front() else {
                return Ok(());
            };
            let at = *at;
            match frame::decode(entry) {
                Ok(records) => {
                    self.batch.at = frame::header(entry).ok().map(|header| header.at);
                    self.batch.records += records.len() as u64;
                    size += records.iter().map(Record::size).sum::<usize>();
                    let records = records.into_iter().map(|record| (at, record));
                    self.batch.open.extend(records);
                }
                Err(error) => {
                    let kept = told(self.aside.keep_entry(at, entry), &error);
                    kept.map_err(DrainError::SetAside)?;
                }
            }
            self.batch.bytes += entry.len() as u64;
            self.batch.end = at + 1;
            self.entries.pop_front();
            if self.primary.is_away() {
                return Ok(());
            }
        }
        Ok(())
    }

    /// Everything of the batch is acknowledged or set aside.
    async fn remove(&mut self) {
        let end = self.batch.end;
        let done = std::mem::replace(
            &mut self.batch,
            Batch {
                end,
                ..Batch::default()
            },
        );
        let removed = self
            .spool
            .remove(end, done.bytes, done.records, done.at)
            .await;
        if let Err(error) = removed {
            // After a restart some of it is sent again.
            let error = &error as &dyn Error;
            tracing::warn!(error, "the room of what left the spool is not free yet");
        }
    }
}

/// Says that something is kept in a file because it cannot be sent.
fn told(kept: io::Result<PathBuf>, why: &(dyn Error + 'static)) -> io::Result<()> {
    let path = kept?;
    metrics::counter!("chalkline_spool_set_aside_total").increment(1);
    let path = path.display();
    tracing::error!(error = why, %path, "events of the spool cannot be sent: they are kept in this file");
    Ok(())
}
