//! What is wrong with an event of Canvas, and what is hostile.

use std::cell::Cell;

use proptest::prelude::*;
use proptest::sample::select;
use rstest::rstest;
use serde_json::{Map, Value, json};

use super::post;
use crate::house::House;

#[rstest]
#[case(json!({"sensor": "http://x", "data": [{"type": "GradeEvent"}]}), "unknown_member ")]
#[case(json!({"@context": "http://purl.imsglobal.org/ctx/caliper/v1p1", "type": "Event"}), "unknown_member ")]
#[case(json!({}), "missing_member /metadata")]
#[case(json!({"metadata": []}), "wrong_type /metadata")]
#[case(json!({"metadata": {}, "body": "x"}), "wrong_type /body")]
#[case(json!({"metadata": {}}), "missing_member /metadata/event_name")]
#[case(json!({"metadata": {"event_name": 1}}), "wrong_type /metadata/event_name")]
#[case(json!({"metadata": {"event_name": "logged_in", "user_id": {}}}), "wrong_type /metadata/user_id")]
#[case(
    json!({"metadata": {"event_name": "submission_created"}, "body": {"user_id": true}}),
    "wrong_type /body/user_id"
)]
#[case(json!({"metadata": {"event_name": "logged_in", "user_id": 1}}), "missing_member /metadata/event_time")]
#[case(
    json!({"metadata": {"event_name": "logged_in", "user_id": 1, "event_time": 1}}),
    "wrong_type /metadata/event_time"
)]
#[case(
    json!({"metadata": {"event_name": "logged_in", "user_id": 1, "event_time": "2026-09-14 10:00:00"}}),
    "time_without_offset /metadata/event_time"
)]
#[tokio::test]
async fn what_is_wrong_is_pointed_at(#[case] event: Value, #[case] expected: &str) {
    let house = House::new().await;
    let good = json!({"metadata": {"event_name": "user_created"}});
    let reply = post(&house, json!([good, event]).to_string()).await;
    let (code, pointer) = expected.split_once(' ').expect("both");
    assert_eq!(
        reply.outcomes(),
        ["ignored".to_owned(), format!("{code} /1{pointer}")]
    );
    let detail = reply.body["results"][1]["detail"].as_str().expect("text");
    assert!(detail.ends_with('.'), "{detail}");
    let names_caliper = code == "unknown_member";
    assert_eq!(detail.contains("/caliper"), names_caliper, "{detail}");
}

/// Any value where Canvas has a certain one.
fn any_value() -> impl Strategy<Value = Value> {
    let leaf = select(vec![
        json!(null),
        json!(true),
        json!(0),
        json!(-1),
        json!(1e308),
        json!(0.1),
        json!(u64::MAX),
        json!(""),
        json!(" "),
        json!("\0"),
        json!("48"),
        json!("a".repeat(600)),
        json!("99999999999999999999999"),
        json!("2026-09-14T10:00:00Z"),
        json!("Course"),
        json!("User"),
        json!("quizzes:quiz"),
        json!("::"),
    ]);
    leaf.prop_recursive(3, 12, 3, |inner| {
        let names = select(vec!["id", "user", "name", "email", "user_id", "by", "data"]);
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..3).prop_map(Value::Array),
            prop::collection::vec((names, inner), 0..3).prop_map(|members| {
                Value::Object(
                    members
                        .into_iter()
                        .map(|(n, v)| (n.to_owned(), v))
                        .collect(),
                )
            }),
        ]
    })
}

#[test]
fn hostile_events_are_answered() {
    const METADATA: [&str; 8] = [
        "event_time",
        "user_id",
        "user_login",
        "root_account_id",
        "context_type",
        "context_id",
        "session_id",
        "url",
    ];
    const BODY: [&str; 16] = [
        "user_id",
        "student_id",
        "user",
        "course",
        "course_id",
        "assignment_id",
        "score",
        "points_possible",
        "grade",
        "old_grade",
        "attempt",
        "asset_type",
        "asset_id",
        "asset_subtype",
        "workflow_state",
        "discussion_topic_id",
    ];
    const NAMES: [&str; 12] = [
        "asset_accessed",
        "course_completed",
        "course_grade_change",
        "discussion_entry_created",
        "enrollment_created",
        "grade_change",
        "logged_in",
        "quiz_submitted",
        "submission_created",
        "course_progress",
        "x/y:z#\0",
        "badge_awarded",
    ];
    let runtime = tokio::runtime::Runtime::new().expect("starts");
    let house = runtime.block_on(House::new());
    let members =
        |names: &'static [&'static str]| prop::collection::vec((select(names), any_value()), 0..6);
    let event = (select(&NAMES[..]), members(&METADATA), members(&BODY));
    let mut runner = proptest::test_runner::TestRunner::new(ProptestConfig::with_cases(800));
    let taken = Cell::new(0);
    let all = runner.run(&event, |(name, metadata, body)| {
        let mut event = json!({
            "metadata": {"event_name": name, "event_time": "2026-09-14T10:00:00Z", "user_id": "48"},
            "body": {"user_id": "48"},
        });
        let put = |part: &mut Value, members: Vec<(&str, Value)>| {
            let members: Map<_, _> = members
                .into_iter()
                .map(|(n, v)| (n.to_owned(), v))
                .collect();
            part.as_object_mut().expect("an object").extend(members);
        };
        put(&mut event["metadata"], metadata);
        put(&mut event["body"], body);
        let reply = runtime.block_on(post(&house, event.to_string()));
        taken.set(taken.get() + u32::from(reply.status.is_success()));
        prop_assert!([202, 400].contains(&reply.status.as_u16()), "{reply:?}");
        Ok(())
    });
    all.expect("every answer is documented");
    assert!(taken.get() > 100, "nearly all was refused: {}", taken.get());
}
