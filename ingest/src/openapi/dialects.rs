//! What Caliper's sensors, Segment's SDKs, Open edX and Canvas post.

use runtime::openapi::{Body, Key, Operation, answer, schema};
use serde_json::{Value, json};

use super::codes::Set;
use super::own::{answers, taken};
use super::post;
use crate::dialect::segment::CALLS;

/// The operations.
pub fn operations() -> Vec<Operation> {
    let mut operations = vec![caliper(), edx(), canvas()];
    for name in CALLS.iter().map(|(name, _)| *name).chain(["batch"]) {
        operations.extend(segment(name));
    }
    operations
}

/// One object of this form, or an array of them.
fn one_or_many(one: Value) -> Value {
    json!({ "oneOf": [one, { "type": "array", "minItems": 1, "items": one }] })
}

fn lines(about: &str) -> Value {
    json!({ "type": "string", "description": about })
}

fn caliper() -> Operation {
    let event = json!({
        "@context": "http://purl.imsglobal.org/ctx/caliper/v1p2",
        "id": "urn:uuid:0197c3b2-8a5e-7c10-9d55-3f1f6f0c1a02", "type": "MediaEvent",
        "actor": { "id": "https://lms.example/users/stu-1041", "type": "Person" },
        "action": "Paused",
        "object": { "id": "https://lms.example/videos/7", "type": "VideoObject" },
        "target": {
            "id": "https://lms.example/videos/7?t=321", "type": "MediaLocation",
            "currentTime": "PT5M21S",
        },
        "eventTime": "2026-09-14T10:00:00.000Z",
    });
    let envelope = json!({
        "sensor": "https://lms.example/sensors/1", "sendTime": "2026-09-14T10:00:01.000Z",
        "dataVersion": "http://purl.imsglobal.org/ctx/caliper/v1p2", "data": [event],
    });
    let of_events = json!({
        "type": "object",
        "required": ["sensor", "sendTime", "dataVersion", "data"],
        "properties": {
            "sensor": { "type": "string" },
            "sendTime": { "type": "string", "format": "date-time" },
            "dataVersion": { "type": "string" },
            "data": { "type": "array", "minItems": 1, "items": { "type": "object" } },
        },
    });
    let bare = json!({
        "type": "object", "required": ["@context", "id", "type"],
        "description": "An event or an entity.",
    });
    let many = json!({ "type": "array", "minItems": 1, "items": bare });
    let schema = json!({ "anyOf": [of_events, bare, many] });
    let [all, some] = answers();
    let body = |media_type| Body {
        media_type,
        schema: schema.clone(),
        example: Some(envelope.clone()),
    };
    Operation {
        about: "The envelope of a sensor, or an event or an array of events without one. A valid \
                entity is `ignored`.",
        bodies: vec![body("application/json"), body("application/ld+json")],
        answer: all,
        mixed: Some(some),
        refusals: Some(Set::Caliper.into()),
        ..post(
            "/caliper",
            "Caliper",
            "postCaliper",
            "Post events of Caliper",
        )
    }
}

fn edx() -> Operation {
    let event = json!({
        "event_type": "play_video", "event_source": "browser",
        "time": "2026-09-14T10:00:00.123456+00:00", "username": "ann",
        "context": { "course_id": "course-v1:org+bio+101", "user_id": 1041 },
        "event": "{\"id\": \"7c\", \"currentTime\": 61.5, \"code\": \"html5\"}",
    });
    let one = json!({
        "type": "object", "required": ["context"],
        "description": "A tracking event, with `event_type`, `time` and `event`, or with `name`, \
                        `timestamp` and `data`.",
    });
    let [all, some] = answers();
    let log = lines("A log: one event a line, also after what the logger wrote before it.");
    Operation {
        about: "One tracking event or an array of them; or the lines of a log, of which one that \
                is broken harms no other.",
        bodies: vec![
            Body {
                media_type: "application/json",
                schema: one_or_many(one),
                example: Some(event.clone()),
            },
            Body {
                media_type: "application/x-ndjson",
                schema: log.clone(),
                example: Some(json!(format!("{event}\n"))),
            },
            Body {
                media_type: "text/plain",
                schema: log,
                example: Some(json!(format!("# tracking.log\n{event}\n"))),
            },
        ],
        answer: all,
        mixed: Some(some),
        ..post(
            "/v1/edx/tracking",
            "Open edX",
            "postTracking",
            "Post tracking events",
        )
    }
}

fn canvas() -> Operation {
    let event = json!({
        "metadata": {
            "event_name": "submission_created", "event_time": "2026-09-14T10:00:00Z",
            "root_account_id": "50000000000001", "context_type": "Course",
            "context_id": "50000000000007",
        },
        "body": { "assignment_id": "50000000000055", "user_id": "50000000000048", "attempt": 1 },
    });
    let one = json!({
        "type": "object", "required": ["metadata", "body"],
        "properties": { "metadata": { "type": "object" }, "body": { "type": "object" } },
    });
    let [all, some] = answers();
    let body = |media_type, schema: Value, example: Value| Body {
        media_type,
        schema,
        example: Some(example),
    };
    Operation {
        about: "One Live Event, an array, or one a line. Canvas's Caliper is another form, and \
                belongs to `/caliper`.",
        keys: &[Key::Basic, Key::Bearer],
        bodies: vec![
            body("application/json", one_or_many(one.clone()), event.clone()),
            body(
                "application/x-ndjson",
                lines("One event a line."),
                json!(format!("{event}\n")),
            ),
            body("text/plain", one_or_many(one), json!(event.to_string())),
        ],
        answer: all,
        mixed: Some(some),
        ..post("/v1/canvas", "Canvas", "postCanvas", "Post Live Events")
    }
}

/// The two paths of a call, and of a batch of them.
fn segment(name: &'static str) -> [Operation; 2] {
    let call = json!({
        "userId": "stu-1041", "messageId": "0197c3b2-8a5e-7c10-9d55-3f1f6f0c1a01",
        "timestamp": "2026-09-14T10:00:00.123Z", "event": "Video Playback Paused",
        "properties": {
            "content_asset_id": "bio-101/cell-division", "position": 76.5, "total_length": 412,
            "url": "https://lms.example/bio-101",
        },
    });
    let one = json!({
        "type": "object",
        "properties": {
            "userId": { "type": ["string", "integer"] },
            "anonymousId": { "type": "string" },
            "messageId": { "type": "string" },
            "event": { "type": "string", "description": "of a `track`: what happened" },
            "timestamp": { "type": "string", "format": "date-time" },
            "properties": { "type": "object" },
            "context": { "type": "object" },
        },
    });
    let (schema_of_body, example) = if name == "batch" {
        let mut of_batch = call;
        of_batch["type"] = json!("track");
        let schema = json!({
            "type": "object",
            "required": ["batch"],
            "properties": {
                "batch": { "type": "array", "minItems": 1, "items": one },
                "sentAt": { "type": "string", "format": "date-time" },
            },
        });
        let sent_at = "2026-09-14T10:00:05Z";
        (schema, json!({ "batch": [of_batch], "sentAt": sent_at }))
    } else {
        (one, call)
    };
    let with_success = json!({
        "allOf": [
            schema("Answer"),
            {
                "type": "object", "required": ["success"],
                "properties": { "success": { "const": true } },
            },
        ],
    });
    let mut told = taken();
    told["success"] = json!(true);
    let all = "Something of it is taken or ignored: what became of each event.";
    let about = if matches!(name, "track" | "page" | "batch") {
        "SDKs read the status only. When the log did not take some of it, the answer is 503: all \
         of it is sent again, and what was taken is stored once, by `messageId`."
    } else {
        "It is `ignored`: who somebody is, is not kept."
    };
    let of_path = |path: &str, id: String, summary: String| Operation {
        about,
        keys: &[Key::Basic, Key::Bearer],
        bodies: ["application/json", "text/plain"]
            .map(|media_type| Body {
                media_type,
                schema: schema_of_body.clone(),
                example: Some(match media_type {
                    "text/plain" => json!(example.to_string()),
                    _ => example.clone(),
                }),
            })
            .into(),
        answer: (200, answer(all, with_success.clone(), told.clone())),
        ..post(path, "Segment", &id, &summary)
    };
    let letter = &name[..1];
    [
        of_path(
            &format!("/v1/{name}"),
            format!("segment_{name}"),
            format!("Post a {name}"),
        ),
        of_path(
            &format!("/v1/{letter}"),
            format!("segment_{letter}"),
            format!("The same as /v1/{name}, for analytics.js"),
        ),
    ]
}
