//! Events that are stored more than once: a sender repeated them after the days
//! that deduplication remembers.
//!
//! The one that was received first stays; the others become rows of
//! `duplicates`, as if they had been recognised. That takes two commits: between
//! them such an event is in both tables, and a look that was cut short is taken
//! up by the next.

mod copies;

use std::collections::{BTreeMap, HashMap, HashSet};

use arrow::array::RecordBatch;
use arrow::compute::interleave_record_batch;
use chrono::{DateTime, TimeDelta, Utc};
use futures::TryStreamExt;
use lake::{Advance, AppId, Fate, Lake, LakeError, LakeTable, RowFilter, Rows};
use schemas::{Family, Table, TenantId};

use super::UpkeepError;
use super::upkeep::table_error;
use copies::{Copy, Record, Search, Source, records};

pub use copies::Searched;

/// Puts events that are stored more than once into `duplicates`.
#[derive(Clone)]
pub(crate) struct Repeated {
    lake: Lake,
    memory_bytes: u64,
    interval: TimeDelta,
}

impl Repeated {
    /// Looks every `interval`, with as much memory as that, about.
    pub fn new(lake: Lake, memory_bytes: u64, interval: TimeDelta) -> Self {
        Self {
            lake,
            memory_bytes,
            interval,
        }
    }

    /// Looks for repeated events, if it is time or `now_or_never`; says how many
    /// there were, `None` if it did not look, and tells how far it is. `now` is the
    /// store's time.
    ///
    /// # Errors
    /// [`UpkeepError`]; the next look does what this one left.
    pub async fn put_right(
        &self,
        tenant: &TenantId,
        now: DateTime<Utc>,
        now_or_never: bool,
        tell: &(dyn Fn(Searched) + Send + Sync),
    ) -> Result<Option<u64>, UpkeepError> {
        let mut sources = self.sources(tenant).await?;
        let Some(first) = sources.first_mut() else {
            return Ok(None);
        };
        let (kind, app) = (Table::Events(first.family), AppId::repeats());
        let ended = first.table.next_position(&app).await;
        let expected = ended.map_err(|source| table_error(tenant, kind, source))?;
        let ended = expected.and_then(|at| DateTime::from_timestamp(i64::try_from(at).ok()?, 0));
        if !now_or_never && ended.is_some_and(|ended| now < ended + self.interval) {
            return Ok(None);
        }
        let (rows, extra) = Search::new(tenant, &sources, tell)
            .find(self.memory_bytes)
            .await?;
        if !extra.is_empty() {
            self.add_to_duplicates(tenant, &rows, &extra).await?;
            take_out(tenant, &mut sources, &extra).await?;
        }
        let step = Advance {
            app,
            expected,
            next: now.timestamp().unsigned_abs().max(expected.unwrap_or(0)),
        };
        let ended = sources[0].table.publish(Vec::new(), &[step]).await;
        ended.map_err(|source| UpkeepError::amend(tenant, kind, source))?;
        let count = extra.len() as u64;
        if count > 0 {
            tracing::info!(tenant.id = %tenant, rows = count, "repeated events moved to duplicates");
        }
        metrics::counter!("chalkline_maintenance_repeated_rows_total").increment(count);
        Ok(Some(count))
    }

    /// Adds those of the rows that are not there since an earlier look. Of two who
    /// do so at once one commits.
    async fn add_to_duplicates(
        &self,
        tenant: &TenantId,
        rows: &[RecordBatch],
        extra: &[Copy],
    ) -> Result<(), UpkeepError> {
        let (kind, app) = (Table::Duplicates, AppId::repeats());
        let failed = |source| table_error(tenant, kind, source);
        let opened = self.lake.open_or_create(tenant, kind).await;
        let mut duplicates = opened.map_err(failed)?;
        let expected = duplicates.next_position(&app).await.map_err(failed)?;
        let new = new_rows(&duplicates, rows, extra).await.map_err(failed)?;
        let Some(new) = new else { return Ok(()) };
        let rows = Rows {
            term: None,
            batches: vec![new],
        };
        let step = Advance {
            app,
            expected,
            next: expected.map_or(1, |count| count + 1),
        };
        let done = duplicates.publish(vec![rows], &[step]).await;
        done.map_err(|source| UpkeepError::amend(tenant, kind, source))?;
        Ok(())
    }

    async fn sources(&self, tenant: &TenantId) -> Result<Vec<Source>, UpkeepError> {
        let mut sources = Vec::new();
        for family in Family::ALL {
            let kind = Table::Events(family);
            let table = self.lake.open(tenant, kind).await;
            if let Some(table) = table.map_err(|source| table_error(tenant, kind, source))? {
                sources.push(Source {
                    family,
                    files: table.data_files(),
                    table,
                });
            }
        }
        Ok(sources)
    }
}

/// The rows of `duplicates` that are not there since an earlier look.
async fn new_rows(
    duplicates: &LakeTable,
    rows: &[RecordBatch],
    extra: &[Copy],
) -> Result<Option<RecordBatch>, LakeError> {
    let mut missing: HashMap<&Record, (usize, usize)> =
        extra.iter().map(|copy| (&copy.record, copy.at)).collect();
    let columns = ["log_id", "log_partition", "log_position"];
    let mut known = duplicates.scan(&columns, RowFilter::All).await?;
    while let Some(known) = known.try_next().await? {
        for record in records(&known).map_err(LakeError::Rows)? {
            missing.remove(&record);
        }
    }
    if missing.is_empty() {
        return Ok(None);
    }
    let places: Vec<_> = missing.into_values().collect();
    let batches: Vec<_> = rows.iter().collect();
    let new = interleave_record_batch(&batches, &places);
    new.map(Some).map_err(LakeError::Rows)
}

/// Takes the rows out of the event tables, file after file.
async fn take_out(
    tenant: &TenantId,
    sources: &mut [Source],
    extra: &[Copy],
) -> Result<(), UpkeepError> {
    let mut files: BTreeMap<(usize, usize), HashSet<&Record>> = BTreeMap::new();
    for copy in extra {
        let of = files.entry((copy.source, copy.file)).or_default();
        of.insert(&copy.record);
    }
    for ((source, file), gone) in files {
        let source = &mut sources[source];
        let fates = |rows: &RecordBatch| {
            let fate = |record| match gone.contains(&record) {
                true => Fate::Goes,
                false => Fate::Stays,
            };
            Ok(records(rows)?.into_iter().map(fate).collect::<Vec<_>>())
        };
        let amended = source.table.amend(&source.files[file], fates).await;
        let kind = Table::Events(source.family);
        amended.map_err(|source| UpkeepError::amend(tenant, kind, source))?;
    }
    Ok(())
}
