//! From rows to one sorted Parquet file.

use std::collections::HashMap;
use std::sync::{Arc, LazyLock};

use arrow::array::{Array, ArrayRef, RecordBatch, new_null_array};
use arrow::compute::interleave;
use arrow::datatypes::{DataType, Schema, SchemaRef};
use arrow::error::ArrowError;
use arrow::row::{RowConverter, SortField};
use deltalake::kernel::Add;
use object_store::path::Path;
use object_store::{ObjectStoreExt, PutPayload};
use schemas::{Table, layout};
use uuid::Uuid;

use crate::encode::{FileWriter, LookUp};
use crate::{Advance, FileName, LakeError, LakeTable, Rows};

/// Rows that are gathered in their order at a time, so that a file does not need
/// its rows in memory once more.
const SLICE_ROWS: usize = 8_192;

/// The columns of a table's files, in order: all but the one that stands in the
/// folder's name.
pub fn file_columns(table: Table) -> SchemaRef {
    static COLUMNS: LazyLock<HashMap<Table, SchemaRef>> = LazyLock::new(|| {
        let of = |table: Table| {
            let columns = schemas::columns(table);
            let in_file =
                |f: &&Arc<arrow::datatypes::Field>| !(table.is_by_term() && f.name() == "term");
            let fields = columns.fields().iter().filter(in_file).cloned();
            Arc::new(Schema::new(fields.collect::<Vec<_>>()))
        };
        let all = Table::all().chain(Table::rosters());
        all.map(|table| (table, of(table))).collect()
    });
    COLUMNS[&table].clone()
}

impl LakeTable {
    /// Writes the rows as one file, which nobody sees until it is committed.
    pub(crate) async fn write_file(
        &self,
        rows: Rows,
        advances: &[Advance],
    ) -> Result<Add, LakeError> {
        let table = self.kind;
        let name = FileName::new(table, advances).map_or_else(
            || format!("{table}-{}.zstd.parquet", Uuid::now_v7()),
            |name| name.to_string(),
        );
        let path = match &rows.term {
            Some(term) => format!("{}/{name}", layout::term_partition(term)),
            None => name,
        };
        let partition_values = rows
            .term
            .iter()
            .map(|term| ("term".to_owned(), Some(term.to_string())))
            .collect();
        // Sorting and compressing would hold up everything else on this thread.
        let encoded = tokio::task::spawn_blocking(move || encode(table, &rows.batches)).await;
        let (file, stats) = encoded.expect("encoding does not panic")?;

        let size = i64::try_from(file.content_length()).expect("a file in memory fits in 63 bits");
        let store = self.delta.object_store();
        store.put(&Path::from(path.as_str()), file).await?;
        Ok(Add {
            path,
            partition_values,
            size,
            modification_time: chrono::Utc::now().timestamp_millis(),
            data_change: true,
            stats: Some(stats),
            ..Add::default()
        })
    }
}

/// The file and Delta's statistics of it.
fn encode(table: Table, batches: &[RecordBatch]) -> Result<(PutPayload, String), LakeError> {
    let mut file = FileWriter::new(table, LookUp::Scan)?;
    sorted(table, batches, |rows| file.write(&rows))?;
    file.finish()
}

/// Hands on the rows in the table's order, some at a time.
pub(crate) fn sorted(
    table: Table,
    batches: &[RecordBatch],
    mut take: impl FnMut(RecordBatch) -> Result<(), LakeError>,
) -> Result<(), LakeError> {
    let order = order(table, batches).map_err(LakeError::Rows)?;
    let schema = batches
        .first()
        .map_or_else(|| file_columns(table), RecordBatch::schema);
    let columns: Vec<Column<'_>> = (0..schema.fields().len())
        .map(|column| Column::of(batches, column))
        .collect();
    for slice in order.chunks(SLICE_ROWS) {
        let gathered = columns.iter().map(|column| column.gather(slice));
        let gathered = gathered.collect::<Result<_, _>>();
        let rows = gathered.and_then(|rows| RecordBatch::try_new(schema.clone(), rows));
        take(rows.map_err(LakeError::Rows)?)?;
    }
    Ok(())
}

/// A column of all batches.
enum Column<'a> {
    Values(Vec<&'a dyn Array>),
    /// Most columns are of a few event types only.
    Null(&'a DataType),
}

impl<'a> Column<'a> {
    fn of(batches: &'a [RecordBatch], column: usize) -> Self {
        let arrays: Vec<&dyn Array> = batches.iter().map(|b| b.column(column).as_ref()).collect();
        match arrays.first() {
            Some(first) if arrays.iter().all(|a| a.null_count() == a.len()) => {
                Self::Null(first.data_type())
            }
            _ => Self::Values(arrays),
        }
    }

    /// The values of these rows.
    fn gather(&self, rows: &[(usize, usize)]) -> Result<ArrayRef, ArrowError> {
        match self {
            Self::Values(arrays) => interleave(arrays, rows),
            Self::Null(data_type) => Ok(new_null_array(data_type, rows.len())),
        }
    }
}

/// The batch of each row and its place there, in the table's order.
fn order(table: Table, batches: &[RecordBatch]) -> Result<Vec<(usize, usize)>, ArrowError> {
    let file = file_columns(table);
    let columns: Vec<usize> = schemas::sort_columns(table)
        .iter()
        // A file holds one term only.
        .filter(|name| **name != "term")
        .map(|name| file.index_of(name))
        .collect::<Result<_, _>>()?;
    let schema = batches.first().map_or(file, RecordBatch::schema);
    let fields = columns
        .iter()
        .map(|column| SortField::new(schema.field(*column).data_type().clone()))
        .collect();
    let converter = RowConverter::new(fields)?;
    let rows = batches.iter().map(RecordBatch::num_rows).sum();
    let mut keys = converter.empty_rows(rows, 0);
    for batch in batches {
        let columns: Vec<ArrayRef> = columns.iter().map(|c| batch.column(*c).clone()).collect();
        converter.append(&mut keys, &columns)?;
    }
    let places = batches
        .iter()
        .enumerate()
        .flat_map(|(batch, rows)| (0..rows.num_rows()).map(move |row| (batch, row)));
    let mut order: Vec<_> = places.zip(keys.iter()).collect();
    order.sort_unstable_by_key(|(_, key)| *key);
    Ok(order.into_iter().map(|(place, _)| place).collect())
}

#[cfg(test)]
mod tests {
    use arrow::array::{Int32Array, StringArray, TimestampMicrosecondArray};
    use arrow::compute::{cast, concat};
    use schemas::Family;

    use super::*;

    /// Rows whose texts repeat, are null, or come from few words of many.
    fn rows(table: Table, from: i32) -> RecordBatch {
        let file = file_columns(table);
        let columns = file.fields().iter().map(|field| {
            let numbers = from..from + 100;
            let array: ArrayRef = match (field.name().as_str(), field.data_type()) {
                ("app", _) => new_null_array(field.data_type(), 100),
                ("event_id", _) => {
                    let ids = numbers.map(|n| format!("{:08}", (n * 7919) % 10_007));
                    Arc::new(StringArray::from_iter_values(ids))
                }
                (_, DataType::Utf8) => {
                    let nullable = field.is_nullable();
                    let text = |n| (!nullable || n % 3 > 0).then(|| format!("word-{}", n % 5));
                    Arc::new(numbers.map(text).collect::<StringArray>())
                }
                (_, DataType::Int32) => Arc::new(numbers.collect::<Int32Array>()),
                (_, DataType::Timestamp(..)) => {
                    let times = numbers.map(i64::from);
                    let times = TimestampMicrosecondArray::from_iter_values(times);
                    Arc::new(times.with_timezone("UTC"))
                }
                (_, other) => cast(&numbers.collect::<Int32Array>(), other).expect("a number"),
            };
            array
        });
        RecordBatch::try_new(file.clone(), columns.collect()).expect("rows of the table")
    }

    /// The rows, with all texts but the ids as slices of one dictionary.
    fn of_words(batches: &[RecordBatch]) -> Vec<RecordBatch> {
        let words = DataType::Dictionary(Box::new(DataType::Int32), Box::new(DataType::Utf8));
        let schema = batches[0].schema();
        let columns = schema.fields().iter().enumerate().map(|(place, field)| {
            let all: Vec<&dyn Array> = batches.iter().map(|b| b.column(place).as_ref()).collect();
            let all = concat(&all).expect("one column");
            match (field.name().as_str(), field.data_type()) {
                ("event_id", _) => all,
                (_, DataType::Utf8) => cast(&all, &words).expect("words"),
                _ => all,
            }
        });
        let columns: Vec<ArrayRef> = columns.collect();
        let fields = schema.fields().iter().zip(&columns).map(|(field, column)| {
            let field = arrow::datatypes::Field::clone(field);
            field.with_data_type(column.data_type().clone())
        });
        let schema = Arc::new(Schema::new(fields.collect::<Vec<_>>()));
        let all = RecordBatch::try_new(schema, columns).expect("the same rows");
        let mut first = 0;
        let slices = batches.iter().map(|batch| {
            let slice = all.slice(first, batch.num_rows());
            first += batch.num_rows();
            slice
        });
        slices.collect()
    }

    #[test]
    fn a_file_of_words_is_the_file_of_their_texts() {
        let table = Table::Events(Family::Clickstream);
        let plain = [rows(table, 500), rows(table, 0)];
        let bytes = |(file, statistics): (PutPayload, String)| {
            let bytes: Vec<u8> = file.into_iter().flatten().collect();
            (bytes, statistics)
        };
        let expected = bytes(encode(table, &plain).expect("a file"));
        let words = bytes(encode(table, &of_words(&plain)).expect("a file"));
        assert!(expected.0.len() > 1_000);
        assert_eq!(words.1, expected.1);
        assert!(words.0 == expected.0, "the files differ");
    }

    #[test]
    fn files_have_every_column_but_the_term() {
        for table in Table::all() {
            let all = schemas::columns(table);
            let in_file = file_columns(table);
            assert!(in_file.field_with_name("term").is_err(), "{table}");
            let missing = all.fields().len() - in_file.fields().len();
            assert_eq!(missing, usize::from(table.is_by_term()), "{table}");
        }
    }
}
