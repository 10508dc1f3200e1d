//! Rows that are read from the files of a table.

use arrow::array::{
    Array, ArrayRef, AsArray, BooleanArray, Date32Array, Float64Array, Int64Array, ListArray,
    RecordBatch, StringArray, TimestampMicrosecondArray,
};
use arrow::datatypes::{Date32Type, Float64Type, Int64Type, TimestampMicrosecondType};
use arrow::error::ArrowError;
use chrono::{DateTime, NaiveDate, Utc};
use roster::{FieldKind, Row, Value};
use schemas::roster::NO_TERM;
use schemas::{Table, Term};

use super::{StoredRow, Validity, Version, change};

/// The rows of a batch, which has the columns of the table's files; `term` is their
/// partition.
pub(crate) fn decode(
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
