//! What the tables of a tenant say at a start: how far they are, which events
//! they hold, and which records of an unfinished round they have set aside.

use std::collections::{BTreeSet, HashMap};

use arrow::array::{AsArray, RecordBatch};
use arrow::datatypes::{Int32Type, Int64Type, TimestampMicrosecondType};
use arrow::error::ArrowError;
use chrono::{DateTime, TimeDelta, Utc};
use futures::TryStreamExt;
use lake::{
    Advance, AppId, DataFile, Floor, Lake, LakeError, LakeTable, PublishError, RowFilter, sent_keys,
};
use runtime::Registry;
use schemas::{Table, TenantId, layout};

use crate::consume::Stretch;
use crate::deduplicate::Index;
use crate::error::Error;
use crate::judge::{Settled, event_id};
use crate::look_up::Homes;
use crate::replay::Failures;

/// The columns of an event that deduplication has to know.
const EVENT: [&str; 6] = [
    "event_id",
    "received_at",
    "student_key",
    "sent_key",
    "log_id",
    "log_partition",
];

/// The tables into which some partitions of a log are read.
#[derive(Debug)]
pub(crate) struct Tables {
    pub lake: Lake,
    pub registry: Registry,
    pub log_id: String,
    /// Those that are read here.
    pub owned: BTreeSet<u32>,
    /// All that the log has, whoever reads them.
    pub partitions: u32,
    /// Of deduplication.
    pub window: TimeDelta,
}

/// A table and where it stands in each partition.
#[derive(Debug)]
pub(crate) struct Opened {
    pub kind: Table,
    pub table: LakeTable,
    pub next: HashMap<u32, u64>,
}

/// How often the partitions of a log are announced to a table that moves on
/// meanwhile, before it is begun again.
const ANNOUNCEMENTS: usize = 20;

impl Tables {
    /// Opens every table of the tenant that records become rows of, if it was
    /// ever made.
    ///
    /// # Errors
    /// [`Error::Table`].
    pub async fn open(&self, tenant: &TenantId) -> Result<Vec<Opened>, Error> {
        let written = Table::BASE.into_iter().filter(|t| *t != Table::LogCounts);
        let opening = written.map(async |kind| {
            let opened = self.open_one(tenant, kind).await;
            opened.map_err(|source| failed(tenant, kind, source))
        });
        let opened = futures::future::try_join_all(opening).await?;
        Ok(opened.into_iter().flatten().collect())
    }

    async fn open_one(&self, tenant: &TenantId, kind: Table) -> Result<Option<Opened>, LakeError> {
        let Some(mut table) = self.lake.open_for_writing(tenant, kind).await? else {
            return Ok(None);
        };
        let next = self.positions(&mut table).await?;
        Ok(Some(Opened { kind, table, next }))
    }

    async fn positions(&self, table: &mut LakeTable) -> Result<HashMap<u32, u64>, LakeError> {
        let mut next = HashMap::new();
        for partition in &self.owned {
            let app = AppId::rows(&self.log_id, *partition);
            let position = table.next_position(&app).await?;
            next.extend(position.map(|position| (*partition, position)));
        }
        Ok(next)
    }

    /// Makes sure that nobody publishes to the tenant's tables of events who takes
    /// the log for smaller than it is: when an event and its repetition came to
    /// two partitions, that would be the one who stores the second.
    ///
    /// # Errors
    /// [`Error::Table`]; [`Error::Publish`] with a conflict when others publish
    /// too often; [`Error::Rebalanced`] when the log is larger than this process
    /// knows.
    pub async fn announce(&self, tenant: &TenantId, opened: &mut [Opened]) -> Result<(), Error> {
        let events = opened
            .iter_mut()
            .filter(|o| matches!(o.kind, Table::Events(_)));
        for Opened { kind, table, next } in events {
            let unusable = |source| failed(tenant, *kind, source);
            let mut attempts = ANNOUNCEMENTS;
            while let Some(advances) = announcement(table, &self.homes()).await.map_err(unusable)? {
                attempts -= 1;
                match table.publish(Vec::new(), &advances).await {
                    Ok(_) => break,
                    Err(PublishError::Conflict(_)) if attempts > 0 => {
                        table.refresh().await.map_err(unusable)?;
                    }
                    Err(source) => {
                        let table = layout::table(tenant, *kind);
                        return Err(Error::Publish { table, source });
                    }
                }
            }
            let known = table.next_position(&AppId::partitions(&self.log_id)).await;
            if known.map_err(unusable)? > Some(self.partitions.into()) {
                return Err(Error::Rebalanced);
            }
            *next = self.positions(table).await.map_err(unusable)?;
        }
        Ok(())
    }

    /// Since when the events of tenants have to be known, so that an event still
    /// to be read is seldom looked up; `None` when there are none.
    ///
    /// Neither the clock nor the newest event alone says what may still come:
    /// one may be ahead of a log that is read late, the other of a partition
    /// that is.
    pub fn horizon<'a>(
        &self,
        opened: impl Iterator<Item = &'a Opened>,
        floors: &[Floor],
    ) -> Option<DateTime<Utc>> {
        let events = opened.filter(|opened| matches!(opened.kind, Table::Events(_)));
        let newest = events.filter_map(|o| o.table.newest_received()).max()?;
        // Nobody knows what waits in a partition that was never read to its end.
        let times = floors.iter().map(|floor| floor.as_of);
        let as_of = times.filter(|at| *at > DateTime::UNIX_EPOCH).min();
        let watermark = as_of.map_or(newest, |as_of| as_of.min(newest));
        Some(Index::horizon(watermark, self.window))
    }

    /// Adds to the index the tenant's events that belong to these partitions, the
    /// newest first, as far back as the index reaches.
    ///
    /// A repetition is read from the partition of its key, which is not that of
    /// the first when partitions were added in between, or when that was another
    /// log. So it is the row's key that tells which partition has to know it.
    ///
    /// # Errors
    /// [`Error::Table`].
    pub async fn load(
        &self,
        tenant: &TenantId,
        opened: &[Opened],
        of: &BTreeSet<u32>,
        index: &mut Index,
    ) -> Result<(), Error> {
        if of.is_empty() {
            return Ok(());
        }
        let homes = self.homes();
        let events = opened.iter().filter(|o| matches!(o.kind, Table::Events(_)));
        let files = events.flat_map(|opened| {
            let files = opened.table.data_files().into_iter();
            files.map(move |file| (opened, newest(&file), file))
        });
        let mut files: Vec<_> = files.collect();
        files.sort_by_key(|(_, newest, _)| std::cmp::Reverse(*newest));
        for (opened, newest, file) in files {
            // It rises when memory is full.
            if newest < index.since() {
                break;
            }
            let table = |source| failed(tenant, opened.kind, source);
            let rows = opened.table.read_data(&file, &EVENT).await;
            let mut rows = rows.map_err(table)?;
            while let Some(batch) = rows.try_next().await.map_err(table)? {
                load_rows(index, tenant, &homes, of, &batch)
                    .map_err(|e| table(LakeError::Rows(e)))?;
            }
        }
        Ok(())
    }

    /// To which partitions of the log events belong.
    pub fn homes(&self) -> Homes {
        Homes {
            log_id: self.log_id.clone(),
            partitions: self.partitions,
        }
    }

    /// What the tenant's tables say about the unfinished round.
    ///
    /// # Errors
    /// [`Error::Table`].
    pub async fn settle(
        &self,
        tenant: &TenantId,
        opened: &[Opened],
        unfinished: &[Stretch],
        settled: &mut Settled,
    ) -> Result<(), Error> {
        for opened in opened {
            let key = (tenant.clone(), opened.kind);
            settled.next.insert(key, opened.next.clone());
            if matches!(opened.kind, Table::Events(_)) && !settled.moved {
                let moved = AppId::moved(&self.log_id);
                let moved = opened.table.clone().next_position(&moved).await;
                let moved = moved.map_err(|source| failed(tenant, opened.kind, source))?;
                settled.moved = moved.is_some();
            }
            if !matches!(opened.kind, Table::Duplicates | Table::Quarantine) {
                continue;
            }
            let reached = |stretch: &&Stretch| {
                let next = opened.next.get(&stretch.partition);
                next.is_some_and(|next| *next > stretch.from)
            };
            for stretch in unfinished.iter().filter(reached) {
                let positions = self.set_aside(&opened.table, stretch).await;
                let positions = positions.map_err(|source| failed(tenant, opened.kind, source))?;
                let row = |position| (tenant.clone(), stretch.partition, position);
                settled.set_aside.extend(positions.into_iter().map(row));
            }
        }
        Ok(())
    }

    /// Adds the records of the tenant's quarantine that were entered again.
    ///
    /// # Errors
    /// [`Error::Table`].
    pub async fn failures(
        &self,
        tenant: &TenantId,
        opened: &[Opened],
        failures: &mut Failures,
    ) -> Result<(), Error> {
        for opened in opened.iter().filter(|o| o.kind == Table::Quarantine) {
            let read = failures.read(&opened.table).await;
            read.map_err(|source| failed(tenant, opened.kind, source))?;
        }
        Ok(())
    }

    /// The positions of a partition from `stretch.from` on that are rows.
    async fn set_aside(&self, table: &LakeTable, stretch: &Stretch) -> Result<Vec<u64>, LakeError> {
        let filter = RowFilter::PositionFrom {
            log_id: self.log_id.clone(),
            partition: stretch.partition,
            position: stretch.from,
        };
        let mut rows = table.scan(&["log_position"], filter).await?;
        let mut positions = Vec::new();
        while let Some(batch) = rows.try_next().await? {
            let column = batch.column(0).as_primitive::<Int64Type>();
            positions.extend(column.values().iter().map(|p| p.unsigned_abs()));
        }
        Ok(positions)
    }

    /// Whether a start could do all it needs with this tenant.
    ///
    /// # Errors
    /// Why it could not.
    pub async fn check(&self, tenant: &TenantId, floors: &[Floor]) -> Result<(), Error> {
        if *tenant != TenantId::system() {
            self.registry.tenant(tenant).await?;
        }
        let opened = self.open(tenant).await?;
        // Only whether it can be read.
        let mut index = Index::new(self.window, 0);
        if let Some(since) = self.horizon(opened.iter(), floors) {
            index.begin_at(since);
        }
        self.load(tenant, &opened, &self.owned, &mut index).await?;
        let unfinished: Vec<Stretch> = floors
            .iter()
            .map(|floor| Stretch {
                partition: floor.partition,
                from: floor.position,
                until: None,
            })
            .collect();
        let mut failures = Failures::new(&self.log_id);
        self.failures(tenant, &opened, &mut failures).await?;
        let mut settled = Settled::default();
        self.settle(tenant, &opened, &unfinished, &mut settled)
            .await
    }
}

fn load_rows(
    index: &mut Index,
    tenant: &TenantId,
    homes: &Homes,
    of: &BTreeSet<u32>,
    rows: &RecordBatch,
) -> Result<(), ArrowError> {
    let column = |name: &str| {
        let column = rows.column_by_name(name);
        column.ok_or_else(|| ArrowError::SchemaError(format!("{name} is missing")))
    };
    let text = |name| Ok::<_, ArrowError>(column(name)?.as_string::<i32>());
    let (ids, keys, logs) = (text("event_id")?, sent_keys(rows)?, text("log_id")?);
    let times = column("received_at")?.as_primitive::<TimestampMicrosecondType>();
    let partitions = column("log_partition")?.as_primitive::<Int32Type>();
    for row in 0..rows.num_rows() {
        let Some(time) = DateTime::from_timestamp_micros(times.value(row)) else {
            continue;
        };
        if time < index.since() {
            continue;
        }
        let Some(id) = event_id(ids.value(row)) else {
            continue;
        };
        let origin = partitions.value(row).unsigned_abs();
        let known_in = homes.of(tenant, keys.of(row), logs.value(row), origin);
        for partition in known_in.filter(|partition| of.contains(partition)) {
            // Columns are not what the sender said: its times are corrected,
            // and defaults filled in.
            index.load(partition, tenant, id, time);
        }
    }
    Ok(())
}

/// When the newest row of a file was received.
fn newest(file: &DataFile) -> DateTime<Utc> {
    let times = file.times("received_at");
    times.map_or(DateTime::<Utc>::MAX_UTC, |times| *times.end())
}

/// The commit that tells a table of how many partitions the log has; `None` when
/// it knows of as many, or of more.
pub(crate) async fn announcement(
    table: &mut LakeTable,
    homes: &Homes,
) -> Result<Option<Vec<Advance>>, LakeError> {
    let app = AppId::partitions(&homes.log_id);
    let expected = table.next_position(&app).await?;
    let next = u64::from(homes.partitions);
    if expected >= Some(next) {
        return Ok(None);
    }
    let mut advances = vec![Advance {
        app,
        expected,
        next,
    }];
    for partition in 0..homes.partitions {
        advances.push(touch(table, homes, partition).await?);
    }
    Ok(Some(advances))
}

/// The step of a partition that goes nowhere, but not beside another's.
async fn touch(table: &mut LakeTable, homes: &Homes, partition: u32) -> Result<Advance, LakeError> {
    let app = AppId::rows(&homes.log_id, partition);
    let expected = table.next_position(&app).await?;
    Ok(Advance {
        app,
        expected,
        next: expected.unwrap_or(0),
    })
}

fn failed(tenant: &TenantId, kind: Table, source: LakeError) -> Error {
    Error::Table {
        table: layout::table(tenant, kind),
        source,
    }
}
