//! What the tables of a tenant say at a start: how far they are, which events
//! they hold, and which records of an unfinished round they have set aside.

use std::collections::HashMap;

use arrow::array::{AsArray, RecordBatch};
use arrow::datatypes::{Int64Type, TimestampMicrosecondType};
use chrono::{DateTime, TimeDelta, Utc};
use futures::TryStreamExt;
use lake::{AppId, Floor, Lake, LakeError, LakeTable, RowFilter};
use runtime::Registry;
use schemas::{Table, TenantId, layout};

use crate::consume::Stretch;
use crate::deduplicate::Index;
use crate::error::Error;
use crate::judge::{Settled, event_id};

/// The tables into which one log is read.
#[derive(Debug)]
pub(crate) struct Tables {
    pub lake: Lake,
    pub registry: Registry,
    pub log_id: String,
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
        for partition in 0..self.partitions {
            let app = AppId::rows(&self.log_id, partition);
            let position = table.next_position(&app).await?;
            next.extend(position.map(|position| (partition, position)));
        }
        Ok(Some(Opened { kind, table, next }))
    }

    /// Adds to the index the tenant's events that one still to be read may
    /// repeat.
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
            let columns = ["event_id", "received_at"];
            let rows = opened.table.scan(&columns, RowFilter::ReceivedSince(since));
            let mut rows = rows.await.map_err(table)?;
            while let Some(batch) = rows.try_next().await.map_err(table)? {
                remember_rows(index, tenant, &batch);
            }
        }
        Ok(())
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

fn remember_rows(index: &mut Index, tenant: &TenantId, rows: &RecordBatch) {
    let ids = rows.column(0).as_string::<i32>();
    let times = rows.column(1).as_primitive::<TimestampMicrosecondType>();
    for (id, micros) in ids.iter().zip(times) {
        let id = id.and_then(event_id);
        let time: Option<DateTime<Utc>> = micros.and_then(DateTime::from_timestamp_micros);
        if let (Some(id), Some(time)) = (id, time) {
            // Columns are not what the sender said: its times are corrected, and
            // defaults filled in.
            index.remember(tenant, id, time, None);
        }
    }
}
