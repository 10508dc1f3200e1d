//! From the rows of an import to those of the tables, and back.

mod build;
mod decode;

use arrow::error::ArrowError;
use chrono::{DateTime, NaiveDate, Utc};
use roster::{ChangeKind, Entity, Row};
use schemas::Term;
use schemas::roster::NO_TERM;

pub(super) use build::RowsBuilder;
pub(super) use decode::decode;

/// A row as it is stored.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct StoredRow {
    pub key: String,
    pub row: Row,
    pub validity: Validity,
    pub recorded_at: DateTime<Utc>,
    /// What happened, of a row of a history.
    pub version: Option<Version>,
}

/// From which and until which day a row is so, by the source.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Validity {
    pub from: Option<NaiveDate>,
    pub to: Option<NaiveDate>,
}

/// What an import did to a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Version {
    pub change: ChangeKind,
    pub import: u64,
}

/// The partition of a row; none of a table without terms.
pub(super) fn partition(entity: Entity, row: &Row) -> Option<Term> {
    if !entity.is_by_term() {
        return None;
    }
    let term = row.get(entity, "term").as_text();
    let term = term.and_then(|term| Term::new(term).ok());
    Some(term.unwrap_or_else(no_term))
}

fn no_term() -> Term {
    Term::new(NO_TERM).expect("it is a term")
}

/// The word for what happened.
pub(super) fn word(change: ChangeKind) -> &'static str {
    match change {
        ChangeKind::Added => "added",
        ChangeKind::Changed => "changed",
        ChangeKind::Ended => "ended",
    }
}

fn change(text: &str) -> Result<ChangeKind, ArrowError> {
    let all = [ChangeKind::Added, ChangeKind::Changed, ChangeKind::Ended];
    let found = all.into_iter().find(|kind| word(*kind) == text);
    found.ok_or_else(|| ArrowError::ParseError("a change is none of those known".to_owned()))
}

#[cfg(test)]
mod tests {
    use roster::{FieldKind, Value};

    use super::*;

    /// A value of each field's type, other ones in each row, and none in some.
    fn value(kind: FieldKind, number: i64) -> Value {
        match (kind, number % 3) {
            (_, 0) => Value::Null,
            (FieldKind::Text, _) => Value::Text(format!("text {number}")),
            (FieldKind::Texts, 1) => Value::Texts(Vec::new()),
            (FieldKind::Texts, _) => Value::Texts(vec!["a".to_owned(), String::new()]),
            (FieldKind::Date, _) => Value::Date(NaiveDate::MIN + chrono::Days::new(1_000_000)),
            (FieldKind::Boolean, odd) => Value::Boolean(odd == 1),
            (FieldKind::Number, _) => Value::Number(0.5),
            (FieldKind::Integer, _) => Value::Integer(-number),
            (FieldKind::Time, _) => {
                Value::Time(DateTime::from_timestamp_micros(-number).expect("a time"))
            }
        }
    }

    #[test]
    fn every_row_of_every_table_is_read_as_it_was_written() {
        for entity in Entity::ALL {
            for is_history in [false, true] {
                let mut builder = RowsBuilder::new(entity, is_history);
                let rows: Vec<StoredRow> = (0..12).map(|n| row(entity, n, is_history)).collect();
                for row in &rows {
                    builder.push(&row.row, row.validity, row.recorded_at, row.version);
                }
                assert_eq!(builder.rows(), rows.len());
                let batch = builder.finish().expect("a batch");
                let term = partition(entity, &rows[0].row);
                let read = decode(builder.table(), &batch, term.as_ref()).expect("rows");
                assert_eq!(read, rows, "{entity}");
                assert_eq!(builder.rows(), 0);
            }
        }
    }

    fn row(entity: Entity, number: i64, is_history: bool) -> StoredRow {
        let values = entity.fields().iter().enumerate().map(|(place, field)| {
            if field.is_key && field.kind == FieldKind::Date {
                Value::Date(NaiveDate::default() + chrono::Days::new(number.unsigned_abs()))
            } else if field.is_key {
                Value::Text(format!("{number:03}"))
            } else if field.name == "term" && entity.is_by_term() {
                Value::from("fall-2026")
            } else {
                value(field.kind, number + i64::try_from(place).expect("small"))
            }
        });
        let at = DateTime::from_timestamp_micros(number * 1_000_001).expect("a time");
        let row = Row {
            values: values.collect(),
            modified_at: (number % 2 == 0).then_some(at),
        };
        let all = [ChangeKind::Added, ChangeKind::Changed, ChangeKind::Ended];
        StoredRow {
            key: row.key(entity),
            row,
            validity: Validity {
                from: (number % 2 == 1).then(NaiveDate::default),
                to: (number % 5 == 1).then(NaiveDate::default),
            },
            recorded_at: at,
            version: is_history.then(|| Version {
                change: all[usize::try_from(number % 3).expect("small")],
                import: number.unsigned_abs(),
            }),
        }
    }

    #[test]
    fn sections_without_a_term_lie_apart() {
        let entity = Entity::Sections;
        let row = Row {
            values: vec![Value::Null; entity.fields().len()],
            modified_at: None,
        };
        let term = partition(entity, &row).expect("a partition");
        assert_eq!(term.as_str(), NO_TERM);
        assert_eq!(partition(Entity::Users, &row), None);
    }
}
