//! Up to where each partition is published, and what that says about time.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Utc};
use eventlog::EventLog;
use lake::{Floor, Lake, LakeError};
use runtime::Clock;
use tokio::sync::watch;
use tokio::time::Instant;

/// How often a partition is asked for its end.
const MARK_EVERY: Duration = Duration::from_secs(1);

/// How often the floor of a partition is stored in which only time passes.
const STORE_EVERY: Duration = Duration::from_secs(2);

/// The progress of all partitions of a log.
pub(crate) struct Progress {
    lake: Lake,
    log: Arc<dyn EventLog>,
    clock: Clock,
    partitions: BTreeMap<u32, Partition>,
    /// Up to where each partition was read and decided about, for the second
    /// reader.
    read: watch::Sender<BTreeMap<u32, u64>>,
}

/// The progress of one partition.
#[derive(Debug)]
struct Partition {
    floor: Floor,
    /// Where reading goes on: above the floor when tenants wait.
    next: u64,
    /// The first record that waits; the floor does not pass it.
    pin: Option<u64>,
    /// As the floor's `as_of`, but for tenants who wait.
    read_as_of: DateTime<Utc>,
    mark: Option<Mark>,
    marked_at: Option<Instant>,
    stored_at: Option<Instant>,
}

/// Where a partition ended at some time: everything answered to senders before
/// that time lies below.
#[derive(Debug, Clone, Copy)]
struct Mark {
    time: DateTime<Utc>,
    tail: u64,
}

impl Progress {
    /// Progress from where each partition was published before.
    pub fn new(
        lake: Lake,
        log: Arc<dyn EventLog>,
        clock: Clock,
        floors: Vec<Floor>,
        read: watch::Sender<BTreeMap<u32, u64>>,
    ) -> Self {
        let partition = |floor: Floor| Partition {
            next: floor.position,
            pin: None,
            read_as_of: floor.as_of,
            floor,
            mark: None,
            marked_at: None,
            stored_at: None,
        };
        let progress = Self {
            lake,
            log,
            clock,
            partitions: floors
                .into_iter()
                .map(|floor| (floor.partition, partition(floor)))
                .collect(),
            read,
        };
        progress.tell();
        progress
    }

    /// A record waits for its tenant's tables: the floor of its partition stays
    /// at or below it until the next life.
    pub fn pin(&mut self, partition: u32, position: u64) {
        if let Some(progress) = self.partitions.get_mut(&partition) {
            let pin = progress.pin.get_or_insert(position);
            *pin = position.min(*pin);
        }
    }

    /// Everything below these ends is published in all tables, or waits for its
    /// tenant: moves the floors on and stores those that moved.
    pub async fn advance(&mut self, ends: &BTreeMap<u32, u64>) -> Result<(), LakeError> {
        let mut moved = Vec::new();
        for (partition, progress) in &mut self.partitions {
            let Some(end) = ends.get(partition) else {
                continue;
            };
            let before = progress.floor.clone();
            progress.advance(*end);
            progress.pass_mark();
            if progress.floor != before {
                moved.push(progress.store(&self.lake));
            }
        }
        futures::future::try_join_all(moved).await?;
        self.tell();
        Ok(())
    }

    /// Whether these ends are further than what was last advanced to.
    pub fn is_behind(&self, ends: &BTreeMap<u32, u64>) -> bool {
        let mut ends = ends.iter();
        ends.any(|(p, end)| self.partitions.get(p).is_some_and(|p| p.next < *end))
    }

    /// Lets time pass for partitions that are published to their end. Call it
    /// often; it does little.
    ///
    /// A log or a store that does not answer holds time still, nothing else.
    pub async fn tick(&mut self) {
        for (partition, progress) in &mut self.partitions {
            let due = |at: Option<Instant>, every| at.is_none_or(|at| at.elapsed() >= every);
            if due(progress.marked_at, MARK_EVERY) {
                progress.marked_at = Some(Instant::now());
                // The time first: what is answered before it lies below the tail.
                let time = self.clock.now();
                if let Ok(tail) = self.log.tail(*partition).await {
                    let lag = tail.saturating_sub(progress.floor.position);
                    metrics::gauge!("chalkline_transform_lag_records", "partition" => partition.to_string())
                        .set(lag as f64);
                    progress.mark.get_or_insert(Mark { time, tail });
                }
            }
            if progress.pass_mark()
                && due(progress.stored_at, STORE_EVERY)
                && let Err(error) = progress.store(&self.lake).await
            {
                tracing::warn!(
                    log.partition = *partition,
                    error = crate::error::chain(&error),
                    "the floor was not stored"
                );
            }
        }
    }

    /// The earliest time for which an event may still come in this life that
    /// was answered but is not published.
    pub fn as_of(&self) -> Option<DateTime<Utc>> {
        self.partitions.values().map(|p| p.read_as_of).min()
    }

    /// Below which position each partition is published.
    pub fn positions(&self) -> BTreeMap<u32, u64> {
        let floors = self.partitions.values().map(|p| &p.floor);
        floors.map(|f| (f.partition, f.position)).collect()
    }

    fn tell(&self) {
        let read = self.partitions.iter();
        let read = read.map(|(partition, progress)| (*partition, progress.next));
        self.read.send_replace(read.collect());
    }
}

impl Partition {
    /// Everything below `end` is published, or waits.
    fn advance(&mut self, end: u64) {
        self.next = self.next.max(end);
        let floor = self.pin.map_or(self.next, |pin| pin.min(self.next));
        self.floor.position = self.floor.position.max(floor);
    }

    /// Takes over the mark's time once everything below it is published, and
    /// says whether there is a time that is not stored.
    fn pass_mark(&mut self) -> bool {
        let Some(mark) = self.mark.take_if(|mark| self.next >= mark.tail) else {
            return false;
        };
        self.read_as_of = self.read_as_of.max(mark.time);
        if self.floor.position < mark.tail {
            return false;
        }
        self.floor.as_of = self.floor.as_of.max(mark.time);
        true
    }

    async fn store(&mut self, lake: &Lake) -> Result<(), LakeError> {
        lake.set_floor(&self.floor).await?;
        self.stored_at = Some(Instant::now());
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn partition() -> Partition {
        let as_of = DateTime::UNIX_EPOCH;
        Partition {
            floor: Floor {
                log_id: "log-1".to_owned(),
                partition: 0,
                position: 5,
                as_of,
            },
            next: 5,
            pin: None,
            read_as_of: as_of,
            mark: None,
            marked_at: None,
            stored_at: None,
        }
    }

    #[test]
    fn a_floor_and_its_time_do_not_pass_a_record_that_waits() {
        let time = DateTime::from_timestamp(1_789_000_000, 0).expect("a time");
        let mut waiting = partition();
        waiting.pin = Some(7);
        waiting.mark = Some(Mark { time, tail: 20 });
        waiting.advance(20);
        assert!(!waiting.pass_mark());
        assert_eq!((waiting.floor.position, waiting.next), (7, 20));
        assert_eq!(waiting.floor.as_of, DateTime::UNIX_EPOCH);
        assert_eq!(waiting.read_as_of, time, "the index forgets nevertheless");

        let mut free = partition();
        free.mark = Some(Mark { time, tail: 20 });
        free.advance(20);
        assert!(free.pass_mark());
        assert_eq!((free.floor.position, free.floor.as_of), (20, time));
    }
}
