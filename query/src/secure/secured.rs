//! A table as somebody sees it.

use std::sync::Arc;

use async_trait::async_trait;
use datafusion::arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use datafusion::catalog::{Session, TableProvider};
use datafusion::common::tree_node::{TreeNode, TreeNodeRecursion};
use datafusion::common::{DFSchema, ScalarValue};
use datafusion::config::ConfigOptions;
use datafusion::error::Result;
use datafusion::logical_expr::utils::split_conjunction_owned;
use datafusion::logical_expr::{Expr, ScalarUDF, TableProviderFilterPushDown, TableType};
use datafusion::physical_expr::expressions::{Column, Literal};
use datafusion::physical_expr::{PhysicalExpr, ScalarFunctionExpr};
use datafusion::physical_plan::ExecutionPlan;

use super::barrier::{Note, SecurityBarrierExec, Warrant};
use super::leakproof;
use crate::audit::{NamedBy, Seen};

/// What stands in a column's place.
#[derive(Debug, Clone)]
pub(super) enum Mask {
    /// Nothing. The column is not read.
    Null,
    /// A function of the text.
    Function(Arc<ScalarUDF>),
}

/// A table of which somebody sees the rows that meet a condition, behind masks.
#[derive(Debug)]
pub(super) struct Secured {
    inner: Arc<dyn TableProvider>,
    /// Over the table's own columns, whatever masks show of them.
    condition: Expr,
    /// For each column that is shown, `None` of one that is shown as it is stored. Columns
    /// of the table that follow them serve the condition alone.
    masks: Vec<Option<Mask>>,
    schema: SchemaRef,
    warrant: Warrant,
    /// Of rows about single people: where is noted whose are read.
    seen: Option<Arc<Seen>>,
}

impl Secured {
    pub(super) fn new(
        inner: Arc<dyn TableProvider>,
        condition: Expr,
        masks: Vec<Option<Mask>>,
        warrant: Warrant,
    ) -> Self {
        let held = inner.schema();
        let columns = held.fields().iter().zip(&masks).map(|(column, mask)| {
            let column = column.as_ref().clone();
            match mask {
                None => column,
                Some(Mask::Function(_)) => column.with_metadata(Default::default()),
                Some(Mask::Null) => Field::new(column.name(), column.data_type().clone(), true),
            }
        });
        let schema = Schema::new(columns.collect::<Vec<_>>()).with_metadata(held.metadata.clone());
        Self {
            inner,
            condition,
            masks,
            schema: Arc::new(schema),
            warrant,
            seen: None,
        }
    }

    /// Of rows about single people; whose are read is noted there.
    pub(super) fn of_people(mut self, seen: &Arc<Seen>) -> Self {
        self.seen = Some(Arc::clone(seen));
        self
    }

    /// Whether its rows are about single people.
    pub(super) fn is_of_people(&self) -> bool {
        self.seen.is_some()
    }

    /// Whether a condition of the asker may be judged of rows that are not shown.
    fn may_pass(&self, filter: &Expr) -> bool {
        let data_type = |column: &str| -> Option<DataType> {
            let place = self.schema.index_of(column).ok()?;
            self.masks[place]
                .is_none()
                .then(|| self.schema.field(place).data_type().clone())
        };
        leakproof::condition(filter, &data_type)
    }

    /// The columns that are read: those that are asked for and not hidden, those by which
    /// rows are chosen, and the one that says whose they are.
    fn read(&self, asked: &[usize]) -> Result<Vec<usize>> {
        let is_read = |place: &usize| !matches!(self.masks[*place], Some(Mask::Null));
        let mut read: Vec<usize> = asked.iter().copied().filter(is_read).collect();
        let held = self.inner.schema();
        self.condition.apply(|expr| {
            if let Expr::Column(column) = expr {
                let place = held.index_of(column.name())?;
                if !read.contains(&place) {
                    read.push(place);
                }
            }
            Ok(TreeNodeRecursion::Continue)
        })?;
        let named = self.seen.as_ref().and_then(|_| NamedBy::column(&held));
        let named = named.map(|(place, _)| place);
        read.extend(named.filter(|place| !read.contains(place)));
        Ok(read)
    }

    /// What is noted of rows that have these columns.
    fn note(&self, read: &Schema) -> Option<Note> {
        let seen = Arc::clone(self.seen.as_ref()?);
        let (column, named_by) = NamedBy::column(read)?;
        Some(Note {
            column,
            named_by,
            seen,
        })
    }

    /// What makes a column of those that were read, in the order of `read`.
    fn made(&self, place: usize, read: &[usize], held: &Schema) -> Result<Arc<dyn PhysicalExpr>> {
        let field = self.schema.field(place);
        let column = || -> Arc<dyn PhysicalExpr> {
            let position = read.iter().position(|column| *column == place);
            let position = position.expect("what is not NULL is read");
            Arc::new(Column::new(held.field(position).name(), position))
        };
        Ok(match &self.masks[place] {
            None => column(),
            Some(Mask::Null) => {
                let null = ScalarValue::try_new_null(field.data_type())?;
                Arc::new(Literal::new(null))
            }
            Some(Mask::Function(function)) => Arc::new(ScalarFunctionExpr::new(
                function.name(),
                Arc::clone(function),
                vec![column()],
                Arc::new(field.clone()),
                Arc::new(ConfigOptions::default()),
            )),
        })
    }
}

#[async_trait]
impl TableProvider for Secured {
    fn schema(&self) -> SchemaRef {
        Arc::clone(&self.schema)
    }

    fn table_type(&self) -> TableType {
        self.inner.table_type()
    }

    /// A condition that may pass helps to read less, and is judged once more above.
    fn supports_filters_pushdown(
        &self,
        filters: &[&Expr],
    ) -> Result<Vec<TableProviderFilterPushDown>> {
        let each = filters.iter().map(|filter| match self.may_pass(filter) {
            true => TableProviderFilterPushDown::Inexact,
            false => TableProviderFilterPushDown::Unsupported,
        });
        Ok(each.collect())
    }

    /// No limit goes below: rows that are not shown would count.
    async fn scan(
        &self,
        state: &dyn Session,
        projection: Option<&Vec<usize>>,
        filters: &[Expr],
        _: Option<usize>,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        let all: Vec<usize>;
        let asked = match projection {
            Some(asked) => asked,
            None => {
                all = (0..self.masks.len()).collect();
                &all
            }
        };
        let read = self.read(asked)?;
        let passing = filters.iter().filter(|filter| self.may_pass(filter));
        let mut below = split_conjunction_owned(self.condition.clone());
        below.extend(passing.cloned());
        let rows = self.inner.scan(state, Some(&read), &below, None).await?;
        let held = rows.schema();
        let columns = DFSchema::try_from(held.as_ref().clone())?;
        let condition = state.create_physical_expr(self.condition.clone(), &columns)?;
        let made = asked.iter().map(|place| self.made(*place, &read, &held));
        let made = made.collect::<Result<Vec<_>>>()?;
        let shown = Arc::new(self.schema.project(asked)?);
        let barrier = SecurityBarrierExec::new(
            rows,
            condition,
            made,
            shown,
            state.config().target_partitions(),
            self.warrant,
        );
        Ok(Arc::new(barrier.with_note(self.note(&held))))
    }
}
