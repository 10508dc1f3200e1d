//! Two tenants with a few rows each, and a way to ask about them.

use std::collections::HashMap;
use std::sync::Arc;

use axum::Router;
use axum::body::{Body, Bytes, to_bytes};
use axum::http::{HeaderMap, Request, StatusCode, header};
use axum::response::Response;
use chrono::{DateTime, Utc};
use datafusion::arrow::datatypes::SchemaRef;
use datafusion::arrow::json::ReaderBuilder;
use lake::{Advance, AppId, Floor, Lake, Rows, file_columns};
use query::{Config, Query};
use runtime::{Clock, Health, Registry, Root};
use schemas::{
    Credential, CredentialKind, Family, QueryToken, Role, Table, Tenant, TenantId, Term,
};
use serde_json::{Value, json};
use tempfile::TempDir;
use tower::ServiceExt;

pub const CLICKSTREAM: Table = Table::Events(Family::Clickstream);
pub const VIDEO: Table = Table::Events(Family::Video);
pub const ASSESSMENT: Table = Table::Events(Family::Assessment);

const LOG: &str = "log-1";
const NOW: &str = "2026-09-14T12:00:00Z";

/// A running service; its folder goes when it does.
pub struct School {
    pub folder: TempDir,
    pub lake: Lake,
    pub registry: Registry,
    pub clock: Clock,
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

    pub async fn empty(config: Config) -> Self {
        let folder = TempDir::new().expect("a temporary folder");
        let location = folder.path().to_str().expect("a text path");
        let root = Root::open(location, HashMap::new()).expect("a root");
        let lake = Lake::new(root.url().clone(), root.store(), root.options().clone());
        let registry = Registry::new(root);
        let clock = Clock::fixed(time(NOW));
        for tenant in ["north", "south", "new"] {
            let mut document = Tenant::new(id(tenant), tenant);
            document.tokens = vec![
                held(token(tenant, "steward"), Role::Steward),
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
            registry.create(&document).await.expect("a new tenant");
        }
        let health = Health::new();
        let query = Query::new(
            config,
            lake.clone(),
            registry.clone(),
            clock.clone(),
            &health,
        );
        Self {
            folder,
            lake,
            registry,
            clock,
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

    pub async fn answer(&self, request: Request<Body>) -> Answer {
        let response = self.send(request).await;
        let status = response.status();
        let headers = response.headers().clone();
        let body = to_bytes(response.into_body(), usize::MAX).await;
        Answer {
            status,
            headers,
            body: body.expect("a whole body"),
        }
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

    /// Publishes rows, as transform would.
    pub async fn publish(&self, tenant: &str, table: Table, term: Option<&str>, rows: &[Value]) {
        let (app, end) = match table {
            Table::LogCounts => (AppId::counts(LOG, 0), "end_position"),
            _ => (AppId::rows(LOG, 0), "log_position"),
        };
        let last = rows.iter().filter_map(|row| row[end].as_u64()).max();
        let mut open = self
            .lake
            .open_or_create(&id(tenant), table)
            .await
            .expect("a table");
        let expected = open.next_position(&app).await.expect("its position");
        let next = last.map_or(0, |last| last + 1).max(expected.unwrap_or(0));
        let term: Option<Term> = term.map(|term| term.parse().expect("a term"));
        let rows = Rows {
            term,
            batches: batches(file_columns(table), rows),
        };
        open.publish(
            vec![rows],
            &[Advance {
                app,
                expected,
                next,
            }],
        )
        .await
        .expect("published");
    }

    /// Publishes rows of a report that has read all of its sources, as they are
    /// now and as they were complete at `as_of`.
    pub async fn refresh(
        &self,
        tenant: &str,
        report: &str,
        term: &str,
        rows: &[Value],
        as_of: &str,
    ) {
        let report = schemas::report(report).expect("a report");
        let table = Table::from_name(report.name).expect("a table");
        let document = self.registry.tenant(&id(tenant)).await.expect("documents");
        let definition = report.definition(document.expect("a tenant").time_zone);
        let mut open = self
            .lake
            .open_or_create(&id(tenant), table)
            .await
            .expect("a table");
        let micros = u64::try_from(time(as_of).timestamp_micros()).expect("after 1970");
        let mut read = vec![(AppId::report_as_of(report.name, &definition), micros)];
        for source in &report.sources {
            let opened = self.lake.open(&id(tenant), *source).await;
            if let Some(source) = opened.expect("a table or none") {
                let app = AppId::report(report.name, &definition, source.kind());
                read.push((app, source.version()));
            }
        }
        let mut advances = Vec::new();
        for (app, next) in read {
            let expected = open.next_position(&app).await.expect("its position");
            advances.push(Advance {
                app,
                expected,
                next,
            });
        }
        let rows = Rows {
            term: Some(term.parse().expect("a term")),
            batches: batches(file_columns(table), rows),
        };
        open.publish(vec![rows], &advances)
            .await
            .expect("published");
    }

    pub async fn set_floor(&self, partition: u32, as_of: &str) {
        let floor = Floor {
            log_id: LOG.to_owned(),
            partition,
            position: 10,
            as_of: time(as_of),
        };
        self.lake.set_floor(&floor).await.expect("a floor");
    }

    async fn fill_north(&self) {
        let clicks = [
            event(
                0,
                "2026-09-14T10:05:00Z",
                "page.viewed",
                json!({"count": 1, "section_id": "bio-101-03"}),
            ),
            event(
                1,
                "2026-09-14T10:10:00Z",
                "resource.downloaded",
                json!({"count": 3, "section_id": "bio-101-03", "student_key": "b"}),
            ),
            event(
                9,
                "2026-09-14T11:59:00Z",
                "page.viewed",
                json!({"count": 5, "section_id": "bio-101-04"}),
            ),
        ];
        self.publish("north", CLICKSTREAM, Some("2026-27"), &clicks)
            .await;
        let late = [event(
            7,
            "2026-09-14T11:05:00Z",
            "page.viewed",
            json!({"occurred_at": "2026-05-04T08:00:00Z"}),
        )];
        self.publish("north", CLICKSTREAM, Some("2025-26"), &late)
            .await;
        let segments = json!({"played_segments": [{"from_seconds": 0.0, "to_seconds": 12.5}], "progress": 0.5});
        let video = [event(
            2,
            "2026-09-14T10:20:00Z",
            "video.progressed",
            segments,
        )];
        self.publish("north", VIDEO, Some("2026-27"), &video).await;
        let assessment = [
            event(
                3,
                "2026-09-14T10:30:00Z",
                "item.answered",
                json!({"correct": true, "score": 0.75, "attempt": 1}),
            ),
            event(
                8,
                "2026-09-14T11:10:00Z",
                "item.answered",
                json!({"correct": false, "score": 0.25, "attempt": 2}),
            ),
        ];
        self.publish("north", ASSESSMENT, Some("2026-27"), &assessment)
            .await;
        self.publish(
            "north",
            Table::Duplicates,
            None,
            &[json!({
                "event_id": "event-0", "event_type": "page.viewed", "family": "clickstream",
                "occurred_at": "2026-09-14T10:05:00Z", "received_at": "2026-09-14T10:40:00Z",
                "student_key": "a", "log_id": LOG, "log_partition": 0, "log_position": 4,
            })],
        )
        .await;
        self.publish(
            "north",
            Table::Quarantine,
            None,
            &[json!({
                "stage": "decode", "reason": "not_json", "attempt": 1, "family": "clickstream",
                "received_at": "2026-09-14T10:50:00Z", "original": "00ff",
                "log_id": LOG, "log_partition": 0, "log_position": 5,
            })],
        )
        .await;
        let tally = |outcome: &str, reason: Option<&str>, events: u64| {
            json!({
                "minute": "2026-09-14T10:05:00Z", "node": "n1", "family": "clickstream",
                "outcome": outcome, "reason": reason, "events": events,
                "log_id": LOG, "log_partition": 0, "log_position": 6,
            })
        };
        self.publish(
            "north",
            Table::Tallies,
            None,
            &[
                tally("accepted", None, 4),
                tally("rejected", Some("invalid_time"), 2),
                tally("rejected", Some("unknown_type"), 1),
                tally("duplicate", None, 1),
                tally("ignored", None, 1),
            ],
        )
        .await;
        let count = |hour: &str, family: &str, accepted: u64, first: u64, end: u64| {
            json!({
                "hour": hour, "family": family, "accepted": accepted, "log_id": LOG,
                "log_partition": 0, "first_position": first, "end_position": end,
            })
        };
        self.publish(
            "north",
            Table::LogCounts,
            None,
            &[
                count("2026-09-14T10:00:00Z", "clickstream", 4, 0, 7),
                count("2026-09-14T10:00:00Z", "video", 1, 0, 7),
                count("2026-09-14T10:00:00Z", "assessment", 1, 0, 7),
                count("2026-09-14T11:00:00Z", "clickstream", 1, 7, 9),
                count("2026-09-14T11:00:00Z", "assessment", 1, 7, 9),
            ],
        )
        .await;
        self.set_floor(0, "2026-09-14T11:59:30Z").await;
        self.set_floor(1, "2026-09-14T11:59:20Z").await;
    }

    async fn fill_south(&self) {
        let rows = [event(
            10,
            "2026-09-14T10:05:00Z",
            "page.viewed",
            json!({"url": "https://south.example/secret"}),
        )];
        self.publish("south", CLICKSTREAM, Some("2026-27"), &rows)
            .await;
    }
}

/// One row of an event table; `own` wins over what all have.
pub fn event(position: u64, received_at: &str, event_type: &str, own: Value) -> Value {
    let mut row = json!({
        "event_id": format!("event-{position}"), "event_type": event_type, "type_version": 1,
        "dialect": "native", "occurred_at": received_at, "received_at": received_at,
        "student_key": "a", "log_id": LOG, "log_partition": 0, "log_position": position,
    });
    for (name, value) in own.as_object().expect("an object") {
        row[name] = value.clone();
    }
    row
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

fn held(token: Credential, role: Role) -> QueryToken {
    QueryToken {
        id: token.id.clone(),
        hash: token.hash(),
        label: None,
        role,
        created_at: time("2026-08-01T00:00:00Z"),
        expires_at: None,
        revoked_at: None,
    }
}

fn batches(columns: SchemaRef, rows: &[Value]) -> Vec<datafusion::arrow::array::RecordBatch> {
    let mut decoder = ReaderBuilder::new(Arc::clone(&columns))
        .build_decoder()
        .expect("a decoder");
    decoder.serialize(rows).expect("rows fit the columns");
    decoder
        .flush()
        .expect("rows fit the columns")
        .into_iter()
        .collect()
}
