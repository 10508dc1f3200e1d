use std::sync::Arc;

use arrow::array::{ArrayRef, Int32Builder, Int64Builder, RecordBatch, StringBuilder};
use chrono::{DateTime, Utc};
use schemas::{Family, Table};

use super::{TimeColumn, batch, partition, position};

/// How many records of a stretch of a partition were events of one family and
/// hour, and how many were such events that were entered again.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Count {
    pub hour: DateTime<Utc>,
    pub family: Option<Family>,
    pub accepted: u64,
    pub partition: u32,
    /// Inclusive.
    pub first: u64,
    /// Exclusive.
    pub end: u64,
    pub replayed: u64,
}

/// Rows of `log_counts`.
#[derive(Debug, Default)]
pub(crate) struct CountRows {
    hour: TimeColumn,
    family: StringBuilder,
    accepted: Int64Builder,
    log_id: StringBuilder,
    partition: Int32Builder,
    first: Int64Builder,
    end: Int64Builder,
    replayed: Int64Builder,
}

impl CountRows {
    /// Adds a count.
    pub fn append(&mut self, log_id: &str, count: Count) {
        self.hour.append(count.hour);
        self.family.append_option(count.family.map(Family::as_str));
        self.accepted.append_value(position(count.accepted));
        self.log_id.append_value(log_id);
        self.partition.append_value(partition(count.partition));
        self.first.append_value(position(count.first));
        self.end.append_value(position(count.end));
        self.replayed.append_value(position(count.replayed));
    }

    /// The rows, leaving none.
    pub fn finish(&mut self) -> RecordBatch {
        let columns: Vec<ArrayRef> = vec![
            self.hour.finish(),
            Arc::new(self.family.finish()),
            Arc::new(self.accepted.finish()),
            Arc::new(self.log_id.finish()),
            Arc::new(self.partition.finish()),
            Arc::new(self.first.finish()),
            Arc::new(self.end.finish()),
            Arc::new(self.replayed.finish()),
        ];
        batch(Table::LogCounts, columns)
    }
}
