//! Files that no version of a table needs any more, and files that none ever
//! named.

use std::collections::{HashMap, HashSet};
use std::fs;
use std::path::{Path as FilePath, PathBuf};
use std::time::{Duration, SystemTime};

use chrono::{DateTime, TimeDelta, Utc};
use futures::{StreamExt, TryStreamExt};
use object_store::path::Path;
use object_store::{ObjectMeta, ObjectStoreExt};
use schemas::layout;

use crate::{Lake, LakeError, LakeTable, durable};

/// How long files are kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Retention {
    /// After they were taken out of the table: longer than the longest query.
    pub removed: Duration,
    /// After they were written, if the table never named them: longer than the
    /// longest publishing.
    pub unnamed: Duration,
}

/// What was deleted, or would be.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Vacuumed {
    /// Files that had been taken out of the table.
    pub removed: usize,
    /// Files that the table never named, or no longer knows of.
    pub unnamed: usize,
    /// How large all of them were.
    pub bytes: u64,
}

impl std::ops::AddAssign for Vacuumed {
    fn add_assign(&mut self, other: Self) {
        self.removed += other.removed;
        self.unnamed += other.unnamed;
        self.bytes += other.bytes;
    }
}

impl Lake {
    /// What time it is where the files are: their ages are told by the store's
    /// clock and no other.
    ///
    /// # Errors
    /// [`LakeError::Store`].
    pub async fn store_time(&self) -> Result<DateTime<Utc>, LakeError> {
        self.check_store().await?;
        let check = Path::from(layout::STORE_CHECK);
        Ok(self.store().head(&check).await?.last_modified)
    }
}

impl LakeTable {
    /// Moves on to the newest version and deletes what it does not need; `now`
    /// is the store's time ([`Lake::store_time`]).
    ///
    /// # Errors
    /// [`LakeError::Store`] or [`LakeError::Table`]; some files may be deleted.
    pub async fn vacuum(
        &mut self,
        retention: &Retention,
        now: DateTime<Utc>,
    ) -> Result<Vacuumed, LakeError> {
        let (vacuumed, files) = self.superfluous(retention, now).await?;
        let store = self.delta.object_store();
        let locations = futures::stream::iter(files).map(Ok).boxed();
        let mut deleted = store.delete_stream(locations);
        while let Some(result) = deleted.next().await {
            match result {
                // Another one has deleted it.
                Ok(_) | Err(object_store::Error::NotFound { .. }) => {}
                Err(error) => return Err(error.into()),
            }
        }
        if let Some(folder) = durable::local(self.delta.table_url()) {
            let before = SystemTime::from(now - age(retention.unnamed));
            durable::blocking(move || delete_staged(&folder, before)).await?;
        }
        Ok(vacuumed)
    }

    /// What [`LakeTable::vacuum`] would delete now.
    ///
    /// # Errors
    /// As [`LakeTable::vacuum`].
    pub async fn vacuumable(
        &mut self,
        retention: &Retention,
        now: DateTime<Utc>,
    ) -> Result<Vacuumed, LakeError> {
        Ok(self.superfluous(retention, now).await?.0)
    }

    async fn superfluous(
        &mut self,
        retention: &Retention,
        now: DateTime<Utc>,
    ) -> Result<(Vacuumed, Vec<Path>), LakeError> {
        // Listed before the table is asked: what is named in between was written
        // only just now, or the table knows of it by then.
        let files = self.stored_files().await?;
        self.refresh().await?;
        let named: HashSet<Path> = self
            .state()
            .log_data()
            .iter()
            .map(|file| file.object_store_path())
            .collect();
        let removed = self.removed_files().await?;

        let mut vacuumed = Vacuumed::default();
        let mut superfluous = Vec::new();
        for file in files {
            if named.contains(&file.location) {
                continue;
            }
            match removed.get(&file.location) {
                Some(at) if *at > now - age(retention.removed) => continue,
                Some(_) => vacuumed.removed += 1,
                None if file.last_modified > now - age(retention.unnamed) => continue,
                None => vacuumed.unnamed += 1,
            }
            vacuumed.bytes += file.size;
            superfluous.push(file.location);
        }
        Ok((vacuumed, superfluous))
    }

    /// All Parquet files in the table's folder but those of its log.
    async fn stored_files(&self) -> Result<Vec<ObjectMeta>, LakeError> {
        let files: Vec<ObjectMeta> = self.delta.object_store().list(None).try_collect().await?;
        let is_data = |file: &ObjectMeta| {
            let path = file.location.as_ref();
            path.ends_with(".parquet") && !path.starts_with("_")
        };
        Ok(files.into_iter().filter(is_data).collect())
    }

    /// The files of which the log still says when they were taken out.
    async fn removed_files(&self) -> Result<HashMap<Path, DateTime<Utc>>, LakeError> {
        let log = self.delta.log_store();
        let tombstones = self.state().all_tombstones(log.as_ref());
        let mut removed = HashMap::new();
        let mut tombstones = tombstones.map_err(|e| self.error(e));
        while let Some(file) = tombstones.try_next().await? {
            let at = file.deletion_timestamp().unwrap_or(0);
            let at = DateTime::from_timestamp_millis(at).unwrap_or(DateTime::UNIX_EPOCH);
            let path = file.path();
            let path = Path::parse(&path).unwrap_or_else(|_| Path::from(path.as_ref()));
            let known = removed.entry(path).or_insert(at);
            *known = at.max(*known);
        }
        Ok(removed)
    }
}

fn age(age: Duration) -> TimeDelta {
    TimeDelta::from_std(age).unwrap_or(TimeDelta::MAX)
}

/// Deletes what a killed process left half written: names that end in `#` and
/// digits, which the object store leaves out of its listings.
fn delete_staged(folder: &FilePath, before: SystemTime) -> std::io::Result<()> {
    let mut folders = vec![PathBuf::from(folder)];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder)? {
            let entry = entry?;
            let Ok(about) = entry.metadata() else {
                // Gone already.
                continue;
            };
            if about.is_dir() {
                folders.push(entry.path());
            } else if is_staged(&entry.file_name().to_string_lossy())
                && about.modified()? < before
                && let Err(error) = fs::remove_file(entry.path())
                && error.kind() != std::io::ErrorKind::NotFound
            {
                return Err(error);
            }
        }
    }
    Ok(())
}

fn is_staged(name: &str) -> bool {
    let number = name.rsplit_once('#').map(|(_, number)| number);
    number.is_some_and(|n| !n.is_empty() && n.bytes().all(|b| b.is_ascii_digit()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn half_written_files_are_told_by_their_names() {
        assert!(is_staged("video-1.zstd.parquet#1"));
        assert!(!is_staged("video-1.zstd.parquet#"));
        assert!(!is_staged("video#1.parquet"));
        assert!(!is_staged("00000000000000000001.json"));
    }
}
