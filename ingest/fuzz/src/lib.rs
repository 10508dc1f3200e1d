//! One front door for all inputs of a fuzzer, and what must hold of each.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use async_trait::async_trait;
use axum::Router;
use axum::body::Body;
use axum::http::Request;
use eventlog::{AppendError, EventLog, LogId, Position, ReadError, Reader, Receipt, Record};
use ingest::{Config, Ingest};
use runtime::{Clock, Health, Registry, Root};
use schemas::event::{Event, TYPE_VERSION};
use schemas::{Credential, CredentialKind, Family, Tenant, TenantId, WriteKey, headers};
use tower::ServiceExt;

/// The statuses that the front door documents for a request with a good key.
const STATUSES: [u16; 7] = [200, 202, 204, 400, 403, 413, 415];

/// A door, and the runtime in which it answers.
pub struct Door {
    runtime: tokio::runtime::Runtime,
    router: Router,
    key: String,
}

impl Door {
    /// A door to a log that reads what it is given and keeps nothing.
    pub fn open() -> Self {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .expect("starts");
        let folder = tempfile::tempdir().expect("a folder").keep();
        let root = Root::open(folder.to_str().expect("UTF-8"), Default::default());
        let registry = Registry::new(root.expect("opens"));
        let now = "2026-09-14T12:00:00Z".parse().expect("a time");
        let id = TenantId::new("demo").expect("a slug");
        let credential = Credential::new(CredentialKind::Key, id.clone(), "web".into(), [1; 32]);
        let mut tenant = Tenant::new(id, "Demo");
        tenant.keys.push(WriteKey::new(&credential, now));
        runtime
            .block_on(registry.create(&tenant))
            .expect("the tenant is made");
        let log: Arc<dyn EventLog> = Arc::new(Reading::new());
        let (config, clock) = (Config::default(), Clock::fixed(now));
        let ingest = Ingest::new(config, log, registry, clock, &Health::new());
        Self {
            router: ingest.router(),
            key: credential.reveal().to_string(),
            runtime,
        }
    }

    /// Posts a body.
    ///
    /// # Panics
    /// When the answer is none that is documented, or the log was given what is no
    /// event.
    pub fn post(&self, path: &str, headers: &[(&str, &str)], body: &[u8]) {
        let mut request =
            Request::post(path).header("authorization", format!("Bearer {}", self.key));
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let request = request.body(Body::from(body.to_vec())).expect("a request");
        let response = self
            .runtime
            .block_on(self.router.clone().oneshot(request))
            .expect("answers");
        let status = response.status().as_u16();
        assert!(STATUSES.contains(&status), "{path} answered {status}");
    }
}

/// A log that takes events and nothing else.
struct Reading {
    id: LogId,
    next: AtomicU64,
}

impl Reading {
    fn new() -> Self {
        Self {
            id: LogId::new("fuzz"),
            next: AtomicU64::new(0),
        }
    }
}

#[async_trait]
impl EventLog for Reading {
    fn id(&self) -> &LogId {
        &self.id
    }

    fn partitions(&self) -> u32 {
        1
    }

    async fn append(&self, records: Vec<Record>) -> Vec<Result<Receipt, AppendError>> {
        let taken = records.iter().map(|record| {
            let family = record.headers.get(headers::FAMILY).unwrap_or_default();
            let family = std::str::from_utf8(family).ok().and_then(Family::from_name);
            let family = family.expect("it has a family");
            let event = Event::decode(family, TYPE_VERSION, &record.value);
            let event = event.expect("it is an event");
            assert_eq!(event.to_json(), &record.value[..], "it is canonical");
            let offset = self.next.fetch_add(1, Ordering::Relaxed);
            Ok(Receipt::Stored(Position {
                partition: 0,
                offset,
            }))
        });
        taken.collect()
    }

    async fn read(&self, partition: u32, _: u64) -> Result<Box<dyn Reader>, ReadError> {
        Err(ReadError::NoPartition(partition))
    }

    async fn head(&self, _: u32) -> Result<u64, ReadError> {
        Ok(0)
    }

    async fn tail(&self, _: u32) -> Result<u64, ReadError> {
        Ok(0)
    }

    async fn close(&self) {}
}

/// A target that posts its input to this path, with these headers.
#[macro_export]
macro_rules! door_target {
    ($path:literal $(, $name:literal: $value:literal)*) => {
        libfuzzer_sys::fuzz_target!(|body: &[u8]| {
            thread_local! {
                static DOOR: $crate::Door = $crate::Door::open();
            }
            DOOR.with(|door| door.post($path, &[$(($name, $value)),*], body));
        });
    };
}
