//! Segment's door: what its SDKs post, and what they are answered.

mod refusals;

use axum::http::{Request, StatusCode};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use rstest::rstest;
use serde_json::{Value, json};

use crate::golden::{assert_equal, pairs, told};
use crate::house::{House, Reply, credential, id};
use crate::log_failures;

const GOLDEN: &str = include_str!("../data/segment/golden.json");

/// Everyone in the golden calls, as they are hashed.
const PEOPLE: [&str; 5] = [
    "stu-1041",
    "1041",
    "visitor-9",
    "ben@school.example",
    "stu-1007",
];

/// What must not be kept of them.
const SECRETS: [&str; 10] = [
    "stu-10",
    "visitor",
    "school.example\"",
    "berg",
    "Berg",
    "192.0.2.1",
    "Mozilla",
    "ck_secret",
    "f2a7e5c1",
    "ben@",
];

/// Posts as the SDKs do: the key is the user, and there is no password.
async fn post(house: &House, path: &str, body: impl Into<String>) -> Reply {
    let user = STANDARD.encode(format!("{}:", house.key));
    let request = Request::post(path)
        .header("authorization", format!("Basic {user}"))
        .header("content-type", "application/json")
        .header("user-agent", "analytics-node-next/latest");
    house
        .send(request.body(body.into().into()).expect("a request"))
        .await
}

async fn batch(house: &House, events: &Value) -> Reply {
    let body = json!({"batch": events, "writeKey": house.key});
    post(house, "/v1/batch", body.to_string()).await
}

fn opened(n: u64) -> Value {
    json!({
        "type": "track", "event": "content.opened", "userId": "stu-1041", "messageId": id(n),
        "timestamp": "2026-09-14T10:00:00Z", "properties": {"content": "bio-101/cells"},
    })
}

#[tokio::test]
async fn calls_become_events() {
    let pairs = pairs(GOLDEN);
    let mut all = Vec::new();
    for pair in &pairs {
        let house = House::new().await;
        let reply = batch(&house, &json!([pair.sent])).await;
        assert_eq!(
            reply.status,
            StatusCode::OK,
            "{}: {}",
            pair.about,
            reply.body
        );
        let events = house.events().await;
        let [event] = &events[..] else {
            panic!("{}: {events:?}", pair.about);
        };
        assert_eq!(event.dialect, "segment");
        let kept = String::from_utf8(event.to_json()).expect("UTF-8");
        for secret in SECRETS {
            assert!(!kept.contains(secret), "{secret} in {kept}");
        }
        all.push(told(event, &PEOPLE, &house.hasher().await));
    }
    assert_equal(&pairs, &all);
}

#[tokio::test]
async fn a_batch_is_answered_as_sdks_and_people_read_it() {
    let house = House::new().await;
    let identify =
        json!({"type": "identify", "userId": "stu-1041", "traits": {"email": "a@x.org"}});
    let reply = batch(&house, &json!([opened(1), identify, opened(1), opened(2)])).await;
    assert_eq!(
        (reply.status, &reply.body["success"]),
        (StatusCode::OK, &json!(true))
    );
    let outcomes = ["accepted", "ignored", "duplicate", "accepted"];
    assert_eq!(reply.outcomes(), outcomes);
    assert_eq!(reply.body["received"], 4);
    assert_eq!(house.records().await.len(), 2);

    let mut other = opened(3);
    other["messageId"] = json!(id(1));
    let wrong = json!({"type": "track", "event": "custom.lab", "userId": "stu-1041"});
    let reply = batch(&house, &json!([opened(1), wrong, other, 7])).await;
    assert_eq!(
        (reply.status, &reply.body["success"]),
        (StatusCode::OK, &json!(true))
    );
    let outcomes = [
        "accepted",
        "unregistered_type /batch/1/event",
        "duplicate",
        "not_an_object /batch/3",
    ];
    assert_eq!(reply.outcomes(), outcomes);

    let reply = batch(&house, &json!([wrong])).await;
    assert_eq!(
        (reply.status, reply.code()),
        (StatusCode::BAD_REQUEST, "no_event_taken")
    );
    assert_eq!(reply.body["errors"][0]["pointer"], "/batch/0/event");
}

#[rstest]
#[case("track", "t", "accepted")]
#[case("page", "p", "accepted")]
#[case("identify", "i", "ignored")]
#[case("screen", "s", "ignored")]
#[case("group", "g", "ignored")]
#[case("alias", "a", "ignored")]
#[tokio::test]
async fn every_call_has_its_paths(#[case] call: &str, #[case] letter: &str, #[case] outcome: &str) {
    let house = House::new().await;
    let event = json!({
        "event": "content.opened", "userId": "stu-1041", "timestamp": "2026-09-14T10:00:00Z",
        "properties": {"content": "bio-101/cells"}, "context": {"page": {"url": "https://lms.example/"}},
    });
    for path in [format!("/v1/{call}"), format!("/v1/{letter}")] {
        let reply = post(&house, &path, event.to_string()).await;
        assert_eq!(reply.status, StatusCode::OK, "{path}: {reply:?}");
        assert_eq!(
            (reply.outcomes(), &reply.body["success"]),
            (vec![outcome.to_owned()], &json!(true))
        );
    }
    let mut of_batch = event;
    of_batch["type"] = json!(call);
    let body = json!({"batch": [of_batch]}).to_string();
    let reply = post(&house, "/v1/b", body).await;
    assert_eq!(reply.outcomes(), [outcome]);
    let stored = if outcome == "accepted" { 3 } else { 0 };
    assert_eq!(house.records().await.len(), stored);
}

#[tokio::test]
async fn keys_come_as_the_sdks_send_them() {
    let mut house = House::new().await;
    let body = opened(1).to_string();
    let bearer = |key: &str| {
        Request::post("/v1/track")
            .header("authorization", format!("Bearer {key}"))
            .header("content-type", "text/plain")
            .body(body.clone().into())
            .expect("a request")
    };
    assert_eq!(house.send(bearer(&house.key)).await.status, StatusCode::OK);

    let without = Request::post("/v1/track").body(body.clone().into());
    let reply = house.send(without.expect("a request")).await;
    assert_eq!(
        (reply.status, reply.code()),
        (StatusCode::UNAUTHORIZED, "missing_key")
    );
    let challenges = reply.headers.get_all("www-authenticate").iter();
    let challenges: Vec<_> = challenges
        .map(|value| value.to_str().expect("text"))
        .collect();
    assert_eq!(challenges.len(), 2, "{challenges:?}");
    assert!(challenges[1].starts_with("Basic "), "{challenges:?}");

    // What only servers know, from a page.
    let marked = json!({
        "type": "track", "event": "assessment.graded", "userId": "stu-1041",
        "timestamp": "2026-09-14T10:00:00Z", "properties": {"assessment": "quiz-3", "score": 5},
    });
    house.key = credential("page", [5; 32]);
    let user = STANDARD.encode(format!("{}:", house.key));
    let request = Request::post("/v1/b")
        .header("authorization", format!("Basic {user}"))
        .header("content-type", "text/plain")
        .header("origin", "https://north.school.example");
    let body = json!({"batch": [opened(1), marked], "writeKey": house.key}).to_string();
    let reply = house
        .send(request.body(body.into()).expect("a request"))
        .await;
    assert_eq!(
        reply.outcomes(),
        ["accepted", "secret_key_needed /batch/1/event"]
    );
    house.key = credential("video", [2; 32]);
    let reply = batch(&house, &json!([opened(1)])).await;
    assert_eq!(
        (reply.status, reply.code()),
        (StatusCode::FORBIDDEN, "wrong_scope")
    );
}

#[tokio::test]
async fn a_message_is_stored_under_an_id_of_its_own() {
    let house = House::new().await;
    let mut text = opened(1);
    text["messageId"] = json!("node-next-1668208232027-743be593");
    let reply = batch(&house, &json!([opened(1), text, text])).await;
    assert_eq!(reply.outcomes(), ["accepted", "accepted", "duplicate"]);
    assert_eq!(reply.body["results"][0]["id"], json!(id(1)));
    let made = reply.body["results"][1]["id"].clone();
    assert_ne!(made, json!(id(1)));
    // Sent again, also alone and with another key, it is the same.
    let reply = post(&house, "/v1/track", text.to_string()).await;
    assert_eq!(reply.body["results"][0]["id"], made);

    let mut unnamed = opened(1);
    unnamed
        .as_object_mut()
        .expect("an object")
        .remove("messageId");
    let ids = [
        batch(&house, &json!([unnamed])).await,
        batch(&house, &json!([unnamed])).await,
    ];
    let ids = ids.map(|reply| reply.body["results"][0]["id"].clone());
    assert_eq!(ids[0], ids[1]);
    let mut nil = opened(1);
    nil["messageId"] = json!("00000000-0000-0000-0000-000000000000");
    let reply = batch(&house, &json!([opened(2), nil])).await;
    assert_eq!(
        reply.outcomes(),
        ["accepted", "invalid_id /batch/1/messageId"]
    );
}

#[tokio::test]
async fn the_clock_of_a_batch_is_corrected() {
    let house = House::new().await;
    let mut early = opened(1);
    early["timestamp"] = json!("1970-01-01T00:03:00Z");
    let body = json!({"batch": [early], "sentAt": "1970-01-01T00:05:00.500Z"}).to_string();
    let reply = post(&house, "/v1/batch", body).await;
    assert_eq!(reply.outcomes(), ["accepted"]);
    let event = &house.events().await[0];
    assert_eq!(
        event.time,
        "1970-01-01T00:03:00Z"
            .parse::<chrono::DateTime<chrono::Utc>>()
            .expect("a time")
    );
    let sent_at = event.sent_at.map(|time| time.to_rfc3339());
    assert_eq!(sent_at.as_deref(), Some("1970-01-01T00:05:00.500+00:00"));

    for (sent_at, code) in [
        (json!("yesterday"), "invalid_time"),
        (json!(5), "wrong_type"),
    ] {
        let body = json!({"batch": [early], "sentAt": sent_at}).to_string();
        let reply = post(&house, "/v1/batch", body).await;
        assert_eq!(
            (reply.status, reply.code()),
            (StatusCode::BAD_REQUEST, code)
        );
        assert_eq!(
            reply.body["errors"][0]["pointer"], "/sentAt",
            "{}",
            reply.body
        );
    }
}

/// SDKs drop what is answered with 200: one event that the log did not take now means
/// that all are sent again.
#[tokio::test]
async fn what_the_log_does_not_take_is_sent_again_whole() {
    let house = log_failures::house().await;
    let fated = |n: u64, fate: &str| {
        let mut event = opened(n);
        event["properties"]["course_id"] = json!(fate);
        event
    };
    let wrong = json!({"type": "track", "userId": "stu-1041"});
    let reply = batch(&house, &json!([fated(1, "fine"), fated(2, "full"), wrong])).await;
    assert_eq!(
        (reply.status, reply.code()),
        (StatusCode::SERVICE_UNAVAILABLE, "log_unavailable")
    );
    assert_eq!(
        (&reply.body["accepted"], &reply.body["retry"]),
        (&json!(1), &json!(1))
    );
    assert_eq!(reply.body["errors"][0]["pointer"], "/batch/2/event");
}
