//! The front door as a service: its parts, and its life from start to stop.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::{OriginalUri, Request};
use axum::http::request::Parts;
use chrono::{DateTime, Utc};
use eventlog::EventLog;
use runtime::http::{Limits, Tls};
use runtime::inbox::Inbox;
use runtime::{Clock, Health, HealthCheck, Registry, Shutdown};
use tokio::net::TcpListener;
use tokio_util::task::TaskTracker;
use tracing::Instrument;

use crate::append::append;
use crate::authenticate::{Sender, authenticate};
use crate::come_back::{ComeBack, spread, whole_seconds};
use crate::dev::Dev;
use crate::dialect::Dialect;
use crate::error::Error;
use crate::judge::{Stamp, judge};
use crate::memory::Memory;
use crate::outcome::{Answered, Counts};
use crate::rates::Rates;
use crate::readiness::{self, Watched};
use crate::receive::{Format, LookUp, Received, drain, receive};
use crate::roster::Slots;
use crate::step::Step;
use crate::tail::{Origin, Tail};
use crate::tally::Tallies;
use crate::trace::{Spans, TraceId};
use crate::turns::{LARGE, Turns};
use crate::{Config, custom, router};

/// How often tallies are looked through for minutes that are over.
const TALLY_INTERVAL: Duration = Duration::from_secs(1);

/// The front door.
pub struct Ingest {
    door: Arc<Door>,
    beside: Router,
    tls: Option<Tls>,
    health: HealthCheck,
    log_health: HealthCheck,
}

/// What requests share.
pub(crate) struct Door {
    pub config: Config,
    pub log: Arc<Watched>,
    pub registry: Registry,
    pub clock: Clock,
    memory: Memory,
    custom_types: custom::Cache,
    rates: Arc<Rates>,
    tallies: Tallies,
    pub tail: Tail,
    pub dev: Option<Dev>,
    turns: Turns,
    /// Where rosters wait, and how many come at once.
    pub inbox: Inbox,
    pub uploads: Slots,
    /// Requests whose body has arrived: each ends in outcomes that are counted,
    /// whether or not its sender still listens.
    taken: TaskTracker,
}

impl Ingest {
    /// A front door to `log`. It is ready, by `health`, once it runs; so is the
    /// log, whenever it takes events.
    pub fn new(
        mut config: Config,
        log: Arc<dyn EventLog>,
        registry: Registry,
        clock: Clock,
        health: &Health,
    ) -> Self {
        config.max_event_bytes = config.max_event_bytes.min(log.max_record_bytes());
        let memory = Memory::new(config.memory_limit_bytes);
        let rates = Arc::new(Rates::new(config.public_rate()));
        let dev = config.dev.then(Dev::default);
        let inbox = Inbox::new(registry.root().clone());
        let uploads = Slots::new(config.roster.concurrent_uploads);
        Self {
            door: Arc::new(Door {
                config,
                log: Arc::new(Watched::new(log)),
                registry,
                clock,
                memory,
                custom_types: custom::Cache::default(),
                rates,
                tallies: Tallies::new(),
                tail: Tail::new(),
                dev,
                turns: Turns::new(std::thread::available_parallelism().map_or(1, usize::from)),
                inbox,
                uploads,
                taken: TaskTracker::new(),
            }),
            beside: Router::new(),
            tls: None,
            health: health.check("ingest"),
            log_health: health.check("log"),
        }
    }

    /// Serves these routes beside its own, those for operators for example.
    #[must_use]
    pub fn with_routes(mut self, routes: Router) -> Self {
        self.beside = self.beside.merge(routes);
        self
    }

    /// Secures all connections with this, that is what [`Config::tls`] opens.
    #[must_use]
    pub fn with_tls(mut self, tls: Option<Tls>) -> Self {
        self.tls = tls;
        self
    }

    /// All routes of the front door.
    pub fn router(&self) -> Router {
        router::router(Arc::clone(&self.door), self.beside.clone())
    }

    /// Serves until the shutdown, then finishes the requests that have begun
    /// and appends the last tallies. The log stays open.
    pub async fn run(self, listener: TcpListener, shutdown: Shutdown) {
        let component = shutdown.component("ingest");
        let tallies = tokio::spawn(append_tallies(Arc::clone(&self.door), shutdown.clone()));
        let log = Arc::clone(&self.door.log);
        let log_health = self.log_health.clone();
        tokio::spawn(readiness::watch(log, log_health, shutdown.clone()));
        self.health.ready();
        let stop = shutdown.token();
        let door = Arc::clone(&self.door);
        tokio::spawn(async move {
            stop.cancelled().await;
            door.tail.stop();
        });
        let (router, tls) = (self.router(), self.tls);
        runtime::http::serve_with(listener, router, tls, &shutdown, Limits::default()).await;
        self.health.not_ready("stopping");
        if tallies.await.is_err() {
            tracing::error!("the task that appends tallies has failed");
        }
        self.door.finish().await;
        drop(component);
    }
}

async fn append_tallies(door: Arc<Door>, shutdown: Shutdown) {
    let stop = shutdown.token();
    let mut ticks = tokio::time::interval(TALLY_INTERVAL);
    ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            () = stop.cancelled() => return,
            _ = ticks.tick() => {}
        }
        let now = door.clock.now();
        door.rates.forget_idle(now);
        door.tallies.append_due(&door.log, now).await;
    }
}

impl Door {
    /// The whole way of a request: authenticate, receive, decode, judge, append, count.
    /// What became of its events is the dialect's to answer.
    pub async fn take<D: Dialect>(
        self: &Arc<Self>,
        dialect: D,
        request: Request,
    ) -> Result<Vec<Answered>, Error> {
        let (parts, body) = request.into_parts();
        let now = self.clock.now();
        let authenticating = Step::Authenticate.begin();
        let sender = match authenticate(&parts, D::KEY, &self.registry, now).await {
            Ok(sender) => sender,
            Err(error) => {
                let request = Request::from_parts(parts, body);
                return Err(self.refuse(error, request).await);
            }
        };
        let sender = Sender {
            types: self.custom_types.of(&sender.tenant),
            ..sender
        };
        drop(authenticating);
        let origin = Origin {
            tenant: sender.tenant.id.clone(),
            key: sender.scope.key_id.clone(),
            path: path(&parts),
            trace_id: TraceId::of_request(&parts),
        };
        let spans = Spans::of_request(&parts);
        let receiving = (Step::Receive.begin(), spans.receive());
        let arrived = match dialect.format(&parts.headers) {
            Ok(format) => {
                let lease = self.memory.lease(&sender.tenant.id, &sender.scope.key_id);
                receive(&parts.headers, body, &self.config, lease)
                    .await
                    .map(|arrived| (format, arrived))
            }
            Err(error) => {
                drain(body, &self.config).await;
                Err(error)
            }
        };
        // Before it waits for anything: senders' clocks are corrected by it.
        let received_at = self.clock.now();
        let received = match arrived {
            Ok((format, arrived)) => arrived
                .inflate(&self.turns)
                .await
                .map(|received| (format, received)),
            Err(error) => Err(error),
        };
        drop(receiving);
        let (format, received) = match received {
            Ok(received) => received,
            Err(error) => {
                self.note_refusal(&origin.path, &error);
                let refused = Err(error);
                self.tail.tell(&origin, received_at, &refused);
                return refused;
            }
        };
        let look_up = LookUp::of(&parts.headers);
        let door = Arc::clone(self);
        let taken = async move {
            let body = (format, received, look_up);
            let answered = door
                .judge_and_append(dialect, body, sender, received_at, &origin, &spans)
                .await;
            if let Err(error) = &answered {
                door.note_refusal(&origin.path, error);
            }
            door.tail.tell(&origin, received_at, &answered);
            answered
        };
        self.see_through(taken).await
    }

    async fn judge_and_append<D: Dialect>(
        &self,
        dialect: D,
        (format, mut received, look_up): (Format, Received, LookUp),
        sender: Sender,
        received_at: DateTime<Utc>,
        origin: &Origin,
        spans: &Spans,
    ) -> Result<Vec<Answered>, Error> {
        metrics::counter!("chalkline_ingest_body_bytes_total")
            .increment(received.bytes.len() as u64);
        let config = self.config.clone();
        let rates = Arc::clone(&self.rates);
        let bytes = received.bytes.len();
        let long = bytes >= LARGE;
        let turn = match received.turn.take() {
            None if long => Some(self.turns.take(&sender.tenant.id, bytes).await),
            turn => turn,
        };
        let stamp = Stamp::new(received_at, look_up, spans.traceparent());
        let judging = spans.judge();
        let (received, sender, verdict) = offload(long, move || {
            let decode = || dialect.decode(&format, &received.bytes, config.max_events);
            let verdict = Step::Decode.compute(decode).and_then(|batch| {
                rates.admit(&sender, batch.events.len(), received_at)?;
                Step::Judge.compute(|| judge(&dialect, batch, &sender, stamp, &config))
            });
            (received, sender, verdict)
        })
        .await?;
        drop((turn, judging));
        let verdict = verdict?;
        let written = self.dev.as_ref().map(|_| verdict.written());
        let appending = (Step::Append.begin(), spans.append(verdict.records.len()));
        let events = append(&self.log, verdict).await;
        drop(appending);
        drop(received);
        if let (Some(dev), Some(written)) = (&self.dev, written) {
            dev.note(&origin.path, &events, &written);
        }
        let retry = Counts::of(&events).retry;
        self.rates.give_back(&sender, retry, received_at);
        self.tallies.count(&sender.tenant.id, received_at, &events);
        Ok(events)
    }

    /// After how many seconds the sender of this request should come back.
    pub fn retry_after_seconds(&self, when: ComeBack, trace_id: &str) -> u64 {
        let least = match when {
            ComeBack::After(wait) => whole_seconds(wait),
            ComeBack::WhenDone => {
                let least = self.config.retry_after_seconds;
                let time = self.memory.time_to_empty().map(|time| time.as_secs() + 1);
                // Nothing comes back: the log is away, for who knows how long.
                time.unwrap_or(4 * least).clamp(least, 30.max(least))
            }
        };
        spread(least, trace_id)
    }

    /// Refuses a request of which nothing but its head was looked at.
    pub async fn refuse(&self, error: Error, request: Request) -> Error {
        let (parts, body) = request.into_parts();
        drain(body, &self.config).await;
        self.note_refusal(&path(&parts), &error);
        error
    }

    /// Does something to its end, whether or not whoever asked for it still listens.
    pub async fn see_through<T: Send + 'static>(
        &self,
        work: impl Future<Output = Result<T, Error>> + Send + 'static,
    ) -> Result<T, Error> {
        let done = self.taken.spawn(work.in_current_span()).await;
        done.map_err(|_| Error::Internal)?
    }

    fn note_refusal(&self, path: &str, error: &Error) {
        if let Some(dev) = &self.dev {
            dev.note_refusal(path, error);
        }
    }

    /// Waits for the requests that have begun, then appends all tallies.
    async fn finish(&self) {
        self.taken.close();
        self.taken.wait().await;
        self.tallies.append_all(&self.log, self.clock.now()).await;
    }
}

/// The path as the sender wrote it, wherever the route is nested.
fn path(parts: &Parts) -> String {
    let original = parts.extensions.get::<OriginalUri>();
    original
        .map_or(&parts.uri, |original| &original.0)
        .path()
        .to_owned()
}

/// Runs `work` here, or on a thread for work when it is long.
async fn offload<T, F>(long: bool, work: F) -> Result<T, Error>
where
    T: Send + 'static,
    F: FnOnce() -> T + Send + 'static,
{
    if long {
        tokio::task::spawn_blocking(work)
            .await
            .map_err(|_| Error::Internal)
    } else {
        Ok(work())
    }
}
