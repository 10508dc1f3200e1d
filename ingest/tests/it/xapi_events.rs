//! What statements become: events as they stand in the log.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Read;
use std::path::Path;

use axum::http::StatusCode;
use flate2::read::MultiGzDecoder;
use schemas::StudentHasher;
use schemas::event::{Data, Event};
use serde_json::{Value, json};

use crate::house::House;

/// Statements and the events that they become, one pair a line. The event is
/// without what every event has: id, dialect, times, key.
const GOLDEN: &str = include_str!("../data/xapi/golden.ndjson");

/// Everyone in the golden statements, as they are hashed.
const PEOPLE: [&str; 4] = [
    "stu-1041",
    "ann@school.example",
    "ben@school.example",
    "team@school.example",
];

/// The event's JSON without what every event has, and with names for keys.
fn told(event: &Event, hasher: &StudentHasher) -> Value {
    let mut json = String::from_utf8(event.to_json()).expect("UTF-8");
    for person in PEOPLE {
        json = json.replace(&hasher.key(person).to_string(), &format!("KEY OF {person}"));
    }
    let mut json: Value = serde_json::from_str(&json).expect("JSON");
    let members = json.as_object_mut().expect("an object");
    for name in ["id", "dialect", "time", "received_at", "student_key"] {
        assert!(members.remove(name).is_some(), "{name}");
    }
    json
}

#[tokio::test]
async fn every_mapped_verb_becomes_its_event() {
    let house = House::new().await;
    let pairs = GOLDEN
        .lines()
        .map(|line| serde_json::from_str(line).expect("JSON"));
    let pairs: Vec<Value> = pairs.collect();
    let statements: Vec<_> = pairs.iter().map(|pair| pair["statement"].clone()).collect();
    let reply = house.state(&json!(statements)).await;
    assert_eq!(reply.status, StatusCode::OK, "{}", reply.body);

    let hasher = house.hasher().await;
    let events = house.events().await;
    let mut changed = Vec::new();
    for (pair, id) in pairs.iter().zip(reply.body.as_array().expect("ids")) {
        let event = events
            .iter()
            .find(|event| id == &json!(event.id))
            .expect("stored");
        assert_eq!(event.dialect, "xapi");
        let told = told(event, &hasher);
        if told != pair["event"] {
            changed.push(json!({"event": told, "statement": pair["statement"]}).to_string());
        }
    }
    assert!(changed.is_empty(), "these differ:\n{}", changed.join("\n"));
    let types: BTreeSet<_> = events.iter().map(|event| &event.event_type).collect();
    assert!(types.len() > 25, "{types:?}");
}

/// The statements of a real course: those that the demo ships.
fn fun_mooc() -> Vec<Value> {
    let file = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../infra/chalkline/demo/funmooc/statements.jsonl.gz");
    let compressed = std::fs::read(&file).expect("the demo ships it");
    let mut text = String::new();
    MultiGzDecoder::new(&compressed[..])
        .read_to_string(&mut text)
        .expect("inflates");
    let statements = text
        .lines()
        .map(|line| serde_json::from_str(line).expect("JSON"));
    statements.collect()
}

#[tokio::test]
async fn the_statements_of_a_real_course_become_video_events() {
    let statements = fun_mooc();
    let house = House::new().await;
    for batch in statements.chunks(1000) {
        let reply = house.state(&json!(batch)).await;
        assert_eq!(reply.status, StatusCode::OK, "{}", reply.body);
        let ids: Vec<_> = batch
            .iter()
            .map(|statement| statement["id"].clone())
            .collect();
        assert_eq!(reply.body, json!(ids));
    }
    let events = house.events().await;
    let mut types: BTreeMap<&str, usize> = BTreeMap::new();
    for event in &events {
        *types.entry(event.event_type.as_str()).or_default() += 1;
    }
    let expected = [
        ("resource.downloaded", 27),
        ("video.completed", 324),
        ("video.interacted", 1604),
        ("video.loaded", 709),
        ("video.paused", 2308),
        ("video.played", 2333),
        ("video.seeked", 1219),
        ("video.stopped", 167),
    ];
    assert_eq!(types, BTreeMap::from(expected));

    let by_id: BTreeMap<_, _> = events
        .iter()
        .map(|event| (event.id.to_string(), event))
        .collect();
    let hasher = house.hasher().await;
    for statement in &statements {
        let event = by_id[statement["id"].as_str().expect("an id")];
        let actor = statement["actor"]["account"]["name"]
            .as_str()
            .expect("a name");
        assert_eq!(event.student_key, hasher.key(actor));
        assert_eq!(
            event.course.as_deref(),
            Some("course-v1:FUN-MOOC+00001+session01")
        );
        assert_eq!(event.content.as_deref(), statement["object"]["id"].as_str());
        let Data::Video(video) = &event.data else {
            continue;
        };
        let extension = |part: &str, name: &str| {
            let name = format!("https://w3id.org/xapi/video/extensions/{name}");
            statement[part]["extensions"][name].clone()
        };
        let number = |part: &str, name: &str| extension(part, name).as_f64();
        assert_eq!(
            event.session.as_deref(),
            extension("context", "session-id").as_str()
        );
        assert_eq!(video.position_seconds, number("result", "time"));
        assert_eq!(video.from_seconds, number("result", "time-from"));
        assert_eq!(video.to_seconds, number("result", "time-to"));
        assert_eq!(video.progress, number("result", "progress"));
        let length = number("context", "length").or(number("result", "length"));
        assert_eq!(video.duration_seconds, length);
        let speed = extension("context", "speed");
        let speed = speed
            .as_str()
            .map(|speed| speed.trim_end_matches('x').parse().expect("one"));
        assert_eq!(video.rate, speed);
        let played = extension("result", "played-segments");
        let closed = played.as_str().map(|text| text.matches("[.]").count());
        assert_eq!(video.played_segments.as_ref().map(Vec::len), closed);
    }
}
