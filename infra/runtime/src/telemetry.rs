//! Logs, metrics and traces of the process, and the names that they use.

mod traces;

use std::io::IsTerminal;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use metrics_exporter_prometheus::{PrometheusBuilder, PrometheusHandle, PrometheusRecorder};
use opentelemetry::trace::TracerProvider;
use opentelemetry_sdk::trace::SdkTracerProvider;
use serde::{Deserialize, Serialize};
use tracing::Metadata;
use tracing::subscriber::Interest;
use tracing_subscriber::filter::{dynamic_filter_fn, filter_fn};
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::{SubscriberInitExt, TryInitError};
use tracing_subscriber::{EnvFilter, Layer, Registry};
use url::Url;

use crate::config::Check;
use crate::trace;

/// The standard fields of log messages. Learners' names, actors and request
/// bodies are never logged.
///
/// Macros of `tracing` spell them out (`tracing::info!(tenant.id = %id, …)`);
/// this list is what that spelling is checked against.
pub mod field {
    /// The tenant: `tenant.id`.
    pub const TENANT_ID: &str = "tenant.id";
    /// The course: `course.id`.
    pub const COURSE_ID: &str = "course.id";
    /// The academic term: `term`.
    pub const TERM: &str = "term";
    /// The event's id: `event.id`.
    pub const EVENT_ID: &str = "event.id";
    /// The partition of the event log: `log.partition`.
    pub const LOG_PARTITION: &str = "log.partition";
    /// The position in that partition: `log.position`.
    pub const LOG_POSITION: &str = "log.position";
    /// How long something took, in milliseconds: `duration_ms`.
    pub const DURATION_MS: &str = "duration_ms";
    /// How large something is, in bytes: `size_bytes`.
    pub const SIZE_BYTES: &str = "size_bytes";
}

/// The section `[telemetry]`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// How log lines look on standard error.
    pub format: Format,
    /// What is logged: `info`, or per module as in `info,transform=debug`.
    pub filter: String,
    /// The collector that gets traces, by OTLP over HTTP: `http://collector:4318`. No
    /// traces without it.
    pub otlp_endpoint: Option<String>,
    /// Who we are to the collector.
    pub service_name: String,
    /// The part of the traces that begin here which the collector gets: 0 to 1. Those
    /// that senders began go as these decided.
    pub trace_sample_ratio: f64,
}

/// How log lines look.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Format {
    /// For people at a terminal.
    Human,
    /// One JSON object a line, for machines.
    Json,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            format: Format::Human,
            filter: "info".to_owned(),
            otlp_endpoint: None,
            service_name: "chalkline".to_owned(),
            trace_sample_ratio: 1.0,
        }
    }
}

impl Check for Config {
    fn problems(&self) -> Vec<String> {
        let mut problems = Vec::new();
        if let Err(error) = EnvFilter::try_new(&self.filter) {
            problems.push(format!("[telemetry] filter: {error}"));
        }
        if let Some(endpoint) = &self.otlp_endpoint
            && collector(endpoint).is_none()
        {
            problems.push(
                "[telemetry] otlp_endpoint: must be an address such as http://collector:4318"
                    .to_owned(),
            );
        }
        if !(0.0..=1.0).contains(&self.trace_sample_ratio) {
            problems.push("[telemetry] trace_sample_ratio: must be from 0 to 1".to_owned());
        }
        problems
    }
}

/// The address of a collector, if it is one.
fn collector(endpoint: &str) -> Option<Url> {
    let url = Url::parse(endpoint).ok()?;
    (["http", "https"].contains(&url.scheme()) && url.has_host()).then_some(url)
}

/// Why telemetry could not start.
#[derive(Debug, thiserror::Error)]
pub enum TelemetryError {
    /// The filter cannot be read; [`Check::problems`] says so earlier.
    #[error("the log filter cannot be read")]
    Filter(#[from] tracing_subscriber::filter::ParseError),
    /// This process logs already.
    #[error("logging was already set up")]
    Log(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// Traces cannot be sent; [`Check::problems`] says so earlier of a wrong address.
    #[error("traces cannot be sent: check telemetry.otlp_endpoint")]
    Traces(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// This process measures already.
    #[error("metrics were already set up")]
    Metrics(#[from] metrics::SetRecorderError<PrometheusRecorder>),
    /// The thread that tidies the metrics did not start.
    #[error("the metrics thread did not start")]
    Upkeep(#[from] std::io::Error),
}

/// The process's metrics, as text for Prometheus. Clones share them.
#[derive(Clone)]
pub struct Metrics(PrometheusHandle);

/// Modules that say more than an operator wants to know: as errors what their
/// caller handles, such as a Delta table that does not exist yet, or every step
/// of a scan or of the log's storage.
const NOISY: [&str; 5] = [
    "buoyant_kernel=warn",
    "buoyant_kernel::snapshot=off",
    "deltalake_core=warn",
    "fjall=warn",
    "lsm_tree=warn",
];

/// What reads a table's commits: calls a read that the end of the process cuts short
/// an error.
const CUT_SHORT: &str = "deltalake_core::logstore";

/// Whether the process is about to end.
static STOPPING: AtomicBool = AtomicBool::new(false);

/// From now on nothing is said of reads that are cut short.
pub(crate) fn stopping() {
    STOPPING.store(true, Ordering::Relaxed);
}

fn quiet_at_the_end<S: tracing::Subscriber>() -> impl Layer<S> {
    let is_cut_short = |said: &Metadata<'_>| said.target().starts_with(CUT_SHORT);
    dynamic_filter_fn(move |said, _| !is_cut_short(said) || !STOPPING.load(Ordering::Relaxed))
        .with_callsite_filter(move |said| match is_cut_short(said) {
            true => Interest::sometimes(),
            false => Interest::always(),
        })
}

/// Bounds of every histogram, which all measure seconds: from a cached lookup
/// to a query at its limit.
const SECONDS: [f64; 15] = [
    0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 60.0,
];

/// Starts logging to standard error, measuring and, where there is a collector, tracing,
/// once per process.
///
/// # Errors
/// [`TelemetryError`] for an unreadable filter, a collector that cannot be asked, or
/// when it is not the first call. With a collector it must be called inside a Tokio
/// runtime.
pub fn init(config: &Config) -> Result<Metrics, TelemetryError> {
    let filter = filter(&config.filter)?;
    match &config.otlp_endpoint {
        None => log(config.format, filter),
        Some(endpoint) => {
            let no_address = || TelemetryError::Traces("it is no address".into());
            let collector = collector(endpoint).ok_or_else(no_address)?;
            let (name, ratio) = (&config.service_name, config.trace_sample_ratio);
            let provider = traces::provider(&collector, name, ratio);
            let provider = provider.map_err(TelemetryError::Traces)?;
            let logging = log_and_trace(config.format, filter, &provider);
            if logging.is_ok() && PROVIDER.set(provider).is_ok() {
                trace::turn_on();
            }
            logging
        }
    }
    .map_err(|error| TelemetryError::Log(Box::new(error)))?;

    let recorder = recorder();
    let metrics = Metrics::of(&recorder);
    metrics::set_global_recorder(recorder)?;

    // Samples pile up until somebody asks for them; nobody may be asking.
    let upkeep = metrics.0.clone();
    std::thread::Builder::new()
        .name("metrics-upkeep".to_owned())
        .spawn(move || {
            loop {
                std::thread::sleep(Duration::from_secs(5));
                upkeep.run_upkeep();
            }
        })?;
    Ok(metrics)
}

fn log(format: Format, filter: EnvFilter) -> Result<(), TryInitError> {
    let subscriber = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_ansi(std::io::stderr().is_terminal())
        // A line that cannot be written, as on a full disk, would be told of on
        // the same standard error, by a macro that panics.
        .log_internal_errors(false)
        .with_writer(std::io::stderr);
    match format {
        Format::Human => subscriber.finish().with(quiet_at_the_end()).try_init(),
        Format::Json => {
            let subscriber = subscriber.json().flatten_event(true);
            subscriber.finish().with(quiet_at_the_end()).try_init()
        }
    }
}

/// The same, and spans of [`trace::TARGET`] go to the collector, whatever is logged.
fn log_and_trace(
    format: Format,
    filter: EnvFilter,
    provider: &SdkTracerProvider,
) -> Result<(), TryInitError> {
    let traces = tracing_opentelemetry::layer()
        .with_tracer(provider.tracer("chalkline"))
        // Parents are said where spans are made.
        .with_context_activation(false)
        .with_tracked_inactivity(false)
        .with_location(false)
        .with_threads(false)
        .with_target(false)
        .with_filter(filter_fn(|said| {
            said.is_span() && said.target() == trace::TARGET
        }));
    let logs = tracing_subscriber::fmt::layer()
        .with_ansi(std::io::stderr().is_terminal())
        .log_internal_errors(false)
        .with_writer(std::io::stderr);
    let subscriber = Registry::default().with(traces);
    match format {
        Format::Human => subscriber
            .with(logs.with_filter(filter))
            .with(quiet_at_the_end())
            .try_init(),
        Format::Json => subscriber
            .with(logs.json().flatten_event(true).with_filter(filter))
            .with(quiet_at_the_end())
            .try_init(),
    }
}

/// What makes spans, where there is a collector.
static PROVIDER: OnceLock<SdkTracerProvider> = OnceLock::new();

/// How long the last spans may take to the collector.
const FLUSH: Duration = Duration::from_millis(500);

/// Sends the spans that wait, for half a second at most; later ones are dropped. The
/// last thing a process does.
pub async fn flush() {
    if let Some(provider) = PROVIDER.get() {
        // It waits for a thread, which may wait for the collector.
        let flushed = tokio::task::spawn_blocking(|| provider.shutdown_with_timeout(FLUSH));
        if let Ok(Err(error)) = flushed.await {
            tracing::warn!(%error, "the last traces are lost");
        }
    }
}

/// `text` as a filter that also silences spans that are not for logs, and [`NOISY`]
/// modules, unless `text` itself names their crate.
fn filter(text: &str) -> Result<EnvFilter, tracing_subscriber::filter::ParseError> {
    let mut filter = EnvFilter::try_new(text)?;
    for directive in NOISY {
        let crate_name = directive.split([':', '=']).next().unwrap_or(directive);
        if !text.contains(crate_name) {
            filter = filter.add_directive(directive.parse()?);
        }
    }
    Ok(filter.add_directive(format!("{}=off", trace::TARGET).parse()?))
}

/// A recorder with this product's histogram bounds.
pub(crate) fn recorder() -> PrometheusRecorder {
    PrometheusBuilder::new()
        .set_buckets(&SECONDS)
        .expect("there are bounds")
        .build_recorder()
}

impl Metrics {
    /// The metrics of a recorder.
    pub(crate) fn of(recorder: &PrometheusRecorder) -> Self {
        Self(recorder.handle())
    }

    /// Metrics that nothing is recorded in, for tests of routers.
    pub fn detached() -> Self {
        Self::of(&recorder())
    }

    /// All metrics in the Prometheus text format.
    pub fn render(&self) -> String {
        self.0.render()
    }
}

impl std::fmt::Debug for Metrics {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Metrics(…)")
    }
}

#[cfg(test)]
mod tests;
