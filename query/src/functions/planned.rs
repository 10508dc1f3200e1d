//! Clauses that stand for a function, `{a: 1}`, `(1, 2)` and `MAP {…}`: they are
//! planned with the function itself, not with the one that a session has under
//! its name. The bounds on types are put around it here, since planning works
//! with the types at once; all other bounds come with `rewrite.rs`.

use std::sync::Arc;

use datafusion::common::DFSchema;
use datafusion::error::Result;
use datafusion::execution::SessionStateDefaults;
use datafusion::logical_expr::Expr;
use datafusion::logical_expr::planner::{ExprPlanner, PlannerResult, RawDictionaryExpr};

use super::bounded::Bounded;

/// The default planners, asked first for what doubles a type.
#[derive(Debug)]
struct Planned(Vec<Arc<dyn ExprPlanner>>);

/// What a session plans expressions with.
pub(crate) fn planners() -> Vec<Arc<dyn ExprPlanner>> {
    let defaults = SessionStateDefaults::default_expr_planners();
    let mut planners: Vec<Arc<dyn ExprPlanner>> = vec![Arc::new(Planned(defaults.clone()))];
    planners.extend(defaults);
    planners
}

impl Planned {
    /// What the first planner makes of it that makes anything.
    fn first<T>(
        &self,
        mut what: T,
        plan: impl Fn(&dyn ExprPlanner, T) -> Result<PlannerResult<T>>,
    ) -> Result<PlannerResult<T>> {
        for planner in &self.0 {
            what = match plan(planner.as_ref(), what)? {
                PlannerResult::Planned(expr) => return Ok(PlannerResult::Planned(bound(expr))),
                PlannerResult::Original(what) => what,
            };
        }
        Ok(PlannerResult::Original(what))
    }
}

impl ExprPlanner for Planned {
    fn plan_dictionary_literal(
        &self,
        expr: RawDictionaryExpr,
        schema: &DFSchema,
    ) -> Result<PlannerResult<RawDictionaryExpr>> {
        self.first(expr, |planner, expr| {
            planner.plan_dictionary_literal(expr, schema)
        })
    }

    fn plan_struct_literal(
        &self,
        args: Vec<Expr>,
        is_named_struct: bool,
    ) -> Result<PlannerResult<Vec<Expr>>> {
        self.first(args, |planner, args| {
            planner.plan_struct_literal(args, is_named_struct)
        })
    }

    fn plan_make_map(&self, args: Vec<Expr>) -> Result<PlannerResult<Vec<Expr>>> {
        self.first(args, |planner, args| planner.plan_make_map(args))
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
