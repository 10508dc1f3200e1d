//! How long a query without end goes on once it is cancelled.

use std::time::{Duration, Instant};

use e2e::{Client, Reply};
use reqwest::Method;
use serde_json::{Value, json};

use super::district::District;
use super::service::Service;
use crate::latency::Latencies;
use crate::report::{Floor, Report};

/// How often each is cancelled.
const TIMES: usize = 5;

/// How long each works before: what it does in its first moments ends soon anyhow.
const WORK: Duration = Duration::from_millis(500);

/// Each works for years, and most of that without a pause.
const STATEMENTS: [(&str, &str); 8] = [
    (
        "product",
        "SELECT count(*) AS n FROM generate_series(1, 2000000) a \
         CROSS JOIN generate_series(1, 10000000000) b WHERE a.value + b.value = -1",
    ),
    (
        "nested loops",
        "SELECT count(*) AS n FROM generate_series(1, 2000000) a \
         LEFT JOIN generate_series(1, 10000000000) b ON a.value + b.value < 0",
    ),
    (
        "equal keys",
        "SELECT count(*) AS n FROM (SELECT value % 2 AS k, value AS v \
         FROM generate_series(1, 1000000)) a JOIN (SELECT value % 2 AS k, value AS v \
         FROM generate_series(1, 1000000)) b ON a.k = b.k AND a.v + b.v < 0",
    ),
    (
        "recursion",
        "WITH RECURSIVE t(n) AS (SELECT 1 UNION ALL SELECT 1 FROM t) SELECT count(*) AS n FROM t",
    ),
    (
        "groups",
        "SELECT max(n) AS n FROM (SELECT value % 10 AS k, count(*) AS n \
         FROM generate_series(1, 10000000000) GROUP BY k)",
    ),
    (
        "sort",
        "SELECT value FROM generate_series(1, 10000000000) ORDER BY value % 1000003",
    ),
    (
        "running sum",
        "SELECT max(n) AS n FROM (SELECT sum(value) OVER (ORDER BY value) AS n \
         FROM generate_series(1, 10000000000))",
    ),
    (
        "running median",
        "SELECT max(n) AS n FROM (SELECT median(value) OVER (ORDER BY value ROWS BETWEEN \
         UNBOUNDED PRECEDING AND CURRENT ROW) AS n FROM generate_series(1, 2000000))",
    ),
];

/// Where one query works at once, each is cancelled and the next asked: that it is answered
/// says that the other has ended.
pub async fn measure(district: &District, report: &mut Report) {
    let settings = [
        ("CHALKLINE_QUERY_CONCURRENCY", "1"),
        ("CHALKLINE_QUERY_TENANT_CONCURRENCY", "1"),
        ("CHALKLINE_QUERY_QUEUE_SECONDS", "60"),
        ("CHALKLINE_QUERY_RESULTS_BYTES", "0"),
    ];
    let service = Service::start(&district.sandbox, "query", "cancelled", &settings).await;
    let client = service.client(&district.steward);
    let mut all = Latencies::default();
    let mut worst = (Duration::ZERO, "");
    for (name, sql) in STATEMENTS {
        let mut latencies = Latencies::default();
        for _ in 0..TIMES {
            latencies.add(cancelled(&client, sql).await);
        }
        let most = latencies.at(1.0);
        eprintln!("cancelled, {name}: at most {:.1} ms", millis(most));
        if most > worst.0 {
            worst = (most, name);
        }
        all += latencies;
    }
    report.add(
        "a query without end, cancelled until its place is free",
        format!(
            "p50 {:.1} ms, max {:.1} ms",
            millis(all.at(0.5)),
            millis(worst.0)
        ),
        millis(worst.0),
        Floor::AtMost(1000.0),
        format!(
            "ms at most, of {} statements {TIMES} times each, with `SELECT 1` that has the place \
             next; the longest: {}",
            STATEMENTS.len(),
            worst.1
        ),
    );
}

/// Has a statement work and cancels it; how long until another has its place and is answered.
async fn cancelled(client: &Client, sql: &str) -> Duration {
    let submitted = request(
        client,
        Method::POST,
        "/v1/queries",
        Some(json!({ "sql": sql })),
    )
    .await;
    let query = submitted.expect_status(202).json();
    let path = format!("/v1/queries/{}", query["id"].as_str().expect("an id"));
    let status = async || client.get(&path).await.expect_status(200).json()["status"].take();
    loop {
        match status().await.as_str() {
            Some("queued") => tokio::time::sleep(Duration::from_millis(10)).await,
            Some("running") => break,
            other => panic!("{sql}: {other:?}"),
        }
    }
    tokio::time::sleep(WORK).await;

    let begun = Instant::now();
    let reply = request(client, Method::DELETE, &path, None).await;
    assert_eq!(reply.status, 200, "{sql}: {}", reply.text());
    let next = client.ask("SELECT 1 AS one", json!([])).await;
    let elapsed = begun.elapsed();
    next.expect("query answers").expect_status(200);
    // The tenant may have so many, also of those that have ended.
    request(client, Method::DELETE, &path, None)
        .await
        .expect_status(204);
    elapsed
}

async fn request(client: &Client, method: Method, path: &str, body: Option<Value>) -> Reply {
    let url = format!("{}{path}", client.address().query);
    let request = client.http().request(method, url);
    let request = request.bearer_auth(&client.tenant.token);
    let request = match body {
        Some(body) => request.json(&body),
        None => request,
    };
    Client::send(request).await.expect("query answers")
}

fn millis(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1e3
}
