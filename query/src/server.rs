//! The service: its parts, its routes, its life.

mod desk;

use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::{HeaderMap, header};
use axum::middleware;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use datafusion::logical_expr::ScalarUDF;
use lake::Lake;
use runtime::http::Tls;
use runtime::{Clock, Health, HealthCheck, Registry, Shutdown, http};
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::time::Instant;
use uuid::Uuid;

use crate::admission::Admission;
use crate::answer::{self, About, Format};
use crate::audit::{self, Ask, Audit, Recorder};
use crate::authenticate::{Door, People};
use crate::compression::compress;
use crate::error::Error;
use crate::executor::Executor;
use crate::functions::described;
use crate::information_schema::Entry;
use crate::login::{self, Codes};
use crate::memory::Memory;
use crate::pressure::Pressure;
use crate::request::Question;
use crate::results::Results;
use crate::secure::Cells;
use crate::session::{Sessions, entries};
use crate::submitted::{self, Queries};
use crate::tables::Tables;
use crate::{Config, Principal, embed, openapi, report, sweep, web};

/// Why the service cannot start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The worker threads cannot be made.
    #[error("the threads for queries cannot be started")]
    Threads(#[source] std::io::Error),
    /// The folder for spilled rows cannot be used.
    #[error("the folder for spilled rows cannot be used")]
    Spill(#[source] datafusion::error::DataFusionError),
}

/// Answers SQL and shows reports over HTTP.
pub struct Query {
    parts: Arc<Parts>,
    extra: Router,
    tls: Option<Tls>,
    health: HealthCheck,
}

/// What all doors share.
pub(crate) struct Parts {
    pub(crate) config: Config,
    pub(crate) clock: Clock,
    pub(crate) door: Door,
    pub(crate) codes: Codes,
    pub(crate) audit: Arc<Audit>,
    pub(crate) admission: Admission,
    pub(crate) sessions: Arc<Sessions>,
    executor: Executor,
    pub(crate) pressure: Arc<Pressure>,
    /// What was submitted.
    pub(crate) queries: Arc<Queries>,
}

impl Query {
    /// A service over a lake, whose every query the recorder is told of. Starts its worker
    /// threads; they end with it.
    ///
    /// # Errors
    /// [`StartError`] when the machine does not give what is needed.
    pub fn new(
        config: Config,
        lake: Lake,
        registry: Registry,
        clock: Clock,
        recorder: Arc<dyn Recorder>,
        health: &Health,
    ) -> Result<Self, StartError> {
        Self::with_functions(config, lake, registry, clock, recorder, health, Vec::new())
    }

    /// As [`Query::new`], where SQL may call more functions: a test sees with one of its own
    /// which values a plan hands to functions.
    ///
    /// # Errors
    /// As [`Query::new`].
    #[doc(hidden)]
    pub fn with_functions(
        config: Config,
        lake: Lake,
        registry: Registry,
        clock: Clock,
        recorder: Arc<dyn Recorder>,
        health: &Health,
        more: Vec<Arc<ScalarUDF>>,
    ) -> Result<Self, StartError> {
        let memory = Memory::new(&config).map_err(StartError::Spill)?;
        let executor = Executor::new(config.cores()).map_err(StartError::Threads)?;
        let pressure = Pressure::watch(config.rss_limit()).map_err(StartError::Threads)?;
        let sessions = Arc::new(Sessions::new(
            Tables::new(lake, config.open_tables),
            registry.clone(),
            Results::new(config.results_bytes),
            Cells::new(config.cells_bytes),
            clock.clone(),
            config.cores(),
            more,
        ));
        let for_people = memory.tenant().map_err(StartError::Spill)?;
        let people = People::new(Arc::clone(&sessions), for_people);
        let parts = Parts {
            admission: Admission::new(&config, memory),
            sessions,
            audit: Arc::new(Audit::new(recorder, registry.clone(), clock.clone())),
            door: Door::new(registry, clock.clone(), people),
            codes: Codes::default(),
            clock,
            executor,
            pressure,
            queries: Queries::new(&config),
            config,
        };
        Ok(Self {
            parts: Arc::new(parts),
            extra: Router::new(),
            tls: None,
            health: health.check("query"),
        })
    }

    /// Serves these routes as well: those for operators, which only the process
    /// as a whole can answer.
    #[must_use]
    pub fn with_routes(mut self, routes: Router) -> Self {
        self.extra = self.extra.merge(routes);
        self
    }

    /// Secures all connections with this, that is what [`Config::tls`] opens.
    #[must_use]
    pub fn with_tls(mut self, tls: Option<Tls>) -> Self {
        self.tls = tls;
        self
    }

    /// The service's routes.
    pub fn router(&self) -> Router {
        let not_allowed = async || Error::Method.respond(&trace_id());
        let asked = Router::new()
            .route("/v1/sql", post(sql))
            .route("/v1/tables", get(tables))
            .route("/v1/reports", get(report::list))
            .route("/v1/reports/{name}", get(report::read))
            .route("/v1/audit/who-saw-me", get(audit::read))
            .merge(submitted::routes())
            // Before the layers: they answer what browsers ask with OPTIONS.
            .method_not_allowed_fallback(not_allowed)
            .layer(middleware::from_fn(compress))
            .layer(embed::cors(&self.parts));
        asked
            .route("/v1/embed-tokens", post(embed::make))
            .route("/v1/session", get(login::show).post(login::exchange))
            .route("/v1/session/codes", post(login::give))
            .with_state(Arc::clone(&self.parts))
            .merge(web::routes())
            .merge(openapi::routes())
            .merge(self.extra.clone())
            .fallback(async || Error::NotFound.respond(&trace_id()))
            .method_not_allowed_fallback(not_allowed)
    }

    /// Answers until the shutdown, then finishes what was begun.
    pub async fn run(self, listener: TcpListener, shutdown: Shutdown) {
        let component = shutdown.component("query");
        self.health.ready();
        let sweeping = tokio::spawn(sweep::keep_on(Arc::downgrade(&self.parts)));
        let (router, tls) = (self.router(), self.tls.clone());
        http::serve_with(listener, router, tls, &shutdown, http::Limits::default()).await;
        self.health.not_ready("shutting down");
        sweeping.abort();
        let _ = sweeping.await;
        // Nobody can ask for them any more.
        self.parts.queries.close();
        // What was asked is told, whoever has gone away since.
        self.parts.audit.close().await;
        drop(self);
        drop(component);
    }
}

async fn sql(State(parts): State<Arc<Parts>>, request: Request) -> Response {
    let trace_id = trace_id();
    counted("sql", &trace_id, parts.answer(request, &trace_id)).await
}

async fn tables(State(parts): State<Arc<Parts>>, headers: HeaderMap) -> Response {
    let trace_id = trace_id();
    let listed = parts.list(&headers).await;
    listed.unwrap_or_else(|error| error.respond(&trace_id))
}

/// Counts and times what a door answers.
pub(crate) async fn counted(
    door: &'static str,
    trace_id: &str,
    answer: impl Future<Output = Result<Response, Error>>,
) -> Response {
    let began = Instant::now();
    let answered = answer.await;
    let outcome = answered.as_ref().map_or_else(Error::code, |_| "answered");
    metrics::counter!("chalkline_queries_total", "door" => door, "outcome" => outcome).increment(1);
    metrics::histogram!("chalkline_query_seconds", "door" => door)
        .record(began.elapsed().as_secs_f64());
    answered.unwrap_or_else(|error| error.respond(trace_id))
}

impl Parts {
    pub(crate) async fn principal(&self, headers: &HeaderMap) -> Result<Principal, Error> {
        self.door.principal(headers).await
    }

    async fn answer(&self, request: Request, trace_id: &str) -> Result<Response, Error> {
        let (head, body) = request.into_parts();
        let principal = self.principal(&head.headers).await?;
        let ask = self.audit.ask(&principal, "sql", &head.headers).await?;
        let answered = self.answer_to(&principal, &ask, head.headers, body, trace_id);
        ask.watched(answered).await
    }

    async fn answer_to(
        &self,
        principal: &Principal,
        ask: &Arc<Ask>,
        headers: HeaderMap,
        body: Body,
        trace_id: &str,
    ) -> Result<Response, Error> {
        let format = Format::accepted(&headers)?;
        let question = Question::read(&headers, body, self.config.sql_bytes).await?;
        ask.states(&question.sql, &question.params);

        let limits = self.limits();
        let asker = principal.clone();
        self.work(principal, ask, format, trace_id, |desk| async move {
            let (running, explains) = desk.run(&asker, question, limits).await?;
            let about = About {
                data_as_of: running.data_as_of,
                ..About::default()
            };
            let (bounds, sender) = (desk.bounds, &desk.sender);
            answer::produce(running.rows, about, explains, format, bounds, sender).await
        })
        .await
    }

    async fn list(&self, headers: &HeaderMap) -> Result<Response, Error> {
        let principal = self.principal(headers).await?;
        let shown = entries(&principal);
        let tables: Vec<Value> = shown.into_iter().map(Entry::to_json).collect();
        let fresh = [(header::CACHE_CONTROL, "no-store")];
        let body = json!({ "tables": tables, "functions": described() });
        Ok((fresh, axum::Json(body)).into_response())
    }
}

/// Finds a request in our logs.
pub(crate) fn trace_id() -> String {
    Uuid::now_v7().simple().to_string()
}
