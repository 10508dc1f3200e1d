//! The rows of sorted files as one sorted stream, a batch of each at a time.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use arrow::array::{ArrayRef, RecordBatch, new_null_array};
use arrow::compute::{CastOptions, SortOptions, cast_with_options};
use arrow::datatypes::SchemaRef;
use arrow::error::ArrowError;
use arrow::util::display::FormatOptions;
use deltalake::datafusion::error::DataFusionError;
use deltalake::datafusion::execution::SendableRecordBatchStream;
use deltalake::datafusion::execution::memory_pool::{
    MemoryConsumer, MemoryPool, UnboundedMemoryPool,
};
use deltalake::datafusion::physical_expr::expressions::Column;
use deltalake::datafusion::physical_expr::{LexOrdering, PhysicalSortExpr};
use deltalake::datafusion::physical_plan::metrics::{BaselineMetrics, ExecutionPlanMetricsSet};
use deltalake::datafusion::physical_plan::sorts::streaming_merge::StreamingMergeBuilder;
use deltalake::datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use futures::{StreamExt, TryStreamExt, stream};
use schemas::Table;

use crate::maintain::plan::Run;
use crate::{LakeError, LakeTable, file_columns};

/// Rows of a batch that comes out.
const BATCH_ROWS: usize = 8192;

/// A value that cannot be said in another type is an error and not NULL.
const AS_IT_IS: CastOptions<'static> = CastOptions {
    safe: false,
    format_options: FormatOptions::new(),
};

/// Rows in the table's order.
pub(crate) struct Sorted {
    pub rows: SendableRecordBatchStream,
    /// How many have been read of the files so far.
    pub read: Arc<AtomicU64>,
}

impl LakeTable {
    /// Streams the rows of all runs. Should one not be in order after all, every
    /// row comes nevertheless, only not in order.
    ///
    /// Memory is not limited here: who plans a merge sees to it.
    pub(crate) fn sorted(&self, runs: &[Run]) -> Result<Sorted, LakeError> {
        let read = Arc::new(AtomicU64::new(0));
        let streams = runs.iter().map(|run| self.run_rows(run, &read)).collect();
        let columns = file_columns(self.kind());
        let order = order(self.kind(), &columns).map_err(LakeError::Rows)?;
        let pool: Arc<dyn MemoryPool> = Arc::new(UnboundedMemoryPool::default());
        let merged = StreamingMergeBuilder::new()
            .with_streams(streams)
            .with_schema(columns)
            .with_expressions(&order)
            .with_metrics(BaselineMetrics::new(&ExecutionPlanMetricsSet::new(), 0))
            .with_batch_size(BATCH_ROWS)
            .with_reservation(MemoryConsumer::new("merge").register(&pool))
            .build();
        Ok(Sorted {
            rows: merged.map_err(|e| self.scan_error(e))?,
            read,
        })
    }

    /// The rows of one run, file after file; each is opened when it is its turn.
    fn run_rows(&self, run: &Run, read: &Arc<AtomicU64>) -> SendableRecordBatchStream {
        let columns = file_columns(self.kind());
        let (table, read) = (self.clone(), Arc::clone(read));
        let files = stream::iter(run.files.clone());
        let wanted = Arc::clone(&columns);
        let rows = files
            .then(move |file| {
                let table = table.clone();
                async move { table.read_file(&file.path, None).await }
            })
            .try_flatten()
            .and_then(move |rows| {
                read.fetch_add(rows.num_rows() as u64, Ordering::Relaxed);
                let fitted = fit(&rows, &wanted).map_err(LakeError::Rows);
                async move { fitted }
            })
            .map_err(|error| DataFusionError::External(Box::new(error)));
        Box::pin(RecordBatchStreamAdapter::new(columns, rows))
    }
}

/// The table's order, as files are written in it.
fn order(table: Table, columns: &SchemaRef) -> Result<LexOrdering, ArrowError> {
    let by = |name: &&str| {
        let column = Column::new(name, columns.index_of(name)?);
        Ok(PhysicalSortExpr::new(
            Arc::new(column),
            SortOptions::default(),
        ))
    };
    let names = schemas::sort_columns(table).iter();
    let names = names.filter(|name| **name != "term");
    let order = LexOrdering::new(names.map(by).collect::<Result<Vec<_>, ArrowError>>()?);
    order.ok_or_else(|| ArrowError::SchemaError("the table has no order".to_owned()))
}

/// The rows with exactly these columns: where a file was written before a column
/// was added, that is NULL. Other engines have other ideas of what a type is in
/// memory, and say so in their files.
pub(crate) fn fit(rows: &RecordBatch, columns: &SchemaRef) -> Result<RecordBatch, ArrowError> {
    let mut found = 0;
    let values: Vec<ArrayRef> = columns
        .fields()
        .iter()
        .map(|field| match rows.column_by_name(field.name()) {
            Some(values) => {
                found += 1;
                cast_with_options(values, field.data_type(), &AS_IT_IS)
            }
            None if field.is_nullable() => Ok(new_null_array(field.data_type(), rows.num_rows())),
            None => {
                let missing = format!("a file has no column {}", field.name());
                Err(ArrowError::SchemaError(missing))
            }
        })
        .collect::<Result<_, _>>()?;
    if found != rows.num_columns() {
        // To leave it out would lose it.
        return Err(ArrowError::SchemaError(
            "a file has a column that the table has not".to_owned(),
        ));
    }
    RecordBatch::try_new(Arc::clone(columns), values)
}
