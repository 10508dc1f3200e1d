//! The front door, opened once for all inputs. `ingest/tests/it/corpus.rs` has it too.

mod answer;
mod events;
mod log;
mod people;
mod target;

use std::sync::Arc;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::http::{HeaderMap, Request, StatusCode, header};
use eventlog::EventLog;
use ingest::{Config, Ingest};
use runtime::{Clock, Health, Registry, Root};
use schemas::event::Event;
use schemas::{Credential, CredentialKind, CustomType, CustomTypeName, Tenant, TenantId, WriteKey};
use serde_json::{Value, json};
use tempfile::TempDir;
use tower::ServiceExt;
use uuid::Uuid;

use self::answer::Told;
use self::events::Contract;
use self::log::Reading;
pub use self::target::{Dialect, TARGETS, Target};

/// When all requests arrive.
const NOW: &str = "2026-09-14T12:00:00Z";

/// Larger than any input, and small enough that memory that is not given back is soon
/// missed.
const MAX_BODY_BYTES: usize = 1 << 20;
const MAX_COMPRESSED_BYTES: usize = 64 << 10;

/// A door, and the runtime in which it answers.
pub struct Door {
    target: Target,
    runtime: tokio::runtime::Runtime,
    router: Router,
    log: Arc<Reading>,
    key: String,
    told: Told,
    contract: Contract,
    _folder: TempDir,
}

/// What became of one request.
struct Reply {
    status: StatusCode,
    /// Without its trace id, which is always another.
    body: Value,
    /// What entered the log.
    events: Vec<Event>,
}

impl Door {
    /// A door for the inputs of that target, to a log that reads what it is given and
    /// keeps nothing.
    pub fn open(name: &str) -> Self {
        let mut targets = TARGETS.into_iter();
        let target = targets.find(|target| target.name == name);
        let target = target.expect("a target");
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .expect("starts");
        let folder = tempfile::tempdir().expect("a folder");
        let location = folder.path().to_str().expect("UTF-8");
        let root = Root::open(location, Default::default());
        let registry = Registry::new(root.expect("opens"));
        let (tenant, key) = tenant();
        runtime
            .block_on(registry.create(&tenant))
            .expect("the tenant is made");
        let log = Arc::new(Reading::new());
        let clock = Clock::fixed(NOW.parse().expect("a time"));
        let shared: Arc<dyn EventLog> = log.clone();
        let ingest = Ingest::new(config(), shared, registry, clock, &Health::new());
        let router = ingest.router();
        let document = runtime.block_on(document(&router));
        Self {
            told: Told::of(&document, target.path),
            contract: Contract::of(&tenant),
            target,
            runtime,
            router,
            log,
            key,
            _folder: folder,
        }
    }

    /// Posts a body, twice; says whether it was taken.
    ///
    /// # Panics
    /// When the answer is none that is documented or contradicts itself, when an event
    /// that enters the log is not as it should be or names a person, when the same body
    /// has another effect the second time, and when memory is not given back.
    pub fn take(&self, body: &[u8]) -> bool {
        let first = self.post(body, false);
        self.check(body, &first);
        let taken = first.status.is_success();
        let second = self.post(body, true);
        assert_eq!(first.status, second.status, "the second time");
        if matches!(self.target.dialect, Dialect::Xapi | Dialect::Multipart) {
            // A statement without an id gets a random one.
            let named = |reply: Reply| -> Vec<Event> {
                let bare = |event| Event {
                    id: Uuid::nil(),
                    ..event
                };
                reply.events.into_iter().map(bare).collect()
            };
            assert_eq!(named(first), named(second), "the second time");
        } else {
            assert_eq!(first.body, second.body, "the second time");
            assert_eq!(first.events, second.events, "the second time");
        }
        taken
    }

    /// Posts a body; with `all` it claims all memory that there is, which must be free.
    fn post(&self, body: &[u8], all: bool) -> Reply {
        let mut request = Request::post(self.target.path)
            .header(header::AUTHORIZATION, format!("Bearer {}", self.key));
        for (name, value) in self.target.headers {
            request = request.header(*name, *value);
        }
        if all {
            let most = match self.target.dialect {
                Dialect::Compressed => MAX_COMPRESSED_BYTES,
                _ => MAX_BODY_BYTES,
            };
            request = request.header(header::CONTENT_LENGTH, most);
        }
        let request = request.body(Body::from(body.to_vec())).expect("a request");
        let (status, headers, bytes) = self.runtime.block_on(answer(&self.router, request));
        let mut body = match bytes.is_empty() {
            true => Value::Null,
            false => serde_json::from_slice(&bytes).expect("an answer is JSON"),
        };
        self.told.check(status, &headers, &body);
        if let Some(problem) = body.as_object_mut() {
            problem.remove("trace_id");
        }
        let events = self.log.taken();
        Reply {
            status,
            body,
            events,
        }
    }

    fn check(&self, body: &[u8], reply: &Reply) {
        let counts = Counts::of(&reply.body);
        if let Some(counts) = &counts {
            counts.check(reply);
        } else if !reply.status.is_success() {
            assert!(reply.events.is_empty(), "a request is refused and kept");
        }
        if let Value::Array(ids) = &reply.body {
            assert!(reply.events.len() <= ids.len(), "more is kept than named");
        }
        for event in &reply.events {
            people::check_members(event);
        }
        let Some(sent) = events::of(self.target.dialect, body) else {
            return;
        };
        if let Some(counts) = counts {
            assert_eq!(counts.received, sent.len() as u64, "events of the request");
        }
        if let Value::Array(ids) = &reply.body {
            assert_eq!(ids.len(), sent.len(), "statements of the request");
        }
        if matches!(self.target.dialect, Dialect::Native | Dialect::Lines) {
            self.contract.check(&sent, &reply.body);
        }
        if let [sent] = &sent[..] {
            for name in people::named(self.target.dialect, sent) {
                people::check_told(name, &reply.body);
                for event in &reply.events {
                    people::check_kept(name, event);
                }
            }
        }
    }
}

/// How many events had which outcome, as an answer says.
struct Counts {
    received: u64,
    accepted: u64,
    rejected: u64,
}

impl Counts {
    /// Those of an answer that counts.
    fn of(body: &Value) -> Option<Self> {
        let count = |name: &str| body[name].as_u64();
        let counts = Self {
            received: count("received")?,
            accepted: count("accepted")?,
            rejected: count("rejected")?,
        };
        let others = [count("duplicate")?, count("ignored")?];
        let sum = counts.accepted + counts.rejected + others.iter().sum::<u64>();
        assert_eq!(counts.received, sum, "received is the sum: {body}");
        assert_eq!(count("retry"), Some(0), "the log takes all: {body}");
        Some(counts)
    }

    fn check(&self, reply: &Reply) {
        let Reply { status, body, .. } = reply;
        assert_eq!(self.accepted, reply.events.len() as u64, "{status}: {body}");
        assert_eq!(status.is_success(), self.rejected < self.received, "{body}");
        if let Some(results) = body["results"].as_array() {
            assert_eq!(self.received, results.len() as u64, "{body}");
            for (index, result) in results.iter().enumerate() {
                assert_eq!(result["index"], index, "{body}");
            }
            let taken = results
                .iter()
                .filter(|result| result["outcome"] == "accepted");
            let named = taken.map(|result| result["id"].as_str().unwrap_or_default());
            let kept: Vec<_> = reply
                .events
                .iter()
                .map(|event| event.id.to_string())
                .collect();
            assert!(named.eq(kept.iter()), "{kept:?}: {body}");
        }
    }
}

/// The least memory that takes the largest body.
fn config() -> Config {
    let config = Config {
        max_body_bytes: MAX_BODY_BYTES,
        max_compressed_bytes: MAX_COMPRESSED_BYTES,
        memory_limit_bytes: 3 * (MAX_BODY_BYTES + MAX_COMPRESSED_BYTES),
        max_events: 100,
        ..Config::default()
    };
    assert_eq!(config.problems(), Vec::<String>::new());
    config
}

/// A tenant, and its key.
fn tenant() -> (Tenant, String) {
    let now = NOW.parse().expect("a time");
    let id = TenantId::new("demo").expect("a slug");
    let credential = Credential::new(CredentialKind::Key, id.clone(), "web".into(), [1; 32]);
    let mut tenant = Tenant::new(id, "Demo");
    tenant.actor_prefixes = vec!["https://lms.example/users/".to_owned()];
    tenant.id_prefixes = vec!["https://lms.example/".to_owned()];
    tenant.keys.push(WriteKey::new(&credential, now));
    tenant.custom_types.push(CustomType {
        name: CustomTypeName::new("custom.lab.opened").expect("a name"),
        description: None,
        schema: json!({
            "type": "object",
            "properties": {
                "a": { "type": "object", "properties": { "b": { "type": "array" } } },
                "station": { "type": "string", "pattern": "^[A-Z][0-9]$" },
                "when": { "type": "string", "format": "date" },
            },
            "propertyNames": { "maxLength": 8 },
        }),
        registered_at: now,
    });
    (tenant, credential.reveal().to_string())
}

/// What the door tells of itself.
async fn document(router: &Router) -> Value {
    let request = Request::get("/openapi.json").body(Body::empty());
    let (_, _, bytes) = answer(router, request.expect("a request")).await;
    serde_json::from_slice(&bytes).expect("JSON")
}

async fn answer(router: &Router, request: Request<Body>) -> (StatusCode, HeaderMap, Bytes) {
    let response = router.clone().oneshot(request).await.expect("answers");
    let (parts, body) = response.into_parts();
    let body = axum::body::to_bytes(body, usize::MAX).await;
    (parts.status, parts.headers, body.expect("a body"))
}
