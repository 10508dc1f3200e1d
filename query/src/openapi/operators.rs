//! What needs no credential: the page, the document, and what operators ask.

use runtime::openapi::{Operation, answer};
use serde_json::{Value, json};

const TAG: &str = "Operators";

/// The operations.
pub(super) fn operations() -> Vec<Operation> {
    let page = || text("text/html", "The page.");
    let document = json!({ "openapi": "3.1.0" });
    let document = answer("This document.", json!({ "type": "object" }), document);
    vec![
        healthz(),
        readyz(),
        Operation {
            answer: (200, text("text/plain", "Prometheus text.")),
            ..Operation::get("/metrics", TAG, "getMetrics", "What it measures")
        },
        Operation {
            about: "Whoever has it, and names it with `If-None-Match`, is answered 304.",
            answer: (200, document),
            mixed: Some(unchanged()),
            ..Operation::get(
                "/openapi.json",
                TAG,
                "getOpenapi",
                "All of this, for programs",
            )
        },
        Operation {
            answer: (200, page()),
            mixed: Some(unchanged()),
            ..Operation::get("/docs", TAG, "getDocs", "All of this, for people")
        },
        Operation {
            answer: (200, page()),
            mixed: Some(unchanged()),
            ..Operation::get("/", TAG, "getPage", "Charts, reports and a box for SQL")
        },
    ]
}

fn text(media_type: &str, about: &str) -> Value {
    json!({
        "description": about,
        "content": { media_type: { "schema": { "type": "string" } } },
    })
}

fn unchanged() -> (u16, Value) {
    (
        304,
        json!({ "description": "It is the one that is held already." }),
    )
}

fn healthz() -> Operation {
    let component = json!({
        "type": "object", "required": ["component", "reason"],
        "properties": { "component": { "type": "string" }, "reason": { "type": "string" } },
    });
    let shape = |status: &str| {
        json!({
            "type": "object", "required": ["status"],
            "properties": {
                "status": { "const": status },
                "components": { "type": "array", "items": component },
            },
        })
    };
    let stuck = json!({
        "status": "stuck",
        "components": [{ "component": "query", "reason": "has not moved for 60 s" }],
    });
    Operation {
        answer: (
            200,
            answer(
                "Every component moves.",
                shape("alive"),
                json!({ "status": "alive" }),
            ),
        ),
        mixed: Some((503, answer("Restart it.", shape("stuck"), stuck))),
        ..Operation::get("/healthz", TAG, "isAlive", "Whether it is alive")
    }
}

fn readyz() -> Operation {
    let component = json!({
        "type": "object", "required": ["component", "status", "since"],
        "properties": {
            "component": { "type": "string" },
            "status": { "enum": ["ready", "degraded", "not_ready"] },
            "since": { "type": "string", "format": "date-time" },
            "reason": { "type": "string" },
        },
    });
    let shape = |statuses: &[&str]| {
        json!({
            "type": "object", "required": ["status", "components"],
            "properties": {
                "status": { "enum": statuses },
                "components": { "type": "array", "items": component },
            },
        })
    };
    let since = "2026-09-14T12:00:00.000Z";
    let of = |status: &str| {
        json!({
            "status": status,
            "components": [{ "component": "query", "status": status, "since": since }],
        })
    };
    let ready = "It takes questions. `degraded`: some work waits for somebody to mend something.";
    Operation {
        answer: (
            200,
            answer(ready, shape(&["ready", "degraded"]), of("ready")),
        ),
        mixed: Some((
            503,
            answer("Ask nothing yet.", shape(&["not_ready"]), of("not_ready")),
        )),
        ..Operation::get("/readyz", TAG, "isReady", "Whether it is ready")
    }
}
