//! Functions whose result can be far larger than their arguments, kept within
//! bounds: what a single call allocates, no memory pool sees.

use std::sync::Arc;

use datafusion::arrow::array::{Array, ArrayRef, AsArray, Float64Array};
use datafusion::arrow::compute::kernels::length::length;
use datafusion::arrow::compute::{cast, concat};
use datafusion::arrow::datatypes::{
    DataType, FieldRef, Float64Type, IntervalMonthDayNanoType, TimeUnit,
};
use datafusion::common::exec_err;
use datafusion::error::Result;
use datafusion::logical_expr::{
    ColumnarValue, Documentation, ReturnFieldArgs, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl,
    Signature,
};

/// The largest result of one call on one batch of rows.
const LARGEST_BYTES: f64 = 16.0 * 1024.0 * 1024.0;

/// What an element of a list takes, about.
const ELEMENT_BYTES: f64 = 16.0;

const NANOS_PER_DAY: f64 = 86_400e9;

/// A function that is asked how much it is asked for before it is called.
#[derive(Debug, PartialEq, Eq, Hash)]
pub(crate) struct Bounded {
    inner: Arc<ScalarUDF>,
    size: Size,
}

/// How the size of a result follows from the arguments.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Size {
    /// The first argument as often as the second says.
    Repeated,
    /// As much as the second argument says.
    Stated,
    /// From, to and step.
    Series,
    /// All arguments, one after the other.
    Joined,
    /// As [`Self::Joined`], with the first argument between the others.
    Separated,
    /// The first argument with the second replaced by the third.
    Replaced,
    /// The same, where the second is a pattern that may match nothing anywhere.
    Matched,
    /// The elements of the first argument, with the others between or for them.
    Listed,
}

impl Bounded {
    /// The function within bounds, if it needs them.
    pub(crate) fn around(function: Arc<ScalarUDF>) -> Arc<ScalarUDF> {
        let size = match function.name() {
            "repeat" | "array_repeat" => Size::Repeated,
            "lpad" | "rpad" | "array_resize" => Size::Stated,
            "generate_series" | "range" => Size::Series,
            "concat" | "overlay" | "array_append" | "array_concat" | "array_prepend" => {
                Size::Joined
            }
            "concat_ws" => Size::Separated,
            "replace" => Size::Replaced,
            "regexp_replace" => Size::Matched,
            "array_to_string" => Size::Listed,
            _ => return function,
        };
        Arc::new(ScalarUDF::new_from_impl(Self {
            inner: function,
            size,
        }))
    }

    /// About how many bytes the result takes, row by row.
    fn asked(&self, args: &[ColumnarValue], rows: usize) -> Result<Vec<f64>> {
        let bytes = |at: usize| Each::of(args.get(at), bytes_each);
        let number = |at: usize| Each::of(args.get(at), numbers);
        let per_row = |row: &dyn Fn(usize) -> f64| (0..rows).map(|at| row(at).max(0.0)).collect();
        let asked = match (self.size, args.len()) {
            (Size::Repeated, 2..) => {
                let (what, times) = (bytes(0)?, number(1)?);
                per_row(&|row| what.at(row) * times.at(row))
            }
            (Size::Stated, 2..) => {
                let much = number(1)?;
                per_row(&|row| much.at(row) * ELEMENT_BYTES)
            }
            (Size::Series, 1) => {
                let to = number(0)?;
                per_row(&|row| to.at(row) * ELEMENT_BYTES)
            }
            (Size::Series, count @ 2..) => {
                let (from, to) = (number(0)?, number(1)?);
                let step = (count > 2).then(|| number(2)).transpose()?;
                per_row(&|row| {
                    let step = step.as_ref().map_or(1.0, |step| step.at(row));
                    // A step of nothing is the function's own error to make.
                    if step == 0.0 {
                        0.0
                    } else {
                        (to.at(row) - from.at(row)) / step * ELEMENT_BYTES
                    }
                })
            }
            (Size::Joined | Size::Separated, count @ 1..) => {
                let parts = (0..count).map(bytes).collect::<Result<Vec<Each>>>()?;
                let between = match self.size {
                    Size::Separated => count.saturating_sub(2) as f64,
                    _ => 1.0,
                };
                per_row(&|row| {
                    let joined: f64 = parts[1..].iter().map(|part| part.at(row)).sum();
                    joined + between * parts[0].at(row)
                })
            }
            (Size::Replaced, 3..) => {
                let (text, from, to) = (bytes(0)?, bytes(1)?, bytes(2)?);
                per_row(&|row| text.at(row).max(1.0) * (1.0 + to.at(row) / from.at(row).max(1.0)))
            }
            (Size::Matched, 3..) => {
                let (text, to) = (bytes(0)?, bytes(2)?);
                per_row(&|row| (text.at(row) + 1.0) * (1.0 + to.at(row)))
            }
            (Size::Listed, count @ 2..) => {
                let (list, between) = (bytes(0)?, bytes(1)?);
                let missing = (count > 2).then(|| bytes(2)).transpose()?;
                per_row(&|row| {
                    let missing = missing.as_ref().map_or(0.0, |missing| missing.at(row));
                    list.at(row) * (1.0 + between.at(row) + missing)
                })
            }
            _ => Vec::new(),
        };
        Ok(asked)
    }

    /// Calls the function on a few rows at a time, so that what was estimated
    /// too high is measured, and never more than twice the largest is held.
    fn invoke_in_parts(&self, args: &ScalarFunctionArgs, asked: &[f64]) -> Result<ColumnarValue> {
        let mut parts: Vec<ArrayRef> = Vec::new();
        let mut made = 0.0;
        let mut first = 0;
        while first < asked.len() {
            let mut bytes = 0.0;
            let rows = asked[first..].iter().take_while(|row| {
                bytes += **row;
                bytes <= LARGEST_BYTES
            });
            let rows = rows.count();
            if rows == 0 {
                return self.too_much();
            }
            let part = ScalarFunctionArgs {
                args: args
                    .args
                    .iter()
                    .map(|arg| slice(arg, first, rows))
                    .collect(),
                number_rows: rows,
                ..args.clone()
            };
            let part = self.inner.invoke_with_args(part)?.into_array(rows)?;
            made += part.to_data().get_slice_memory_size()? as f64;
            if made > LARGEST_BYTES {
                return self.too_much();
            }
            parts.push(part);
            first += rows;
        }
        let parts: Vec<&dyn Array> = parts.iter().map(AsRef::as_ref).collect();
        Ok(ColumnarValue::Array(concat(&parts)?))
    }

    fn too_much(&self) -> Result<ColumnarValue> {
        exec_err!(
            "{} would make more than 16 MiB at once; ask for less, or use it in FROM",
            self.name()
        )
    }
}

/// A number for each row; one for all when the argument is one for all.
struct Each(Float64Array);

impl Each {
    fn of(
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
    fn at(&self, row: usize) -> f64 {
        let row = if self.0.len() == 1 { 0 } else { row };
        match row < self.0.len() && self.0.is_valid(row) {
            true => self.0.value(row),
            false => 0.0,
        }
    }
}

fn slice(arg: &ColumnarValue, first: usize, rows: usize) -> ColumnarValue {
    match arg {
        ColumnarValue::Array(array) => ColumnarValue::Array(array.slice(first, rows)),
        ColumnarValue::Scalar(_) => arg.clone(),
    }
}

impl ScalarUDFImpl for Bounded {
    fn name(&self) -> &str {
        self.inner.name()
    }

    fn aliases(&self) -> &[String] {
        self.inner.aliases()
    }

    fn signature(&self) -> &Signature {
        self.inner.signature()
    }

    fn return_type(&self, arg_types: &[DataType]) -> Result<DataType> {
        self.inner.return_type(arg_types)
    }

    fn return_field_from_args(&self, args: ReturnFieldArgs) -> Result<FieldRef> {
        self.inner.return_field_from_args(args)
    }

    fn coerce_types(&self, arg_types: &[DataType]) -> Result<Vec<DataType>> {
        self.inner.coerce_types(arg_types)
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let one_for_all = |arg: &ColumnarValue| matches!(arg, ColumnarValue::Scalar(_));
        let rows = match args.args.iter().all(one_for_all) {
            true => 1,
            false => args.number_rows,
        };
        let asked = self.asked(&args.args, rows)?;
        if asked.iter().sum::<f64>() > LARGEST_BYTES {
            if rows < 2 {
                return self.too_much();
            }
            return self.invoke_in_parts(&args, &asked);
        }
        self.inner.invoke_with_args(args)
    }

    fn documentation(&self) -> Option<&Documentation> {
        self.inner.documentation()
    }
}

/// The bytes of each value: of texts exactly, of others about.
fn bytes_each(array: &ArrayRef) -> Result<Float64Array> {
    if array.data_type().is_string() {
        return numbers(&length(array)?);
    }
    // A list of nothing but missing values takes no bytes, but has a length.
    let elements = match array.data_type() {
        DataType::List(_) | DataType::LargeList(_) => Some(numbers(&length(array)?)?),
        _ => None,
    };
    let bytes = array.to_data().get_slice_memory_size()? as f64;
    let mean = (bytes / array.len().max(1) as f64).max(ELEMENT_BYTES);
    Ok(match elements {
        Some(elements) => elements.unary(|elements| mean + elements),
        None => Float64Array::from(vec![mean; array.len()]),
    })
}

/// Numbers as they are; times and intervals in nanoseconds.
fn numbers(array: &ArrayRef) -> Result<Float64Array> {
    let array = match array.data_type() {
        DataType::Interval(_) => {
            let interval =
                DataType::Interval(datafusion::arrow::datatypes::IntervalUnit::MonthDayNano);
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
