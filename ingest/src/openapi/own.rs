//! Chalkline's own operations: native events, schemas, what became of events.

use runtime::openapi::{Body, Key, Operation, answer, query, schema};
use serde_json::{Value, json};

use super::codes::Set;
use super::post;
use crate::dev::KEPT;

const EVENTS: &str = "Events";
const SCHEMAS: &str = "Schemas";
const TAIL: &str = "Tail";
const TESTS: &str = "Tests";

const KEYS_OR_NONE: &[Key] = &[Key::None, Key::Bearer, Key::Address];

/// The operations.
pub fn operations() -> Vec<Operation> {
    let mut operations = vec![events()];
    operations.extend(schemas());
    operations.push(tail());
    operations.extend(tests());
    operations
}

fn event() -> Value {
    json!({
        "id": "0197c3b2-8a5e-7c10-9d55-3f1f6f0c1a01", "type": "video.progressed",
        "time": "2026-09-14T10:00:00.123Z", "actor": "stu-1041", "course": "bio-101",
        "content": "bio-101/cell-division", "data": { "from": 61.0, "to": 76.0 },
    })
}

fn click() -> Value {
    json!({
        "id": "0197c3b2-8a5e-7c10-9d55-3f1f6f0c1a02", "type": "page.viewed",
        "time": "2026-09-14T10:00:04Z", "actor": "stu-1041", "course": "bio-101",
        "data": { "url": "https://lms.example/bio-101" },
    })
}

/// An answer to two events of which one is taken.
pub fn mixed() -> Value {
    json!({
        "received": 2, "accepted": 1, "duplicate": 0, "ignored": 0, "rejected": 1, "retry": 0,
        "results": [
            { "index": 0, "id": "0197c3b2-8a5e-7c10-9d55-3f1f6f0c1a01", "outcome": "accepted" },
            {
                "index": 1, "id": "0197c3b2-8a5e-7c10-9d55-3f1f6f0c1a02", "outcome": "rejected",
                "code": "wrong_type", "pointer": "/1/data/url", "detail": "Send it as text.",
            },
        ],
    })
}

/// An answer to one event that is taken.
pub fn taken() -> Value {
    json!({
        "received": 1, "accepted": 1, "duplicate": 0, "ignored": 0, "rejected": 0, "retry": 0,
        "results": [
            { "index": 0, "id": "0197c3b2-8a5e-7c10-9d55-3f1f6f0c1a01", "outcome": "accepted" },
        ],
    })
}

/// The answers of those that answer as native events are.
pub fn answers() -> [(u16, Value); 2] {
    let all = "Every event is accepted, a duplicate or ignored.";
    let some = "Some events are taken: of the others `results` says why, and when some are `retry`, \
                the header Retry-After says when to send those again.";
    [
        (202, answer(all, schema("Answer"), taken())),
        (200, answer(some, schema("Answer"), mixed())),
    ]
}

fn events() -> Operation {
    let [all, some] = answers();
    let either = json!({
        "oneOf": [
            schema("Event"),
            { "type": "array", "minItems": 1, "items": schema("Event") },
            schema("Batch"),
        ],
    });
    let body = |media_type, schema: &Value, example: Value| Body {
        media_type,
        schema: schema.clone(),
        example: Some(example),
    };
    let lines = json!({ "type": "string", "description": "One event a line." });
    let everywhere = json!({
        "name": "Chalkline-Look-Up", "in": "header", "required": false,
        "description": "With `everywhere` repetitions of the events are looked for among all \
                        that is stored, not only among what came in the last seven days.",
        "schema": { "enum": ["everywhere"] },
    });
    Operation {
        about: "The body is an event, an array of events, or a batch. As `application/x-ndjson` \
                it is one event a line, and one that is not even JSON harms no other.\n\nAn event \
                without `id` gets one that is made of its content: sent again, it gets the same. \
                With `sent_at` a wrong clock of the sender is corrected.",
        keys: &[Key::Bearer, Key::Address],
        parameters: vec![everywhere],
        bodies: vec![
            body("application/json", &either, event()),
            body(
                "application/x-ndjson",
                &lines,
                json!(format!("{}\n{}\n", event(), click())),
            ),
            body("text/plain", &either, json!(event().to_string())),
        ],
        answer: all,
        mixed: Some(some),
        ..post("/v1/events", EVENTS, "postEvents", "Post events")
    }
}

fn schemas() -> Vec<Operation> {
    let first = json!({
        "types": [{
            "type": "page.viewed", "family": "clickstream", "schema": "/v1/schemas/page.viewed",
        }],
    });
    let one = json!({
        "name": "event_type", "in": "path", "required": true,
        "description": "A type; `.json` after it changes nothing.",
        "schema": { "type": "string" }, "example": "video.progressed",
    });
    let json_schema = json!({
        "description": "The JSON Schema (draft 2020-12) of an event of the type.",
        "content": { "application/schema+json": { "schema": { "type": "object" } } },
    });
    let page = json!({
        "description": "A page that loads nothing else.",
        "content": { "text/html": { "schema": { "type": "string" } } },
    });
    let any = json!({ "type": "object" });
    let about = json!({ "service": "chalkline ingest", "events": "POST /v1/events" });
    let document = json!({ "openapi": "3.1.0" });
    vec![
        Operation {
            keys: KEYS_OR_NONE,
            answer: (200, answer("All types, by family.", schema("Types"), first)),
            refusals: Some(Set::Schemas.into()),
            ..Operation::get("/v1/schemas", SCHEMAS, "listTypes", "All types of events")
        },
        Operation {
            keys: KEYS_OR_NONE,
            parameters: vec![one],
            answer: (200, json_schema),
            refusals: Some(Set::Schemas.into()),
            ..Operation::get(
                "/v1/schemas/{event_type}",
                SCHEMAS,
                "getSchema",
                "The JSON Schema of a type",
            )
        },
        Operation {
            answer: (200, answer("This document.", any.clone(), document)),
            ..Operation::get(
                "/openapi.json",
                SCHEMAS,
                "getOpenapi",
                "All of this, for programs",
            )
        },
        Operation {
            answer: (200, page),
            ..Operation::get("/docs", SCHEMAS, "getDocs", "All of this, for people")
        },
        Operation {
            answer: (200, answer("What is where.", any, about)),
            ..Operation::get("/", SCHEMAS, "getAbout", "What is where")
        },
    ]
}

fn tail() -> Operation {
    let text = || json!({ "type": "string" });
    let stream = "event: listening\ndata: {}\n\nevent: outcome\ndata: \
                  {\"received_at\":\"2026-09-14T12:00:00.000Z\",\"key\":\"3f9a12c4\",\"path\":\
                  \"/v1/events\",\"trace_id\":\"4bf92f3577b34da6a3ce929d0e0e4736\",\"id\":\
                  \"0197c3b2-8a5e-7c10-9d55-3f1f6f0c1a02\",\"type\":\"page.viewed\",\"family\":\
                  \"clickstream\",\"outcome\":\"rejected\",\"code\":\"wrong_type\",\"pointer\":\
                  \"/1/data/url\",\"detail\":\"Send it as text.\"}\n\n";
    let answer = json!({
        "description": "Server-sent events without end: `listening`, `outcome` for an event, \
                        `refusal` for a request of which no event was looked at, `skipped` and \
                        `missed` for what was too much to tell.",
        "content": { "text/event-stream": { "schema": text(), "example": stream } },
    });
    Operation {
        about: "With a secret key, what becomes of each event that comes with it: outcomes and \
                reasons, nothing that an event says.",
        keys: &[Key::Bearer],
        parameters: vec![
            query(
                "key",
                "Another key's id, or `all` of the tenant.",
                text(),
                None,
            ),
            query(
                "outcome",
                "Some of accepted, duplicate, ignored, rejected, retry and refused, joined by \
                 commas.",
                text(),
                Some("rejected,refused"),
            ),
            query(
                "type",
                "A type, or its beginning before a `*`.",
                text(),
                Some("video.*"),
            ),
            query("family", "A family.", text(), None),
            query(
                "sample",
                "A part of the events, 0.01 for every hundredth.",
                json!({ "type": "number", "exclusiveMinimum": 0, "maximum": 1 }),
                None,
            ),
        ],
        answer: (200, answer),
        refusals: Some(Set::Tail.into()),
        ..Operation::get("/v1/tail", TAIL, "listen", "Hear what becomes of events")
    }
}

fn tests() -> Vec<Operation> {
    let counts = |example: Value| {
        let number = json!({ "type": "integer", "minimum": 0 });
        let schema = json!({
            "type": "object", "required": ["total", "good", "bad"],
            "properties": { "total": number, "good": number, "bad": number },
        });
        (
            200,
            answer("How many came since the last reset.", schema, example),
        )
    };
    let events = |count: &str, example: Value| {
        let schema = json!({
            "type": "object", "required": [count, "events"],
            "properties": {
                count: { "type": "integer", "minimum": 0 },
                "events": { "type": "array", "items": { "type": "object" } },
            },
        });
        let about = format!("How many they were, and the newest {KEPT}.");
        (
            200,
            answer(&about, schema, json!({ count: 1, "events": [example] })),
        )
    };
    let which = || {
        let about = "Of this type only.";
        query(
            "type",
            about,
            json!({ "type": "string" }),
            Some("page.viewed"),
        )
    };
    let good = json!({
        "path": "/v1/events", "outcome": "accepted", "type": "page.viewed",
        "id": "0197c3b2-8a5e-7c10-9d55-3f1f6f0c1a02", "event": { "course": "bio-101" },
    });
    let bad = json!({
        "path": "/v1/events", "outcome": "rejected", "type": "page.viewed",
        "code": "wrong_type", "pointer": "/data/url", "detail": "Send it as text.",
    });
    vec![
        Operation {
            answer: counts(json!({ "total": 5, "good": 2, "bad": 3 })),
            refusals: Some(Set::Named.into()),
            ..Operation::get("/dev/all", TESTS, "countAll", "How many came")
        },
        Operation {
            parameters: vec![which()],
            answer: events("good", good),
            refusals: Some(Set::Named.into()),
            ..Operation::get("/dev/good", TESTS, "listGood", "What was taken")
        },
        Operation {
            parameters: vec![which()],
            answer: events("bad", bad),
            refusals: Some(Set::Named.into()),
            ..Operation::get("/dev/bad", TESTS, "listBad", "What was not taken")
        },
        Operation {
            method: "post",
            answer: counts(json!({ "total": 0, "good": 0, "bad": 0 })),
            refusals: Some(Set::Named.into()),
            ..Operation::get("/dev/reset", TESTS, "reset", "Begin anew")
        },
    ]
}
