//! Canvas's door: its Live Events in their own form.

mod refusals;

use std::path::Path;

use axum::http::{Request, StatusCode};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use rstest::rstest;
use schemas::event::{Assessment, Clickstream, Data, Event};
use serde_json::{Value, json};

use crate::golden::{assert_equal, pairs, told};
use crate::house::{House, Reply};

const GOLDEN: &str = include_str!("../data/canvas/golden.json");

/// Everyone in the golden events, as they are hashed.
const PEOPLE: [&str; 3] = ["50000000000048", "50000000000009", "t.ramirez"];

/// What must not be kept of them.
const SECRETS: [&str; 14] = [
    "anna",
    "Anna",
    "Ben Stone",
    "SIS-48",
    "t.ramirez",
    "192.0.2.1",
    "Mozilla",
    "essay",
    "e2f1a0",
    "50000000000009",
    "50000000000044",
    "50000000000050",
    "users/4",
    "submissions/4",
];

async fn post(house: &House, body: impl Into<String>) -> Reply {
    let request = Request::post("/v1/canvas")
        .header("authorization", format!("Bearer {}", house.key))
        .header("content-type", "application/json");
    house
        .send(request.body(body.into().into()).expect("a request"))
        .await
}

/// What one event becomes.
async fn event_of(house: &House, sent: &Value) -> Event {
    let reply = post(house, sent.to_string()).await;
    assert_eq!(reply.status, StatusCode::ACCEPTED, "{}", reply.body);
    let mut events = house.events().await;
    assert_eq!(events.len(), 1, "{events:?}");
    events.remove(0)
}

#[tokio::test]
async fn events_of_canvas_become_ours() {
    let pairs = pairs(GOLDEN);
    let mut all = Vec::new();
    for pair in &pairs {
        let house = House::new().await;
        let event = event_of(&house, &pair.sent).await;
        assert_eq!(event.dialect, "canvas");
        let kept = String::from_utf8(event.to_json()).expect("UTF-8");
        for secret in SECRETS {
            assert!(!kept.contains(secret), "{}: {secret} in {kept}", pair.about);
        }
        all.push(told(&event, &PEOPLE, &house.hasher().await));
    }
    assert_equal(&pairs, &all);
}

/// An event of the documentation of Canvas, which may not be kept here.
fn documented(name: &str) -> Option<Value> {
    let Some(folder) = std::env::var_os("CHALKLINE_SHARED_DATA") else {
        println!("skipped: set CHALKLINE_SHARED_DATA to a folder with canvas-live-events");
        return None;
    };
    let file = Path::new(&folder).join(format!("canvas-live-events/canvas/{name}.json"));
    let Ok(text) = std::fs::read_to_string(&file) else {
        println!("skipped: there is no {}", file.display());
        return None;
    };
    Some(serde_json::from_str(&text).expect("JSON"))
}

/// The documented events, and what both of Canvas's forms must say of them.
#[rstest]
#[case::asset(
    "asset_accessed",
    "page.viewed",
    "21070000000000001",
    Some("21070000000000144"),
    "2019-11-01T00:09:06.753Z"
)]
#[case::enrollment(
    "enrollment_created",
    "enrollment.changed",
    "21070000000020064",
    Some("21070000000000565"),
    "2018-10-09T21:07:33Z"
)]
#[case::grade(
    "grade_change",
    "grade.changed",
    "21070000000000048",
    Some("21070000000000565"),
    "2019-11-01T19:11:05.222Z"
)]
#[case::quiz(
    "quiz_submitted",
    "assessment.submitted",
    "21070000000987123",
    Some("21070000000100123"),
    "2019-11-01T19:11:33.388Z"
)]
#[case::submission(
    "submission_created",
    "assessment.submitted",
    "21070000000014012",
    None,
    "2019-11-01T19:11:21.419Z"
)]
#[tokio::test]
async fn the_documented_events_are_understood(
    #[case] name: &str,
    #[case] event_type: &str,
    #[case] learner: &str,
    #[case] course: Option<&str>,
    #[case] time: &str,
) {
    let Some(sent) = documented(name) else {
        return;
    };
    let house = House::new().await;
    let event = event_of(&house, &sent).await;
    assert_eq!(event.event_type, event_type);
    assert_eq!(event.student_key, house.hasher().await.key(learner));
    assert_eq!(event.course.as_deref(), course);
    assert_eq!(
        event.time,
        time.parse::<chrono::DateTime<chrono::Utc>>()
            .expect("a time")
    );
    match (name, &event.data) {
        (
            "grade_change",
            Data::Assessment(Assessment {
                score,
                max_score,
                by_key,
                grade_old,
                ..
            }),
        ) => {
            assert_eq!(
                (*score, *max_score, grade_old.as_deref()),
                (Some(5.0), Some(1.0), Some("4"))
            );
            assert_eq!(*by_key, Some(house.hasher().await.key("21070000000000987")));
        }
        ("quiz_submitted" | "submission_created", Data::Assessment(data)) => {
            assert_eq!(data.score, None);
        }
        ("asset_accessed" | "enrollment_created", Data::Clickstream(Clickstream { role, .. })) => {
            assert_eq!(role.as_deref(), Some("StudentEnrollment"));
        }
        (_, data) => panic!("{data:?}"),
    }
    let kept = String::from_utf8(event.to_json()).expect("UTF-8");
    let people = [
        "oxana@",
        "456-T45",
        "1243245",
        "ABC.123",
        "93.184",
        "Mozilla",
        "Newton",
        "a1b2c3c4z9x8",
        "20064",
        "21070000000000987",
        "21070000000000048",
        "21070000000000562",
        "987123",
        "14012",
        "Introduction",
        "Test Submission",
    ];
    for secret in people {
        assert!(!kept.contains(secret), "{secret} in {kept}");
    }
}

/// Of all that Canvas documents: what is stored, and what is not.
#[tokio::test]
async fn every_documented_name_is_decided() {
    const STORED: [(&str, &str); 16] = [
        ("asset_accessed", "content.opened"),
        ("course_completed", "content.completed"),
        ("course_grade_change", "grade.changed"),
        ("course_progress", "canvas.course_progress"),
        ("discussion_entry_created", "discussion.posted"),
        ("discussion_topic_created", "discussion.posted"),
        ("enrollment_created", "enrollment.changed"),
        ("enrollment_updated", "enrollment.changed"),
        ("grade_change", "assessment.graded"),
        ("grade_override", "grade.changed"),
        ("logged_in", "session.started"),
        ("logged_out", "session.ended"),
        ("quiz_submitted", "assessment.submitted"),
        (
            "submission_comment_created",
            "canvas.submission_comment_created",
        ),
        ("submission_created", "assessment.submitted"),
        // Not of Canvas.
        ("toString", "canvas.tostring"),
    ];
    const IGNORED: &str = "account_created account_notification_created account_updated \
        assignment_created assignment_group_created assignment_group_updated \
        assignment_override_created assignment_override_updated assignment_updated \
        attachment_created attachment_deleted attachment_updated content_migration_completed \
        content_migration_started conversation_created conversation_forwarded \
        conversation_message_created course_created course_section_created course_section_updated \
        course_updated discussion_entry_submitted discussion_topic_updated \
        enrollment_state_created enrollment_state_updated final_grade_custom_status \
        group_category_created group_category_updated group_created group_membership_created \
        group_membership_updated group_updated learning_outcome_created \
        learning_outcome_group_created learning_outcome_group_updated \
        learning_outcome_link_created learning_outcome_link_updated \
        learning_outcome_result_created learning_outcome_result_updated learning_outcome_updated \
        lti_resource_link_created lti_resource_link_updated master_migration_started \
        module_created module_item_created module_item_updated module_updated \
        outcome_calculation_method_created outcome_calculation_method_updated \
        outcome_proficiency_created outcome_proficiency_updated \
        outcomes_retry_outcome_alignment_clone plagiarism_resubmit quiz_created quiz_updated \
        rubric_assessed sis_batch_created sis_batch_updated submission_custom_grade_status \
        submission_updated syllabus_updated user_account_association_created user_created \
        user_updated wiki_page_created wiki_page_deleted wiki_page_updated";

    let event = |name: &str| {
        json!({
            "metadata": {"event_name": name, "event_time": "2026-09-14T10:00:00Z", "user_id": "48",
                "session_id": "ab12", "context_type": "Course", "context_id": "7"},
            "body": {"user_id": "48", "assignment_id": "55", "quiz_id": "21", "score": 5, "current_score": 5,
                "discussion_topic_id": "31", "asset_type": "wiki_page", "asset_id": "12", "workflow_state": "active"},
        })
    };
    let house = House::new().await;
    let ignored: Vec<_> = IGNORED.split_whitespace().map(event).collect();
    // With those that are stored and documented, all.
    assert_eq!(ignored.len() + STORED.len() - 1, 82);
    let reply = post(&house, json!(ignored).to_string()).await;
    assert_eq!(reply.status, StatusCode::ACCEPTED);
    assert_eq!(reply.body["ignored"], ignored.len(), "{}", reply.body);
    assert!(house.records().await.is_empty());
    for (name, expected) in STORED {
        let house = House::new().await;
        assert_eq!(
            event_of(&house, &event(name)).await.event_type,
            expected,
            "{name}"
        );
    }
}

#[rstest]
#[case::of_a_job(json!({"event_name": "submission_created"}), json!({"assignment_id": "55"}))]
#[case::a_calendar_feed(json!({"event_name": "asset_accessed"}), json!({"asset_type": "user", "asset_id": "48"}))]
#[case::unknown(json!({"event_name": "badge_made", "user_id": " "}), json!({}))]
#[case::an_announcement(
    json!({"event_name": "discussion_topic_created", "user_id": "48"}),
    json!({"discussion_topic_id": "31", "is_announcement": true})
)]
#[case::a_grade_that_is_taken_away(
    json!({"event_name": "grade_change"}),
    json!({"assignment_id": "55", "student_id": "48", "grade": null, "score": null, "old_score": 5})
)]
#[tokio::test]
async fn what_names_no_learner_or_says_nothing_is_ignored(
    #[case] metadata: Value,
    #[case] body: Value,
) {
    let house = House::new().await;
    let mut event = json!({"metadata": metadata, "body": body});
    event["metadata"]["event_time"] = json!("2026-09-14T10:00:00Z");
    let reply = post(&house, event.to_string()).await;
    assert_eq!(
        (reply.status, reply.outcomes()),
        (StatusCode::ACCEPTED, vec!["ignored".to_owned()])
    );
    assert!(house.records().await.is_empty());
}

#[tokio::test]
async fn what_is_delivered_again_has_the_same_id() {
    let grade = |student: &str, request: &str| {
        json!({
            "metadata": {"event_name": "course_grade_change", "event_time": "2026-09-14T10:00:00Z", "request_id": request},
            "body": {"user_id": student, "course_id": "7", "current_score": 5},
        })
    };
    let house = House::new().await;
    let all = json!([
        grade("48", "a"),
        grade("49", "a"),
        grade("48", "b"),
        grade("48", "a")
    ]);
    let reply = post(&house, all.to_string()).await;
    let outcomes = ["accepted", "accepted", "accepted", "duplicate"];
    assert_eq!(reply.outcomes(), outcomes);
    let again = post(&house, grade("49", "a").to_string()).await;
    assert_eq!(
        again.body["results"][0]["id"],
        reply.body["results"][1]["id"]
    );
}

#[tokio::test]
async fn a_line_is_an_event_and_a_user_may_be_the_key() {
    let house = House::new().await;
    let login = |n: u64| {
        json!({"metadata": {"event_name": "logged_in", "event_time": "2026-09-14T10:00:00Z",
            "user_id": n, "session_id": "ab12"}})
    };
    let user = STANDARD.encode(format!("{}:", house.key));
    let request = Request::post("/v1/canvas")
        .header("authorization", format!("Basic {user}"))
        .header("content-type", "application/x-ndjson");
    let body = format!("{}\n{{]\n{}\n", login(48), login(49));
    let reply = house
        .send(request.body(body.into()).expect("a request"))
        .await;
    assert_eq!(
        reply.outcomes(),
        ["accepted", "invalid_json /1", "accepted"]
    );
}
