//! The rows that the tenants hold, and how they come into their tables.

use std::collections::BTreeMap;
use std::sync::Arc;

use datafusion::arrow::array::RecordBatch;
use datafusion::arrow::datatypes::SchemaRef;
use datafusion::arrow::json::ReaderBuilder;
use lake::{Advance, AppId, Floor, MadeOf, Rows, Slices, file_columns};
use schemas::{Table, Term};
use serde_json::{Value, json};

use crate::school::{ASSESSMENT, CLICKSTREAM, School, VIDEO, id, time};

const LOG: &str = "log-1";

impl School {
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
        let mut open = self
            .lake
            .open_or_create(&id(tenant), table)
            .await
            .expect("a table");
        let before = open.made_of(report).await.expect("its positions");
        let zone = document.expect("a tenant").time_zone;
        let mut now = MadeOf {
            definition: Some(report.definition(zone)),
            as_of: Some(time(as_of)),
            ..MadeOf::default()
        };
        for source in &report.sources {
            let opened = self.lake.open(&id(tenant), *source).await;
            if let Some(opened) = opened.expect("a table or none") {
                now.sources.insert(*source, opened.source_version());
            }
        }
        let advances = now.advances(report, &before);
        let rows = Rows {
            term: Some(term.parse().expect("a term")),
            batches: batches(file_columns(table), rows),
        };
        // By the definition that counts rows are added, by another all are new.
        let replaced = match before.definition {
            Some(stored) if Some(stored) != now.definition => Slices::All,
            _ => Slices::Of(BTreeMap::new()),
        };
        let published = open.replace(&replaced, vec![rows], &advances).await;
        published.expect("published");
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

    pub async fn fill_north(&self) {
        let clicks = [
            event(
                0,
                "2026-09-14T10:05:00Z",
                "page.viewed",
                json!({"count": 1, "section_id": "bio-101-03", "published_at": "2026-09-14T10:05:01.5Z"}),
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
                json!({"count": 5, "section_id": "bio-101-04", "published_at": "2026-09-14T11:59:02Z"}),
            ),
        ];
        self.publish("north", CLICKSTREAM, Some("2026-27"), &clicks)
            .await;
        let late = [event(
            7,
            "2026-09-14T11:05:00Z",
            "page.viewed",
            json!({"occurred_at": "2026-05-04T08:00:00Z", "published_at": "2026-09-14T11:05:00.25Z"}),
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
        self.publish("north", Table::Audit, Some("2026-27"), &audited())
            .await;
        self.set_floor(0, "2026-09-14T11:59:30Z").await;
        self.set_floor(1, "2026-09-14T11:59:20Z").await;
    }

    pub async fn fill_south(&self) {
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

/// What the audit has of three queries: one that was answered, whose end stands in the
/// log twice, one that was refused, and one whose process was killed.
fn audited() -> Vec<Value> {
    let record = |id: &str, query: &str, kind: &str, at: &str, own: Value| {
        let mut row = json!({
            "event_id": id, "event_type": format!("query.{kind}"), "query_id": query,
            "occurred_at": format!("2026-09-14T{at}Z"), "role": "teacher", "subject_key": "t",
            "credential": "token", "credential_id": "t1", "door": "sql", "client": "curl",
            "log_id": LOG, "log_partition": 0, "log_position": 6,
        });
        for (name, value) in own.as_object().expect("an object") {
            row[name] = value.clone();
        }
        row
    };
    let ended = |id: &str| {
        record(
            id,
            "q1",
            "finished",
            "10:00:02",
            json!({
                "tables": ["video"], "policies": ["video: role teacher"],
                "outcome": "answered", "rows": 2, "bytes": 40, "duration_ms": 2000,
                "student_count": 2, "student_keys": ["a", "b"],
            }),
        )
    };
    vec![
        record(
            "a1",
            "q1",
            "started",
            "10:00:00",
            json!({
                "statement": "SELECT #1f", "tables": ["video"], "columns": ["video.term"],
                "policies": ["video: role teacher"], "queued_ms": 5,
            }),
        ),
        ended("a2"),
        ended("a2"),
        record(
            "a3",
            "q2",
            "refused",
            "10:01:00",
            json!({
                "statement": "SELEC #1f", "outcome": "sql_syntax", "rows": 0, "bytes": 0,
                "duration_ms": 1, "student_count": 0, "student_keys": [],
            }),
        ),
        record(
            "a4",
            "q3",
            "started",
            "10:02:00",
            json!({"statement": "SELECT #2e"}),
        ),
    ]
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

pub fn batches(columns: SchemaRef, rows: &[Value]) -> Vec<RecordBatch> {
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
