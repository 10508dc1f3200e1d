//! Tables that somebody sees as they are, and a node that notes whose rows are read.
//!
//! Whoever sees all has no barriers before them; that they read somebody's rows is noted
//! here. The node changes nothing: all that planning does to the rows below it, it does as
//! if the node were not there. The column that names people is read in any case.

use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use datafusion::arrow::array::RecordBatch;
use datafusion::arrow::datatypes::SchemaRef;
use datafusion::catalog::{Session, TableProvider};
use datafusion::common::Statistics;
use datafusion::common::tree_node::TreeNodeRecursion;
use datafusion::config::ConfigOptions;
use datafusion::error::Result;
use datafusion::execution::{SendableRecordBatchStream, TaskContext};
use datafusion::logical_expr::{Expr, TableProviderFilterPushDown, TableType};
use datafusion::physical_expr::PhysicalExpr;
use datafusion::physical_expr::projection::ProjectionMapping;
use datafusion::physical_plan::execution_plan::{
    CardinalityEffect, ChildrenPropertiesMode, ReplaceChildrenOptions,
};
use datafusion::physical_plan::filter_pushdown::{
    ChildPushdownResult, FilterDescription, FilterPushdownPhase, FilterPushdownPropagation,
};
use datafusion::physical_plan::statistics::{ChildStats, StatisticsArgs};
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use datafusion::physical_plan::{
    DisplayAs, DisplayFormatType, ExecutionPlan, ExecutionPlanProperties, PlanProperties,
};
use futures::StreamExt;

use crate::audit::{NamedBy, Seen};

/// A table that is shown as it is, and of which is noted whose rows are read.
#[derive(Debug)]
pub(super) struct Witnessed {
    inner: Arc<dyn TableProvider>,
    seen: Arc<Seen>,
}

impl Witnessed {
    pub(super) fn new(inner: Arc<dyn TableProvider>, seen: &Arc<Seen>) -> Self {
        Self {
            inner,
            seen: Arc::clone(seen),
        }
    }
}

#[async_trait]
impl TableProvider for Witnessed {
    fn schema(&self) -> SchemaRef {
        self.inner.schema()
    }

    fn table_type(&self) -> TableType {
        self.inner.table_type()
    }

    fn supports_filters_pushdown(
        &self,
        filters: &[&Expr],
    ) -> Result<Vec<TableProviderFilterPushDown>> {
        self.inner.supports_filters_pushdown(filters)
    }

    fn statistics(&self) -> Option<Statistics> {
        self.inner.statistics()
    }

    async fn scan(
        &self,
        state: &dyn Session,
        projection: Option<&Vec<usize>>,
        filters: &[Expr],
        limit: Option<usize>,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        let held = self.inner.schema();
        let Some((place, named_by)) = NamedBy::column(&held) else {
            return self.inner.scan(state, projection, filters, limit).await;
        };
        let asked = match projection {
            Some(asked) => asked.clone(),
            None => (0..held.fields().len()).collect(),
        };
        let mut read = asked.clone();
        let column = match asked.iter().position(|column| *column == place) {
            Some(column) => column,
            None => {
                read.push(place);
                asked.len()
            }
        };
        let rows = self.inner.scan(state, Some(&read), filters, limit).await?;
        let note = Note {
            column,
            named_by,
            shown: asked.len(),
            seen: Arc::clone(&self.seen),
        };
        Ok(Arc::new(WitnessExec::try_new(rows, note)?))
    }
}

/// What is noted of which rows.
#[derive(Debug, Clone)]
struct Note {
    /// The column that names people.
    column: usize,
    named_by: NamedBy,
    /// How many columns are shown: all, or all but the last, which is that.
    shown: usize,
    seen: Arc<Seen>,
}

/// Notes whose rows come through.
#[derive(Debug, Clone)]
struct WitnessExec {
    input: Arc<dyn ExecutionPlan>,
    note: Note,
    properties: Arc<PlanProperties>,
}

impl WitnessExec {
    fn try_new(input: Arc<dyn ExecutionPlan>, note: Note) -> Result<Self> {
        let properties = match note.shown == input.schema().fields().len() {
            true => Arc::clone(input.properties()),
            false => Arc::new(Self::project(&input, note.shown)?),
        };
        Ok(Self {
            input,
            note,
            properties,
        })
    }

    /// The properties without the last column.
    fn project(input: &Arc<dyn ExecutionPlan>, shown: usize) -> Result<PlanProperties> {
        let columns: Vec<usize> = (0..shown).collect();
        let held = input.schema();
        let mapping = ProjectionMapping::from_indices(&columns, &held)?;
        let known = input.equivalence_properties();
        let schema = Arc::new(held.project(&columns)?);
        let partitioning = input.output_partitioning().project(&mapping, known);
        let properties = PlanProperties::new(
            known.project(&mapping, schema),
            partitioning,
            input.pipeline_behavior(),
            input.boundedness(),
        );
        Ok(properties.with_scheduling_type(input.properties().scheduling_type))
    }

    fn over(&self, input: Arc<dyn ExecutionPlan>) -> Result<Arc<dyn ExecutionPlan>> {
        Ok(Arc::new(Self::try_new(input, self.note.clone())?))
    }

    fn shows_all(&self) -> bool {
        self.note.shown == self.input.schema().fields().len()
    }
}

impl Note {
    fn take(&self, batch: RecordBatch) -> Result<RecordBatch> {
        self.seen.note(batch.column(self.column), self.named_by);
        match self.shown == batch.num_columns() {
            true => Ok(batch),
            false => {
                let shown: Vec<usize> = (0..self.shown).collect();
                Ok(batch.project(&shown)?)
            }
        }
    }
}

impl DisplayAs for WitnessExec {
    fn fmt_as(&self, _: DisplayFormatType, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl ExecutionPlan for WitnessExec {
    fn name(&self) -> &'static str {
        "WitnessExec"
    }

    fn properties(&self) -> &Arc<PlanProperties> {
        &self.properties
    }

    fn maintains_input_order(&self) -> Vec<bool> {
        vec![true]
    }

    fn benefits_from_input_partitioning(&self) -> Vec<bool> {
        vec![false]
    }

    fn children(&self) -> Vec<&Arc<dyn ExecutionPlan>> {
        vec![&self.input]
    }

    fn apply_expressions(
        &self,
        _: &mut dyn FnMut(&Arc<dyn PhysicalExpr>) -> Result<TreeNodeRecursion>,
    ) -> Result<TreeNodeRecursion> {
        Ok(TreeNodeRecursion::Continue)
    }

    fn replace_children(
        self: Arc<Self>,
        mut children: Vec<Arc<dyn ExecutionPlan>>,
        _: ReplaceChildrenOptions,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        self.over(children.swap_remove(0))
    }

    fn with_new_children(
        self: Arc<Self>,
        children: Vec<Arc<dyn ExecutionPlan>>,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        let options = ReplaceChildrenOptions::new(ChildrenPropertiesMode::Recompute);
        self.replace_children(children, options)
    }

    fn repartitioned(
        &self,
        target_partitions: usize,
        config: &ConfigOptions,
    ) -> Result<Option<Arc<dyn ExecutionPlan>>> {
        let input = self.input.repartitioned(target_partitions, config)?;
        input.map(|input| self.over(input)).transpose()
    }

    fn execute(
        &self,
        partition: usize,
        context: Arc<TaskContext>,
    ) -> Result<SendableRecordBatchStream> {
        let rows = self.input.execute(partition, context)?;
        let note = self.note.clone();
        let noted = rows.map(move |batch| note.take(batch?));
        let stream = RecordBatchStreamAdapter::new(self.schema(), noted);
        Ok(Box::pin(stream))
    }

    fn child_stats_requests(&self, partition: Option<usize>) -> Vec<ChildStats> {
        vec![ChildStats::At(partition)]
    }

    fn statistics_from_inputs(
        &self,
        inputs: &[Arc<Statistics>],
        _: &StatisticsArgs,
    ) -> Result<Arc<Statistics>> {
        if self.shows_all() {
            return Ok(Arc::clone(&inputs[0]));
        }
        let mut known = Statistics::clone(&inputs[0]);
        known.column_statistics.truncate(self.note.shown);
        Ok(Arc::new(known))
    }

    fn supports_limit_pushdown(&self) -> bool {
        true
    }

    fn cardinality_effect(&self) -> CardinalityEffect {
        CardinalityEffect::Equal
    }

    fn gather_filters_for_pushdown(
        &self,
        _: FilterPushdownPhase,
        filters: Vec<Arc<dyn PhysicalExpr>>,
        _: &ConfigOptions,
    ) -> Result<FilterDescription> {
        FilterDescription::from_children(filters, &self.children())
    }

    fn handle_child_pushdown_result(
        &self,
        _: FilterPushdownPhase,
        result: ChildPushdownResult,
        _: &ConfigOptions,
    ) -> Result<FilterPushdownPropagation<Arc<dyn ExecutionPlan>>> {
        Ok(FilterPushdownPropagation::if_all(result))
    }
}
