//! From rows to one sorted Parquet file.

use std::collections::HashMap;
use std::sync::{Arc, LazyLock};

use arrow::array::{ArrayRef, RecordBatch, UInt32Array};
use arrow::compute::{concat_batches, take_record_batch};
use arrow::datatypes::{Schema, SchemaRef};
use arrow::error::ArrowError;
use arrow::row::{RowConverter, SortField};
use bytes::Bytes;
use deltalake::kernel::Add;
use object_store::ObjectStoreExt;
use object_store::path::Path;
use parquet::arrow::ArrowWriter;
use parquet::basic::{Compression, Encoding, ZstdLevel};
use parquet::errors::ParquetError;
use parquet::file::properties::{EnabledStatistics, WriterProperties};
use parquet::schema::types::ColumnPath;
use schemas::{Table, layout};
use uuid::Uuid;

use crate::stats::statistics;
use crate::{Advance, FileName, LakeError, LakeTable, Rows};

/// Rows of a row group: large enough to compress well, small enough that a query
/// can pass over most of a file.
const ROW_GROUP_ROWS: usize = 131_072;

/// Columns whose values hardly repeat: looking for repetitions costs time and
/// finds none.
const WITHOUT_DICTIONARY: [&str; 5] = [
    "event_id",
    "occurred_at",
    "sent_at",
    "received_at",
    "log_position",
];

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
        Table::all().map(|table| (table, of(table))).collect()
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
        let (bytes, stats) = encoded.expect("encoding does not panic")?;

        let size = i64::try_from(bytes.len()).expect("a file in memory fits in 63 bits");
        let store = self.delta.object_store();
        store.put(&Path::from(path.as_str()), bytes.into()).await?;
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

/// The bytes of the file and Delta's statistics of it.
fn encode(table: Table, batches: &[RecordBatch]) -> Result<(Bytes, String), LakeError> {
    let rows = concat_batches(&file_columns(table), batches).map_err(LakeError::Rows)?;
    let rows = sorted(table, &rows).map_err(LakeError::Rows)?;
    let bytes = parquet(table, &rows).map_err(LakeError::Parquet)?;
    let stats = statistics(table, &rows).to_string();
    Ok((bytes.into(), stats))
}

fn sorted(table: Table, rows: &RecordBatch) -> Result<RecordBatch, ArrowError> {
    let columns: Vec<ArrayRef> = schemas::sort_columns(table)
        .iter()
        // A file holds one term only.
        .filter(|name| **name != "term")
        .map(|name| rows.column_by_name(name).cloned())
        .collect::<Option<_>>()
        .ok_or_else(|| ArrowError::SchemaError("a sort column is missing".to_owned()))?;
    let fields = columns
        .iter()
        .map(|column| SortField::new(column.data_type().clone()))
        .collect();
    let keys = RowConverter::new(fields)?.convert_columns(&columns)?;
    let mut order: Vec<(u32, _)> = (0..).zip(keys.iter()).collect();
    order.sort_unstable_by_key(|(_, key)| *key);
    let order = UInt32Array::from_iter_values(order.into_iter().map(|(row, _)| row));
    take_record_batch(rows, &order)
}

fn parquet(table: Table, rows: &RecordBatch) -> Result<Vec<u8>, ParquetError> {
    let mut writer = ArrowWriter::try_new(Vec::new(), rows.schema(), Some(properties(table)))?;
    writer.write(rows)?;
    writer.into_inner()
}

fn properties(table: Table) -> WriterProperties {
    let zstd = ZstdLevel::try_new(1).expect("1 is a zstd level");
    let mut properties = WriterProperties::builder()
        .set_compression(Compression::ZSTD(zstd))
        .set_max_row_group_row_count(Some(ROW_GROUP_ROWS))
        .set_created_by(concat!("chalkline ", env!("CARGO_PKG_VERSION")).to_owned());
    for field in file_columns(table).fields() {
        let column = ColumnPath::from(field.name().as_str());
        if schemas::is_personal(field.name()) {
            properties =
                properties.set_column_statistics_enabled(column.clone(), EnabledStatistics::None);
        }
        if WITHOUT_DICTIONARY.contains(&field.name().as_str()) {
            properties = properties.set_column_dictionary_enabled(column.clone(), false);
            if field.name() != "event_id" {
                properties = properties.set_column_encoding(column, Encoding::DELTA_BINARY_PACKED);
            }
        }
    }
    properties.build()
}

#[cfg(test)]
mod tests {
    use super::*;

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
