use arrow::error::ArrowError;
use deltalake::DeltaTableError;
use deltalake::datafusion::error::DataFusionError;
use parquet::errors::ParquetError;

/// Why the lake did not do what it was asked.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LakeError {
    /// The object store did not answer, or refused.
    #[error("the lake's store cannot be used now")]
    Store(#[from] object_store::Error),
    /// The table's log cannot be read or written.
    #[error("table {table} cannot be used now")]
    Table {
        /// The table's path below the root.
        table: String,
        /// What Delta says.
        #[source]
        source: Box<DeltaTableError>,
    },
    /// The table was made by a version with other columns.
    #[error("table {table} has other columns than this version writes")]
    Columns {
        /// The table's path below the root.
        table: String,
    },
    /// Rows do not have the columns of the table's files.
    #[error("rows do not fit the table's columns")]
    Rows(#[source] ArrowError),
    /// A Parquet file cannot be made of the rows.
    #[error("rows cannot be written as Parquet")]
    Parquet(#[source] ParquetError),
    /// Rows cannot be read from the table.
    #[error("table {table} cannot be read now")]
    Scan {
        /// The table's path below the root.
        table: String,
        /// What DataFusion says.
        #[source]
        source: Box<DataFusionError>,
    },
    /// The object is not what is known of an import.
    #[error("{path} cannot be read as what is known of an import")]
    Document {
        /// Where it lies below the root.
        path: String,
        /// What is wrong with it.
        #[source]
        source: serde_json::Error,
    },
    /// The object is not a floor.
    #[error("{path} is not a floor")]
    Floor {
        /// Where it lies below the root.
        path: String,
        /// What is wrong with it.
        #[source]
        source: serde_json::Error,
    },
}

impl LakeError {
    /// Whether an object that a version of the table names is not there any
    /// more: somebody has cleaned up, or deleted the table.
    pub fn is_missing(&self) -> bool {
        matches!(self, Self::Store(object_store::Error::NotFound { .. }))
    }

    /// Whether the same call can succeed later without anybody mending anything.
    pub fn is_retryable(&self) -> bool {
        matches!(
            self,
            Self::Store(_) | Self::Table { .. } | Self::Scan { .. }
        )
    }
}

/// Why nothing, or perhaps nothing, was published.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PublishError {
    /// Another writer published from the same log partition: the table is not
    /// where this writer thinks it is, and none of its rows became visible.
    /// Open the table again and read on from its positions.
    #[error("another writer has published from {0}")]
    Conflict(crate::AppId),
    /// Nothing became visible. The same call can be made again; should the lost
    /// commit arrive after all, that call ends in [`PublishError::Conflict`].
    #[error("the commit did not get through")]
    NotPublished(#[source] LakeError),
    /// The rows may or may not be visible. Open the table again and read on from
    /// its positions.
    #[error("it is not known whether the commit got through")]
    Unknown(#[source] LakeError),
}
