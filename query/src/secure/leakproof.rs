//! Which conditions may be judged of rows that their asker may not see: those that cannot
//! fail, so that nothing is learned of the rows that they drop.

use datafusion::arrow::datatypes::DataType;
use datafusion::common::ScalarValue;
use datafusion::logical_expr::expr::{Between, InList};
use datafusion::logical_expr::{BinaryExpr, Expr, Operator};
use datafusion::physical_expr::PhysicalExpr;
use datafusion::physical_expr::expressions::{
    self as physical, Column, DynamicFilterPhysicalExpr, InListExpr, IsNotNullExpr, IsNullExpr,
    Literal,
};
use std::sync::Arc;

/// Comparisons of two values of one type, which cannot fail.
const COMPARISONS: [Operator; 8] = [
    Operator::Eq,
    Operator::NotEq,
    Operator::Lt,
    Operator::LtEq,
    Operator::Gt,
    Operator::GtEq,
    Operator::IsDistinctFrom,
    Operator::IsNotDistinctFrom,
];

/// Types whose values are compared without being looked into.
fn is_simple(data_type: &DataType) -> bool {
    data_type.is_primitive()
        || matches!(
            data_type,
            DataType::Boolean | DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View
        )
}

/// Whether a condition compares columns with literals of their type, and nothing else.
/// `data_type` is that of a column which is shown as it is stored.
pub(super) fn condition(expr: &Expr, data_type: &impl Fn(&str) -> Option<DataType>) -> bool {
    let column = |expr: &Expr| match expr {
        Expr::Column(column) => data_type(column.name()).filter(is_simple),
        _ => None,
    };
    let is_literal = |expr: &Expr, of: &DataType| match expr {
        Expr::Literal(value, _) => value.data_type() == *of,
        _ => false,
    };
    match expr {
        Expr::BinaryExpr(BinaryExpr { left, op, right }) if COMPARISONS.contains(op) => {
            match (column(left), column(right)) {
                (Some(of), None) => is_literal(right, &of),
                (None, Some(of)) => is_literal(left, &of),
                _ => false,
            }
        }
        Expr::BinaryExpr(BinaryExpr { left, op, right }) => {
            matches!(op, Operator::And | Operator::Or)
                && condition(left, data_type)
                && condition(right, data_type)
        }
        Expr::Between(Between {
            expr, low, high, ..
        }) => column(expr).is_some_and(|of| is_literal(low, &of) && is_literal(high, &of)),
        Expr::InList(InList { expr, list, .. }) => {
            column(expr).is_some_and(|of| list.iter().all(|one| is_literal(one, &of)))
        }
        Expr::IsNull(inner) | Expr::IsNotNull(inner) => column(inner).is_some(),
        Expr::Not(inner) => condition(inner, data_type),
        Expr::Column(_) => column(expr) == Some(DataType::Boolean),
        Expr::Literal(ScalarValue::Boolean(_), _) => true,
        _ => false,
    }
}

/// As [`condition`], of what a plan judges. `data_type` is that of the column at a place,
/// if it is shown as it is stored. What joins and sorts learn on their way compares values
/// with others that they have seen: of columns, and of nothing computed from them.
pub(super) fn judged(
    expr: &Arc<dyn PhysicalExpr>,
    data_type: &impl Fn(usize) -> Option<DataType>,
) -> bool {
    let column = |expr: &Arc<dyn PhysicalExpr>| {
        let column = expr.downcast_ref::<Column>()?;
        data_type(column.index()).filter(is_simple)
    };
    let is_literal = |expr: &Arc<dyn PhysicalExpr>, of: &DataType| {
        let literal = expr.downcast_ref::<Literal>();
        literal.is_some_and(|literal| literal.value().data_type() == *of)
    };
    if expr.downcast_ref::<DynamicFilterPhysicalExpr>().is_some() {
        return expr.children().into_iter().all(|of| column(of).is_some());
    }
    if let Some(binary) = expr.downcast_ref::<physical::BinaryExpr>() {
        let (left, right) = (binary.left(), binary.right());
        if COMPARISONS.contains(binary.op()) {
            return match (column(left), column(right)) {
                (Some(of), None) => is_literal(right, &of),
                (None, Some(of)) => is_literal(left, &of),
                _ => false,
            };
        }
        return matches!(binary.op(), Operator::And | Operator::Or)
            && judged(left, data_type)
            && judged(right, data_type);
    }
    if let Some(list) = expr.downcast_ref::<InListExpr>() {
        let of = column(list.expr());
        return of.is_some_and(|of| list.list().iter().all(|one| is_literal(one, &of)));
    }
    if let Some(of) = expr.downcast_ref::<IsNullExpr>() {
        return column(of.arg()).is_some();
    }
    if let Some(of) = expr.downcast_ref::<IsNotNullExpr>() {
        return column(of.arg()).is_some();
    }
    if let Some(not) = expr.downcast_ref::<physical::NotExpr>() {
        return judged(not.arg(), data_type);
    }
    column(expr) == Some(DataType::Boolean)
}
