//! Functions whose result can be far larger than their arguments, kept within
//! bounds: what a single call allocates, no memory pool sees.

use std::any::Any;
use std::sync::Arc;

use datafusion::arrow::array::{Array, ArrayRef};
use datafusion::arrow::compute::concat;
use datafusion::arrow::datatypes::FieldRef;
use datafusion::common::{exec_err, plan_err};
use datafusion::error::Result;
use datafusion::logical_expr::{
    ColumnarValue, ReturnFieldArgs, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl,
};

use super::charge::Charge;
use super::growth::{self, Growth, LARGEST_VALUE_BYTES};
use super::like_inner::like_inner;
use super::measure::{ELEMENT_BYTES, Each, TYPE_PARTS, bytes_each, bytes_of, numbers, parts_of};
use super::paced::Paced;

/// The largest result of one call on one batch of rows, unless the arguments
/// are as large.
const LARGEST_BYTES: f64 = 16.0 * 1024.0 * 1024.0;

const LARGEST_VALUE: f64 = LARGEST_VALUE_BYTES as f64;

/// The longest that a letter of a time's format is written out.
const FORMATTED_BYTES: f64 = 32.0;

/// A function that is asked how much it is asked for before it is called.
#[derive(Debug, PartialEq, Eq, Hash)]
pub(super) struct Bounded {
    inner: Arc<ScalarUDF>,
    growth: Growth,
}

impl Bounded {
    /// The function within bounds, if it needs them, and at a pace at which it ends when
    /// it is told to.
    pub(super) fn around(function: Arc<ScalarUDF>) -> Arc<ScalarUDF> {
        let inner: &dyn Any = function.inner().as_ref();
        if inner.is::<Self>() {
            return function;
        }
        let function = Paced::around(function);
        match growth::of(function.name()) {
            None | Some(Growth::Fixed | Growth::Within) => function,
            Some(growth) => Arc::new(ScalarUDF::new_from_impl(Self {
                inner: function,
                growth,
            })),
        }
    }

    /// About how many bytes the result takes, row by row.
    fn asked(&self, args: &[ColumnarValue], rows: usize) -> Result<Vec<f64>> {
        let bytes = |at: usize| Each::of(args.get(at), bytes_each);
        let number = |at: usize| Each::of(args.get(at), numbers);
        let per_row = |row: &dyn Fn(usize) -> f64| (0..rows).map(|at| row(at).max(0.0)).collect();
        let asked = match (self.growth, args.len()) {
            (Growth::Repeated, 2..) => {
                let (what, times) = (bytes(0)?, number(1)?);
                per_row(&|row| what.at(row) * times.at(row))
            }
            (Growth::Stated, count @ 2..) => {
                let much = number(1)?;
                let each = (count > 2).then(|| bytes(2)).transpose()?;
                per_row(&|row| {
                    let each = each.as_ref().map_or(0.0, |each| each.at(row));
                    much.at(row) * each.max(ELEMENT_BYTES)
                })
            }
            (Growth::Scaled(by), 1..) => {
                let what = bytes(0)?;
                per_row(&|row| what.at(row) * f64::from(by))
            }
            (Growth::Formatted, 2..) => {
                let format = bytes(1)?;
                per_row(&|row| format.at(row) * FORMATTED_BYTES)
            }
            (Growth::Zipped, count @ 1..) => {
                let parts = (0..count).map(bytes).collect::<Result<Vec<Each>>>()?;
                per_row(&|row| {
                    let longest = parts.iter().map(|part| part.at(row)).fold(0.0, f64::max);
                    longest * count as f64
                })
            }
            (Growth::Series, 1) => {
                let to = number(0)?;
                per_row(&|row| to.at(row) * ELEMENT_BYTES)
            }
            (Growth::Series, count @ 2..) => {
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
            (Growth::Joined | Growth::Separated, count @ 1..) => {
                let parts = (0..count).map(bytes).collect::<Result<Vec<Each>>>()?;
                let between = match self.growth {
                    Growth::Separated => count.saturating_sub(2) as f64,
                    _ => 1.0,
                };
                per_row(&|row| {
                    let joined: f64 = parts[1..].iter().map(|part| part.at(row)).sum();
                    joined + between * parts[0].at(row)
                })
            }
            (Growth::Replaced, 3..) => {
                let (text, from, to) = (bytes(0)?, bytes(1)?, bytes(2)?);
                per_row(&|row| text.at(row).max(1.0) * (1.0 + to.at(row) / from.at(row).max(1.0)))
            }
            (Growth::Matched, 3..) => {
                let (text, to) = (bytes(0)?, bytes(2)?);
                per_row(&|row| (text.at(row) + 1.0) * (1.0 + to.at(row)))
            }
            (Growth::Listed, count @ 2..) => {
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
    fn invoke_in_parts(
        &self,
        args: &ScalarFunctionArgs,
        asked: &[f64],
        largest: f64,
    ) -> Result<ArrayRef> {
        let mut parts: Vec<ArrayRef> = Vec::new();
        let mut made = 0.0;
        let mut first = 0;
        while first < asked.len() {
            let mut bytes = 0.0;
            let rows = asked[first..].iter().take_while(|row| {
                bytes += **row;
                bytes <= largest
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
            made += bytes_of(&part)?;
            if made > largest {
                return self.too_much();
            }
            parts.push(part);
            first += rows;
        }
        let parts: Vec<&dyn Array> = parts.iter().map(AsRef::as_ref).collect();
        Ok(concat(&parts)?)
    }

    /// Whether each value of the result is small, or no larger than one that an
    /// argument holds.
    fn check_values(&self, result: &ArrayRef, args: &[ColumnarValue]) -> Result<()> {
        if bytes_of(result)? <= LARGEST_VALUE {
            return Ok(());
        }
        let mut largest = LARGEST_VALUE;
        for arg in args {
            if let ColumnarValue::Array(array) = arg {
                largest = largest.max(Each(bytes_each(array)?).largest());
            }
        }
        if Each(bytes_each(result)?).largest() > largest {
            return self.too_much();
        }
        Ok(())
    }

    fn too_much<T>(&self) -> Result<T> {
        exec_err!(
            "{} would make a value of more than 32 KiB, or more than 16 MiB of one batch of \
             rows; ask for less, or use it in FROM",
            self.name()
        )
    }
}

pub(super) fn slice(arg: &ColumnarValue, first: usize, rows: usize) -> ColumnarValue {
    match arg {
        ColumnarValue::Array(array) => ColumnarValue::Array(array.slice(first, rows)),
        ColumnarValue::Scalar(_) => arg.clone(),
    }
}

impl ScalarUDFImpl for Bounded {
    like_inner!(inner);

    fn return_field_from_args(&self, args: ReturnFieldArgs) -> Result<FieldRef> {
        let field = self.inner.return_field_from_args(args)?;
        if parts_of(field.data_type(), 0) > TYPE_PARTS {
            return plan_err!(
                "{} would make a type of more than {TYPE_PARTS} parts",
                self.name()
            );
        }
        Ok(field)
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let one_for_all = |arg: &ColumnarValue| matches!(arg, ColumnarValue::Scalar(_));
        if args.args.iter().all(one_for_all) {
            let asked: f64 = self.asked(&args.args, 1)?.iter().sum();
            // More than this is not even made to be measured.
            if asked > LARGEST_BYTES {
                return self.too_much();
            }
            let result = self.inner.invoke_with_args(args)?;
            if let ColumnarValue::Scalar(scalar) = &result
                && scalar.size() as f64 > 2.0 * LARGEST_VALUE
            {
                return self.too_much();
            }
            return Ok(result);
        }
        let rows = args.number_rows;
        let asked = self.asked(&args.args, rows)?;
        let mut given = 0.0_f64;
        for arg in &args.args {
            if let ColumnarValue::Array(array) = arg {
                given = given.max(bytes_of(array)?);
            }
        }
        let largest = LARGEST_BYTES + 2.0 * given;
        let result = if asked.iter().sum::<f64>() > largest {
            self.invoke_in_parts(&args, &asked, largest)?
        } else {
            self.inner
                .invoke_with_args(args.clone())?
                .into_array(rows)?
        };
        self.check_values(&result, &args.args)?;
        let charge = args.config_options.extensions.get::<Charge>();
        Ok(ColumnarValue::Array(match charge {
            Some(charge) => charge.on(&result)?,
            None => result,
        }))
    }
}
