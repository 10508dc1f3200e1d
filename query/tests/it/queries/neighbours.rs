//! What one tenant takes, others do not lack.

use std::time::Duration;

use query::Config;
use serde_json::{Value, json};
use tempfile::TempDir;

use super::spill::spilled;
use crate::school::{School, token};

const MIB: usize = 1 << 20;

/// Only so that nothing waits for ever.
const DEADLINE: Duration = Duration::from_secs(300);

const PAIRS: &str = "SELECT count(*) AS n FROM generate_series(1, 20000) a \
     CROSS JOIN generate_series(1, 10000000000) b WHERE a.value + b.value = -1";
const SORT: &str = "SELECT value FROM generate_series(1, 10000000000) ORDER BY value % 1000003";
const JOIN: &str = "SELECT count(*) AS n FROM generate_series(1, 10000000000) a \
     JOIN generate_series(1, 10000000000) b ON a.value = b.value";

/// Nobody waits: whoever finds no place is refused at once.
fn impatient(spill: &TempDir) -> Config {
    Config {
        threads: 2,
        timeout_seconds: 120,
        memory_bytes: 256 * MIB,
        tenant_memory_bytes: 96 * MIB,
        rss_limit_bytes: u64::MAX,
        spill_directory: Some(spill.path().to_owned()),
        spill_bytes: 1024 * MIB as u64,
        tenant_spill_bytes: 64 * MIB as u64,
        concurrency: 8,
        tenant_concurrency: 4,
        tenant_queue: 0,
        queue_seconds: 0,
        submitted_concurrency: 4,
        results_bytes: 0,
        ..Config::default()
    }
}

/// Has a query work again and again, each time until it has taken all that it may.
async fn again_and_again(school: &School, sql: &str) {
    let steward = token("new", "steward");
    loop {
        let id = school.submit(&steward, sql).await;
        let query = school.ended(&steward, &id).await;
        assert_eq!(query["error"]["code"], "query_out_of_memory", "{query}");
        assert_eq!(school.delete(&steward, &id).await.status, 204);
    }
}

/// A small question, and what is answered.
fn small(number: i64) -> (String, Value) {
    match number % 3 {
        0 => (
            format!("SELECT count(*) AS n FROM generate_series(1, {number}000)"),
            json!([{"n": number * 1000}]),
        ),
        1 => (
            format!(
                "SELECT value % 2 AS k, max(value) AS n FROM generate_series(1, {number}000) \
                 GROUP BY k ORDER BY k"
            ),
            json!([{"k": 0, "n": number * 1000}, {"k": 1, "n": number * 1000 - 1}]),
        ),
        _ => (
            format!(
                "SELECT a.value AS n FROM generate_series(1, {number}) a \
                 JOIN generate_series(1, 10000) b ON a.value = b.value ORDER BY n DESC LIMIT 1"
            ),
            json!([{"n": number}]),
        ),
    }
}

/// All places that a tenant has are taken by queries that use up processor, memory and disk.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_tenants_runaway_queries_keep_no_other_tenant_from_anything() {
    let spill = TempDir::new().expect("a temporary folder");
    let school = School::empty(impatient(&spill)).await;
    let steward = token("new", "steward");
    let endless = [
        school.submit(&steward, PAIRS).await,
        school.submit(&steward, PAIRS).await,
    ];
    let are_running = async || {
        for id in &endless {
            let query = school.after(&steward, id, &["queued"]).await;
            assert_eq!(query["status"], "running", "{query}");
        }
    };
    let others = async {
        are_running().await;
        while spilled(spill.path()) == 0 {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        for number in 1..=30 {
            let (sql, rows) = small(number);
            assert_eq!(school.ask("south", &sql).await.rows(), rows, "{sql}");
        }
        are_running().await;
    };
    tokio::select! {
        () = again_and_again(&school, SORT) => unreachable!("it has no end"),
        () = again_and_again(&school, JOIN) => unreachable!("it has no end"),
        others = tokio::time::timeout(DEADLINE, others) => others.expect("answers"),
    }
}
