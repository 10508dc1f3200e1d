use std::sync::Arc;

use arrow::array::{ArrayRef, BooleanBuilder, RecordBatch, StringBuilder};
use chrono::{DateTime, Utc};
use schemas::event::Event;
use schemas::{Family, Table};

use super::{At, PositionColumns, TextColumns, TimeColumn, batch};
use crate::decode::{Decoded, received_at};

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

    /// Adds a record that was entered again twice by one attempt and cannot be
    /// read: the first is in the quarantine.
    pub fn append_unreadable(&mut self, record: &Decoded, at: At<'_>) {
        let family = record.family.map(Family::as_str);
        self.names.append([None, None, family]);
        self.occurred_at.append_option(None);
        self.received_at
            .append_option(received_at(&record.record.headers));
        self.student_key.append_null();
        self.same_content.append_value(true);
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
