//! What operations share: schemas, problems and keys.

use runtime::openapi::{self, Problems, schema};
use schemas::Family;
use schemas::event::{EventType, json_schema};
use serde_json::{Map, Value, json};

use super::codes::Set;
use crate::outcome::Reason;

/// The components of the document.
pub fn components() -> Value {
    json!({
        "schemas": schemas(),
        "responses": responses(),
        "securitySchemes": {
            "bearer": {
                "type": "http", "scheme": "bearer",
                "description": "A write key, as `Authorization: Bearer ck_…`.",
            },
            "basic": {
                "type": "http", "scheme": "basic",
                "description": "A write key as user, without a password; or its part before the \
                                last `_` as user and the rest as password.",
            },
            "address": {
                "type": "apiKey", "in": "query", "name": "key",
                "description": "A public write key in the address, for `sendBeacon`, which sets \
                                no headers.",
            },
        },
    })
}

fn schemas() -> Map<String, Value> {
    let mut schemas = Map::new();
    for event_type in EventType::all() {
        schemas.insert(event_type.name.to_owned(), json_schema(event_type));
    }
    for (name, schema) in [
        ("Event", event()),
        ("CustomEvent", custom_event()),
        ("Batch", batch()),
        ("Answer", answer()),
        ("Result", result()),
        ("EventCode", event_codes()),
        ("Problem", problem()),
        ("Types", types()),
        ("RosterJob", roster_job()),
    ] {
        schemas.insert(name.to_owned(), schema);
    }
    schemas
}

/// A job that imports a roster or a catalogue.
fn roster_job() -> Value {
    let number = json!({ "type": "integer", "minimum": 0 });
    let text = |about: &str| json!({ "type": "string", "description": about });
    let time =
        |about: &str| json!({ "type": "string", "format": "date-time", "description": about });
    let members = |names: [&str; 4]| -> Value {
        let members = names.map(|name| (name.to_owned(), number.clone()));
        json!({ "type": "object", "properties": serde_json::Map::from_iter(members) })
    };
    let found = ["fatal", "errors", "warnings"].map(|name| (name.to_owned(), number.clone()));
    json!({
        "type": "object",
        "required": ["id", "state", "source", "by", "forced", "created_at", "tables", "found", "url"],
        "properties": {
            "id": { "type": "string", "format": "uuid" },
            "state": {
                "enum": ["waiting", "running", "done", "unchanged", "refused", "failed"],
                "description": "`waiting` and `running` go on; the others are how it ended.",
            },
            "kind": {
                "enum": ["import", "catalog"],
                "description": "`import` of a roster, `catalog` of a catalogue",
            },
            "source": text("what was sent, as its sender calls it"),
            "checksum": text("SHA-256 of what was sent, inflated, in hexadecimal"),
            "by": text("the label of the key"),
            "forced": {
                "type": "boolean",
                "description": "whether it is taken although it ends more than it may",
            },
            "delta": {
                "type": "boolean",
                "description": "whether a catalogue changes only what it names; absent if not",
            },
            "file": text("as which file a catalogue is read"),
            "created_at": time("when it was taken"),
            "started_at": time("when its turn came"),
            "finished_at": time("when it ended"),
            "import": {
                "type": "integer", "minimum": 1,
                "description": "the number of the import that it made",
            },
            "tables": {
                "type": "object",
                "description": "how many rows of each table changed, or would have",
                "additionalProperties": members(["added", "changed", "ended", "unchanged"]),
            },
            "found": {
                "type": "object",
                "description": "how many things are wrong with what was sent",
                "properties": serde_json::Map::from_iter(found),
            },
            "error": text("why it was refused, has failed or is tried again, and what to do"),
            "url": text("where it is told"),
            "diagnostics": text("where it is told what is wrong with what was sent, once it ended"),
        },
    })
}

/// An event of any type.
fn event() -> Value {
    let reference = |name: &str| json!({ "$ref": format!("#/components/schemas/{name}") });
    let types = EventType::all().iter().map(|event_type| event_type.name);
    let types: Vec<_> = types.chain(["CustomEvent"]).map(reference).collect();
    json!({
        "description": "An event, of one of the types; members that its type does not list are \
                        kept.",
        "oneOf": types,
    })
}

/// An event of a type that a school has registered for itself.
fn custom_event() -> Value {
    let text = json!({ "type": ["string", "null"] });
    let time =
        json!({ "type": "string", "format": "date-time", "description": "when it happened" });
    json!({
        "description": "An event of a type of the school's own: `/v1/schemas` has its schema, for \
                        who asks with a key of the school.",
        "type": "object",
        "required": ["type", "time", "actor"],
        "properties": {
            "id": { "type": ["string", "null"], "format": "uuid" },
            "type": { "type": "string", "pattern": r"^custom\." },
            "time": time,
            "actor": { "type": "string", "description": "the student" },
            "course": text, "section": text, "content": text, "session": text, "school": text,
            "data": { "type": ["object", "null"], "description": "as the school's schema says" },
        },
    })
}

fn batch() -> Value {
    json!({
        "type": "object",
        "required": ["events"],
        "properties": {
            "events": { "type": "array", "minItems": 1, "items": schema("Event") },
            "sent_at": {
                "type": "string", "format": "date-time",
                "description": "when it was sent, by the clock of `time`: what that is wrong by \
                                is corrected",
            },
        },
    })
}

fn answer() -> Value {
    let count = |about: &str| json!({ "type": "integer", "minimum": 0, "description": about });
    json!({
        "type": "object",
        "required": [
            "received", "accepted", "duplicate", "ignored", "rejected", "retry", "results",
        ],
        "properties": {
            "received": count("events in the request: the sum of the five that follow"),
            "accepted": count("durable"),
            "duplicate": count("the same id and content stand earlier in this request"),
            "ignored": count("valid, but nothing is stored for it"),
            "rejected": count("never taken as it is"),
            "retry": count("not taken now: send it again with the same id"),
            "spooled": count(
                "those of accepted that the front door has on its disk, on their way to the log; \
                 absent when there are none",
            ),
            "results": {
                "type": "array", "items": schema("Result"),
                "description": "one for each event, in the order of the request",
            },
        },
    })
}

fn result() -> Value {
    json!({
        "type": "object",
        "required": ["index", "outcome"],
        "properties": {
            "index": { "type": "integer", "minimum": 0, "description": "which event, from 0" },
            "id": {
                "type": "string", "format": "uuid",
                "description": "its id, the sender's or the one that was made for it",
            },
            "outcome": { "enum": ["accepted", "duplicate", "ignored", "rejected", "retry"] },
            "spooled": { "const": true, "description": "accepted, and on its way to the log" },
            "code": schema("EventCode"),
            "pointer": {
                "type": "string", "format": "json-pointer",
                "description": "where in the body the reason stands",
            },
            "detail": { "type": "string", "description": "one sentence that says what to do" },
        },
    })
}

/// The codes of events, each with what it means.
fn event_codes() -> Value {
    let one = |reason: &Reason| json!({ "const": reason.code(), "description": reason.about() });
    json!({
        "description": "Why an event is rejected. Codes are never renamed; new ones may come.",
        "type": "string",
        "oneOf": Reason::ALL.iter().map(one).collect::<Vec<_>>(),
    })
}

fn problem() -> Value {
    let about = "Why a request is refused (RFC 9457). When all events of a request are, their \
                 counts stand in it too.";
    let problems: Vec<_> = Set::ALL.iter().flat_map(|set| set.problems()).collect();
    openapi::problem(about, &problems)
}

fn types() -> Value {
    let families: Vec<_> = Family::ALL.map(Family::as_str).to_vec();
    json!({
        "type": "object",
        "required": ["types"],
        "properties": {
            "types": {
                "type": "array",
                "items": {
                    "type": "object",
                    "required": ["type", "family", "schema"],
                    "properties": {
                        "type": { "type": "string" },
                        "family": { "enum": families },
                        "schema": { "type": "string", "description": "where its schema is" },
                    },
                },
            },
        },
    })
}

/// The responses of each set of problems, by status.
fn responses() -> Map<String, Value> {
    let sets = Set::ALL.into_iter().map(Problems::from);
    sets.flat_map(|set| set.responses(meaning)).collect()
}

/// What a status asks of who reads it.
fn meaning(status: u16) -> &'static str {
    match status {
        400 => "Correct the request: nothing of it was taken.",
        401 => "Send a key that is good.",
        403 => "Send a key that may do this, from where it may be used.",
        404 => "There is nothing here.",
        405 => "Use another method.",
        408 => "Send it again, smaller or faster.",
        413 => "Split the request: nothing of it was taken.",
        415 => "Send another type or encoding.",
        429 => "Send it again later: the key posts more than it may, and nothing was taken.",
        500 => "The service has a defect: tell the operator the trace id.",
        503 => "Send it again after the seconds that Retry-After says.",
        _ => "A problem.",
    }
}
