//! Joins compare a batch with all rows of the other side before they give anything away:
//! their condition asks whether to go on.

use std::fmt;
use std::hash::{Hash, Hasher};
use std::sync::Arc;

use datafusion::arrow::array::RecordBatch;
use datafusion::arrow::datatypes::{DataType, FieldRef, Schema};
use datafusion::common::JoinType;
use datafusion::error::Result;
use datafusion::logical_expr::ColumnarValue;
use datafusion::physical_expr::PhysicalExpr;
use datafusion::physical_expr::expressions::lit;
use datafusion::physical_plan::ExecutionPlan;
use datafusion::physical_plan::execution_plan::{ChildrenPropertiesMode, ReplaceChildrenOptions};
use datafusion::physical_plan::joins::utils::JoinFilter;
use datafusion::physical_plan::joins::{
    HashJoinExec, HashJoinExecBuilder, NestedLoopJoinExec, NestedLoopJoinExecBuilder,
};

use super::watched::Watched;
use super::{Interrupt, pace};

/// The same node; if it is a join, one whose condition asks the signal.
///
/// A nested-loop join that has no room for its left side would execute that side once more,
/// to spill it. What stands below may not be executed twice (a repartition panics), and
/// outer joins then show rows twice: such a query is out of memory.
pub(super) fn asking(
    node: Arc<dyn ExecutionPlan>,
    interrupt: &Interrupt,
) -> Result<Arc<dyn ExecutionPlan>> {
    if let Some(join) = node.downcast_ref::<NestedLoopJoinExec>() {
        let filter = condition(join.filter(), *join.join_type(), interrupt);
        let left: Arc<dyn ExecutionPlan> =
            Arc::new(Watched::once(Arc::clone(join.left()), interrupt));
        let children = vec![left, Arc::clone(join.right())];
        let join = NestedLoopJoinExecBuilder::from(join)
            .with_filter(filter)
            .build()?;
        let options = ReplaceChildrenOptions::new(ChildrenPropertiesMode::Keep);
        return Arc::new(join).replace_children(children, options);
    }
    if let Some(join) = node.downcast_ref::<HashJoinExec>() {
        let filter = condition(join.filter(), *join.join_type(), interrupt);
        return HashJoinExecBuilder::from(join)
            .with_filter(filter)
            .build_exec();
    }
    Ok(node)
}

/// The condition of a join, which asks. A join without one gives away what it finds, unless
/// it looks only whether there is a match: then it gets one that always holds.
fn condition(
    filter: Option<&JoinFilter>,
    join_type: JoinType,
    interrupt: &Interrupt,
) -> Option<JoinFilter> {
    let asking = |of: &Arc<dyn PhysicalExpr>| -> Arc<dyn PhysicalExpr> {
        Arc::new(Asking {
            condition: Arc::clone(of),
            interrupt: interrupt.clone(),
        })
    };
    if let Some(filter) = filter {
        return Some(JoinFilter::new(
            asking(filter.expression()),
            filter.column_indices().to_vec(),
            Arc::clone(filter.schema()),
        ));
    }
    let looks_only = matches!(
        join_type,
        JoinType::LeftSemi
            | JoinType::LeftAnti
            | JoinType::LeftMark
            | JoinType::RightSemi
            | JoinType::RightAnti
            | JoinType::RightMark
    );
    looks_only.then(|| {
        let always = asking(&lit(true));
        JoinFilter::new(always, Vec::new(), Arc::new(Schema::empty()))
    })
}

/// A condition that fails when the query does not go on.
#[derive(Debug, Clone)]
struct Asking {
    condition: Arc<dyn PhysicalExpr>,
    interrupt: Interrupt,
}

impl PartialEq for Asking {
    fn eq(&self, other: &Self) -> bool {
        self.condition.eq(&other.condition)
    }
}

impl Eq for Asking {}

impl Hash for Asking {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.condition.hash(state);
    }
}

impl fmt::Display for Asking {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.condition.fmt(f)
    }
}

impl PhysicalExpr for Asking {
    fn data_type(&self, schema: &Schema) -> Result<DataType> {
        self.condition.data_type(schema)
    }

    fn nullable(&self, schema: &Schema) -> Result<bool> {
        self.condition.nullable(schema)
    }

    fn evaluate(&self, batch: &RecordBatch) -> Result<ColumnarValue> {
        self.interrupt.check()?;
        pace::give_way();
        self.condition.evaluate(batch)
    }

    fn return_field(&self, schema: &Schema) -> Result<FieldRef> {
        self.condition.return_field(schema)
    }

    fn children(&self) -> Vec<&Arc<dyn PhysicalExpr>> {
        vec![&self.condition]
    }

    fn with_new_children(
        self: Arc<Self>,
        mut children: Vec<Arc<dyn PhysicalExpr>>,
    ) -> Result<Arc<dyn PhysicalExpr>> {
        Ok(Arc::new(Self {
            condition: children.swap_remove(0),
            interrupt: self.interrupt.clone(),
        }))
    }

    fn fmt_sql(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.condition.fmt_sql(f)
    }
}
