//! Who asked what.

mod learner;
mod outcomes;
pub mod records;
mod steward;
mod students;
mod tokens;

use std::time::Duration;

use axum::body::Body;
use axum::http::Request;
use schemas::{AuditType, Role};
use serde_json::json;

use self::records::Mode;
use crate::school::{School, look, question, token};
use crate::seen::district::{NORTH, district};

#[tokio::test]
async fn a_query_is_recorded_when_it_starts_and_when_it_ends() {
    let school = district().await;
    let sql = "SELECT url, by_key IS NULL FROM clickstream c JOIN assessment a \
               USING (student_key) WHERE c.section_id = 'bio-1' AND a.score = $1 LIMIT 2";
    let body = json!({ "sql": sql.replace("by_key", "a.by_key"), "params": [0.5] });
    let mut request = question(&token(NORTH, "teacher"), &body, "application/json");
    let headers = request.headers_mut();
    headers.insert("user-agent", "curl/8.5".parse().expect("a header"));
    let answer = school.answer(request).await;
    assert_eq!(answer.rows().as_array().map(Vec::len), Some(2));

    let [started, finished] = school.records.of(1).await.try_into().expect("two records");
    assert_eq!(started.record_type, AuditType::Started);
    assert_eq!(finished.record_type, AuditType::Finished);
    assert_eq!(started.asker, finished.asker);
    assert_eq!(started.asker.role, Role::Teacher);
    assert_eq!(started.asker.subject_key.as_deref(), Some("k-tea-1"));
    assert_eq!(started.asker.credential, "token");
    assert_eq!(started.asker.credential_id, "teacher");
    assert_eq!(started.door, "sql");
    assert_eq!(started.client.as_deref(), Some("curl"));
    let statement = started.statement.expect("a statement");
    assert!(
        statement.starts_with("SELECT url,") && statement.contains("$1"),
        "{statement}"
    );
    assert!(!statement.contains("bio-1"), "{statement}");
    assert_eq!(started.parameters.len(), 1);
    assert_eq!(started.reads.tables, ["clickstream", "assessment"]);
    let columns = &started.reads.columns;
    assert!(
        columns.contains(&"clickstream.url".to_owned()),
        "{columns:?}"
    );
    assert!(
        columns.contains(&"assessment.score".to_owned()),
        "{columns:?}"
    );
    assert!(
        !columns.contains(&"assessment.response".to_owned()),
        "{columns:?}"
    );
    let policies = ["assessment: role teacher", "clickstream: role teacher"];
    assert_eq!(started.reads.policies, policies);
    assert_eq!(started.reads.masks, Vec::<String>::new());
    assert_eq!(started.reads.versions.len(), 2);
    assert_eq!(started.end, None);
    let end = finished.end.expect("its end");
    assert_eq!((end.outcome.as_str(), end.rows), ("answered", 2));
    assert_eq!(end.bytes, answer.body.len() as u64);
    assert_eq!(end.error, None);
}

#[tokio::test]
async fn masks_and_grants_are_recorded() {
    let school = district().await;
    school
        .ask_as("service", "SELECT url FROM clickstream")
        .await
        .rows();
    let [started, _] = school.records.of(1).await.try_into().expect("two records");
    let reasons = ["clickstream: role service, grant on section_id"];
    assert_eq!(started.reads.policies, reasons);
    let masks = &started.reads.masks;
    assert!(masks.contains(&"clickstream.url".to_owned()), "{masks:?}");
    assert_eq!(started.asker.subject_key, None);
}

#[tokio::test]
async fn nothing_goes_out_before_its_record_is_durable() {
    let school = School::new().await;
    let long = "SELECT repeat('x', 1000) AS x FROM generate_series(1, 2000)";
    for (count, (sql, accept)) in [
        ("SELECT 1 AS one", "application/json"),
        (long, "text/csv"),
        // Why there is no answer may tell something as well.
        (
            "SELECT CAST(url AS int) FROM clickstream",
            "application/json",
        ),
    ]
    .into_iter()
    .enumerate()
    {
        school.records.set(Mode::Held);
        let body = json!({ "sql": sql });
        let asked = school.answer(question(&token("south", "steward"), &body, accept));
        tokio::pin!(asked);
        let early = tokio::time::timeout(Duration::from_millis(500), &mut asked).await;
        assert!(early.is_err(), "{sql}: {early:?}");
        school.records.set(Mode::Kept);
        let answer = asked.await;
        assert_ne!(answer.status, 503, "{sql}: {}", answer.text());
        let records = school.records.of(count + 1).await;
        assert_eq!(records.len(), 2, "{sql}");
    }
}

#[tokio::test]
async fn what_cannot_be_recorded_is_not_shown() {
    let school = School::new().await;
    school.records.set(Mode::Refused);
    for (sql, accept) in [
        ("SELECT url FROM clickstream", "application/json"),
        ("SELECT url FROM clickstream", "text/csv"),
        (
            "SELECT CAST(url AS int) FROM clickstream",
            "application/json",
        ),
    ] {
        let body = json!({ "sql": sql });
        let request = question(&token("south", "steward"), &body, accept);
        let answer = school.answer(request).await;
        let (status, code, _) = answer.problem();
        assert_eq!((status, code.as_str()), (503, "audit_unavailable"), "{sql}");
        assert_eq!(answer.headers["retry-after"], "1");
        assert!(
            !answer.text().contains("south.example"),
            "{}",
            answer.text()
        );
    }
    // The records of their ends wait, and come when they can.
    school.records.set(Mode::Kept);
    let end = school
        .records
        .of(3)
        .await
        .pop()
        .and_then(|record| record.end);
    assert_eq!(end.expect("an end").outcome, "audit_unavailable");
}

#[tokio::test]
async fn every_door_is_recorded_and_nobody_without_a_credential() {
    let school = School::new().await;
    let path = "/v1/reports/ledger?family=clickstream&limit=1";
    assert_eq!(school.get("north", path).await.status, 200);
    let [started, _] = school.records.of(1).await.try_into().expect("two records");
    assert_eq!(started.door, "report");
    let statement = started.statement.expect("an address");
    assert!(statement.starts_with("ledger?family=#"), "{statement}");
    assert!(statement.ends_with("&limit=1"), "{statement}");
    assert_eq!(started.reads.tables, ["ledger"]);
    // These show no rows.
    for path in ["/v1/reports", "/v1/tables"] {
        assert_eq!(school.get("north", path).await.status, 200);
    }

    let without = Request::get("/v1/reports").body(Body::empty());
    let answer = school.answer(without.expect("a request")).await;
    assert_eq!(answer.status, 401);
    let answer = school
        .answer(look(&token("north", "revoked"), "/v1/reports"))
        .await;
    assert_eq!(answer.status, 401);
    tokio::time::sleep(Duration::from_millis(200)).await;
    assert_eq!(school.records.all().len(), 2);
}
