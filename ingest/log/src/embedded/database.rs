//! The open database: one keyspace per partition, and one that names the log.
//!
//! A keyspace per partition keeps every table's range of positions apart, so
//! that compaction moves tables instead of rewriting them.

use std::path::Path;
use std::time::Duration;

use fjall::config::{BlockSizePolicy, FilterPolicy};
use fjall::{AbstractTree as _, Keyspace, KeyspaceCreateOptions, PersistMode};
use uuid::Uuid;

use crate::{Cause, LogId, OpenError, ReadError, encode};

const LOG_ID: &str = "log_id";
const PARTITIONS: &str = "partitions";
const TRUNCATED: &str = "truncated";

/// What may stay in memory, and in the journal, of a partition of which nothing
/// else is left.
const REMNANT: u64 = 1 << 20;

/// fjall holds a commit back from 4 full memtables and from 30 runs of a
/// partition on; we do so before.
const FULL_MEMTABLES: usize = 3;
const RUNS: usize = 25;

pub(super) struct Database {
    id: LogId,
    entries: Vec<Keyspace>,
    meta: Keyspace,
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

        let meta = db.keyspace("meta", KeyspaceCreateOptions::default);
        let meta = meta.map_err(|e| storage(e.into()))?;
        let (id, stored) = identify(&db, &meta, partitions).map_err(storage)?;
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
        Ok(Self {
            id,
            entries,
            meta,
            db,
        })
    }

    pub(super) fn id(&self) -> &LogId {
        &self.id
    }

    pub(super) fn entries(&self, partition: u32) -> &Keyspace {
        &self.entries[partition as usize]
    }

    /// The first position of the partition at or above `from`; none when there
    /// is no entry.
    pub(super) fn first(&self, partition: u32, from: u64) -> Result<Option<u64>, ReadError> {
        let Some(entry) = self.entries(partition).range(encode::key(from)..).next() else {
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

    /// Gives back the room of entries below `before`, as far as whole tables
    /// hold nothing else; `empties` says that nothing is left above.
    ///
    /// It writes nothing that a commit would have to wait for. Entries in memory
    /// and in journals go when these do; until then they stand there unseen,
    /// also when the journals are read again.
    pub(super) fn discard(&self, partition: u32, before: u64, empties: bool) -> fjall::Result<()> {
        let entries = self.entries(partition);
        let end = encode::key(before);
        let tables = entries.tree.current_version();
        let is_below = |max: &[u8]| max < end.as_slice();
        if tables
            .iter_tables()
            .any(|table| is_below(table.metadata.key_range.max()))
        {
            entries.tree.drop_range(..end)?;
            self.forget_versions()?;
        } else if empties && entries.tree.version_free_list_len() > 0 {
            self.forget_versions()?;
        }
        if empties && entries.tree.active_memtable().size() > REMNANT {
            // Written by the database's own threads, which frees the journals; the
            // table goes with the next call.
            entries.rotate_memtable()?;
        }
        Ok(())
    }

    /// Lets go of the database's past versions, whose tables stay on the disk
    /// even when they were dropped. It does so whenever a memtable is full, and
    /// in one that takes no writes never: then a small one is written for it.
    fn forget_versions(&self) -> fjall::Result<()> {
        self.meta.insert(TRUNCATED, [])?;
        self.meta.rotate_memtable().map(drop)
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
fn identify(db: &fjall::Database, meta: &Keyspace, partitions: u32) -> Result<(LogId, u32), Cause> {
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
        batch.insert(meta, LOG_ID, id.as_str());
        batch.insert(meta, PARTITIONS, partitions.to_be_bytes());
        batch.commit()?;
    }
    if meta.tree.active_memtable().size() > 0 {
        // In memory it would keep the first journal, and all after it, from going.
        meta.rotate_memtable()?;
    }
    Ok((LogId::new(id), stored))
}
