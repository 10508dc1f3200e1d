//! The operations of rosters.

use serde_json::{Value, json};

use super::codes::Set;
use super::operation::{Body, Key, Operation, answer, query, schema};

const ROSTERS: &str = "Rosters";
const JOB: &str = "0199b2f4-6c1e-7d3a-9a53-0a8f2a1d9c11";

/// The operations.
pub fn operations() -> Vec<Operation> {
    vec![upload(), list(), show(), diagnostics()]
}

fn url() -> String {
    format!("/v1/roster/jobs/{JOB}")
}

fn job() -> Value {
    json!({
        "id": JOB, "state": "done", "kind": "import", "source": "PowerSchool",
        "checksum": "2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824",
        "by": "student information system", "forced": false,
        "created_at": "2026-09-14T02:00:11.041Z", "started_at": "2026-09-14T02:00:11.310Z",
        "finished_at": "2026-09-14T02:00:19.902Z", "import": 12,
        "tables": {
            "enrollments": { "added": 41, "changed": 3, "ended": 17, "unchanged": 20311 },
        },
        "found": { "fatal": 0, "errors": 2, "warnings": 14 },
        "url": url(), "diagnostics": format!("{}/diagnostics.csv", url()),
    })
}

fn which() -> Value {
    json!({
        "name": "job", "in": "path", "required": true,
        "description": "The id of the job, as the upload was answered.",
        "schema": { "type": "string", "format": "uuid" },
    })
}

fn upload() -> Operation {
    let shape = json!({
        "type": "object", "required": ["job", "url"],
        "properties": {
            "job": { "type": "string", "format": "uuid" },
            "url": { "type": "string", "description": "also in the header Location" },
        },
    });
    let taken = answer(
        "The bundle is stored and will be imported; `url` tells how that goes.",
        shape,
        json!({ "job": JOB, "url": url() }),
    );
    Operation {
        about: "The body is a zip file of OneRoster CSV 1.1 or 1.2, of bulk or delta files, with \
                `Content-Length` or chunked. It is imported in its turn, one of a tenant at a \
                time, all or nothing: sent again it changes nothing. The same bytes as those that \
                wait last get the same job.\n\nThe key is a secret one that is not limited to \
                some families of events.",
        parameters: vec![
            query(
                "source",
                "What is sent, for people who read the list of jobs.",
                json!({ "type": "string", "maxLength": 200 }),
                Some("PowerSchool"),
            ),
            query(
                "force",
                "Whether to import it even if it ends over a fifth of a table's rows.",
                json!({ "type": "boolean", "default": false }),
                None,
            ),
        ],
        bodies: vec![Body {
            media_type: "application/zip",
            schema: json!({ "type": "string", "format": "binary" }),
            example: None,
        }],
        answer: (202, taken),
        refusals: Some(Set::Rosters),
        ..Operation::post("/v1/roster", ROSTERS, "postRoster", "Upload a roster")
    }
}

fn list() -> Operation {
    let shape = json!({
        "type": "object", "required": ["jobs"],
        "properties": { "jobs": { "type": "array", "items": schema("RosterJob") } },
    });
    let about = "The newest 50 jobs of uploads, the newest first.";
    Operation {
        keys: &[Key::Bearer],
        answer: (200, answer(about, shape, json!({ "jobs": [job()] }))),
        refusals: Some(Set::Jobs),
        ..Operation::get(
            "/v1/roster/jobs",
            ROSTERS,
            "listRosterJobs",
            "The jobs of uploaded rosters",
        )
    }
}

fn show() -> Operation {
    Operation {
        keys: &[Key::Bearer],
        parameters: vec![which()],
        answer: (
            200,
            answer(
                "How far it is, and how it went.",
                schema("RosterJob"),
                job(),
            ),
        ),
        refusals: Some(Set::Job),
        ..Operation::get("/v1/roster/jobs/{job}", ROSTERS, "getRosterJob", "One job")
    }
}

fn diagnostics() -> Operation {
    let csv = "severity,code,file,line,column,count,detail,advice\n";
    let found = json!({
        "description": "What is wrong with the bundle, a line for each: where, and what to do.",
        "content": { "text/csv": { "schema": { "type": "string" }, "example": csv } },
    });
    Operation {
        keys: &[Key::Bearer],
        parameters: vec![which()],
        answer: (200, found),
        refusals: Some(Set::Job),
        ..Operation::get(
            "/v1/roster/jobs/{job}/diagnostics.csv",
            ROSTERS,
            "getRosterDiagnostics",
            "What is wrong with a bundle",
        )
    }
}
