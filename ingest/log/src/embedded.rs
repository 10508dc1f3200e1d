//! The log in a folder of this machine, on fjall.

mod commit;
mod database;
mod disk;
mod heads;
mod queue;
mod read;
mod store;

use std::ops::Range;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;

use crate::{
    AppendError, EventLog, LogId, OpenError, Position, ReadError, Reader, Receipt, Record,
    TruncateError, encode, partition_for,
};
use commit::Committer;
use queue::Item;
use read::{Closed, EmbeddedReader};
use store::Store;

/// How long a look-up waits for a database that is being opened again.
const LOOKUP_TIMEOUT: Duration = Duration::from_secs(5);

/// Where an [`EmbeddedLog`] lies and how it groups its commits.
#[derive(Debug, Clone)]
pub struct EmbeddedConfig {
    /// The folder, made if absent; one process at a time.
    pub path: PathBuf,
    /// Partitions; may be raised later (keys then move), never lowered.
    pub partitions: u32,
    /// How long a commit waits for the appends it expects.
    pub linger: Duration,
    /// A commit of this many bytes waits no longer.
    pub batch_bytes: usize,
    /// Bytes that may wait to be committed; beyond it [`AppendError::Full`].
    pub queue_bytes: usize,
    /// Bytes of the largest record taken.
    pub max_record_bytes: usize,
}

impl EmbeddedConfig {
    /// Eight partitions in `path`, commits of at most 2 ms or 1 MiB, a queue of
    /// 64 MiB, records of at most 1,000,000 bytes.
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self {
            path: path.into(),
            partitions: 8,
            linger: Duration::from_millis(2),
            batch_bytes: 1 << 20,
            queue_bytes: 64 << 20,
            max_record_bytes: 1_000_000,
        }
    }
}

/// A log in a local folder: durable means synced to its disk.
///
/// Concurrent appends share one commit and one sync. An acknowledged record
/// survives `kill -9` and power loss, and its position is never given again.
/// Nothing is dropped by itself: the folder grows with what is appended, until
/// [`EmbeddedLog::truncate`].
///
/// After a commit that failed (the disk is full, a write or sync failed) the
/// log takes nothing, says so in [`EventLog::trouble`], and opens its database
/// again until that works. Readers stay, and go on. Records of the failed commit
/// are [`AppendError::Unknown`].
pub struct EmbeddedLog {
    store: Arc<Store>,
    committer: Committer,
    max_record_bytes: usize,
}

impl EmbeddedLog {
    /// Opens the log, or makes it with a new [`LogId`].
    ///
    /// # Errors
    ///
    /// [`OpenError::InUse`] when another process has it,
    /// [`OpenError::FewerPartitions`] when it has more partitions than asked
    /// for, [`OpenError::Storage`] when the folder cannot be used.
    pub async fn open(config: EmbeddedConfig) -> Result<Self, OpenError> {
        if config.partitions == 0 {
            return Err(OpenError::Setting {
                name: "partitions",
                problem: "must be at least 1",
            });
        }
        if config.queue_bytes < config.max_record_bytes {
            return Err(OpenError::Setting {
                name: "queue_bytes",
                problem: "must be at least max_record_bytes",
            });
        }
        let path = config.path.clone();
        let opened = tokio::task::spawn_blocking(move || {
            let store = Arc::new(Store::open(&config.path, config.partitions)?);
            let committer =
                Committer::start(Arc::clone(&store), &config).map_err(|e| OpenError::Storage {
                    path: config.path.clone(),
                    source: e,
                })?;
            Ok(Self {
                store,
                committer,
                max_record_bytes: config.max_record_bytes,
            })
        });
        opened.await.unwrap_or_else(|e| {
            Err(OpenError::Storage {
                path,
                source: e.into(),
            })
        })
    }

    /// Gives up the records of `partition` below `before`, which becomes its
    /// head, durably. Readers below it get [`ReadError::Truncated`]; positions are
    /// not given again, also when none is left.
    ///
    /// The disk gets its room back in tables of some MiB, once nothing above
    /// `before` stands in them; of a partition of which nothing is left at most
    /// a journal (64 MiB) remains. When this fails, or the room is not free yet,
    /// calling it again goes on.
    ///
    /// # Errors
    ///
    /// [`TruncateError`]; of its variants only `Storage` leaves it open whether the
    /// records are gone.
    pub async fn truncate(&self, partition: u32, before: u64) -> Result<(), TruncateError> {
        if partition >= self.partitions() {
            return Err(TruncateError::NoPartition(partition));
        }
        let tail = self.store.tail(partition);
        if before > tail {
            return Err(TruncateError::BeyondTail {
                partition,
                before,
                tail,
            });
        }
        let store = Arc::clone(&self.store);
        let truncated = tokio::task::spawn_blocking(move || store.truncate(partition, before));
        let truncated = truncated
            .await
            .map_err(|e| TruncateError::Storage(e.into()))?;
        truncated.map_err(TruncateError::Storage)
    }

    /// Appends the values as they are, without key or headers.
    pub(crate) async fn append_values(
        &self,
        partition: u32,
        values: Vec<Vec<u8>>,
    ) -> Vec<Result<Position, AppendError>> {
        let items = values.into_iter().map(|value| Item { partition, value });
        self.committer.commit(items.collect()).await
    }

    /// The values from `from` on with their positions, at most about `max_bytes`
    /// of them but one at least; none at the tail.
    pub(crate) async fn values(
        &self,
        partition: u32,
        from: u64,
        max_bytes: usize,
    ) -> Result<Vec<(u64, Bytes)>, ReadError> {
        let positions = from..self.store.tail(partition);
        let database = tokio::time::timeout(LOOKUP_TIMEOUT, self.store.database()).await;
        let database = database.map_err(|_| ReadError::Unavailable(Closed.into()))?;
        let values = tokio::task::spawn_blocking(move || {
            let values = read::values(&database, partition, positions, max_bytes)?;
            let values = values.into_iter();
            Ok(values
                .map(|(at, value)| (at, Bytes::copy_from_slice(&value)))
                .collect())
        });
        values.await.map_err(|e| ReadError::Unavailable(e.into()))?
    }

    /// From the head of the partition to its tail, without asking the disk.
    pub(crate) fn extent(&self, partition: u32) -> Range<u64> {
        // In this order: the head is never above a tail that is read later.
        let head = self.store.head(partition);
        head..self.store.tail(partition)
    }

    /// Waits until the tail of the partition is above `at`.
    pub(crate) async fn wait_beyond(&self, partition: u32, at: u64) {
        let mut tail = self.store.watch_tail(partition);
        // The store holds the sender.
        let _ = tail.wait_for(|tail| *tail > at).await;
    }

    fn check_partition(&self, partition: u32) -> Result<(), ReadError> {
        if partition < self.partitions() {
            Ok(())
        } else {
            Err(ReadError::NoPartition(partition))
        }
    }
}

#[async_trait]
impl EventLog for EmbeddedLog {
    fn id(&self) -> &LogId {
        self.store.id()
    }

    fn partitions(&self) -> u32 {
        self.store.partitions()
    }

    fn max_record_bytes(&self) -> usize {
        self.max_record_bytes
    }

    async fn append(&self, records: Vec<Record>) -> Vec<Result<Receipt, AppendError>> {
        let partitions = self.partitions();
        let mut answers: Vec<Option<Result<Receipt, AppendError>>> =
            Vec::with_capacity(records.len());
        let mut items = Vec::with_capacity(records.len());
        for record in &records {
            let size = record.size();
            if size > self.max_record_bytes {
                let limit = self.max_record_bytes;
                answers.push(Some(Err(AppendError::TooLarge { size, limit })));
            } else {
                let partition = partition_for(&record.key, partitions);
                items.push(Item {
                    partition,
                    value: encode::value(record),
                });
                answers.push(None);
            }
        }
        drop(records);
        let committed = self.committer.commit(items).await.into_iter();
        let mut committed = committed.map(|answer| answer.map(Receipt::Stored));
        answers
            .into_iter()
            .map(|a| a.unwrap_or_else(|| committed.next().expect("one answer for each item")))
            .collect()
    }

    async fn read(&self, partition: u32, from: u64) -> Result<Box<dyn Reader>, ReadError> {
        let head = self.head(partition).await?;
        let tail = self.tail(partition).await?;
        if from < head {
            return Err(ReadError::Truncated {
                partition,
                from,
                head,
            });
        }
        if from > tail {
            return Err(ReadError::BeyondTail {
                partition,
                from,
                tail,
            });
        }
        Ok(Box::new(EmbeddedReader::new(
            Arc::clone(&self.store),
            partition,
            from,
        )))
    }

    async fn head(&self, partition: u32) -> Result<u64, ReadError> {
        self.check_partition(partition)?;
        // Before the entries: what is appended in between is above the tail.
        let tail = self.store.tail(partition);
        let floor = self.store.head(partition);
        let database = tokio::time::timeout(LOOKUP_TIMEOUT, self.store.database()).await;
        let database = database.map_err(|_| ReadError::Unavailable(Closed.into()))?;
        let first = tokio::task::spawn_blocking(move || database.first(partition, floor))
            .await
            .map_err(|e| ReadError::Unavailable(e.into()))??;
        // Truncated meanwhile, it is further.
        Ok(first.unwrap_or(tail).max(self.store.head(partition)))
    }

    async fn tail(&self, partition: u32) -> Result<u64, ReadError> {
        self.check_partition(partition)?;
        Ok(self.store.tail(partition))
    }

    fn trouble(&self) -> Option<String> {
        self.committer.trouble()
    }

    async fn close(&self) {
        self.committer.close().await;
    }
}
