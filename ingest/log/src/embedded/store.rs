//! The folder: who owns it, how far each partition goes, and the database in
//! it, which is opened anew when a commit has failed.

use std::fs::{File, TryLockError};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;

use super::database::{Database, NewEntry};
use super::disk;
use super::heads::Heads;
use crate::{Cause, LogId, OpenError};

/// Held locked while the folder is ours, also while its database is closed.
const OWNER: &str = "owner";

pub(super) struct Store {
    path: PathBuf,
    id: LogId,
    /// Everything below is durable and readable; readers wait on it.
    tails: Vec<watch::Sender<u64>>,
    heads: Heads,
    /// None while it is opened anew.
    database: watch::Sender<Option<Arc<Database>>>,
    _owner: File,
}

/// Why the database was not taken back into use.
#[derive(Debug, thiserror::Error)]
pub(super) enum ReopenError {
    #[error("the disk takes no writes")]
    Disk(#[source] io::Error),
    #[error("the database cannot be opened")]
    Database(#[source] OpenError),
    #[error("the database cannot be read")]
    Read(#[source] Cause),
    #[error("the folder holds another log: {0}")]
    Other(LogId),
    #[error("partition {partition} ends at {found}, but records below {tail} were acknowledged")]
    Lost {
        partition: usize,
        found: u64,
        tail: u64,
    },
}

impl Store {
    pub(super) fn open(path: &Path, partitions: u32) -> Result<Self, OpenError> {
        let storage = |source: Cause| OpenError::Storage {
            path: path.to_owned(),
            source,
        };
        let owner = own(path).map_err(|e| match e {
            TryLockError::WouldBlock => OpenError::InUse {
                path: path.to_owned(),
            },
            TryLockError::Error(e) => storage(e.into()),
        })?;
        let database = Database::open(path, partitions)?;
        let heads = Heads::open(path, partitions).map_err(|e| storage(e.into()))?;
        let tails = tails(&database, &heads).map_err(storage)?;
        Ok(Self {
            path: path.to_owned(),
            id: database.id().clone(),
            tails: tails.into_iter().map(watch::Sender::new).collect(),
            heads,
            database: watch::Sender::new(Some(Arc::new(database))),
            _owner: owner,
        })
    }

    pub(super) fn id(&self) -> &LogId {
        &self.id
    }

    pub(super) fn partitions(&self) -> u32 {
        self.tails.len() as u32
    }

    pub(super) fn tail(&self, partition: u32) -> u64 {
        *self.tails[partition as usize].borrow()
    }

    pub(super) fn tails(&self) -> Vec<u64> {
        self.tails.iter().map(|tail| *tail.borrow()).collect()
    }

    /// Where the partition begins since it was truncated: entries that are
    /// still found below count as gone.
    pub(super) fn head(&self, partition: u32) -> u64 {
        self.heads.get(partition)
    }

    /// Gives up what stands below `before`, which must not be above the tail.
    /// The head has moved, durably, before anything goes.
    pub(super) fn truncate(&self, partition: u32, before: u64) -> Result<(), Cause> {
        self.heads.advance(partition, before)?;
        let empties = self.tail(partition) == before;
        let database = self.database.borrow().clone();
        // While it is opened anew the room stays taken until the next call.
        if let Some(database) = database {
            database.discard(partition, before, empties)?;
        }
        Ok(())
    }

    pub(super) fn watch_tail(&self, partition: u32) -> watch::Receiver<u64> {
        self.tails[partition as usize].subscribe()
    }

    /// The database, when it is open. Kept for one read only: nobody else can
    /// have it opened anew meanwhile.
    pub(super) async fn database(&self) -> Arc<Database> {
        let mut database = self.database.subscribe();
        let open = database.wait_for(Option::is_some).await;
        // We hold the sender.
        let open = open.expect("the store is there").clone();
        open.expect("waited for")
    }

    /// Stores the entries in one atomic commit and returns when the disk has
    /// them; readers see them only then.
    pub(super) fn commit(&self, entries: Vec<NewEntry>, tails: &[u64]) -> fjall::Result<()> {
        let database = self.database.borrow().clone();
        // Only the thread that commits closes it, and opens it before it goes on.
        database.ok_or(fjall::Error::Poisoned)?.commit(entries)?;
        self.publish(tails);
        Ok(())
    }

    /// Closes the database and opens it anew, which is the only way on after a
    /// failed commit. When this fails readers wait until it succeeds.
    ///
    /// What the failed commit left on the disk becomes readable, or will never
    /// be: from then on its positions are used, or free for other records.
    pub(super) fn reopen(&self) -> Result<(), ReopenError> {
        // Before closing: as long as the disk takes nothing, readers go on.
        disk::probe(&self.path).map_err(ReopenError::Disk)?;
        self.close();
        disk::renew_journal(&self.path).map_err(ReopenError::Disk)?;
        let database =
            Database::open(&self.path, self.partitions()).map_err(ReopenError::Database)?;
        let tails = tails(&database, &self.heads).map_err(ReopenError::Read)?;
        if *database.id() != self.id {
            return Err(ReopenError::Other(database.id().clone()));
        }
        check_kept(&self.tails(), &tails)?;
        self.database.send_replace(Some(Arc::new(database)));
        self.publish(&tails);
        Ok(())
    }

    /// Waits for the reads under way, then for the database's own threads.
    fn close(&self) {
        let mut open = self.database.send_replace(None);
        while let Some(shared) = open.take() {
            open = Arc::try_unwrap(shared).err();
            if open.is_some() {
                std::thread::sleep(Duration::from_millis(1));
            }
        }
    }

    fn publish(&self, tails: &[u64]) {
        for (tail, now) in self.tails.iter().zip(tails) {
            tail.send_if_modified(|old| std::mem::replace(old, *now) != *now);
        }
    }
}

/// The next position of each partition: above its entries, also above those that
/// are gone.
fn tails(database: &Database, heads: &Heads) -> Result<Vec<u64>, Cause> {
    let mut tails = database.tails()?;
    for (partition, tail) in (0..).zip(&mut tails) {
        *tail = heads.get(partition).max(*tail);
    }
    Ok(tails)
}

/// Makes the folder and locks it for this process.
fn own(path: &Path) -> Result<File, TryLockError> {
    let owner = std::fs::create_dir_all(path).and_then(|()| File::create(path.join(OWNER)));
    let owner = owner.map_err(TryLockError::Error)?;
    owner.try_lock()?;
    Ok(owner)
}

/// Whether everything that was acknowledged is below the tails found.
fn check_kept(acknowledged: &[u64], found: &[u64]) -> Result<(), ReopenError> {
    let mut both = acknowledged.iter().zip(found).enumerate();
    match both.find(|(_, (tail, found))| found < tail) {
        None => Ok(()),
        Some((partition, (&tail, &found))) => Err(ReopenError::Lost {
            partition,
            found,
            tail,
        }),
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    fn entry(offset: u64) -> NewEntry {
        NewEntry {
            partition: 0,
            offset,
            value: vec![1, 0, 0],
        }
    }

    #[tokio::test]
    async fn opened_anew_it_goes_on_where_it_was_and_nobody_else_gets_it() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(folder.path(), 2).unwrap();
        store.commit(vec![entry(0), entry(1)], &[2, 0]).unwrap();
        for round in 2..5 {
            store.reopen().unwrap();
            assert_eq!(store.tails(), [round, 0]);
            assert_eq!(store.database().await.first(0, 0).unwrap(), Some(0));
            store.commit(vec![entry(round)], &[round + 1, 0]).unwrap();
        }
        store.close();
        let other = Store::open(folder.path(), 2).err();
        assert!(matches!(other, Some(OpenError::InUse { .. })), "{other:?}");
    }

    #[test]
    fn what_a_failed_commit_left_on_the_disk_is_counted() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(folder.path(), 1).unwrap();
        // On the disk, but never published: as after a sync that failed.
        let database = store.database.borrow().clone().unwrap();
        database.commit(vec![entry(0), entry(1)]).unwrap();
        drop(database);
        assert_eq!(store.tails(), [0]);
        store.reopen().unwrap();
        assert_eq!(store.tails(), [2]);
    }

    #[test]
    fn another_log_in_the_folder_is_not_taken() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(folder.path(), 1).unwrap();
        store.close();
        for file in ["version", "keyspaces"] {
            let path = folder.path().join(file);
            let _ = std::fs::remove_file(&path);
            let _ = std::fs::remove_dir_all(&path);
        }
        for entry in std::fs::read_dir(folder.path()).unwrap() {
            let path = entry.unwrap().path();
            if path.extension().is_some_and(|ending| ending == "jnl") {
                std::fs::remove_file(path).unwrap();
            }
        }
        let error = store.reopen().unwrap_err();
        assert!(matches!(error, ReopenError::Other(_)), "{error:?}");
    }

    #[rstest]
    #[case(&[3, 0], &[3, 0], true)]
    #[case(&[3, 0], &[5, 1], true)]
    #[case(&[3, 1], &[3, 0], false)]
    fn acknowledged_records_must_be_there(
        #[case] acknowledged: &[u64],
        #[case] found: &[u64],
        #[case] kept: bool,
    ) {
        assert_eq!(check_kept(acknowledged, found).is_ok(), kept);
    }
}
