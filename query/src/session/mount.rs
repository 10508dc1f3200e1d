//! Sessions in which exactly what a query names exists.

use std::sync::Arc;

use datafusion::catalog::TableProvider;
use datafusion::datasource::empty::EmptyTable;
use datafusion::error::{DataFusionError, Result};
use datafusion::execution::runtime_env::RuntimeEnv;
use datafusion::execution::session_state::{SessionState, SessionStateBuilder};
use lake::LakeTable;
use schemas::roster::Class;
use schemas::{Table, TenantId};

use super::{Means, Sessions, entries, ours};
use crate::catalog::{Catalog, Named, view};
use crate::error::Error;
use crate::functions::Charge;
use crate::interrupt::Interrupt;
use crate::secure::{self, Sight, Source};
use crate::snapshot::Snapshot;
use crate::{information_schema, listing, roster};

impl Sessions {
    /// A session in which exactly what is named exists, as its asker sees it.
    pub(super) async fn mount(
        &self,
        sight: &Sight,
        named: &Named,
        snapshot: &Snapshot,
        means: &Means,
        tenant: &TenantId,
    ) -> Result<SessionState, Error> {
        let catalog = Catalog::new().map_err(ours)?;
        let state = self.state(&catalog, &means.runtime_env, &means.interrupt);
        let asked = secure::Asked {
            tenant,
            cells: &self.cells,
            snapshot,
            state: &state,
            interrupt: &means.interrupt,
        };
        for source in named.sources() {
            let rows = self.rows(source, snapshot, &state, tenant).await?;
            let class = |column: &str| class(source, column);
            let seen = sight.of_rows(source, rows, class, &asked).await;
            catalog.mount(source.name(), seen?).map_err(ours)?;
        }
        if named.information_schema {
            let entries = entries(sight.principal());
            let seen = |rows| sight.of_anybody(rows);
            let schema = information_schema::schema(&entries, seen).map_err(ours)?;
            catalog.mount_information_schema(schema).map_err(ours)?;
        }
        Ok(state)
    }

    /// The rows of a source as they are held.
    async fn rows(
        &self,
        source: Source,
        snapshot: &Snapshot,
        state: &SessionState,
        tenant: &TenantId,
    ) -> Result<Arc<dyn TableProvider>, Error> {
        match source {
            Source::Table(table @ Table::Roster(_)) => {
                provider(table, snapshot.roster().table(table), state).map_err(ours)
            }
            Source::Table(table @ Table::RosterHistory(entity)) => {
                let stored = provider(table, snapshot.roster().table(table), state);
                let stored = stored.map_err(ours)?;
                let versions = roster::versions(&self.template, entity, stored).await;
                versions.map_err(ours)
            }
            Source::Table(table) => provider(table, snapshot.table(table), state).map_err(ours),
            Source::View(report) => {
                let sources = report.sources.iter().map(|table| {
                    let rows = provider(*table, snapshot.table(*table), state)?;
                    Ok((table.as_str(), rows))
                });
                let sources = sources.collect::<Result<Vec<_>>>().map_err(ours)?;
                view(&self.template, sources, report.sql)
                    .await
                    .map_err(ours)
            }
            Source::Listing(listing) => {
                let asked = listing::Asked {
                    lake: self.tables.lake(),
                    registry: &self.registry,
                    tenant,
                    now: self.clock.now(),
                };
                listing::rows(listing, &asked).await
            }
        }
    }

    pub(super) fn state(
        &self,
        catalog: &Catalog,
        runtime_env: &Arc<RuntimeEnv>,
        interrupt: &Interrupt,
    ) -> SessionState {
        let mut config = self.template.config().clone();
        let extensions = &mut config.options_mut().extensions;
        extensions.insert(Charge::to(&runtime_env.memory_pool));
        extensions.insert(interrupt.clone());
        let mut state = SessionStateBuilder::new_from_existing(self.template.clone())
            .with_catalog_list(catalog.list())
            .with_runtime_env(Arc::clone(runtime_env))
            .with_config(config)
            .build();
        state.mark_start_execution();
        state
    }
}

/// What a column of a source tells about people.
fn class(source: Source, column: &str) -> Class {
    match source {
        Source::Table(table) => schemas::column_class(table, column),
        Source::View(report) => information_schema::class_of_view(report, column),
        Source::Listing(listing) => listing.class(column),
    }
}

/// The rows of a table as it is held: none when nothing was published to it yet.
pub(super) fn provider(
    table: Table,
    held: Option<&LakeTable>,
    state: &SessionState,
) -> Result<Arc<dyn TableProvider>> {
    match held {
        Some(pinned) => pinned
            .provider(state)
            .map_err(|error| DataFusionError::External(Box::new(error))),
        None => Ok(Arc::new(EmptyTable::new(schemas::columns(table)))),
    }
}
