//! Functions that take long for long values: called on a few rows at a time, so that a
//! query that does not go on ends between them.

use std::any::Any;
use std::sync::Arc;

use datafusion::arrow::array::{Array, ArrayRef};
use datafusion::arrow::compute::concat;
use datafusion::arrow::datatypes::FieldRef;
use datafusion::common::exec_err;
use datafusion::error::Result;
use datafusion::logical_expr::{
    ColumnarValue, ReturnFieldArgs, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl,
};

use super::bounded::slice;
use super::like_inner::like_inner;
use super::measure::{Each, bytes_each};
use crate::interrupt::Interrupt;

/// The most steps of one row: about half a second.
const MOST_STEPS: f64 = (1_u64 << 28) as f64;

/// How many steps are taken before the signal is asked again.
const PART_STEPS: f64 = (1_u64 << 26) as f64;

/// What a pattern takes for a byte of text, in steps.
const PATTERN_STEPS: f64 = 256.0;

/// How long a call takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Steps {
    /// Each byte of the first argument is compared with each of the second.
    Product,
    /// Each byte of the first argument is looked at, by a pattern that may be large.
    Pattern,
}

impl Steps {
    fn of(name: &str) -> Option<Self> {
        match name {
            "array_has_all" | "array_has_any" | "levenshtein" => Some(Self::Product),
            "regexp_count" | "regexp_instr" | "regexp_like" | "regexp_match" | "regexp_replace" => {
                Some(Self::Pattern)
            }
            _ => None,
        }
    }
}

/// A function that asks the query's signal while it works.
#[derive(Debug, PartialEq, Eq, Hash)]
pub(super) struct Paced {
    inner: Arc<ScalarUDF>,
    steps: Steps,
}

impl Paced {
    /// The function at this pace, if it needs one.
    pub(super) fn around(function: Arc<ScalarUDF>) -> Arc<ScalarUDF> {
        let inner: &dyn Any = function.inner().as_ref();
        if inner.is::<Self>() {
            return function;
        }
        match Steps::of(function.name()) {
            None => function,
            Some(steps) => Arc::new(ScalarUDF::new_from_impl(Self {
                inner: function,
                steps,
            })),
        }
    }

    /// About how many steps each row takes.
    fn steps(&self, args: &[ColumnarValue], rows: usize) -> Result<Vec<f64>> {
        let first = Each::of(args.first(), bytes_each)?;
        let second = Each::of(args.get(1), bytes_each)?;
        let steps = (0..rows).map(|row| match self.steps {
            Steps::Product => first.at(row) * second.at(row),
            Steps::Pattern => first.at(row) * PATTERN_STEPS,
        });
        Ok(steps.collect())
    }
}

/// How many of these rows are taken at once: one at least.
fn fitting(steps: &[f64]) -> usize {
    let mut taken = 0.0;
    let rows = steps.iter().take_while(|row| {
        taken += **row;
        taken <= PART_STEPS
    });
    rows.count().max(1)
}

impl ScalarUDFImpl for Paced {
    like_inner!(inner);

    fn return_field_from_args(&self, args: ReturnFieldArgs) -> Result<FieldRef> {
        self.inner.return_field_from_args(args)
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let signal = args.config_options.extensions.get::<Interrupt>().cloned();
        let go_on = || signal.as_ref().map_or(Ok(()), Interrupt::check);
        go_on()?;
        let is_one = |arg: &ColumnarValue| matches!(arg, ColumnarValue::Scalar(_));
        let is_one_for_all = args.args.iter().all(is_one);
        let rows = if is_one_for_all { 1 } else { args.number_rows };
        let steps = self.steps(&args.args, rows)?;
        if self.steps == Steps::Product && steps.iter().any(|row| *row > MOST_STEPS) {
            return exec_err!(
                "{} would compare values that are too long; shorten them, texts with left",
                self.name()
            );
        }
        if fitting(&steps) >= rows {
            return self.inner.invoke_with_args(args);
        }
        let mut parts: Vec<ArrayRef> = Vec::new();
        let mut first = 0;
        while first < rows {
            go_on()?;
            let some = fitting(&steps[first..]);
            let part = args.args.iter().map(|arg| slice(arg, first, some));
            let part = ScalarFunctionArgs {
                args: part.collect(),
                number_rows: some,
                ..args.clone()
            };
            parts.push(self.inner.invoke_with_args(part)?.into_array(some)?);
            first += some;
        }
        let parts: Vec<&dyn Array> = parts.iter().map(AsRef::as_ref).collect();
        Ok(ColumnarValue::Array(concat(&parts)?))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[rstest]
    #[case(&[1.0, 2.0, 3.0], 3)]
    #[case(&[PART_STEPS, 1.0], 1)]
    #[case(&[PART_STEPS / 2.0, PART_STEPS / 2.0, 1.0], 2)]
    #[case(&[2.0 * PART_STEPS, 1.0], 1)]
    fn rows_are_taken_until_it_takes_long(#[case] steps: &[f64], #[case] rows: usize) {
        assert_eq!(fitting(steps), rows);
    }
}
