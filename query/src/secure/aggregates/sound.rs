//! Expressions that cannot fail, whatever the row: what fails on some rows and not on
//! others tells of single ones, though they are never shown.

use datafusion::arrow::datatypes::DataType;
use datafusion::common::DFSchema;
use datafusion::logical_expr::expr::{Alias, Between, Case, InList, Like, ScalarFunction};
use datafusion::logical_expr::{BinaryExpr, Cast, Expr, ExprSchemable, Operator, TryCast};

use super::refused;
use crate::error::Error;

/// Functions that have a value for every row.
const TOTAL: [&str; 14] = [
    "btrim",
    "ceil",
    "character_length",
    "coalesce",
    "floor",
    "length",
    "lower",
    "ltrim",
    "nullif",
    "octet_length",
    "round",
    "rtrim",
    "trim",
    "upper",
];

/// Those of times, whose first argument is a word.
const OF_TIMES: [&str; 2] = ["date_part", "date_trunc"];

/// The words.
const UNITS: [&str; 12] = [
    "year", "quarter", "month", "week", "day", "hour", "minute", "second", "dow", "doy", "isodow",
    "epoch",
];

/// Refuses an expression that may fail.
pub(super) fn sound(expr: &Expr, schema: &DFSchema) -> Result<(), Error> {
    match is_sound(expr, schema) {
        true => Ok(()),
        false => Err(refused(&format!(
            "Below an aggregate use nothing that can fail on a row, as {expr} can: TRY_CAST for \
             CAST, and doubles to reckon with"
        ))),
    }
}

/// Whether an expression over these columns cannot fail.
fn is_sound(expr: &Expr, schema: &DFSchema) -> bool {
    let sound = |expr: &Expr| is_sound(expr, schema);
    let boxed = |expr: &Option<Box<Expr>>| expr.as_deref().is_none_or(sound);
    match expr {
        Expr::Column(_) | Expr::Literal(..) | Expr::OuterReferenceColumn(..) => true,
        // Judged where they stand.
        Expr::ScalarSubquery(_) | Expr::Exists(_) => true,
        Expr::InSubquery(within) => sound(&within.expr),
        Expr::Alias(Alias { expr, .. })
        | Expr::TryCast(TryCast { expr, .. })
        | Expr::Not(expr)
        | Expr::IsNull(expr)
        | Expr::IsNotNull(expr)
        | Expr::IsTrue(expr)
        | Expr::IsFalse(expr)
        | Expr::IsUnknown(expr)
        | Expr::IsNotTrue(expr)
        | Expr::IsNotFalse(expr)
        | Expr::IsNotUnknown(expr) => sound(expr),
        Expr::Cast(Cast { expr: inner, .. }) => sound(inner) && is_lossless(inner, expr, schema),
        Expr::Negative(inner) => sound(inner) && is_float(inner, schema),
        Expr::BinaryExpr(BinaryExpr { left, op, right }) => {
            let fits = match op {
                Operator::And | Operator::Or => true,
                Operator::Plus | Operator::Minus | Operator::Multiply | Operator::Divide => {
                    is_float(expr, schema)
                }
                Operator::Eq
                | Operator::NotEq
                | Operator::Lt
                | Operator::LtEq
                | Operator::Gt
                | Operator::GtEq
                | Operator::IsDistinctFrom
                | Operator::IsNotDistinctFrom => are_comparable(left, right, schema),
                _ => false,
            };
            fits && sound(left) && sound(right)
        }
        Expr::Between(Between {
            expr, low, high, ..
        }) => {
            are_comparable(expr, low, schema)
                && are_comparable(expr, high, schema)
                && sound(expr)
                && sound(low)
                && sound(high)
        }
        Expr::InList(InList { expr, list, .. }) => {
            let fits = |one: &Expr| are_comparable(expr, one, schema) && sound(one);
            sound(expr) && list.iter().all(fits)
        }
        Expr::Like(Like { expr, pattern, .. }) => {
            sound(expr) && matches!(**pattern, Expr::Literal(..))
        }
        Expr::Case(Case {
            expr,
            when_then_expr,
            else_expr,
        }) => {
            let mut branches = when_then_expr.iter();
            boxed(expr)
                && boxed(else_expr)
                && branches.all(|(when, then)| sound(when) && sound(then))
        }
        Expr::ScalarFunction(call) => is_total(call) && call.args.iter().all(sound),
        _ => false,
    }
}

fn is_total(call: &ScalarFunction) -> bool {
    let unit = match call.args.first() {
        Some(Expr::Literal(value, _)) => value.try_as_str().flatten(),
        _ => None,
    };
    let name = call.name();
    TOTAL.contains(&name)
        || OF_TIMES.contains(&name)
            && unit.is_some_and(|unit| UNITS.contains(&unit.to_lowercase().as_str()))
}

fn is_float(expr: &Expr, schema: &DFSchema) -> bool {
    expr.get_type(schema).is_ok_and(|of| of.is_floating())
}

/// Whether every value of one type is one of the other.
fn is_lossless(from: &Expr, to: &Expr, schema: &DFSchema) -> bool {
    let (Ok(from), Ok(to)) = (from.get_type(schema), to.get_type(schema)) else {
        return false;
    };
    let is_text = |of: &DataType| matches!(of, DataType::Utf8 | DataType::Utf8View);
    match (&from, &to) {
        (from, to) if from == to => true,
        (DataType::Null, _) => true,
        (from, to) if is_text(to) => !from.is_nested(),
        (from, to) if to.is_floating() => from.is_numeric(),
        (DataType::Int32, DataType::Int64) => true,
        (from, DataType::Date32) => matches!(from, DataType::Timestamp(..)),
        _ => false,
    }
}

/// Whether two values are compared without one of them being made into another type, on
/// which that could fail; a constant is made so at once.
fn are_comparable(left: &Expr, right: &Expr, schema: &DFSchema) -> bool {
    let (Ok(one), Ok(other)) = (left.get_type(schema), right.get_type(schema)) else {
        return false;
    };
    let is_time = |of: &DataType| matches!(of, DataType::Timestamp(..) | DataType::Date32);
    let becomes = |expr: &Expr, of: &DataType| match expr {
        Expr::Literal(value, _) => value.cast_to(of).is_ok(),
        _ => false,
    };
    one == other
        || one.is_numeric() && other.is_numeric()
        || is_time(&one) && is_time(&other)
        || becomes(left, &other)
        || becomes(right, &one)
}
