//! Which tries to make a row of a quarantined record have failed.

use std::collections::HashMap;

use arrow::array::AsArray;
use arrow::datatypes::{Int32Type, Int64Type};
use futures::TryStreamExt;
use lake::{LakeError, LakeTable, RowFilter};
use xxhash_rust::xxh3::{xxh3_64, xxh3_128};

use super::Again;
use crate::quarantine::parse_headers;

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
        let columns = [
            "attempt",
            "headers",
            "log_id",
            "log_partition",
            "log_position",
        ];
        let mut rows = quarantine.scan(&columns, RowFilter::All).await?;
        while let Some(rows) = rows.try_next().await? {
            let attempts = rows.column(0).as_primitive::<Int32Type>();
            let headers = rows.column(1).as_string::<i32>();
            let logs = rows.column(2).as_string::<i32>();
            let partitions = rows.column(3).as_primitive::<Int32Type>();
            let positions = rows.column(4).as_primitive::<Int64Type>();
            for row in (0..rows.num_rows()).filter(|row| attempts.value(*row) > 1) {
                let Some(again) = Again::of(&parse_headers(headers.value(row))) else {
                    continue;
                };
                let partition = partitions.value(row).unsigned_abs();
                let position = positions.value(row).unsigned_abs();
                let here = place(logs.value(row), partition, position);
                self.first.entry(key(&again)).or_insert(here);
            }
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
