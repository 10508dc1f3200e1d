//! Statuses, codes, pointers and counts.

use std::cell::Cell;

use axum::body::Body;
use axum::http::{Request, StatusCode};
use proptest::prelude::*;
use proptest::test_runner::TestRunner;
use rstest::rstest;
use serde_json::{Value, json};

use crate::house::{House, click, id};

#[tokio::test]
async fn good_events_are_stored_as_sent() {
    let house = House::new().await;
    let reply = house.post(&json!([click(1), click(2)])).await;
    assert_eq!(reply.status, StatusCode::ACCEPTED);
    assert_eq!(
        reply.body,
        json!({
            "received": 2, "accepted": 2, "duplicate": 0, "ignored": 0, "rejected": 0, "retry": 0,
            "results": [
                {"index": 0, "id": id(1), "outcome": "accepted"},
                {"index": 1, "id": id(2), "outcome": "accepted"},
            ],
        })
    );
    let events = house.events().await;
    assert_eq!(events.len(), 2);
    assert_eq!(events[0].course.as_deref(), Some("bio-101"));
    let key = house.hasher().await.key("stu-1001");
    assert_eq!(events[0].student_key, key);
    let records = house.records().await;
    let record = records
        .iter()
        .find(|record| record.key == format!("demo/{key}"))
        .expect("under the student's key");
    let header = |name| str::from_utf8(record.headers.get(name).expect("a header"));
    assert_eq!(header("tenant"), Ok("demo"));
    assert_eq!(header("kind"), Ok("event"));
    assert_eq!(header("family"), Ok("clickstream"));
    assert_eq!(header("type_version"), Ok("1"));
    assert_eq!(header("received_at"), Ok("1789387200000000"));
    assert_eq!(header("student_key"), Ok(&*key.to_string()));
}

#[rstest]
#[case::not_said(&[], None)]
#[case::everywhere(&[("chalkline-look-up", "everywhere")], Some(&b"everywhere"[..]))]
#[case::not_understood(&[("chalkline-look-up", "somewhere")], None)]
#[tokio::test]
async fn the_sender_says_how_far_back_repetitions_are_looked_for(
    #[case] headers: &[(&str, &str)],
    #[case] expected: Option<&[u8]>,
) {
    let house = House::new().await;
    let reply = house.post_bytes(click(1).to_string(), headers).await;
    assert_eq!(reply.status, StatusCode::ACCEPTED);
    let records = house.records().await;
    assert_eq!(records[0].headers.get("look_up"), expected);
}

#[tokio::test]
async fn one_students_events_keep_the_order_of_the_request() {
    let house = House::new().await;
    let events: Vec<Value> = (0..50).map(|n| click(n * 3)).collect();
    house.post(&json!(events)).await;
    let ids: Vec<_> = house
        .records()
        .await
        .iter()
        .filter_map(crate::house::event_of)
        .map(|event| event.id.to_string())
        .collect();
    let expected: Vec<_> = (0..50).map(|n| id(n * 3)).collect();
    assert_eq!(ids, expected);
}

#[tokio::test]
async fn one_bad_event_harms_no_neighbour() {
    let house = House::new().await;
    let mut bad = click(2);
    bad["data"]["url"] = json!(7);
    let reply = house
        .post(&json!([click(1), bad, 5, click(3), {"type": "x"}]))
        .await;
    assert_eq!(reply.status, StatusCode::OK);
    assert_eq!(
        reply.outcomes(),
        [
            "accepted",
            "wrong_type /1/data/url",
            "not_an_object /2",
            "accepted",
            "unknown_type /4/type",
        ]
    );
    assert_eq!(reply.body["accepted"], 2);
    assert_eq!(reply.body["rejected"], 3);
    assert_eq!(house.events().await.len(), 2);
}

/// One bad event for each code that an event can be rejected with here; the
/// others need NDJSON, another key or another log.
#[rstest]
#[case("not_an_object", "", json!(null))]
#[case("duplicate_member", "/course", json!(r#"{"course":"a","course":"b"}"#))]
#[case("too_deep", "/a/0/0/0/0/0/0/0", json!(format!(r#"{{"a":{}{}}}"#, "[".repeat(500), "]".repeat(500))))]
#[case("number_out_of_range", "/a", json!(r#"{"a":1e400}"#))]
#[case("invalid_json", "/a", json!(r#"{"a":"\ud800"}"#))]
#[case("missing_member", "/actor", json!({"actor": null}))]
#[case("missing_member", "/data/url", json!({"data": null}))]
#[case("wrong_type", "/course", json!({"course": 101}))]
#[case("invalid_id", "/id", json!({"id": "first"}))]
#[case("unknown_type", "/type", json!({"type": "page.veiwed"}))]
// The audit is not for senders.
#[case("unknown_type", "/type", json!({"type": "query.started"}))]
#[case("unregistered_type", "/type", json!({"type": "custom.lab"}))]
#[case("invalid_time", "/time", json!({"time": "now"}))]
#[case("time_without_offset", "/time", json!({"time": "2026-09-14T10:00:00"}))]
#[case("time_in_future", "/time", json!({"time": "2026-10-14T10:00:00Z"}))]
#[case("time_too_old", "/time", json!({"time": "1989-10-14T10:00:00Z"}))]
#[case("out_of_range", "/data/count", json!({"data": {"url": "u", "count": 0}}))]
#[case("text_too_long", "/course", json!({"course": "c".repeat(600)}))]
#[case("reserved_member", "/student_key", json!({"student_key": "0"}))]
#[case("extra_too_large", "", json!({"essay": "e".repeat(40_000)}))]
#[case("event_too_large", "", json!({"x": vec![json!({}); 350_000]}))]
#[tokio::test]
async fn each_code_points_to_what_is_wrong(
    #[case] code: &str,
    #[case] pointer: &str,
    #[case] wrong: Value,
) {
    // Text is JSON as it is; an object replaces members of a good event.
    let bad = match wrong {
        Value::String(json) => json,
        Value::Object(members) => {
            let mut event = click(2);
            event.as_object_mut().expect("an object").extend(members);
            event.to_string()
        }
        other => other.to_string(),
    };
    let house = House::new().await;
    let (one, three) = (click(1), click(3));
    for (body, place) in [
        (format!("[{one},{bad},{three}]"), "/1"),
        (
            format!(r#"{{"sent_at":null,"events":[{one},{bad},{three}]}}"#),
            "/events/1",
        ),
    ] {
        let reply = house.post_bytes(body, &[]).await;
        let expected = format!("{code} {place}{pointer}");
        assert_eq!(reply.status, StatusCode::OK);
        assert_eq!(reply.outcomes(), ["accepted", &expected, "accepted"]);
    }
    let lines = format!("{one}\n\n{bad}\n{three}\n");
    let reply = house
        .post_bytes(lines, &[("content-type", "application/x-ndjson")])
        .await;
    let expected = format!("{code} /1{pointer}");
    assert_eq!(reply.outcomes(), ["accepted", &expected, "accepted"]);

    if bad.starts_with('{') {
        let reply = house.post_bytes(bad, &[]).await;
        assert_eq!(reply.status, StatusCode::BAD_REQUEST);
        assert_eq!(reply.code(), "no_event_taken");
        assert_eq!(reply.body["rejected"], 1);
        assert_eq!(reply.body["errors"][0]["index"], 0);
        assert_eq!(reply.body["errors"][0]["code"], code);
        assert_eq!(reply.body["errors"][0]["pointer"], pointer);
    }
    // The neighbours: the same two each time.
    assert_eq!(house.events().await.len(), 6);
}

#[tokio::test]
async fn bad_lines_are_rejected_alone() {
    let house = House::new().await;
    let mut body = format!("{}\nnot json\n", click(1)).into_bytes();
    body.extend(b"{\"a\":\"\xff\"}\r\n");
    body.extend(click(2).to_string().into_bytes());
    let reply = house
        .post_bytes(
            body,
            &[("content-type", "application/x-ndjson; charset=utf-8")],
        )
        .await;
    assert_eq!(
        reply.outcomes(),
        ["accepted", "invalid_json /1", "invalid_utf8 /2", "accepted"]
    );
}

#[tokio::test]
async fn the_same_id_twice_is_stored_once() {
    let house = House::new().await;
    let mut upper = click(1);
    upper["id"] = json!(id(1).to_uppercase());
    let reply = house.post(&json!([click(1), click(2), upper])).await;
    assert_eq!(reply.status, StatusCode::ACCEPTED);
    assert_eq!(reply.outcomes(), ["accepted", "accepted", "duplicate"]);
    assert_eq!(house.events().await.len(), 2);
}

#[tokio::test]
async fn the_same_id_with_other_content_is_not_taken_for_the_same_event() {
    let house = House::new().await;
    let mut other = click(1);
    other["data"]["url"] = json!("https://lms.example/bio-102");
    let mut family = click(1);
    family["type"] = json!("item.viewed");
    family["data"] = json!({"item": "q1"});
    // When it was sent says nothing about what happened.
    let mut again = click(1);
    again["sent_at"] = json!("2026-09-14T11:59:59Z");
    let reply = house.post(&json!([click(1), other, family, again])).await;
    assert_eq!(reply.status, StatusCode::OK);
    assert_eq!(
        reply.outcomes(),
        [
            "accepted",
            "id_reused /1/id",
            "id_reused /2/id",
            "duplicate"
        ]
    );
    assert_eq!(house.events().await.len(), 1);
}

#[tokio::test]
async fn events_without_id_get_one_that_a_retry_gets_again() {
    let house = House::new().await;
    let mut event = click(1);
    event.as_object_mut().expect("an object").remove("id");
    let first = house.post(&json!([event, event])).await;
    assert_eq!(first.outcomes(), ["accepted", "duplicate"]);
    let again = house
        .post(&json!({"events": [event], "sent_at": "2026-09-14T11:59:59Z"}))
        .await;
    assert_eq!(again.outcomes(), ["accepted"]);
    assert_eq!(
        first.body["results"][0]["id"],
        again.body["results"][0]["id"]
    );
}

#[tokio::test]
async fn sent_at_of_the_batch_counts_where_an_event_has_none() {
    let house = House::new().await;
    let mut own = click(2);
    own["sent_at"] = json!("2026-09-14T11:00:00Z");
    let mut ahead = click(3);
    ahead["time"] = json!("2026-09-20T10:00:00Z");
    ahead["sent_at"] = json!("2026-09-20T10:00:05Z");
    let batch = json!({"sent_at": "2026-09-14T11:30:00+00:00", "events": [click(1), own, ahead]});
    let reply = house.post(&batch).await;
    assert_eq!(reply.outcomes(), ["accepted"; 3]);
    let sent: Vec<_> = house
        .events()
        .await
        .iter()
        .map(|event| event.sent_at.expect("a time").to_rfc3339())
        .collect();
    assert_eq!(
        sent,
        [
            "2026-09-14T11:30:00+00:00",
            "2026-09-14T11:00:00+00:00",
            "2026-09-20T10:00:05+00:00",
        ]
    );
    for (sent_at, code) in [
        (json!("2026-09-14T11:30:00"), "time_without_offset"),
        (json!("soon"), "invalid_time"),
        (json!(1_789_387_200), "wrong_type"),
    ] {
        let reply = house
            .post(&json!({"sent_at": sent_at, "events": [click(9)]}))
            .await;
        assert_eq!(
            (reply.status, reply.code()),
            (StatusCode::BAD_REQUEST, code)
        );
        assert_eq!(reply.body["errors"][0]["pointer"], "/sent_at");
    }
}

#[tokio::test]
async fn paths_and_methods_are_named() {
    let house = House::new().await;
    let request = |method: &str, path: &str| {
        let request = Request::builder().method(method).uri(path);
        request.body(Body::empty()).expect("a request")
    };
    let about = house.send(request("GET", "/")).await;
    assert_eq!(about.status, StatusCode::OK);
    assert_eq!(about.body["events"], "POST /v1/events");
    let lost = house.send(request("GET", "/v2/events")).await;
    assert_eq!(
        (lost.status, lost.code()),
        (StatusCode::NOT_FOUND, "not_found")
    );
    let wrong = house.send(request("PUT", "/v1/events")).await;
    assert_eq!(wrong.status, StatusCode::METHOD_NOT_ALLOWED);
    assert_eq!(wrong.code(), "method_not_allowed");
    assert_eq!(wrong.header("allow"), "POST");
}

#[tokio::test]
async fn the_trace_of_the_request_is_in_its_problem() {
    let house = House::new().await;
    let trace = "4bf92f3577b34da6a3ce929d0e0e4736";
    let parent = format!("00-{trace}-00f067aa0ba902b7-01");
    let reply = house.post_bytes("{", &[("traceparent", &parent)]).await;
    assert_eq!(reply.body["trace_id"], trace);
    let reply = house.post_bytes("{", &[]).await;
    assert_ne!(reply.body["trace_id"], trace);
}

/// Events of every kind, good and bad.
fn any_event() -> impl Strategy<Value = Value> {
    prop_oneof![
        4 => (0_u64..20).prop_map(click),
        1 => Just(json!({"type": "page.viewed"})),
        1 => Just(json!(17)),
        1 => (0_u64..20).prop_map(|n| {
            let mut event = click(n);
            event["time"] = json!("2026-09-14");
            event
        }),
    ]
}

#[test]
fn received_is_the_sum_of_the_outcomes_and_accepted_is_what_is_stored() {
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    let house = runtime.block_on(House::new());
    let stored = Cell::new(0);
    let requests = prop::collection::vec(any_event(), 1..40);
    TestRunner::new(ProptestConfig::with_cases(64))
        .run(&requests, |events| {
            let reply = runtime.block_on(house.post(&json!(events)));
            let count = |name: &str| reply.body[name].as_u64().expect("a count");
            prop_assert_eq!(count("received"), events.len() as u64);
            let outcomes = ["accepted", "duplicate", "ignored", "rejected", "retry"];
            let sum: u64 = outcomes.map(count).iter().sum();
            prop_assert_eq!(count("received"), sum);
            let now = runtime.block_on(house.events()).len() as u64;
            prop_assert_eq!(count("accepted"), now - stored.get());
            stored.set(now);
            Ok(())
        })
        .expect("holds");
}

/// The tables of codes in the README are complete.
#[test]
fn every_code_is_documented() {
    let readme = include_str!("../../README.md");
    for reason in ingest::Reason::ALL {
        let code = format!("`{}`", reason.code());
        assert!(readme.contains(&code), "{code}");
    }
}
