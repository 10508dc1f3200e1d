//! Operators and clauses that stand for a function, `||` between lists and
//! OVERLAY: they are planned with the function itself, not with the one that a
//! session has under its name, so the bounds are put around it here.

use std::sync::Arc;

use datafusion::common::DFSchema;
use datafusion::error::Result;
use datafusion::execution::SessionStateDefaults;
use datafusion::logical_expr::Expr;
use datafusion::logical_expr::planner::{ExprPlanner, PlannerResult, RawBinaryExpr};

use super::bounded::Bounded;

/// The default planners, asked first for what they make functions of.
#[derive(Debug)]
struct Planned(Vec<Arc<dyn ExprPlanner>>);

/// What a session plans expressions with.
pub(crate) fn planners() -> Vec<Arc<dyn ExprPlanner>> {
    let defaults = SessionStateDefaults::default_expr_planners();
    let mut planners: Vec<Arc<dyn ExprPlanner>> = vec![Arc::new(Planned(defaults.clone()))];
    planners.extend(defaults);
    planners
}

impl ExprPlanner for Planned {
    fn plan_binary_op(
        &self,
        mut expr: RawBinaryExpr,
        schema: &DFSchema,
    ) -> Result<PlannerResult<RawBinaryExpr>> {
        for planner in &self.0 {
            expr = match planner.plan_binary_op(expr, schema)? {
                PlannerResult::Planned(expr) => return Ok(PlannerResult::Planned(bound(expr))),
                PlannerResult::Original(expr) => expr,
            };
        }
        Ok(PlannerResult::Original(expr))
    }

    fn plan_overlay(&self, mut args: Vec<Expr>) -> Result<PlannerResult<Vec<Expr>>> {
        for planner in &self.0 {
            args = match planner.plan_overlay(args)? {
                PlannerResult::Planned(expr) => return Ok(PlannerResult::Planned(bound(expr))),
                PlannerResult::Original(args) => args,
            };
        }
        Ok(PlannerResult::Original(args))
    }
}

fn bound(expr: Expr) -> Expr {
    match expr {
        Expr::ScalarFunction(mut call) => {
            call.func = Bounded::around(call.func);
            Expr::ScalarFunction(call)
        }
        other => other,
    }
}
