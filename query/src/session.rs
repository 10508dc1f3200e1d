//! From a statement that may run to the stream of its rows.

use std::sync::{Arc, LazyLock};

use chrono::{DateTime, Utc};
use datafusion::catalog::TableProvider;
use datafusion::common::internal_datafusion_err;
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
use lake::{LakeError, LakeTable};
use runtime::Clock;
use schemas::{Report, Table};
use serde_json::Value;

use crate::catalog::{CATALOG, Catalog, Named, SCHEMA};
use crate::error::Error;
use crate::freshness::Freshness;
use crate::functions::Charge;
use crate::guard::{self, Allowed};
use crate::information_schema::{self, Entry};
use crate::listing;
use crate::report::{self, Shape};
use crate::roster::{self, Sight};
use crate::snapshot::Snapshot;
use crate::tables::Tables;
use crate::{Principal, failure, functions, params};

/// Makes a session for each query.
pub(crate) struct Sessions {
    tables: Tables,
    freshness: Freshness,
    clock: Clock,
    /// What all sessions have in common; it has no catalog.
    template: SessionState,
}

/// How fresh a report is.
pub(crate) struct Fresh {
    pub(crate) report: &'static Report,
    pub(crate) data_as_of: Option<DateTime<Utc>>,
    /// Whether it is being computed by a new definition.
    pub(crate) is_outdated: bool,
}

/// A query under way.
pub(crate) struct Running {
    pub(crate) rows: SendableRecordBatchStream,
    pub(crate) data_as_of: Option<DateTime<Utc>>,
}

impl Sessions {
    pub(crate) fn new(tables: Tables, clock: Clock, cores: usize) -> Self {
        Self {
            tables,
            clock,
            freshness: Freshness::default(),
            template: template(cores),
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
        let snapshot = self.snapshot(principal, &named).await?;
        let state = self
            .mount(principal, &named, &snapshot, runtime_env)
            .await?;
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
        start(&state, &plan, snapshot.as_of(&named)).await
    }

    /// Plans and starts one page of a report.
    pub(crate) async fn page(
        &self,
        principal: &Principal,
        report: &'static Report,
        request: &report::Request,
        runtime_env: &Arc<RuntimeEnv>,
    ) -> Result<Running, Error> {
        let named = Named::reports([report]);
        let snapshot = self.snapshot(principal, &named).await?;
        let state = self
            .mount(principal, &named, &snapshot, runtime_env)
            .await?;
        let plan = async {
            let rows = state
                .schema_for_ref(report.name)?
                .table(report.name)
                .await?;
            let rows =
                rows.ok_or_else(|| internal_datafusion_err!("{} is mounted", report.name))?;
            report::plan(rows, &Shape::of(report), request)
        };
        let plan = plan.await.map_err(ours)?;
        let plan = functions::within_bounds(plan).map_err(ours)?;
        start(&state, &plan, snapshot.report_as_of(report)).await
    }

    /// Every report, and how fresh it is. What cannot be read is as fresh as
    /// nothing.
    pub(crate) async fn freshness(&self, principal: &Principal) -> Result<Vec<Fresh>, Error> {
        let named = Named::reports(schemas::reports());
        let snapshot = self.look(principal, &named).await?;
        let reports = schemas::reports().iter().map(|report| Fresh {
            report,
            data_as_of: snapshot.report_as_of(report),
            is_outdated: snapshot.is_outdated(report),
        });
        Ok(reports.collect())
    }

    /// What is named, all of it true and to be read.
    async fn snapshot(&self, principal: &Principal, named: &Named) -> Result<Snapshot, Error> {
        let snapshot = self.look(principal, named).await?;
        let snapshot = snapshot.check(&named.tables).map_err(unavailable)?;
        match snapshot.outdated(&named.tables) {
            Some(table) => Err(Error::Recomputing {
                report: table.as_str(),
            }),
            None => Ok(snapshot),
        }
    }

    async fn look(&self, principal: &Principal, named: &Named) -> Result<Snapshot, Error> {
        Snapshot::take(principal, named, &self.tables, &self.freshness)
            .await
            .map_err(unavailable)
    }

    /// A session in which exactly what is named exists.
    async fn mount(
        &self,
        principal: &Principal,
        named: &Named,
        snapshot: &Snapshot,
        runtime_env: &Arc<RuntimeEnv>,
    ) -> Result<SessionState, Error> {
        let catalog = Catalog::new().map_err(ours)?;
        let state = self.state(&catalog, runtime_env);
        for table in &named.tables {
            let rows = provider(*table, snapshot.table(*table), &state).map_err(ours)?;
            catalog.mount(table.as_str(), rows).map_err(ours)?;
        }
        self.mount_rosters(principal, named, snapshot, &catalog, &state)
            .await?;
        for view in &named.views {
            let plan = state.create_logical_plan(view.sql).await.map_err(ours)?;
            let rows = Arc::new(ViewTable::new(plan, None));
            catalog.mount(view.name, rows).map_err(ours)?;
        }
        if named.information_schema {
            let schema = information_schema::schema(&ENTRIES).map_err(ours)?;
            catalog.mount_information_schema(schema).map_err(ours)?;
        }
        Ok(state)
    }

    /// The tables of rosters and the listings, with what the asker may see of people.
    async fn mount_rosters(
        &self,
        principal: &Principal,
        named: &Named,
        snapshot: &Snapshot,
        catalog: &Catalog,
        state: &SessionState,
    ) -> Result<(), Error> {
        let sight = Sight::of(principal.role);
        for table in &named.rosters {
            let rows = provider(*table, snapshot.roster().table(*table), state).map_err(ours)?;
            let class = |column: &str| schemas::column_class(*table, column);
            let seen = sight.of_rows(rows, class).map_err(ours)?;
            let seen = match table {
                Table::RosterHistory(entity) => {
                    let versions = roster::versions(&self.template, *entity, seen).await;
                    versions.map_err(ours)?
                }
                _ => seen,
            };
            catalog.mount(table.as_str(), seen).map_err(ours)?;
        }
        for listing in &named.listings {
            let rows = listing::rows(
                *listing,
                self.tables.lake(),
                &principal.tenant,
                self.clock.now(),
            );
            let rows = rows.await?;
            let seen = sight.of_rows(rows, |column| listing.class(column));
            catalog
                .mount(listing.name(), seen.map_err(ours)?)
                .map_err(ours)?;
        }
        Ok(())
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

/// Everything that sessions can name.
pub(crate) static ENTRIES: LazyLock<Vec<Entry>> = LazyLock::new(Entry::all);

/// The rows of a table as it is held: none when nothing was published to it yet.
fn provider(
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

pub(crate) fn unavailable(error: LakeError) -> Error {
    Error::Unavailable(Box::new(error))
}

async fn start(
    state: &SessionState,
    plan: &LogicalPlan,
    data_as_of: Option<DateTime<Utc>>,
) -> Result<Running, Error> {
    let plan = state.create_physical_plan(plan).await;
    let rows = plan
        .and_then(|plan| execute_stream(plan, state.task_ctx()))
        .map_err(failure::explain)?;
    Ok(Running { rows, data_as_of })
}

pub(crate) fn ours(error: DataFusionError) -> Error {
    Error::Internal(Box::new(error))
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
        .with_analyzer_rule(Arc::new(functions::CheckedArithmetic))
        .with_expr_planners(functions::planners())
        .with_scalar_functions(functions::scalar())
        .with_higher_order_functions(functions::higher_order())
        .with_aggregate_functions(functions::aggregate())
        .with_window_functions(functions::window())
        .with_table_functions(functions::table())
        .build()
}

#[cfg(test)]
mod tests {
    use datafusion::arrow::datatypes::Schema;

    use super::*;

    #[tokio::test]
    async fn views_have_the_columns_and_the_sources_that_their_headers_say() {
        for view in crate::catalog::views() {
            let catalog = Catalog::new().expect("a catalog");
            let state = SessionStateBuilder::new_from_existing(template(1))
                .with_catalog_list(catalog.list())
                .build();
            // Exactly these: a source that is missing makes no plan.
            for table in &view.sources {
                let rows = Arc::new(EmptyTable::new(schemas::columns(*table)));
                catalog.mount(table.as_str(), rows).expect("mounted");
            }
            let plan = state.create_logical_plan(view.sql).await;
            let plan = plan.expect("a plan over its sources");
            let columns = |schema: &Schema| -> Vec<(String, String)> {
                let fields = schema.fields().iter();
                fields
                    .map(|field| (field.name().clone(), crate::types::name(field.data_type())))
                    .collect()
            };
            let expected = columns(view.schema());
            assert_eq!(columns(plan.schema().as_arrow()), expected, "{}", view.name);
        }
    }
}
