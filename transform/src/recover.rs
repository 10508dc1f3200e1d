//! recover: what a start has to know, all of it from the lake.

use std::collections::HashMap;
use std::sync::Arc;

use arrow::array::{AsArray, RecordBatch};
use arrow::datatypes::{Int64Type, TimestampMicrosecondType};
use chrono::{DateTime, Utc};
use eventlog::{EventLog, ReadError};
use futures::{StreamExt, TryStreamExt};
use lake::{AppId, Floor, Lake, LakeTable, RowFilter};
use runtime::Registry;
use schemas::{Table, TenantId, layout};

use crate::config::Config;
use crate::consume::Stretch;
use crate::deduplicate::Index;
use crate::error::Error;
use crate::judge::{Judge, Settled, event_id};
use crate::publish::Publisher;

/// How many tables are opened and read at once.
const CONCURRENT_TABLES: usize = 8;

/// Where to begin, and with what knowledge.
pub(crate) struct Recovered {
    /// The floor of every partition.
    pub floors: Vec<Floor>,
    /// The round that did not finish before the last stop; often empty. It must
    /// be published again before anything else is judged.
    pub unfinished: Vec<Stretch>,
    /// What follows.
    pub live: Vec<Stretch>,
    pub judge: Judge,
    pub publisher: Publisher,
}

/// A table and where it stands in each partition.
struct Opened {
    tenant: TenantId,
    kind: Table,
    table: LakeTable,
    next: HashMap<u32, u64>,
}

/// Reads floors, positions and what deduplication has to remember.
///
/// Records from the floor up to the highest position of any table are those of
/// the one round that did not finish.
///
/// # Errors
/// [`Error::AnotherLog`] when the log ends below what is published.
pub(crate) async fn recover(
    log: &Arc<dyn EventLog>,
    lake: &Lake,
    registry: &Registry,
    config: &Config,
) -> Result<Recovered, Error> {
    let log_id = log.id().to_string();
    let floors = floors(log.as_ref(), lake).await?;
    let opened = open_all(lake, registry, &log_id, log.partitions()).await?;

    let mut unfinished = Vec::new();
    let mut live = Vec::new();
    for floor in &floors {
        let partition = floor.partition;
        let positions = opened.iter().filter_map(|table| table.next.get(&partition));
        let end = positions.copied().fold(floor.position, u64::max);
        let tail = log.tail(partition).await?;
        if end > tail {
            let from = end;
            return Err(Error::AnotherLog {
                log_id,
                source: ReadError::BeyondTail {
                    partition,
                    from,
                    tail,
                },
            });
        }
        if end > floor.position {
            unfinished.push(Stretch {
                partition,
                from: floor.position,
                until: Some(end),
            });
        }
        live.push(Stretch {
            partition,
            from: end,
            until: None,
        });
    }

    let index = index(&opened, &floors, config).await?;
    let settled = settled(&opened, &log_id, &unfinished).await?;
    tracing::info!(
        tables = opened.len(),
        events = index.len(),
        unfinished = unfinished.len(),
        "recovered from the lake"
    );
    let tables = opened
        .into_iter()
        .map(|opened| ((opened.tenant, opened.kind), opened.table))
        .collect();
    Ok(Recovered {
        floors,
        unfinished,
        live,
        judge: Judge::new(index, settled),
        publisher: Publisher::new(lake.clone(), log_id, tables, config.concurrent_commits),
    })
}

/// The floor of every partition of the log; where there is none, nothing was
/// published, and what the log still has is all there is.
async fn floors(log: &dyn EventLog, lake: &Lake) -> Result<Vec<Floor>, Error> {
    let log_id = log.id().as_str();
    let mut stored: HashMap<u32, Floor> = lake
        .floors()
        .await?
        .into_iter()
        .filter(|floor| floor.log_id == log_id)
        .map(|floor| (floor.partition, floor))
        .collect();
    let mut floors = Vec::new();
    for partition in 0..log.partitions() {
        floors.push(match stored.remove(&partition) {
            Some(floor) => floor,
            None => Floor {
                log_id: log_id.to_owned(),
                partition,
                position: log.head(partition).await?,
                as_of: DateTime::UNIX_EPOCH,
            },
        });
    }
    Ok(floors)
}

/// Opens every table of every tenant that records become rows of.
async fn open_all(
    lake: &Lake,
    registry: &Registry,
    log_id: &str,
    partitions: u32,
) -> Result<Vec<Opened>, Error> {
    let mut tenants = registry.tenants().await?;
    tenants.push(TenantId::system());
    let tables = tenants.into_iter().flat_map(|tenant| {
        let written = Table::BASE.into_iter().filter(|t| *t != Table::LogCounts);
        written.map(move |table| (tenant.clone(), table))
    });
    let opened: Vec<Option<Opened>> = futures::stream::iter(tables)
        .map(|(tenant, kind)| open(lake, tenant, kind, log_id, partitions))
        .buffer_unordered(CONCURRENT_TABLES)
        .try_collect()
        .await?;
    Ok(opened.into_iter().flatten().collect())
}

async fn open(
    lake: &Lake,
    tenant: TenantId,
    kind: Table,
    log_id: &str,
    partitions: u32,
) -> Result<Option<Opened>, Error> {
    let failed = |source| Error::Table {
        table: layout::table(&tenant, kind),
        source,
    };
    let opened = lake.open_for_writing(&tenant, kind).await;
    let Some(mut table) = opened.map_err(failed)? else {
        return Ok(None);
    };
    let mut next = HashMap::new();
    for partition in 0..partitions {
        let app = AppId::rows(log_id, partition);
        let position = table.next_position(&app).await.map_err(failed)?;
        next.extend(position.map(|position| (partition, position)));
    }
    Ok(Some(Opened {
        tenant,
        kind,
        table,
        next,
    }))
}

/// The events that one still to be read may repeat.
///
/// Neither the clock nor the newest event alone says what may still come: one
/// may be ahead of a log that is read late, the other of a partition that is.
async fn index(opened: &[Opened], floors: &[Floor], config: &Config) -> Result<Index, Error> {
    let mut index = Index::new(config.window());
    let events = |opened: &&Opened| matches!(opened.kind, Table::Events(_));
    let as_of = floors.iter().map(|floor| floor.as_of).min();
    let mut newest: HashMap<&TenantId, DateTime<Utc>> = HashMap::new();
    for opened in opened.iter().filter(events) {
        if let Some(time) = opened.table.newest_received() {
            let newest = newest.entry(&opened.tenant).or_insert(time);
            *newest = time.max(*newest);
        }
    }
    for opened in opened.iter().filter(events) {
        let Some(newest) = newest.get(&opened.tenant) else {
            continue;
        };
        let watermark = as_of.map_or(*newest, |as_of| as_of.min(*newest));
        let since = Index::horizon(watermark, config.window());
        let columns = ["event_id", "received_at"];
        let filter = RowFilter::ReceivedSince(since);
        let mut rows = opened.table.scan(&columns, filter).await?;
        while let Some(batch) = rows.try_next().await? {
            remember(&mut index, &opened.tenant, &batch);
        }
    }
    Ok(index)
}

fn remember(index: &mut Index, tenant: &TenantId, rows: &RecordBatch) {
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

/// What the tables say about the unfinished round.
async fn settled(
    opened: &[Opened],
    log_id: &str,
    unfinished: &[Stretch],
) -> Result<Settled, Error> {
    let mut settled = Settled::default();
    if unfinished.is_empty() {
        return Ok(settled);
    }
    for table in opened {
        let key = (table.tenant.clone(), table.kind);
        settled.next.insert(key, table.next.clone());
        if !matches!(table.kind, Table::Duplicates | Table::Quarantine) {
            continue;
        }
        for stretch in unfinished {
            let next = table.next.get(&stretch.partition);
            if next.is_none_or(|next| *next <= stretch.from) {
                continue;
            }
            let filter = RowFilter::PositionFrom {
                log_id: log_id.to_owned(),
                partition: stretch.partition,
                position: stretch.from,
            };
            let mut rows = table.table.scan(&["log_position"], filter).await?;
            while let Some(batch) = rows.try_next().await? {
                let positions = batch.column(0).as_primitive::<Int64Type>();
                settled
                    .set_aside
                    .extend(positions.values().iter().map(|position| {
                        let position = position.unsigned_abs();
                        (table.tenant.clone(), stretch.partition, position)
                    }));
            }
        }
    }
    Ok(settled)
}
