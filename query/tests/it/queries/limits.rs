//! How many queries are submitted, how long they work, how much is kept and for how long.

use chrono::TimeDelta;
use query::Config;
use serde_json::json;

use super::{ENDLESS, submission};
use crate::school::{School, token};

fn small() -> Config {
    Config {
        threads: 2,
        ..Config::default()
    }
}

const NUMBERS: &str = "SELECT value FROM generate_series(1, 100000)";

#[tokio::test]
async fn a_query_that_fails_says_why() {
    let school = School::empty(small()).await;
    let steward = token("new", "steward");
    for (sql, status, code) in [
        ("SELEC 1", 400, "sql_syntax"),
        ("DROP TABLE video", 403, "statement_not_allowed"),
        ("SELECT * FROM nothing", 400, "unknown_table"),
        (
            "SELECT 1 / (value - 5) FROM generate_series(1, 9)",
            400,
            "query_failed",
        ),
    ] {
        let id = school.submit(&steward, sql).await;
        let query = school.ended(&steward, &id).await;
        assert_eq!(query["status"], "failed", "{query}");
        assert_eq!(query["error"]["code"], code, "{query}");
        assert_eq!(query["sql"], sql);
        let problem = school.rows_of(&steward, &id, "").await.problem();
        assert_eq!((problem.0, problem.1.as_str()), (status, code));
    }
}

#[tokio::test]
async fn bodies_are_those_of_sql() {
    let school = School::empty(small()).await;
    let steward = token("new", "steward");
    let answer = school
        .answer(submission(&steward, &json!({"sql": 1})))
        .await;
    assert_eq!(answer.problem().1, "invalid_body");
    let body = json!({"sql": "SELECT $1 + 1 AS n", "params": [41]});
    let answer = school.answer(submission(&steward, &body)).await;
    let id = answer.json()["id"].as_str().expect("an id").to_owned();
    school.ended(&steward, &id).await;
    let rows = school.rows_of(&steward, &id, "").await.rows();
    assert_eq!(rows, json!([{"n": 42}]));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn it_may_work_longer_and_not_for_ever() {
    let config = Config {
        timeout_seconds: 1,
        submitted_timeout_seconds: 2,
        ..small()
    };
    let school = School::empty(config).await;
    let steward = token("new", "steward");
    let id = school.submit(&steward, ENDLESS).await;
    let query = school.ended(&steward, &id).await;
    assert_eq!(query["status"], "failed");
    assert_eq!(query["error"]["code"], "query_timeout", "{query}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_tenant_has_so_many_and_room_beside_them() {
    let config = Config {
        tenant_concurrency: 2,
        submitted_concurrency: 1,
        submitted_queries: 2,
        ..small()
    };
    let school = School::empty(config).await;
    let steward = token("new", "steward");
    let first = school.submit(&steward, ENDLESS).await;
    school.after(&steward, &first, &["queued"]).await;
    let second = school.submit(&steward, NUMBERS).await;
    let body = json!({"sql": NUMBERS});
    let third = school.answer(submission(&steward, &body)).await;
    let (status, code, _) = third.problem();
    assert_eq!((status, code.as_str()), (429, "too_many_queries"));
    assert_eq!(third.headers["retry-after"], "60");
    assert!(third.problem().2.contains("A tenant may have 2"));
    // Another tenant has its own, and whoever does not submit has room.
    school.submit(&token("south", "steward"), NUMBERS).await;
    let rows = school.ask("new", "SELECT 1 AS one").await.rows();
    assert_eq!(rows, json!([{"one": 1}]));

    let query = school.query(&steward, &second).await.json();
    assert_eq!(query["status"], "queued");
    let (status, code, _) = school.rows_of(&steward, &second, "").await.problem();
    assert_eq!((status, code.as_str()), (409, "query_not_finished"));
    assert_eq!(school.delete(&steward, &first).await.status, 200);
    let query = school.ended(&steward, &second).await;
    assert_eq!(query["status"], "finished", "{query}");
    assert_eq!(school.delete(&steward, &first).await.status, 204);
    school.submit(&steward, NUMBERS).await;
}

#[tokio::test]
async fn no_asker_takes_the_room_of_the_others() {
    let config = Config {
        submitted_asker_queries: 1,
        ..small()
    };
    let school = School::empty(config).await;
    let steward = token("new", "steward");
    let first = school.submit(&steward, NUMBERS).await;
    let body = json!({"sql": NUMBERS});
    let second = school.answer(submission(&steward, &body)).await;
    let (status, code, detail) = second.problem();
    assert_eq!((status, code.as_str()), (429, "too_many_queries"));
    assert!(detail.contains("One asker may have 1"), "{detail}");
    school.submit(&token("new", "researcher"), NUMBERS).await;
    school.ended(&steward, &first).await;
    school.delete(&steward, &first).await;
    school.submit(&steward, NUMBERS).await;
}

#[tokio::test]
async fn results_take_no_more_than_they_may() {
    let config = Config {
        submitted_tenant_bytes: 20_000,
        ..small()
    };
    let school = School::empty(config).await;
    let steward = token("new", "steward");
    let sql = "SELECT md5(CAST(value AS text)) AS m FROM generate_series(1, 100000)";
    let id = school.submit(&steward, sql).await;
    let query = school.ended(&steward, &id).await;
    assert_eq!(query["error"]["code"], "result_too_large", "{query}");
    let id = school.submit(&steward, "SELECT 1 AS one").await;
    let query = school.ended(&steward, &id).await;
    assert_eq!(query["status"], "finished", "what failed keeps no room");
}

#[tokio::test]
async fn results_are_kept_for_a_while() {
    let config = Config {
        submitted_kept_seconds: 60,
        submitted_queries: 1,
        ..small()
    };
    let school = School::empty(config).await;
    let steward = token("new", "steward");
    let id = school.submit(&steward, "SELECT 1 AS one").await;
    school.ended(&steward, &id).await;
    let began = school.clock.now();
    school.clock.set(began + TimeDelta::seconds(59));
    assert_eq!(school.rows_of(&steward, &id, "").await.status, 200);
    school.clock.set(began + TimeDelta::seconds(60));
    for answer in [
        school.query(&steward, &id).await,
        school.rows_of(&steward, &id, "").await,
        school.delete(&steward, &id).await,
    ] {
        let (status, code, _) = answer.problem();
        assert_eq!((status, code.as_str()), (404, "unknown_query"));
    }
    // Nor does it take room.
    school.submit(&steward, "SELECT 1 AS one").await;
}

#[tokio::test]
async fn the_same_request_is_taken_once() {
    let school = School::empty(small()).await;
    let send = async |who: &str, key: &'static str, sql: &str| {
        let mut request = submission(&token("new", who), &json!({ "sql": sql }));
        let key = key.parse().expect("a header");
        request.headers_mut().insert("idempotency-key", key);
        school.answer(request).await
    };
    let id = |answer: &crate::school::Answer| answer.json()["id"].clone();
    let first = send("steward", "a", NUMBERS).await;
    let again = send("steward", "a", NUMBERS).await;
    assert_eq!(
        (first.status, again.status),
        (202.try_into().expect("a status"), first.status)
    );
    assert_eq!(id(&first), id(&again));
    assert_ne!(id(&first), id(&send("steward", "b", NUMBERS).await));
    assert_ne!(id(&first), id(&send("researcher", "a", NUMBERS).await));
    let (status, code, _) = send("steward", "a", "SELECT 2").await.problem();
    assert_eq!((status, code.as_str()), (409, "idempotency_key_reused"));
    assert_eq!(
        send("steward", "", NUMBERS).await.problem().1,
        "invalid_value"
    );
}

#[tokio::test]
async fn other_processes_queries_are_not_known() {
    let school = School::empty(small()).await;
    let other = School::empty(small()).await;
    let steward = token("new", "steward");
    let id = school.submit(&steward, NUMBERS).await;
    let (status, code, detail) = other.query(&steward, &id).await.problem();
    assert_eq!((status, code.as_str()), (404, "unknown_query"));
    assert!(detail.contains("process"), "{detail}");
}
