//! What is kept of an event beside the columns: its words and the IRIs of things,
//! without people, and without the texts that the catalogue has or that people write
//! to each other.

use serde_json::{Map, Value};

use super::kinds::PEOPLE;
use super::names::{PLACES, names_a_user};
use super::parts::kind;

/// Members that are kept nowhere.
const DROPPED: &[&str] = &[
    "@context",
    "body",
    "bookmarkNotes",
    "client",
    "comment",
    "description",
    "host",
    "ipAddress",
    "messageParameters",
    "name",
    "otherIdentifiers",
    "questionPosed",
    "selectionText",
    "userAgent",
];

/// What is left of the event when its columns have taken what stands at these
/// pointers.
pub fn rest(event: &Value, taken: &[&str]) -> Map<String, Value> {
    let Some(Value::Object(mut rest)) = pruned(event) else {
        return Map::new();
    };
    for name in ["id", "eventTime"] {
        rest.remove(name);
    }
    if let Some(membership) = rest.get_mut("membership").and_then(Value::as_object_mut) {
        membership.retain(|name, _| name == "roles" || name == "status");
    }
    for pointer in taken {
        take(&mut rest, pointer);
    }
    rest.retain(|_, value| !is_empty(value));
    // Of those alone the type says nothing.
    for name in ["edApp", "group", "session"] {
        let said = rest.get(name).and_then(Value::as_object);
        if said.is_some_and(|entity| entity.keys().all(|name| name == "type")) {
            rest.remove(name);
        }
    }
    rest
}

/// Removes the member at that pointer; of an entity that is told by its IRI alone,
/// that is its id.
fn take(rest: &mut Map<String, Value>, pointer: &str) {
    let mut steps = pointer.trim_start_matches('/').split('/').peekable();
    let mut members = rest;
    while let Some(step) = steps.next() {
        let alone = members.get(step).is_some_and(Value::is_string);
        match steps.peek() {
            Some(&"id") if alone => {
                members.remove(step);
                return;
            }
            Some(_) => match members.get_mut(step).and_then(Value::as_object_mut) {
                Some(inner) => members = inner,
                None => return,
            },
            None => {
                members.remove(step);
            }
        }
    }
}

fn pruned(value: &Value) -> Option<Value> {
    match value {
        Value::Object(members) => {
            let kind = kind(value).unwrap_or_default();
            if PEOPLE.contains(&kind) {
                return None;
            }
            let kept = members.iter().filter_map(|(name, value)| {
                let name = name.as_str();
                let written = name == "value" && kind == "Comment";
                // What a collection holds is told elsewhere, but for measures.
                let held = name == "items" && kind != "AggregateMeasureCollection";
                if written || held || PLACES.contains(&name) || DROPPED.contains(&name) {
                    return None;
                }
                let value = match name {
                    "extensions" => extension(value),
                    _ => pruned(value),
                };
                value
                    .filter(|value| !is_empty(value))
                    .map(|value| (name.to_owned(), value))
            });
            Some(Value::Object(kept.collect()))
        }
        Value::Array(values) => Some(Value::Array(values.iter().filter_map(pruned).collect())),
        other => Some(other.clone()),
    }
}

/// Extensions without what names a user; the address that Canvas was asked at does by
/// short numbers.
fn extension(value: &Value) -> Option<Value> {
    match value {
        Value::Object(members) => {
            if kind(value).is_some_and(|kind| PEOPLE.contains(&kind)) {
                return None;
            }
            let kept = members
                .iter()
                .filter(|(name, _)| !names_a_user(name) && *name != "request_url")
                .filter_map(|(name, value)| Some((name.clone(), extension(value)?)));
            Some(Value::Object(kept.collect()))
        }
        Value::Array(values) => Some(Value::Array(values.iter().filter_map(extension).collect())),
        other => Some(other.clone()),
    }
}

fn is_empty(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::Object(members) => members.is_empty(),
        Value::Array(values) => values.is_empty(),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn columns_take_entities_by_their_ids() {
        let event = json!({
            "id": "urn:e", "eventTime": "t", "type": "ViewEvent",
            "actor": {"id": "urn:u", "type": "Person"}, "edApp": "urn:a",
            "object": {"id": "urn:o", "type": "Page", "name": "One", "version": "1",
                "isPartOf": {"id": "urn:d", "type": "Document"}},
            "session": {"id": "urn:s", "type": "Session", "user": "urn:u"},
            "membership": {"id": "urn:m", "member": "urn:u", "roles": ["Learner"]},
            "extensions": {"user_login": "ann", "job": 1, "who": {"type": "Person", "id": "urn:u"}},
        });
        assert_eq!(
            Value::Object(rest(
                &event,
                &["/object/id", "/session/id", "/edApp/id", "/target/id"]
            )),
            json!({
                "type": "ViewEvent",
                "object": {"type": "Page", "version": "1", "isPartOf": {"id": "urn:d", "type": "Document"}},
                "membership": {"roles": ["Learner"]},
                "extensions": {"job": 1},
            })
        );
    }
}
