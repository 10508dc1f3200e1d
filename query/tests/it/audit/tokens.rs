//! Tokens and codes that are made are recorded before anybody has them.

use std::time::Duration;

use query::Config;
use rstest::rstest;
use schemas::{AuditRecord, AuditType};
use serde_json::{Value, json};

use super::records::Mode;
use crate::embed::make;
use crate::login::give;
use crate::school::{School, look, token};

/// What a record says of a token.
fn told(record: &AuditRecord) -> Value {
    let statement = record.statement.as_deref().expect("a statement");
    serde_json::from_str(statement).expect("JSON")
}

fn of_bio() -> Value {
    json!({
        "role": "teacher", "subject": "tea-SECRET", "tables": ["video"],
        "filters": {"course_id": ["bio-SECRET"]}, "expires_in_s": 900,
    })
}

#[tokio::test]
async fn a_token_is_recorded_with_what_it_opens_and_found_by_its_id() {
    let school = School::empty(Config::default()).await;
    let steward = token("north", "steward");
    let made = make(&school, &steward.reveal(), &of_bio()).await.json();
    let [started, finished] = school.records.of(1).await.try_into().expect("two records");
    assert_eq!(started.record_type, AuditType::Started);
    assert_eq!(finished.end.expect("an end").outcome, "answered");
    assert_eq!(started.door, "embed_tokens");
    assert_eq!(started.asker.credential_id, "steward");
    let record = serde_json::to_string(&started).expect("JSON");
    let embed = made["token"].as_str().expect("a token");
    let signature = embed.rsplit('.').next().expect("a signature");
    for secret in [embed, signature, "SECRET", "ce_north", "ct_north"] {
        assert!(!record.contains(secret), "{secret}: {record}");
    }
    let told = told(&started);
    assert_eq!(told["role"], "teacher");
    assert_eq!(told["expires_at"], "2026-09-14T12:15:00Z");
    assert_eq!(told["grant"]["tables"], json!(["video"]));
    let hashed = |value: &Value| value.as_str().is_some_and(|text| text.starts_with('#'));
    assert!(hashed(&told["subject"]), "{told}");
    assert!(hashed(&told["grant"]["filters"]["course_id"][0]), "{told}");

    // What its holder asks names it.
    let mut list = look(&steward, "/v1/reports/ledger");
    let bearer = format!("Bearer {embed}").parse().expect("a header");
    list.headers_mut().insert("authorization", bearer);
    assert_eq!(school.answer(list).await.problem().1, "table_not_shown");
    let asked = school.records.of(2).await.pop().expect("a record").asker;
    assert_eq!(told["token_id"], json!(asked.credential_id));
    assert_eq!(asked.credential_parent.as_deref(), Some("steward"));
}

#[tokio::test]
async fn a_code_is_recorded_with_its_token() {
    let school = School::empty(Config::default()).await;
    let given = give(&school, &token("north", "analyst")).await.json();
    let code = given["code"].as_str().expect("a code");
    let [started, finished] = school.records.of(1).await.try_into().expect("two records");
    assert_eq!(finished.end.expect("an end").outcome, "answered");
    assert_eq!(started.door, "session_codes");
    assert!(!started.statement.as_deref().unwrap_or(code).contains(code));
    let expected = json!({
        "token_id": "analyst", "role": "analyst", "subject": null, "grant": {},
        "expires_at": given["expires_at"],
    });
    assert_eq!(told(&started), expected);
}

#[tokio::test]
async fn nobody_has_a_token_before_its_record_is_durable() {
    let school = School::empty(Config::default()).await;
    let (steward, analyst) = (token("north", "steward"), token("north", "analyst"));
    let bearer = steward.reveal();
    school.records.set(Mode::Held);
    let body = of_bio();
    let (made, given) = (make(&school, &bearer, &body), give(&school, &analyst));
    tokio::pin!(made, given);
    let early = tokio::time::timeout(Duration::from_millis(300), &mut made).await;
    assert!(early.is_err(), "{early:?}");
    let early = tokio::time::timeout(Duration::from_millis(300), &mut given).await;
    assert!(early.is_err(), "{early:?}");
    school.records.set(Mode::Kept);
    assert_eq!(made.await.status, 200);
    assert_eq!(given.await.status, 200);

    school.records.set(Mode::Refused);
    for answer in [
        make(&school, &bearer, &body).await,
        give(&school, &analyst).await,
    ] {
        let (status, code, _) = answer.problem();
        assert_eq!((status, code.as_str()), (503, "audit_unavailable"));
        assert!(!answer.text().contains("ce_north"), "{}", answer.text());
    }
}

#[rstest]
#[case::wide("steward", json!({"role": "steward"}), "grant_too_wide", true)]
#[case::not_theirs("analyst", of_bio(), "embed_not_allowed", true)]
#[case::unreadable("steward", json!({"tenant": "south"}), "invalid_body", false)]
#[tokio::test]
async fn what_is_not_made_is_one_record(
    #[case] who: &str,
    #[case] body: Value,
    #[case] code: &str,
    #[case] is_told: bool,
) {
    let school = School::empty(Config::default()).await;
    let answer = make(&school, &token("north", who).reveal(), &body).await;
    assert_eq!(answer.problem().1, code);
    let [refused] = school.records.of(1).await.try_into().expect("one record");
    assert_eq!(refused.record_type, AuditType::Refused);
    assert_eq!(refused.asker.credential_id, who);
    assert_eq!(refused.statement.is_some(), is_told);
    if is_told {
        assert_eq!(told(&refused)["role"], body["role"]);
        assert_eq!(told(&refused)["token_id"], Value::Null);
    }
    assert_eq!(refused.end.expect("an end").outcome, code);
}
