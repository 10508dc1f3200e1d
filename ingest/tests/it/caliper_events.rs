//! What events of Caliper become: events as they stand in the log.

use std::collections::BTreeSet;

use axum::http::StatusCode;
use schemas::StudentHasher;
use schemas::event::Event;
use serde_json::{Value, json};

use crate::house::{House, credential};

/// Events of Caliper and those that they become, one pair a line. The event is without
/// what every event has: id, dialect, times, key.
const GOLDEN: &str = include_str!("../data/caliper/golden.ndjson");

/// Everyone in them, as they are hashed; the house strips what stands before.
const PEOPLE: [&str; 2] = ["77123", "88"];

pub fn envelope(data: &Value) -> Value {
    json!({
        "sensor": "https://lms.example/sensors/1",
        "sendTime": "2026-09-14T11:59:59.000Z",
        "dataVersion": "http://purl.imsglobal.org/ctx/caliper/v1p2",
        "data": data,
    })
}

/// A page that was viewed.
pub fn view(id: &str) -> Value {
    json!({
        "@context": "http://purl.imsglobal.org/ctx/caliper/v1p2",
        "id": id, "type": "ViewEvent", "action": "Viewed",
        "actor": {"id": "https://lms.example/users/ann", "type": "Person"},
        "object": {"id": "https://lms.example/pages/1", "type": "WebPage"},
        "eventTime": "2026-09-14T10:00:00.000Z",
    })
}

/// The event's JSON without what every event has, and with names for keys.
fn told(event: &Event, hasher: &StudentHasher) -> Value {
    let mut json = String::from_utf8(event.to_json()).expect("UTF-8");
    for person in PEOPLE {
        json = json.replace(&hasher.key(person).to_string(), &format!("KEY OF {person}"));
    }
    for person in [
        "users/77123",
        "users/88",
        "aberg",
        "Organization https://lms.example/terms/1",
    ] {
        json = json.replace(&hasher.key(person).to_string(), "KEY");
    }
    let mut json: Value = serde_json::from_str(&json).expect("JSON");
    let members = json.as_object_mut().expect("an object");
    for name in ["id", "dialect", "time", "received_at"] {
        assert!(members.remove(name).is_some(), "{name}");
    }
    if event.student_key == hasher.key(PEOPLE[0]) {
        members.remove("student_key");
    }
    json
}

#[tokio::test]
async fn every_action_that_is_mapped_becomes_its_event() {
    let house = House::new().await;
    let pairs = GOLDEN
        .lines()
        .map(|line| serde_json::from_str(line).expect("JSON"));
    let pairs: Vec<Value> = pairs.collect();
    let events: Vec<_> = pairs.iter().map(|pair| pair["caliper"].clone()).collect();
    let reply = house.sense(&json!(events)).await;
    assert_eq!(reply.status, StatusCode::ACCEPTED, "{}", reply.body);

    let hasher = house.hasher().await;
    let events = house.events().await;
    let mut changed = Vec::new();
    for pair in &pairs {
        let id = pair["caliper"]["id"].as_str().expect("an id");
        let event = events
            .iter()
            .find(|event| format!("urn:uuid:{}", event.id) == id)
            .expect("stored");
        assert_eq!(event.dialect, "caliper");
        let told = told(event, &hasher);
        if told != pair["event"] {
            changed.push(json!({"event": told, "caliper": pair["caliper"]}).to_string());
        }
    }
    assert!(changed.is_empty(), "these differ:\n{}", changed.join("\n"));
    let types: BTreeSet<_> = events.iter().map(|event| &event.event_type).collect();
    assert!(types.len() > 35, "{types:?}");
    let text = house.text().await;
    for person in [
        "77123",
        "users/88",
        "Ann Berg",
        "Ben Quint",
        "ben@school",
        "aberg",
    ] {
        assert!(!text.contains(person), "{person}");
    }
}

#[tokio::test]
async fn each_of_an_envelope_has_its_own_outcome() {
    let house = House::new().await;
    let entity = json!({"id": "https://lms.example/users/ann", "type": "Person"});
    let mut wrong = view("urn:uuid:0197c3b2-8a5e-7c10-9d55-000000000003");
    wrong["action"] = json!("Deleted");
    let good = view("urn:uuid:0197c3b2-8a5e-7c10-9d55-000000000001");
    let again = good.clone();
    let reply = house
        .sense(&envelope(&json!([good, entity, wrong, again, "urn:x"])))
        .await;
    assert_eq!(reply.status, StatusCode::OK);
    assert_eq!(
        reply.outcomes(),
        [
            "accepted",
            "ignored",
            "conflicting_members /data/2/action",
            "duplicate",
            "not_an_object /data/4"
        ]
    );
    assert_eq!(reply.body["received"], 5);
    let events = house.events().await;
    assert_eq!(events.len(), 1);
    let sent_at = events[0]
        .sent_at
        .expect("the envelope says when it was sent");
    assert_eq!(sent_at.to_rfc3339(), "2026-09-14T11:59:59+00:00");

    let reply = house.sense(&envelope(&json!([entity]))).await;
    assert_eq!(reply.status, StatusCode::ACCEPTED);
    assert_eq!(reply.body["ignored"], 1);
}

#[tokio::test]
async fn an_event_is_stored_once_whatever_names_it() {
    let house = House::new().await;
    let named = view("https://lms.example/events/1");
    let twice = json!([named, named]);
    for _ in 0..2 {
        let reply = house.sense(&twice).await;
        assert_eq!(reply.outcomes(), ["accepted", "duplicate"]);
    }
    let events = house.events().await;
    assert_eq!(events[0].id, events[1].id);
    assert_eq!(events[0].id.get_version_num(), 5);

    // The sender's UUID stays what it is, bare too.
    let id = "0197c3b2-8a5e-7c10-9d55-000000000001";
    house.sense(&view(id)).await;
    let events = house.events().await;
    assert!(events.iter().any(|event| event.id.to_string() == id));
}

#[tokio::test]
async fn envelopes_are_refused_as_a_whole() {
    let house = House::new().await;
    let event = view("urn:uuid:0197c3b2-8a5e-7c10-9d55-000000000001");
    for (member, value, code) in [
        ("sensor", json!(null), "missing_member"),
        ("sendTime", json!("yesterday"), "invalid_time"),
        (
            "dataVersion",
            json!("http://purl.imsglobal.org/ctx/caliper/v1p0"),
            "invalid_format",
        ),
        ("data", json!({}), "wrong_type"),
    ] {
        let mut body = envelope(&json!([event]));
        body[member] = value;
        let reply = house.sense(&body).await;
        assert_eq!(
            (reply.status, reply.code()),
            (StatusCode::BAD_REQUEST, code)
        );
        assert_eq!(reply.body["errors"][0]["pointer"], format!("/{member}"));
    }
    assert_eq!(house.records().await.len(), 0);
}

#[tokio::test]
async fn a_public_key_posts_no_grades() {
    let mut house = House::new().await;
    let line = GOLDEN.lines().find(|line| line.contains("GradeEvent"));
    let mut graded: Value = serde_json::from_str(line.expect("one")).expect("JSON");
    house.key = credential("page", [5; 32]);
    let body = json!([graded["caliper"].take(), view("urn:e")]).to_string();
    let reply = house
        .sense_bytes(body, &[("origin", "https://north.school.example")])
        .await;
    assert_eq!(
        reply.outcomes(),
        ["secret_key_needed /0/action", "accepted"]
    );
}

#[tokio::test]
async fn other_bodies_are_not_taken() {
    let mut house = House::new().await;
    let reply = house
        .sense_bytes("{}", &[("content-type", "text/plain")])
        .await;
    assert_eq!(reply.code(), "unsupported_media_type");
    let reply = house.sense_bytes("<html/>", &[]).await;
    assert_eq!(reply.code(), "invalid_json");
    let reply = house.sense(&json!({})).await;
    assert_eq!(reply.body["errors"][0]["pointer"], "/type");
    house.key.clear();
    assert_eq!(
        house.sense(&json!([])).await.status,
        StatusCode::UNAUTHORIZED
    );
}

/// Whom nobody names but an IRI of what that user made.
#[tokio::test]
async fn users_stand_in_no_iri() {
    let house = House::new().await;
    let mut event = view("urn:uuid:0197c3b2-8a5e-7c10-9d55-000000000001");
    event["object"]["id"] = json!("https://lms.example/users/7/pages/1?by=users/8#users/9");
    event["extensions"] = json!({"user_notes": "n".repeat(2_000), "seen": "/user/zoe"});
    let reply = house.sense(&event).await;
    assert_eq!(reply.outcomes(), ["accepted"]);
    let text = house.text().await;
    for user in ["users/7", "users/8", "users/9", "zoe", "nnn", "users/ann"] {
        assert!(!text.contains(user), "{user} in {text}");
    }
}
