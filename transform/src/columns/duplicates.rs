use std::sync::Arc;

use arrow::array::{ArrayRef, BooleanBuilder, RecordBatch, StringBuilder};
use chrono::{DateTime, Utc};
use schemas::Table;
use schemas::event::Event;

use super::{At, PositionColumns, TextColumns, TimeColumn, batch};

/// Rows of `duplicates`.
#[derive(Debug, Default)]
pub(crate) struct DuplicateRows {
    names: TextColumns<3>,
    occurred_at: TimeColumn,
    received_at: TimeColumn,
    student_key: StringBuilder,
    same_content: BooleanBuilder,
    position: PositionColumns,
}

impl DuplicateRows {
    /// Adds an event that was stored before, if it is known with the same
    /// content or another.
    pub fn append(
        &mut self,
        event: &Event,
        occurred_at: DateTime<Utc>,
        same_content: Option<bool>,
        at: At<'_>,
    ) {
        let id = event.id.to_string();
        self.names.append([
            Some(&id),
            Some(&event.event_type),
            Some(event.data.family().as_str()),
        ]);
        self.occurred_at.append(occurred_at);
        self.received_at.append(event.received_at);
        self.student_key
            .append_value(event.student_key.encode(&mut [0; 32]));
        self.same_content.append_option(same_content);
        self.position.append(at);
    }

    /// The rows, leaving none.
    pub fn finish(&mut self) -> RecordBatch {
        let mut columns: Vec<ArrayRef> = self.names.finish();
        columns.push(self.occurred_at.finish());
        columns.push(self.received_at.finish());
        columns.push(Arc::new(self.student_key.finish()));
        columns.push(Arc::new(self.same_content.finish()));
        columns.extend(self.position.finish());
        batch(Table::Duplicates, columns)
    }
}
