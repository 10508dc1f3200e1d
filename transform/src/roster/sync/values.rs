//! From a row of the database to one of ours.

use chrono::{DateTime, NaiveDate, Utc};
use roster::{FieldKind, Row, Value};
use sqlx::Row as _;
use sqlx::postgres::PgRow;

use super::tables::TableQuery;

/// The row, and whether it is deleted.
pub(super) fn read(query: &TableQuery, from: &PgRow) -> sqlx::Result<(Row, bool)> {
    let mut row = Row::empty(query.entity);
    for (index, field) in query.fields.iter().enumerate() {
        let kind = query.entity.fields()[*field].kind;
        row.values[*field] = value(kind, from, index)?.unwrap_or_default();
    }
    let behind = query.fields.len();
    row.modified_at = time(from, behind + 1)?;
    Ok((row, from.try_get(behind)?))
}

fn value(kind: FieldKind, row: &PgRow, index: usize) -> sqlx::Result<Option<Value>> {
    Ok(match kind {
        FieldKind::Text => row.try_get::<Option<_>, _>(index)?.map(Value::Text),
        FieldKind::Texts => {
            let texts: Option<Vec<Option<String>>> = row.try_get(index)?;
            texts.map(|texts| Value::Texts(texts.into_iter().flatten().collect()))
        }
        FieldKind::Date => {
            let days: Option<i32> = row.try_get(index)?;
            days.and_then(NaiveDate::from_epoch_days).map(Value::Date)
        }
        FieldKind::Boolean => row.try_get::<Option<_>, _>(index)?.map(Value::Boolean),
        FieldKind::Number => row.try_get::<Option<_>, _>(index)?.map(Value::Number),
        FieldKind::Integer => row.try_get::<Option<_>, _>(index)?.map(Value::Integer),
        FieldKind::Time => time(row, index)?.map(Value::Time),
    })
}

/// A time that was selected in microseconds.
fn time(row: &PgRow, index: usize) -> sqlx::Result<Option<DateTime<Utc>>> {
    let micros: Option<i64> = row.try_get(index)?;
    Ok(micros.and_then(DateTime::from_timestamp_micros))
}
