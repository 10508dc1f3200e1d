//! Whether a plan reads nothing but behind barriers.

use std::sync::Arc;

use datafusion::common::internal_err;
use datafusion::datasource::memory::{DataSourceExec, MemorySourceConfig};
use datafusion::error::Result;
use datafusion::physical_plan::ExecutionPlan;

use super::barrier::{SecurityBarrierExec, Warrant};

/// Nodes that read nothing: what they give stands in the statement, or above them.
const SOURCELESS: [&str; 5] = [
    "EmptyExec",
    "ExplainExec",
    // Numbers and times in a row, as `generate_series` makes them.
    "LazyMemoryExec",
    "PlaceholderRowExec",
    "WorkTableExec",
];

/// Refuses a plan in which something is read that does not stand behind a barrier of this
/// warrant: whatever put it there, it does not run. With `has_values` the statement has
/// rows of its own, which lie in memory.
///
/// # Errors
/// When there is such a node. It is a mistake of ours.
pub(super) fn verify(
    plan: &Arc<dyn ExecutionPlan>,
    warrant: Warrant,
    has_values: bool,
) -> Result<()> {
    let mut open = vec![plan];
    while let Some(node) = open.pop() {
        if let Some(barrier) = node.downcast_ref::<SecurityBarrierExec>() {
            if barrier.warrant() != warrant {
                return internal_err!("a barrier of somebody else is in a plan");
            }
            continue;
        }
        let children = node.children();
        let is_open = SOURCELESS.contains(&node.name()) || has_values && lies_in_memory(node);
        if children.is_empty() && !is_open {
            return internal_err!("{} is read without a barrier", node.name());
        }
        open.extend(children);
    }
    Ok(())
}

fn lies_in_memory(node: &Arc<dyn ExecutionPlan>) -> bool {
    let source = node.downcast_ref::<DataSourceExec>();
    let source = source.map(|node| node.data_source().as_ref());
    source.is_some_and(|source| source.downcast_ref::<MemorySourceConfig>().is_some())
}
