//! The roster tables of one query.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use chrono::{DateTime, Utc};
use futures::future::try_join_all;
use lake::imports::Import;
use lake::{LakeError, LakeTable};
use schemas::{Table, TenantId};

use crate::tables::Tables;

/// The roster tables that a query names, all as one import has left them.
#[derive(Default)]
pub(crate) struct Roster {
    import: Option<Arc<Import>>,
    tables: BTreeMap<Table, LakeTable>,
}

impl Roster {
    /// Reads the newest import's document, once, and opens each table at the version
    /// that it names: what other imports write meanwhile is in none of them.
    pub(crate) async fn take(
        tenant: &TenantId,
        named: &BTreeSet<Table>,
        tables: &Tables,
    ) -> Result<Self, LakeError> {
        if named.is_empty() {
            return Ok(Self::default());
        }
        let Some(import) = tables.newest_import(tenant).await? else {
            return Ok(Self::default());
        };
        let known = named.iter();
        let known = known.filter_map(|table| Some((*table, import.version(*table)?)));
        let opening = known.map(async |(table, version)| {
            let opened = tables.pin_at(tenant, table, version).await?;
            Ok::<_, LakeError>(opened.map(|opened| (table, opened)))
        });
        let opened = try_join_all(opening).await?;
        Ok(Self {
            import: Some(import),
            tables: opened.into_iter().flatten().collect(),
        })
    }

    /// A table as it is held; `None` when it has no rows.
    pub(crate) fn table(&self, table: Table) -> Option<&LakeTable> {
        self.tables.get(&table)
    }

    /// When the import was complete.
    pub(crate) fn imported_at(&self) -> Option<DateTime<Utc>> {
        Some(self.import.as_ref()?.finished_at)
    }
}
