//! Time, memory, rows, depth, turns.

use axum::body::to_bytes;
use futures::StreamExt;
use query::Config;
use rstest::rstest;
use serde_json::json;

use crate::school::{School, question, token};

const ENDLESS: &str = "SELECT count(*) FROM generate_series(1, 2000000) a \
     CROSS JOIN generate_series(1, 10000000000) b WHERE a.value + b.value = -1";

fn small() -> Config {
    Config {
        threads: 2,
        timeout_seconds: 1,
        tenant_concurrency: 1,
        concurrency: 1,
        ..Config::default()
    }
}

#[tokio::test]
async fn a_query_without_end_is_cut_and_gives_its_place_back() {
    let school = School::empty(small()).await;
    for _ in 0..2 {
        let (status, code, _) = school.ask("new", ENDLESS).await.problem();
        assert_eq!((status, code.as_str()), (504, "query_timeout"));
    }
    let rows = school.ask("new", "SELECT 1 AS one").await.rows();
    assert_eq!(rows, json!([{"one": 1}]));
}

#[tokio::test]
async fn who_goes_away_takes_the_query_along() {
    let config = Config {
        timeout_seconds: 600,
        ..small()
    };
    let school = School::empty(config).await;
    // An answer that is being streamed …
    let body = json!({ "sql": "SELECT * FROM generate_series(1, 900000)" });
    let response = school
        .send(question(&token("new", "steward"), &body, "text/csv"))
        .await;
    let mut stream = response.into_body().into_data_stream();
    stream.next().await.expect("a chunk").expect("bytes");
    drop(stream);
    // … and one that has not begun.
    let body = json!({ "sql": ENDLESS });
    let waiting = school.send(question(&token("new", "steward"), &body, "text/csv"));
    let cut = tokio::time::timeout(std::time::Duration::from_millis(300), waiting).await;
    assert!(cut.is_err(), "it has no end");
    // Only one may work at once: this one would wait for both.
    let rows = school.ask("new", "SELECT 1 AS one").await.rows();
    assert_eq!(rows, json!([{"one": 1}]));
}

#[tokio::test]
async fn too_many_rows_are_an_error_and_never_a_part() {
    let config = Config {
        json_rows: 10,
        stream_rows: 100_000,
        ..small()
    };
    let school = School::empty(config).await;
    let rows = school
        .ask("new", "SELECT * FROM generate_series(1, 10)")
        .await
        .rows();
    assert_eq!(rows.as_array().map(Vec::len), Some(10));
    let answer = school
        .ask("new", "SELECT * FROM generate_series(1, 11)")
        .await;
    let (status, code, detail) = answer.problem();
    assert_eq!((status, code.as_str()), (413, "result_too_large"));
    assert!(detail.contains("10 rows"), "{detail}");

    let body = json!({ "sql": "SELECT * FROM generate_series(1, 200000)" });
    let request = question(&token("new", "steward"), &body, "application/x-ndjson");
    let response = school.send(request).await;
    assert_eq!(response.status(), 200);
    let cut = to_bytes(response.into_body(), usize::MAX).await;
    assert!(cut.is_err(), "the body ends in an error");
}

#[tokio::test]
async fn too_many_bytes_are_an_error() {
    let config = Config {
        json_bytes: 1_000,
        ..small()
    };
    let school = School::empty(config).await;
    let answer = school.ask("new", "SELECT repeat('x', 2000) AS x").await;
    assert_eq!(answer.problem().1, "result_too_large");
}

#[tokio::test]
async fn memory_that_runs_out_is_said_and_given_back() {
    let config = Config {
        memory_bytes: 4 << 20,
        tenant_memory_bytes: 4 << 20,
        spill_bytes: 1 << 20,
        timeout_seconds: 60,
        ..small()
    };
    let school = School::empty(config).await;
    let sql = "SELECT count(*) FROM (SELECT DISTINCT value, value || 'x' AS y \
               FROM generate_series(1, 3000000))";
    for _ in 0..2 {
        let (status, code, _) = school.ask("new", sql).await.problem();
        assert_eq!((status, code.as_str()), (507, "query_out_of_memory"));
    }
    let rows = school
        .ask("new", "SELECT count(*) AS n FROM generate_series(1, 10)")
        .await;
    assert_eq!(rows.rows(), json!([{"n": 10}]));
}

#[tokio::test]
async fn who_waits_too_long_or_in_too_long_a_queue_is_told_to_come_back() {
    let config = Config {
        timeout_seconds: 600,
        queue_seconds: 1,
        tenant_queue: 1,
        ..small()
    };
    let school = School::empty(config).await;
    let body = json!({ "sql": ENDLESS });
    let ask = || school.answer(question(&token("new", "steward"), &body, "*/*"));
    let busy = async {
        let (second, third) = tokio::join!(ask(), ask());
        let mut codes = [second.problem().1, third.problem().1];
        codes.sort();
        assert_eq!(codes, ["query_queue_timeout", "too_many_queries"]);
        assert_eq!(second.headers["retry-after"], "1");
    };
    tokio::select! {
        biased;
        _ = ask() => panic!("it has no end"),
        () = busy => {}
    }
}

/// Statements that nest, in the text or in what it means, as far as the limit
/// on their length lets them. Each ends in an answer, whichever; none takes the
/// process with it.
#[rstest]
#[case::parentheses("SELECT ", "(", 10_000, "1", ")")]
#[case::sums("SELECT 1", " + 1", 4_900, "", "")]
#[case::joined_text("SELECT 'a'", " || 'a'", 4_900, "", "")]
#[case::alternatives(
    "SELECT count(*) FROM clickstream WHERE count = 1",
    " OR count = 1",
    2_400,
    "",
    ""
)]
#[case::negations("SELECT ", "NOT ", 9_000, "true", "")]
#[case::signs("SELECT ", "- ", 9_000, "1", "")]
#[case::casts("SELECT 1", "::int", 4_900, "", "")]
#[case::subscripts("SELECT [1]", "[1]", 3_000, "", "")]
#[case::unions("SELECT 1", " UNION ALL SELECT 1", 2_400, "", "")]
#[case::distinct_unions("SELECT 1", " UNION SELECT 1", 3_000, "", "")]
#[case::cross_joins("SELECT 1 FROM range(1)", ", range(1)", 1_600, "", "")]
#[case::joins("SELECT 1 FROM video", " NATURAL JOIN video", 3_000, "", "")]
#[case::functions("SELECT ", "abs(", 3_000, "1", ")")]
#[case::subqueries("SELECT ", "(SELECT ", 3_000, "1", ")")]
#[case::tables("SELECT * FROM ", "(SELECT * FROM ", 2_000, "video", ")")]
#[case::expressions_with("", "WITH a AS (", 500, "SELECT 1", ") SELECT * FROM a")]
#[case::cases("SELECT ", "CASE WHEN true THEN ", 2_000, "1", " END")]
#[case::is_null("SELECT 1", " IS NULL", 4_900, "", "")]
#[case::is_true("SELECT true", " IS TRUE", 4_900, "", "")]
#[case::between("SELECT 1", " BETWEEN 0 AND 1", 2_400, "", "")]
#[case::lists("SELECT ", "[", 3_000, "1", "]")]
#[case::comments("SELECT 1 ", "/*", 10_000, "", "*/")]
#[tokio::test]
async fn deep_statements_do_no_harm(
    #[case] begin: &str,
    #[case] open: &str,
    #[case] times: usize,
    #[case] middle: &str,
    #[case] close: &str,
) {
    let school = School::with(small()).await;
    let sql = format!(
        "{begin}{}{middle}{}",
        open.repeat(times),
        close.repeat(times)
    );
    let answer = school.ask("north", &sql).await;
    let known = [200, 400, 504, 507];
    assert!(known.contains(&answer.status.as_u16()), "{}", answer.text());
}

/// Statements that are short, and double with each step once they are planned.
#[tokio::test]
async fn statements_that_double_are_refused() {
    let tables = (1..60).map(|n| {
        let before = n - 1;
        format!(", a{n} AS (SELECT l.x FROM a{before} l JOIN a{before} r ON l.x = r.x)")
    });
    let tables: String = tables.collect();
    let doubling = format!("WITH a0 AS (SELECT 1 x){tables} SELECT * FROM a59");
    let columns: Vec<String> = (0..40).map(|n| format!("c{n}")).collect();
    let cube = format!(
        "SELECT count(*) FROM clickstream GROUP BY CUBE ({})",
        columns.join(", ")
    );
    let between = format!("SELECT true{}", " BETWEEN false AND true".repeat(40));
    let school = School::empty(small()).await;
    for sql in [&format!("EXPLAIN {doubling}"), &doubling, &cube, &between] {
        let (status, code, _) = school.ask("new", sql).await.problem();
        assert_eq!((status, code.as_str()), (400, "sql_too_complex"), "{sql}");
    }
}

/// The largest expansion that is let through.
#[tokio::test]
async fn statements_within_the_bound_are_planned() {
    let tables = (1..=11).map(|n| {
        let before = n - 1;
        format!(", a{n} AS (SELECT x FROM a{before} UNION ALL SELECT x FROM a{before})")
    });
    let tables: String = tables.collect();
    let sql = format!("WITH a0 AS (SELECT 1 x){tables} SELECT count(*) AS n FROM a11");
    let config = Config {
        timeout_seconds: 60,
        ..small()
    };
    let school = School::empty(config).await;
    assert_eq!(school.ask("new", &sql).await.rows(), json!([{"n": 2048}]));
}
