//! What learners are told of who was shown their rows.

use runtime::openapi::{Operation, query, schema};
use schemas::AuditEnd;
use serde_json::{Value, json};

use super::codes::Set;
use super::components::{DATA_AS_OF, NEXT, ROW_COUNT, rows};
use super::with_token;
use crate::answer::Format;
use crate::audit::who::{MOST_ROWS, ROWS};

const TAG: &str = "Audit";

/// The operations.
pub(super) fn operations() -> Vec<Operation> {
    vec![with_token(who_saw_me(), Set::WhoSawMe)]
}

fn who_saw_me() -> Operation {
    let limit = json!({ "type": "integer", "minimum": 1, "maximum": MOST_ROWS, "default": ROWS });
    let formats = Format::ALL.map(Format::name);
    let text = || json!({ "type": "string" });
    let about = "The questions, the newest first.";
    Operation {
        about: "When somebody was shown rows about a student, in which role, at which door, of \
                which tables and by what right; never what was asked, nor who else was shown. \
                What the asker has asked is left out.\n\nFor students and guardians alone: \
                stewards ask the table `disclosures` in SQL.",
        parameters: vec![
            query(
                "student",
                "The `user_id` of one child of a guardian, or the asker's own; else all of them.",
                text(),
                None,
            ),
            query("limit", "The most rows of the page.", limit, None),
            query(
                "cursor",
                "The `next_cursor` of the page before.",
                text(),
                None,
            ),
            query(
                "format",
                "The format, in the place of `Accept`.",
                json!({ "type": "string", "enum": formats }),
                None,
            ),
        ],
        answer: (
            200,
            rows(about, page(), shown(), &[DATA_AS_OF, NEXT, ROW_COUNT]),
        ),
        ..Operation::get(
            "/v1/audit/who-saw-me",
            TAG,
            "whoSawMe",
            "Who was shown rows about a student",
        )
    }
}

/// A page, with what its rows hold.
fn page() -> Value {
    let texts = |about: &str| {
        let items = json!({ "type": "string" });
        json!({ "type": ["array", "null"], "items": items, "description": about })
    };
    let text = |about: &str| json!({ "type": ["string", "null"], "description": about });
    let most = AuditEnd::MOST_STUDENTS;
    let uncertain =
        format!("false of questions about more than {most} people, who are not kept one by one");
    let row = json!({
        "type": "object", "additionalProperties": false,
        "properties": {
            "query_id": text("the question"),
            "shown_at": {
                "type": ["string", "null"], "format": "date-time",
                "description": "when the rows were shown",
            },
            "role": text("the role of who asked"),
            "door": text("where was asked: at `sql`, `report`, …"),
            "tables": texts("of which tables"),
            "reasons": texts("by what right each of them was shown"),
            "rows": {
                "type": ["integer", "null"], "minimum": 0,
                "description": "how many rows the answer had, also about others",
            },
            "students": texts(
                "the `user_id` of each of the asker's who was shown; null where `certain` is \
                 false",
            ),
            "certain": {
                "type": "boolean",
                "description": uncertain,
            },
        },
    });
    let mut page = schema("Page");
    page["properties"] = json!({
        "report": { "const": "who_saw_me" },
        "lag_seconds": { "type": "null" },
        "rows": { "type": "array", "items": row },
    });
    page
}

fn shown() -> Value {
    json!({
        "report": "who_saw_me",
        "columns": [
            { "name": "query_id", "type": "text" },
            { "name": "shown_at", "type": "timestamp with time zone" },
            { "name": "role", "type": "text" },
            { "name": "door", "type": "text" },
            { "name": "tables", "type": "text[]" },
            { "name": "reasons", "type": "text[]" },
            { "name": "rows", "type": "bigint" },
            { "name": "students", "type": "text[]" },
            { "name": "certain", "type": "boolean" },
        ],
        "rows": [{
            "query_id": "019941f2-a7c8-7d3e-9b5d-0c6e2f1a8b47",
            "shown_at": "2026-09-14T10:01:00Z", "role": "teacher", "door": "sql",
            "tables": ["clickstream"], "reasons": ["clickstream: role teacher"], "rows": 24,
            "students": ["stu-2"], "certain": true,
        }],
        "next_cursor": null,
        "data_as_of": "2026-09-14T11:59:20Z",
        "lag_seconds": null,
    })
}
