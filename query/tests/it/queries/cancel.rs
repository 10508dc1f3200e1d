//! Whoever goes away, or cancels, has their place and the threads back at once.

use std::time::{Duration, Instant};

use query::Config;
use rstest::rstest;
use runtime::Shutdown;
use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tower::ServiceExt;

use super::ENDLESS;
use crate::school::{School, question, token};

/// What is said to take less than a second: machines that test are busy.
const SOON: Duration = Duration::from_secs(5);

/// One query at a time, on one thread.
fn alone() -> Config {
    Config {
        threads: 1,
        timeout_seconds: 600,
        queue_seconds: 60,
        tenant_concurrency: 1,
        concurrency: 1,
        ..Config::default()
    }
}

const LONG: &str = "generate_series(1, 10000000000)";
const MANY: &str = "generate_series(1, 2000000)";
const PAIRS: &str = "(SELECT value % 2 AS k, value AS v FROM generate_series(1, 1000000))";

#[rstest]
#[case::nested_loops("SELECT count(*) FROM {MANY} a JOIN {LONG} b ON a.value + b.value < 0")]
#[case::nested_loops_that_keep(
    "SELECT count(*) FROM {MANY} a LEFT JOIN {LONG} b ON a.value + b.value < 0"
)]
#[case::nested_loops_that_look(
    "SELECT count(*) FROM {MANY} a WHERE EXISTS (SELECT 1 FROM {LONG} b WHERE a.value + b.value < 0)"
)]
#[case::product("SELECT count(a.value + b.value) FROM {MANY} a CROSS JOIN {LONG} b")]
#[case::product_of_nothing(
    "SELECT count(*) FROM {MANY} a CROSS JOIN {LONG} b WHERE a.value + b.value = -1"
)]
#[case::equal_keys("SELECT count(*) FROM {PAIRS} a JOIN {PAIRS} b ON a.k = b.k AND a.v + b.v < 0")]
#[case::equal_keys_that_look(
    "SELECT count(*) FROM {PAIRS} a WHERE EXISTS (SELECT 1 FROM {PAIRS} b WHERE a.k = b.k AND a.v + b.v < 0)"
)]
#[case::equal_keys_counted("SELECT count(*) FROM {PAIRS} a JOIN {PAIRS} b ON a.k = b.k")]
#[case::recursion(
    "WITH RECURSIVE t(n) AS (SELECT 1 UNION ALL SELECT 1 FROM t) SELECT count(*) FROM t"
)]
#[case::unnest("SELECT count(*) FROM (SELECT unnest(range(0, 1000)) FROM {LONG})")]
#[case::groups("SELECT max(n) FROM (SELECT value % 10 AS k, count(*) AS n FROM {LONG} GROUP BY k)")]
#[case::order("SELECT value FROM {LONG} ORDER BY value % 1000 LIMIT 10")]
#[case::running_sum(
    "SELECT max(n) FROM (SELECT sum(value) OVER (ORDER BY value) AS n FROM {LONG})"
)]
#[case::running_median(
    "SELECT max(n) FROM (SELECT median(value) OVER (ORDER BY value ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW) AS n FROM {MANY})"
)]
#[case::median_of_the_rest(
    "SELECT max(n) FROM (SELECT median(value) OVER (ORDER BY value ROWS BETWEEN CURRENT ROW AND UNBOUNDED FOLLOWING) AS n FROM generate_series(1, 500000))"
)]
#[case::distances(
    "SELECT sum(levenshtein(repeat('a', 1000 + value % 2), repeat('b', 1000))) FROM {MANY}"
)]
#[case::patterns(
    "SELECT sum(regexp_count(repeat('ab', 500 + value % 2), '(a|b|ab)*c')) FROM {LONG}"
)]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_hangs_up_takes_the_query_along(#[case] sql: &str) {
    let sql = sql
        .replace("{MANY}", MANY)
        .replace("{LONG}", LONG)
        .replace("{PAIRS}", PAIRS);
    let mut school = School::empty(alone()).await;
    let router = school.router();
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("its address");
    let shutdown = Shutdown::new();
    let service = tokio::spawn(school.take().run(listener, shutdown.clone()));

    let mut asker = TcpStream::connect(address).await.expect("connects");
    let body = json!({ "sql": sql }).to_string();
    let head = format!(
        "POST /v1/sql HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer {}\r\n\
         content-type: application/json\r\ncontent-length: {}\r\n\r\n",
        token("new", "steward").reveal(),
        body.len()
    );
    let request = head + &body;
    asker.write_all(request.as_bytes()).await.expect("sends");
    let mut first = [0; 1024];
    let answer = tokio::time::timeout(Duration::from_millis(700), asker.read(&mut first)).await;
    let answer =
        answer.map(|read| String::from_utf8_lossy(&first[..read.unwrap_or(0)]).into_owned());
    assert!(answer.is_err(), "it works for minutes: {answer:?}");

    let hung_up = Instant::now();
    drop(asker);
    let body = json!({ "sql": "SELECT 1 AS one" });
    let next = router.oneshot(question(&token("new", "steward"), &body, "*/*"));
    let next = tokio::time::timeout(SOON, next).await;
    let next = next.expect("its place is free soon").expect("an answer");
    println!("free after {:?}: {sql}", hung_up.elapsed());
    assert_eq!(next.status(), 200);

    shutdown.trigger();
    service.await.expect("ends");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_submitted_query_is_cancelled_at_once() {
    let school = School::empty(alone()).await;
    let steward = token("new", "steward");
    let id = school.submit(&steward, ENDLESS).await;
    let query = school.after(&steward, &id, &["queued"]).await;
    assert_eq!(query["status"], "running");
    tokio::time::sleep(Duration::from_millis(300)).await;

    let cancelled = Instant::now();
    let answer = school.delete(&steward, &id).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    assert_eq!(answer.json()["status"], "cancelled");
    let next = school.ask("new", "SELECT 1 AS one");
    let next = tokio::time::timeout(SOON, next).await.expect("soon");
    println!("free after {:?}", cancelled.elapsed());
    assert_eq!(next.rows(), json!([{"one": 1}]));

    let (status, code, _) = school.rows_of(&steward, &id, "").await.problem();
    assert_eq!((status, code.as_str()), (410, "query_cancelled"));
    assert_eq!(school.delete(&steward, &id).await.status, 204);
    assert_eq!(
        school.query(&steward, &id).await.problem().1,
        "unknown_query"
    );
}

/// All threads work for one tenant, without a pause; another is answered.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_tenants_endless_query_keeps_no_other_waiting() {
    let config = Config {
        concurrency: 4,
        tenant_concurrency: 2,
        ..alone()
    };
    let school = School::empty(config).await;
    let steward = token("new", "steward");
    let sql = format!("SELECT count(*) FROM {MANY} a JOIN {LONG} b ON a.value + b.value < 0");
    for _ in 0..2 {
        let id = school.submit(&steward, &sql).await;
        school.after(&steward, &id, &["queued"]).await;
    }
    tokio::time::sleep(Duration::from_secs(1)).await;
    let asked = Instant::now();
    let other = school.ask(
        "south",
        "SELECT count(*) AS n FROM generate_series(1, 1000000)",
    );
    let other = tokio::time::timeout(SOON, other).await.expect("soon");
    println!("another tenant was answered after {:?}", asked.elapsed());
    assert_eq!(other.rows(), json!([{"n": 1_000_000}]));
}
