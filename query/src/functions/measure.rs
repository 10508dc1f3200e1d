//! How large arrays, their values and their types are.

use datafusion::arrow::array::{Array, ArrayRef, AsArray, Float64Array};
use datafusion::arrow::compute::cast;
use datafusion::arrow::compute::kernels::length::length;
use datafusion::arrow::datatypes::{
    DataType, Float64Type, IntervalMonthDayNanoType, IntervalUnit, TimeUnit,
};
use datafusion::error::Result;
use datafusion::logical_expr::ColumnarValue;

/// What a letter or an element of a list takes, about.
pub(super) const ELEMENT_BYTES: f64 = 8.0;

/// The most parts that the type of a value may have: one that holds its own
/// kind twice doubles with each step.
pub(super) const TYPE_PARTS: usize = 1_000;

const NANOS_PER_DAY: f64 = 86_400e9;

/// A number for each row; one for all when the argument is one for all.
pub(super) struct Each(pub(super) Float64Array);

impl Each {
    pub(super) fn of(
        arg: Option<&ColumnarValue>,
        measure: impl Fn(&ArrayRef) -> Result<Float64Array>,
    ) -> Result<Self> {
        let values = match arg {
            Some(ColumnarValue::Array(array)) => measure(array)?,
            Some(ColumnarValue::Scalar(scalar)) => measure(&scalar.to_array()?)?,
            None => Float64Array::from(Vec::<f64>::new()),
        };
        Ok(Self(values))
    }

    /// Nothing where the value is missing.
    pub(super) fn at(&self, row: usize) -> f64 {
        let row = if self.0.len() == 1 { 0 } else { row };
        match row < self.0.len() && self.0.is_valid(row) {
            true => self.0.value(row),
            false => 0.0,
        }
    }

    pub(super) fn largest(&self) -> f64 {
        self.0.iter().flatten().fold(0.0, f64::max)
    }
}

/// The bytes of all values, each counted where it stands.
pub(super) fn bytes_of(array: &ArrayRef) -> Result<f64> {
    Ok(array.to_data().get_slice_memory_size()? as f64)
}

/// How many parts a type has; no more are counted than are refused.
pub(super) fn parts_of(data_type: &DataType, counted: usize) -> usize {
    let counted = counted + 1;
    if counted > TYPE_PARTS {
        return counted;
    }
    match data_type {
        DataType::List(inner)
        | DataType::LargeList(inner)
        | DataType::FixedSizeList(inner, _)
        | DataType::Map(inner, _) => parts_of(inner.data_type(), counted),
        DataType::Struct(fields) => fields.iter().fold(counted, |counted, field| {
            parts_of(field.data_type(), counted)
        }),
        _ => counted,
    }
}

/// The bytes of each value: of texts exactly, of others about.
pub(super) fn bytes_each(array: &ArrayRef) -> Result<Float64Array> {
    if array.data_type().is_string() {
        return numbers(&length(array)?);
    }
    // A list of nothing but missing values takes no bytes, but has a length.
    let elements = match array.data_type() {
        DataType::List(_) | DataType::LargeList(_) => Some(numbers(&length(array)?)?),
        _ => None,
    };
    let bytes = bytes_of(array)?;
    let mean = (bytes / array.len().max(1) as f64).max(ELEMENT_BYTES);
    Ok(match elements {
        Some(elements) => elements.unary(|elements| mean + elements),
        None => Float64Array::from(vec![mean; array.len()]),
    })
}

/// Numbers as they are; times and intervals in nanoseconds.
pub(super) fn numbers(array: &ArrayRef) -> Result<Float64Array> {
    let array = match array.data_type() {
        DataType::Interval(_) => {
            let interval = DataType::Interval(IntervalUnit::MonthDayNano);
            let intervals = cast(array, &interval)?;
            let intervals = intervals.as_primitive::<IntervalMonthDayNanoType>();
            let nanos = intervals.iter().map(|interval| {
                interval.map(|interval| {
                    let days = 30.0 * f64::from(interval.months) + f64::from(interval.days);
                    days * NANOS_PER_DAY + interval.nanoseconds as f64
                })
            });
            return Ok(nanos.collect());
        }
        DataType::Date32 | DataType::Date64 => {
            let days = cast(&cast(array, &DataType::Date32)?, &DataType::Int32)?;
            let days = numbers(&days)?;
            return Ok(days.unary(|days| days * NANOS_PER_DAY));
        }
        DataType::Timestamp(unit, _) => {
            let nanos = match unit {
                TimeUnit::Second => 1e9,
                TimeUnit::Millisecond => 1e6,
                TimeUnit::Microsecond => 1e3,
                TimeUnit::Nanosecond => 1.0,
            };
            let units = numbers(&cast(array, &DataType::Int64)?)?;
            return Ok(units.unary(|units| units * nanos));
        }
        _ => cast(array, &DataType::Float64)?,
    };
    Ok(array.as_primitive::<Float64Type>().clone())
}
