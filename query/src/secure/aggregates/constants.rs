//! What is the same for every row: constants and the clock, and what they become beside
//! columns.

use datafusion::arrow::datatypes::DataType;
use datafusion::common::{DFSchema, ScalarValue};
use datafusion::logical_expr::{BinaryExpr, Cast, Expr, ExprSchemable, Operator};

use super::types::is_text;

/// What the time is now.
pub(super) const CLOCKS: [&str; 2] = ["now", "current_date"];

/// Whether it says what the time is.
pub(super) fn is_clock(expr: &Expr) -> bool {
    matches!(expr, Expr::ScalarFunction(call) if CLOCKS.contains(&call.name()))
}

/// Whether it is a stretch that no time of ours fails with, which as nanoseconds end in
/// 2262: of at most seventy years in months, in days and in nanoseconds.
pub(super) fn is_short_interval(expr: &Expr) -> bool {
    const YEARS: u32 = 70;
    let Expr::Literal(ScalarValue::IntervalMonthDayNano(Some(interval)), _) = expr else {
        return false;
    };
    let days = u64::from(YEARS) * 365;
    interval.months.unsigned_abs() <= YEARS * 12
        && u64::from(interval.days.unsigned_abs()) <= days
        && interval.nanoseconds.unsigned_abs() <= days * 86_400_000_000_000
}

/// Whether it says what the time is, or was or will be so long before or after.
fn is_near(expr: &Expr) -> bool {
    match expr {
        Expr::BinaryExpr(BinaryExpr {
            left,
            op: Operator::Plus | Operator::Minus,
            right,
        }) => is_clock(left) && is_short_interval(right),
        expr => is_clock(expr),
    }
}

/// What is the same for every row, as `DATE '2026-09-01'` is: made into its type at once,
/// where that is possible.
pub(super) fn constant(expr: &Expr) -> Option<ScalarValue> {
    match expr {
        Expr::Literal(value, _) => Some(value.clone()),
        Expr::Cast(Cast { expr: inner, .. }) => {
            let of = expr.get_type(&DFSchema::empty()).ok()?;
            let value = constant(inner)?.cast_to(&of).ok()?;
            (is_of_constants(&of) && is_of_our_times(&value)).then_some(value)
        }
        _ => None,
    }
}

/// Whether constants of a type are the same in whatever they are reckoned with: decimals
/// run over.
pub(super) fn is_of_constants(of: &DataType) -> bool {
    is_text(of)
        || of.is_integer()
        || of.is_floating()
        || matches!(
            of,
            DataType::Boolean | DataType::Date32 | DataType::Timestamp(..)
        )
}

/// Whether it is no time, or one from 1700 to 2199: those that are nanoseconds end in 2262.
fn is_of_our_times(value: &ScalarValue) -> bool {
    const DAYS: std::ops::Range<i32> = -98_615..84_006;
    if value.is_null() || !value.data_type().is_temporal() {
        return true;
    }
    let day = value.cast_to(&DataType::Date32);
    matches!(day, Ok(ScalarValue::Date32(Some(day))) if DAYS.contains(&day))
}

/// Whether it is a constant that is made into the other type at once: a text into what it
/// reads as, a date into a time; today, and days near it, into a time too. No text is made
/// of it, since then the other side is.
pub(super) fn becomes(expr: &Expr, of: &DataType) -> bool {
    let is_day = |own: DataType| own == DataType::Date32;
    if is_near(expr) && expr.get_type(&DFSchema::empty()).is_ok_and(is_day) {
        return matches!(of, DataType::Timestamp(..));
    }
    let Some(value) = constant(expr) else {
        return false;
    };
    let fits = match value.data_type() {
        DataType::Null => true,
        from if is_text(&from) => true,
        DataType::Date32 => matches!(of, DataType::Timestamp(..)),
        _ => false,
    };
    fits && value.cast_to(of).is_ok()
}
