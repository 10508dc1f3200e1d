//! What a learner is told of who was shown their rows.

use rstest::rstest;
use schemas::Table;
use serde_json::{Value, json};

use crate::school::School;
use crate::seen::district::{NORTH, district};

const PATH: &str = "/v1/audit/who-saw-me";

/// The record of a query's end.
fn finished(n: u64, role: &str, subject: Option<&str>, keys: Value) -> Value {
    let count = keys.as_array().map(Vec::len);
    json!({
        "event_id": format!("e{n}"), "event_type": "query.finished",
        "occurred_at": format!("2026-09-14T10:{n:02}:00Z"), "query_id": format!("q{n}"),
        "role": role, "subject_key": subject, "credential": "token", "credential_id": "t",
        "door": "sql", "statement": null, "tables": ["clickstream"],
        "policies": [format!("clickstream: role {role}")], "outcome": "answered",
        "rows": n, "student_count": count, "student_keys": keys,
        "scope": count.is_none().then_some("more than 1000 people"),
        "log_id": "log", "log_partition": 0, "log_position": n,
    })
}

async fn school() -> School {
    let school = district().await;
    let started = json!({
        "event_id": "s1", "event_type": "query.started", "occurred_at": "2026-09-14T10:01:00Z",
        "query_id": "q1", "role": "teacher", "statement": "SELECT SECRET", "log_id": "log",
        "log_partition": 0, "log_position": 0,
    });
    let rows = [
        started,
        finished(1, "teacher", Some("k-tea-1"), json!(["k-stu-1", "k-stu-2"])),
        finished(
            2,
            "guardian",
            Some("k-par-1"),
            json!(["k-stu-1", "k-stu-5"]),
        ),
        finished(3, "steward", None, Value::Null),
        finished(4, "student", Some("k-stu-2"), json!(["k-stu-2"])),
        finished(5, "teacher", Some("k-tea-2"), json!(["k-stu-4"])),
        finished(6, "principal", Some("k-adm-1"), json!(["k-stu-5"])),
    ];
    school
        .publish(NORTH, Table::Audit, Some("2026-27"), &rows)
        .await;
    school
}

/// The queries that are told of, each with whom it concerns.
fn told(body: &Value) -> Vec<String> {
    let rows = body["rows"].as_array().expect("rows").iter();
    rows.map(|row| format!("{} {} {}", row["query_id"], row["students"], row["certain"]))
        .map(|line| line.replace('"', ""))
        .collect()
}

#[tokio::test]
async fn learners_are_told_who_was_shown_their_rows_and_not_what_was_asked() {
    let school = school().await;
    let answer = school.look_as("student", PATH).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    let body = answer.json();
    // Not what they were shown themselves.
    assert_eq!(told(&body), ["q3 null false", "q1 [stu-2] true"]);
    assert_eq!(
        body["rows"][1],
        json!({
            "query_id": "q1", "shown_at": "2026-09-14T10:01:00Z", "role": "teacher",
            "door": "sql", "tables": ["clickstream"],
            "reasons": ["clickstream: role teacher"], "rows": 1,
            "students": ["stu-2"], "certain": true,
        })
    );
    assert_eq!(body["next_cursor"], Value::Null);
    for hidden in ["SECRET", "k-", "stu-1"] {
        assert!(
            !answer.text().contains(hidden),
            "{hidden}: {}",
            answer.text()
        );
    }
    let [started, _] = school.records.of(1).await.try_into().expect("two records");
    assert_eq!(started.door, "who_saw_me");
    assert_eq!(started.asker.subject_key.as_deref(), Some("k-stu-2"));
}

#[tokio::test]
async fn guardians_are_told_of_their_children() {
    let school = school().await;
    let body = school.look_as("guardian", PATH).await.json();
    assert_eq!(
        told(&body),
        ["q6 [stu-5] true", "q3 null false", "q1 [stu-1] true"]
    );
    let one = format!("{PATH}?student=stu-5");
    let body = school.look_as("guardian", &one).await.json();
    assert_eq!(told(&body), ["q6 [stu-5] true", "q3 null false"]);
    let (status, code, _) = school
        .look_as("guardian", &format!("{PATH}?student=stu-4"))
        .await
        .problem();
    assert_eq!((status, code.as_str()), (400, "invalid_value"));
}

#[tokio::test]
async fn pages_follow_each_other() {
    let school = school().await;
    let mut path = format!("{PATH}?limit=1");
    let mut all = Vec::new();
    loop {
        let answer = school.look_as("guardian", &path).await;
        let body = answer.json();
        all.extend(told(&body));
        let Some(cursor) = body["next_cursor"].as_str() else {
            break;
        };
        let link = answer.headers["link"].to_str().expect("a text");
        assert!(link.contains(cursor), "{link}");
        path = format!("{PATH}?limit=1&cursor={cursor}");
    }
    assert_eq!(all, ["q6 [stu-5] true", "q3 null false", "q1 [stu-1] true"]);
}

#[rstest]
#[case("steward")]
#[case("teacher")]
#[case("researcher")]
#[case("service")]
#[tokio::test]
async fn others_are_sent_away(#[case] who: &str) {
    let school = district().await;
    let (status, code, _) = school.look_as(who, PATH).await.problem();
    assert_eq!((status, code.as_str()), (403, "not_a_learner"));
}
