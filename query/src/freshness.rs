//! Up to when an answer is complete.

use std::collections::BTreeMap;
use std::time::Duration;

use chrono::{DateTime, Utc};
use lake::{Floor, Lake, LakeError};
use tokio::sync::Mutex;
use tokio::time::Instant;

/// How long the floors are not read again: an older answer is still true, only
/// more modest.
const KEEP: Duration = Duration::from_millis(500);

/// Reads the floors of the log.
#[derive(Default)]
pub(crate) struct Freshness {
    last: Mutex<Option<(Instant, Option<DateTime<Utc>>)>>,
}

impl Freshness {
    /// Every event answered before this moment, its batch with a 200, is in its
    /// table, if its table is read after this call. `None` until the first
    /// floor is known.
    pub(crate) async fn data_as_of(&self, lake: &Lake) -> Result<Option<DateTime<Utc>>, LakeError> {
        let mut last = self.last.lock().await;
        if let Some((read, as_of)) = *last
            && read.elapsed() < KEEP
        {
            return Ok(as_of);
        }
        let began = Instant::now();
        let as_of = oldest_of_newest_log(&lake.floors().await?);
        *last = Some((began, as_of));
        Ok(as_of)
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
    let newest = logs.into_values().max_by_key(|(_, newest)| *newest)?;
    Some(newest.0)
}

#[cfg(test)]
mod tests {
    use super::*;

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
    }
}
