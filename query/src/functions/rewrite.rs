//! Puts the bounds around what a plan calls. Operators and clauses that stand
//! for a function (`[a, b]`, `||`, OVERLAY) are planned with the function
//! itself, not with one of a session's: so it is done where all are functions.

use std::sync::Arc;

use datafusion::arrow::datatypes::DataType;
use datafusion::common::tree_node::{Transformed, TreeNode, TreeNodeRecursion};
use datafusion::common::{ScalarValue, not_impl_err};
use datafusion::error::Result;
use datafusion::logical_expr::expr::{AggregateFunction, ScalarFunction, WindowFunctionDefinition};
use datafusion::logical_expr::expr_rewriter::NamePreserver;
use datafusion::logical_expr::{BinaryExpr, Expr, LogicalPlan, Operator, ScalarUDF};

use super::bounded::Bounded;
use super::concatenation::{Concatenation, NAME};
use super::framed;
use super::growth::{self, COLLECTING, Growth, LARGEST_VALUE_BYTES};
use crate::interrupt::Interrupt;

/// The most centroids of an approximate percentile; its default is a tenth.
const MOST_CENTROIDS: u64 = 1_000;

/// The same plan, in which no call makes much of little, and those over windows ask the
/// signal whether to go on.
///
/// # Errors
/// "Not implemented" for what cannot be kept within bounds.
pub(crate) fn within_bounds(plan: LogicalPlan, interrupt: &Interrupt) -> Result<LogicalPlan> {
    let joined = Arc::new(ScalarUDF::new_from_impl(Concatenation::default()));
    let joined = Bounded::around(joined);
    let plan = plan.transform_down_with_subqueries(|plan| {
        let names = NamePreserver::new(&plan);
        plan.map_expressions(|expr| {
            short_constants(&expr)?;
            let name = names.save(&expr);
            let bounded = expr.transform_up(|expr| bound(expr, &joined, interrupt))?;
            Ok(bounded.update_data(|expr| name.restore(expr)))
        })
    });
    Ok(plan?.data)
}

fn bound(expr: Expr, joined: &Arc<ScalarUDF>, interrupt: &Interrupt) -> Result<Transformed<Expr>> {
    match expr {
        Expr::ScalarFunction(mut call) => {
            if call.name().starts_with("arrow_") {
                names_no_length(&call)?;
            }
            if call.name().starts_with("regexp_") {
                call.args.get(1).map_or(Ok(()), one_pattern)?;
            }
            call.func = Bounded::around(call.func);
            Ok(Transformed::yes(Expr::ScalarFunction(call)))
        }
        Expr::BinaryExpr(BinaryExpr {
            left,
            op: Operator::StringConcat,
            right,
        }) => {
            let mut args = match *left {
                // One call for a whole chain, and not one in another.
                Expr::ScalarFunction(call) if call.func.name() == NAME => call.args,
                left => vec![left],
            };
            args.push(*right);
            let call = ScalarFunction::new_udf(Arc::clone(joined), args);
            Ok(Transformed::yes(Expr::ScalarFunction(call)))
        }
        Expr::BinaryExpr(binary) => {
            if let Operator::RegexMatch
            | Operator::RegexIMatch
            | Operator::RegexNotMatch
            | Operator::RegexNotIMatch = binary.op
            {
                one_pattern(&binary.right)?;
            }
            Ok(Transformed::no(Expr::BinaryExpr(binary)))
        }
        Expr::WindowFunction(call) => {
            if let WindowFunctionDefinition::AggregateUDF(function) = &call.fun
                && COLLECTING.contains(&function.name())
            {
                return not_impl_err!(
                    "{} with OVER makes a list for every row; aggregate with GROUP BY, and join",
                    function.name()
                );
            }
            let call = Box::new(framed::asking(*call, interrupt));
            Ok(Transformed::yes(Expr::WindowFunction(call)))
        }
        Expr::AggregateFunction(call) => {
            centroids(&call)?;
            Ok(Transformed::no(Expr::AggregateFunction(call)))
        }
        Expr::HigherOrderFunction(call) => {
            for arg in &call.args {
                captures_nothing(call.func.name(), arg)?;
            }
            Ok(Transformed::no(Expr::HigherOrderFunction(call)))
        }
        Expr::Cast(cast) => {
            of_any_length(cast.field.data_type())?;
            Ok(Transformed::no(Expr::Cast(cast)))
        }
        Expr::TryCast(cast) => {
            of_any_length(cast.field.data_type())?;
            Ok(Transformed::no(Expr::TryCast(cast)))
        }
        other => Ok(Transformed::no(other)),
    }
}

/// A long constant may be compared with, looked up in, and given to a function
/// within bounds: anything else copies it for each row.
fn short_constants(expr: &Expr) -> Result<()> {
    let mut open = vec![(expr, false)];
    while let Some((expr, one_for_all)) = open.pop() {
        if let Expr::Literal(value, _) = expr
            && !one_for_all
            && value.size() > LARGEST_VALUE_BYTES
        {
            return not_impl_err!(
                "a constant of more than {} KiB in this place; compare with it in WHERE",
                LARGEST_VALUE_BYTES / 1024
            );
        }
        let one_for_all = match expr {
            Expr::BinaryExpr(_) | Expr::Like(_) | Expr::SimilarTo(_) | Expr::InList(_) => true,
            Expr::ScalarFunction(call) => growth::of(call.func.name()) != Some(Growth::Within),
            Expr::Cast(_) | Expr::TryCast(_) | Expr::Alias(_) => one_for_all,
            _ => false,
        };
        expr.apply_children(|child| {
            open.push((child, one_for_all));
            Ok(TreeNodeRecursion::Continue)
        })?;
    }
    Ok(())
}

/// Room for all centroids is taken at once, and for every group.
fn centroids(call: &AggregateFunction) -> Result<()> {
    let name = call.func.name();
    let at = match name {
        "approx_percentile_cont" => 2,
        "approx_percentile_cont_with_weight" => 3,
        _ => return Ok(()),
    };
    let few = match call.params.args.get(at) {
        None => true,
        Some(Expr::Literal(value, _)) => matches!(
            value.cast_to(&DataType::UInt64),
            Ok(ScalarValue::UInt64(Some(count))) if count <= MOST_CENTROIDS
        ),
        Some(_) => false,
    };
    if few {
        return Ok(());
    }
    not_impl_err!("{name} takes a number of at most {MOST_CENTROIDS} centroids")
}

/// A column that a lambda names is copied for each element of the list.
fn captures_nothing(function: &str, arg: &Expr) -> Result<()> {
    let Expr::Lambda(lambda) = arg else {
        return Ok(());
    };
    let is_column = |expr: &Expr| {
        Ok(matches!(
            expr,
            Expr::Column(_) | Expr::OuterReferenceColumn(..)
        ))
    };
    if lambda.body.exists(is_column)? {
        return not_impl_err!("a column inside a lambda of {function}; use unnest and a join");
    }
    Ok(())
}

/// Patterns are compiled, and those of a batch are all kept.
fn one_pattern(pattern: &Expr) -> Result<()> {
    if names_columns(pattern)? {
        return not_impl_err!("a pattern that differs from row to row; use a constant");
    }
    Ok(())
}

fn names_columns(expr: &Expr) -> Result<bool> {
    expr.exists(|expr| {
        Ok(matches!(
            expr,
            Expr::Column(_) | Expr::OuterReferenceColumn(..) | Expr::LambdaVariable(_)
        ))
    })
}

/// As [`of_any_length`], where the type is a text.
fn names_no_length(call: &ScalarFunction) -> Result<()> {
    let names_one = call.args.iter().any(
        |arg| matches!(arg, Expr::Literal(value, _) if value.to_string().contains("FixedSize")),
    );
    if names_one {
        return not_impl_err!("a type of a fixed length; use List, or Binary");
    }
    Ok(())
}

/// Types that say how long each of their values is: a missing one is as long.
fn of_any_length(data_type: &DataType) -> Result<()> {
    match data_type {
        DataType::FixedSizeList(..) | DataType::FixedSizeBinary(_) => {
            not_impl_err!("a type of a fixed length; leave the length away")
        }
        DataType::List(element) | DataType::LargeList(element) => {
            of_any_length(element.data_type())
        }
        DataType::Struct(fields) => fields
            .iter()
            .try_for_each(|field| of_any_length(field.data_type())),
        _ => Ok(()),
    }
}
