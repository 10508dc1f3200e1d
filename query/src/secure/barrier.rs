//! The node of a plan above which there is nothing of a table but what its asker sees.

use std::fmt;
use std::sync::Arc;

use datafusion::arrow::array::{RecordBatch, RecordBatchOptions};
use datafusion::arrow::compute::filter_record_batch;
use datafusion::arrow::datatypes::{DataType, SchemaRef};
use datafusion::common::ScalarValue;
use datafusion::common::cast::as_boolean_array;
use datafusion::common::tree_node::TreeNodeRecursion;
use datafusion::config::ConfigOptions;
use datafusion::error::Result;
use datafusion::execution::{SendableRecordBatchStream, TaskContext};
use datafusion::logical_expr::ColumnarValue;
use datafusion::physical_expr::expressions::Column;
use datafusion::physical_expr::{EquivalenceProperties, Partitioning, PhysicalExpr};
use datafusion::physical_plan::execution_plan::{
    ChildrenPropertiesMode, ReplaceChildrenOptions, apply_expression_roots,
};
use datafusion::physical_plan::filter_pushdown::{
    ChildFilterDescription, ChildPushdownResult, FilterDescription, FilterPushdownPhase,
    FilterPushdownPropagation, PushedDown,
};
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use datafusion::physical_plan::{
    DisplayAs, DisplayFormatType, ExecutionPlan, ExecutionPlanProperties, PlanProperties,
};
use futures::{StreamExt, TryStreamExt, stream};

use super::leakproof;
use crate::audit::{NamedBy, Seen};

/// What a barrier is called in plans.
pub(crate) const BARRIER: &str = "SecurityBarrierExec";

/// On whose behalf a barrier stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Warrant([u8; 32]);

impl Warrant {
    /// Of somebody and of the policy by which that is decided, as a digest.
    pub(super) fn new(digest: [u8; 32]) -> Self {
        Self(digest)
    }
}

/// Where is noted whose rows are shown.
#[derive(Debug, Clone)]
pub(super) struct Note {
    /// The column of the input that says it.
    pub(super) column: usize,
    pub(super) named_by: NamedBy,
    pub(super) seen: Arc<Seen>,
}

/// Rows that meet a condition, and of these what is shown of each column.
///
/// Above it nothing is known of what lies below: no statistics, no order, no constants of
/// the condition. Through it goes no limit, no projection and no condition but those that
/// tell nothing of the rows that they drop.
#[derive(Debug)]
pub(super) struct SecurityBarrierExec {
    input: Arc<dyn ExecutionPlan>,
    /// Over the columns of the input; rows for which it is NULL are not shown.
    condition: Arc<dyn PhysicalExpr>,
    /// What makes each column, over those of the input.
    columns: Vec<Arc<dyn PhysicalExpr>>,
    schema: SchemaRef,
    /// In how many parts rows are given, however many lie below: that would tell of files.
    partitions: usize,
    warrant: Warrant,
    note: Option<Note>,
    properties: Arc<PlanProperties>,
}

impl SecurityBarrierExec {
    pub(super) fn new(
        input: Arc<dyn ExecutionPlan>,
        condition: Arc<dyn PhysicalExpr>,
        columns: Vec<Arc<dyn PhysicalExpr>>,
        schema: SchemaRef,
        partitions: usize,
        warrant: Warrant,
    ) -> Self {
        let properties = PlanProperties::new(
            EquivalenceProperties::new(Arc::clone(&schema)),
            Partitioning::UnknownPartitioning(partitions),
            input.pipeline_behavior(),
            input.boundedness(),
        );
        let properties = properties.with_scheduling_type(input.properties().scheduling_type);
        Self {
            properties: Arc::new(properties),
            input,
            condition,
            columns,
            schema,
            partitions,
            warrant,
            note: None,
        }
    }

    /// Notes whose rows pass.
    pub(super) fn with_note(mut self, note: Option<Note>) -> Self {
        self.note = note;
        self
    }

    pub(super) fn warrant(&self) -> Warrant {
        self.warrant
    }

    /// The column of the input that is shown as it is in a place.
    fn shown(&self, place: usize) -> Option<&Column> {
        self.columns.get(place)?.downcast_ref::<Column>()
    }

    /// Whether a condition of above tells nothing of the rows that it drops.
    fn may_pass(&self, filter: &Arc<dyn PhysicalExpr>) -> bool {
        let data_type = |place: usize| -> Option<DataType> {
            self.shown(place)?;
            Some(self.schema.field(place).data_type().clone())
        };
        leakproof::judged(filter, &data_type)
    }
}

impl DisplayAs for SecurityBarrierExec {
    fn fmt_as(&self, _: DisplayFormatType, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(BARRIER)
    }
}

impl ExecutionPlan for SecurityBarrierExec {
    fn name(&self) -> &'static str {
        BARRIER
    }

    fn properties(&self) -> &Arc<PlanProperties> {
        &self.properties
    }

    /// What lies below is ordered no more than it would be without an asker.
    fn maintains_input_order(&self) -> Vec<bool> {
        vec![false]
    }

    fn benefits_from_input_partitioning(&self) -> Vec<bool> {
        vec![false]
    }

    fn children(&self) -> Vec<&Arc<dyn ExecutionPlan>> {
        vec![&self.input]
    }

    fn apply_expressions(
        &self,
        f: &mut dyn FnMut(&Arc<dyn PhysicalExpr>) -> Result<TreeNodeRecursion>,
    ) -> Result<TreeNodeRecursion> {
        apply_expression_roots(std::iter::once(&self.condition).chain(&self.columns), f)
    }

    fn replace_children(
        self: Arc<Self>,
        mut children: Vec<Arc<dyn ExecutionPlan>>,
        options: ReplaceChildrenOptions,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        let replaced = Self::new(
            children.swap_remove(0),
            Arc::clone(&self.condition),
            self.columns.clone(),
            Arc::clone(&self.schema),
            self.partitions,
            self.warrant,
        );
        let replaced = replaced.with_note(self.note.clone());
        Ok(Arc::new(match options.children_properties {
            ChildrenPropertiesMode::Recompute => replaced,
            // What stands above goes on to know it by these.
            ChildrenPropertiesMode::Keep => Self {
                properties: Arc::clone(&self.properties),
                ..replaced
            },
        }))
    }

    fn with_new_children(
        self: Arc<Self>,
        children: Vec<Arc<dyn ExecutionPlan>>,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        let options = ReplaceChildrenOptions::new(ChildrenPropertiesMode::Recompute);
        self.replace_children(children, options)
    }

    fn execute(
        &self,
        partition: usize,
        context: Arc<TaskContext>,
    ) -> Result<SendableRecordBatchStream> {
        let inputs = self.input.output_partitioning().partition_count();
        let inputs = (partition..inputs).step_by(self.partitions);
        let input = Arc::clone(&self.input);
        let rows = stream::iter(inputs)
            .map(move |of| input.execute(of, Arc::clone(&context)))
            .try_flatten();
        let (condition, columns) = (Arc::clone(&self.condition), self.columns.clone());
        let (schema, note) = (Arc::clone(&self.schema), self.note.clone());
        let shown =
            rows.map(move |batch| shown(&batch?, &condition, &columns, &schema, note.as_ref()));
        let schema = Arc::clone(&self.schema);
        Ok(Box::pin(RecordBatchStreamAdapter::new(schema, shown)))
    }

    fn gather_filters_for_pushdown(
        &self,
        _: FilterPushdownPhase,
        filters: Vec<Arc<dyn PhysicalExpr>>,
        _: &ConfigOptions,
    ) -> Result<FilterDescription> {
        // What is of no column of the input is judged above.
        let above: Arc<dyn PhysicalExpr> = Arc::new(Column::new("", usize::MAX));
        let filters = filters
            .into_iter()
            .map(|filter| match self.may_pass(&filter) {
                true => filter,
                false => Arc::clone(&above),
            });
        let filters: Vec<_> = filters.collect();
        let shown = (0..self.columns.len()).filter(|place| self.shown(*place).is_some());
        let below = ChildFilterDescription::from_child_with_allowed_indices(
            &filters,
            shown.collect(),
            &self.input,
        )?;
        Ok(FilterDescription::new().with_child(below))
    }

    /// All of them are judged above as well: whether that is needed would tell what the
    /// files below hold.
    fn handle_child_pushdown_result(
        &self,
        _: FilterPushdownPhase,
        result: ChildPushdownResult,
        _: &ConfigOptions,
    ) -> Result<FilterPushdownPropagation<Arc<dyn ExecutionPlan>>> {
        let filters = vec![PushedDown::No; result.parent_filters.len()];
        Ok(FilterPushdownPropagation::with_parent_pushdown_result(
            filters,
        ))
    }
}

/// What is shown of a batch.
fn shown(
    batch: &RecordBatch,
    condition: &Arc<dyn PhysicalExpr>,
    columns: &[Arc<dyn PhysicalExpr>],
    schema: &SchemaRef,
    note: Option<&Note>,
) -> Result<RecordBatch> {
    let rows = match condition.evaluate(batch)? {
        ColumnarValue::Scalar(ScalarValue::Boolean(Some(true))) => batch.clone(),
        judged => {
            let judged = judged.into_array(batch.num_rows())?;
            filter_record_batch(batch, as_boolean_array(&judged)?)?
        }
    };
    if let Some(note) = note {
        note.seen.note(rows.column(note.column), note.named_by);
    }
    let made = columns.iter().map(|column| {
        let values = column.evaluate(&rows)?;
        values.into_array(rows.num_rows())
    });
    let options = RecordBatchOptions::new().with_row_count(Some(rows.num_rows()));
    let made = made.collect::<Result<Vec<_>>>()?;
    Ok(RecordBatch::try_new_with_options(
        Arc::clone(schema),
        made,
        &options,
    )?)
}
