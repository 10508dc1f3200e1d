//! The subqueries of an expression.

use datafusion::common::tree_node::{TreeNode, TreeNodeRecursion};
use datafusion::logical_expr::{Expr, LogicalPlan};

/// A subquery of an expression.
pub(super) struct Within {
    pub(super) plan: LogicalPlan,
    pub(super) outer_ref_columns: Vec<Expr>,
    /// Whether it stands for one value.
    pub(super) is_scalar: bool,
}

/// The subqueries of an expression, not those within them.
pub(super) fn subqueries(expr: &Expr) -> Vec<Within> {
    let mut found = Vec::new();
    let visited = expr.apply(|expr| {
        let (subquery, is_scalar) = match expr {
            Expr::ScalarSubquery(subquery) => (subquery, true),
            Expr::InSubquery(within) => (&within.subquery, false),
            Expr::Exists(exists) => (&exists.subquery, false),
            Expr::SetComparison(compared) => (&compared.subquery, false),
            _ => return Ok(TreeNodeRecursion::Continue),
        };
        found.push(Within {
            plan: subquery.subquery.as_ref().clone(),
            outer_ref_columns: subquery.outer_ref_columns.clone(),
            is_scalar,
        });
        Ok(TreeNodeRecursion::Continue)
    });
    debug_assert!(visited.is_ok(), "looking does not fail");
    found
}
