//! Reading a table: by DataFusion, or a few columns as a stream.

use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::datatypes::Field;
use chrono::{DateTime, Utc};
use deltalake::datafusion::catalog::{Session, TableProvider};
use deltalake::datafusion::common::ScalarValue;
use deltalake::datafusion::datasource::{ViewTable, provider_as_source};
use deltalake::datafusion::error::DataFusionError;
use deltalake::datafusion::logical_expr::LogicalPlanBuilder;
use deltalake::datafusion::prelude::{Expr, SessionConfig, SessionContext, col, ident, lit};
use deltalake::delta_datafusion::{DeltaScanConfig, DeltaScanNext};
use futures::stream::BoxStream;
use futures::{StreamExt, TryStreamExt};
use serde::Deserialize;

use crate::columns::Fit;
use crate::rows::Rows;
use crate::{LakeError, LakeTable};

/// Which rows [`LakeTable::scan`] streams.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RowFilter {
    /// All of them.
    All,
    /// Those received at or after a time.
    ReceivedSince(DateTime<Utc>),
    /// Those whose record stands at or above a position of a log partition.
    PositionFrom {
        /// The log.
        log_id: String,
        /// Its partition.
        partition: u32,
        /// The first position, inclusive.
        position: u64,
    },
}

impl LakeTable {
    /// The table at this version, for queries of `session`, which learns where
    /// the files are. Text columns, `term` included, are plain `Utf8`. Columns that a
    /// table of an earlier version lacks are NULL.
    ///
    /// # Errors
    /// [`LakeError::Table`] or [`LakeError::Scan`].
    pub fn provider(&self, session: &dyn Session) -> Result<Arc<dyn TableProvider>, LakeError> {
        self.delta
            .update_datafusion_session(session)
            .map_err(|e| self.error(e))?;
        let mut config =
            DeltaScanConfig::new_from_session(session).with_wrap_partition_values(false);
        config.schema_force_view_types = false;
        let snapshot = self.state().snapshot().clone();
        let scan = DeltaScanNext::new(snapshot, config).map_err(|e| self.scan_error(e))?;
        let rows = Arc::new(Rows::of(scan));
        match self.fit()? {
            Fit::Earlier => self.with_ours(rows),
            Fit::Same | Fit::Other => Ok(rows),
        }
    }

    /// The table with the columns that it will have when somebody writes to it.
    fn with_ours(
        &self,
        earlier: Arc<dyn TableProvider>,
    ) -> Result<Arc<dyn TableProvider>, LakeError> {
        let held = earlier.schema();
        let column = |field: &Arc<Field>| match held.column_with_name(field.name()) {
            Some(_) => Ok(ident(field.name())),
            None => ScalarValue::try_new_null(field.data_type())
                .map(|null| lit(null).alias(field.name())),
        };
        let ours = schemas::columns(self.kind);
        let columns: Result<Vec<Expr>, DataFusionError> =
            ours.fields().iter().map(column).collect();
        let rows = LogicalPlanBuilder::scan(self.kind.as_str(), provider_as_source(earlier), None)
            .and_then(|rows| rows.project(columns?))
            .and_then(LogicalPlanBuilder::build);
        let rows = rows.map_err(|e| self.scan_error(e))?;
        Ok(Arc::new(ViewTable::new(rows, None)))
    }

    /// Streams some columns of the rows that `filter` keeps, in any order.
    ///
    /// # Errors
    /// [`LakeError::Table`] or [`LakeError::Scan`], also in the stream.
    pub async fn scan(
        &self,
        columns: &[&str],
        filter: RowFilter,
    ) -> Result<BoxStream<'static, Result<RecordBatch, LakeError>>, LakeError> {
        let context = SessionContext::new_with_config(SessionConfig::new());
        let provider = self.provider(&context.state())?;
        let mut rows = context
            .read_table(provider)
            .map_err(|e| self.scan_error(e))?;
        if let Some(filter) = filter.expression() {
            rows = rows.filter(filter).map_err(|e| self.scan_error(e))?;
        }
        let stream = rows
            .select_columns(columns)
            .map_err(|e| self.scan_error(e))?
            .execute_stream()
            .await
            .map_err(|e| self.scan_error(e))?;
        let table = self.clone();
        Ok(stream.map_err(move |e| table.scan_error(e)).boxed())
    }

    /// The latest received time of its rows, as its files' statistics have it:
    /// rounded up to a millisecond. `None` when it has no rows.
    pub fn newest_received(&self) -> Option<DateTime<Utc>> {
        let files = self.state().log_data();
        let stats = files.iter().filter_map(|file| file.stats());
        stats.filter_map(|stats| newest_received(&stats)).max()
    }

    pub(crate) fn scan_error(&self, source: DataFusionError) -> LakeError {
        LakeError::Scan {
            table: self.name.clone(),
            source: Box::new(source),
        }
    }
}

/// The latest received time of a file's rows.
pub(crate) fn newest_received(statistics: &str) -> Option<DateTime<Utc>> {
    let statistics: FileStatistics = serde_json::from_str(statistics).ok()?;
    statistics.greatest.received_at
}

/// What [`newest_received`] needs of a file's statistics.
#[derive(Deserialize)]
struct FileStatistics {
    #[serde(rename = "maxValues")]
    greatest: Greatest,
}

#[derive(Deserialize)]
struct Greatest {
    received_at: Option<DateTime<Utc>>,
}

impl RowFilter {
    fn expression(self) -> Option<Expr> {
        match self {
            Self::All => None,
            Self::ReceivedSince(time) => {
                let micros = Some(time.timestamp_micros());
                let time = ScalarValue::TimestampMicrosecond(micros, Some("UTC".into()));
                Some(col("received_at").gt_eq(lit(time)))
            }
            Self::PositionFrom {
                log_id,
                partition,
                position,
            } => {
                // No row stands above what its column can hold.
                let partition = i32::try_from(partition).unwrap_or(i32::MAX);
                let position = i64::try_from(position).unwrap_or(i64::MAX);
                Some(
                    col("log_id")
                        .eq(lit(log_id))
                        .and(col("log_partition").eq(lit(partition)))
                        .and(col("log_position").gt_eq(lit(position))),
                )
            }
        }
    }
}
