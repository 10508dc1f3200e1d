//! From rows to one sorted Parquet file.

use std::collections::HashMap;
use std::sync::{Arc, LazyLock};

use arrow::array::{ArrayRef, RecordBatch};
use arrow::compute::interleave_record_batch;
use arrow::datatypes::{Schema, SchemaRef};
use arrow::error::ArrowError;
use arrow::row::{RowConverter, SortField};
use deltalake::kernel::Add;
use object_store::path::Path;
use object_store::{ObjectStoreExt, PutPayload};
use schemas::{Table, layout};
use uuid::Uuid;

use crate::encode::{FileWriter, Lifetime};
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
    let order = order(table, batches).map_err(LakeError::Rows)?;
    let batches: Vec<&RecordBatch> = batches.iter().collect();
    let mut file = FileWriter::new(table, Lifetime::Short)?;
    for slice in order.chunks(SLICE_ROWS) {
        let rows = interleave_record_batch(&batches, slice).map_err(LakeError::Rows)?;
        file.write(&rows)?;
    }
    file.finish()
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
    let fields = columns
        .iter()
        .map(|column| SortField::new(file.field(*column).data_type().clone()))
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
