//! One replay: what is common to entering quarantined records and missing ones.

use std::collections::{BTreeMap, HashSet};
use std::time::Duration;

use arrow::array::AsArray;
use arrow::datatypes::Int64Type;
use eventlog::{AppendError, Record};
use futures::TryStreamExt;
use lake::{LakeError, RowFilter};
use schemas::{Family, Table, TenantId};
use tokio::sync::mpsc;
use tokio::time::{Instant, sleep, sleep_until};

use super::{Found, Replay, ReplayError, Request, Step, Stored, Summary};

/// How often the floors are looked at.
const LOOK: Duration = Duration::from_millis(200);

/// After how long without a move transform is taken to be away.
const STILL: Duration = Duration::from_secs(60);

/// Records that are appended at once, at most.
const BURST: u32 = 500;

/// How often an append is tried that does not go through.
const TRIES: u32 = 10;
const PAUSE: Duration = Duration::from_secs(1);

/// Kinds of records that a summary tells apart; of reasons there may be many.
const KINDS: usize = 100;

/// What a summary tells apart.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Kind {
    pub tenant: TenantId,
    pub family: Option<Family>,
    pub stage: Option<String>,
    pub reason: Option<String>,
    pub attempts: Option<u32>,
}

/// One replay under way.
pub(super) struct Run<'a> {
    pub replay: &'a Replay,
    pub request: &'a Request,
    pub stored: Stored,
    pub summary: Summary,
    steps: &'a mpsc::Sender<Step>,
    /// When the next records may be entered.
    due: Instant,
    kinds: BTreeMap<Kind, u64>,
    /// Whose tables have to do with what was entered.
    tenants: HashSet<TenantId>,
    /// What was entered, by partition and position.
    entered: HashSet<(u32, u64)>,
}

impl<'a> Run<'a> {
    pub fn new(replay: &'a Replay, request: &'a Request, steps: &'a mpsc::Sender<Step>) -> Self {
        Self {
            replay,
            request,
            stored: Stored::new(replay.lake.clone()),
            summary: Summary {
                dry_run: request.dry_run,
                ..Summary::default()
            },
            steps,
            due: Instant::now(),
            kinds: BTreeMap::new(),
            tenants: HashSet::from([TenantId::system()]),
            entered: HashSet::new(),
        }
    }

    /// Tells whoever listens.
    pub async fn tell(&self, step: Step) {
        // Whoever does not listen any more does not want to know.
        let _ = self.steps.send(step).await;
    }

    /// Takes note of a record that is to be entered.
    pub fn found(&mut self, kind: Kind) {
        self.tenants.insert(kind.tenant.clone());
        let is_known = self.kinds.contains_key(&kind);
        let kind = match is_known || self.kinds.len() < KINDS {
            true => kind,
            false => Kind {
                reason: kind.reason.map(|_| "other reasons".to_owned()),
                family: None,
                attempts: None,
                ..kind
            },
        };
        *self.kinds.entry(kind).or_default() += 1;
    }

    /// Enters records, no faster than is asked for.
    pub async fn enter(&mut self, records: Vec<Record>) -> Result<(), ReplayError> {
        if self.request.dry_run {
            self.summary.entered += records.len() as u64;
            return Ok(());
        }
        let rate = self.request.rate.max(1);
        let burst = (rate / 10).clamp(1, BURST) as usize;
        let mut records = records.into_iter();
        loop {
            let burst: Vec<Record> = records.by_ref().take(burst).collect();
            if burst.is_empty() {
                return Ok(());
            }
            sleep_until(self.due).await;
            let takes = Duration::from_secs_f64(burst.len() as f64 / f64::from(rate));
            // What was not entered before does not make it faster now.
            self.due = Instant::now() + takes;
            self.append(burst).await?;
        }
    }

    async fn append(&mut self, mut records: Vec<Record>) -> Result<(), ReplayError> {
        for tries in 1.. {
            let answers = self.replay.log.append(records.clone()).await;
            let mut failed = None;
            let mut open = Vec::new();
            for (record, answer) in records.into_iter().zip(answers) {
                match answer {
                    Ok(receipt) => {
                        self.summary.entered += 1;
                        if let Some(at) = receipt.position() {
                            self.entered.insert((at.partition, at.offset));
                        }
                    }
                    Err(AppendError::TooLarge { .. }) => self.summary.too_large += 1,
                    // It may be there: then it is recognised.
                    Err(error) => {
                        failed = Some(error);
                        open.push(record);
                    }
                }
            }
            let Some(error) = failed else { break };
            if tries == TRIES {
                return Err(ReplayError::Append(error));
            }
            records = open;
            sleep(PAUSE).await;
        }
        Ok(())
    }

    /// Waits until everything that is in the log now is in the tables.
    pub async fn wait_for_tables(&self) -> Result<(), ReplayError> {
        let log = &self.replay.log;
        let mut tails = BTreeMap::new();
        for partition in 0..log.partitions() {
            tails.insert(partition, log.tail(partition).await?);
        }
        match self.published(&tails).await? {
            None => Ok(()),
            Some((partition, published)) => Err(ReplayError::NotPublished {
                partition,
                published,
                tail: tails[&partition],
            }),
        }
    }

    /// Waits until everything below these positions is published; says of which
    /// partition it is not and does not come nearer.
    async fn published(
        &self,
        ends: &BTreeMap<u32, u64>,
    ) -> Result<Option<(u32, u64)>, ReplayError> {
        let log_id = self.replay.log.id().as_str();
        let mut moved = (Instant::now(), None);
        loop {
            let floors = self.replay.lake.floors_of(log_id).await?;
            let floor = |partition: u32| match floors.get(&partition) {
                Some(Ok(floor)) => floor.position,
                // As long as nothing or nonsense is said of it.
                Some(Err(_)) | None => 0,
            };
            let behind = ends
                .iter()
                .find(|(partition, end)| floor(**partition) < **end);
            let Some((partition, _)) = behind else {
                return Ok(None);
            };
            let sum: u64 = ends.keys().map(|partition| floor(*partition)).sum();
            if moved.1.is_none() {
                let wait = "until what is in the log is in the tables";
                self.tell(Step::Waits(wait.to_owned())).await;
            }
            if moved.1 != Some(sum) {
                moved = (Instant::now(), Some(sum));
            } else if moved.0.elapsed() >= STILL {
                return Ok(Some((*partition, floor(*partition))));
            }
            sleep(LOOK).await;
        }
    }

    /// Waits until what was entered is judged, and says what became of it.
    pub async fn finish(mut self) -> Result<Summary, ReplayError> {
        let kinds = std::mem::take(&mut self.kinds);
        self.summary.found = kinds
            .into_iter()
            .map(|(kind, records)| Found {
                tenant: kind.tenant.to_string(),
                family: kind.family,
                stage: kind.stage,
                reason: kind.reason,
                attempts: kind.attempts,
                records,
            })
            .collect();
        if self.entered.is_empty() {
            return Ok(self.summary);
        }
        let mut ends: BTreeMap<u32, u64> = BTreeMap::new();
        for (partition, position) in &self.entered {
            let end = ends.entry(*partition).or_default();
            *end = (*end).max(position + 1);
        }
        if self.published(&ends).await?.is_some() {
            let floors = self.replay.lake.floors_of(self.replay.log.id().as_str());
            let floors = floors.await?;
            let is_unread = |(partition, position): &(u32, u64)| match floors.get(partition) {
                Some(Ok(floor)) => floor.position <= *position,
                _ => true,
            };
            let unread = self.entered.extract_if(is_unread).count();
            self.summary.unread = unread as u64;
        }
        self.summary.quarantined = self.rows(Table::Quarantine).await?;
        for family in Family::ALL {
            self.summary.stored += self.rows(Table::Events(family)).await?;
        }
        let judged = self.entered.len() as u64;
        self.summary.duplicate = judged - self.summary.quarantined - self.summary.stored;
        Ok(self.summary)
    }

    /// How many of the records that were entered are rows of that table.
    async fn rows(&self, kind: Table) -> Result<u64, LakeError> {
        let log_id = self.replay.log.id().as_str();
        let mut first: BTreeMap<u32, u64> = BTreeMap::new();
        for (partition, position) in &self.entered {
            let first = first.entry(*partition).or_insert(*position);
            *first = (*first).min(*position);
        }
        let mut rows = 0;
        for tenant in &self.tenants {
            let Some(table) = self.replay.lake.open(tenant, kind).await? else {
                continue;
            };
            for (partition, position) in &first {
                let filter = RowFilter::PositionFrom {
                    log_id: log_id.to_owned(),
                    partition: *partition,
                    position: *position,
                };
                let mut places = table.scan(&["log_position"], filter).await?;
                while let Some(places) = places.try_next().await? {
                    let positions = places.column(0).as_primitive::<Int64Type>();
                    let entered = |position: &&i64| {
                        let place = (*partition, position.unsigned_abs());
                        self.entered.contains(&place)
                    };
                    rows += positions.values().iter().filter(entered).count() as u64;
                }
            }
        }
        Ok(rows)
    }
}
