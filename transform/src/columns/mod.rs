//! From events and records to Arrow columns, one file per table; the order of
//! columns is that of `lake::file_columns`.

mod assessment;
mod attendance;
mod audit;
mod clickstream;
mod counts;
mod duplicates;
mod events;
mod quarantine;
mod tallies;
mod tutoring;
mod video;
mod words;

use std::sync::Arc;

use arrow::array::{
    ArrayRef, Int32Builder, Int64Builder, RecordBatch, StringBuilder, TimestampMicrosecondArray,
    TimestampMicrosecondBuilder,
};
use arrow::datatypes::{Field, Schema};
use chrono::{DateTime, Utc};
use schemas::Table;

pub(crate) use audit::AuditRows;
pub(crate) use counts::{Count, CountRows};
pub(crate) use duplicates::DuplicateRows;
pub(crate) use events::EventRows;
pub(crate) use quarantine::QuarantineRows;
pub(crate) use tallies::TallyRows;

/// Where a record stands in which log.
#[derive(Debug, Clone, Copy)]
pub(crate) struct At<'a> {
    pub log_id: &'a str,
    pub partition: u32,
    pub position: u64,
}

/// A column of text that begins small: every tenant with rows has one set of
/// columns for each table, and most have few rows.
fn text() -> StringBuilder {
    StringBuilder::with_capacity(0, 0)
}

/// `log_id`, `log_partition` and `log_position`.
#[derive(Debug)]
struct PositionColumns {
    log_id: StringBuilder,
    partition: Int32Builder,
    position: Int64Builder,
}

impl Default for PositionColumns {
    fn default() -> Self {
        Self {
            log_id: text(),
            partition: Int32Builder::with_capacity(0),
            position: Int64Builder::with_capacity(0),
        }
    }
}

impl PositionColumns {
    fn append(&mut self, at: At<'_>) {
        self.log_id.append_value(at.log_id);
        self.partition.append_value(partition(at.partition));
        self.position.append_value(position(at.position));
    }

    fn finish(&mut self) -> Vec<ArrayRef> {
        vec![
            Arc::new(self.log_id.finish()),
            Arc::new(self.partition.finish()),
            Arc::new(self.position.finish()),
        ]
    }
}

/// A column of times in UTC.
#[derive(Debug)]
struct TimeColumn(TimestampMicrosecondBuilder);

impl Default for TimeColumn {
    fn default() -> Self {
        Self(TimestampMicrosecondBuilder::with_capacity(0))
    }
}

impl TimeColumn {
    fn append(&mut self, time: DateTime<Utc>) {
        self.append_option(Some(time));
    }

    fn append_option(&mut self, time: Option<DateTime<Utc>>) {
        self.0
            .append_option(time.map(|time| time.timestamp_micros()));
    }

    fn finish(&mut self) -> ArrayRef {
        Arc::new(self.0.finish().with_timezone("UTC"))
    }
}

/// A column of one time, to the millisecond: with more, each commit's would be a
/// value that compresses worse.
fn same_time(time: DateTime<Utc>, rows: usize) -> ArrayRef {
    let micros = time.timestamp_millis() * 1_000;
    let times = TimestampMicrosecondArray::from_value(micros, rows);
    Arc::new(times.with_timezone("UTC"))
}

/// Some columns of text that follow each other.
#[derive(Debug)]
struct TextColumns<const N: usize>([StringBuilder; N]);

impl<const N: usize> Default for TextColumns<N> {
    fn default() -> Self {
        Self(std::array::from_fn(|_| text()))
    }
}

impl<const N: usize> TextColumns<N> {
    fn append(&mut self, texts: [Option<&str>; N]) {
        for (column, text) in self.0.iter_mut().zip(texts) {
            column.append_option(text);
        }
    }

    fn finish(&mut self) -> Vec<ArrayRef> {
        let finish = |column: &mut StringBuilder| Arc::new(column.finish()) as ArrayRef;
        self.0.iter_mut().map(finish).collect()
    }
}

fn batch(table: Table, columns: Vec<ArrayRef>) -> RecordBatch {
    RecordBatch::try_new(lake::file_columns(table), columns)
        .expect("each column was built with the type and the rows of its table")
}

/// As [`batch`], with the texts of some columns as dictionaries.
fn batch_of_words(table: Table, columns: Vec<ArrayRef>) -> RecordBatch {
    let fields = lake::file_columns(table);
    let fields = fields.fields().iter().zip(&columns).map(|(field, column)| {
        let field = Field::clone(field);
        field.with_data_type(column.data_type().clone())
    });
    let schema = Arc::new(Schema::new(fields.collect::<Vec<_>>()));
    RecordBatch::try_new(schema, columns).expect("each column has the rows of its table")
}

fn partition(partition: u32) -> i32 {
    i32::try_from(partition).expect("a log has fewer than 2^31 partitions")
}

fn position(position: u64) -> i64 {
    i64::try_from(position).expect("a position fits in 63 bits")
}
