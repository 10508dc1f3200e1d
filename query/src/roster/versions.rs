//! A history as SQL sees it: a view over the versions that are stored.

use std::sync::Arc;

use datafusion::catalog::TableProvider;
use datafusion::datasource::ViewTable;
use datafusion::error::Result;
use datafusion::execution::session_state::{SessionState, SessionStateBuilder};
use schemas::roster::{Entity, versions_sql};

use crate::catalog::Catalog;

/// All versions of an entity's rows with `superseded_at`, over `stored`, the rows of its
/// history. A condition on the key goes down to them; any other is judged after the next
/// version of each row was found, since that may be a row to which it does not apply.
pub(crate) async fn versions(
    template: &SessionState,
    entity: Entity,
    stored: Arc<dyn TableProvider>,
) -> Result<Arc<dyn TableProvider>> {
    // A catalog of its own: the view has the name of what it reads.
    let catalog = Catalog::new()?;
    catalog.mount(entity.history_name(), stored)?;
    let state = SessionStateBuilder::new_from_existing(template.clone())
        .with_catalog_list(catalog.list())
        .build();
    let plan = state.create_logical_plan(&versions_sql(entity)).await?;
    Ok(Arc::new(ViewTable::new(plan, None)))
}
