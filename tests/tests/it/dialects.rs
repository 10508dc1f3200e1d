//! What each dialect's senders post stands in SQL, as the same events.

use e2e::{Client, Sandbox};
use serde_json::{Value, json};

/// A learner answers a question, in every dialect that has a word for it; of Canvas and
/// Segment what comes nearest.
fn posts() -> Vec<(&'static str, Value)> {
    let time = "2026-09-14T10:00:00.000Z";
    let caliper = "http://purl.imsglobal.org/ctx/caliper/v1p2";
    vec![
        (
            "/v1/events",
            json!({
                "type": "item.answered", "time": time, "actor": "stu-1041", "course": "bio-101",
                "data": {"item": "q7", "correct": true, "score": 1, "max_score": 2},
            }),
        ),
        (
            "/xapi/statements",
            json!({
                "actor": {"account": {"homePage": "https://lms.example", "name": "stu-1041"}},
                "verb": {"id": "http://adlnet.gov/expapi/verbs/answered"},
                "object": {"id": "https://lms.example/q7"}, "timestamp": time,
                "result": {"success": true, "score": {"raw": 1, "max": 2}},
            }),
        ),
        (
            "/caliper",
            json!({
                "sensor": "https://lms.example/sensor", "sendTime": time, "dataVersion": caliper,
                "data": [{
                    "@context": caliper, "id": "urn:uuid:0197c3b2-8a5e-7c10-9d55-3f1f6f0c1a02",
                    "type": "AssessmentItemEvent", "action": "Completed", "eventTime": time,
                    "actor": {"id": "https://lms.example/users/stu-1041", "type": "Person"},
                    "object": {"id": "https://lms.example/q7", "type": "AssessmentItem"},
                }],
            }),
        ),
        (
            "/v1/edx/tracking",
            json!({
                "name": "problem_check", "event_type": "problem_check", "event_source": "server",
                "time": time, "username": "ann", "context": {"user_id": 1041, "course_id": "course-v1:X+Bio+1"},
                "event": {"problem_id": "block-v1:X+Bio+1+type@problem+block@q7", "grade": 1,
                          "max_grade": 2, "success": "correct", "attempts": 1},
            }),
        ),
        (
            "/v1/batch",
            json!({"batch": [{
                "type": "track", "messageId": "m-1", "timestamp": time, "userId": "stu-1041",
                "event": "item.answered", "properties": {"item": "q7", "correct": true},
            }]}),
        ),
        (
            "/v1/canvas",
            json!({
                "metadata": {"event_name": "submission_created", "event_time": time,
                             "root_account_id": "50000000000001"},
                "body": {"assignment_id": "50000000000055", "user_id": "50000000000048", "attempt": 1},
            }),
        ),
    ]
}

#[tokio::test(flavor = "multi_thread")]
async fn all_dialects_meet_in_one_table() {
    let sandbox = Sandbox::up().await;
    let posts = posts();
    for (path, body) in &posts {
        let request = sandbox.ingest(path).json(body);
        let request = request.header("X-Experience-API-Version", "1.0.3");
        let reply = Client::send(request).await.expect("ingest answers");
        assert!(
            (200..300).contains(&reply.status),
            "{path}: {}",
            reply.text()
        );
    }
    sandbox
        .wait_for_count("assessment", posts.len() as u64)
        .await;
    let sql = "select dialect, event_type, score, max_score from assessment order by dialect";
    let rows: Vec<_> = sandbox
        .sql(sql)
        .await
        .into_iter()
        .map(|row| ["dialect", "event_type", "score", "max_score"].map(|name| row[name].clone()))
        .collect();
    let answered = "item.answered";
    let expected = [
        json!(["caliper", answered, null, null]),
        json!(["canvas", "assessment.submitted", null, null]),
        json!(["edx", answered, 1.0, 2.0]),
        json!(["native", answered, 1.0, 2.0]),
        json!(["segment", answered, null, null]),
        json!(["xapi", answered, 1.0, 2.0]),
    ];
    assert_eq!(json!(rows), json!(expected));
    // The same name is the same student in three of them; the others say it otherwise.
    let people = sandbox
        .sql("select distinct student_key from assessment")
        .await;
    assert_eq!(people.len(), 4, "{people:?}");
    let named =
        "select count(*) as n from assessment where extra like '%stu-1041%' or extra like '%ann%'";
    assert_eq!(sandbox.value(named).await, json!(0));
}
