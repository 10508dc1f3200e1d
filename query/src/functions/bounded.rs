//! Functions whose result can be far larger than their arguments, kept within
//! bounds: what a single call allocates, no memory pool sees.

use std::sync::Arc;

use datafusion::arrow::array::{Array, ArrayRef, AsArray, Float64Array};
use datafusion::arrow::compute::cast;
use datafusion::arrow::compute::kernels::length::length;
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
const LARGEST_BYTES: f64 = 64.0 * 1024.0 * 1024.0;

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
}

impl Bounded {
    /// The function within bounds, if it needs them.
    pub(crate) fn around(function: Arc<ScalarUDF>) -> Arc<ScalarUDF> {
        let size = match function.name() {
            "repeat" | "array_repeat" => Size::Repeated,
            "lpad" | "rpad" | "array_resize" => Size::Stated,
            "generate_series" | "range" => Size::Series,
            _ => return function,
        };
        Arc::new(ScalarUDF::new_from_impl(Self {
            inner: function,
            size,
        }))
    }

    /// About how many bytes the result takes.
    fn asked(&self, args: &[ColumnarValue], rows: usize) -> Result<f64> {
        let arrays = args.iter().map(|arg| arg.to_array(rows));
        let arrays = arrays.collect::<Result<Vec<ArrayRef>>>()?;
        let bytes = match (self.size, arrays.as_slice()) {
            (Size::Repeated, [what, times, ..]) => {
                let each = bytes_each(what)?;
                sum(&numbers(times)?, |row, times| times * each.value(row))
            }
            (Size::Stated, [_, much, ..]) => sum(&numbers(much)?, |_, much| much * ELEMENT_BYTES),
            (Size::Series, [to]) => sum(&numbers(to)?, |_, to| to * ELEMENT_BYTES),
            (Size::Series, [from, to, step @ ..]) => {
                let from = numbers(from)?;
                let step = step.first().map(numbers).transpose()?;
                sum(&numbers(to)?, |row, to| {
                    let step = step.as_ref().map_or(1.0, |step| step.value(row));
                    let distance = (to - from.value(row)) / step;
                    // A step of nothing is the function's own error to make.
                    if step == 0.0 {
                        0.0
                    } else {
                        distance * ELEMENT_BYTES
                    }
                })
            }
            _ => 0.0,
        };
        Ok(bytes)
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
        if self.asked(&args.args, args.number_rows)? > LARGEST_BYTES {
            return exec_err!(
                "{} would make more than 64 MiB at once; ask for less, or use it in FROM",
                self.name()
            );
        }
        self.inner.invoke_with_args(args)
    }

    fn documentation(&self) -> Option<&Documentation> {
        self.inner.documentation()
    }
}

fn sum(values: &Float64Array, bytes: impl Fn(usize, f64) -> f64) -> f64 {
    let rows = values.iter().enumerate();
    rows.filter_map(|(row, value)| Some(bytes(row, value?).max(0.0)))
        .sum()
}

/// The bytes of each value: of texts exactly, of others about.
fn bytes_each(array: &ArrayRef) -> Result<Float64Array> {
    if array.data_type().is_string() {
        return numbers(&length(array)?);
    }
    let mean = array.get_array_memory_size() as f64 / array.len().max(1) as f64;
    Ok(Float64Array::from(vec![
        mean.max(ELEMENT_BYTES);
        array.len()
    ]))
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
