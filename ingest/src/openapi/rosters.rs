//! The operations of rosters and catalogues.

use runtime::openapi::{Body, Key, Operation, answer, query, schema};
use schemas::roster::Entity;
use serde_json::{Value, json};

use super::codes::Set;
use super::post;
use crate::roster::{LISTED, LONGEST_SOURCE};

const ROSTERS: &str = "Rosters";
const JOB: &str = "0199b2f4-6c1e-7d3a-9a53-0a8f2a1d9c11";

/// The operations.
pub fn operations() -> Vec<Operation> {
    vec![upload(), upload_catalog(), list(), show(), diagnostics()]
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

/// The answer to an upload.
fn taken() -> (u16, Value) {
    let shape = json!({
        "type": "object", "required": ["job", "url"],
        "properties": {
            "job": { "type": "string", "format": "uuid" },
            "url": { "type": "string", "description": "also in the header Location" },
        },
    });
    let about = "It is stored and will be imported; `url` tells how that goes.";
    (
        202,
        answer(about, shape, json!({ "job": JOB, "url": url() })),
    )
}

fn source(example: Option<&str>) -> Value {
    query(
        "source",
        "What is sent, for people who read the list of jobs.",
        json!({ "type": "string", "maxLength": LONGEST_SOURCE }),
        example,
    )
}

fn flag(name: &str, about: &str) -> Value {
    let schema = json!({ "type": "boolean", "default": false });
    query(name, about, schema, None)
}

fn force() -> Value {
    flag(
        "force",
        "Whether to import it even if it ends over a fifth of a table's rows.",
    )
}

fn upload() -> Operation {
    Operation {
        about: "The body is a zip file of OneRoster CSV 1.1 or 1.2, of bulk or delta files, with \
                `Content-Length` or chunked. It is imported in its turn, one of a tenant at a \
                time, all or nothing: sent again it changes nothing. The same bytes as those that \
                wait last get the same job.\n\nThe key is a secret one that is not limited to \
                some families of events.",
        parameters: vec![source(Some("PowerSchool")), force()],
        bodies: vec![Body {
            media_type: "application/zip",
            schema: json!({ "type": "string", "format": "binary" }),
            example: None,
        }],
        answer: taken(),
        refusals: Some(Set::Rosters.into()),
        ..post("/v1/roster", ROSTERS, "postRoster", "Upload a roster")
    }
}

fn upload_catalog() -> Operation {
    let tables = Entity::ALL
        .into_iter()
        .filter(|table| table.is_of_catalog());
    let tables: Vec<_> = tables.map(Entity::name).collect();
    let whose = format!(
        "Whose rows these are, `{}`; not of a zip file or an object of JSON, which say so \
         themselves.",
        tables.join("`, `")
    );
    let content = json!({
        "content_id": "bio-101/division", "course_id": "bio-101", "kind": "video",
        "title": "Cell division", "due_on": "2026-09-08",
    });
    let csv = "content_id,course_id,kind,title,due_on\n\
               bio-101/division,bio-101,video,Cell division,2026-09-08\n";
    let body = |media_type, schema, example| Body {
        media_type,
        schema,
        example,
    };
    let text = || json!({ "type": "string" });
    Operation {
        about: "What is taught, and to what end: contents, details of courses and sections, \
                standards, programs, awards, and days without school. The body is a zip file of \
                CSV files, one for each table and called by it; or the rows of one `table`, as \
                CSV, an array of JSON or lines of JSON; or a JSON object with an array of rows \
                for each table. Without `Content-Type` its first bytes say which. It may come \
                with `Content-Encoding: gzip`.\n\nIt is imported in its turn with rosters, one of \
                a tenant at a time, all or nothing: sent again it changes nothing. A file says \
                all of the courses that it names, and nothing of others. The key is that of \
                rosters.",
        parameters: vec![
            query("table", &whose, json!({ "enum": tables }), Some("contents")),
            flag(
                "delta",
                "Whether only what is named changes: rows whose status is `tobedeleted` end, no \
                 others.",
            ),
            source(None),
            force(),
        ],
        bodies: vec![
            body("text/csv", text(), Some(json!(csv))),
            body(
                "application/json",
                json!({ "type": ["array", "object"] }),
                Some(json!([content])),
            ),
            body(
                "application/x-ndjson",
                text(),
                Some(json!(format!("{content}\n"))),
            ),
            body(
                "application/zip",
                json!({ "type": "string", "format": "binary" }),
                None,
            ),
        ],
        answer: taken(),
        refusals: Some(Set::Catalogs.into()),
        ..post("/v1/catalog", ROSTERS, "postCatalog", "Upload a catalogue")
    }
}

fn list() -> Operation {
    let shape = json!({
        "type": "object", "required": ["jobs"],
        "properties": { "jobs": { "type": "array", "items": schema("RosterJob") } },
    });
    let about = format!(
        "The newest {LISTED} jobs of uploads, of rosters and catalogues, the newest first."
    );
    Operation {
        keys: &[Key::Bearer],
        answer: (200, answer(&about, shape, json!({ "jobs": [job()] }))),
        refusals: Some(Set::Jobs.into()),
        ..Operation::get(
            "/v1/roster/jobs",
            ROSTERS,
            "listRosterJobs",
            "The jobs of uploads",
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
        refusals: Some(Set::Job.into()),
        ..Operation::get("/v1/roster/jobs/{job}", ROSTERS, "getRosterJob", "One job")
    }
}

fn diagnostics() -> Operation {
    let csv = "severity,code,file,line,column,count,detail,advice\n";
    let found = json!({
        "description": "What is wrong with what was sent, a line for each: where, and what to do.",
        "content": { "text/csv": { "schema": { "type": "string" }, "example": csv } },
    });
    Operation {
        keys: &[Key::Bearer],
        parameters: vec![which()],
        answer: (200, found),
        refusals: Some(Set::Job.into()),
        ..Operation::get(
            "/v1/roster/jobs/{job}/diagnostics.csv",
            ROSTERS,
            "getRosterDiagnostics",
            "What is wrong with an upload",
        )
    }
}
