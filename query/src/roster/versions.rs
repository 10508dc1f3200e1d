//! A history as SQL sees it: a view over the versions that are stored.

use std::sync::Arc;

use datafusion::catalog::TableProvider;
use datafusion::error::Result;
use datafusion::execution::session_state::SessionState;
use schemas::roster::{Entity, versions_sql};

use crate::catalog::view;

/// All versions of an entity's rows with `superseded_at`, over `stored`, the rows of its
/// history. A condition on the key goes down to them; any other is judged after the next
/// version of each row was found, since that may be a row to which it does not apply.
pub(crate) async fn versions(
    template: &SessionState,
    entity: Entity,
    stored: Arc<dyn TableProvider>,
) -> Result<Arc<dyn TableProvider>> {
    view(
        template,
        [(entity.history_name(), stored)],
        &versions_sql(entity),
    )
    .await
}
