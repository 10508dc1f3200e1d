//! Expressions that cannot fail, whatever the row: what fails on some rows and not on
//! others tells of single ones, though they are never shown.
//!
//! They are judged before planning makes the types of two sides one: so only such pairs
//! pass of which it is known which side becomes what, and that it can.

use datafusion::arrow::datatypes::DataType;
use datafusion::common::tree_node::TreeNodeRecursion;
use datafusion::common::{DFSchema, ScalarValue};
use datafusion::logical_expr::expr::{
    AggregateFunction, Alias, Between, Case, InList, Like, ScalarFunction,
};
use datafusion::logical_expr::{
    BinaryExpr, Cast, Expr, ExprSchemable, LogicalPlan, Operator, TryCast,
};

use super::{ours, refused, unnamed};
use crate::error::Error;

/// Functions of texts and numbers that have a value for every row.
const TOTAL: [&str; 11] = [
    "btrim",
    "ceil",
    "character_length",
    "floor",
    "length",
    "lower",
    "ltrim",
    "octet_length",
    "rtrim",
    "trim",
    "upper",
];

/// Those that give one of their arguments back.
const CHOOSING: [&str; 2] = ["coalesce", "nullif"];

/// Those of times, with the words that they know.
const OF_TIMES: [(&str, &[&str]); 2] = [
    (
        "date_part",
        &[
            "year", "quarter", "month", "week", "day", "hour", "minute", "second", "dow", "doy",
            "isodow", "epoch",
        ],
    ),
    (
        "date_trunc",
        &[
            "year", "quarter", "month", "week", "day", "hour", "minute", "second",
        ],
    ),
];

/// What the time is now.
const CLOCKS: [&str; 2] = ["now", "current_date"];

/// Aggregates of rows about nobody that cannot fail.
const COUNTING: [&str; 3] = ["count", "max", "min"];

/// The longest pattern: it is made into one that is compiled when rows are judged.
const PATTERN_BYTES: usize = 256;

/// Refuses an expression that may fail.
pub(super) fn sound(expr: &Expr, schema: &DFSchema) -> Result<(), Error> {
    match is_sound(expr, schema) {
        true => Ok(()),
        false => Err(refused(&format!(
            "Below an aggregate use nothing that can fail on a row, as {expr} can: TRY_CAST to \
             an integer, a double or text for CAST, doubles to reckon with, values of one type \
             to compare, and joins for subqueries"
        ))),
    }
}

/// Refuses rows about nobody that may fail: whether they are asked for at all depends on
/// whether there are people to be joined with them.
pub(super) fn sound_rows(plan: &LogicalPlan) -> Result<(), Error> {
    let mut found = Ok(());
    plan.apply_with_subqueries(|node| {
        found = sound_node(node);
        Ok(match found {
            Ok(()) => TreeNodeRecursion::Continue,
            Err(_) => TreeNodeRecursion::Stop,
        })
    })
    .map_err(ours)?;
    found
}

fn sound_node(node: &LogicalPlan) -> Result<(), Error> {
    if let LogicalPlan::Subquery(_) = node {
        return Err(refused("Use no LATERAL beside students"));
    }
    if let LogicalPlan::Join(join) = node {
        let (left, right) = (join.left.schema(), join.right.schema());
        let mut on = join.on.iter();
        if !on.all(|(one, other)| are_comparable(one, other, left, right)) {
            return Err(refused("Join by columns of one type"));
        }
    }
    let mut schema = DFSchema::empty();
    for input in node.inputs() {
        schema.merge(input.schema());
    }
    for expr in node.expressions() {
        match unnamed(&expr) {
            Expr::AggregateFunction(AggregateFunction { func, params }) => {
                let counts = COUNTING.contains(&func.name());
                let args = params.args.iter().chain(params.filter.as_deref());
                if !counts || !args.clone().all(|arg| is_sound(arg, &schema)) {
                    return Err(refused("Beside students use count, min and max alone"));
                }
            }
            expr => sound(expr, &schema)?,
        }
    }
    Ok(())
}

/// Whether an expression over these columns cannot fail.
fn is_sound(expr: &Expr, schema: &DFSchema) -> bool {
    let sound = |expr: &Expr| is_sound(expr, schema);
    let boxed = |expr: &Option<Box<Expr>>| expr.as_deref().is_none_or(sound);
    match expr {
        Expr::Column(_) | Expr::Literal(..) => true,
        Expr::Alias(Alias { expr, .. })
        | Expr::Not(expr)
        | Expr::IsNull(expr)
        | Expr::IsNotNull(expr)
        | Expr::IsTrue(expr)
        | Expr::IsFalse(expr)
        | Expr::IsUnknown(expr)
        | Expr::IsNotTrue(expr)
        | Expr::IsNotFalse(expr)
        | Expr::IsNotUnknown(expr) => sound(expr),
        Expr::TryCast(TryCast { expr: inner, .. }) => {
            sound(inner) && is_simple(inner, schema) && is_simple(expr, schema)
        }
        Expr::Cast(Cast { expr: inner, .. }) => sound(inner) && is_lossless(inner, expr, schema),
        Expr::Negative(inner) => sound(inner) && is_float(inner, schema),
        Expr::BinaryExpr(BinaryExpr { left, op, right }) => {
            let fits = match op {
                Operator::And | Operator::Or => true,
                Operator::Plus | Operator::Minus if is_clock(left) => is_short_interval(right),
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
                | Operator::IsNotDistinctFrom => are_comparable(left, right, schema, schema),
                _ => false,
            };
            fits && sound(left) && sound(right)
        }
        Expr::Between(Between {
            expr, low, high, ..
        }) => {
            are_comparable(expr, low, schema, schema)
                && are_comparable(expr, high, schema, schema)
                && sound(expr)
                && sound(low)
                && sound(high)
        }
        Expr::InList(InList { expr, list, .. }) => {
            let fits = |one: &Expr| are_comparable(expr, one, schema, schema) && sound(one);
            sound(expr) && list.iter().all(fits)
        }
        Expr::Like(Like { expr, pattern, .. }) => {
            sound(expr)
                && matches!(&**pattern, Expr::Literal(value, _)
                    if value.try_as_str().flatten().is_none_or(|text| text.len() <= PATTERN_BYTES))
        }
        Expr::Case(Case {
            expr,
            when_then_expr,
            else_expr,
        }) => {
            let mut branches = when_then_expr.iter();
            let compares = |when: &Expr| match expr {
                Some(expr) => are_comparable(expr, when, schema, schema),
                None => true,
            };
            boxed(expr)
                && boxed(else_expr)
                && branches.all(|(when, then)| sound(when) && compares(when) && sound(then))
        }
        Expr::ScalarFunction(call) => is_total(call, schema) && call.args.iter().all(sound),
        // Of subqueries is not known what planning makes of them.
        _ => false,
    }
}

fn is_total(call: &ScalarFunction, schema: &DFSchema) -> bool {
    let name = call.name();
    if CLOCKS.contains(&name) || TOTAL.contains(&name) {
        return true;
    }
    if CHOOSING.contains(&name) {
        let (first, others) = match call.args.split_first() {
            Some(split) => split,
            None => return false,
        };
        let mut others = others.iter();
        return others.all(|other| are_comparable(first, other, schema, schema));
    }
    if name == "round" {
        return matches!(&call.args[..], [_] | [_, Expr::Literal(..)]);
    }
    let Some((_, units)) = OF_TIMES.iter().find(|(function, _)| *function == name) else {
        return false;
    };
    let [Expr::Literal(unit, _), time] = &call.args[..] else {
        return false;
    };
    let unit = unit.try_as_str().flatten().map(str::to_lowercase);
    let is_time = |of: DataType| match of {
        DataType::Timestamp(..) => true,
        DataType::Date32 => name == "date_part",
        _ => false,
    };
    unit.is_some_and(|unit| units.contains(&unit.as_str()))
        && time.get_type(schema).is_ok_and(is_time)
}

/// Whether it says what the time is.
fn is_clock(expr: &Expr) -> bool {
    matches!(expr, Expr::ScalarFunction(call) if CLOCKS.contains(&call.name()))
}

/// Whether it is a stretch of at most a thousand years, which no time of ours is beyond.
fn is_short_interval(expr: &Expr) -> bool {
    let Expr::Literal(ScalarValue::IntervalMonthDayNano(Some(interval)), _) = expr else {
        return false;
    };
    interval.months.unsigned_abs() <= 12_000 && interval.days.unsigned_abs() <= 366_000
}

fn is_float(expr: &Expr, schema: &DFSchema) -> bool {
    expr.get_type(schema).is_ok_and(|of| of.is_floating())
}

fn is_text(of: &DataType) -> bool {
    matches!(of, DataType::Utf8 | DataType::Utf8View)
}

/// Whether it is a text, an integer, a double or a truth.
fn is_simple(expr: &Expr, schema: &DFSchema) -> bool {
    let simple = |of: DataType| {
        is_text(&of) || of.is_integer() || of.is_floating() || of == DataType::Boolean
    };
    expr.get_type(schema).is_ok_and(simple)
}

/// Whether every value of one type is one of the other.
fn is_lossless(from: &Expr, to: &Expr, schema: &DFSchema) -> bool {
    let (Ok(of), Ok(into)) = (from.get_type(schema), to.get_type(schema)) else {
        return false;
    };
    match (&of, &into) {
        (of, into) if of == into => true,
        (DataType::Null, _) => true,
        // Times are as they are stored: nothing here makes others.
        (of, into) if is_text(into) => !of.is_nested(),
        (of, into) if into.is_floating() => of.is_integer() || of.is_floating(),
        (DataType::Int32, DataType::Int64) => true,
        (of, DataType::Date32) => matches!(of, DataType::Timestamp(..)),
        _ => false,
    }
}

/// Whether two values, over columns of their own, are compared without one of them being
/// made into another type, on which that could fail.
pub(super) fn are_comparable(
    left: &Expr,
    right: &Expr,
    of_left: &DFSchema,
    of_right: &DFSchema,
) -> bool {
    let (Ok(one), Ok(other)) = (left.get_type(of_left), right.get_type(of_right)) else {
        return false;
    };
    let is_number = |of: &DataType| of.is_integer() || of.is_floating();
    let is_stamp = |of: &DataType| matches!(of, DataType::Timestamp(..));
    one == other
        || is_number(&one) && is_number(&other)
        || is_stamp(&one) && is_stamp(&other)
        || becomes(left, &other)
        || becomes(right, &one)
}

/// Whether it is a constant that is made into the other type at once: a text into what it
/// reads as, a date into a time. No text is made of it, since then the other side is.
fn becomes(constant: &Expr, of: &DataType) -> bool {
    let Expr::Literal(value, _) = constant else {
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
