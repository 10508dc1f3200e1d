//! One page of a report: the plan of its rows, and where it ends.

use std::sync::Arc;

use datafusion::arrow::array::RecordBatch;
use datafusion::arrow::compute::concat_batches;
use datafusion::arrow::error::ArrowError;
use datafusion::catalog::TableProvider;
use datafusion::common::ScalarValue;
use datafusion::datasource::provider_as_source;
use datafusion::error::{DataFusionError, Result};
use datafusion::execution::SendableRecordBatchStream;
use datafusion::logical_expr::{LogicalPlan, LogicalPlanBuilder, ident};
use futures::TryStreamExt;

use super::request::Request;
use super::shape::Shape;

/// The rows of a page.
#[derive(Debug)]
pub(crate) struct Page {
    pub(crate) rows: RecordBatch,
    /// The cursor of the next page, if there is one.
    pub(crate) next: Option<String>,
}

/// The plan of a page's rows and of one more, which tells whether another page
/// follows. Its columns are those of the answer, then those of the order.
pub(crate) fn plan(
    rows: Arc<dyn TableProvider>,
    shape: &Shape<'_>,
    request: &Request,
) -> Result<LogicalPlan> {
    let mut kept = request.columns.clone();
    for key in request.keys() {
        if !kept.contains(&key) {
            kept.push(key);
        }
    }
    let mut plan = LogicalPlanBuilder::scan(shape.name, provider_as_source(rows), None)?;
    for condition in request.conditions(shape) {
        plan = plan.filter(condition)?;
    }
    plan.project(kept.iter().map(|position| ident(shape.column(*position))))?
        .sort(request.sorts(shape))?
        .limit(0, Some(request.limit + 1))?
        .build()
}

/// Takes the rows of a [`plan`] and looks where they end.
pub(crate) async fn collect(
    rows: SendableRecordBatchStream,
    shape: &Shape<'_>,
    request: &Request,
) -> Result<Page> {
    let columns = rows.schema();
    let batches: Vec<RecordBatch> = rows.try_collect().await?;
    let all = concat_batches(&columns, &batches)?;
    let rows = all.slice(0, all.num_rows().min(request.limit));
    let next = if all.num_rows() > request.limit {
        let last = rows.num_rows() - 1;
        let keys = request.keys().map(|key| {
            let values = rows
                .column_by_name(shape.column(key))
                .ok_or_else(|| missing(shape.column(key)))?;
            ScalarValue::try_from_array(values, last)?.cast_to(shape.data_type(key))
        });
        Some(request.cursor(&keys.collect::<Result<Vec<_>>>()?))
    } else {
        None
    };
    let asked: Vec<usize> = (0..request.columns.len()).collect();
    Ok(Page {
        rows: rows.project(&asked)?,
        next,
    })
}

fn missing(column: &str) -> DataFusionError {
    let error = ArrowError::SchemaError(format!("the rows have no column {column}"));
    DataFusionError::ArrowError(Box::new(error), None)
}

#[cfg(test)]
mod tests;
