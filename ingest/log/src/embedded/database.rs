//! The open database: one keyspace per partition, and one that names the log.
//!
//! A keyspace per partition keeps every table's range of positions apart, so
//! that compaction moves tables instead of rewriting them.

use std::path::Path;
use std::time::Duration;

use fjall::config::{BlockSizePolicy, FilterPolicy};
use fjall::{AbstractTree as _, Keyspace, KeyspaceCreateOptions, PersistMode};
use uuid::Uuid;

use super::encode;
use crate::{Cause, LogId, OpenError, ReadError};

const LOG_ID: &str = "log_id";
const PARTITIONS: &str = "partitions";

/// fjall holds a commit back from 4 full memtables and from 30 runs of a
/// partition on; we do so before.
const FULL_MEMTABLES: usize = 3;
const RUNS: usize = 25;

pub(super) struct Database {
    id: LogId,
    entries: Vec<Keyspace>,
    db: fjall::Database,
}

/// An entry that got its position.
pub(super) struct NewEntry {
    pub(super) partition: u32,
    pub(super) offset: u64,
    pub(super) value: Vec<u8>,
}

impl Database {
    pub(super) fn open(path: &Path, partitions: u32) -> Result<Self, OpenError> {
        let storage = |source: Cause| OpenError::Storage {
            path: path.to_owned(),
            source,
        };
        let db = fjall::Database::builder(path)
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
        let entries = (0..partitions)
            .map(|n| db.keyspace(&format!("partition-{n:05}"), options))
            .collect::<Result<_, _>>()
            .map_err(|e| storage(e.into()))?;
        Ok(Self { id, entries, db })
    }

    pub(super) fn id(&self) -> &LogId {
        &self.id
    }

    pub(super) fn entries(&self, partition: u32) -> &Keyspace {
        &self.entries[partition as usize]
    }

    /// The first position of the partition; none when it is empty.
    pub(super) fn first(&self, partition: u32) -> Result<Option<u64>, ReadError> {
        let Some(entry) = self.entries(partition).first_key_value() else {
            return Ok(None);
        };
        let key = entry.key().map_err(|e| ReadError::Unavailable(e.into()))?;
        let position = encode::position(&key).map_err(|e| ReadError::Unavailable(e.into()))?;
        Ok(Some(position))
    }

    /// The next position of each partition, as the entries stored say.
    pub(super) fn tails(&self) -> Result<Vec<u64>, Cause> {
        let tail = |entries: &Keyspace| {
            Ok(match entries.last_key_value() {
                Some(entry) => encode::position(&entry.key()?)? + 1,
                None => 0,
            })
        };
        self.entries.iter().map(tail).collect()
    }

    /// Stores the entries in one atomic commit and returns when the disk has
    /// them.
    pub(super) fn commit(&self, entries: Vec<NewEntry>) -> fjall::Result<()> {
        self.wait_for_writers()?;
        let mut batch = self.db.batch().durability(Some(PersistMode::SyncData));
        for entry in entries {
            batch.insert(
                self.entries(entry.partition),
                encode::key(entry.offset),
                entry.value,
            );
        }
        batch.commit()
    }

    /// Waits while tables wait to be written. A commit would do so itself, but
    /// for ever when the threads that write them have failed.
    fn wait_for_writers(&self) -> fjall::Result<()> {
        let is_behind = |entries: &Keyspace| {
            entries.tree.sealed_memtable_count() >= FULL_MEMTABLES
                || entries.tree.l0_run_count() >= RUNS
        };
        while self.entries.iter().any(is_behind) {
            // Writes nothing; an error once one of those threads has failed.
            self.db.persist(PersistMode::Buffer)?;
            std::thread::sleep(Duration::from_millis(5));
        }
        Ok(())
    }
}

fn options() -> KeyspaceCreateOptions {
    KeyspaceCreateOptions::default()
        // Read in long runs, never by a key that may be absent.
        .data_block_size_policy(BlockSizePolicy::all(32 << 10))
        .filter_policy(FilterPolicy::disabled())
        .max_memtable_size(16 << 20)
}

/// Reads the log's id and partitions, or writes them durably the first time.
fn identify(db: &fjall::Database, partitions: u32) -> Result<(LogId, u32), Cause> {
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
