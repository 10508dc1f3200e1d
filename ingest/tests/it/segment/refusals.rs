//! What is wrong with a call, and what is hostile.

use std::cell::Cell;

use axum::http::Request;
use proptest::prelude::*;
use proptest::sample::{Index, select};
use rstest::rstest;
use serde_json::{Value, json};

use super::{batch, opened, post};
use crate::house::House;

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
    let mut runner = proptest::test_runner::TestRunner::new(ProptestConfig::with_cases(800));
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
