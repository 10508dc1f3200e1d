use std::sync::Arc;

use arrow::array::{ArrayRef, BinaryBuilder, Int32Builder, RecordBatch, StringBuilder};
use schemas::Table;

use super::{At, PositionColumns, TextColumns, TimeColumn, batch};
use crate::decode::{Decoded, received_at};
use crate::quarantine::{Unreadable, headers_json};

/// Rows of `quarantine`.
#[derive(Debug, Default)]
pub(crate) struct QuarantineRows {
    why: TextColumns<2>,
    attempt: Int32Builder,
    family: StringBuilder,
    received_at: TimeColumn,
    headers: StringBuilder,
    original: BinaryBuilder,
    position: PositionColumns,
}

impl QuarantineRows {
    /// Adds a record, as it was.
    pub fn append(&mut self, record: &Decoded, why: &Unreadable, at: At<'_>) {
        self.why.append([Some(why.stage), Some(&why.reason)]);
        let attempt = record.again.as_ref().map_or(1, |again| again.attempt);
        self.attempt.append_value(attempt.cast_signed());
        self.family
            .append_option(record.family.map(schemas::Family::as_str));
        self.received_at
            .append_option(received_at(&record.record.headers));
        self.headers
            .append_value(headers_json(&record.record.headers));
        self.original.append_value(&record.record.value);
        self.position.append(at);
    }

    /// The rows, leaving none.
    pub fn finish(&mut self) -> RecordBatch {
        let mut columns: Vec<ArrayRef> = self.why.finish();
        columns.push(Arc::new(self.attempt.finish()));
        columns.push(Arc::new(self.family.finish()));
        columns.push(self.received_at.finish());
        columns.push(Arc::new(self.headers.finish()));
        columns.push(Arc::new(self.original.finish()));
        columns.extend(self.position.finish());
        batch(Table::Quarantine, columns)
    }
}
