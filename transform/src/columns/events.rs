use std::borrow::Cow;

use arrow::array::{
    Array, ArrayBuilder, ArrayRef, Int32Builder, Int64Builder, RecordBatch, StringBuilder,
};
use chrono::{DateTime, Datelike as _, Utc};
use schemas::event::{Data, Event, Extra, TYPE_VERSION};
use schemas::{Family, StudentKey, Table};
use uuid::Uuid;

use super::assessment::AssessmentColumns;
use super::attendance::AttendanceColumns;
use super::clickstream::ClickstreamColumns;
use super::tutoring::TutoringColumns;
use super::video::VideoColumns;
use super::words::Texts::{Unique, Words};
use super::words::{Closed, TextColumn, TextColumnGroup};
use super::{At, TimeColumn, batch_of_words, partition, position, same_time, text};
use crate::place::Placed;

/// The member of `extra` that says that the sender's time and the corrected one
/// lie in different terms.
const CLOCK_CROSSED_TERM: &str = "clock_crossed_term";

/// Whether nanoseconds can tell a time, as many engines count. A sender's clock that is
/// centuries wrong tells nothing, and one such row would fail whoever compares the column.
fn is_of_some_age(time: &DateTime<Utc>) -> bool {
    (1700..2200).contains(&time.year())
}

/// Rows after which a batch is closed: what grows is copied to where there is
/// room, so it had better not grow large.
const BATCH_ROWS: usize = 8_192;

/// The column that is filled when all rows are there.
const PUBLISHED_AT: &str = "published_at";

/// Rows of one event table and one term.
#[derive(Debug)]
pub(crate) struct EventRows {
    family: Family,
    /// What is collected, but for the last batch and the words.
    batches: Vec<Vec<Closed>>,
    event_id: StringBuilder,
    event_type: TextColumn,
    type_version: Int32Builder,
    dialect: TextColumn,
    occurred_at: TimeColumn,
    sent_at: TimeColumn,
    received_at: TimeColumn,
    clock_correction_ms: Int64Builder,
    student_key: StringBuilder,
    place: TextColumnGroup<5>,
    content_version: Int32Builder,
    app: TextColumnGroup<4>,
    log_id: TextColumn,
    log_partition: Int32Builder,
    log_position: Int64Builder,
    own: OwnColumns,
    sent_key: StringBuilder,
    by_roster: TextColumnGroup<2>,
    roster_import: Int64Builder,
    /// Of the other person, where the family has one.
    sent_other_key: Option<StringBuilder>,
}

/// What only the family's events have.
#[derive(Debug)]
enum OwnColumns {
    Clickstream(Box<ClickstreamColumns>),
    Video(Box<VideoColumns>),
    Assessment(Box<AssessmentColumns>),
    Attendance(Box<AttendanceColumns>),
    Tutoring(Box<TutoringColumns>),
}

impl EventRows {
    /// No rows yet.
    pub fn new(family: Family) -> Self {
        Self {
            family,
            batches: Vec::new(),
            event_id: text(),
            event_type: TextColumn::new(Words),
            type_version: Int32Builder::with_capacity(0),
            dialect: TextColumn::new(Words),
            occurred_at: TimeColumn::default(),
            sent_at: TimeColumn::default(),
            received_at: TimeColumn::default(),
            clock_correction_ms: Int64Builder::with_capacity(0),
            student_key: text(),
            place: TextColumnGroup::new([Words; 5]),
            content_version: Int32Builder::with_capacity(0),
            app: TextColumnGroup::new([Words, Words, Words, Unique]),
            log_id: TextColumn::new(Words),
            log_partition: Int32Builder::with_capacity(0),
            log_position: Int64Builder::with_capacity(0),
            sent_key: text(),
            by_roster: TextColumnGroup::new([Words; 2]),
            roster_import: Int64Builder::with_capacity(0),
            sent_other_key: family.other_person().map(|_| text()),
            own: match family {
                Family::Clickstream => OwnColumns::Clickstream(Box::default()),
                Family::Video => OwnColumns::Video(Box::default()),
                Family::Assessment => OwnColumns::Assessment(Box::default()),
                Family::Attendance => OwnColumns::Attendance(Box::default()),
                Family::Tutoring => OwnColumns::Tutoring(Box::default()),
            },
        }
    }

    /// Adds an event of the family.
    pub fn append(&mut self, event: &Event, placed: &Placed<'_>, at: At<'_>) {
        let resolved = &placed.resolved;
        let mut id = Uuid::encode_buffer();
        self.event_id
            .append_value(event.id.hyphenated().encode_lower(&mut id));
        self.event_type.append(Some(&event.event_type));
        self.type_version.append_value(TYPE_VERSION.into());
        self.dialect.append(Some(&event.dialect));
        self.occurred_at.append(placed.occurred_at);
        self.sent_at
            .append_option(event.sent_at.filter(is_of_some_age));
        self.received_at.append(event.received_at);
        self.clock_correction_ms
            .append_option(placed.clock_correction.map(|by| by.num_milliseconds()));
        self.student_key
            .append_value(resolved.student_key.encode(&mut [0; 32]));
        self.place.append([
            event.session.as_deref(),
            resolved.course,
            resolved.section,
            resolved.school,
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
        self.log_id.append(Some(at.log_id));
        self.log_partition.append_value(partition(at.partition));
        self.log_position.append_value(position(at.position));
        let other_key = resolved.other_key;
        match (&mut self.own, &event.data) {
            (OwnColumns::Clickstream(own), Data::Clickstream(data)) => own.append(data, other_key),
            (OwnColumns::Video(own), Data::Video(data)) => own.append(data),
            (OwnColumns::Assessment(own), Data::Assessment(data)) => own.append(data, other_key),
            (OwnColumns::Attendance(own), Data::Attendance(data)) => own.append(data, other_key),
            (OwnColumns::Tutoring(own), Data::Tutoring(data)) => own.append(data, other_key),
            _ => unreachable!("events are sorted by the family of their data"),
        }
        let text = |key: Option<StudentKey>| key.map(|key| key.to_string());
        self.sent_key.append_option(text(resolved.sent_key));
        self.by_roster
            .append([resolved.completed, resolved.unknown]);
        self.roster_import.append_value(position(resolved.import));
        if let Some(column) = &mut self.sent_other_key {
            column.append_option(text(resolved.sent_other_key));
        }
        if self.event_id.len() == BATCH_ROWS {
            self.close_batch();
        }
    }

    /// The rows, in the order in which they were added, which are published at that
    /// time.
    pub fn finish(mut self, published_at: DateTime<Utc>) -> Vec<RecordBatch> {
        if self.event_id.len() > 0 {
            self.close_batch();
        }
        let words = self.words();
        // Counted from the end: the term is a column of the table, and of no file.
        let columns = schemas::columns(Table::Events(self.family));
        let published = columns.index_of(PUBLISHED_AT).expect("a column of events");
        let after = columns.fields().len() - 1 - published;
        let mut first = 0;
        let batches = self.batches.into_iter().map(|columns| {
            let rows = columns.iter().find_map(Closed::rows).unwrap_or(0);
            let here = first;
            first += rows;
            let mut words = words.iter().map(|column| column.slice(here, rows));
            let columns = columns.into_iter().map(|column| match column {
                Closed::Array(array) => array,
                Closed::Words => words.next().expect("each column of words has its words"),
            });
            let mut columns: Vec<ArrayRef> = columns.collect();
            columns.insert(columns.len() - after, same_time(published_at, rows));
            batch_of_words(Table::Events(self.family), columns)
        });
        batches.collect()
    }

    fn close_batch(&mut self) {
        let mut columns: Vec<Closed> = vec![
            self.event_id.finish().into(),
            self.event_type.close(),
            self.type_version.finish().into(),
            self.dialect.close(),
            Closed::Array(self.occurred_at.finish()),
            Closed::Array(self.sent_at.finish()),
            Closed::Array(self.received_at.finish()),
            self.clock_correction_ms.finish().into(),
            self.student_key.finish().into(),
        ];
        columns.extend(self.place.close());
        columns.push(self.content_version.finish().into());
        columns.extend(self.app.close());
        columns.push(self.log_id.close());
        columns.push(self.log_partition.finish().into());
        columns.push(self.log_position.finish().into());
        columns.extend(match &mut self.own {
            OwnColumns::Clickstream(own) => own.close(),
            OwnColumns::Video(own) => own.close(),
            OwnColumns::Assessment(own) => own.close(),
            OwnColumns::Attendance(own) => own.close(),
            OwnColumns::Tutoring(own) => own.close(),
        });
        columns.push(self.sent_key.finish().into());
        columns.extend(self.by_roster.close());
        columns.push(self.roster_import.finish().into());
        let sent_other_key = self.sent_other_key.as_mut();
        columns.extend(sent_other_key.map(|column| column.finish().into()));
        self.batches.push(columns);
    }

    /// The columns of words, in the order of all columns.
    fn words(&mut self) -> Vec<ArrayRef> {
        let what = self.event_type.words().into_iter();
        let what = what.chain(self.dialect.words());
        let app = self.place.words().chain(self.app.words());
        let own = match &mut self.own {
            OwnColumns::Clickstream(own) => own.words(),
            OwnColumns::Video(_) => Vec::new(),
            OwnColumns::Assessment(own) => own.words(),
            OwnColumns::Attendance(own) => own.words(),
            OwnColumns::Tutoring(own) => own.words(),
        };
        what.chain(app)
            .chain(self.log_id.words())
            .chain(own)
            .chain(self.by_roster.words())
            .collect()
    }
}

/// What the sender sent beyond the columns, as compact JSON.
fn extra<'a>(event: &'a Event, placed: &Placed<'_>) -> Option<Cow<'a, str>> {
    if placed.clock_crossed_term {
        let mut extra = event.extra.members().into_owned();
        extra.insert(CLOCK_CROSSED_TERM.to_owned(), true.into());
        return Some(Extra::from(extra).json().into_owned().into());
    }
    (!event.extra.is_empty()).then(|| event.extra.json())
}
