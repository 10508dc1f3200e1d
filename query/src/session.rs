//! From a statement that may run to the stream of its rows.

mod template;

use std::sync::{Arc, LazyLock};

use chrono::{DateTime, NaiveDate, Utc};
use datafusion::catalog::TableProvider;
use datafusion::common::internal_datafusion_err;
use datafusion::datasource::empty::EmptyTable;
use datafusion::error::{DataFusionError, Result};
use datafusion::execution::SendableRecordBatchStream;
use datafusion::execution::context::{SQLOptions, SessionContext};
use datafusion::execution::runtime_env::RuntimeEnv;
use datafusion::execution::session_state::{SessionState, SessionStateBuilder};
use datafusion::logical_expr::LogicalPlan;
use datafusion::physical_plan::execute_stream;
use lake::{LakeError, LakeTable};
use runtime::Clock;
use schemas::roster::Class;
use schemas::{Report, Role, Table, TenantId, Visibility};
use serde_json::json;

use crate::catalog::{Catalog, Named, view};
use crate::error::Error;
use crate::freshness::Freshness;
use crate::functions::Charge;
use crate::guard::{self, Allowed};
use crate::information_schema::{self, Entry};
use crate::interrupt::Interrupt;
use crate::listing;
use crate::report::{self, Shape};
use crate::request::Question;
use crate::results::{Key, Results, is_settled, names_only_settled};
use crate::roster;
use crate::roster::Roster;
use crate::secure::{self, Scope, Scopes, Sight, Source, may_name};
use crate::snapshot::Snapshot;
use crate::tables::Tables;
use crate::{Principal, failure, functions, params};

use self::template::template;

/// Of how many people is kept what the roster says of them.
const SCOPES: usize = 4096;

/// Makes a session for each query.
pub(crate) struct Sessions {
    tables: Tables,
    freshness: Freshness,
    scopes: Scopes,
    results: Arc<Results>,
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

/// By which roster, on which day, is decided what is somebody's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Decided {
    /// The number of the import.
    pub(crate) import: u64,
    pub(crate) day: NaiveDate,
}

/// With what a query works.
pub(crate) struct Means {
    /// The memory and files that the tenant's queries share.
    pub(crate) runtime_env: Arc<RuntimeEnv>,
    /// What ends it.
    pub(crate) interrupt: Interrupt,
}

/// A query under way.
pub(crate) struct Running {
    pub(crate) rows: SendableRecordBatchStream,
    pub(crate) data_as_of: Option<DateTime<Utc>>,
}

impl Sessions {
    pub(crate) fn new(tables: Tables, results: Results, clock: Clock, cores: usize) -> Self {
        Self {
            tables,
            results: Arc::new(results),
            clock,
            freshness: Freshness::default(),
            scopes: Scopes::new(SCOPES),
            template: template(cores),
        }
    }

    /// Plans and starts a statement.
    pub(crate) async fn run(
        &self,
        principal: &Principal,
        allowed: Allowed,
        question: &Question,
        means: &Means,
    ) -> Result<Running, Error> {
        let references = self
            .template
            .resolve_table_references(&allowed.statement)
            .map_err(failure::explain)?;
        let named = Named::by(&references);
        let sight = self.sight(principal, &named, means).await?;
        let snapshot = self.snapshot(principal, &named).await?;
        let data_as_of = snapshot.as_of(&named);
        let asked = json!(["sql", question.sql, question.params]);
        let key = match !allowed.explains && is_settled(&question.sql) {
            true => Key::of(&sight, &named, &snapshot, &asked),
            false => None,
        };
        if let Some(rows) = self.answered(key.as_ref()).await {
            return Ok(Running { rows, data_as_of });
        }
        let state = self
            .mount(&sight, &named, &snapshot, means, &principal.tenant)
            .await?;
        let plan = state
            .statement_to_plan(allowed.statement)
            .await
            .map_err(failure::explain)?;
        verify(&plan)?;
        let plan = sight.bounded(params::bind(plan, &question.params)?)?;
        let plan = functions::within_bounds(plan, &means.interrupt).map_err(failure::explain)?;
        if let Some(detail) = guard::inlined(&plan).map_err(failure::explain)? {
            return Err(Error::TooComplex { detail });
        }
        let rows = start(&state, &sight, &plan, &means.interrupt).await?;
        let rows = self.kept(key, &sight, &plan, rows)?;
        Ok(Running { rows, data_as_of })
    }

    /// Plans and starts one page of a report, unless its asker holds it already.
    pub(crate) async fn page(
        &self,
        principal: &Principal,
        report: &'static Report,
        asked: &report::Asked,
        means: &Means,
    ) -> Result<report::Found, Error> {
        let named = Named::reports([report]);
        let sight = self.sight(principal, &named, means).await?;
        let snapshot = self.snapshot(principal, &named).await?;
        let data_as_of = snapshot.report_as_of(report);
        let question = json!(["report", report.name, asked.address]);
        let key = Key::of(&sight, &named, &snapshot, &question);
        let tag = key.map(|key| key.tag(asked.format.name()));
        if tag.as_ref().is_some_and(|tag| asked.holds.contains(tag)) {
            return Ok(report::Found {
                rows: None,
                tag,
                data_as_of,
            });
        }
        if let Some(rows) = self.answered(key.as_ref()).await {
            return Ok(report::Found {
                rows: Some(rows),
                tag,
                data_as_of,
            });
        }
        let state = self
            .mount(&sight, &named, &snapshot, means, &principal.tenant)
            .await?;
        let plan = async {
            let rows = state
                .schema_for_ref(report.name)?
                .table(report.name)
                .await?;
            let rows =
                rows.ok_or_else(|| internal_datafusion_err!("{} is mounted", report.name))?;
            report::plan(rows, &Shape::of(report), &asked.request)
        };
        let plan = sight.bounded(plan.await.map_err(ours)?)?;
        let plan = functions::within_bounds(plan, &means.interrupt).map_err(ours)?;
        let rows = start(&state, &sight, &plan, &means.interrupt).await?;
        let rows = self.kept(key, &sight, &plan, rows)?;
        Ok(report::Found {
            rows: Some(rows),
            tag,
            data_as_of,
        })
    }

    /// The rows that a question of this key was answered with.
    async fn answered(&self, key: Option<&Key>) -> Option<SendableRecordBatchStream> {
        self.results.get(key?).await
    }

    /// The rows, which the next who asks a question of this key is answered with, unless
    /// some of their values are made for this query alone.
    fn kept(
        &self,
        key: Option<Key>,
        sight: &Sight,
        plan: &LogicalPlan,
        rows: SendableRecordBatchStream,
    ) -> Result<SendableRecordBatchStream, Error> {
        match key {
            Some(key) if names_only_settled(plan, &sight.unsettled()).map_err(ours)? => {
                Ok(self.results.keep(key, rows))
            }
            _ => Ok(rows),
        }
    }

    /// Every report, and how fresh it is. What cannot be read is as fresh as
    /// nothing.
    pub(crate) async fn freshness(&self, principal: &Principal) -> Result<Vec<Fresh>, Error> {
        let shown = || {
            schemas::reports()
                .iter()
                .filter(|report| shows(principal, report))
        };
        let named = Named::reports(shown());
        let snapshot = self.look(principal, &named).await?;
        let reports = shown().map(|report| Fresh {
            report,
            data_as_of: snapshot.report_as_of(report),
            is_outdated: snapshot.is_outdated(report),
        });
        Ok(reports.collect())
    }

    /// What is named, all of it true and to be read.
    async fn snapshot(&self, principal: &Principal, named: &Named) -> Result<Snapshot, Error> {
        let snapshot = self.look(principal, named).await?;
        let snapshot = snapshot.check(&named.read).map_err(unavailable)?;
        match snapshot.outdated(&named.read) {
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

    /// What somebody sees of what they name.
    async fn sight(
        &self,
        principal: &Principal,
        named: &Named,
        means: &Means,
    ) -> Result<Sight, Error> {
        if let Some(hidden) = named.sources().find(|source| !may_name(principal, *source)) {
            return Err(Error::Forbidden {
                code: "table_not_shown",
                detail: format!(
                    "{} is not shown to the role {} or by the grant of this token; GET \
                     /v1/tables lists what is.",
                    hidden.name(),
                    principal.role.as_str()
                ),
            });
        }
        let scope = match Scopes::depend(principal) {
            true => self.scope(principal, means).await?,
            false => Arc::default(),
        };
        Ok(Sight::new(principal, scope))
    }

    /// What the newest roster says is somebody's.
    async fn scope(&self, principal: &Principal, means: &Means) -> Result<Arc<Scope>, Error> {
        let tenant = &principal.tenant;
        let import = self.import(tenant).await?;
        let session = async || {
            let tables = secure::ROSTER.into_iter().collect();
            let roster = Roster::take(tenant, &tables, &self.tables).await;
            let roster = roster.map_err(unavailable)?;
            let catalog = Catalog::new().map_err(ours)?;
            let state = self.state(&catalog, means);
            for table in tables {
                let rows = provider(table, roster.table(table), &state).map_err(ours)?;
                catalog.mount(table.as_str(), rows).map_err(ours)?;
            }
            Ok(SessionContext::new_with_state(state))
        };
        let now = self.clock.now();
        self.scopes.get(principal, import, now, session, ours).await
    }

    /// By which roster is decided what is somebody's; `None` when none decides it.
    pub(crate) async fn decided(&self, principal: &Principal) -> Result<Option<Decided>, Error> {
        if !Scopes::depend(principal) {
            return Ok(None);
        }
        let now = self.clock.now().with_timezone(&principal.time_zone);
        Ok(Some(Decided {
            import: self.import(&principal.tenant).await?,
            day: now.date_naive(),
        }))
    }

    /// The number of a tenant's newest import; 0 before the first.
    async fn import(&self, tenant: &TenantId) -> Result<u64, Error> {
        let import = self.tables.newest_import(tenant).await;
        let import = import.map_err(unavailable)?;
        Ok(import.map_or(0, |import| import.number))
    }

    /// A session in which exactly what is named exists, as its asker sees it.
    async fn mount(
        &self,
        sight: &Sight,
        named: &Named,
        snapshot: &Snapshot,
        means: &Means,
        tenant: &TenantId,
    ) -> Result<SessionState, Error> {
        let catalog = Catalog::new().map_err(ours)?;
        let state = self.state(&catalog, means);
        for source in named.sources() {
            let rows = self.rows(source, snapshot, &state, tenant).await?;
            let class = |column: &str| class(source, column);
            let seen = sight.of_rows(source, rows, class, &self.template).await;
            catalog
                .mount(source.name(), seen.map_err(ours)?)
                .map_err(ours)?;
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
                listing::rows(listing, self.tables.lake(), tenant, self.clock.now()).await
            }
        }
    }

    fn state(&self, catalog: &Catalog, means: &Means) -> SessionState {
        let mut config = self.template.config().clone();
        let extensions = &mut config.options_mut().extensions;
        extensions.insert(Charge::to(&means.runtime_env.memory_pool));
        extensions.insert(means.interrupt.clone());
        let mut state = SessionStateBuilder::new_from_existing(self.template.clone())
            .with_catalog_list(catalog.list())
            .with_runtime_env(Arc::clone(&means.runtime_env))
            .with_config(config)
            .build();
        state.mark_start_execution();
        state
    }
}

/// Everything that sessions can name.
pub(crate) static ENTRIES: LazyLock<Vec<Entry>> = LazyLock::new(Entry::all);

/// What the sessions of somebody can name.
pub(crate) fn entries(principal: &Principal) -> Vec<&'static Entry> {
    let shown = |entry: &&Entry| {
        let source = Source::from_name(entry.name());
        source.is_some_and(|source| may_name(principal, source))
    };
    ENTRIES.iter().filter(shown).collect()
}

/// Whether a report as it is can be shown to somebody.
fn shows(principal: &Principal, report: &Report) -> bool {
    let source = Source::from_name(report.name);
    let is_of_people = report.visibility == Visibility::Student;
    source.is_some_and(|source| may_name(principal, source))
        && !(is_of_people && principal.role == Role::Analyst)
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
    sight: &Sight,
    plan: &LogicalPlan,
    interrupt: &Interrupt,
) -> Result<SendableRecordBatchStream, Error> {
    let physical = state.create_physical_plan(plan).await;
    let physical = physical.map_err(failure::explain)?;
    sight.verify(plan, &physical).map_err(ours)?;
    let physical = interrupt.watch(physical).map_err(ours)?;
    execute_stream(physical, state.task_ctx()).map_err(failure::explain)
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
