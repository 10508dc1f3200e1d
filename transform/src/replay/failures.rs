//! Which tries to make a row of a quarantined record have failed.

use std::collections::HashMap;

use arrow::array::{ArrayRef, AsArray, RecordBatch};
use arrow::datatypes::{Int32Type, Int64Type};
use arrow::error::ArrowError;
use futures::TryStreamExt;
use lake::{DataFile, LakeError, LakeTable};
use xxhash_rust::xxh3::{xxh3_64, xxh3_128};

use super::Again;
use crate::quarantine::parse_headers;

/// What is read of a quarantine.
const COLUMNS: [&str; 5] = [
    "attempt",
    "headers",
    "log_id",
    "log_partition",
    "log_position",
];

/// The records that were entered again and failed, by origin and attempt, so
/// that one which was entered twice is in the quarantine once.
///
/// Some 50 bytes are kept for each of them.
#[derive(Debug)]
pub(crate) struct Failures {
    log_id: String,
    /// Where each attempt stands that was read first.
    first: HashMap<u128, u64>,
}

impl Failures {
    /// None yet, of records in that log.
    pub fn new(log_id: &str) -> Self {
        Self {
            log_id: log_id.to_owned(),
            first: HashMap::new(),
        }
    }

    /// Adds those that a quarantine holds, of this log and others.
    ///
    /// # Errors
    /// [`LakeError`] when it cannot be read.
    pub async fn read(&mut self, quarantine: &LakeTable) -> Result<(), LakeError> {
        // Most files hold only what failed for the first time.
        let may_hold_them = |file: &DataFile| {
            let attempts = file.numbers("attempt");
            attempts.is_none_or(|attempts| *attempts.end() > 1)
        };
        let files = quarantine.data_files().into_iter().filter(may_hold_them);
        for file in files {
            let mut rows = quarantine.read_data(&file, &COLUMNS).await?;
            while let Some(rows) = rows.try_next().await? {
                self.add(&rows).map_err(LakeError::Rows)?;
            }
        }
        Ok(())
    }

    fn add(&mut self, rows: &RecordBatch) -> Result<(), ArrowError> {
        let column = |name: &str| -> Result<&ArrayRef, ArrowError> {
            let missing = || ArrowError::SchemaError(format!("{name} is missing"));
            rows.column_by_name(name).ok_or_else(missing)
        };
        let attempts = column("attempt")?.as_primitive::<Int32Type>();
        let headers = column("headers")?.as_string::<i32>();
        let logs = column("log_id")?.as_string::<i32>();
        let partitions = column("log_partition")?.as_primitive::<Int32Type>();
        let positions = column("log_position")?.as_primitive::<Int64Type>();
        for row in (0..rows.num_rows()).filter(|row| attempts.value(*row) > 1) {
            let Some(again) = Again::of(&parse_headers(headers.value(row))) else {
                continue;
            };
            let partition = partitions.value(row).unsigned_abs();
            let position = positions.value(row).unsigned_abs();
            let here = place(logs.value(row), partition, position);
            self.first.entry(key(&again)).or_insert(here);
        }
        Ok(())
    }

    /// Takes note that a record fails, and says whether it is the first of its
    /// attempt that does, perhaps read once more.
    pub fn is_first(&mut self, again: &Again, partition: u32, position: u64) -> bool {
        let here = place(&self.log_id, partition, position);
        *self.first.entry(key(again)).or_insert(here) == here
    }
}

fn key(again: &Again) -> u128 {
    xxh3_128(format!("{}#{}", again.origin, again.attempt).as_bytes())
}

fn place(log_id: &str, partition: u32, position: u64) -> u64 {
    xxh3_64(format!("{log_id}/{partition}/{position}").as_bytes())
}
