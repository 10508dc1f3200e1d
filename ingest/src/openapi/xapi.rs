//! What learning record providers ask.

use runtime::openapi::{Body, Key, Operation, answer};
use serde_json::{Value, json};

use super::codes::Set;
use super::post;

const TAG: &str = "xAPI";

const KEYS: &[Key] = &[Key::Basic, Key::Bearer];

/// The operations.
pub fn operations() -> Vec<Operation> {
    let versions = json!({
        "type": "object", "required": ["version"],
        "properties": { "version": { "type": "array", "items": { "type": "string" } } },
    });
    let about = answer(
        "The versions.",
        versions,
        json!({ "version": ["1.0.3", "2.0.0"] }),
    );
    vec![
        posted(),
        put(),
        retrieval(),
        Operation {
            answer: (200, about),
            ..Operation::get("/xapi/about", TAG, "getXapiAbout", "The versions of xAPI")
        },
    ]
}

fn statement() -> Value {
    json!({
        "id": "0197c3b2-8a5e-7c10-9d55-3f1f6f0c1a01",
        "actor": { "account": { "homePage": "https://lms.example", "name": "stu-1041" } },
        "verb": { "id": "https://w3id.org/xapi/video/verbs/paused" },
        "object": { "id": "https://lms.example/bio-101/cell-division" },
        "timestamp": "2026-09-14T10:00:00.123Z",
        "result": { "extensions": { "https://w3id.org/xapi/video/extensions/time": 76.5 } },
    })
}

fn one() -> Value {
    json!({
        "type": "object",
        "required": ["actor", "verb", "object"],
        "description": "A statement, as the specification has it.",
        "properties": {
            "id": { "type": "string", "format": "uuid" },
            "actor": { "type": "object" },
            "verb": {
                "type": "object", "required": ["id"],
                "properties": { "id": { "type": "string", "format": "iri" } },
            },
            "object": { "type": "object" },
            "result": { "type": "object" },
            "context": { "type": "object" },
            "timestamp": { "type": "string" },
            "attachments": { "type": "array", "items": { "type": "object" } },
        },
    })
}

fn version() -> Value {
    json!({
        "name": "X-Experience-API-Version", "in": "header", "required": true,
        "description": "1.0, any 1.0.x, 2.0 or any 2.0.x.",
        "schema": { "type": "string", "pattern": r"^[12]\.0(\.[0-9]+)?$" }, "example": "1.0.3",
    })
}

/// The bodies that hold such JSON.
fn bodies(schema: Value, example: Value) -> Vec<Body> {
    let parts = json!({
        "type": "string",
        "description": "The JSON is the first part, the others are attachments; `boundary` parts \
                        them.",
    });
    vec![
        Body {
            media_type: "application/json",
            schema,
            example: Some(example),
        },
        Body {
            media_type: "multipart/mixed",
            schema: parts,
            example: None,
        },
    ]
}

fn posted() -> Operation {
    let ids = json!({ "type": "array", "items": { "type": "string", "format": "uuid" } });
    let example = json!(["0197c3b2-8a5e-7c10-9d55-3f1f6f0c1a01"]);
    let schema = json!({
        "oneOf": [one(), { "type": "array", "minItems": 1, "items": one() }],
    });
    Operation {
        about: "One statement or an array of them. Of a refused request `errors` tells what is \
                wrong with each statement. With 503 some statements may be stored: sent again, \
                those that have an id are not stored twice.",
        keys: KEYS,
        parameters: vec![version()],
        bodies: bodies(schema, statement()),
        answer: (200, answer("All are taken: their ids.", ids, example)),
        refusals: Some(Set::Statements.into()),
        ..post("/xapi/statements", TAG, "postStatements", "Post statements")
    }
}

fn put() -> Operation {
    let id = json!({
        "name": "statementId", "in": "query", "required": true, "description": "Its id.",
        "schema": { "type": "string", "format": "uuid" },
        "example": "0197c3b2-8a5e-7c10-9d55-3f1f6f0c1a01",
    });
    Operation {
        method: "put",
        keys: KEYS,
        parameters: vec![version(), id],
        bodies: bodies(one(), statement()),
        answer: (204, json!({ "description": "It is taken." })),
        refusals: Some(Set::Statements.into()),
        ..post("/xapi/statements", TAG, "putStatement", "Put a statement")
    }
}

fn retrieval() -> Operation {
    let refused = json!({ "$ref": "#/components/responses/Retrieval405" });
    Operation {
        about: "Statements are not read here but in SQL, as rows of the event tables.",
        answer: (405, refused),
        ..Operation::get("/xapi/statements", TAG, "getStatements", "Not answered")
    }
}
