//! Segment's door: what its SDKs post, and what they are answered.

use std::cell::Cell;

use axum::http::{Request, StatusCode};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use proptest::prelude::*;
use proptest::sample::{Index, select};
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
    assert_eq!(reply.outcomes(), ["accepted", "secret_key_needed /batch/1"]);
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

#[rstest]
#[case("/type", json!(null), "missing_member /batch/0/type")]
#[case("/type", json!("import"), "unknown_type /batch/0/type")]
#[case("/type", json!(1), "wrong_type /batch/0/type")]
#[case("/event", json!(" "), "missing_member /batch/0/event")]
#[case("/event", json!(["x"]), "wrong_type /batch/0/event")]
#[case("/event", json!("custom.lab.opened"), "unregistered_type /batch/0/event")]
#[case("/userId", json!(null), "missing_member /batch/0/userId")]
#[case("/userId", json!({"id": 1}), "wrong_type /batch/0/userId")]
#[case("/userId", json!(1.5), "wrong_type /batch/0/userId")]
#[case("/userId", json!("a".repeat(600)), "text_too_long /batch/0/userId")]
#[case("/messageId", json!(7), "wrong_type /batch/0/messageId")]
#[case("/timestamp", json!("2026-09-14T10:00:00"), "time_without_offset /batch/0/timestamp")]
#[case("/timestamp", json!(1_789_380_000), "wrong_type /batch/0/timestamp")]
#[case("/timestamp", json!("2026-09-16T12:00:00Z"), "time_in_future /batch/0/timestamp")]
#[case("/originalTimestamp", json!("x"), "invalid_time /batch/0/originalTimestamp")]
#[case("/sentAt", json!("x"), "invalid_time /batch/0/sentAt")]
#[case("/properties", json!("x"), "wrong_type /batch/0/properties")]
#[case("/context", json!([1]), "wrong_type /batch/0/context")]
#[case("/context/page", json!("x"), "wrong_type /batch/0/context/page")]
#[case("/properties/content", json!(null), "missing_member /batch/0/properties/content_id")]
#[case("/properties/content_version", json!(1.5), "wrong_type /batch/0/properties/content_version")]
#[case("/properties/count", json!("x"), "wrong_type /batch/0/properties/count")]
#[case("/properties/count", json!(0), "out_of_range /batch/0/properties/count")]
#[case("/properties/by_key", json!("x"), "reserved_member /batch/0/properties/by_key")]
#[tokio::test]
async fn what_is_wrong_is_pointed_at(
    #[case] at: &str,
    #[case] value: Value,
    #[case] expected: &str,
) {
    let house = House::new().await;
    let mut event = opened(1);
    event["context"] = json!({});
    let (parent, name) = at.rsplit_once('/').expect("a pointer");
    event.pointer_mut(parent).expect("a parent")[name] = value;
    let reply = batch(&house, &json!([event, opened(2)])).await;
    assert_eq!(reply.outcomes(), [expected, "accepted"]);
    let detail = reply.body["results"][0]["detail"].as_str().expect("text");
    assert!(detail.ends_with('.'), "{detail}");
}

#[rstest]
#[case("/v1/batch", "application/json", "", 400, "no_events")]
#[case("/v1/batch", "application/json", r#"{"batch":[]}"#, 400, "no_events")]
#[case("/v1/batch", "application/json", "[]", 400, "not_events")]
#[case(
    "/v1/batch",
    "application/json",
    r#"{"type":"track"}"#,
    400,
    "not_events"
)]
#[case(
    "/v1/batch",
    "application/json",
    r#"{"batch":[{"a":]}"#,
    400,
    "invalid_json"
)]
#[case("/v1/track", "application/json", "", 400, "no_events")]
#[case(
    "/v1/track",
    "application/x-ndjson",
    "{}",
    415,
    "unsupported_media_type"
)]
#[case("/v1/track", "text/plain", "{}", 400, "no_event_taken")]
#[tokio::test]
async fn a_body_that_is_none_is_refused(
    #[case] path: &str,
    #[case] media_type: &str,
    #[case] body: &'static str,
    #[case] status: u16,
    #[case] code: &str,
) {
    let house = House::new().await;
    let request = Request::post(path)
        .header("authorization", format!("Bearer {}", house.key))
        .header("content-type", media_type);
    let reply = house
        .send(request.body(body.into()).expect("a request"))
        .await;
    assert_eq!((reply.status.as_u16(), reply.code()), (status, code));
}

/// Any JSON, of any type and somewhat deep.
fn any_json() -> impl Strategy<Value = String> {
    let leaf = select(vec![
        "null",
        "true",
        "0",
        "-1",
        "1e400",
        "1e308",
        "18446744073709551616",
        "0.1",
        "\"\"",
        "\" \"",
        "\"\\ud800\"",
        "\"\\u0000\"",
        "\"stu-1041\"",
        "\"2026-09-14T10:00:00Z\"",
        "\"video.played\"",
        "\"Video Playback Paused\"",
        "{\"a\":1,\"a\":2}",
        "[]",
        "{}",
    ]);
    let leaf = leaf.prop_map(str::to_owned);
    let names = select(vec![
        "name",
        "email",
        "page",
        "url",
        "traits",
        "position",
        "content",
        "count",
        "by",
        "student_key",
        "user",
        "played_segments",
        "library",
        "app",
    ]);
    leaf.prop_recursive(4, 24, 4, move |inner| {
        let member = (names.clone(), inner.clone());
        prop_oneof![
            prop::collection::vec(inner, 0..4).prop_map(|all| format!("[{}]", all.join(","))),
            prop::collection::vec(member, 0..4).prop_map(|all| {
                let all: Vec<_> = all.iter().map(|(n, v)| format!("\"{n}\":{v}")).collect();
                format!("{{{}}}", all.join(","))
            }),
        ]
    })
}

#[test]
fn hostile_calls_are_answered() {
    const MEMBERS: [&str; 11] = [
        "type",
        "event",
        "userId",
        "anonymousId",
        "messageId",
        "timestamp",
        "sentAt",
        "receivedAt",
        "properties",
        "context",
        "traits",
    ];
    let runtime = tokio::runtime::Runtime::new().expect("starts");
    let house = runtime.block_on(House::new());
    let taken = Cell::new(0);
    let member = (select(MEMBERS.to_vec()), any_json());
    let call = prop::collection::vec(member, 0..6);
    let edit = (
        any::<Index>(),
        select(vec!["", "{", "]", "\"", "\\u", "\0", ",", "1e999"]),
    );
    let path = select(vec!["/v1/track", "/v1/page", "/v1/batch", "/v1/t"]);
    let request = (call, prop::option::weighted(0.2, edit), path);
    let mut runner = proptest::test_runner::TestRunner::new(ProptestConfig::with_cases(1_500));
    let all = runner.run(&request, |(members, edit, path)| {
        let mut call = opened(1).to_string();
        call.pop();
        for (name, value) in members {
            // What stands there is replaced: twice, it would only be refused.
            if let Ok(Value::Object(mut known)) = serde_json::from_str(&format!("{call}}}")) {
                known.remove(name);
                call = Value::Object(known).to_string();
                call.pop();
            }
            let comma = if call.len() > 1 { "," } else { "" };
            call = format!("{call}{comma}\"{name}\":{value}");
        }
        call.push('}');
        if path == "/v1/batch" {
            call = format!("{{\"batch\":[{call}],\"sentAt\":\"2026-09-14T11:59:59Z\"}}");
        }
        if let Some((at, piece)) = edit {
            let at = at.index(call.len());
            if call.is_char_boundary(at) {
                call.insert_str(at, piece);
            }
        }
        let reply = runtime.block_on(post(&house, path, call));
        taken.set(taken.get() + u32::from(reply.status.is_success()));
        prop_assert!([200, 400].contains(&reply.status.as_u16()), "{reply:?}");
        Ok(())
    });
    all.expect("every answer is documented");
    assert!(taken.get() > 100, "nearly all was refused: {}", taken.get());
    let deep = format!(
        "{{\"batch\":[{{\"properties\":{}{}}}]}}",
        "[".repeat(100_000),
        "]".repeat(100_000)
    );
    let reply = runtime.block_on(post(&house, "/v1/batch", deep));
    assert_eq!(
        reply.body["errors"][0]["code"], "too_deep",
        "{}",
        reply.body
    );
}
