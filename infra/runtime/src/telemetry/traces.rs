//! How spans get to the collector, and what becomes of those that do not.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use opentelemetry_http::{Bytes, HttpClient, HttpError, Request, Response};
use opentelemetry_otlp::{Protocol, RetryPolicy, WithExportConfig, WithHttpConfig};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::error::OTelSdkResult;
use opentelemetry_sdk::trace::{
    BatchConfigBuilder, BatchSpanProcessor, Sampler, SdkTracerProvider, Span, SpanData,
    SpanExporter, SpanProcessor,
};
use tokio::runtime::Handle;
use url::{Host, Url};

/// How many spans wait for the collector at most; more are dropped.
const QUEUE: usize = 4_096;
/// How many it gets at once.
const BATCH: usize = 512;
/// How long the first of them waits.
const INTERVAL: Duration = Duration::from_secs(2);
/// How long the collector may take to answer.
const TIMEOUT: Duration = Duration::from_secs(5);
/// How often it is said that spans are lost.
const COMPLAINT_INTERVAL: Duration = Duration::from_secs(60);
/// The longest answer that is read.
const ANSWER_BYTES: usize = 1 << 20;

/// What lies beneath a failure to set up traces.
type Source = Box<dyn std::error::Error + Send + Sync>;

/// What makes spans and sends them. Its queue is bounded, and its thread waits for the
/// collector alone.
///
/// # Errors
/// When it cannot be set up, outside of a Tokio runtime for example.
pub(super) fn provider(
    endpoint: &Url,
    service_name: &str,
    sample_ratio: f64,
) -> Result<SdkTracerProvider, Source> {
    build(endpoint, service_name, sample_ratio, Arc::default())
}

fn build(
    endpoint: &Url,
    service_name: &str,
    sample_ratio: f64,
    losses: Arc<Losses>,
) -> Result<SdkTracerProvider, Source> {
    let exporter = opentelemetry_otlp::SpanExporter::builder()
        .with_http()
        .with_http_client(Client::new(endpoint)?)
        .with_protocol(Protocol::HttpBinary)
        .with_endpoint(traces_url(endpoint))
        .with_timeout(TIMEOUT)
        .with_retry_policy(RetryPolicy::recommended().with_max_retries(2))
        .build()?;
    let exporter = Exporter {
        inner: exporter,
        losses: Arc::clone(&losses),
        complaint: Mutex::default(),
    };
    // The queue never fills up: that many spans are not let in.
    let batches = BatchConfigBuilder::default()
        .with_max_queue_size(QUEUE + BATCH)
        .with_max_export_batch_size(BATCH)
        .with_scheduled_delay(INTERVAL)
        .build();
    let processor = BatchSpanProcessor::builder(exporter)
        .with_batch_config(batches)
        .build();
    let processor = Bounded {
        inner: processor,
        losses,
    };
    let sampler = Sampler::TraceIdRatioBased(sample_ratio);
    let resource = Resource::builder().with_service_name(service_name.to_owned());
    Ok(SdkTracerProvider::builder()
        .with_span_processor(processor)
        .with_sampler(Sampler::ParentBased(Box::new(sampler)))
        .with_resource(resource.build())
        .build())
}

/// Where traces go at the collector's address.
fn traces_url(endpoint: &Url) -> String {
    format!("{}/v1/traces", endpoint.as_str().trim_end_matches('/'))
}

/// Spans on their way, and those that were lost.
#[derive(Debug, Default)]
struct Losses {
    waiting: AtomicUsize,
    dropped: AtomicUsize,
}

impl Losses {
    fn note(&self, spans: usize, reason: &'static str) {
        self.dropped.fetch_add(spans, Ordering::Relaxed);
        metrics::counter!("chalkline_trace_spans_dropped_total", "reason" => reason)
            .increment(spans as u64);
    }
}

/// Lets as many spans in as may wait.
#[derive(Debug)]
struct Bounded {
    inner: BatchSpanProcessor,
    losses: Arc<Losses>,
}

impl SpanProcessor for Bounded {
    fn on_start(&self, span: &mut Span, context: &opentelemetry::Context) {
        self.inner.on_start(span, context);
    }

    fn on_end(&self, span: SpanData) {
        if !span.span_context.is_sampled() {
            return;
        }
        if self.losses.waiting.fetch_add(1, Ordering::Relaxed) < QUEUE {
            self.inner.on_end(span);
        } else {
            self.losses.waiting.fetch_sub(1, Ordering::Relaxed);
            // Nothing is said here: whoever ends a span may be saying something.
            self.losses.note(1, "queue_full");
        }
    }

    fn force_flush(&self) -> OTelSdkResult {
        self.inner.force_flush()
    }

    fn shutdown_with_timeout(&self, timeout: Duration) -> OTelSdkResult {
        self.inner.shutdown_with_timeout(timeout)
    }

    fn set_resource(&mut self, resource: &Resource) {
        self.inner.set_resource(resource);
    }
}

/// Sends spans, and says now and then how many were lost.
#[derive(Debug)]
struct Exporter {
    inner: opentelemetry_otlp::SpanExporter,
    losses: Arc<Losses>,
    complaint: Mutex<Complaint>,
}

/// When it was last said how many spans had been lost until then.
#[derive(Debug, Default)]
struct Complaint {
    at: Option<Instant>,
    dropped: usize,
}

impl Complaint {
    /// How many are to be told of now.
    fn due(&mut self, dropped: usize, now: Instant) -> Option<usize> {
        let news = dropped - self.dropped;
        let is_late = self.at.is_none_or(|at| now >= at + COMPLAINT_INTERVAL);
        if news == 0 || !is_late {
            return None;
        }
        *self = Self {
            at: Some(now),
            dropped,
        };
        Some(news)
    }
}

impl SpanExporter for Exporter {
    async fn export(&self, batch: Vec<SpanData>) -> OTelSdkResult {
        let spans = batch.len();
        self.losses.waiting.fetch_sub(spans, Ordering::Relaxed);
        let exported = self.inner.export(batch).await;
        let mut error = "the collector is too slow".to_owned();
        if let Err(failed) = &exported {
            self.losses.note(spans, "not_taken");
            error = failed.to_string();
        }
        self.complain(&error);
        exported
    }

    fn shutdown_with_timeout(&self, timeout: Duration) -> OTelSdkResult {
        self.inner.shutdown_with_timeout(timeout)
    }

    fn set_resource(&mut self, resource: &Resource) {
        self.inner.set_resource(resource);
    }
}

impl Exporter {
    fn complain(&self, error: &str) {
        let dropped = self.losses.dropped.load(Ordering::Relaxed);
        let mut complaint = self
            .complaint
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        if let Some(spans) = complaint.due(dropped, Instant::now()) {
            tracing::warn!(
                spans,
                error,
                "traces are lost: check the collector at telemetry.otlp_endpoint"
            );
        }
    }
}

/// Asks the collector on the threads that serve requests: the one that gathers spans has
/// no runtime.
#[derive(Debug)]
struct Client {
    http: reqwest::Client,
    runtime: Handle,
}

impl Client {
    fn new(endpoint: &Url) -> Result<Self, Source> {
        let mut http = reqwest::Client::builder()
            .timeout(TIMEOUT)
            .connect_timeout(TIMEOUT / 2)
            .redirect(reqwest::redirect::Policy::none())
            .user_agent(concat!("chalkline/", env!("CARGO_PKG_VERSION")));
        if is_loopback(endpoint) {
            // What runs on this machine is not reached through a proxy.
            http = http.no_proxy();
        }
        Ok(Self {
            http: http.build()?,
            runtime: Handle::try_current()?,
        })
    }
}

fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => name == "localhost",
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    }
}

#[async_trait::async_trait]
impl HttpClient for Client {
    async fn send_bytes(&self, request: Request<Bytes>) -> Result<Response<Bytes>, HttpError> {
        let http = self.http.clone();
        let sent = self
            .runtime
            .spawn(async move { send(&http, request).await });
        sent.await?
    }
}

async fn send(
    http: &reqwest::Client,
    request: Request<Bytes>,
) -> Result<Response<Bytes>, HttpError> {
    let mut response = http.execute(request.try_into()?).await?;
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await? {
        body.extend_from_slice(&chunk);
        if body.len() > ANSWER_BYTES {
            return Err("the collector's answer is too long".into());
        }
    }
    let mut answer = Response::new(Bytes::from(body));
    *answer.status_mut() = response.status();
    *answer.headers_mut() = std::mem::take(response.headers_mut());
    Ok(answer)
}

#[cfg(test)]
mod tests {
    use opentelemetry::trace::{Span as _, Tracer as _, TracerProvider as _};
    use rstest::rstest;
    use tokio::net::TcpListener;

    use super::*;

    #[tokio::test]
    async fn a_collector_that_is_away_costs_spans_and_nothing_else() {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("an address");
        drop(listener);
        let endpoint = Url::parse(&format!("http://{address}")).expect("an address");
        let losses = Arc::new(Losses::default());
        let provider = build(&endpoint, "test", 1.0, Arc::clone(&losses)).expect("is set up");
        let tracer = provider.tracer("test");
        let spans = 4 * QUEUE;
        for _ in 0..spans {
            tracer.start("step").end();
        }
        let count = |counter: &AtomicUsize| counter.load(Ordering::Relaxed);
        let waiting = count(&losses.waiting);
        assert!(waiting <= QUEUE, "{waiting}");
        // What is under way to nobody, or was, is little.
        let dropped = count(&losses.dropped);
        assert!(dropped > spans / 4 && dropped < spans, "{dropped}");

        let ended = move || provider.shutdown_with_timeout(Duration::from_secs(60));
        // The last ones are lost as well; whether that is an error is not ours to say.
        let _ = tokio::task::spawn_blocking(ended).await.expect("no panic");
        assert_eq!((count(&losses.waiting), count(&losses.dropped)), (0, spans));
    }

    #[test]
    fn losses_are_told_of_once_a_minute() {
        let mut complaint = Complaint::default();
        let now = Instant::now();
        let second = Duration::from_secs(1);
        assert_eq!(complaint.due(0, now), None);
        assert_eq!(complaint.due(5, now), Some(5));
        assert_eq!(complaint.due(9, now + 59 * second), None);
        assert_eq!(complaint.due(9, now + 60 * second), Some(4));
        assert_eq!(complaint.due(9, now + 600 * second), None);
    }

    #[rstest]
    #[case("http://collector:4318", "http://collector:4318/v1/traces")]
    #[case("http://collector:4318/", "http://collector:4318/v1/traces")]
    #[case("https://otel.example/team/a", "https://otel.example/team/a/v1/traces")]
    fn traces_have_a_place_of_their_own(#[case] endpoint: &str, #[case] expected: &str) {
        let endpoint = Url::parse(endpoint).expect("an address");
        assert_eq!(traces_url(&endpoint), expected);
    }
}
