//! What senders send, and the events that it becomes: pairs written by hand.

use schemas::StudentHasher;
use schemas::event::Event;
use serde_json::{Value, json};

/// A pair: what it is about, what is sent, and the event without what every event has.
pub struct Pair {
    pub about: String,
    pub sent: Value,
    pub event: Value,
}

/// The pairs of a file.
pub fn pairs(json: &str) -> Vec<Pair> {
    let pairs: Vec<Value> = serde_json::from_str(json).expect("JSON");
    let pair = |pair: Value| Pair {
        about: pair["about"].as_str().expect("text").to_owned(),
        sent: pair["sent"].clone(),
        event: pair["event"].clone(),
    };
    pairs.into_iter().map(pair).collect()
}

/// The event's JSON without what every event has, and with names for keys; whose it
/// is stands in `actor`.
pub fn told(event: &Event, people: &[&str], hasher: &StudentHasher) -> Value {
    let mut json = String::from_utf8(event.to_json()).expect("UTF-8");
    for person in people {
        json = json.replace(&hasher.key(person).to_string(), &format!("KEY OF {person}"));
    }
    let mut json: Value = serde_json::from_str(&json).expect("JSON");
    let members = json.as_object_mut().expect("an object");
    let actor = members.remove("student_key").expect("a key");
    members.insert("actor".to_owned(), actor);
    for name in ["id", "dialect", "received_at"] {
        assert!(members.remove(name).is_some(), "{name}");
    }
    json
}

/// Fails with all pairs whose events are others.
pub fn assert_equal(pairs: &[Pair], told: &[Value]) {
    assert_eq!(pairs.len(), told.len());
    let both = pairs.iter().zip(told);
    let changed = both.filter(|(pair, told)| pair.event != **told);
    let changed: Vec<_> = changed
        .map(|(pair, told)| {
            let expected = &pair.event;
            json!({"about": pair.about, "expected": expected, "told": told}).to_string()
        })
        .collect();
    assert!(changed.is_empty(), "these differ:\n{}", changed.join("\n"));
}
