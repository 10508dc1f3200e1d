use std::borrow::Cow;
use std::sync::Arc;

use arrow::array::{
    ArrayBuilder, ArrayRef, Int32Builder, Int64Builder, RecordBatch, StringBuilder,
};
use schemas::event::{Data, Event, Extra, TYPE_VERSION};
use schemas::{Family, Table};
use uuid::Uuid;

use super::assessment::AssessmentColumns;
use super::clickstream::ClickstreamColumns;
use super::video::VideoColumns;
use super::{At, PositionColumns, TextColumns, TimeColumn, batch, text};
use crate::place::Placed;

/// The member of `extra` that says that the sender's time and the corrected one
/// lie in different terms.
const CLOCK_CROSSED_TERM: &str = "clock_crossed_term";

/// Rows after which a batch is closed: what grows is copied to where there is
/// room, so it had better not grow large.
const BATCH_ROWS: usize = 8_192;

/// Rows of one event table and one term.
#[derive(Debug)]
pub(crate) struct EventRows {
    family: Family,
    /// What is collected, but for the last batch.
    batches: Vec<RecordBatch>,
    event_id: StringBuilder,
    event_type: StringBuilder,
    type_version: Int32Builder,
    dialect: StringBuilder,
    occurred_at: TimeColumn,
    sent_at: TimeColumn,
    received_at: TimeColumn,
    clock_correction_ms: Int64Builder,
    student_key: StringBuilder,
    place: TextColumns<5>,
    content_version: Int32Builder,
    app: TextColumns<4>,
    position: PositionColumns,
    own: OwnColumns,
}

/// What only the family's events have.
#[derive(Debug)]
enum OwnColumns {
    Clickstream(Box<ClickstreamColumns>),
    Video(Box<VideoColumns>),
    Assessment(Box<AssessmentColumns>),
}

impl EventRows {
    /// No rows yet.
    pub fn new(family: Family) -> Self {
        Self {
            family,
            batches: Vec::new(),
            event_id: text(),
            event_type: text(),
            type_version: Int32Builder::with_capacity(0),
            dialect: text(),
            occurred_at: TimeColumn::default(),
            sent_at: TimeColumn::default(),
            received_at: TimeColumn::default(),
            clock_correction_ms: Int64Builder::with_capacity(0),
            student_key: text(),
            place: TextColumns::default(),
            content_version: Int32Builder::with_capacity(0),
            app: TextColumns::default(),
            position: PositionColumns::default(),
            own: match family {
                Family::Clickstream => OwnColumns::Clickstream(Box::default()),
                Family::Video => OwnColumns::Video(Box::default()),
                Family::Assessment => OwnColumns::Assessment(Box::default()),
            },
        }
    }

    /// Adds an event of the family.
    pub fn append(&mut self, event: &Event, placed: &Placed, at: At<'_>) {
        let mut id = Uuid::encode_buffer();
        self.event_id
            .append_value(event.id.hyphenated().encode_lower(&mut id));
        self.event_type.append_value(&event.event_type);
        self.type_version.append_value(TYPE_VERSION.into());
        self.dialect.append_value(&event.dialect);
        self.occurred_at.append(placed.occurred_at);
        self.sent_at.append_option(event.sent_at);
        self.received_at.append(event.received_at);
        self.clock_correction_ms
            .append_option(placed.clock_correction.map(|by| by.num_milliseconds()));
        self.student_key
            .append_value(event.student_key.encode(&mut [0; 32]));
        self.place.append([
            event.session.as_deref(),
            event.course.as_deref(),
            event.section.as_deref(),
            event.school.as_deref(),
            event.content.as_deref(),
        ]);
        self.content_version.append_option(event.content_version);
        let extra = extra(event, placed);
        self.app.append([
            event.app.as_deref(),
            event.platform.as_deref(),
            event.locale.as_deref(),
            extra.as_deref(),
        ]);
        self.position.append(at);
        match (&mut self.own, &event.data) {
            (OwnColumns::Clickstream(own), Data::Clickstream(data)) => own.append(data),
            (OwnColumns::Video(own), Data::Video(data)) => own.append(data),
            (OwnColumns::Assessment(own), Data::Assessment(data)) => own.append(data),
            _ => unreachable!("events are sorted by the family of their data"),
        }
        if self.event_id.len() == BATCH_ROWS {
            self.close_batch();
        }
    }

    /// The rows, in the order in which they were added.
    pub fn finish(mut self) -> Vec<RecordBatch> {
        if self.event_id.len() > 0 {
            self.close_batch();
        }
        self.batches
    }

    fn close_batch(&mut self) {
        let mut columns: Vec<ArrayRef> = vec![
            Arc::new(self.event_id.finish()),
            Arc::new(self.event_type.finish()),
            Arc::new(self.type_version.finish()),
            Arc::new(self.dialect.finish()),
            self.occurred_at.finish(),
            self.sent_at.finish(),
            self.received_at.finish(),
            Arc::new(self.clock_correction_ms.finish()),
            Arc::new(self.student_key.finish()),
        ];
        columns.extend(self.place.finish());
        columns.push(Arc::new(self.content_version.finish()));
        columns.extend(self.app.finish());
        columns.extend(self.position.finish());
        columns.extend(match &mut self.own {
            OwnColumns::Clickstream(own) => own.finish(),
            OwnColumns::Video(own) => own.finish(),
            OwnColumns::Assessment(own) => own.finish(),
        });
        self.batches
            .push(batch(Table::Events(self.family), columns));
    }
}

/// What the sender sent beyond the columns, as compact JSON.
fn extra<'a>(event: &'a Event, placed: &Placed) -> Option<Cow<'a, str>> {
    if placed.clock_crossed_term {
        let mut extra = event.extra.members().into_owned();
        extra.insert(CLOCK_CROSSED_TERM.to_owned(), true.into());
        return Some(Extra::from(extra).json().into_owned().into());
    }
    (!event.extra.is_empty()).then(|| event.extra.json())
}
