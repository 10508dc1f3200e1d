//! Up to where each partition is published, and what that says about time.

use std::collections::BTreeMap;
use std::ops::Range;
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
    /// The floors, for the second reader.
    published: watch::Sender<BTreeMap<u32, u64>>,
}

/// The progress of one partition.
#[derive(Debug)]
struct Partition {
    floor: Floor,
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
        published: watch::Sender<BTreeMap<u32, u64>>,
    ) -> Self {
        let partition = |floor: Floor| Partition {
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
            published,
        };
        progress.tell();
        progress
    }

    /// A round is published in all its tables: moves the floors on and stores
    /// them. The next round must not be published before this succeeds: a
    /// restart reads again what lies above the floors, and takes it for one
    /// unfinished round.
    pub async fn advance(
        &mut self,
        stretches: &BTreeMap<u32, Range<u64>>,
    ) -> Result<(), LakeError> {
        for (partition, stretch) in stretches {
            let Some(progress) = self.partitions.get_mut(partition) else {
                continue;
            };
            progress.floor.position = progress.floor.position.max(stretch.end);
            progress.pass_mark();
        }
        let moved = self.partitions.iter_mut();
        let moved = moved.filter(|(partition, _)| stretches.contains_key(partition));
        let stores = moved.map(|(_, progress)| progress.store(&self.lake));
        futures::future::try_join_all(stores).await?;
        self.tell();
        Ok(())
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
            if progress.pass_mark() && due(progress.stored_at, STORE_EVERY) {
                if let Err(error) = progress.store(&self.lake).await {
                    tracing::warn!(
                        log.partition = *partition,
                        error = crate::error::chain(&error),
                        "the floor was not stored"
                    );
                }
            }
        }
    }

    /// The earliest time for which an event may still come that was answered
    /// but is not published.
    pub fn as_of(&self) -> Option<DateTime<Utc>> {
        self.partitions.values().map(|p| p.floor.as_of).min()
    }

    fn tell(&self) {
        let floors = self.partitions.iter();
        let floors = floors.map(|(partition, progress)| (*partition, progress.floor.position));
        self.published.send_replace(floors.collect());
    }
}

impl Partition {
    /// Takes over the mark's time once everything below it is published, and
    /// says whether there is a time that is not stored.
    fn pass_mark(&mut self) -> bool {
        if let Some(mark) = self.mark.take_if(|mark| self.floor.position >= mark.tail) {
            self.floor.as_of = self.floor.as_of.max(mark.time);
            return true;
        }
        false
    }

    async fn store(&mut self, lake: &Lake) -> Result<(), LakeError> {
        lake.set_floor(&self.floor).await?;
        self.stored_at = Some(Instant::now());
        Ok(())
    }
}
