//! A table some of whose columns are hidden.
//!
//! What is hidden is not read: above the table there is nothing of it that a predicate, a
//! cast that fails, statistics or a plan could tell. The same holds for identifiers, which
//! become pseudonyms right above the files.

use std::sync::Arc;

use async_trait::async_trait;
use datafusion::arrow::datatypes::{Field, Schema, SchemaRef};
use datafusion::catalog::{Session, TableProvider};
use datafusion::common::ScalarValue;
use datafusion::config::ConfigOptions;
use datafusion::error::Result;
use datafusion::logical_expr::{Expr, ScalarUDF, TableProviderFilterPushDown, TableType};
use datafusion::physical_expr::expressions::{Column, Literal};
use datafusion::physical_expr::{PhysicalExpr, ScalarFunctionExpr};
use datafusion::physical_plan::ExecutionPlan;
use datafusion::physical_plan::projection::{ProjectionExec, ProjectionExpr};

/// What stands in a column's place.
#[derive(Debug, Clone)]
pub(super) enum Mask {
    /// Nothing.
    Null,
    /// A pseudonym of the text.
    Pseudonym(Arc<ScalarUDF>),
}

/// A table behind masks.
#[derive(Debug)]
pub(super) struct Masked {
    inner: Arc<dyn TableProvider>,
    /// For each column of the table; none of one that is shown.
    masks: Vec<Option<Mask>>,
    columns: SchemaRef,
}

impl Masked {
    pub(super) fn new(inner: Arc<dyn TableProvider>, masks: Vec<Option<Mask>>) -> Self {
        let held = inner.schema();
        let columns = held.fields().iter().zip(&masks).map(|(column, mask)| {
            let column = column.as_ref().clone();
            match mask {
                None => column,
                Some(Mask::Pseudonym(_)) => column.with_metadata(Default::default()),
                Some(Mask::Null) => Field::new(column.name(), column.data_type().clone(), true),
            }
        });
        let columns = Schema::new(columns.collect::<Vec<_>>()).with_metadata(held.metadata.clone());
        Self {
            inner,
            masks,
            columns: Arc::new(columns),
        }
    }

    fn is_shown(&self, column: &str) -> bool {
        let at = self.columns.index_of(column);
        at.is_ok_and(|at| self.masks[at].is_none())
    }

    /// Whether a condition is about nothing but what is shown.
    fn is_about_shown(&self, condition: &Expr) -> bool {
        let columns = condition.column_refs();
        columns.iter().all(|column| self.is_shown(column.name()))
    }

    /// What makes a column of those that were read, in the order of `read`.
    fn made(&self, at: usize, read: &[usize], held: &Schema) -> Result<ProjectionExpr> {
        let field = self.columns.field(at);
        let column = || -> Arc<dyn PhysicalExpr> {
            let position = read.iter().position(|column| *column == at);
            let position = position.expect("what is not NULL is read");
            Arc::new(Column::new(held.field(position).name(), position))
        };
        let expr: Arc<dyn PhysicalExpr> = match &self.masks[at] {
            None => column(),
            Some(Mask::Null) => {
                let null = ScalarValue::try_new_null(field.data_type())?;
                Arc::new(Literal::new(null))
            }
            Some(Mask::Pseudonym(pseudonym)) => Arc::new(ScalarFunctionExpr::new(
                pseudonym.name(),
                Arc::clone(pseudonym),
                vec![column()],
                Arc::new(field.clone()),
                Arc::new(ConfigOptions::default()),
            )),
        };
        Ok(ProjectionExpr {
            expr,
            alias: field.name().clone(),
        })
    }
}

#[async_trait]
impl TableProvider for Masked {
    fn schema(&self) -> SchemaRef {
        Arc::clone(&self.columns)
    }

    fn table_type(&self) -> TableType {
        self.inner.table_type()
    }

    fn supports_filters_pushdown(
        &self,
        filters: &[&Expr],
    ) -> Result<Vec<TableProviderFilterPushDown>> {
        let each = filters.iter().map(|filter| {
            if !self.is_about_shown(filter) {
                return Ok(TableProviderFilterPushDown::Unsupported);
            }
            let supported = self.inner.supports_filters_pushdown(&[*filter])?;
            Ok(supported
                .into_iter()
                .next()
                .unwrap_or(TableProviderFilterPushDown::Unsupported))
        });
        each.collect()
    }

    async fn scan(
        &self,
        state: &dyn Session,
        projection: Option<&Vec<usize>>,
        filters: &[Expr],
        limit: Option<usize>,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        let all: Vec<usize>;
        let asked = match projection {
            Some(asked) => asked,
            None => {
                all = (0..self.masks.len()).collect();
                &all
            }
        };
        let is_read = |at: &usize| !matches!(self.masks[*at], Some(Mask::Null));
        let read: Vec<usize> = asked.iter().copied().filter(is_read).collect();
        let rows = self.inner.scan(state, Some(&read), filters, limit).await?;
        if asked.iter().all(|at| self.masks[*at].is_none()) {
            return Ok(rows);
        }
        let held = rows.schema();
        let made = asked.iter().map(|at| self.made(*at, &read, &held));
        let made = made.collect::<Result<Vec<_>>>()?;
        Ok(Arc::new(ProjectionExec::try_new(made, rows)?))
    }
}
