//! The rows of some slices of a report.

use arrow::array::RecordBatch;
use arrow::compute::filter_record_batch;
use arrow::error::ArrowError;
use chrono_tz::Tz;
use datafusion::error::DataFusionError;
use datafusion::prelude::{SessionContext, cast, ident};
use futures::TryStreamExt;
use lake::{Rows, TermSlices};
use schemas::{Report, ReportName, Table, Term};

use crate::report::ReportError;
use crate::report::dirty::Source;
use crate::report::session::{mount, query};
use crate::report::slice::within;

/// Computes some slices of a term.
pub(crate) async fn compute(
    report: &'static Report,
    name: ReportName,
    sources: &[Source],
    term: &Term,
    slices: &TermSlices,
    time_zone: Tz,
    session: &SessionContext,
) -> Result<Rows, ReportError> {
    let failed = |error: DataFusionError| ReportError::compute(report.name, &error);
    for source in sources {
        mount(session, source, term, slices, time_zone).map_err(failed)?;
    }
    let rows = query(session, report).await.map_err(failed)?;
    let found: Vec<&str> = rows
        .schema()
        .fields()
        .iter()
        .map(|field| field.name().as_str())
        .collect();
    let expected: Vec<&str> = report.columns.iter().map(|column| column.name).collect();
    if found != expected {
        return Err(ReportError::Columns {
            report: report.name,
            found: found.join(", "),
            expected: expected.join(", "),
        });
    }
    let columns = report.columns.iter().map(|column| {
        let value = cast(ident(column.name), column.data_type.clone());
        value.alias(column.name)
    });
    let rows = rows.select(columns.collect::<Vec<_>>()).map_err(failed)?;
    let mut stream = rows.execute_stream().await.map_err(failed)?;
    let mut batches = Vec::new();
    while let Some(batch) = stream.try_next().await.map_err(failed)? {
        let batch = in_file(name, slices, &batch);
        let batch = batch.map_err(|error| failed(DataFusionError::from(error)))?;
        batches.push(batch);
    }
    for source in sources {
        session
            .deregister_table(source.kind.as_str())
            .map_err(failed)?;
    }
    Ok(Rows {
        term: Some(term.clone()),
        batches,
    })
}

/// The rows that lie in the slices, with the columns of a file.
fn in_file(
    name: ReportName,
    slices: &TermSlices,
    batch: &RecordBatch,
) -> Result<RecordBatch, ArrowError> {
    let columns = lake::file_columns(Table::Report(name));
    let arrays = columns.fields().iter().map(|field| {
        let column = batch.column_by_name(field.name());
        column.expect("its columns were compared").clone()
    });
    let rows = RecordBatch::try_new(columns.clone(), arrays.collect())?;
    match slices {
        TermSlices::All => Ok(rows),
        TermSlices::Of(slices) => filter_record_batch(&rows, &within(slices, &rows)?),
    }
}
