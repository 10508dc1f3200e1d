//! The rows of some slices of a report.

use arrow::array::RecordBatch;
use arrow::compute::filter_record_batch;
use arrow::error::ArrowError;
use chrono_tz::Tz;
use datafusion::error::DataFusionError;
use datafusion::prelude::{DataFrame, SessionContext, cast, ident};
use futures::TryStreamExt;
use lake::{Matcher, TermSlices, Writer};
use schemas::{Report, ReportName, Table, Term};

use crate::report::ReportError;
use crate::report::chunk::chunks;
use crate::report::dirty::Source;
use crate::report::session::{mount, query};

/// What a report is computed with.
pub(crate) struct Computing<'a> {
    pub report: &'static Report,
    pub name: ReportName,
    pub sources: &'a [Source],
    pub time_zone: Tz,
    pub session: SessionContext,
    /// See [`crate::report::limits::Limits::query_rows`].
    pub query_rows: usize,
}

impl Computing<'_> {
    /// Computes some slices of a term, a part at a time, and writes the rows as
    /// they come.
    pub async fn write(
        &self,
        term: &Term,
        slices: &TermSlices,
        writer: &mut Writer,
    ) -> Result<(), ReportError> {
        let parts = chunks(
            self.report,
            self.sources,
            term,
            slices,
            self.time_zone,
            &self.session,
            self.query_rows,
        );
        for part in parts.await.map_err(|error| self.failed(error))? {
            self.write_part(term, &part, writer).await?;
        }
        Ok(())
    }

    async fn write_part(
        &self,
        term: &Term,
        slices: &TermSlices,
        writer: &mut Writer,
    ) -> Result<(), ReportError> {
        for source in self.sources {
            let mounted = mount(
                &self.session,
                source,
                self.report,
                term,
                slices,
                self.time_zone,
            );
            mounted.await.map_err(|error| self.failed(error))?;
        }
        let rows = query(&self.session, self.report).await;
        let rows = self.with_columns(rows.map_err(|error| self.failed(error))?)?;
        let stream = rows.execute_stream().await;
        let mut stream = stream.map_err(|error| self.failed(error))?;
        let matcher = match slices {
            TermSlices::All => None,
            TermSlices::Of(values) => Some(Matcher::new(values)),
        };
        let matcher = matcher.transpose();
        let matcher = matcher.map_err(|error| self.failed(error.into()))?;
        while let Some(batch) = stream.try_next().await.map_err(|e| self.failed(e))? {
            let batch = in_file(self.name, matcher.as_ref(), &batch);
            let batch = batch.map_err(|error| self.failed(error.into()))?;
            writer.add(term, batch).await?;
        }
        for source in self.sources {
            let gone = self.session.deregister_table(source.kind.as_str());
            gone.map_err(|error| self.failed(error))?;
        }
        Ok(())
    }

    /// The query's rows with the types that the header says.
    fn with_columns(&self, rows: DataFrame) -> Result<DataFrame, ReportError> {
        let fields = rows.schema().fields().iter();
        let found: Vec<&str> = fields.map(|field| field.name().as_str()).collect();
        let columns = &self.report.columns;
        let expected: Vec<&str> = columns.iter().map(|column| column.name).collect();
        if found != expected {
            return Err(ReportError::Columns {
                report: self.report.name,
                found: found.join(", "),
                expected: expected.join(", "),
            });
        }
        let columns = columns.iter().map(|column| {
            let value = cast(ident(column.name), column.data_type.clone());
            value.alias(column.name)
        });
        let rows = rows.select(columns.collect::<Vec<_>>());
        rows.map_err(|error| self.failed(error))
    }

    fn failed(&self, error: DataFusionError) -> ReportError {
        ReportError::compute(self.report.name, error)
    }
}

/// The rows that lie in the slices, with the columns of a file.
fn in_file(
    name: ReportName,
    matcher: Option<&Matcher<'_>>,
    batch: &RecordBatch,
) -> Result<RecordBatch, ArrowError> {
    let columns = lake::file_columns(Table::Report(name));
    let arrays = columns.fields().iter().map(|field| {
        let column = batch.column_by_name(field.name());
        column.expect("its columns were compared").clone()
    });
    let rows = RecordBatch::try_new(columns.clone(), arrays.collect())?;
    match matcher {
        None => Ok(rows),
        Some(matcher) => filter_record_batch(&rows, &matcher.within(&rows)?),
    }
}
