//! `$1`, `$2`, …: JSON values become typed scalars, never text in the SQL.

use datafusion::arrow::datatypes::DataType;
use datafusion::common::metadata::ScalarAndMetadata;
use datafusion::common::{ParamValues, ScalarValue};
use datafusion::logical_expr::LogicalPlan;
use serde_json::Value;

use crate::error::Error;
use crate::{failure, types};

/// Puts the values in the places of a plan's parameters.
pub(crate) fn bind(plan: LogicalPlan, values: &[Value]) -> Result<LogicalPlan, Error> {
    let expected = plan.get_parameter_types().map_err(failure::explain)?;
    let mut wanted = vec![None; values.len()];
    let mut count = 0;
    for (name, data_type) in expected {
        let number: usize = name
            .strip_prefix('$')
            .and_then(|number| number.parse().ok())
            .filter(|number| *number > 0)
            .ok_or_else(|| Error::Invalid {
                code: "unknown_parameter",
                detail: format!("Name parameters $1, $2 and so on, not {name}."),
            })?;
        count = count.max(number);
        if let Some(wanted) = wanted.get_mut(number - 1) {
            *wanted = data_type;
        }
    }
    if count != values.len() {
        return Err(Error::Parameter {
            index: count.min(values.len()),
            detail: format!(
                "The statement has {count} parameters, but \"params\" holds {} values.",
                values.len()
            ),
        });
    }
    if count == 0 {
        return Ok(plan);
    }
    let mut scalars = Vec::with_capacity(count);
    for (index, (value, wanted)) in values.iter().zip(&wanted).enumerate() {
        let scalar =
            scalar(value, wanted.as_ref()).map_err(|detail| Error::Parameter { index, detail })?;
        scalars.push(ScalarAndMetadata::new(scalar, None));
    }
    plan.with_param_values(ParamValues::List(scalars))
        .map_err(failure::explain)
}

/// The value as the type that its place wants, or as its own when the place
/// takes any. The error is a sentence.
fn scalar(value: &Value, wanted: Option<&DataType>) -> Result<ScalarValue, String> {
    let own = natural(value)?;
    let Some(wanted) = wanted else {
        return Ok(own);
    };
    let fits = match value {
        Value::Null => true,
        Value::Bool(_) => *wanted == DataType::Boolean,
        Value::Number(_) => wanted.is_numeric(),
        Value::String(_) => {
            wanted.is_string() || wanted.is_temporal() || is_exact(wanted) || is_dictionary(wanted)
        }
        Value::Array(_) => wanted.is_list(),
        Value::Object(_) => false,
    };
    let refuse = || {
        format!(
            "The statement wants a value of type {} here.",
            types::name(wanted)
        )
    };
    if !fits {
        return Err(refuse());
    }
    let cast = own.cast_to(wanted).map_err(|_| refuse())?;
    // A cast that cannot be done may also end in no value at all.
    if cast.is_null() && !value.is_null() {
        return Err(refuse());
    }
    if let Value::Number(number) = value
        && wanted.is_integer()
        && number.is_f64()
    {
        return Err(refuse());
    }
    Ok(cast)
}

fn is_exact(data_type: &DataType) -> bool {
    data_type.is_decimal()
}

fn is_dictionary(data_type: &DataType) -> bool {
    matches!(data_type, DataType::Dictionary(_, value) if value.is_string())
}

/// The scalar that a JSON value is by itself.
fn natural(value: &Value) -> Result<ScalarValue, String> {
    match value {
        Value::Null => Ok(ScalarValue::Null),
        Value::Bool(value) => Ok(ScalarValue::Boolean(Some(*value))),
        Value::String(value) => Ok(ScalarValue::Utf8(Some(value.clone()))),
        Value::Number(number) => {
            if let Some(value) = number.as_i64() {
                Ok(ScalarValue::Int64(Some(value)))
            } else if let Some(value) = number.as_u64() {
                Ok(ScalarValue::UInt64(Some(value)))
            } else {
                Ok(ScalarValue::Float64(number.as_f64()))
            }
        }
        Value::Array(values) => list(values),
        Value::Object(_) => Err("A parameter is a text, a number, true, false, null or a \
             list of those, not an object."
            .to_owned()),
    }
}

fn list(values: &[Value]) -> Result<ScalarValue, String> {
    let mut scalars = values.iter().map(natural).collect::<Result<Vec<_>, _>>()?;
    let mut types: Vec<DataType> = scalars
        .iter()
        .map(ScalarValue::data_type)
        .filter(|data_type| !data_type.is_null())
        .collect();
    types.dedup();
    let element = match types.as_slice() {
        [] => DataType::Utf8,
        [one] => one.clone(),
        many if many.iter().all(DataType::is_numeric) => DataType::Float64,
        _ => return Err("The values of a list must be of one type.".to_owned()),
    };
    if element.is_list() {
        return Err("A list holds texts, numbers, true, false or null, not lists.".to_owned());
    }
    for scalar in &mut scalars {
        *scalar = scalar
            .cast_to(&element)
            .map_err(|_| "The values of a list must be of one type.".to_owned())?;
    }
    let list = ScalarValue::new_list_from_iter(scalars.into_iter(), &element, true);
    Ok(ScalarValue::List(list))
}

#[cfg(test)]
mod tests {
    use super::*;
    use datafusion::arrow::datatypes::TimeUnit;
    use rstest::rstest;
    use serde_json::json;

    fn utc() -> DataType {
        DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into()))
    }

    #[rstest]
    #[case(json!("a"), DataType::Utf8, ScalarValue::from("a"))]
    #[case(json!(5), DataType::Int32, ScalarValue::Int32(Some(5)))]
    #[case(json!(5), DataType::Float64, ScalarValue::Float64(Some(5.0)))]
    #[case(json!(9007199254740993_i64), DataType::Int64, ScalarValue::Int64(Some(9007199254740993)))]
    #[case(json!("1.10"), DataType::Decimal128(5, 2), ScalarValue::Decimal128(Some(110), 5, 2))]
    #[case(json!(null), DataType::Int32, ScalarValue::Int32(None))]
    #[case(json!("1970-01-02"), utc(), ScalarValue::TimestampMicrosecond(Some(86_400_000_000), Some("UTC".into())))]
    #[case(json!("1970-01-01T01:00:00+01:00"), utc(), ScalarValue::TimestampMicrosecond(Some(0), Some("UTC".into())))]
    fn values_take_the_type_of_their_place(
        #[case] value: Value,
        #[case] wanted: DataType,
        #[case] expected: ScalarValue,
    ) {
        assert_eq!(scalar(&value, Some(&wanted)), Ok(expected));
    }

    #[rstest]
    #[case(json!("5"), DataType::Int32)]
    #[case(json!(5), DataType::Utf8)]
    #[case(json!(1.5), DataType::Int64)]
    #[case(json!(3_000_000_000_u64), DataType::Int32)]
    #[case(json!(true), DataType::Int32)]
    #[case(json!("yesterday"), utc())]
    #[case(json!(5), utc())]
    #[case(json!([1]), DataType::Int32)]
    fn values_that_do_not_fit_are_refused(#[case] value: Value, #[case] wanted: DataType) {
        let refusal = scalar(&value, Some(&wanted)).expect_err("it does not fit");
        assert!(refusal.contains(&types::name(&wanted)), "{refusal}");
    }

    #[test]
    fn lists_are_of_one_type() {
        assert!(scalar(&json!([1, 2.5, null]), None).is_ok());
        assert!(scalar(&json!(["a", 1]), None).is_err());
        assert!(scalar(&json!([[1]]), None).is_err());
        assert!(scalar(&json!({}), None).is_err());
    }
}
