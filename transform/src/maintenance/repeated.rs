//! Events that are stored more than once: a sender repeated them after the days
//! that deduplication remembers.
//!
//! The one that was received first stays; the others become rows of
//! `duplicates`, as if they had been recognised. That takes two commits: between
//! them such an event is in both tables, and a look that was cut short is taken
//! up by the next.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;

use arrow::array::{ArrayRef, AsArray, BooleanArray, RecordBatch, StringArray, UInt32Array};
use arrow::compute::{interleave_record_batch, take_record_batch};
use arrow::datatypes::{Int32Type, Int64Type, TimestampMicrosecondType};
use arrow::error::ArrowError;
use chrono::{DateTime, TimeDelta, Utc};
use futures::TryStreamExt;
use lake::{
    Advance, AppId, DataFile, Fate, Lake, LakeError, LakeTable, RowFilter, Rows, file_columns,
};
use schemas::{Family, Table, TenantId};
use xxhash_rust::xxh3::{xxh3_64, xxh3_128};

use super::UpkeepError;
use super::upkeep::table_error;

/// The columns that a row of `duplicates` takes over, and the place in the log.
const COLUMNS: [&str; 8] = [
    "event_id",
    "event_type",
    "occurred_at",
    "received_at",
    "student_key",
    "log_id",
    "log_partition",
    "log_position",
];

/// Bits for each id: of ids that are there once, one in forty looks as if it were
/// not, and is looked at again.
const BITS_PER_ID: u64 = 20;

/// Puts events that are stored more than once into `duplicates`.
#[derive(Clone)]
pub(crate) struct Repeated {
    lake: Lake,
    memory_bytes: u64,
    interval: TimeDelta,
}

/// The record of a row: its log, partition and position.
type Record = (String, i32, i64);

/// An event table and its files.
struct Source {
    family: Family,
    table: LakeTable,
    files: Vec<DataFile>,
}

/// A row with an id that others have, too.
struct Copy {
    source: usize,
    file: usize,
    /// Which of the batches, and which of its rows.
    at: (usize, usize),
    received_at: i64,
    record: Record,
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
    /// there were, `None` if it did not look. `now` is the store's time.
    ///
    /// # Errors
    /// [`UpkeepError`]; the next look does what this one left.
    pub async fn put_right(
        &self,
        tenant: &TenantId,
        now: DateTime<Utc>,
        now_or_never: bool,
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
        let (rows, extra) = self.find(tenant, &sources).await?;
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

    /// All rows whose id others have, as rows of `duplicates`, and which of them
    /// are to go.
    async fn find(
        &self,
        tenant: &TenantId,
        sources: &[Source],
    ) -> Result<(Vec<RecordBatch>, Vec<Copy>), UpkeepError> {
        let ids: u64 = sources
            .iter()
            .flat_map(|s| &s.files)
            .map(DataFile::rows)
            .sum();
        let parts = (ids * BITS_PER_ID)
            .div_ceil(self.memory_bytes * 8 / 2)
            .max(1);
        let (mut rows, mut extra) = (Vec::new(), Vec::new());
        for number in 0..parts {
            let part = Part { number, of: parts };
            let suspects = suspects(tenant, sources, ids, part).await?;
            if suspects.is_empty() {
                continue;
            }
            let repeated = repeated(tenant, sources, &suspects).await?;
            if !repeated.is_empty() {
                extra.extend(copies(tenant, sources, &repeated, &mut rows).await?);
            }
        }
        Ok((rows, extra))
    }
}

/// Which ids are looked for at a time: those whose hash leaves that rest.
#[derive(Clone, Copy)]
struct Part {
    number: u64,
    of: u64,
}

/// Reads some columns of all files, one after the other; `see` gets the table's
/// and the file's number, too.
async fn read(
    tenant: &TenantId,
    sources: &[Source],
    columns: &[&str],
    mut see: impl FnMut(usize, usize, &RecordBatch) -> Result<(), ArrowError>,
) -> Result<(), UpkeepError> {
    for (number, source) in sources.iter().enumerate() {
        let failed = |e| table_error(tenant, Table::Events(source.family), e);
        for (file, data) in source.files.iter().enumerate() {
            let rows = source.table.read_data(data, columns).await;
            let mut rows = rows.map_err(failed)?;
            while let Some(rows) = rows.try_next().await.map_err(failed)? {
                let seen = see(number, file, &rows);
                seen.map_err(|e| failed(LakeError::Rows(e)))?;
            }
        }
    }
    Ok(())
}

/// Hashes of ids of one part that may be there more than once.
async fn suspects(
    tenant: &TenantId,
    sources: &[Source],
    ids: u64,
    part: Part,
) -> Result<HashSet<u64>, UpkeepError> {
    let words = (ids * BITS_PER_ID).div_ceil(part.of).div_ceil(64).max(1);
    let mut seen = vec![0_u64; usize::try_from(words).unwrap_or(usize::MAX)];
    let mut suspects = HashSet::new();
    let see = |_, _, rows: &RecordBatch| {
        for id in column(rows, "event_id")?
            .as_string::<i32>()
            .iter()
            .flatten()
        {
            let hash = xxh3_64(id.as_bytes());
            if hash % part.of != part.number {
                continue;
            }
            let bit = (hash / part.of) % (words * 64);
            let word = &mut seen[(bit / 64) as usize];
            if *word & (1 << (bit % 64)) != 0 {
                suspects.insert(hash);
            }
            *word |= 1 << (bit % 64);
        }
        Ok(())
    };
    read(tenant, sources, &["event_id"], see).await?;
    Ok(suspects)
}

/// The ids of the suspects that are there more than once.
async fn repeated(
    tenant: &TenantId,
    sources: &[Source],
    suspects: &HashSet<u64>,
) -> Result<HashSet<u128>, UpkeepError> {
    let mut once: HashSet<u128> = HashSet::new();
    let mut repeated = HashSet::new();
    let see = |_, _, rows: &RecordBatch| {
        for id in column(rows, "event_id")?
            .as_string::<i32>()
            .iter()
            .flatten()
        {
            if suspects.contains(&xxh3_64(id.as_bytes())) && !once.insert(xxh3_128(id.as_bytes())) {
                repeated.insert(xxh3_128(id.as_bytes()));
            }
        }
        Ok(())
    };
    read(tenant, sources, &["event_id"], see).await?;
    Ok(repeated)
}

/// The rows that have one of these ids, put to `rows`; answers those of them that
/// are to go.
async fn copies(
    tenant: &TenantId,
    sources: &[Source],
    repeated: &HashSet<u128>,
    rows: &mut Vec<RecordBatch>,
) -> Result<Vec<Copy>, UpkeepError> {
    let mut copies: HashMap<String, Vec<Copy>> = HashMap::new();
    let see = |source: usize, file, batch: &RecordBatch| {
        let ids = column(batch, "event_id")?.as_string::<i32>();
        let of =
            |id: Option<&str>| id.is_some_and(|id| repeated.contains(&xxh3_128(id.as_bytes())));
        let places = (0..).zip(ids).filter(|(_, id)| of(*id));
        let places: Vec<u32> = places.map(|(place, _)| place).collect();
        if places.is_empty() {
            return Ok(());
        }
        let found = take_record_batch(batch, &UInt32Array::from(places))?;
        let received = column(&found, "received_at")?.as_primitive::<TimestampMicrosecondType>();
        let records = records(&found)?;
        let ids = column(&found, "event_id")?.as_string::<i32>();
        for (row, (id, record)) in ids.iter().zip(records).enumerate() {
            copies
                .entry(id.unwrap_or_default().to_owned())
                .or_default()
                .push(Copy {
                    source,
                    file,
                    at: (rows.len(), row),
                    received_at: received.value(row),
                    record,
                });
        }
        rows.push(as_duplicates(sources[source].family, &found)?);
        Ok(())
    };
    read(tenant, sources, &COLUMNS, see).await?;
    Ok(copies.into_values().flat_map(all_but_the_first).collect())
}

/// Of the rows with one id all but the one that was received first. Rows of the
/// very record that stays are left: they are no repetition, and the ledger has to
/// show them.
fn all_but_the_first(mut copies: Vec<Copy>) -> Vec<Copy> {
    copies.sort_by(|a, b| (a.received_at, &a.record).cmp(&(b.received_at, &b.record)));
    let Some(first) = copies.first().map(|copy| copy.record.clone()) else {
        return copies;
    };
    copies.retain(|copy| copy.record != first);
    copies
}

/// Rows of an event table as rows of `duplicates`. Whether the content is the
/// same is not known: columns are not what the sender said.
fn as_duplicates(family: Family, rows: &RecordBatch) -> Result<RecordBatch, ArrowError> {
    let count = rows.num_rows();
    let columns = file_columns(Table::Duplicates);
    let value = |field: &Arc<arrow::datatypes::Field>| -> Result<ArrayRef, ArrowError> {
        Ok(match field.name().as_str() {
            "family" => Arc::new(StringArray::from(vec![family.as_str(); count])),
            "same_content" => Arc::new(BooleanArray::from(vec![None; count])),
            name => column(rows, name)?.clone(),
        })
    };
    let values = columns.fields().iter().map(value);
    let values = values.collect::<Result<Vec<_>, ArrowError>>()?;
    RecordBatch::try_new(columns, values)
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
            Ok(records(rows)?.into_iter().map(fate).collect())
        };
        let amended = source.table.amend(&source.files[file], fates).await;
        let kind = Table::Events(source.family);
        amended.map_err(|source| UpkeepError::amend(tenant, kind, source))?;
    }
    Ok(())
}

/// The record of each row.
fn records(rows: &RecordBatch) -> Result<Vec<Record>, ArrowError> {
    let logs = column(rows, "log_id")?.as_string::<i32>().iter();
    let partitions = column(rows, "log_partition")?.as_primitive::<Int32Type>();
    let positions = column(rows, "log_position")?.as_primitive::<Int64Type>();
    let places = partitions.values().iter().zip(positions.values());
    let record = |(log, (partition, position)): (Option<&str>, (&i32, &i64))| {
        (log.unwrap_or_default().to_owned(), *partition, *position)
    };
    Ok(logs.zip(places).map(record).collect())
}

fn column<'a>(rows: &'a RecordBatch, name: &str) -> Result<&'a ArrayRef, ArrowError> {
    let missing = || ArrowError::SchemaError(format!("there is no column {name}"));
    rows.column_by_name(name).ok_or_else(missing)
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    fn copy(received_at: i64, position: i64) -> Copy {
        Copy {
            source: 0,
            file: 0,
            at: (0, 0),
            received_at,
            record: ("log".to_owned(), 0, position),
        }
    }

    #[rstest]
    #[case::alone(&[(5, 1)], &[])]
    #[case::the_first_received_stays(&[(9, 1), (5, 7), (7, 3)], &[3, 1])]
    #[case::then_the_first_in_the_log(&[(5, 3), (5, 2)], &[3])]
    #[case::one_record_twice_is_no_repetition(&[(5, 1), (5, 1), (8, 2)], &[2])]
    fn of_rows_with_one_id_one_stays(#[case] rows: &[(i64, i64)], #[case] gone: &[i64]) {
        let copies = rows.iter().map(|(at, position)| copy(*at, *position));
        let extra = all_but_the_first(copies.collect());
        let positions: Vec<i64> = extra.iter().map(|copy| copy.record.2).collect();
        assert_eq!(positions, gone);
    }
}
