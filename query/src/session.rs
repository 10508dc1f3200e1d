//! From a statement that may run to the stream of its rows.

mod mount;
mod people;
mod sort_keys;
mod template;

use std::sync::{Arc, LazyLock};

use chrono::{DateTime, NaiveDate, Utc};
use datafusion::common::internal_datafusion_err;
use datafusion::error::DataFusionError;
use datafusion::execution::SendableRecordBatchStream;
use datafusion::execution::context::SQLOptions;
use datafusion::execution::runtime_env::RuntimeEnv;
use datafusion::execution::session_state::SessionState;
use datafusion::logical_expr::{LogicalPlan, ScalarUDF};
use datafusion::physical_plan::execute_stream;
use lake::LakeError;
use runtime::{Clock, Registry};
use schemas::{Report, Role, TenantId, Visibility};
use serde_json::json;

use self::template::template;
use crate::audit::{Ask, Reads};
use crate::catalog::Named;
use crate::error::Error;
use crate::freshness::Freshness;
use crate::guard::{self, Allowed};
use crate::information_schema::Entry;
use crate::interrupt::Interrupt;
use crate::report::{self, Shape};
use crate::request::Question;
use crate::results::{Key, Results, is_settled, names_only_settled};
use crate::secure::{Cells, Scope, Scopes, Sight, Source, may_name};
use crate::snapshot::Snapshot;
use crate::tables::Tables;
use crate::{Principal, failure, functions, params};

/// Of how many people is kept what the roster says of them.
const SCOPES: usize = 4096;

/// Makes a session for each query.
pub(crate) struct Sessions {
    tables: Tables,
    registry: Registry,
    freshness: Freshness,
    scopes: Scopes,
    results: Arc<Results>,
    cells: Cells,
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
    /// What is told of it.
    pub(crate) ask: Arc<Ask>,
}

/// A query under way.
pub(crate) struct Running {
    pub(crate) rows: SendableRecordBatchStream,
    pub(crate) data_as_of: Option<DateTime<Utc>>,
}

impl Sessions {
    pub(crate) fn new(
        tables: Tables,
        registry: Registry,
        results: Results,
        cells: Cells,
        clock: Clock,
        cores: usize,
        more: Vec<Arc<ScalarUDF>>,
    ) -> Self {
        Self {
            tables,
            registry,
            results: Arc::new(results),
            cells,
            clock,
            freshness: Freshness::default(),
            scopes: Scopes::new(SCOPES),
            template: template(cores, more),
        }
    }

    /// Gives back what is kept of answers and reports no longer.
    pub(crate) async fn sweep(&self) {
        self.results.sweep().await;
        self.cells.sweep().await;
    }

    /// Plans and starts a statement, and has that recorded.
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
        if let Some(rows) = self.answered(key.as_ref(), &means.ask).await {
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
        let reads = Reads::of(&named, &sight, &snapshot);
        let rows = self.start(&state, &sight, &plan, reads, key, means).await?;
        Ok(Running { rows, data_as_of })
    }

    /// Plans and starts one page of a report, unless its asker holds it already, and has
    /// that recorded.
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
            means.ask.begin(Reads::of(&named, &sight, &snapshot));
            return Ok(report::Found {
                rows: None,
                tag,
                data_as_of,
            });
        }
        if let Some(rows) = self.answered(key.as_ref(), &means.ask).await {
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
        let reads = Reads::of(&named, &sight, &snapshot);
        let rows = self.start(&state, &sight, &plan, reads, key, means).await?;
        Ok(report::Found {
            rows: Some(rows),
            tag,
            data_as_of,
        })
    }

    /// The rows that a question of this key was answered with; that they are read again is
    /// recorded.
    async fn answered(&self, key: Option<&Key>, ask: &Ask) -> Option<SendableRecordBatchStream> {
        let known = self.results.get(key?).await?;
        ask.begin(known.reads);
        ask.seen().note_again(&known.seen);
        Some(known.rows)
    }

    /// Has a plan run, and has that recorded. Its rows answer the next who asks a question
    /// of this key as well, unless some of their values are made for this query alone.
    async fn start(
        &self,
        state: &SessionState,
        sight: &Sight,
        plan: &LogicalPlan,
        reads: Reads,
        key: Option<Key>,
        means: &Means,
    ) -> Result<SendableRecordBatchStream, Error> {
        let optimized = state.optimize(plan).map_err(failure::explain)?;
        let planner = state.query_planner();
        let physical = planner.create_physical_plan(&optimized, state).await;
        let physical = physical.map_err(failure::explain)?;
        sight.verify(plan, &physical).map_err(ours)?;
        let reads = reads.with_columns_of(&optimized).map_err(ours)?;
        // The record is on its way while the plan runs, and there before the answer goes out.
        means.ask.begin(reads.clone());
        let physical = means.interrupt.watch(physical).map_err(ours)?;
        let rows = execute_stream(physical, state.task_ctx()).map_err(failure::explain)?;
        match key {
            Some(key) if names_only_settled(plan, &sight.unsettled()).map_err(ours)? => {
                Ok(self.results.keep(key, rows, reads, means.ask.seen()))
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
        let runtime_env = &means.runtime_env;
        if let Some(key) = self.subject_key(principal, runtime_env).await {
            means.ask.is_of(&key);
        }
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
            true => self.scope(principal, runtime_env).await?,
            false => Arc::default(),
        };
        Ok(Sight::new(principal, scope, means.ask.seen()))
    }

    /// What the newest roster says is somebody's.
    async fn scope(
        &self,
        principal: &Principal,
        runtime_env: &Arc<RuntimeEnv>,
    ) -> Result<Arc<Scope>, Error> {
        let tenant = &principal.tenant;
        let import = self.import(tenant).await?;
        let session = async || self.roster_session(tenant, runtime_env).await;
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
    pub(crate) async fn import(&self, tenant: &TenantId) -> Result<u64, Error> {
        let import = self.tables.newest_import(tenant).await;
        let import = import.map_err(unavailable)?;
        Ok(import.map_or(0, |import| import.number))
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

pub(crate) fn unavailable(error: LakeError) -> Error {
    Error::Unavailable(Box::new(error))
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
