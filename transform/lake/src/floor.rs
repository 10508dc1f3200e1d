//! Floors: below which position a log partition is published in every table.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use futures::TryStreamExt;
use object_store::path::Path;
use object_store::{ObjectStore, ObjectStoreExt, PutMode};
use schemas::layout;
use serde::{Deserialize, Serialize};

use crate::{Lake, LakeError, durable};

/// How many floors are read at once.
const CONCURRENT_READS: usize = 16;

/// The progress of one log partition over all tables.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Floor {
    /// The log.
    pub log_id: String,
    /// Its partition.
    pub partition: u32,
    /// Every record below it is published. A restart reads on from here.
    pub position: u64,
    /// Every event whose sender was answered before this time is published.
    pub as_of: DateTime<Utc>,
}

/// The object in the store; the rest stands in its path.
#[derive(Serialize, Deserialize)]
struct Document {
    position: u64,
    as_of: DateTime<Utc>,
}

impl Floor {
    fn document(&self) -> Vec<u8> {
        let document = Document {
            position: self.position,
            as_of: self.as_of,
        };
        serde_json::to_vec(&document).expect("numbers and times are JSON")
    }
}

impl Lake {
    /// The floors of all logs that were ever read into this lake, in no
    /// particular order. A damaged one says that nothing is known to be
    /// published.
    ///
    /// # Errors
    /// [`LakeError::Store`].
    pub async fn floors(&self) -> Result<Vec<Floor>, LakeError> {
        let objects = self.floor_objects().await?;
        Ok(objects.into_iter().map(StoredFloor::modest).collect())
    }

    /// The floors of one log by partition, each as it is:
    /// [`LakeError::Floor`] for an object that is damaged.
    ///
    /// # Errors
    /// [`LakeError::Store`].
    pub async fn floors_of(
        &self,
        log_id: &str,
    ) -> Result<BTreeMap<u32, Result<Floor, LakeError>>, LakeError> {
        let objects = self.floor_objects().await?;
        let ours = objects.into_iter().filter(|o| o.log_id == log_id);
        Ok(ours.map(|o| (o.partition, o.floor)).collect())
    }

    async fn floor_objects(&self) -> Result<Vec<StoredFloor>, LakeError> {
        self.store()
            .list(Some(&Path::from("_log")))
            .map_err(LakeError::from)
            .try_filter_map(|object| async move { Ok(parse(&object.location)) })
            .map_ok(|(log_id, partition, path)| self.read_floor(log_id, partition, path))
            .try_buffer_unordered(CONCURRENT_READS)
            .try_collect()
            .await
    }

    /// Every event answered before this moment is in its table, if its table is
    /// opened after this call. `None` until every partition was read to some end,
    /// and while a floor is damaged.
    ///
    /// # Errors
    /// As [`Lake::floors`].
    pub async fn data_as_of(&self) -> Result<Option<DateTime<Utc>>, LakeError> {
        Ok(oldest_of_newest_log(&self.floors().await?))
    }

    /// Stores a partition's first floor, unless it has one: from then on
    /// [`Lake::data_as_of`] waits for that partition, too.
    ///
    /// # Errors
    /// [`LakeError::Store`].
    pub async fn begin_floor(&self, floor: &Floor) -> Result<(), LakeError> {
        let path = Path::from(layout::floor(&floor.log_id, floor.partition));
        let (bytes, create) = (floor.document(), PutMode::Create.into());
        match self.store().put_opts(&path, bytes.into(), create).await {
            Ok(_) | Err(object_store::Error::AlreadyExists { .. }) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }

    /// Stores a floor, so that it outlives a loss of power.
    ///
    /// A plain overwrite, not a conditional one: should a stalled process set
    /// its old floor over a newer one, the next restart reads some records
    /// again, and every table skips those below its own position. A low floor
    /// costs time, never truth. A floor must not be set before everything below
    /// it is published.
    ///
    /// # Errors
    /// [`LakeError::Store`].
    pub async fn set_floor(&self, floor: &Floor) -> Result<(), LakeError> {
        let bytes = floor.document();
        let path = Path::from(layout::floor(&floor.log_id, floor.partition));
        if let Some(folder) = durable::local(self.root()) {
            return durable::write(folder.join(path.as_ref()), bytes).await;
        }
        self.store().put(&path, bytes.into()).await?;
        Ok(())
    }

    /// Whether the lake's store takes objects now, by giving it one. What then
    /// cannot be done with one table is that table's own trouble.
    ///
    /// # Errors
    /// [`LakeError::Store`].
    pub async fn check_store(&self) -> Result<(), LakeError> {
        let path = Path::from(layout::STORE_CHECK);
        self.store().put(&path, b"{}".to_vec().into()).await?;
        Ok(())
    }

    async fn read_floor(
        &self,
        log_id: String,
        partition: u32,
        path: Path,
    ) -> Result<StoredFloor, LakeError> {
        let bytes = self.store().get(&path).await?.bytes().await?;
        let floor = match serde_json::from_slice::<Document>(&bytes) {
            Ok(document) => Ok(Floor {
                log_id: log_id.clone(),
                partition,
                position: document.position,
                as_of: document.as_of,
            }),
            Err(source) => Err(LakeError::Floor {
                path: path.to_string(),
                source,
            }),
        };
        Ok(StoredFloor {
            log_id,
            partition,
            floor,
        })
    }
}

/// An object in a floor's place.
struct StoredFloor {
    log_id: String,
    partition: u32,
    floor: Result<Floor, LakeError>,
}

impl StoredFloor {
    /// What is safe to say even of a damaged one.
    fn modest(self) -> Floor {
        self.floor.unwrap_or(Floor {
            log_id: self.log_id,
            partition: self.partition,
            position: 0,
            as_of: DateTime::UNIX_EPOCH,
        })
    }
}

/// The newest log is the one with the latest floor; a log that was left behind
/// advances no more.
fn oldest_of_newest_log(floors: &[Floor]) -> Option<DateTime<Utc>> {
    let mut logs: BTreeMap<&str, (DateTime<Utc>, DateTime<Utc>)> = BTreeMap::new();
    for floor in floors {
        let (oldest, newest) = logs
            .entry(&floor.log_id)
            .or_insert((floor.as_of, floor.as_of));
        *oldest = floor.as_of.min(*oldest);
        *newest = floor.as_of.max(*newest);
    }
    let (oldest, _) = logs.into_values().max_by_key(|(_, newest)| *newest)?;
    (oldest > DateTime::UNIX_EPOCH).then_some(oldest)
}

/// The log and partition of a path made by [`layout::floor`].
fn parse(path: &Path) -> Option<(String, u32, Path)> {
    let mut parts = path.parts().skip(1);
    let log_id = parts.next()?.as_ref().to_owned();
    let partition = parts.next()?.as_ref().strip_suffix(".json")?.parse().ok()?;
    Some((log_id, partition, path.clone()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_layout_prints_is_read_back() {
        let path = Path::from(layout::floor("log-1", 7));
        let (log_id, partition, _) = parse(&path).expect("a floor");
        assert_eq!((log_id.as_str(), partition), ("log-1", 7));
        assert!(parse(&Path::from("_log/log-1/README")).is_none());
    }

    fn floor(log_id: &str, partition: u32, seconds: i64) -> Floor {
        Floor {
            log_id: log_id.to_owned(),
            partition,
            position: 0,
            as_of: DateTime::from_timestamp(seconds, 0).expect("a time"),
        }
    }

    #[test]
    fn the_slowest_partition_of_the_newest_log_counts() {
        assert_eq!(oldest_of_newest_log(&[]), None);
        let floors = [
            floor("old", 0, 10),
            floor("new", 0, 50),
            floor("new", 1, 40),
        ];
        let as_of = oldest_of_newest_log(&floors).map(|at| at.timestamp());
        assert_eq!(as_of, Some(40));
        let unread = [&floors[..], &[floor("new", 2, 0)]].concat();
        assert_eq!(oldest_of_newest_log(&unread), None);
    }
}
