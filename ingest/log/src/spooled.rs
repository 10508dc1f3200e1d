//! A log before which records wait on this machine's disk while it is away.

mod aside;
mod bounds;
mod config;
mod drain;
mod frame;
mod identity;
mod primary;
mod spool;
mod watch;

use std::io;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use futures::FutureExt;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

pub use aside::{Aside, AsideError, AsideFile, Retried};
pub use config::SpoolConfig;

use crate::{
    AppendError, EventLog, GroupError, LogId, Member, OpenError, ReadError, Reader, Receipt, Record,
};
use drain::Drain;
use identity::Identity;
use primary::Primary;
use spool::Spool;

/// How long the start waits for a log that was there before.
const OPEN_PATIENCE: Duration = Duration::from_secs(5);
/// How long to wait before the primary is opened again.
const OPEN_PAUSE: Duration = Duration::from_secs(1);

/// The primary log `P`, and a spool for what it does not take.
///
/// A record is [`Receipt::Stored`] when the primary has it, and
/// [`Receipt::Spooled`] when it is synced to the disk of the spool, from where it
/// comes into the primary when that is back: oldest first, without anybody doing
/// anything, also after a restart. Records whose outcome is unknown are spooled too,
/// so that one may come twice; none that was answered is lost while the disk of
/// the spool is there. The order of equal keys is not kept across the spool.
///
/// Everything else, reading and membership, is the primary's. While that was never
/// opened by this process, because it is away, reading is
/// [`ReadError::Unavailable`].
pub struct Spooled<P> {
    primary: Arc<Primary<P>>,
    spool: Arc<Spool>,
    known: Known,
    max_record_bytes: usize,
    patience: Duration,
    calls: TaskTracker,
    tasks: TaskTracker,
    stop: CancellationToken,
    closed: AtomicBool,
}

/// What a primary was that this process has not opened yet.
struct Known {
    id: LogId,
    partitions: u32,
}

/// An append was not answered in time.
#[derive(Debug, thiserror::Error)]
#[error("no answer within the spool's patience")]
struct NoAnswer;

impl<P: EventLog> Spooled<P> {
    /// Opens the spool in the folder of `config` and, with `open`, the primary, which
    /// takes records of at most `max_record_bytes`.
    ///
    /// The first time the primary must be there; later it may come when it can,
    /// and `open` is called until it does.
    ///
    /// # Errors
    ///
    /// [`OpenError::SpoolInUse`] when another process has the folder,
    /// [`OpenError::Storage`] when it cannot be used, and what `open` says when
    /// that cannot be waited for.
    pub async fn open<F, O>(
        config: &SpoolConfig,
        max_record_bytes: usize,
        open: F,
    ) -> Result<Self, OpenError>
    where
        F: Fn() -> O + Send + Sync + 'static,
        O: Future<Output = Result<P, OpenError>> + Send + 'static,
    {
        let folder = config.dir.as_deref().ok_or(OpenError::Setting {
            name: "spool.dir",
            problem: "must name a folder",
        })?;
        let spool = Arc::new(Spool::open(folder, config, max_record_bytes).await?);
        let primary = Arc::new(Primary::new(Box::new(move || open().boxed())));
        let known = know(folder, &primary).await?;
        let spooled = Self {
            primary,
            spool,
            known,
            max_record_bytes,
            patience: config.patience(),
            calls: TaskTracker::new(),
            tasks: TaskTracker::new(),
            stop: CancellationToken::new(),
            closed: AtomicBool::new(false),
        };
        spooled.start();
        Ok(spooled)
    }

    /// Starts what goes on beside the appends.
    fn start(&self) {
        let primary = Arc::clone(&self.primary);
        let folder = self.spool.folder().to_owned();
        self.spawn(async move { reach(&primary, &folder).await });
        let drain = Drain::new(Arc::clone(&self.primary), Arc::clone(&self.spool));
        self.tasks.spawn(drain.run(self.stop.clone()));
        self.spawn(watch::watch(
            Arc::clone(&self.primary),
            Arc::clone(&self.spool),
        ));
    }

    /// Runs the task until it ends or we are closed.
    fn spawn(&self, task: impl Future<Output = ()> + Send + 'static) {
        let stop = self.stop.clone();
        self.tasks.spawn(async move {
            let _ = stop.run_until_cancelled(task).await;
        });
    }

    /// The primary, unless records should go straight to the spool.
    fn live(&self) -> Option<&Arc<P>> {
        // With nothing in the spool nothing probes: then this does.
        let is_probed = self.primary.is_away() && !self.spool.is_empty();
        self.primary.reachable().filter(|_| !is_probed)
    }

    /// Waits for the primary, and for no longer than is reasonable; spools what it
    /// has not taken.
    async fn send(&self, log: &P, records: Vec<Record>) -> Vec<Result<Receipt, AppendError>> {
        let waiting = self.primary.wait();
        let sent = tokio::time::timeout(self.patience, log.append(records.clone())).await;
        drop(waiting);
        let mut answers = sent.unwrap_or_else(|_| {
            let unknown = |_: &Record| Err(AppendError::Unknown(NoAnswer.into()));
            records.iter().map(unknown).collect()
        });
        let is_open = |answer: &Result<Receipt, AppendError>| {
            answer.as_ref().is_err_and(AppendError::is_retryable)
        };
        if answers
            .iter()
            .any(|answer| answer.as_ref().is_err_and(is_failure))
        {
            self.primary.failed();
        } else if answers.iter().any(Result::is_ok) {
            self.primary.answered();
        }
        let open: Vec<usize> = (0..answers.len())
            .filter(|n| is_open(&answers[*n]))
            .collect();
        if open.is_empty() {
            return answers;
        }
        let rest = open.iter().map(|n| records[*n].clone()).collect();
        drop(records);
        let spooled = self.keep(rest).await;
        for (n, spooled) in open.into_iter().zip(spooled) {
            answers[n] = settle(
                std::mem::replace(&mut answers[n], Err(AppendError::Full)),
                spooled,
            );
        }
        answers
    }

    /// Puts the records into the spool, but for those that the primary never takes.
    async fn keep(&self, records: Vec<Record>) -> Vec<Result<Receipt, AppendError>> {
        let limit = self.max_record_bytes;
        let sizes: Vec<_> = records.iter().map(Record::size).collect();
        let kept = records.into_iter().filter(|record| record.size() <= limit);
        let mut spooled = self.spool.take(kept.collect()).await.into_iter();
        let answer = |size| match size {
            size if size > limit => Err(AppendError::TooLarge { size, limit }),
            // One answer for each.
            _ => spooled.next().unwrap_or(Err(AppendError::Full)),
        };
        sizes.into_iter().map(answer).collect()
    }
}

/// Whether the error says that the primary does not work, and not only that it is
/// asked too much or for the impossible.
fn is_failure(error: &AppendError) -> bool {
    matches!(error, AppendError::Refused(_) | AppendError::Unknown(_))
}

/// The answer for a record that the primary did not take and then the spool may have
/// taken.
fn settle(
    sent: Result<Receipt, AppendError>,
    spooled: Result<Receipt, AppendError>,
) -> Result<Receipt, AppendError> {
    match (sent, spooled) {
        (_, Ok(receipt)) => Ok(receipt),
        // The primary takes it as little.
        (_, Err(never)) if !never.is_retryable() => Err(never),
        // It may still arrive, whatever the spool says.
        (Err(unknown), Err(_)) if unknown.may_still_arrive() => Err(unknown),
        (_, Err(error)) => Err(error),
    }
}

/// Opens the primary or, if it was open before, finds out what it was.
async fn know<P: EventLog>(folder: &Path, primary: &Primary<P>) -> Result<Known, OpenError> {
    let storage = |e: io::Error| OpenError::Storage {
        path: folder.to_owned(),
        source: e.into(),
    };
    let remembered = Identity::read(folder).map_err(storage)?;
    let Some(remembered) = remembered else {
        let log = primary.open().await?;
        Identity::of(&*log).write(folder).map_err(storage)?;
        return Ok(Known {
            id: log.id().clone(),
            partitions: log.partitions(),
        });
    };
    match tokio::time::timeout(OPEN_PATIENCE, primary.open()).await {
        Ok(Err(error)) if !error.is_retryable() => return Err(error),
        Ok(Ok(_)) => {}
        Ok(Err(_)) | Err(_) => {
            let reason = primary.trouble().unwrap_or_default();
            tracing::warn!(
                reason,
                "the log is away: events go to the spool until it is there"
            );
        }
    }
    Ok(Known {
        id: remembered.log_id(),
        partitions: remembered.partitions,
    })
}

/// Opens the primary, however long it takes, and remembers it.
async fn reach<P: EventLog>(primary: &Primary<P>, folder: &Path) {
    let log = loop {
        match primary.open().await {
            Ok(log) => break log,
            Err(error) => {
                let error = &error as &dyn std::error::Error;
                tracing::debug!(error, "the log cannot be opened yet");
            }
        }
        tokio::time::sleep(OPEN_PAUSE).await;
    };
    let found = Identity::of(&*log);
    match Identity::read(folder) {
        Ok(Some(known)) if known == found => return,
        Ok(Some(known)) if known.log_id() != found.log_id() => tracing::warn!(
            was = %known.log_id(),
            log.id = %found.log_id(),
            "the log is another one than before: what is in the spool goes there"
        ),
        _ => {}
    }
    if let Err(error) = found.write(folder) {
        tracing::warn!(%error, "the spool could not note which log it stands before");
    }
}

#[async_trait]
impl<P: EventLog> EventLog for Spooled<P> {
    fn id(&self) -> &LogId {
        self.primary.log().map_or(&self.known.id, |log| log.id())
    }

    fn partitions(&self) -> u32 {
        let log = self.primary.log();
        log.map_or(self.known.partitions, |log| log.partitions())
    }

    fn max_record_bytes(&self) -> usize {
        self.max_record_bytes
    }

    async fn append(&self, records: Vec<Record>) -> Vec<Result<Receipt, AppendError>> {
        // Before the check: `close` waits for every token taken before it.
        let _call = self.calls.token();
        if self.closed.load(Ordering::SeqCst) {
            return records.iter().map(|_| Err(AppendError::Closed)).collect();
        }
        match self.live() {
            Some(log) => self.send(log, records).await,
            None => self.keep(records).await,
        }
    }

    async fn read(&self, partition: u32, from: u64) -> Result<Box<dyn Reader>, ReadError> {
        self.primary.opened()?.read(partition, from).await
    }

    async fn read_headers(&self, partition: u32, from: u64) -> Result<Box<dyn Reader>, ReadError> {
        self.primary.opened()?.read_headers(partition, from).await
    }

    async fn head(&self, partition: u32) -> Result<u64, ReadError> {
        self.primary.opened()?.head(partition).await
    }

    async fn tail(&self, partition: u32) -> Result<u64, ReadError> {
        self.primary.opened()?.tail(partition).await
    }

    async fn join(&self) -> Result<Box<dyn Member>, GroupError> {
        let log = self
            .primary
            .opened()
            .map_err(|e| GroupError::Join(e.into()))?;
        log.join().await
    }

    /// `None` as long as new records are taken somewhere.
    fn trouble(&self) -> Option<String> {
        if self.live().is_some() {
            return None;
        }
        let spool = self.spool.trouble()?;
        let primary = self.primary.trouble().unwrap_or_default();
        Some(format!("{primary}, and {spool}"))
    }

    fn backlog(&self) -> Option<String> {
        let away = self.primary.trouble();
        if self.spool.is_empty() {
            return away.map(|why| format!("{why}: events go to the spool"));
        }
        let why = away.unwrap_or_else(|| "the spool is being emptied".to_owned());
        let held = self.spool.held();
        let seconds = held.age(spool::now()).as_secs();
        Some(format!(
            "{why}: {} wait in the spool, the oldest for {seconds} s",
            held.records
        ))
    }

    /// As ever; what is in the spool stays there for the next start.
    async fn close(&self) {
        self.closed.store(true, Ordering::SeqCst);
        self.calls.close();
        self.calls.wait().await;
        self.stop.cancel();
        self.tasks.close();
        self.tasks.wait().await;
        self.spool.close().await;
        // Before the primary, which may take its time while it is away.
        if !self.spool.is_empty() {
            let held = self.spool.held();
            tracing::warn!(
                records = held.records,
                size_bytes = held.bytes,
                folder = %self.spool.folder().display(),
                "events stay in the spool: the next start sends them on"
            );
        }
        if let Some(log) = self.primary.log() {
            log.close().await;
        }
    }
}

impl<P> Drop for Spooled<P> {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

#[cfg(test)]
mod tests;
