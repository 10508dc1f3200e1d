//! What the log says of a file, without reading it.

use std::ops::RangeInclusive;

use chrono::{DateTime, Utc};
use schemas::Term;
use serde::Deserialize;
use serde_json::{Map, Value};

use crate::files::FileRows;
use crate::{LakeError, LakeTable};

/// A file of the version that is held.
#[derive(Debug, Clone, PartialEq)]
pub struct DataFile {
    pub(crate) path: String,
    pub(crate) term: Option<Term>,
    pub(crate) bytes: u64,
    rows: u64,
    statistics: Statistics,
}

/// Delta's statistics of a file.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Statistics {
    min_values: Map<String, Value>,
    max_values: Map<String, Value>,
    null_count: Map<String, Value>,
}

impl DataFile {
    /// Where it lies in the table's folder: no two files ever have one path.
    pub fn path(&self) -> &str {
        &self.path
    }

    /// The term of its rows; `None` where the table has none.
    pub fn term(&self) -> Option<&Term> {
        self.term.as_ref()
    }

    /// How many rows it has.
    pub fn rows(&self) -> u64 {
        self.rows
    }

    /// Bounds of a column of times, rounded outwards to milliseconds. `None`
    /// when they are not known, or there is no value.
    pub fn times(&self, column: &str) -> Option<RangeInclusive<DateTime<Utc>>> {
        let time = |bounds: &Map<String, Value>| bounds.get(column)?.as_str()?.parse().ok();
        Some(time(&self.statistics.min_values)?..=time(&self.statistics.max_values)?)
    }

    /// Bounds of a column of whole numbers; `None` as in [`DataFile::times`].
    pub fn numbers(&self, column: &str) -> Option<RangeInclusive<i64>> {
        let number = |bounds: &Map<String, Value>| bounds.get(column)?.as_i64();
        Some(number(&self.statistics.min_values)?..=number(&self.statistics.max_values)?)
    }

    /// Whether some rows may have no value in a column.
    pub fn has_nulls(&self, column: &str) -> bool {
        let nulls = self.statistics.null_count.get(column);
        nulls.and_then(Value::as_u64) != Some(0)
    }
}

impl LakeTable {
    /// The files of this version.
    pub fn data_files(&self) -> Vec<DataFile> {
        let files = self.state().log_data();
        let files = files.iter().map(|file| {
            let statistics = file.stats();
            let statistics = statistics.and_then(|text| serde_json::from_str(&text).ok());
            let term = file.partition_values_map().remove("term").flatten();
            DataFile {
                path: file.path().into_owned(),
                term: term.and_then(|term| term.parse().ok()),
                bytes: file.size().unsigned_abs(),
                rows: file.num_records().unwrap_or(0) as u64,
                statistics: statistics.unwrap_or_default(),
            }
        });
        files.collect()
    }

    /// Streams some columns of a file; the term is no column of a file.
    ///
    /// # Errors
    /// [`LakeError::Store`] or [`LakeError::Parquet`], also in the stream.
    pub async fn read_data(
        &self,
        file: &DataFile,
        columns: &[&str],
    ) -> Result<FileRows, LakeError> {
        self.read_file(&file.path, Some(columns)).await
    }
}
