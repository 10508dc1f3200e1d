//! The columns of every table, as Arrow types: UTC microseconds, seconds as
//! doubles, ids as text.

use std::sync::{Arc, LazyLock};

use arrow_schema::{DataType, Field, Fields, Schema, SchemaRef, TimeUnit};

use crate::roster::{self, Class};
use crate::{Family, Table};

/// The columns of a table, in order.
pub fn columns(table: Table) -> SchemaRef {
    match table {
        Table::Events(Family::Clickstream) => CLICKSTREAM.clone(),
        Table::Events(Family::Video) => VIDEO.clone(),
        Table::Events(Family::Assessment) => ASSESSMENT.clone(),
        Table::Events(Family::Attendance) => ATTENDANCE.clone(),
        Table::Events(Family::Tutoring) => TUTORING.clone(),
        Table::Duplicates => DUPLICATES.clone(),
        Table::Quarantine => QUARANTINE.clone(),
        Table::Tallies => TALLIES.clone(),
        Table::Audit => AUDIT.clone(),
        Table::LogCounts => LOG_COUNTS.clone(),
        Table::Report(name) => Arc::clone(name.report().schema()),
        Table::Roster(entity) => roster::columns(entity),
        Table::RosterHistory(entity) => roster::history_columns(entity),
    }
}

/// The columns by which a table's files are sorted.
pub fn sort_columns(table: Table) -> &'static [&'static str] {
    match table {
        Table::Events(_) => &["section_id", "student_key", "occurred_at", "event_id"],
        Table::Duplicates | Table::Quarantine | Table::Tallies => {
            &["log_partition", "log_position"]
        }
        Table::Audit => &["occurred_at", "event_id"],
        Table::LogCounts => &["log_partition", "first_position"],
        Table::Report(name) => &name.report().grain,
        Table::Roster(entity) => roster::sort_columns(entity),
        Table::RosterHistory(entity) => roster::history_sort_columns(entity),
    }
}

/// What a column tells about people.
pub fn column_class(table: Table, column: &str) -> Class {
    if let Table::Roster(entity) | Table::RosterHistory(entity) = table {
        return roster::column_class(entity, column);
    }
    if table == Table::Audit {
        return audit_class(column);
    }
    match column {
        "student_key" | "sent_key" | "reply_to_key" | "sent_reply_to_key" | "by_key"
        | "sent_by_key" | "tutor_key" | "sent_tutor_key" => Class::Key,
        // Whatever senders wrote into a text can be about anybody.
        "url" | "referrer" | "query" | "value" | "response" | "reason" | "extra" | "headers"
        | "original" => Class::Personal,
        "event_id" | "session_id" | "grade_old" | "grade_new" | "score" | "rating"
        | "prompt_id" | "booking_id" => Class::Record,
        _ => Class::Plain,
    }
}

/// What the audit tells: who asked, and whose rows they were shown.
fn audit_class(column: &str) -> Class {
    match column {
        "subject_key" | "student_key" | "student_keys" => Class::Key,
        // Names of columns that an asker makes up, and the value on which a query failed.
        "statement" | "error" => Class::Personal,
        "credential_id" | "parameters" => Class::Record,
        _ => Class::Plain,
    }
}

/// Whether a column can say something about a person: its values stay out of
/// statistics, which would outlive the rows.
pub fn is_personal(table: Table, column: &str) -> bool {
    column_class(table, column) != Class::Plain
}

fn required(name: &str, data_type: DataType) -> Field {
    Field::new(name, data_type, false)
}

fn optional(name: &str, data_type: DataType) -> Field {
    Field::new(name, data_type, true)
}

fn texts(names: &[&str]) -> Vec<Field> {
    names
        .iter()
        .map(|name| optional(name, DataType::Utf8))
        .collect()
}

/// Lists of texts.
fn lists(names: &[&str]) -> Vec<Field> {
    let texts = DataType::List(Arc::new(optional("element", DataType::Utf8)));
    let names = names.iter();
    names.map(|name| optional(name, texts.clone())).collect()
}

fn seconds(names: &[&str]) -> Vec<Field> {
    names
        .iter()
        .map(|name| optional(name, DataType::Float64))
        .collect()
}

fn timestamp() -> DataType {
    DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into()))
}

/// Where a row's record stands in which log.
fn position() -> Vec<Field> {
    vec![
        required("log_id", DataType::Utf8),
        required("log_partition", DataType::Int32),
        required("log_position", DataType::Int64),
    ]
}

fn schema(fields: Vec<Vec<Field>>) -> SchemaRef {
    Arc::new(Schema::new(fields.concat()))
}

/// What the tables of all families share, then the family's own, then what a later
/// version added: a column can only be added at the end.
fn events(family: Family, own: Vec<Vec<Field>>) -> SchemaRef {
    let shared = vec![
        vec![
            required("event_id", DataType::Utf8),
            required("event_type", DataType::Utf8),
            required("type_version", DataType::Int32),
            required("dialect", DataType::Utf8),
            required("occurred_at", timestamp()),
            optional("sent_at", timestamp()),
            required("received_at", timestamp()),
            optional("clock_correction_ms", DataType::Int64),
            required("term", DataType::Utf8),
            required("student_key", DataType::Utf8),
        ],
        texts(&[
            "session_id",
            "course_id",
            "section_id",
            "school_id",
            "content_id",
        ]),
        vec![optional("content_version", DataType::Int32)],
        texts(&["app", "platform", "locale", "extra"]),
        position(),
    ];
    let added = vec![
        vec![optional("published_at", timestamp())],
        texts(&["sent_key", "completed", "unknown"]),
        vec![optional("roster_import", DataType::Int64)],
    ];
    let other = family.other_person().map(|other| texts(&[other.sent_key]));
    schema([shared, own, added, other.into_iter().collect()].concat())
}

static CLICKSTREAM: LazyLock<SchemaRef> = LazyLock::new(|| {
    events(
        Family::Clickstream,
        vec![
            texts(&["url", "referrer", "element", "query", "target_id", "value"]),
            vec![optional("count", DataType::Int64)],
            texts(&["thread_id", "reply_to_key", "status", "role"]),
        ],
    )
});

/// The Arrow type of `played_segments`: a list of stretches in seconds.
fn segments() -> DataType {
    let segment = DataType::Struct(Fields::from(seconds(&["from_seconds", "to_seconds"])));
    DataType::List(Arc::new(optional("element", segment)))
}

static VIDEO: LazyLock<SchemaRef> = LazyLock::new(|| {
    events(
        Family::Video,
        vec![
            seconds(&[
                "position_seconds",
                "from_seconds",
                "to_seconds",
                "duration_seconds",
                "rate",
            ]),
            vec![optional("played_segments", segments())],
            seconds(&["progress"]),
        ],
    )
});

static ASSESSMENT: LazyLock<SchemaRef> = LazyLock::new(|| {
    events(
        Family::Assessment,
        vec![
            texts(&["assessment_id"]),
            vec![optional("attempt", DataType::Int32)],
            texts(&["item_id", "response"]),
            vec![
                optional("correct", DataType::Boolean),
                optional("score", DataType::Float64),
                optional("max_score", DataType::Float64),
                optional("hints", DataType::Int32),
                optional("duration_seconds", DataType::Float64),
            ],
            texts(&["category", "grade_old", "grade_new", "reason", "by_key"]),
        ],
    )
});

static ATTENDANCE: LazyLock<SchemaRef> = LazyLock::new(|| {
    events(
        Family::Attendance,
        vec![
            texts(&["status"]),
            vec![optional("minutes", DataType::Float64)],
            texts(&["by_key"]),
        ],
    )
});

static TUTORING: LazyLock<SchemaRef> = LazyLock::new(|| {
    events(
        Family::Tutoring,
        vec![
            texts(&["prompt_id"]),
            vec![
                optional("prompt_chars", DataType::Int32),
                optional("response_chars", DataType::Int32),
                optional("rating", DataType::Float64),
            ],
            texts(&["tutor_key", "booking_id"]),
            vec![
                optional("minutes", DataType::Float64),
                optional("scheduled_at", timestamp()),
            ],
            texts(&["status"]),
        ],
    )
});

static DUPLICATES: LazyLock<SchemaRef> = LazyLock::new(|| {
    schema(vec![
        vec![
            // Of a record that was entered again twice and cannot be read, only what
            // its headers say is known.
            optional("event_id", DataType::Utf8),
            optional("event_type", DataType::Utf8),
            optional("family", DataType::Utf8),
            optional("occurred_at", timestamp()),
            optional("received_at", timestamp()),
            optional("student_key", DataType::Utf8),
            optional("same_content", DataType::Boolean),
        ],
        position(),
    ])
});

static QUARANTINE: LazyLock<SchemaRef> = LazyLock::new(|| {
    schema(vec![
        vec![
            required("stage", DataType::Utf8),
            required("reason", DataType::Utf8),
            required("attempt", DataType::Int32),
            optional("family", DataType::Utf8),
            optional("received_at", timestamp()),
            optional("headers", DataType::Utf8),
            required("original", DataType::Binary),
        ],
        position(),
    ])
});

static TALLIES: LazyLock<SchemaRef> = LazyLock::new(|| {
    schema(vec![
        vec![
            required("minute", timestamp()),
            required("node", DataType::Utf8),
            optional("family", DataType::Utf8),
            required("outcome", DataType::Utf8),
            optional("reason", DataType::Utf8),
            required("events", DataType::Int64),
        ],
        position(),
    ])
});

static AUDIT: LazyLock<SchemaRef> = LazyLock::new(|| {
    let counts = |names: &[&str]| -> Vec<Field> {
        let names = names.iter();
        names.map(|name| optional(name, DataType::Int64)).collect()
    };
    schema(vec![
        vec![
            required("event_id", DataType::Utf8),
            required("event_type", DataType::Utf8),
            required("occurred_at", timestamp()),
            required("term", DataType::Utf8),
            required("query_id", DataType::Utf8),
            required("role", DataType::Utf8),
        ],
        texts(&[
            "subject_key",
            "credential",
            "credential_id",
            "credential_parent",
            "door",
            "client",
            "statement",
        ]),
        lists(&[
            "parameters",
            "tables",
            "columns",
            "policies",
            "masks",
            "versions",
        ]),
        counts(&["queued_ms"]),
        texts(&["outcome", "error"]),
        counts(&["rows", "bytes", "duration_ms", "student_count"]),
        lists(&["student_keys"]),
        texts(&["scope"]),
        position(),
    ])
});

static LOG_COUNTS: LazyLock<SchemaRef> = LazyLock::new(|| {
    schema(vec![vec![
        required("hour", timestamp()),
        optional("family", DataType::Utf8),
        required("accepted", DataType::Int64),
        required("log_id", DataType::Utf8),
        required("log_partition", DataType::Int32),
        required("first_position", DataType::Int64),
        required("end_position", DataType::Int64),
        // Absent where it was counted before records could be entered again.
        optional("replayed", DataType::Int64),
    ]])
});

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_sort_column_exists_and_terms_are_only_where_they_should_be() {
        for table in Table::all().chain(Table::rosters()) {
            let columns = columns(table);
            for column in sort_columns(table) {
                assert!(columns.field_with_name(column).is_ok(), "{table}.{column}");
            }
            // Of a roster's terms it is what they are called as partitions of others.
            if !table.as_str().starts_with("terms") {
                assert_eq!(columns.field_with_name("term").is_ok(), table.is_by_term());
            }
        }
    }
}
