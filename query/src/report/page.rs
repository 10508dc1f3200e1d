//! One page of a report: the plan of its rows, and where it ends.

use std::sync::Arc;

use chrono::{DateTime, Utc};
use datafusion::arrow::array::RecordBatch;
use datafusion::arrow::compute::concat_batches;
use datafusion::arrow::error::ArrowError;
use datafusion::catalog::TableProvider;
use datafusion::common::ScalarValue;
use datafusion::datasource::provider_as_source;
use datafusion::error::DataFusionError;
use datafusion::execution::SendableRecordBatchStream;
use datafusion::logical_expr::{LogicalPlan, LogicalPlanBuilder, ident};
use futures::TryStreamExt;

use super::request::Request;
use super::shape::Shape;
use super::tags::Tags;
use crate::answer::{Format, size};
use crate::error::Error;
use crate::failure;

/// The longest cursor: an address with it still passes where addresses are
/// passed on.
const LONGEST_CURSOR: usize = 4 * 1024;

type Result<T, E = DataFusionError> = std::result::Result<T, E>;

/// What is asked for.
pub(crate) struct Asked {
    pub(crate) request: Request,
    /// The query string, as it was sent.
    pub(crate) address: String,
    pub(crate) format: Format,
    /// What the asker holds already.
    pub(crate) holds: Tags,
}

/// What was found.
pub(crate) struct Found {
    /// `None`: the asker holds them.
    pub(crate) rows: Option<SendableRecordBatchStream>,
    /// The tag of the page; `None` where it reads what has no versions.
    pub(crate) tag: Option<String>,
    pub(crate) data_as_of: Option<DateTime<Utc>>,
}

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

/// Takes the rows of a [`plan`], at most `most_bytes` of them, and looks where
/// they end: at the last row whose keys fit into a cursor, unless they are the
/// last of all.
pub(crate) async fn collect(
    mut rows: SendableRecordBatchStream,
    shape: &Shape<'_>,
    request: &Request,
    most_bytes: usize,
) -> Result<Page, Error> {
    let columns = rows.schema();
    let mut batches: Vec<RecordBatch> = Vec::new();
    let mut bytes = 0;
    while let Some(batch) = rows.try_next().await.map_err(failure::explain)? {
        bytes += size(&batch).map_err(ours)?;
        if bytes > most_bytes {
            return Err(Error::TooLarge {
                detail: format!(
                    "The page has more than {most_bytes} bytes; ask for fewer columns or a \
                     smaller limit."
                ),
            });
        }
        batches.push(batch);
    }
    let all = concat_batches(&columns, &batches).map_err(ours)?;
    let asked: Vec<usize> = (0..request.columns.len()).collect();
    if all.num_rows() <= request.limit {
        let rows = all.project(&asked).map_err(ours)?;
        return Ok(Page { rows, next: None });
    }
    for last in (0..request.limit).rev() {
        let keys = keys(&all, last, shape, request).map_err(ours)?;
        let cursor = request.cursor(&keys);
        if cursor.len() <= LONGEST_CURSOR {
            let rows = all.slice(0, last + 1).project(&asked).map_err(ours)?;
            let next = Some(cursor);
            return Ok(Page { rows, next });
        }
    }
    Err(Error::TooLarge {
        detail: "No row of this page has values that are short enough for a cursor; ask for a \
                 larger limit or another order, or use SQL."
            .to_owned(),
    })
}

/// What a cursor holds of a row.
fn keys(
    rows: &RecordBatch,
    row: usize,
    shape: &Shape<'_>,
    request: &Request,
) -> Result<Vec<ScalarValue>> {
    let keys = request.keys().map(|key| {
        let values = rows
            .column_by_name(shape.column(key))
            .ok_or_else(|| missing(shape.column(key)))?;
        ScalarValue::try_from_array(values, row)?.cast_to(shape.data_type(key))
    });
    keys.collect()
}

fn ours(error: impl Into<DataFusionError>) -> Error {
    Error::Internal(Box::new(error.into()))
}

fn missing(column: &str) -> DataFusionError {
    let error = ArrowError::SchemaError(format!("the rows have no column {column}"));
    DataFusionError::ArrowError(Box::new(error), None)
}

#[cfg(test)]
mod tests;
