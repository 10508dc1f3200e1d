//! From a statement that may run to the stream of its rows.

use std::sync::Arc;

use chrono::{DateTime, Utc};
use datafusion::catalog::TableProvider;
use datafusion::datasource::ViewTable;
use datafusion::datasource::empty::EmptyTable;
use datafusion::error::{DataFusionError, Result};
use datafusion::execution::SendableRecordBatchStream;
use datafusion::execution::config::SessionConfig;
use datafusion::execution::context::SQLOptions;
use datafusion::execution::runtime_env::RuntimeEnv;
use datafusion::execution::session_state::{SessionState, SessionStateBuilder};
use datafusion::logical_expr::LogicalPlan;
use datafusion::physical_plan::execute_stream;
use schemas::Table;
use serde_json::Value;
use tokio::sync::OnceCell;

use crate::catalog::{CATALOG, Catalog, Named, SCHEMA, Snapshot};
use crate::error::Error;
use crate::freshness::Freshness;
use crate::functions::Charge;
use crate::guard::{self, Allowed};
use crate::information_schema::{self, Entry};
use crate::tables::Tables;
use crate::{Principal, failure, functions, params};

/// Makes a session for each query.
pub(crate) struct Sessions {
    tables: Tables,
    freshness: Freshness,
    /// What all sessions have in common; it has no catalog.
    template: SessionState,
    entries: OnceCell<Vec<Entry>>,
}

/// A query under way.
pub(crate) struct Running {
    pub(crate) rows: SendableRecordBatchStream,
    pub(crate) data_as_of: Option<DateTime<Utc>>,
}

impl Sessions {
    pub(crate) fn new(tables: Tables, cores: usize) -> Self {
        Self {
            tables,
            freshness: Freshness::default(),
            template: template(cores),
            entries: OnceCell::new(),
        }
    }

    /// Plans and starts a statement.
    pub(crate) async fn run(
        &self,
        principal: &Principal,
        allowed: Allowed,
        params: &[Value],
        runtime_env: &Arc<RuntimeEnv>,
    ) -> Result<Running, Error> {
        let references = self
            .template
            .resolve_table_references(&allowed.statement)
            .map_err(failure::explain)?;
        let named = Named::by(&references);
        let snapshot = Snapshot::take(principal, &named, &self.tables, &self.freshness)
            .await
            .map_err(|error| Error::Unavailable(Box::new(error)))?;
        let data_as_of = snapshot.data_as_of;

        let state = self.mount(&named, &snapshot, runtime_env).await?;
        let plan = state
            .statement_to_plan(allowed.statement)
            .await
            .map_err(failure::explain)?;
        verify(&plan)?;
        let plan = params::bind(plan, params)?;
        let plan = functions::within_bounds(plan).map_err(failure::explain)?;
        if let Some(detail) = guard::inlined(&plan).map_err(failure::explain)? {
            return Err(Error::TooComplex { detail });
        }
        let plan = state.create_physical_plan(&plan).await;
        let rows = plan
            .and_then(|plan| execute_stream(plan, state.task_ctx()))
            .map_err(failure::explain)?;
        Ok(Running { rows, data_as_of })
    }

    /// All that a session can name, with its columns.
    pub(crate) async fn entries(&self) -> Result<&[Entry], Error> {
        let entries = self.entries.get_or_try_init(|| async {
            let named = Named::all_views();
            let catalog = Catalog::new()?;
            let state = self.state(&catalog, self.template.runtime_env());
            mount_tables(&catalog, &Snapshot::empty(&named), &state)?;

            let tables = Table::all().map(|table| Entry {
                name: table.as_str(),
                kind: "BASE TABLE",
                columns: schemas::columns(table),
            });
            let mut entries: Vec<Entry> = tables.collect();
            for view in named.views {
                let plan = state.create_logical_plan(view.sql).await?;
                entries.push(Entry {
                    name: view.name,
                    kind: "VIEW",
                    columns: Arc::clone(plan.schema().inner()),
                });
            }
            Ok::<_, DataFusionError>(entries)
        });
        let entries = entries
            .await
            .map_err(|error| Error::Internal(Box::new(error)))?;
        Ok(entries)
    }

    /// A session in which exactly what is named exists.
    async fn mount(
        &self,
        named: &Named,
        snapshot: &Snapshot,
        runtime_env: &Arc<RuntimeEnv>,
    ) -> Result<SessionState, Error> {
        let ours = |error| Error::Internal(Box::new(error));
        let catalog = Catalog::new().map_err(ours)?;
        let state = self.state(&catalog, runtime_env);
        mount_tables(&catalog, snapshot, &state).map_err(ours)?;
        for view in &named.views {
            let plan = state.create_logical_plan(view.sql).await.map_err(ours)?;
            let provider = Arc::new(ViewTable::new(plan, None));
            catalog.mount(view.name, provider).map_err(ours)?;
        }
        if named.information_schema {
            let schema = information_schema::schema(self.entries().await?).map_err(ours)?;
            catalog.mount_information_schema(schema).map_err(ours)?;
        }
        Ok(state)
    }

    fn state(&self, catalog: &Catalog, runtime_env: &Arc<RuntimeEnv>) -> SessionState {
        let mut config = self.template.config().clone();
        let charge = Charge::to(&runtime_env.memory_pool);
        config.options_mut().extensions.insert(charge);
        let mut state = SessionStateBuilder::new_from_existing(self.template.clone())
            .with_catalog_list(catalog.list())
            .with_runtime_env(Arc::clone(runtime_env))
            .with_config(config)
            .build();
        state.mark_start_execution();
        state
    }
}

fn mount_tables(catalog: &Catalog, snapshot: &Snapshot, state: &SessionState) -> Result<()> {
    for (table, pinned) in &snapshot.tables {
        let provider: Arc<dyn TableProvider> = match pinned {
            Some(pinned) => pinned
                .provider(state)
                .map_err(|error| DataFusionError::External(Box::new(error)))?,
            None => Arc::new(EmptyTable::new(schemas::columns(*table))),
        };
        catalog.mount(table.as_str(), provider)?;
    }
    Ok(())
}

/// The guard reads the syntax; this looks at what the syntax came to mean.
fn verify(plan: &LogicalPlan) -> Result<(), Error> {
    SQLOptions::new()
        .with_allow_ddl(false)
        .with_allow_dml(false)
        .with_allow_statements(false)
        .verify_plan(plan)
        .map_err(|_| guard::not_allowed("A statement that changes something"))
}

/// Everything a session has but its catalog: no file formats and no table
/// factories, so that no path or address means anything to it.
fn template(cores: usize) -> SessionState {
    let mut config = SessionConfig::new()
        .with_target_partitions(cores)
        .with_default_catalog_and_schema(CATALOG, SCHEMA)
        .with_create_default_catalog_and_schema(false)
        // Ours takes its place: see `information_schema.rs`.
        .with_information_schema(false);
    let options = config.options_mut();
    options.execution.time_zone = Some("UTC".to_owned());
    options.execution.parquet.pushdown_filters = true;
    options.execution.parquet.reorder_filters = true;
    // Text is `Utf8` in the tables: the same in casts and literals.
    options.sql_parser.map_string_types_to_utf8view = false;
    options.execution.parquet.schema_force_view_types = false;
    SessionStateBuilder::new()
        .with_config(config)
        .with_expr_planners(functions::planners())
        .with_scalar_functions(functions::scalar())
        .with_higher_order_functions(functions::higher_order())
        .with_aggregate_functions(functions::aggregate())
        .with_window_functions(functions::window())
        .with_table_functions(functions::table())
        .build()
}
