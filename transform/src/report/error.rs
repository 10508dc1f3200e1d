use datafusion::error::DataFusionError;
use lake::{LakeError, PublishError};
use runtime::RegistryError;

/// Why a report is not up to date.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ReportError {
    /// Its tables cannot be read.
    #[error("the lake cannot be used")]
    Lake(#[from] LakeError),
    /// Its rows are computed, but not published.
    #[error("report {report} was not published")]
    Publish {
        /// The report.
        report: &'static str,
        /// What became of the commit.
        #[source]
        source: PublishError,
    },
    /// Its query cannot be run.
    #[error("report {report} cannot be computed: {cause}")]
    Compute {
        /// The report.
        report: &'static str,
        /// Why, without the value at which it failed.
        cause: String,
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
    /// The tenant cannot be read.
    #[error("the tenants cannot be read")]
    Registry(#[from] RegistryError),
}

impl ReportError {
    /// A query that failed. What a value made fail is not repeated: it may be
    /// what a student has written.
    pub(crate) fn compute(report: &'static str, error: &DataFusionError) -> Self {
        let cause = match error.find_root() {
            DataFusionError::ArrowError(..)
            | DataFusionError::Execution(_)
            | DataFusionError::External(_) => "a value or a file made it fail".to_owned(),
            // Of a plan that is printed the beginning suffices.
            root => root.strip_backtrace().chars().take(300).collect(),
        };
        Self::Compute { report, cause }
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
}
