//! From a cell to the JSON that a member takes. What cannot be made goes as it is: the
//! front door says what is wrong with it, and the import in which row.

use chrono::{
    DateTime, LocalResult, NaiveDate, NaiveDateTime, NaiveTime, TimeDelta, TimeZone, Utc,
};
use chrono_tz::Tz;
use schemas::event::Kind;
use serde_json::{Number, Value};

use super::expression::{AsType, Expression, Unit};

/// How times without an offset are written, if the mapping does not say.
const LOCAL: &[&str] = &[
    "%Y-%m-%dT%H:%M:%S%.f",
    "%Y-%m-%d %H:%M:%S%.f",
    "%Y-%m-%d %H:%M",
];

/// The value of a member that takes `kind`.
pub fn member(value: Value, kind: Kind, expression: &Expression, zone: Option<Tz>) -> Value {
    let value = match value.as_str().and_then(|text| expression.words.get(text)) {
        Some(word) => return word.clone(),
        None => value,
    };
    match (expression.as_type, kind) {
        (Some(AsType::Text), _) => text(value),
        (Some(AsType::Number), _) => number(value, expression.scale),
        (Some(AsType::Boolean), _) => boolean(value),
        (Some(AsType::Json), _) => json(value),
        (None, Kind::Time) => time(value, expression, zone),
        (None, Kind::Text(_) | Kind::Word(_) | Kind::Id | Kind::Person) => text(value),
        (None, Kind::Number(_)) => number(value, expression.scale),
        (None, Kind::Whole(..)) => whole(number(value, expression.scale)),
        (None, Kind::Boolean) => boolean(value),
        (None, Kind::Object | Kind::Segments) => json(value),
        (None, Kind::Any(_)) if expression.scale.is_some() => number(value, expression.scale),
        (None, Kind::Any(_)) => value,
    }
}

fn text(value: Value) -> Value {
    match value {
        Value::Number(_) | Value::Bool(_) => Value::String(value.to_string()),
        other => other,
    }
}

fn number(value: Value, scale: Option<f64>) -> Value {
    let read = match &value {
        Value::String(text) => text.trim().parse::<Number>().ok(),
        Value::Number(number) => Some(number.clone()),
        _ => None,
    };
    let scaled = read.and_then(|number| match scale {
        Some(scale) => Number::from_f64(number.as_f64()? * scale),
        None => Some(number),
    });
    scaled.map_or(value, Value::Number)
}

/// `12.0`, as spreadsheets write it, is 12.
fn whole(value: Value) -> Value {
    let whole = value
        .as_f64()
        .filter(|n| value.is_f64() && n.fract() == 0.0);
    match whole {
        #[expect(clippy::cast_possible_truncation, reason = "in that range it is exact")]
        Some(whole) if whole.abs() < 2_f64.powi(53) => Value::from(whole as i64),
        _ => value,
    }
}

fn boolean(value: Value) -> Value {
    let word = match &value {
        Value::String(text) => text.trim().to_ascii_lowercase(),
        Value::Number(number) => number.to_string(),
        _ => return value,
    };
    match word.as_str() {
        "true" | "t" | "yes" | "y" | "1" => Value::Bool(true),
        "false" | "f" | "no" | "n" | "0" => Value::Bool(false),
        _ => value,
    }
}

fn json(value: Value) -> Value {
    let read = value
        .as_str()
        .and_then(|text| serde_json::from_str(text).ok());
    read.unwrap_or(value)
}

fn time(value: Value, expression: &Expression, zone: Option<Tz>) -> Value {
    let read = match expression.unit {
        Some(unit) => counted(&value, unit),
        None => value
            .as_str()
            .and_then(|text| written(text, expression, zone)),
    };
    match read {
        Some(time) => Value::String(time.to_rfc3339_opts(chrono::SecondsFormat::Micros, true)),
        None => text(value),
    }
}

fn counted(value: &Value, unit: Unit) -> Option<DateTime<Utc>> {
    let counted = number(value.clone(), None).as_f64()?;
    let micros = counted
        * match unit {
            Unit::Seconds => 1e6,
            Unit::Milliseconds => 1e3,
            Unit::Microseconds => 1.0,
        };
    // Years 1 to 9999 and some more: beyond it the conversion says none.
    #[expect(clippy::cast_possible_truncation, reason = "checked to be in range")]
    (micros.abs() < 1e18).then(|| DateTime::from_timestamp_micros(micros.round() as i64))?
}

fn written(text: &str, expression: &Expression, zone: Option<Tz>) -> Option<DateTime<Utc>> {
    let text = text.trim();
    if let Some(format) = &expression.format {
        if let Ok(time) = DateTime::parse_from_str(text, format) {
            return Some(time.to_utc());
        }
        return local(in_format(text, format)?, zone);
    }
    if let Ok(time) = DateTime::parse_from_rfc3339(text) {
        return Some(time.to_utc());
    }
    let known = LOCAL.iter().find_map(|format| in_format(text, format));
    local(known.or_else(|| in_format(text, "%Y-%m-%d"))?, zone)
}

/// A time of day, or the first moment of a day.
fn in_format(text: &str, format: &str) -> Option<NaiveDateTime> {
    let day = || NaiveDate::parse_from_str(text, format).ok();
    let time = NaiveDateTime::parse_from_str(text, format).ok();
    time.or_else(|| Some(day()?.and_time(NaiveTime::MIN)))
}

/// A time of that place. Of an hour that the clocks have twice it is the first, and in
/// one that they leave out it is as much later.
fn local(time: NaiveDateTime, zone: Option<Tz>) -> Option<DateTime<Utc>> {
    let zone = zone?;
    match zone.from_local_datetime(&time) {
        LocalResult::Single(time) | LocalResult::Ambiguous(time, _) => Some(time.to_utc()),
        LocalResult::None => {
            let hour = TimeDelta::hours(1);
            let before = zone.from_local_datetime(&(time - hour)).earliest()?;
            Some(before.to_utc() + hour)
        }
    }
}
