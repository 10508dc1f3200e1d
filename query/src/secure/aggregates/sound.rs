//! Expressions that cannot fail, whatever the row: what fails on some rows and not on
//! others tells of single ones, though they are never shown.
//!
//! They are judged before planning makes the types of two sides one: so only such pairs
//! pass of which it is known which side becomes what, and that it can.

use datafusion::arrow::datatypes::DataType;
use datafusion::common::DFSchema;
use datafusion::common::tree_node::TreeNodeRecursion;
use datafusion::logical_expr::expr::{
    AggregateFunction, Alias, Between, Case, InList, Like, ScalarFunction,
};
use datafusion::logical_expr::{
    BinaryExpr, Cast, Expr, ExprSchemable, LogicalPlan, Operator, TryCast,
};

use super::constants::{CLOCKS, constant, is_clock, is_short_interval};
use super::types::{
    are_alike, are_comparable, are_of_one_type, is_float, is_lossless, is_simple, is_truth,
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
    match expr {
        Expr::Column(_) | Expr::Literal(..) => true,
        Expr::Alias(Alias { expr, .. }) | Expr::IsNull(expr) | Expr::IsNotNull(expr) => sound(expr),
        Expr::Not(expr)
        | Expr::IsTrue(expr)
        | Expr::IsFalse(expr)
        | Expr::IsUnknown(expr)
        | Expr::IsNotTrue(expr)
        | Expr::IsNotFalse(expr)
        | Expr::IsNotUnknown(expr) => is_truth(expr, schema) && sound(expr),
        Expr::TryCast(TryCast { expr: inner, .. }) => {
            sound(inner) && is_simple(inner, schema) && is_simple(expr, schema)
        }
        Expr::Cast(Cast { expr: inner, .. }) => {
            constant(expr).is_some() || sound(inner) && is_lossless(inner, expr, schema)
        }
        Expr::Negative(inner) => sound(inner) && is_float(inner, schema),
        Expr::BinaryExpr(BinaryExpr { left, op, right }) => {
            let fits = match op {
                Operator::And | Operator::Or => is_truth(left, schema) && is_truth(right, schema),
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
            let all = [&**expr, low, high];
            are_alike(&all, schema) && all.into_iter().all(sound)
        }
        Expr::InList(InList { expr, list, .. }) => {
            let all: Vec<&Expr> = std::iter::once(&**expr).chain(list).collect();
            are_alike(&all, schema) && all.into_iter().all(sound)
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
            let whens = when_then_expr.iter().map(|(when, _)| &**when);
            let thens = when_then_expr.iter().map(|(_, then)| &**then);
            let results: Vec<&Expr> = thens.chain(else_expr.as_deref()).collect();
            let fits = match expr {
                Some(expr) => {
                    let compared: Vec<&Expr> = std::iter::once(&**expr).chain(whens).collect();
                    are_alike(&compared, schema) && compared.into_iter().all(sound)
                }
                None => {
                    let mut whens = whens;
                    whens.all(|when| is_truth(when, schema) && sound(when))
                }
            };
            fits && are_of_one_type(&results, schema) && results.into_iter().all(sound)
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
        let args: Vec<&Expr> = call.args.iter().collect();
        return are_of_one_type(&args, schema);
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
