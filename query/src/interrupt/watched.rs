//! A node of a plan that asks before each batch whether to go on.

use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, ready};

use datafusion::arrow::array::RecordBatch;
use datafusion::arrow::datatypes::SchemaRef;
use datafusion::common::resources_datafusion_err;
use datafusion::common::tree_node::TreeNodeRecursion;
use datafusion::error::Result;
use datafusion::execution::{RecordBatchStream, SendableRecordBatchStream, TaskContext};
use datafusion::physical_expr::PhysicalExpr;
use datafusion::physical_plan::execution_plan::{ChildrenPropertiesMode, ReplaceChildrenOptions};
use datafusion::physical_plan::metrics::MetricsSet;
use datafusion::physical_plan::{DisplayAs, DisplayFormatType, ExecutionPlan, PlanProperties};
use futures::Stream;

use super::Interrupt;
use super::pace::Stretch;

/// Stands in the place of a node and is that node to whoever looks at the plan.
#[derive(Debug)]
pub(super) struct Watched {
    /// What is shown of it, and what the nodes above it know it by.
    shown: Arc<dyn ExecutionPlan>,
    /// What works.
    node: Arc<dyn ExecutionPlan>,
    interrupt: Interrupt,
    /// Whether it has been executed, of nodes that may be only once.
    once: Option<AtomicBool>,
}

impl Watched {
    pub(super) fn new(
        shown: Arc<dyn ExecutionPlan>,
        node: Arc<dyn ExecutionPlan>,
        interrupt: &Interrupt,
    ) -> Self {
        Self {
            shown,
            node,
            interrupt: interrupt.clone(),
            once: None,
        }
    }

    /// A node that is out of memory when it is executed again.
    pub(super) fn once(node: Arc<dyn ExecutionPlan>, interrupt: &Interrupt) -> Self {
        Self {
            once: Some(AtomicBool::new(false)),
            ..Self::new(Arc::clone(&node), node, interrupt)
        }
    }

    /// Another node, watched as this one is.
    fn around(&self, node: Arc<dyn ExecutionPlan>) -> Arc<dyn ExecutionPlan> {
        Arc::new(Self {
            once: self.once.as_ref().map(|_| AtomicBool::new(false)),
            ..Self::new(Arc::clone(&node), node, &self.interrupt)
        })
    }
}

impl DisplayAs for Watched {
    fn fmt_as(&self, kind: DisplayFormatType, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.shown.fmt_as(kind, f)
    }
}

impl ExecutionPlan for Watched {
    fn name(&self) -> &str {
        self.node.name()
    }

    fn downcast_delegate(&self) -> Option<&dyn ExecutionPlan> {
        Some(self.node.as_ref())
    }

    fn properties(&self) -> &Arc<PlanProperties> {
        self.shown.properties()
    }

    fn maintains_input_order(&self) -> Vec<bool> {
        self.node.maintains_input_order()
    }

    fn benefits_from_input_partitioning(&self) -> Vec<bool> {
        self.node.benefits_from_input_partitioning()
    }

    fn children(&self) -> Vec<&Arc<dyn ExecutionPlan>> {
        self.node.children()
    }

    fn apply_expressions(
        &self,
        f: &mut dyn FnMut(&Arc<dyn PhysicalExpr>) -> Result<TreeNodeRecursion>,
    ) -> Result<TreeNodeRecursion> {
        self.node.apply_expressions(f)
    }

    fn replace_children(
        self: Arc<Self>,
        children: Vec<Arc<dyn ExecutionPlan>>,
        options: ReplaceChildrenOptions,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        let node = Arc::clone(&self.node).replace_children(children, options)?;
        Ok(self.around(node))
    }

    fn with_new_children(
        self: Arc<Self>,
        children: Vec<Arc<dyn ExecutionPlan>>,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        let options = ReplaceChildrenOptions::new(ChildrenPropertiesMode::Recompute);
        self.replace_children(children, options)
    }

    fn reset_state(self: Arc<Self>) -> Result<Arc<dyn ExecutionPlan>> {
        let node = Arc::clone(&self.node).reset_state()?;
        Ok(self.around(node))
    }

    fn with_new_state(
        &self,
        state: Arc<dyn std::any::Any + Send + Sync>,
    ) -> Option<Arc<dyn ExecutionPlan>> {
        let node = self.node.with_new_state(state)?;
        Some(self.around(node))
    }

    fn execute(
        &self,
        partition: usize,
        context: Arc<TaskContext>,
    ) -> Result<SendableRecordBatchStream> {
        if let Some(once) = &self.once
            && once.swap(true, Ordering::AcqRel)
        {
            return Err(resources_datafusion_err!(
                "one side of a join does not fit into memory"
            ));
        }
        self.interrupt.check()?;
        Ok(Box::pin(WatchedStream {
            rows: self.node.execute(partition, context)?,
            interrupt: self.interrupt.clone(),
        }))
    }

    fn metrics(&self) -> Option<MetricsSet> {
        self.node.metrics()
    }

    fn fetch(&self) -> Option<usize> {
        self.node.fetch()
    }
}

/// Asks before each batch, and pauses now and then as tokio wants it.
struct WatchedStream {
    rows: SendableRecordBatchStream,
    interrupt: Interrupt,
}

impl Stream for WatchedStream {
    type Item = Result<RecordBatch>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        if let Err(ended) = self.interrupt.check() {
            return Poll::Ready(Some(Err(ended)));
        }
        let budget = ready!(tokio::task::coop::poll_proceed(cx));
        let _stretch = Stretch::begin();
        let polled = self.rows.as_mut().poll_next(cx);
        if polled.is_ready() {
            budget.made_progress();
        }
        polled
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        self.rows.size_hint()
    }
}

impl RecordBatchStream for WatchedStream {
    fn schema(&self) -> SchemaRef {
        self.rows.schema()
    }
}
