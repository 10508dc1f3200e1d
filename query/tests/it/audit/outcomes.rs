//! How a query ends is recorded, however it does.

use axum::http::Request;
use axum::http::header;
use futures::StreamExt;
use query::Config;
use rstest::rstest;
use schemas::AuditType;
use serde_json::json;

use crate::school::{School, question, token};
use crate::seen::district::district;

#[rstest]
#[case::syntax("steward", "SELEC 1", "sql_syntax")]
#[case::unknown("steward", "SELECT * FROM nothing", "unknown_table")]
#[case::writing("steward", "DROP TABLE video", "statement_not_allowed")]
#[case::hidden("teacher", "SELECT * FROM tallies", "table_not_shown")]
#[case::single("analyst", "SELECT url FROM clickstream", "aggregates_only")]
#[tokio::test]
async fn what_is_refused_is_one_record(#[case] who: &str, #[case] sql: &str, #[case] code: &str) {
    let school = district().await;
    assert_eq!(school.ask_as(who, sql).await.problem().1, code);
    let [refused] = school.records.of(1).await.try_into().expect("one record");
    assert_eq!(refused.record_type, AuditType::Refused);
    assert_eq!(refused.asker.credential_id, who);
    assert!(refused.statement.is_some());
    let end = refused.end.expect("an end");
    assert_eq!((end.outcome.as_str(), end.rows), (code, 0));
}

#[tokio::test]
async fn a_body_that_cannot_be_read_is_recorded_too() {
    let school = district().await;
    let request = Request::post("/v1/sql")
        .header(
            header::AUTHORIZATION,
            format!("Bearer {}", token("north", "teacher").reveal()),
        )
        .header(header::CONTENT_TYPE, "application/json")
        .body("{".into())
        .expect("a request");
    assert_eq!(school.answer(request).await.problem().1, "invalid_body");
    let [refused] = school.records.of(1).await.try_into().expect("one record");
    assert_eq!(refused.end.expect("an end").outcome, "invalid_body");
    // The roster was not asked for: it is who showed what that tells who it was.
    let key = refused.asker.subject_key.expect("somebody");
    assert!(key.starts_with('#'), "{key}");
}

#[tokio::test]
async fn the_value_on_which_it_failed_is_in_the_record_alone() {
    let school = district().await;
    let sql = "SELECT count(*) FROM clickstream WHERE CAST(url AS int) > 0";
    let answer = school.ask_as("teacher", sql).await;
    assert_eq!(answer.problem().1, "query_failed");
    assert!(!answer.text().contains("SECRET"), "{}", answer.text());
    let [_, finished] = school.records.of(1).await.try_into().expect("two records");
    let end = finished.end.expect("an end");
    assert_eq!(end.outcome, "query_failed");
    let error = end.error.expect("an error");
    assert!(error.contains("SECRET-"), "{error}");
}

#[tokio::test]
async fn what_is_cut_is_recorded() {
    let config = Config {
        threads: 2,
        timeout_seconds: 1,
        json_rows: 10,
        ..Config::default()
    };
    let school = School::empty(config).await;
    let endless = "SELECT count(*) FROM generate_series(1, 2000000) a \
                   CROSS JOIN generate_series(1, 10000000000) b WHERE a.value + b.value = -1";
    for (count, (sql, code)) in [
        (endless, "query_timeout"),
        ("SELECT * FROM generate_series(1, 11)", "result_too_large"),
    ]
    .into_iter()
    .enumerate()
    {
        assert_eq!(school.ask("new", sql).await.problem().1, code);
        let [_, finished] = school.records.of(count + 1).await.try_into().expect("two");
        assert_eq!(finished.end.expect("an end").outcome, code);
    }
}

#[tokio::test]
async fn a_reader_who_goes_away_has_ended_it() {
    let school = School::new().await;
    let body = json!({ "sql": "SELECT * FROM generate_series(1, 900000)" });
    let response = school
        .send(question(&token("new", "steward"), &body, "text/csv"))
        .await;
    let mut stream = response.into_body().into_data_stream();
    stream.next().await.expect("a chunk").expect("bytes");
    drop(stream);
    let [_, finished] = school.records.of(1).await.try_into().expect("two records");
    let end = finished.end.expect("an end");
    assert_eq!(end.outcome, "cancelled");
    assert!(end.rows > 0 && end.rows < 900_000, "{}", end.rows);

    let whole = school
        .ask_for("text/csv", "SELECT * FROM generate_series(1, 200000)")
        .await;
    let [_, finished] = school.records.of(2).await.try_into().expect("two records");
    let end = finished.end.expect("an end");
    assert_eq!((end.outcome.as_str(), end.rows), ("answered", 200_000));
    assert_eq!(end.bytes, whole.body.len() as u64);
}
