//! What a key may post in a second and on a day.

use axum::body::Body;
use axum::http::{Request, StatusCode};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use futures::StreamExt;
use ingest::Config;
use serde_json::{Value, json};

use crate::house::{House, Reply, click, credential};
use crate::log_failures;

fn clicks(from: u64, count: u64) -> Value {
    (from..from + count).map(click).collect()
}

fn seconds(reply: &Reply) -> u64 {
    reply.header("retry-after").parse().expect("seconds")
}

/// Ten events at once may come of one a second.
fn slow() -> String {
    credential("slow", [6; 32])
}

#[tokio::test]
async fn over_its_rate_nothing_of_a_request_is_taken_and_it_is_told_when() {
    let mut house = House::with_config(Config {
        dev: true,
        ..Config::default()
    })
    .await;
    let listen = Request::get("/v1/tail?key=slow&outcome=refused")
        .header("authorization", format!("Bearer {}", house.key));
    let listening = house
        .open(listen.body(Body::empty()).expect("a request"))
        .await;
    let mut listening = listening.into_body().into_data_stream();

    house.key = slow();
    assert_eq!(
        house.post(&clicks(0, 10)).await.status,
        StatusCode::ACCEPTED
    );
    let reply = house.post(&clicks(10, 10)).await;
    assert_eq!(
        (reply.status, reply.code()),
        (StatusCode::TOO_MANY_REQUESTS, "rate_exceeded")
    );
    assert!((1..=15).contains(&seconds(&reply)), "{reply:?}");
    assert_eq!(house.records().await.len(), 10);
    // Another key of the tenant is as before.
    house.key = credential("web", [1; 32]);
    assert_eq!(
        house.post(&clicks(20, 500)).await.status,
        StatusCode::ACCEPTED
    );

    let bad = Request::get("/dev/bad")
        .body(Body::empty())
        .expect("a request");
    let bad = house.send(bad).await.body;
    let told = &bad["events"][0];
    assert_eq!(
        (&told["outcome"], &told["status"], &told["code"]),
        (&json!("refused"), &json!(429), &json!("rate_exceeded"))
    );
    let mut heard = String::new();
    while !heard.contains("event: refusal") || !heard.ends_with("\n\n") {
        let chunk = listening.next().await.expect("no end").expect("bytes");
        heard += str::from_utf8(&chunk).expect("UTF-8");
    }
    assert!(heard.contains(r#""code":"rate_exceeded""#), "{heard}");
}

#[tokio::test]
async fn more_than_ever_come_in_at_once_are_to_be_split() {
    let mut house = House::new().await;
    house.key = slow();
    let reply = house.post(&clicks(0, 11)).await;
    assert_eq!(
        (reply.status, reply.code()),
        (StatusCode::PAYLOAD_TOO_LARGE, "too_many_events")
    );
    let detail = reply.body["detail"].as_str().expect("text");
    assert!(
        detail.starts_with("Split the request") && detail.contains("10"),
        "{detail}"
    );
    // Nothing was counted.
    assert_eq!(
        house.post(&clicks(0, 10)).await.status,
        StatusCode::ACCEPTED
    );
}

#[tokio::test]
async fn a_quota_is_of_a_day_and_it_is_told_what_is_left() {
    let mut house = House::new().await;
    house.key = credential("daily", [7; 32]);
    assert_eq!(house.post(&clicks(0, 3)).await.status, StatusCode::ACCEPTED);
    let reply = house.post(&clicks(3, 3)).await;
    assert_eq!(
        (reply.status, reply.code()),
        (StatusCode::TOO_MANY_REQUESTS, "quota_exceeded")
    );
    // At noon, and not all at midnight.
    let noon = 12 * 3_600;
    assert!((noon..=noon + 60).contains(&seconds(&reply)), "{reply:?}");
    let detail = reply.body["detail"].as_str().expect("text");
    assert!(detail.contains("at most 2 events"), "{detail}");
    assert_eq!(house.post(&clicks(3, 2)).await.status, StatusCode::ACCEPTED);
    assert_eq!(house.post(&click(5)).await.code(), "quota_exceeded");
    assert_eq!(house.records().await.len(), 5);

    house
        .clock
        .set("2026-09-15T00:00:00Z".parse().expect("a time"));
    assert_eq!(house.post(&clicks(5, 5)).await.status, StatusCode::ACCEPTED);
}

#[tokio::test]
async fn what_the_log_did_not_take_is_not_counted() {
    let mut house = log_failures::house().await;
    house.key = credential("daily", [7; 32]);
    let fated = |n: u64, fate: &str| {
        let mut event = click(n);
        event["course"] = json!(fate);
        event
    };
    let away: Value = (0..5).map(|n| fated(n, "full")).collect();
    for _ in 0..3 {
        let reply = house.post(&away).await;
        assert_eq!(reply.code(), "log_unavailable");
    }
    let back: Value = (0..5).map(|n| fated(n, "fine")).collect();
    assert_eq!(house.post(&back).await.status, StatusCode::ACCEPTED);
    assert_eq!(house.post(&fated(6, "fine")).await.code(), "quota_exceeded");
}

#[tokio::test]
async fn a_public_key_has_a_rate_unless_it_is_given_another() {
    let mut house = House::with_config(Config {
        public_events_per_second: 1,
        ..Config::default()
    })
    .await;
    house.key = credential("page", [5; 32]);
    let origin = [("origin", "https://north.school.example")];
    let body = clicks(0, 10).to_string();
    let reply = house.post_bytes(body.clone(), &origin).await;
    assert_eq!(reply.status, StatusCode::ACCEPTED);
    assert_eq!(
        house.post_bytes(body, &origin).await.code(),
        "rate_exceeded"
    );
}

#[tokio::test]
async fn each_dialect_is_answered_in_its_own_form() {
    let house = House::new().await;
    let statement = json!({
        "actor": {"mbox": "mailto:ann@school.example"},
        "verb": {"id": "http://adlnet.gov/expapi/verbs/attended"},
        "object": {"id": "https://lms.example/c"},
    });
    let call = json!({
        "type": "track", "event": "content.opened", "userId": "stu-1041",
        "timestamp": "2026-09-14T10:00:00Z", "properties": {"content": "c"},
    });
    let nine = |one: &Value| -> Value { (0..9).map(|_| one.clone()).collect() };
    let post = async |path: &str, body: &Value| {
        let user = STANDARD.encode(format!("{}:", slow()));
        let request = Request::post(path)
            .header("authorization", format!("Basic {user}"))
            .header("x-experience-api-version", "1.0.3");
        house
            .send(request.body(body.to_string().into()).expect("a request"))
            .await
    };
    let statements = nine(&statement);
    assert_eq!(
        post("/xapi/statements", &statements).await.status,
        StatusCode::OK
    );
    let reply = post("/xapi/statements", &statements).await;
    assert_eq!(
        (reply.status.as_u16(), reply.code()),
        (429, "rate_exceeded")
    );
    assert_eq!(reply.header("x-experience-api-version"), "1.0.3");
    assert!(seconds(&reply) >= 1);

    // SDKs read the status and, with it, when to come back.
    let reply = post("/v1/batch", &json!({"batch": nine(&call)})).await;
    assert_eq!(
        (reply.status.as_u16(), reply.code()),
        (429, "rate_exceeded")
    );
    assert!(seconds(&reply) >= 1);
    assert_eq!(house.records().await.len(), 9);
}
