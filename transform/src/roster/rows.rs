//! From the rows of an import to those of the tables, and back.

use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, AsArray, BooleanArray, BooleanBuilder, Date32Array, Date32Builder,
    Float64Array, Float64Builder, Int64Array, Int64Builder, ListArray, ListBuilder, RecordBatch,
    StringArray, StringBuilder, TimestampMicrosecondArray, TimestampMicrosecondBuilder,
};
use arrow::datatypes::{
    DataType, Date32Type, Field as Column, Float64Type, Int64Type, TimestampMicrosecondType,
};
use arrow::error::ArrowError;
use chrono::{DateTime, NaiveDate, Utc};
use roster::{ChangeKind, Entity, FieldKind, Row, Value};
use schemas::roster::NO_TERM;
use schemas::{Table, Term};

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

/// The rows of a batch, which has the columns of the table's files; `term` is their
/// partition.
pub(super) fn decode(
    table: Table,
    batch: &RecordBatch,
    term: Option<&Term>,
) -> Result<Vec<StoredRow>, ArrowError> {
    let (entity, is_history) = match table {
        Table::Roster(entity) => (entity, false),
        Table::RosterHistory(entity) => (entity, true),
        _ => return Err(ArrowError::SchemaError(format!("{table} is no roster"))),
    };
    let fields: Vec<Values<'_>> = entity
        .fields()
        .iter()
        .map(|field| match entity.is_by_term() && field.name == "term" {
            true => Ok(Values::Term(term.filter(|term| term.as_str() != NO_TERM))),
            false => Values::of(field.kind, column(batch, field.name)?),
        })
        .collect::<Result<_, ArrowError>>()?;
    let from: &Date32Array = column(batch, "valid_from")?.as_primitive();
    let to: &Date32Array = column(batch, "valid_to")?.as_primitive();
    let modified: &TimestampMicrosecondArray = column(batch, "modified_at")?.as_primitive();
    let recorded: &TimestampMicrosecondArray = column(batch, "recorded_at")?.as_primitive();
    let versions: Option<(&StringArray, &Int64Array)> = match is_history {
        true => Some((
            column(batch, "change")?.as_string(),
            column(batch, "import")?.as_primitive(),
        )),
        false => None,
    };
    let rows = (0..batch.num_rows()).map(|index| {
        let row = Row {
            values: fields.iter().map(|values| values.get(index)).collect(),
            modified_at: time(modified, index),
        };
        let version = match versions {
            Some((changes, imports)) => Some(Version {
                change: change(changes.value(index))?,
                import: imports.value(index).unsigned_abs(),
            }),
            None => None,
        };
        Ok(StoredRow {
            key: row.key(entity),
            row,
            validity: Validity {
                from: day(from, index),
                to: day(to, index),
            },
            recorded_at: time(recorded, index).unwrap_or_default(),
            version,
        })
    });
    rows.collect()
}

fn column<'a>(batch: &'a RecordBatch, name: &str) -> Result<&'a ArrayRef, ArrowError> {
    batch
        .column_by_name(name)
        .ok_or_else(|| ArrowError::SchemaError(format!("a file has no column {name}")))
}

fn day(days: &Date32Array, index: usize) -> Option<NaiveDate> {
    let is_there = days.is_valid(index);
    is_there.then(|| Date32Type::to_naive_date_opt(days.value(index)))?
}

fn time(times: &TimestampMicrosecondArray, index: usize) -> Option<DateTime<Utc>> {
    let is_there = times.is_valid(index);
    is_there.then(|| DateTime::from_timestamp_micros(times.value(index)))?
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

/// The values of a field.
enum Values<'a> {
    Text(&'a StringArray),
    Texts(&'a ListArray),
    Date(&'a Date32Array),
    Boolean(&'a BooleanArray),
    Number(&'a Float64Array),
    Integer(&'a Int64Array),
    Time(&'a TimestampMicrosecondArray),
    Term(Option<&'a Term>),
}

impl<'a> Values<'a> {
    fn of(kind: FieldKind, array: &'a ArrayRef) -> Result<Self, ArrowError> {
        let values = match kind {
            FieldKind::Text => array.as_string_opt().map(Self::Text),
            FieldKind::Texts => array.as_list_opt().map(Self::Texts),
            FieldKind::Date => array.as_primitive_opt::<Date32Type>().map(Self::Date),
            FieldKind::Boolean => array.as_boolean_opt().map(Self::Boolean),
            FieldKind::Number => array.as_primitive_opt::<Float64Type>().map(Self::Number),
            FieldKind::Integer => array.as_primitive_opt::<Int64Type>().map(Self::Integer),
            FieldKind::Time => array
                .as_primitive_opt::<TimestampMicrosecondType>()
                .map(Self::Time),
        };
        values.ok_or_else(|| ArrowError::SchemaError("a column has another type".to_owned()))
    }

    fn get(&self, index: usize) -> Value {
        let is_null = match self {
            Self::Text(array) => array.is_null(index),
            Self::Texts(array) => array.is_null(index),
            Self::Date(array) => array.is_null(index),
            Self::Boolean(array) => array.is_null(index),
            Self::Number(array) => array.is_null(index),
            Self::Integer(array) => array.is_null(index),
            Self::Time(array) => array.is_null(index),
            Self::Term(term) => term.is_none(),
        };
        if is_null {
            return Value::Null;
        }
        match self {
            Self::Text(array) => Value::from(array.value(index)),
            Self::Texts(array) => {
                let texts = array.value(index);
                let texts = texts.as_string::<i32>().iter().flatten();
                Value::Texts(texts.map(str::to_owned).collect())
            }
            Self::Date(array) => day(array, index).map_or(Value::Null, Value::Date),
            Self::Boolean(array) => Value::Boolean(array.value(index)),
            Self::Number(array) => Value::Number(array.value(index)),
            Self::Integer(array) => Value::Integer(array.value(index)),
            Self::Time(array) => time(array, index).map_or(Value::Null, Value::Time),
            Self::Term(term) => term.map_or(Value::Null, |term| Value::from(term.as_str())),
        }
    }
}

/// Gathers rows of one partition, with the columns of the table's files.
pub(super) struct RowsBuilder {
    table: Table,
    /// Where in a row the values of each column stand.
    fields: Vec<(usize, FieldBuilder)>,
    valid_from: Date32Builder,
    valid_to: Date32Builder,
    modified_at: TimestampMicrosecondBuilder,
    recorded_at: TimestampMicrosecondBuilder,
    change: StringBuilder,
    import: Int64Builder,
    rows: usize,
}

enum FieldBuilder {
    Text(StringBuilder),
    Texts(ListBuilder<StringBuilder>),
    Date(Date32Builder),
    Boolean(BooleanBuilder),
    Number(Float64Builder),
    Integer(Int64Builder),
    Time(TimestampMicrosecondBuilder),
}

impl RowsBuilder {
    /// Of a roster's table of current rows, or of its history.
    pub fn new(entity: Entity, is_history: bool) -> Self {
        let fields = entity.fields().iter().enumerate();
        let in_file = fields.filter(|(_, f)| !(entity.is_by_term() && f.name == "term"));
        Self {
            table: match is_history {
                true => Table::RosterHistory(entity),
                false => Table::Roster(entity),
            },
            fields: in_file
                .map(|(place, field)| (place, FieldBuilder::new(field.kind)))
                .collect(),
            valid_from: Date32Builder::new(),
            valid_to: Date32Builder::new(),
            modified_at: TimestampMicrosecondBuilder::new().with_timezone("UTC"),
            recorded_at: TimestampMicrosecondBuilder::new().with_timezone("UTC"),
            change: StringBuilder::new(),
            import: Int64Builder::new(),
            rows: 0,
        }
    }

    /// How many rows it holds.
    pub fn rows(&self) -> usize {
        self.rows
    }

    /// Adds a row; a history's rows have a version.
    pub fn push(
        &mut self,
        row: &Row,
        validity: Validity,
        recorded_at: DateTime<Utc>,
        version: Option<Version>,
    ) {
        for (place, builder) in &mut self.fields {
            builder.push(&row.values[*place]);
        }
        let days = |day: Option<NaiveDate>| day.map(Date32Type::from_naive_date);
        self.valid_from.append_option(days(validity.from));
        self.valid_to.append_option(days(validity.to));
        let modified_at = row.modified_at.map(|at| at.timestamp_micros());
        self.modified_at.append_option(modified_at);
        self.recorded_at
            .append_value(recorded_at.timestamp_micros());
        if let Some(version) = version {
            self.change.append_value(word(version.change));
            self.import.append_value(version.import.cast_signed());
        }
        self.rows += 1;
    }

    /// The rows, and none are left.
    pub fn finish(&mut self) -> Result<RecordBatch, ArrowError> {
        let fields = self.fields.iter_mut().map(|(_, builder)| builder.finish());
        let mut columns: Vec<ArrayRef> = fields.collect();
        columns.extend([
            Arc::new(self.valid_from.finish()) as ArrayRef,
            Arc::new(self.valid_to.finish()),
            Arc::new(self.modified_at.finish()),
            Arc::new(self.recorded_at.finish()),
        ]);
        if matches!(self.table, Table::RosterHistory(_)) {
            columns.push(Arc::new(self.change.finish()));
            columns.push(Arc::new(self.import.finish()));
        }
        self.rows = 0;
        RecordBatch::try_new(lake::file_columns(self.table), columns)
    }
}

impl FieldBuilder {
    fn new(kind: FieldKind) -> Self {
        match kind {
            FieldKind::Text => Self::Text(StringBuilder::new()),
            FieldKind::Texts => {
                let element = Column::new("element", DataType::Utf8, true);
                Self::Texts(ListBuilder::new(StringBuilder::new()).with_field(element))
            }
            FieldKind::Date => Self::Date(Date32Builder::new()),
            FieldKind::Boolean => Self::Boolean(BooleanBuilder::new()),
            FieldKind::Number => Self::Number(Float64Builder::new()),
            FieldKind::Integer => Self::Integer(Int64Builder::new()),
            FieldKind::Time => Self::Time(TimestampMicrosecondBuilder::new().with_timezone("UTC")),
        }
    }

    /// Adds a value; one of another type is none.
    fn push(&mut self, value: &Value) {
        match self {
            Self::Text(builder) => builder.append_option(value.as_text()),
            Self::Texts(builder) => match value {
                Value::Texts(texts) => builder.append_value(texts.iter().map(Some)),
                _ => builder.append_null(),
            },
            Self::Date(builder) => {
                builder.append_option(value.as_date().map(Date32Type::from_naive_date));
            }
            Self::Boolean(builder) => builder.append_option(match value {
                Value::Boolean(yes) => Some(*yes),
                _ => None,
            }),
            Self::Number(builder) => builder.append_option(value.as_number()),
            Self::Integer(builder) => builder.append_option(match value {
                Value::Integer(number) => Some(*number),
                _ => None,
            }),
            Self::Time(builder) => builder.append_option(match value {
                Value::Time(time) => Some(time.timestamp_micros()),
                _ => None,
            }),
        }
    }

    fn finish(&mut self) -> ArrayRef {
        match self {
            Self::Text(builder) => Arc::new(builder.finish()),
            Self::Texts(builder) => Arc::new(builder.finish()),
            Self::Date(builder) => Arc::new(builder.finish()),
            Self::Boolean(builder) => Arc::new(builder.finish()),
            Self::Number(builder) => Arc::new(builder.finish()),
            Self::Integer(builder) => Arc::new(builder.finish()),
            Self::Time(builder) => Arc::new(builder.finish()),
        }
    }
}

#[cfg(test)]
mod tests {
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
                let read = decode(builder.table, &batch, term.as_ref()).expect("rows");
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
