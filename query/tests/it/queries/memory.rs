//! Memory that runs out, of a query and of the process.

use std::time::Duration;

use query::Config;
use rstest::rstest;
use serde_json::json;

use super::ENDLESS;
use crate::school::{School, token};

/// Joins whose one side does not fit: an error that says so, and no panic.
#[rstest]
#[case("JOIN", "a.v < b.w")]
#[case("LEFT JOIN", "a.v < b.w")]
#[case("FULL JOIN", "a.v < b.w")]
#[case("CROSS JOIN", "")]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_join_that_does_not_fit_is_out_of_memory(#[case] join: &str, #[case] on: &str) {
    let config = Config {
        threads: 2,
        memory_bytes: 4 << 20,
        tenant_memory_bytes: 4 << 20,
        timeout_seconds: 60,
        ..Config::default()
    };
    let school = School::empty(config).await;
    let on = if on.is_empty() {
        String::new()
    } else {
        format!("ON {on}")
    };
    let sql = format!(
        "SELECT count(a.v + b.w) FROM \
         (SELECT value AS v FROM generate_series(1, 3000000) WHERE value % 2 = 0) a {join} \
         (SELECT value AS w FROM generate_series(1, 3000000) WHERE value % 2 = 1) b {on}"
    );
    let (status, code, _) = school.ask("new", &sql).await.problem();
    assert_eq!((status, code.as_str()), (507, "query_out_of_memory"));
    let rows = school.ask("new", "SELECT 1 AS one").await.rows();
    assert_eq!(rows, json!([{"one": 1}]));
}

/// A limit below what any process has: each second the largest query ends.
#[cfg(target_os = "linux")]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_process_without_memory_ends_its_largest_query() {
    let config = Config {
        threads: 2,
        rss_limit_bytes: 1,
        timeout_seconds: 600,
        ..Config::default()
    };
    let school = School::empty(config).await;
    // Nothing else works: there is nothing to wait for.
    let rows = school.ask("new", "SELECT 1 AS one").await.rows();
    assert_eq!(rows, json!([{"one": 1}]));

    tokio::time::sleep(Duration::from_millis(300)).await;
    let steward = token("new", "steward");
    let id = school.submit(&steward, ENDLESS).await;
    let query = school.after(&steward, &id, &["queued"]).await;
    assert_eq!(query["status"], "running", "{query}");
    let refused = school.ask("new", "SELECT 1").await;
    let (status, code, _) = refused.problem();
    assert_eq!((status, code.as_str()), (503, "memory_pressure"));
    assert_eq!(refused.headers["retry-after"], "1");
    let query = school.ended(&steward, &id).await;
    assert_eq!(query["status"], "failed", "{query}");
    assert_eq!(query["error"]["code"], "query_out_of_memory");
}
