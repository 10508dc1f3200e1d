//! Answers that have begun, and do not come to their end.

use std::time::Duration;

use query::Config;
use rstest::rstest;
use serde_json::json;

use super::{ENDLESS, read};
use crate::school::{School, question, token};

/// Only so that nothing waits for ever.
const DEADLINE: Duration = Duration::from_secs(120);

/// A reader who keeps the connection and takes nothing from it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_does_not_read_is_cut_and_keeps_no_place() {
    let config = Config {
        threads: 2,
        stall_seconds: 1,
        timeout_seconds: 600,
        queue_seconds: 60,
        tenant_concurrency: 1,
        concurrency: 1,
        ..Config::default()
    };
    let school = School::empty(config).await;
    let body = json!({ "sql": "SELECT * FROM generate_series(1, 900000)" });
    let request = question(&token("new", "steward"), &body, "text/csv");
    let response = school.send(request).await;
    assert_eq!(response.status(), 200);

    // Only one may work at once: this one has the place of the other.
    let next = tokio::time::timeout(DEADLINE, school.ask("new", "SELECT 1 AS one"));
    let next = next.await.expect("an answer");
    assert_eq!(next.rows(), json!([{"one": 1}]));
    school.records.of(1).await;

    let (text, is_cut) = read(response).await;
    assert!(is_cut, "nobody takes the part for the whole");
    let rows = text.lines().skip(1).count();
    assert!((1..200_000).contains(&rows), "{rows} were made ahead");
    let [_, finished] = school.records.of(2).await.try_into().expect("two records");
    let end = finished.end.expect("an end");
    assert_ne!(end.outcome, "answered");
    assert_eq!(end.rows, rows as u64);
}

/// Rows that come at once, and one that never does.
#[rstest]
#[case::csv("text/csv", 1)]
#[case::ndjson("application/x-ndjson", 0)]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn time_ends_an_answer_that_has_begun(#[case] accept: &str, #[case] headers: usize) {
    let config = Config {
        threads: 2,
        timeout_seconds: 5,
        ..Config::default()
    };
    let school = School::empty(config).await;
    let sql = format!("SELECT value AS n FROM generate_series(1, 200000) UNION ALL {ENDLESS}");
    let request = question(&token("new", "steward"), &json!({ "sql": sql }), accept);
    let response = school.send(request).await;
    let status = response.status();
    let (text, is_cut) = tokio::time::timeout(DEADLINE, read(response))
        .await
        .expect("an end");
    assert_eq!(status, 200, "{text}");
    assert!(is_cut, "nobody takes the part for the whole");
    let rows = text.lines().skip(headers).count();
    assert!((1..=200_000).contains(&rows), "{rows}");

    let [_, finished] = school.records.of(1).await.try_into().expect("two records");
    let end = finished.end.expect("an end");
    assert_eq!(end.outcome, "query_timeout");
    assert_eq!(end.rows, rows as u64);
}
