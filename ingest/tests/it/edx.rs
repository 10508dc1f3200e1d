//! Tracking events of Open edX: what they become, and what is told of those that
//! are not taken.

use std::collections::BTreeSet;
use std::path::PathBuf;

use axum::http::{Request, StatusCode};
use rstest::rstest;
use schemas::StudentHasher;
use schemas::event::Event;
use serde_json::{Value, json};

use crate::house::{House, Reply, credential};

/// Tracking events and the events that they become, one pair a line. The event is
/// without what every event has: id, dialect, received_at.
const GOLDEN: &str = include_str!("../data/edx/golden.ndjson");

/// Everyone in the golden events, as they are hashed.
const PEOPLE: [&str; 7] = [
    "41",
    "7001",
    "ann.berg",
    "ben.cole",
    "t.ramirez",
    "ann@school.example",
    "ann@home.example",
];

/// Posts tracking events with the good key.
pub async fn track(house: &House, body: impl Into<Vec<u8>>, kind: &str) -> Reply {
    let request = Request::post("/v1/edx/tracking")
        .header("authorization", format!("Bearer {}", house.key))
        .header("content-type", kind);
    let body: Vec<u8> = body.into();
    house
        .send(request.body(body.into()).expect("a request"))
        .await
}

/// A folder of inputs that are too large, or not free enough, to lie here.
pub fn shared_data(name: &str) -> Option<PathBuf> {
    let found = std::env::var_os("CHALKLINE_SHARED_DATA")
        .map(|folder| PathBuf::from(folder).join(name))
        .filter(|folder| folder.is_dir());
    if found.is_none() {
        println!("{name} is not there: set CHALKLINE_SHARED_DATA to the folder that has it");
    }
    found
}

/// The events that became of a body that was taken whole, in its order.
pub async fn stored(house: &House, reply: &Reply) -> Vec<Event> {
    let events = house.events().await;
    let results = reply.body["results"].as_array().expect("results");
    let of = |result: &Value| {
        let found = events.iter().find(|event| result["id"] == json!(event.id));
        found.expect("stored").clone()
    };
    results.iter().map(of).collect()
}

/// The event's JSON without what every event has, and with names for keys.
fn told(event: &Event, hasher: &StudentHasher) -> Value {
    let mut json = String::from_utf8(event.to_json()).expect("UTF-8");
    for person in PEOPLE {
        json = json.replace(&hasher.key(person).to_string(), &format!("KEY OF {person}"));
    }
    let mut json: Value = serde_json::from_str(&json).expect("JSON");
    let members = json.as_object_mut().expect("an object");
    for name in ["id", "dialect", "received_at"] {
        assert!(members.remove(name).is_some(), "{name}");
    }
    json
}

/// The golden pairs.
pub fn golden() -> Vec<Value> {
    let pairs = GOLDEN
        .lines()
        .map(|line| serde_json::from_str(line).expect("JSON"));
    pairs.collect()
}

#[tokio::test]
async fn every_mapped_name_becomes_its_event() {
    let house = House::new().await;
    let pairs = golden();
    let lines: Vec<_> = pairs
        .iter()
        .map(|pair| pair["tracking"].to_string())
        .collect();
    let reply = track(&house, lines.join("\n"), "application/x-ndjson").await;
    assert_eq!(reply.status, StatusCode::ACCEPTED, "{}", reply.body);

    let hasher = house.hasher().await;
    let events = stored(&house, &reply).await;
    let mut changed = Vec::new();
    for (pair, event) in pairs.iter().zip(&events) {
        assert_eq!(event.dialect, "edx");
        let told = told(event, &hasher);
        if told != pair["event"] {
            changed.push(json!({"event": told, "tracking": pair["tracking"]}).to_string());
        }
    }
    assert!(changed.is_empty(), "these differ:\n{}", changed.join("\n"));
    let types: BTreeSet<_> = events.iter().map(|event| &event.event_type).collect();
    assert!(types.len() > 30, "{types:?}");
}

#[tokio::test]
async fn nobody_of_an_event_stands_in_the_log() {
    let house = House::new().await;
    let events: Vec<_> = golden()
        .into_iter()
        .map(|pair| pair["tracking"].clone())
        .collect();
    let reply = track(&house, json!(events).to_string(), "application/json").await;
    assert_eq!(reply.status, StatusCode::ACCEPTED, "{}", reply.body);
    for record in house.records().await {
        let text = String::from_utf8_lossy(&record.value).to_lowercase();
        for person in [
            "ann",
            "berg",
            "ben.cole",
            "ramirez",
            "7001",
            "@school",
            "192.0.2.1",
        ] {
            assert!(!text.contains(person), "{person} in {text}");
        }
    }
}

const PLAYED: &str = r#"{"event_type":"play_video","event_source":"browser","time":"2026-09-14T10:00:00Z",
    "context":{"user_id":41,"course_id":"course-v1:A+B+C"},"event":"{\"id\":\"v1\",\"currentTime\":7}"}"#;

fn played() -> Value {
    serde_json::from_str(PLAYED).expect("JSON")
}

#[rstest]
#[case::one("application/json", played().to_string(), 1)]
#[case::many("application/json", json!([played(), played()]).to_string(), 2)]
#[case::lines("application/x-ndjson", format!("{}\n\n# x\n{}\n", played(), played()), 2)]
#[case::log(
    "text/plain",
    format!("2026-09-14 10:00:00,461 INFO 20 [tracking] [user 41] [ip 192.0.2.1] logger.py:41 - {}", played()),
    1
)]
#[tokio::test]
async fn events_come_as_json_and_as_lines_of_a_log(
    #[case] kind: &str,
    #[case] body: String,
    #[case] received: u64,
) {
    let house = House::new().await;
    let reply = track(&house, body, kind).await;
    assert_eq!(reply.status, StatusCode::ACCEPTED, "{}", reply.body);
    assert_eq!(reply.body["received"], received);
    let events = house.events().await;
    assert_eq!(events.len(), 1, "the same twice is stored once");
    assert_eq!(events[0].event_type, "video.played");
    assert_eq!(events[0].student_key, house.hasher().await.key("41"));
    let content = "block-v1:A+B+C+type@video+block@v1";
    assert_eq!(events[0].content.as_deref(), Some(content));
}

#[tokio::test]
async fn an_id_that_an_import_gives_makes_an_event_of_its_own_once() {
    let house = House::new().await;
    let with = |id: &str| {
        let mut event = played();
        event["id"] = json!(id);
        event
    };
    let uuid = "0197c3b2-8a5e-5c10-9d55-3f1f6f0c1a01";
    for _ in 0..2 {
        let body = json!([with(uuid), with("line 1"), with("line 2"), with("line 1")]);
        let reply = track(&house, body.to_string(), "application/json").await;
        let outcomes = ["accepted", "accepted", "accepted", "duplicate"];
        assert_eq!(reply.outcomes(), outcomes);
        assert_eq!(reply.body["results"][0]["id"], uuid);
    }
    let ids: BTreeSet<_> = house.events().await.iter().map(|event| event.id).collect();
    assert_eq!(ids.len(), 3);
}

/// The played video with a member changed, by its pointer.
fn changed(pointer: &str, value: Value) -> Value {
    let mut event = played();
    let (parent, name) = pointer.rsplit_once('/').expect("a pointer");
    event.pointer_mut(parent).expect("a parent")[name] = value;
    event
}

#[rstest]
#[case::nobody(changed("/context/user_id", json!(null)), "missing_member /context/user_id")]
#[case::blank(changed("/context/user_id", json!("")), "missing_member /context/user_id")]
#[case::nothing(changed("/event_type", json!("")), "missing_member /event_type")]
#[case::never(changed("/time", json!(null)), "missing_member /time")]
#[case::sometime(changed("/time", json!("yesterday")), "invalid_time /time")]
#[case::local(changed("/time", json!("2026-09-14T10:00:00")), "time_without_offset /time")]
#[case::future(changed("/time", json!("2027-09-14T10:00:00Z")), "time_in_future /time")]
#[case::old(changed("/time", json!("1970-01-01T10:00:00Z")), "time_too_old /time")]
#[case::context(changed("/context", json!("x")), "wrong_type /context")]
#[case::name(changed("/event_type", json!(7)), "wrong_type /event_type")]
#[case::id(changed("/id", json!(7)), "wrong_type /id")]
#[case::nil(changed("/id", json!("00000000-0000-0000-0000-000000000000")), "invalid_id /id")]
#[case::actor(changed("/context/user_id", json!("a".repeat(600))), "text_too_long /context/user_id")]
#[case::course(changed("/context/course_id", json!("a".repeat(600))), "text_too_long /context/course_id")]
#[case::session(changed("/session", json!("a".repeat(600))), "text_too_long /session")]
#[case::inner(changed("/context/session", json!("a".repeat(600))), "text_too_long /context/session")]
#[case::content(changed("/event", json!({"id": "a".repeat(600), "currentTime": 1})), "text_too_long /event")]
#[tokio::test]
async fn what_is_not_taken_is_pointed_at(#[case] event: Value, #[case] problem: &str) {
    let house = House::new().await;
    let body = json!([event, played()]).to_string();
    let reply = track(&house, body, "application/json").await;
    assert_eq!(reply.status, StatusCode::OK, "{}", reply.body);
    let problem = problem.replace(" /", " /0/");
    assert_eq!(reply.outcomes(), [problem.as_str(), "accepted"]);
    let detail = reply.body["results"][0]["detail"].as_str().expect("words");
    assert!(
        detail.ends_with('.') && !detail.contains("aaaa"),
        "{detail}"
    );
}

#[tokio::test]
async fn the_event_router_is_pointed_at_its_own_members() {
    let house = House::new().await;
    let event =
        json!({"name": "play_video", "timestamp": "soon", "context": {"user_id": 41}, "data": {}});
    let reply = track(&house, event.to_string(), "application/json").await;
    assert_eq!(reply.body["errors"][0]["pointer"], "/timestamp");
    let event = json!({"name": "play_video", "timestamp": "2026-09-14T10:00:00Z", "context": {"user_id": 41},
        "data": {"id": "a".repeat(600), "currentTime": 1}});
    let reply = track(&house, event.to_string(), "application/json").await;
    assert_eq!(reply.body["errors"][0]["pointer"], "/data");
}

#[tokio::test]
async fn a_bad_line_harms_no_other() {
    let house = House::new().await;
    let body = format!(
        "{}\nno event\n{{\"event_type\": 1e400}}\n[]\n{{\"a\":1,\"a\":1}}\n",
        played()
    );
    let reply = track(&house, body, "text/plain").await;
    let outcomes = [
        "accepted",
        "invalid_json /1",
        "number_out_of_range /2/event_type",
        "not_an_object /3",
        "duplicate_member /4/a",
    ];
    assert_eq!(reply.outcomes(), outcomes);
}

#[rstest]
#[case("application/json", "", "no_events")]
#[case("application/json", "{", "invalid_json")]
#[case("text/plain", "# nothing", "no_events")]
#[case("text/csv", "a,b", "unsupported_media_type")]
#[tokio::test]
async fn a_body_without_events_is_refused(
    #[case] kind: &str,
    #[case] body: &str,
    #[case] code: &str,
) {
    let house = House::new().await;
    assert_eq!(track(&house, body, kind).await.code(), code);
}

#[tokio::test]
async fn keys_count_as_at_the_other_doors() {
    let mut house = House::new().await;
    house.key = credential("video", [2; 32]);
    let closed = changed("/event_type", json!("page_close"));
    let body = json!([played(), closed]).to_string();
    let reply = track(&house, body, "application/json").await;
    assert_eq!(
        reply.outcomes(),
        ["accepted", "family_not_allowed /1/event_type"]
    );
    house.key = credential("web", [9; 32]);
    let reply = track(&house, PLAYED, "application/json").await;
    assert_eq!(
        (reply.status, reply.code()),
        (StatusCode::UNAUTHORIZED, "unknown_key")
    );
}
