use std::sync::Arc;
use std::time::Duration;

use datafusion::error::DataFusionError;
use lake::{LakeError, PublishError};
use runtime::RegistryError;
use schemas::Table;

/// Why a report is not up to date.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ReportError {
    /// Its tables cannot be read.
    #[error("the lake cannot be used")]
    Lake(#[from] LakeError),
    /// One of its sources cannot be read. Reports that do not read it go on.
    #[error("table {table}, which report {report} reads, cannot be used")]
    Source {
        /// The report.
        report: &'static str,
        /// The table.
        table: Table,
        /// What the lake says.
        #[source]
        source: Arc<LakeError>,
    },
    /// Its rows are computed, but not published.
    #[error("report {report} was not published")]
    Publish {
        /// The report.
        report: &'static str,
        /// What became of the commit.
        #[source]
        source: PublishError,
    },
    /// Another process has replaced what this one made, by another definition:
    /// it is of another version, or knows another time zone of the tenant.
    #[error("another process computes report {report} by another definition")]
    Superseded {
        /// The report.
        report: &'static str,
    },
    /// Its query cannot be run.
    #[error("report {report} cannot be computed")]
    Compute {
        /// The report.
        report: &'static str,
        /// Why, without the value at which it failed.
        #[source]
        source: ComputeError,
    },
    /// Its query has other columns than its header.
    #[error("report {report} has the columns {found}, but its header says {expected}")]
    Columns {
        /// The report.
        report: &'static str,
        /// The query's.
        found: String,
        /// The header's.
        expected: String,
    },
    /// Computing it has panicked.
    #[error("computing report {report} has panicked: {message}")]
    Panicked {
        /// The report; empty when it was before any was looked at.
        report: &'static str,
        /// What the panic says.
        message: String,
    },
    /// It took longer than reports may take.
    #[error("report {report} was given up after {} s", limit.as_secs())]
    Timeout {
        /// The report.
        report: &'static str,
        /// How long it may take.
        limit: Duration,
    },
    /// The tenant cannot be read.
    #[error("the tenants cannot be read")]
    Registry(#[from] RegistryError),
}

/// Why a query failed. What a value made fail is not repeated, here or by a
/// source: it may be what a student has written.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ComputeError {
    /// A file, or the store.
    #[error("its sources cannot be read")]
    Lake(#[source] Box<LakeError>),
    /// Disk or memory.
    #[error("it needs more than it may take: {0}")]
    Resources(String),
    /// The query does not fit its sources.
    #[error("its query cannot be planned: {0}")]
    Plan(String),
    /// A value in a row.
    #[error("a value made it fail")]
    Value,
}

/// Of a plan that is printed the beginning suffices.
const LONGEST_TEXT: usize = 300;

impl From<DataFusionError> for ComputeError {
    fn from(error: DataFusionError) -> Self {
        let text = |error: &DataFusionError| {
            let text = error.strip_backtrace();
            text.chars().take(LONGEST_TEXT).collect::<String>()
        };
        match error {
            DataFusionError::Context(_, error) | DataFusionError::Diagnostic(_, error) => {
                Self::from(*error)
            }
            DataFusionError::Shared(error) => match error.find_root() {
                root @ DataFusionError::ResourcesExhausted(_) => Self::Resources(text(root)),
                _ => Self::Value,
            },
            DataFusionError::ObjectStore(error) => Self::Lake(Box::new(LakeError::Store(*error))),
            DataFusionError::ParquetError(error) => {
                Self::Lake(Box::new(LakeError::Parquet(*error)))
            }
            DataFusionError::IoError(error) => Self::Resources(error.to_string()),
            DataFusionError::External(error) => match error.downcast::<LakeError>() {
                Ok(error) => Self::Lake(error),
                Err(_) => Self::Value,
            },
            DataFusionError::ArrowError(..) | DataFusionError::Execution(_) => Self::Value,
            DataFusionError::ResourcesExhausted(_) => Self::Resources(text(&error)),
            error => Self::Plan(text(&error)),
        }
    }
}

impl ReportError {
    /// A query that failed.
    pub(crate) fn compute(report: &'static str, error: DataFusionError) -> Self {
        let source = ComputeError::from(error);
        Self::Compute { report, source }
    }

    /// Whether another process has just refreshed the same report.
    pub(crate) fn is_conflict(&self) -> bool {
        matches!(
            self,
            Self::Publish {
                source: PublishError::Conflict(_),
                ..
            }
        )
    }

    /// Whether a file of the report's own table is gone, of which rows were to
    /// stay.
    pub(crate) fn is_own_file_missing(&self) -> bool {
        match self {
            Self::Publish {
                source: PublishError::NotPublished(error),
                ..
            } => error.is_missing(),
            _ => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use arrow::error::ArrowError;

    use super::*;
    use crate::error::chain;

    #[test]
    fn a_cause_is_told_and_a_value_is_not() {
        let gone = object_store::Error::NotFound {
            path: "a.parquet".to_owned(),
            source: "no such file".into(),
        };
        let error = DataFusionError::External(Box::new(LakeError::Store(gone)));
        let error = ReportError::compute("video_watch", error.context("scan"));
        let told = chain(&error);
        assert!(
            told.contains("video_watch") && told.contains("a.parquet"),
            "{told}"
        );

        let secret = ArrowError::CastError("Cannot cast 'my diary'".to_owned());
        let error = DataFusionError::ArrowError(Box::new(secret), None);
        let told = chain(&ReportError::compute("video_watch", error));
        assert!(!told.contains("diary"), "{told}");

        let error = DataFusionError::ResourcesExhausted("no room for a sort".to_owned());
        let told = chain(&ReportError::compute("video_watch", error));
        assert!(told.contains("no room"), "{told}");
    }
}
