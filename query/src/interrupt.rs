//! Ends a query at once, also one that works long without a pause.
//!
//! | file | |
//! |---|---|
//! | `watched.rs` | nodes of a plan that ask before each batch whether to go on |
//! | `joins.rs` | joins that ask while they look for matches within one batch |
//! | `pace.rs` | other tasks of the thread go on elsewhere while such a join works |
//!
//! Dropping a task ends it at its next pause, and a plan may have none for minutes: a join
//! whose condition holds of no pair, an aggregate over one that makes much of little. So
//! each query has a signal that all of its nodes, and the functions that take long, ask.

mod joins;
mod pace;
mod watched;

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};

use datafusion::common::tree_node::{Transformed, TransformedResult, TreeNode};
use datafusion::error::{DataFusionError, Result};
use datafusion::physical_plan::ExecutionPlan;

use self::watched::Watched;
use crate::carried::carried;

/// Why a query does not go on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Reason {
    /// Nobody waits for it any more, or somebody has ended it.
    #[error("the query was cancelled")]
    Cancelled = 1,
    /// The process has too little memory left.
    #[error("the query was ended to free memory")]
    Memory = 2,
}

/// The signal of one query; its clones are the same signal.
#[derive(Clone, Default)]
pub(crate) struct Interrupt(Arc<AtomicU8>);

impl Interrupt {
    /// Ends the query. The first reason stays.
    pub(crate) fn set(&self, reason: Reason) {
        let _ = self
            .0
            .compare_exchange(0, reason as u8, Ordering::AcqRel, Ordering::Acquire);
    }

    /// Why the query ends; `None` while it goes on.
    pub(crate) fn reason(&self) -> Option<Reason> {
        match self.0.load(Ordering::Acquire) {
            0 => None,
            2 => Some(Reason::Memory),
            _ => Some(Reason::Cancelled),
        }
    }

    /// # Errors
    /// When the query does not go on.
    pub(crate) fn check(&self) -> Result<()> {
        match self.reason() {
            None => Ok(()),
            Some(reason) => Err(DataFusionError::External(Box::new(reason))),
        }
    }

    /// The same plan, whose nodes ask the signal. It reads as before: nodes, names and
    /// metrics are those of the plan.
    ///
    /// # Errors
    /// When a node does not take its own children back: a mistake of ours.
    pub(crate) fn watch(&self, plan: Arc<dyn ExecutionPlan>) -> Result<Arc<dyn ExecutionPlan>> {
        plan.transform_up(|node| {
            let asking = joins::asking(Arc::clone(&node), self)?;
            let watched: Arc<dyn ExecutionPlan> = Arc::new(Watched::new(node, asking, self));
            Ok(Transformed::yes(watched))
        })
        .data()
    }
}

impl fmt::Debug for Interrupt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Interrupt").field(&self.reason()).finish()
    }
}

carried!(Interrupt, "interrupt");

#[cfg(test)]
mod tests;
