//! Two tenants with a few rows each, and a way to ask about them.

use std::collections::HashMap;
use std::sync::Arc;

use axum::Router;
use axum::body::{Body, Bytes, to_bytes};
use axum::http::{HeaderMap, Request, StatusCode, header};
use axum::response::Response;
use chrono::{DateTime, Utc};
use lake::Lake;
use query::{Config, Query};
use runtime::{Clock, Health, Registry, Root};
use schemas::{Credential, CredentialKind, Family, QueryToken, Role, Table, Tenant, TenantId};
use serde_json::{Value, json};
use tempfile::TempDir;
use tower::ServiceExt;

use crate::audit::records::Records;
use crate::openapi;
pub use crate::rows::event;
use crate::seen::leaks::Calls;

pub const CLICKSTREAM: Table = Table::Events(Family::Clickstream);
pub const VIDEO: Table = Table::Events(Family::Video);
pub const ASSESSMENT: Table = Table::Events(Family::Assessment);

const NOW: &str = "2026-09-14T12:00:00Z";

/// A running service; its folder goes when it does.
pub struct School {
    pub folder: TempDir,
    pub lake: Lake,
    pub registry: Registry,
    pub clock: Clock,
    /// What was recorded.
    pub records: Arc<Records>,
    /// What `f_leak` was called with.
    pub calls: Arc<Calls>,
    query: Option<Query>,
}

/// What came back.
#[derive(Debug)]
pub struct Answer {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub body: Bytes,
}

impl Answer {
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).expect("a JSON body")
    }

    pub fn text(&self) -> &str {
        std::str::from_utf8(&self.body).expect("a text body")
    }

    /// The rows of a JSON answer.
    pub fn rows(&self) -> Value {
        assert_eq!(self.status, StatusCode::OK, "{}", self.text());
        self.json()["rows"].take()
    }

    /// The code and sentence of a problem.
    pub fn problem(&self) -> (u16, String, String) {
        let problem = self.json();
        assert_eq!(problem["status"], self.status.as_u16(), "{problem}");
        assert_eq!(
            self.headers[header::CONTENT_TYPE],
            "application/problem+json"
        );
        let text = |name: &str| problem[name].as_str().unwrap_or_default().to_owned();
        (self.status.as_u16(), text("code"), text("detail"))
    }
}

pub fn id(tenant: &str) -> TenantId {
    TenantId::new(tenant).expect("a slug")
}

/// The token of a tenant's member: the same in every test.
pub fn token(tenant: &str, name: &str) -> Credential {
    let secret = [name.len() as u8; 32];
    Credential::new(CredentialKind::Token, id(tenant), name.to_owned(), secret)
}

impl School {
    pub async fn new() -> Self {
        Self::with(Config {
            threads: 2,
            ..Config::default()
        })
        .await
    }

    /// The service with tenants `north`, `south` and the empty `new`.
    pub async fn with(config: Config) -> Self {
        let school = Self::empty(config).await;
        school.fill_north().await;
        school.fill_south().await;
        school
    }

    /// The service with these tenants, and nothing of theirs.
    pub async fn empty(config: Config) -> Self {
        let documents = ["north", "south", "new"].map(|tenant| {
            let mut document = Tenant::new(id(tenant), tenant);
            document.tokens = vec![
                held(token(tenant, "steward"), Role::Steward),
                held(token(tenant, "researcher"), Role::Researcher),
                held(token(tenant, "analyst"), Role::Analyst),
                QueryToken {
                    revoked_at: Some(time("2026-09-01T00:00:00Z")),
                    ..held(token(tenant, "revoked"), Role::Steward)
                },
                QueryToken {
                    expires_at: Some(time("2026-09-14T11:59:59Z")),
                    ..held(token(tenant, "expired"), Role::Steward)
                },
            ];
            document
        });
        Self::of(config, documents.into()).await
    }

    /// The service with tenants of these documents, and nothing of theirs.
    pub async fn of(config: Config, documents: Vec<Tenant>) -> Self {
        Self::built(config, documents, None).await
    }

    /// The same over a lake that lies elsewhere.
    pub async fn over(config: Config, documents: Vec<Tenant>, lake: Lake) -> Self {
        Self::built(config, documents, Some(lake)).await
    }

    async fn built(config: Config, documents: Vec<Tenant>, lake: Option<Lake>) -> Self {
        let folder = TempDir::new().expect("a temporary folder");
        let location = folder.path().to_str().expect("a text path");
        let root = Root::open(location, HashMap::new()).expect("a root");
        let lake = lake
            .unwrap_or_else(|| Lake::new(root.url().clone(), root.store(), root.options().clone()));
        let registry = Registry::new(root);
        let clock = Clock::fixed(time(NOW));
        for document in documents {
            registry.create(&document).await.expect("a new tenant");
        }
        let health = Health::new();
        let records = Arc::new(Records::default());
        let calls = Arc::new(Calls::default());
        let query = Query::with_functions(
            config,
            lake.clone(),
            registry.clone(),
            clock.clone(),
            Arc::clone(&records) as _,
            &health,
            vec![calls.function()],
        );
        Self {
            folder,
            lake,
            registry,
            clock,
            records,
            calls,
            query: Some(query.expect("a service")),
        }
    }

    pub fn router(&self) -> Router {
        self.query.as_ref().expect("not taken").router()
    }

    /// The service itself, to be run.
    pub fn take(&mut self) -> Query {
        self.query.take().expect("not taken")
    }

    /// Sends a request as it is.
    pub async fn send(&self, request: Request<Body>) -> Response {
        self.router().oneshot(request).await.expect("an answer")
    }

    /// What is answered, which the document of the service has to tell of.
    pub async fn answer(&self, request: Request<Body>) -> Answer {
        let asked = (request.method().clone(), request.uri().path().to_owned());
        let response = self.send(request).await;
        let status = response.status();
        let headers = response.headers().clone();
        let body = to_bytes(response.into_body(), usize::MAX).await;
        let answer = Answer {
            status,
            headers,
            body: body.expect("a whole body"),
        };
        openapi::assert_told(self, &asked.0, &asked.1, &answer).await;
        answer
    }

    /// Asks as the tenant's steward, for JSON.
    pub async fn ask(&self, tenant: &str, sql: &str) -> Answer {
        self.ask_with(tenant, json!({ "sql": sql })).await
    }

    pub async fn ask_with(&self, tenant: &str, body: Value) -> Answer {
        let request = question(&token(tenant, "steward"), &body, "application/json");
        self.answer(request).await
    }

    pub async fn ask_for(&self, accept: &str, sql: &str) -> Answer {
        let body = json!({ "sql": sql });
        let request = question(&token("north", "steward"), &body, accept);
        self.answer(request).await
    }

    /// Asks for what lies at a path, as the tenant's steward.
    pub async fn get(&self, tenant: &str, path: &str) -> Answer {
        self.answer(look(&token(tenant, "steward"), path)).await
    }
}

/// A request to `/v1/sql`.
pub fn question(token: &Credential, body: &Value, accept: &str) -> Request<Body> {
    Request::post("/v1/sql")
        .header(header::AUTHORIZATION, format!("Bearer {}", token.reveal()))
        .header(header::CONTENT_TYPE, "application/json")
        .header(header::ACCEPT, accept)
        .body(Body::from(body.to_string()))
        .expect("a request")
}

/// A request for what lies at a path.
pub fn look(token: &Credential, path: &str) -> Request<Body> {
    Request::get(path)
        .header(header::AUTHORIZATION, format!("Bearer {}", token.reveal()))
        .body(Body::empty())
        .expect("a request")
}

pub fn time(text: &str) -> DateTime<Utc> {
    text.parse().expect("a time")
}

pub fn held(token: Credential, role: Role) -> QueryToken {
    QueryToken::new(&token, role, time("2026-08-01T00:00:00Z"))
}
