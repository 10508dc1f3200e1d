//! Finds the rows of event tables that have an id which others have, in bounded
//! memory: first which ids may, by one bit for each, then which do.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use arrow::array::{ArrayRef, AsArray, BooleanArray, RecordBatch, StringArray, UInt32Array};
use arrow::compute::take_record_batch;
use arrow::datatypes::{Int32Type, Int64Type, TimestampMicrosecondType};
use arrow::error::ArrowError;
use futures::TryStreamExt;
use lake::{DataFile, LakeError, LakeTable, file_columns};
use schemas::{Family, Table, TenantId};
use xxhash_rust::xxh3::{xxh3_64, xxh3_128};

use crate::maintenance::UpkeepError;
use crate::maintenance::upkeep::table_error;

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

/// The record of a row: its log, partition and position.
pub(super) type Record = (String, i32, i64);

/// An event table and its files.
pub(super) struct Source {
    pub family: Family,
    pub table: LakeTable,
    pub files: Vec<DataFile>,
}

/// A row with an id that others have, too.
pub(super) struct Copy {
    pub source: usize,
    pub file: usize,
    /// Which of the batches, and which of its rows.
    pub at: (usize, usize),
    received_at: i64,
    pub record: Record,
}

/// How far a search has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Searched {
    /// Rows that were read.
    pub rows: u64,
    /// Rows that are to be read: each of them up to three times, and that as often
    /// as memory needs.
    pub of: u64,
}

/// A search through the event tables of a tenant, which tells how far it is.
pub(super) struct Search<'a> {
    tenant: &'a TenantId,
    sources: &'a [Source],
    tell: &'a (dyn Fn(Searched) + Send + Sync),
    searched: Searched,
}

/// Which ids are looked for at a time: those whose hash leaves that rest.
#[derive(Clone, Copy)]
struct Part {
    number: u64,
    of: u64,
}

/// How often all rows are read for a part: for ids that may repeat, for those that
/// do, and for their rows.
const PASSES: u64 = 3;

impl<'a> Search<'a> {
    pub fn new(
        tenant: &'a TenantId,
        sources: &'a [Source],
        tell: &'a (dyn Fn(Searched) + Send + Sync),
    ) -> Self {
        Self {
            tenant,
            sources,
            tell,
            searched: Searched { rows: 0, of: 0 },
        }
    }

    /// All rows whose id others have, as rows of `duplicates`, and which of them
    /// are to go.
    pub async fn find(
        &mut self,
        memory_bytes: u64,
    ) -> Result<(Vec<RecordBatch>, Vec<Copy>), UpkeepError> {
        let files = self.sources.iter().flat_map(|source| &source.files);
        let ids: u64 = files.map(DataFile::rows).sum();
        let parts = (ids * BITS_PER_ID).div_ceil(memory_bytes * 8 / 2).max(1);
        self.searched.of = parts * PASSES * ids;
        let (mut rows, mut extra) = (Vec::new(), Vec::new());
        for number in 0..parts {
            let part = Part { number, of: parts };
            let suspects = self.suspects(ids, part).await?;
            if !suspects.is_empty() {
                let repeated = self.repeated(&suspects).await?;
                if !repeated.is_empty() {
                    extra.extend(self.copies(&repeated, &mut rows).await?);
                }
            }
            // Passes may not have been needed.
            self.tell((number + 1) * PASSES * ids);
        }
        Ok((rows, extra))
    }

    fn tell(&mut self, rows: u64) {
        self.searched.rows = rows;
        (self.tell)(self.searched);
    }

    /// Reads some columns of all files, one after the other; `see` gets the table's
    /// and the file's number, too.
    async fn read(
        &mut self,
        columns: &[&str],
        mut see: impl FnMut(usize, usize, &RecordBatch) -> Result<(), ArrowError>,
    ) -> Result<(), UpkeepError> {
        for (number, source) in self.sources.iter().enumerate() {
            let failed = |e| table_error(self.tenant, Table::Events(source.family), e);
            for (file, data) in source.files.iter().enumerate() {
                let rows = source.table.read_data(data, columns).await;
                let mut rows = rows.map_err(failed)?;
                while let Some(rows) = rows.try_next().await.map_err(failed)? {
                    let seen = see(number, file, &rows);
                    seen.map_err(|e| failed(LakeError::Rows(e)))?;
                }
                self.tell(self.searched.rows + data.rows());
            }
        }
        Ok(())
    }

    /// Hashes of ids of one part that may be there more than once.
    async fn suspects(&mut self, ids: u64, part: Part) -> Result<HashSet<u64>, UpkeepError> {
        let words = (ids * BITS_PER_ID).div_ceil(part.of).div_ceil(64).max(1);
        let mut seen = vec![0_u64; usize::try_from(words).unwrap_or(usize::MAX)];
        let mut suspects = HashSet::new();
        let see = |_, _, rows: &RecordBatch| {
            for id in ids_of(rows)?.iter().flatten() {
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
        self.read(&["event_id"], see).await?;
        Ok(suspects)
    }

    /// The ids of the suspects that are there more than once.
    async fn repeated(&mut self, suspects: &HashSet<u64>) -> Result<HashSet<u128>, UpkeepError> {
        let mut once: HashSet<u128> = HashSet::new();
        let mut repeated = HashSet::new();
        let see = |_, _, rows: &RecordBatch| {
            for id in ids_of(rows)?.iter().flatten().map(str::as_bytes) {
                if suspects.contains(&xxh3_64(id)) && !once.insert(xxh3_128(id)) {
                    repeated.insert(xxh3_128(id));
                }
            }
            Ok(())
        };
        self.read(&["event_id"], see).await?;
        Ok(repeated)
    }

    /// The rows that have one of these ids, put to `rows`; answers those of them
    /// that are to go.
    async fn copies(
        &mut self,
        repeated: &HashSet<u128>,
        rows: &mut Vec<RecordBatch>,
    ) -> Result<Vec<Copy>, UpkeepError> {
        let mut copies: HashMap<String, Vec<Copy>> = HashMap::new();
        let sources = self.sources;
        let see = |source: usize, file, batch: &RecordBatch| {
            let is_repeated =
                |id: Option<&str>| id.is_some_and(|id| repeated.contains(&xxh3_128(id.as_bytes())));
            let places = (0..).zip(ids_of(batch)?);
            let places = places.filter(|(_, id)| is_repeated(*id));
            let places: Vec<u32> = places.map(|(place, _)| place).collect();
            if places.is_empty() {
                return Ok(());
            }
            let found = take_record_batch(batch, &UInt32Array::from(places))?;
            let received = column(&found, "received_at")?;
            let received = received.as_primitive::<TimestampMicrosecondType>();
            let records = records(&found)?;
            for (row, (id, record)) in ids_of(&found)?.iter().zip(records).enumerate() {
                let of_id = copies.entry(id.unwrap_or_default().to_owned()).or_default();
                of_id.push(Copy {
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
        self.read(&COLUMNS, see).await?;
        Ok(copies.into_values().flat_map(all_but_the_first).collect())
    }
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

/// The record of each row.
pub(super) fn records(rows: &RecordBatch) -> Result<Vec<Record>, ArrowError> {
    let logs = column(rows, "log_id")?.as_string::<i32>().iter();
    let partitions = column(rows, "log_partition")?.as_primitive::<Int32Type>();
    let positions = column(rows, "log_position")?.as_primitive::<Int64Type>();
    let places = partitions.values().iter().zip(positions.values());
    let record = |(log, (partition, position)): (Option<&str>, (&i32, &i64))| {
        (log.unwrap_or_default().to_owned(), *partition, *position)
    };
    Ok(logs.zip(places).map(record).collect())
}

fn ids_of(rows: &RecordBatch) -> Result<&StringArray, ArrowError> {
    Ok(column(rows, "event_id")?.as_string())
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
