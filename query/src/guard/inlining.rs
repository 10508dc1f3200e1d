//! How large a plan's conditions become once every column in them is written
//! out as what it stands for. Planning does so when it moves a condition below
//! the SELECT that makes the column, and copies what is named twice: in a chain
//! of `x + x` the condition doubles with each step.

use datafusion::common::Column;
use datafusion::common::tree_node::{TreeNode, TreeNodeRecursion};
use datafusion::error::Result;
use datafusion::logical_expr::{Expr, LogicalPlan};

/// The most parts of all conditions of a statement.
const SIZE: usize = 50_000;

/// A literal counts once for each of so many bytes: it is copied as well.
const PART_BYTES: usize = 64;

/// Functions that planning turns into CASE, with their arguments twice.
const TWICE: [&str; 3] = ["coalesce", "nvl", "nvl2"];

/// What is wrong with a plan whose conditions are too large to be moved.
pub(crate) fn excess(plan: &LogicalPlan) -> Result<Option<String>> {
    let mut walk = Walk { parts: 0 };
    walk.columns(plan)?;
    if walk.parts <= SIZE {
        return Ok(None);
    }
    Ok(Some(format!(
        "With every column put where it is named, the statement has more than {SIZE} parts; \
         name each fewer times, or filter before computing."
    )))
}

struct Walk {
    /// What the conditions have so far.
    parts: usize,
}

impl Walk {
    /// How many parts each column of a plan has when it is written out.
    fn columns(&mut self, plan: &LogicalPlan) -> Result<Vec<usize>> {
        let mut inputs = Vec::new();
        for input in plan.inputs() {
            inputs.push(self.columns(input)?);
        }
        // Subqueries stand inside expressions.
        plan.apply_expressions(|expr| {
            expr.apply(|expr| {
                if let Some(subquery) = subquery(expr) {
                    self.columns(subquery)?;
                }
                Ok(TreeNodeRecursion::Continue)
            })
        })?;
        let given: Vec<usize> = inputs.concat();
        let size = |expr: &Expr| size(expr, plan, &given);
        Ok(match plan {
            LogicalPlan::Projection(projection) => {
                projection.expr.iter().map(size).collect::<Result<_>>()?
            }
            LogicalPlan::Filter(filter) => {
                self.add(size(&filter.predicate)?);
                given
            }
            LogicalPlan::Join(join) => {
                for (left, right) in &join.on {
                    self.add(size(left)?);
                    self.add(size(right)?);
                }
                if let Some(filter) = &join.filter {
                    self.add(size(filter)?);
                }
                padded(given, plan)
            }
            LogicalPlan::Aggregate(aggregate) => {
                let made = aggregate.group_expr.iter().chain(&aggregate.aggr_expr);
                padded(made.map(size).collect::<Result<_>>()?, plan)
            }
            LogicalPlan::Window(window) => {
                let made = window
                    .window_expr
                    .iter()
                    .map(size)
                    .collect::<Result<Vec<_>>>()?;
                [given, made].concat()
            }
            // A condition is moved into each side.
            LogicalPlan::Union(_) => {
                let count = plan.schema().fields().len();
                let each = |column| inputs.iter().filter_map(move |input| input.get(column));
                (0..count)
                    .map(|column| {
                        each(column).fold(0, |sum: usize, size| sum.saturating_add(*size))
                    })
                    .collect()
            }
            _ => padded(given, plan),
        })
    }

    fn add(&mut self, parts: usize) {
        self.parts = self.parts.saturating_add(parts);
    }
}

/// As many as the plan has columns: what is not known counts as one.
fn padded(mut sizes: Vec<usize>, plan: &LogicalPlan) -> Vec<usize> {
    sizes.resize(plan.schema().fields().len(), 1);
    sizes
}

fn subquery(expr: &Expr) -> Option<&LogicalPlan> {
    match expr {
        Expr::ScalarSubquery(subquery) => Some(&subquery.subquery),
        Expr::Exists(exists) => Some(&exists.subquery.subquery),
        Expr::InSubquery(within) => Some(&within.subquery.subquery),
        Expr::SetComparison(comparison) => Some(&comparison.subquery.subquery),
        _ => None,
    }
}

/// How many parts an expression has over the columns that are given.
fn size(expr: &Expr, plan: &LogicalPlan, given: &[usize]) -> Result<usize> {
    // What is written out twice, from the outermost to the innermost.
    let mut total = 0_usize;
    let mut open = vec![(expr, 1_usize)];
    while let Some((expr, times)) = open.pop() {
        let own = match expr {
            Expr::Column(column) => position(column, plan).and_then(|at| given.get(at)).copied(),
            Expr::Literal(value, _) => Some(1 + value.size() / PART_BYTES),
            _ => None,
        };
        total = total.saturating_add(times.saturating_mul(own.unwrap_or(1)));
        if total > SIZE {
            return Ok(usize::MAX);
        }
        let twice = match expr {
            Expr::Between(_) => true,
            Expr::ScalarFunction(call) => TWICE.contains(&call.func.name()),
            _ => false,
        };
        let times = if twice {
            times.saturating_mul(2)
        } else {
            times
        };
        expr.apply_children(|child| {
            open.push((child, times));
            Ok(TreeNodeRecursion::Continue)
        })?;
    }
    Ok(total)
}

/// Where a column stands among those of all inputs.
fn position(column: &Column, plan: &LogicalPlan) -> Option<usize> {
    let mut before = 0;
    for input in plan.inputs() {
        if let Some(at) = input.schema().maybe_index_of_column(column) {
            return Some(before + at);
        }
        before += input.schema().fields().len();
    }
    None
}
