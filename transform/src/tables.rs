//! What the tables of a tenant say at a start: how far they are, which events
//! they hold, and which records of an unfinished round they have set aside.

use std::collections::{BTreeSet, HashMap};

use arrow::array::{AsArray, RecordBatch};
use arrow::datatypes::{Int32Type, Int64Type, TimestampMicrosecondType};
use chrono::{DateTime, TimeDelta};
use eventlog::partition_for;
use futures::TryStreamExt;
use lake::{AppId, Floor, Lake, LakeError, LakeTable, RowFilter};
use runtime::Registry;
use schemas::{StudentKey, Table, TenantId, layout, log_key};

use crate::consume::Stretch;
use crate::deduplicate::Index;
use crate::error::Error;
use crate::judge::{Settled, event_id};

/// The columns of an event that deduplication has to know.
const EVENT: [&str; 5] = [
    "event_id",
    "received_at",
    "student_key",
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
        let mut next = HashMap::new();
        for partition in &self.owned {
            let app = AppId::rows(&self.log_id, *partition);
            let position = table.next_position(&app).await?;
            next.extend(position.map(|position| (*partition, position)));
        }
        Ok(Some(Opened { kind, table, next }))
    }

    /// Adds to the index the tenant's events that one still to be read may
    /// repeat.
    ///
    /// A repetition is read from the partition of its key, which is not that of
    /// the first when partitions were added in between, or when that was another
    /// log. So it is the row's key that tells which partition has to know it. One
    /// that was read from here is known here in any case: whoever wrote it may
    /// have other ideas of where it belongs.
    ///
    /// Neither the clock nor the newest event alone says what may still come:
    /// one may be ahead of a log that is read late, the other of a partition
    /// that is.
    ///
    /// # Errors
    /// [`Error::Table`].
    pub async fn remember(
        &self,
        tenant: &TenantId,
        opened: &[Opened],
        floors: &[Floor],
        index: &mut Index,
    ) -> Result<(), Error> {
        let events = || opened.iter().filter(|o| matches!(o.kind, Table::Events(_)));
        let Some(newest) = events().filter_map(|o| o.table.newest_received()).max() else {
            return Ok(());
        };
        let as_of = floors.iter().map(|floor| floor.as_of).min();
        let watermark = as_of.map_or(newest, |as_of| as_of.min(newest));
        let since = Index::horizon(watermark, self.window);
        for opened in events() {
            let table = |source| failed(tenant, opened.kind, source);
            let rows = opened.table.scan(&EVENT, RowFilter::ReceivedSince(since));
            let mut rows = rows.await.map_err(table)?;
            while let Some(batch) = rows.try_next().await.map_err(table)? {
                self.remember_rows(index, tenant, &batch);
            }
        }
        Ok(())
    }

    fn remember_rows(&self, index: &mut Index, tenant: &TenantId, rows: &RecordBatch) {
        let texts = |column: usize| rows.column(column).as_string::<i32>();
        let (ids, keys, logs) = (texts(0), texts(2), texts(3));
        let times = rows.column(1).as_primitive::<TimestampMicrosecondType>();
        let partitions = rows.column(4).as_primitive::<Int32Type>();
        for row in 0..rows.num_rows() {
            let Some(id) = event_id(ids.value(row)) else {
                continue;
            };
            let Some(time) = DateTime::from_timestamp_micros(times.value(row)) else {
                continue;
            };
            let key = keys.value(row).parse::<StudentKey>().ok();
            let home = key.map(|key| partition_for(&log_key(tenant, &key), self.partitions));
            let origin = partitions.value(row).unsigned_abs();
            let origin = (logs.value(row) == self.log_id).then_some(origin);
            let known_in = home.into_iter().chain(origin.filter(|_| origin != home));
            for partition in known_in.filter(|partition| self.owned.contains(partition)) {
                // Columns are not what the sender said: its times are corrected,
                // and defaults filled in.
                index.remember(partition, tenant, id, time, None);
            }
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
        let mut index = Index::new(self.window);
        self.remember(tenant, &opened, floors, &mut index).await?;
        let unfinished: Vec<Stretch> = floors
            .iter()
            .map(|floor| Stretch {
                partition: floor.partition,
                from: floor.position,
                until: None,
            })
            .collect();
        let mut settled = Settled::default();
        self.settle(tenant, &opened, &unfinished, &mut settled)
            .await
    }
}

fn failed(tenant: &TenantId, kind: Table, source: LakeError) -> Error {
    Error::Table {
        table: layout::table(tenant, kind),
        source,
    }
}
