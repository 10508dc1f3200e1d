//! Values of a column: as texts in an address, and as JSON in a cursor.

use chrono::{DateTime, NaiveDate};
use datafusion::arrow::datatypes::{DataType, TimeUnit};
use datafusion::common::ScalarValue;
use serde_json::{Value, json};

/// What a value of this type looks like in an address; `None` for types whose
/// values cannot be compared.
pub(crate) fn example(data_type: &DataType) -> Option<&'static str> {
    match data_type {
        DataType::Utf8 => Some("a text"),
        DataType::Int64 => Some("a whole number"),
        DataType::Float64 => Some("a number"),
        DataType::Boolean => Some("true or false"),
        DataType::Date32 => Some("a date such as 2026-09-14"),
        DataType::Timestamp(TimeUnit::Microsecond, _) => Some(
            "a time with its offset, such as 2026-09-14T10:00:00Z or \
             2026-09-14T12:00:00%2B02:00",
        ),
        _ => None,
    }
}

/// Whether there can be bounds: of two values one is the greater.
pub(crate) fn is_ordered(data_type: &DataType) -> bool {
    example(data_type).is_some() && *data_type != DataType::Boolean
}

/// The value for which a text stands.
pub(crate) fn parse(text: &str, data_type: &DataType) -> Option<ScalarValue> {
    match data_type {
        DataType::Utf8 => Some(ScalarValue::from(text)),
        DataType::Int64 => text.parse().ok().map(|n| ScalarValue::Int64(Some(n))),
        DataType::Float64 => {
            let number = text.parse().ok().filter(|n: &f64| n.is_finite())?;
            Some(ScalarValue::Float64(Some(number)))
        }
        DataType::Boolean => text.parse().ok().map(|b| ScalarValue::Boolean(Some(b))),
        DataType::Date32 => {
            let date = NaiveDate::parse_from_str(text, "%Y-%m-%d").ok()?;
            let days = date.signed_duration_since(NaiveDate::default()).num_days();
            i32::try_from(days)
                .ok()
                .map(|days| ScalarValue::Date32(Some(days)))
        }
        DataType::Timestamp(TimeUnit::Microsecond, zone) => {
            let time = DateTime::parse_from_rfc3339(text).ok()?;
            let micros = Some(time.timestamp_micros());
            Some(ScalarValue::TimestampMicrosecond(micros, zone.clone()))
        }
        _ => None,
    }
}

/// A value as it stands in a cursor: all of it, to the last bit.
pub(crate) fn encode(value: &ScalarValue) -> Value {
    match value {
        ScalarValue::Utf8(Some(text)) => json!(text),
        ScalarValue::Int64(Some(number)) => json!(number),
        ScalarValue::Float64(Some(number)) => json!(number.to_bits()),
        ScalarValue::Boolean(Some(truth)) => json!(truth),
        ScalarValue::Date32(Some(days)) => json!(days),
        ScalarValue::TimestampMicrosecond(Some(micros), _) => json!(micros),
        _ => Value::Null,
    }
}

/// What [`encode`] made of a value of this type.
pub(crate) fn decode(value: &Value, data_type: &DataType) -> Option<ScalarValue> {
    if value.is_null() {
        return ScalarValue::try_from(data_type).ok();
    }
    match data_type {
        DataType::Utf8 => value.as_str().map(ScalarValue::from),
        DataType::Int64 => value.as_i64().map(|n| ScalarValue::Int64(Some(n))),
        DataType::Float64 => {
            let bits = value.as_u64()?;
            Some(ScalarValue::Float64(Some(f64::from_bits(bits))))
        }
        DataType::Boolean => value.as_bool().map(|b| ScalarValue::Boolean(Some(b))),
        DataType::Date32 => {
            let days = i32::try_from(value.as_i64()?).ok()?;
            Some(ScalarValue::Date32(Some(days)))
        }
        DataType::Timestamp(TimeUnit::Microsecond, zone) => {
            let micros = value.as_i64();
            micros.map(|micros| ScalarValue::TimestampMicrosecond(Some(micros), zone.clone()))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    fn utc() -> DataType {
        DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into()))
    }

    fn micros(micros: i64) -> ScalarValue {
        ScalarValue::TimestampMicrosecond(Some(micros), Some("UTC".into()))
    }

    #[rstest]
    #[case("a b", DataType::Utf8, ScalarValue::from("a b"))]
    #[case("-7", DataType::Int64, ScalarValue::Int64(Some(-7)))]
    #[case("1e3", DataType::Float64, ScalarValue::Float64(Some(1000.0)))]
    #[case("false", DataType::Boolean, ScalarValue::Boolean(Some(false)))]
    #[case("1970-01-03", DataType::Date32, ScalarValue::Date32(Some(2)))]
    #[case("1969-12-31", DataType::Date32, ScalarValue::Date32(Some(-1)))]
    #[case("1970-01-01T01:00:01.5+01:00", utc(), micros(1_500_000))]
    fn texts_are_read_as_the_type_of_their_column(
        #[case] text: &str,
        #[case] data_type: DataType,
        #[case] expected: ScalarValue,
    ) {
        assert_eq!(parse(text, &data_type), Some(expected));
    }

    #[rstest]
    #[case("1.5", DataType::Int64)]
    #[case("9223372036854775808", DataType::Int64)]
    #[case("NaN", DataType::Float64)]
    #[case("inf", DataType::Float64)]
    #[case("1,5", DataType::Float64)]
    #[case("yes", DataType::Boolean)]
    #[case("2026-02-30", DataType::Date32)]
    #[case("2026-09-14T10:00:00Z", DataType::Date32)]
    #[case("2026-09-14", utc())]
    #[case("2026-09-14T10:00:00", utc())]
    #[case("2026-09-14T10:00:00 02:00", utc())]
    fn other_texts_are_not(#[case] text: &str, #[case] data_type: DataType) {
        assert_eq!(parse(text, &data_type), None);
    }

    #[rstest]
    #[case(ScalarValue::from("ä\""))]
    #[case(ScalarValue::from(""))]
    #[case(ScalarValue::Utf8(None))]
    #[case(ScalarValue::Int64(Some(i64::MIN)))]
    #[case(ScalarValue::Float64(Some(0.1 + 0.2)))]
    #[case(ScalarValue::Float64(Some(-0.0)))]
    #[case(ScalarValue::Float64(None))]
    #[case(ScalarValue::Boolean(Some(true)))]
    #[case(ScalarValue::Date32(Some(-1)))]
    #[case(micros(i64::MAX))]
    #[case(ScalarValue::TimestampMicrosecond(None, Some("UTC".into())))]
    fn cursors_keep_values_as_they_are(#[case] value: ScalarValue) {
        let text = encode(&value).to_string();
        let read: Value = serde_json::from_str(&text).expect("JSON");
        assert_eq!(decode(&read, &value.data_type()), Some(value));
    }
}
