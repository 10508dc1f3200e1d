//! The rows of a table, of which a scan is asked no condition that it would judge wrongly.

use std::sync::Arc;

use async_trait::async_trait;
use deltalake::datafusion::arrow::datatypes::SchemaRef;
use deltalake::datafusion::catalog::{Session, TableProvider};
use deltalake::datafusion::common::tree_node::TreeNode;
use deltalake::datafusion::error::DataFusionError;
use deltalake::datafusion::logical_expr::{Expr, TableProviderFilterPushDown, TableType};
use deltalake::datafusion::physical_plan::ExecutionPlan;

/// A scan of a table's files, and above it what it cannot be trusted with.
///
/// Deltalake says of a condition over no columns that its scan judges it, as one over
/// partitions alone; but what is NULL only skips no file there, and SQL drops the row. So
/// `a = NULL AND b = 1`, of which the optimizer makes `NULL` and `b = 1`, had the rows of
/// `b = 1`.
#[derive(Debug)]
pub(crate) struct Rows<S> {
    scan: S,
}

impl<S> Rows<S> {
    pub(crate) fn of(scan: S) -> Self {
        Self { scan }
    }
}

/// Whether a condition can be NULL though no column is.
fn may_be_null(condition: &Expr) -> bool {
    let is_null = |expr: &Expr| Ok(matches!(expr, Expr::Literal(value, _) if value.is_null()));
    condition.exists(is_null).unwrap_or(true)
}

#[async_trait]
impl<S: TableProvider> TableProvider for Rows<S> {
    fn schema(&self) -> SchemaRef {
        self.scan.schema()
    }

    fn table_type(&self) -> TableType {
        self.scan.table_type()
    }

    async fn scan(
        &self,
        session: &dyn Session,
        projection: Option<&Vec<usize>>,
        filters: &[Expr],
        limit: Option<usize>,
    ) -> Result<Arc<dyn ExecutionPlan>, DataFusionError> {
        self.scan.scan(session, projection, filters, limit).await
    }

    fn supports_filters_pushdown(
        &self,
        filters: &[&Expr],
    ) -> Result<Vec<TableProviderFilterPushDown>, DataFusionError> {
        let of_scan = self.scan.supports_filters_pushdown(filters)?;
        let each = filters.iter().zip(of_scan).map(|(filter, of_scan)| {
            match filter.column_refs().is_empty() || may_be_null(filter) {
                true => TableProviderFilterPushDown::Unsupported,
                false => of_scan,
            }
        });
        Ok(each.collect())
    }
}
