//! The service: its parts, its routes, its life.

use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::{HeaderMap, header};
use axum::middleware;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use lake::Lake;
use runtime::http::Tls;
use runtime::{Clock, Health, HealthCheck, Registry, Shutdown, http};
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::sync::mpsc::{self, Sender};
use tokio::time::Instant;
use uuid::Uuid;

use crate::admission::{Admission, Permit};
use crate::answer::{self, About, Bounds, Format, Message};
use crate::audit::{self, Ask, Audit, Recorder};
use crate::authenticate::{Door, People};
use crate::compression::compress;
use crate::error::Error;
use crate::executor::{Executor, Task};
use crate::functions::described;
use crate::guard::{self, Limits};
use crate::information_schema::Entry;
use crate::interrupt::Interrupt;
use crate::login::{self, Codes};
use crate::memory::{self, Memory};
use crate::pressure::Pressure;
use crate::request::Question;
use crate::results::Results;
use crate::secure::sees_all;
use crate::session::{Means, Running, Sessions, entries, ours};
use crate::submitted::{self, Queries};
use crate::tables::Tables;
use crate::{Config, Principal, embed, failure, openapi, report, sweep, web};

/// How many chunks of an answer wait for their reader.
const CHUNKS_AHEAD: usize = 2;

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

/// What a query has at hand on the workers.
pub(crate) struct Desk {
    pub(crate) sessions: Arc<Sessions>,
    pub(crate) means: Means,
    pub(crate) bounds: Bounds,
    /// Where the answer goes.
    pub(crate) sender: Sender<Message>,
}

impl Desk {
    /// Plans and starts a statement, and says whether it explains one.
    pub(crate) async fn run(
        &self,
        asker: &Principal,
        question: Question,
        limits: Limits,
    ) -> Result<(Running, bool), Error> {
        let allowed = guard::check(&question.sql, sees_all(asker), limits)?;
        let explains = allowed.explains;
        let running = self.sessions.run(asker, allowed, &question, &self.means);
        Ok((running.await?, explains))
    }
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
        let memory = Memory::new(
            config.memory_bytes,
            config.tenant_memory_bytes,
            config.spill_directory.as_deref(),
            config.spill_bytes,
            config.metadata_bytes,
        )
        .map_err(StartError::Spill)?;
        let executor = Executor::new(config.cores()).map_err(StartError::Threads)?;
        let pressure = Pressure::watch(config.rss_limit()).map_err(StartError::Threads)?;
        let sessions = Arc::new(Sessions::new(
            Tables::new(lake, config.open_tables),
            registry.clone(),
            Results::new(config.results_bytes),
            clock.clone(),
            config.cores(),
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

    /// Has a query's work done on the workers, when the tenant's turn has come,
    /// and answers with what they send, once it is recorded that they do.
    pub(crate) async fn work<W>(
        &self,
        principal: &Principal,
        ask: &Arc<Ask>,
        format: Format,
        trace_id: &str,
        work: impl FnOnce(Desk) -> W,
    ) -> Result<Response, Error>
    where
        W: Future<Output = Result<(), Error>> + Send + 'static,
    {
        self.pressure.check()?;
        let permit = self.admission.enter(&principal.tenant).await?;
        ask.enters(&self.sessions, permit.runtime_env());
        let (sender, messages) = mpsc::channel(CHUNKS_AHEAD);
        let bounds = self.bounds(format);
        let task = self.begin(permit, ask, bounds, sender, trace_id, work)?;
        let timeout = self.config.timeout();
        answer::respond(messages, task, format, timeout, trace_id, ask).await
    }

    /// Begins a query's work on the workers: it sends what comes of it, last an end or an
    /// error. It ends when the task is dropped.
    pub(crate) fn begin<W>(
        &self,
        permit: Permit,
        ask: &Arc<Ask>,
        bounds: Bounds,
        sender: Sender<Message>,
        trace_id: &str,
        work: impl FnOnce(Desk) -> W,
    ) -> Result<Task, Error>
    where
        W: Future<Output = Result<(), Error>> + Send + 'static,
    {
        let interrupt = Interrupt::default();
        let (runtime_env, taken) = memory::of_query(permit.runtime_env()).map_err(ours)?;
        let counted = self.pressure.count(interrupt.clone(), taken);
        let work = work(Desk {
            sessions: Arc::clone(&self.sessions),
            means: Means {
                runtime_env,
                interrupt: interrupt.clone(),
                ask: Arc::clone(ask),
            },
            bounds,
            sender: sender.clone(),
        });
        let trace = trace_id.to_owned();
        let principal = ask.principal().clone();
        let asked = Arc::clone(ask);
        let task = self.executor.spawn(interrupt.clone(), async move {
            // They go with the work: a query that is given up but has not yet
            // stopped still counts.
            let _held = (permit, counted);
            let began = Instant::now();
            let outcome = work.await;
            // However its end shows: what ended it is the reason.
            let outcome = outcome.map_err(|error| interrupt.reason().map_or(error, Error::from));
            tracing::info!(
                trace_id = trace,
                tenant.id = %principal.tenant,
                token.kind = principal.credential.kind(),
                token.id = principal.token_id,
                duration_ms = began.elapsed().as_millis() as u64,
                outcome = outcome.as_ref().map_or_else(Error::code, |()| "answered"),
                "query ended"
            );
            if let Err(error) = outcome {
                asked.fails(&error);
                let error = match sees_all(&principal) {
                    true => error,
                    false => failure::without_values(error),
                };
                // Nobody may be there to hear it.
                let _ = sender.send(Message::Failed(error)).await;
            }
        });
        Ok(task)
    }

    /// How long and how deep a statement may be.
    pub(crate) fn limits(&self) -> Limits {
        Limits {
            bytes: self.config.sql_bytes,
            tokens: self.config.sql_tokens,
        }
    }

    pub(crate) fn bounds(&self, format: Format) -> Bounds {
        let (rows, bytes) = if format.streams() {
            (self.config.stream_rows, self.config.stream_bytes)
        } else {
            (self.config.json_rows, self.config.json_bytes)
        };
        Bounds {
            rows,
            bytes,
            stall: self.config.stall(),
        }
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
