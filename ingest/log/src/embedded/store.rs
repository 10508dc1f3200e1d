//! The folder: one keyspace per partition, and one that names the log.
//!
//! A keyspace per partition keeps every table's range of positions apart, so
//! that compaction moves tables instead of rewriting them.

use std::path::Path;

use fjall::config::{BlockSizePolicy, FilterPolicy};
use fjall::{Database, Keyspace, KeyspaceCreateOptions, PersistMode};
use tokio::sync::watch;
use uuid::Uuid;

use super::encode;
use crate::{Cause, LogId, OpenError, ReadError};

const LOG_ID: &str = "log_id";
const PARTITIONS: &str = "partitions";

pub(super) struct Store {
    id: LogId,
    partitions: Vec<Partition>,
    db: Database,
}

struct Partition {
    entries: Keyspace,
    /// Everything below is durable and readable; readers wait on it.
    tail: watch::Sender<u64>,
}

impl Store {
    pub(super) fn open(path: &Path, partitions: u32) -> Result<Self, OpenError> {
        let storage = |source: Cause| OpenError::Storage {
            path: path.to_owned(),
            source,
        };
        let db = Database::builder(path)
            .cache_size(32 << 20)
            .worker_threads(2)
            .open()
            .map_err(|e| match e {
                fjall::Error::Locked => OpenError::InUse {
                    path: path.to_owned(),
                },
                other => storage(other.into()),
            })?;

        let (id, stored) = identify(&db, partitions).map_err(storage)?;
        if stored > partitions {
            return Err(OpenError::FewerPartitions {
                path: path.to_owned(),
                stored,
                asked: partitions,
            });
        }
        let partitions = (0..partitions)
            .map(|n| Partition::open(&db, n))
            .collect::<Result<_, _>>()
            .map_err(storage)?;
        Ok(Self { id, partitions, db })
    }

    pub(super) fn id(&self) -> &LogId {
        &self.id
    }

    pub(super) fn partitions(&self) -> u32 {
        self.partitions.len() as u32
    }

    pub(super) fn head(&self, partition: u32) -> Result<u64, ReadError> {
        let partition = self.partition(partition);
        // Before the entries: what is appended in between is above the tail.
        let tail = *partition.tail.borrow();
        match partition.entries.first_key_value() {
            None => Ok(tail),
            Some(entry) => {
                let key = entry.key().map_err(|e| ReadError::Unavailable(e.into()))?;
                encode::position(&key).map_err(|e| ReadError::Unavailable(e.into()))
            }
        }
    }

    pub(super) fn tail(&self, partition: u32) -> u64 {
        *self.partition(partition).tail.borrow()
    }

    pub(super) fn watch_tail(&self, partition: u32) -> watch::Receiver<u64> {
        self.partition(partition).tail.subscribe()
    }

    pub(super) fn entries(&self, partition: u32) -> &Keyspace {
        &self.partition(partition).entries
    }

    /// Stores the entries in one atomic commit and returns when the disk has
    /// them; readers see them only then.
    pub(super) fn commit(&self, entries: Vec<NewEntry>, tails: &[u64]) -> fjall::Result<()> {
        let mut batch = self.db.batch().durability(Some(PersistMode::SyncData));
        for entry in entries {
            batch.insert(
                self.entries(entry.partition),
                encode::key(entry.offset),
                entry.value,
            );
        }
        batch.commit()?;
        for (partition, tail) in self.partitions.iter().zip(tails) {
            partition
                .tail
                .send_if_modified(|old| std::mem::replace(old, *tail) != *tail);
        }
        Ok(())
    }

    fn partition(&self, partition: u32) -> &Partition {
        &self.partitions[partition as usize]
    }
}

/// An entry that got its position.
pub(super) struct NewEntry {
    pub(super) partition: u32,
    pub(super) offset: u64,
    pub(super) value: Vec<u8>,
}

impl Partition {
    fn open(db: &Database, number: u32) -> Result<Self, Cause> {
        let options = || {
            KeyspaceCreateOptions::default()
                // Read in long runs, never by a key that may be absent.
                .data_block_size_policy(BlockSizePolicy::all(32 << 10))
                .filter_policy(FilterPolicy::disabled())
                .max_memtable_size(16 << 20)
        };
        let entries = db.keyspace(&format!("partition-{number:05}"), options)?;
        let tail = match entries.last_key_value() {
            Some(entry) => encode::position(&entry.key()?)? + 1,
            None => 0,
        };
        Ok(Self {
            entries,
            tail: watch::Sender::new(tail),
        })
    }
}

/// Reads the log's id and partitions, or writes them durably the first time.
fn identify(db: &Database, partitions: u32) -> Result<(LogId, u32), Cause> {
    let meta = db.keyspace("meta", KeyspaceCreateOptions::default)?;
    let id = match meta.get(LOG_ID)? {
        Some(id) => std::str::from_utf8(&id)?.to_owned(),
        None => Uuid::new_v4().to_string(),
    };
    let stored = match meta.get(PARTITIONS)? {
        Some(stored) => u32::from_be_bytes(stored.as_ref().try_into()?),
        None => 0,
    };
    if stored < partitions {
        let mut batch = db.batch().durability(Some(PersistMode::SyncAll));
        batch.insert(&meta, LOG_ID, id.as_str());
        batch.insert(&meta, PARTITIONS, partitions.to_be_bytes());
        batch.commit()?;
    }
    Ok((LogId::new(id), stored))
}
