//! What is kept of an event beside the columns.

use schemas::event::RESERVED;
use serde_json::{Map, Value};

use super::people::names_someone;
use super::tracking::Tracking;

/// Members that are not kept at any depth: texts that people wrote or that the
/// course has, forms, and what is told elsewhere in the event.
const DROPPED: &[&str] = &[
    "GET",
    "POST",
    "accept_language",
    "agent",
    "answers",
    "body",
    "certificate_url",
    "client_id",
    "correct_map",
    "csrfmiddlewaretoken",
    "current_url",
    "display_name",
    "exam_name",
    "group_label",
    "hint_text",
    "hints",
    "html",
    "ip",
    "msg",
    "path",
    "question",
    "referer",
    "report_url",
    "state",
    "target_name",
    "title",
    "url",
];

/// The most bytes that one event's members may leave beside the columns. What
/// the log has is to be taken, however long.
const LONGEST: usize = 16 << 10;

/// Removes from all that is left of an event what is not kept.
pub fn keep(tracking: &mut Tracking) {
    for members in [
        &mut tracking.event,
        &mut tracking.context,
        &mut tracking.rest,
    ] {
        // In these places they would be taken for people.
        for name in ["by", "reply_to"].iter().chain(RESERVED) {
            members.remove(*name);
        }
        keep_of(members);
    }
    // A setting of a person: her name, her mailbox.
    if tracking.name.starts_with("edx.user.") {
        for name in ["old", "new", "value"] {
            tracking.event.remove(name);
        }
    }
    // In the context they repeat what columns have.
    for name in ["course_id", "host", "received_at"] {
        tracking.context.remove(name);
        tracking.rest.remove(name);
    }
    tracking.event.remove("course_id");
    for members in [
        &mut tracking.event,
        &mut tracking.context,
        &mut tracking.rest,
    ] {
        let size = serde_json::to_vec(&members).map_or(0, |json| json.len());
        if size > LONGEST {
            members.clear();
            members.insert("dropped_bytes".to_owned(), size.into());
        }
    }
}

fn keep_of(members: &mut Map<String, Value>) {
    members.retain(|name, value| {
        if DROPPED.binary_search(&name.as_str()).is_ok() || names_someone(name) {
            return false;
        }
        keep_in(value);
        !is_empty(value)
    });
}

fn keep_in(value: &mut Value) {
    match value {
        Value::Object(members) => keep_of(members),
        Value::Array(values) => values.iter_mut().for_each(keep_in),
        _ => {}
    }
}

/// Whether a value says nothing.
fn is_empty(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::String(text) => text.is_empty(),
        Value::Array(values) => values.is_empty(),
        Value::Object(members) => members.is_empty(),
        Value::Bool(_) | Value::Number(_) => false,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_names_are_sorted_for_the_search() {
        assert!(DROPPED.is_sorted());
    }

    #[test]
    fn texts_people_and_what_is_empty_go_at_any_depth() {
        let mut tracking = Tracking::of(json!({
            "name": "edx.forum.thread.created", "label": "x", "ip": "192.0.2.1",
            "context": {"org_id": "A", "host": "h", "module": {"usage_key": "k", "display_name": "d"}},
            "event": {"by": 1, "by_key": "k", "title": "t", "tags": [{"body": "b", "n": 1}], "empty": {"a": null},
                "target_username": "ann", "truncated": false},
        }))
        .expect("an event");
        keep(&mut tracking);
        assert_eq!(
            json!([tracking.event, tracking.context, tracking.rest]),
            json!([
                {"tags": [{"n": 1}], "truncated": false},
                {"org_id": "A", "module": {"usage_key": "k"}},
                {"label": "x"},
            ])
        );
    }

    #[test]
    fn what_is_long_is_told_by_its_length() {
        let mut tracking = Tracking::of(json!({"name": "x", "event": {"a": "b".repeat(LONGEST)}}));
        let tracking = tracking.as_mut().expect("an event");
        keep(tracking);
        assert_eq!(
            Value::Object(tracking.event.clone()),
            json!({"dropped_bytes": LONGEST + 8})
        );
    }

    #[test]
    fn settings_of_a_person_are_not_kept() {
        let tracking = json!({"name": "edx.user.settings.changed",
            "event": {"setting": "name", "old": "Ann", "new": "Anna"}});
        let mut tracking = Tracking::of(tracking).expect("an event");
        keep(&mut tracking);
        assert_eq!(Value::Object(tracking.event), json!({"setting": "name"}));
    }
}
