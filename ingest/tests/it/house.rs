//! A tenant with a key, a log in a temporary folder, and a front door to both.

use std::net::SocketAddr;
use std::num::{NonZeroU32, NonZeroU64};
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::http::{HeaderMap, Request, Response, StatusCode};
use chrono::{DateTime, TimeDelta, Utc};
use eventlog::{EmbeddedConfig, EmbeddedLog, EventLog, Record};
use ingest::{Config, Ingest};
use runtime::{Clock, Health, Registry, Root, Shutdown};
use schemas::event::Event;
use schemas::{
    Credential, CredentialKind, Family, KeyKind, Origin, StudentHasher, Tenant, TenantId, WriteKey,
    headers,
};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::net::TcpListener;
use tower::ServiceExt;

use crate::openapi;

pub const NOW: &str = "2026-09-14T12:00:00Z";

pub struct House {
    pub log: Arc<dyn EventLog>,
    pub registry: Registry,
    pub clock: Clock,
    pub key: String,
    router: Router,
    _folder: TempDir,
}

/// What a request was answered.
#[derive(Debug)]
pub struct Reply {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub body: Value,
}

impl House {
    pub async fn new() -> Self {
        Self::with_config(Config::default()).await
    }

    pub async fn with_config(config: Config) -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let mut settings = EmbeddedConfig::new(folder.path().join("log"));
        settings.partitions = 2;
        settings.linger = Duration::ZERO;
        let log = EmbeddedLog::open(settings).await.expect("opens");
        Self::build(config, Arc::new(log), folder).await
    }

    pub async fn with_log(log: Arc<dyn EventLog>) -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        Self::build(Config::default(), log, folder).await
    }

    async fn build(config: Config, log: Arc<dyn EventLog>, folder: TempDir) -> Self {
        assert_eq!(config.problems(), Vec::<String>::new());
        let location = folder.path().join("lake");
        let location = location.to_str().expect("UTF-8");
        let registry = Registry::new(Root::open(location, Default::default()).expect("opens"));
        let clock = Clock::fixed(now());
        let mut tenant = Tenant::new(tenant_id(), "Demo");
        tenant.actor_prefixes = vec!["https://lms.example/users/".to_owned()];
        tenant.keys = vec![
            key("web", [1; 32], |_| {}),
            key("video", [2; 32], |key| key.families = vec![Family::Video]),
            key("old", [3; 32], |key| key.revoked_at = Some(now())),
            key("late", [4; 32], |key| {
                key.expires_at = Some(now() - TimeDelta::days(1))
            }),
            key("page", [5; 32], |key| {
                key.kind = KeyKind::Public;
                key.origins = vec![Origin::new("https://*.school.example").expect("a site")];
            }),
            key("slow", [6; 32], |key| {
                key.events_per_second = NonZeroU32::new(1)
            }),
            key("daily", [7; 32], |key| {
                key.events_per_day = NonZeroU64::new(5)
            }),
        ];
        registry.create(&tenant).await.expect("creates");
        let mut neighbour = Tenant::new(neighbour_id(), "Neighbour");
        let credential = key_of(neighbour_id(), "web", [8; 32]);
        neighbour.keys = vec![WriteKey::new(&credential, now())];
        registry.create(&neighbour).await.expect("creates");
        let ingest = Ingest::new(
            config,
            Arc::clone(&log),
            registry.clone(),
            clock.clone(),
            &Health::new(),
        );
        Self {
            log,
            registry,
            clock,
            key: self::credential("web", [1; 32]),
            router: ingest.router(),
            _folder: folder,
        }
    }

    /// Serves the front door on a port of its own, to the end of the test.
    pub async fn serve(&self) -> SocketAddr {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("an address");
        let router = self.router.clone();
        tokio::spawn(async move {
            runtime::http::serve(listener, router, &Shutdown::new()).await;
        });
        address
    }

    /// Posts JSON with the good key.
    pub async fn post(&self, body: &Value) -> Reply {
        self.post_bytes(body.to_string().into_bytes(), &[]).await
    }

    /// Posts statements of xAPI 1.0.3 with the good key.
    pub async fn state(&self, body: &Value) -> Reply {
        let request = Request::post("/xapi/statements")
            .header("authorization", format!("Bearer {}", self.key))
            .header("content-type", "application/json")
            .header("x-experience-api-version", "1.0.3");
        self.send(request.body(body.to_string().into()).expect("a request"))
            .await
    }

    /// Posts events or entities of Caliper, or an envelope of them, with the good key.
    pub async fn sense(&self, body: &Value) -> Reply {
        self.sense_bytes(body.to_string(), &[]).await
    }

    /// Posts bytes to where Caliper goes, with the good key and these headers.
    pub async fn sense_bytes(&self, body: impl Into<Body>, headers: &[(&str, &str)]) -> Reply {
        let mut request =
            Request::post("/caliper").header("authorization", format!("Bearer {}", self.key));
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        self.send(request.body(body.into()).expect("a request"))
            .await
    }

    /// All that is in the log, as text.
    pub async fn text(&self) -> String {
        let records = self.records().await;
        let values = records
            .iter()
            .map(|record| String::from_utf8_lossy(&record.value));
        values.collect::<Vec<_>>().join("\n")
    }

    /// Posts bytes with the good key and these headers.
    pub async fn post_bytes(&self, body: impl Into<Body>, headers: &[(&str, &str)]) -> Reply {
        let mut request =
            Request::post("/v1/events").header("authorization", format!("Bearer {}", self.key));
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        self.send(request.body(body.into()).expect("a request"))
            .await
    }

    /// The answer as it begins: its body may have no end.
    pub async fn open(&self, request: Request<Body>) -> Response<Body> {
        self.router.clone().oneshot(request).await.expect("answers")
    }

    pub async fn send(&self, request: Request<Body>) -> Reply {
        let asked = (request.method().clone(), request.uri().path().to_owned());
        let response = self.open(request).await;
        let (parts, body) = response.into_parts();
        let bytes = axum::body::to_bytes(body, usize::MAX)
            .await
            .expect("a body");
        let reply = Reply {
            status: parts.status,
            headers: parts.headers,
            body: serde_json::from_slice(&bytes).unwrap_or(Value::Null),
        };
        if !reply.status.is_success() {
            reply.assert_problem();
        }
        openapi::assert_told(self, &asked.0, &asked.1, &reply).await;
        reply
    }

    /// The paths of all routes, as the router has them.
    pub fn paths(&self) -> Vec<String> {
        let shown = format!("{:?}", self.router);
        let (routes, _) = shown.split_once("fallback_router").expect("a router");
        let quoted = routes.split('"').skip(1).step_by(2);
        let paths = quoted.filter(|path| path.starts_with('/'));
        let mut paths: Vec<_> = paths.map(str::to_owned).collect();
        paths.sort();
        paths
    }

    /// All records in the log, by partition.
    pub async fn records(&self) -> Vec<Record> {
        let mut records = Vec::new();
        for partition in 0..self.log.partitions() {
            let tail = self.log.tail(partition).await.expect("a tail");
            let head = self.log.head(partition).await.expect("a head");
            let mut reader = self.log.read(partition, head).await.expect("a reader");
            let mut next = head;
            while next < tail {
                let entries = reader
                    .next(1 << 20, Duration::from_millis(200))
                    .await
                    .expect("reads");
                if entries.is_empty() {
                    break;
                }
                for entry in entries {
                    next = entry.position.offset + 1;
                    records.push(entry.record);
                }
            }
        }
        records
    }

    /// All events in the log, in order of their ids.
    pub async fn events(&self) -> Vec<Event> {
        let mut events: Vec<_> = self.records().await.iter().filter_map(event_of).collect();
        events.sort_by_key(|event| event.id);
        events
    }

    pub async fn hasher(&self) -> StudentHasher {
        StudentHasher::new(&self.registry.secret(&tenant_id()).await.expect("a secret"))
    }
}

impl Reply {
    pub fn code(&self) -> &str {
        self.body["code"].as_str().unwrap_or_default()
    }

    pub fn header(&self, name: &str) -> &str {
        self.headers
            .get(name)
            .map_or("", |value| value.to_str().expect("text"))
    }

    /// The outcomes in order, each with its code and pointer if rejected.
    pub fn outcomes(&self) -> Vec<String> {
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        self.body["results"]
            .as_array()
            .expect("results")
            .iter()
            .map(|result| match &result["code"] {
                Value::Null => text(&result["outcome"]),
                code => format!("{} {}", text(code), text(&result["pointer"])),
            })
            .collect()
    }

    fn assert_problem(&self) {
        assert_eq!(
            self.header("content-type"),
            "application/problem+json",
            "{self:?}"
        );
        assert_eq!(self.body["status"], self.status.as_u16());
        assert!(!self.code().is_empty(), "{self:?}");
        for member in ["type", "title", "detail"] {
            assert!(self.body[member].is_string(), "{self:?}");
        }
        assert_eq!(
            self.body["trace_id"].as_str().map(str::len),
            Some(32),
            "{self:?}"
        );
        if matches!(self.status.as_u16(), 429 | 503) {
            assert!(self.header("retry-after").parse::<u64>().expect("seconds") >= 1);
        }
    }
}

pub fn now() -> DateTime<Utc> {
    NOW.parse().expect("a time")
}

pub fn tenant_id() -> TenantId {
    TenantId::new("demo").expect("a slug")
}

/// Another tenant of the same door.
fn neighbour_id() -> TenantId {
    TenantId::new("neighbour").expect("a slug")
}

/// The other tenant's key.
pub fn neighbours_key() -> String {
    key_of(neighbour_id(), "web", [8; 32]).reveal()
}

pub fn credential(id: &str, random: [u8; 32]) -> String {
    key_of(tenant_id(), id, random).reveal()
}

fn key_of(tenant: TenantId, id: &str, random: [u8; 32]) -> Credential {
    Credential::new(CredentialKind::Key, tenant, id.to_owned(), random)
}

fn key(id: &str, random: [u8; 32], change: impl FnOnce(&mut WriteKey)) -> WriteKey {
    let mut key = WriteKey::new(&key_of(tenant_id(), id, random), now());
    change(&mut key);
    key
}

pub fn event_of(record: &Record) -> Option<Event> {
    let text = |name| {
        let value = record.headers.get(name).expect("a header");
        std::str::from_utf8(value).expect("UTF-8").to_owned()
    };
    if text(headers::KIND) != headers::kind::EVENT {
        return None;
    }
    let family = Family::from_name(&text(headers::FAMILY)).expect("a family");
    let version = text(headers::TYPE_VERSION).parse().expect("a version");
    Some(Event::decode(family, version, &record.value).expect("decodes"))
}

/// The id of the nth test event.
pub fn id(n: u64) -> String {
    format!("0197c3b2-8a5e-7c10-9d55-{n:012x}")
}

/// The nth good event: a click.
pub fn click(n: u64) -> Value {
    json!({
        "id": id(n), "type": "page.viewed", "time": "2026-09-14T10:00:00.123Z",
        "actor": format!("stu-{}", 1000 + n % 3), "course": "bio-101",
        "data": {"url": "https://lms.example/bio-101"},
    })
}
