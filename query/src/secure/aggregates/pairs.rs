//! What a join compares.

use datafusion::common::DFSchema;
use datafusion::logical_expr::utils::{conjunction, split_conjunction_owned};
use datafusion::logical_expr::{BinaryExpr, Expr, Operator};

/// The conditions of a join of which each side is a column of one of its inputs, and the
/// others.
pub(super) fn pairs(
    mut on: Vec<(Expr, Expr)>,
    filter: Option<Expr>,
    left: &DFSchema,
    right: &DFSchema,
) -> (Vec<(Expr, Expr)>, Option<Expr>) {
    let is_of = |expr: &Expr, schema: &DFSchema| match expr {
        Expr::Column(column) => schema.has_column(column),
        _ => false,
    };
    let mut others = Vec::new();
    for condition in filter.map(split_conjunction_owned).into_iter().flatten() {
        match condition {
            Expr::BinaryExpr(BinaryExpr {
                left: a,
                op: Operator::Eq,
                right: b,
            }) if is_of(&a, left) && is_of(&b, right) => on.push((*a, *b)),
            Expr::BinaryExpr(BinaryExpr {
                left: a,
                op: Operator::Eq,
                right: b,
            }) if is_of(&b, left) && is_of(&a, right) => on.push((*b, *a)),
            other => others.push(other),
        }
    }
    (on, conjunction(others))
}
