//! Queries that are submitted, and read when they have finished.

use runtime::openapi::{Body, Operation, answer, query, schema};
use serde_json::{Value, json};

use super::codes::Set;
use super::components::{DATA_AS_OF, NEXT, ROW_COUNT, rows};
use super::with_token;
use crate::answer::Format;
use crate::submitted::{KEY_BYTES, MOST_ROWS, ROWS};

const TAG: &str = "Submitted queries";

const ALL: &str = "/v1/queries";
const ONE: &str = "/v1/queries/{id}";

/// An id, for examples.
const ID: &str = "5f0c93aa-019941f2a7c87d3e9b5d0c6e2f1a8b47";
const STATEMENT: &str = "SELECT student_key, count(*) AS clicks FROM clickstream \
                         WHERE received_at >= $1 GROUP BY student_key";

/// The operations.
pub(super) fn operations() -> Vec<Operation> {
    vec![
        with_token(submit(), Set::Submit),
        with_token(list(), Set::Holder),
        with_token(show(), Set::Query),
        with_token(remove(), Set::Query),
        with_token(read(), Set::Rows),
    ]
}

fn submit() -> Operation {
    let key = json!({
        "name": "Idempotency-Key", "in": "header", "required": false,
        "description": "A name of the request, in ASCII: sent again with it, it is the same \
                        query, as long as that is kept.",
        "schema": { "type": "string", "minLength": 1, "maxLength": KEY_BYTES },
    });
    let mut taken = answer(
        "It is taken: ask for it until it has ended.",
        schema("Query"),
        shown("queued"),
    );
    taken["headers"] = json!({
        "Location": {
            "description": "Where it is asked for, `/v1/queries/{id}`.",
            "schema": { "type": "string" },
        },
    });
    Operation {
        method: "post",
        about: "A question whose answer takes minutes, or is read page by page. The body is that \
                of `/v1/sql`. What is wrong with the statement is told when its turn has come, by \
                the query's `error`.\n\nOnly so many queries of a tenant wait, work or are kept: \
                delete what is not needed any more.",
        parameters: vec![key],
        bodies: vec![Body {
            media_type: "application/json",
            schema: schema("Question"),
            example: Some(json!({ "sql": STATEMENT, "params": ["2026-09-01"] })),
        }],
        answer: (202, taken),
        ..Operation::get(ALL, TAG, "submitQuery", "Submit a query")
    }
}

fn list() -> Operation {
    let all = json!({ "queries": [shown("finished")] });
    let about = "The queries, the oldest first.";
    Operation {
        about: "One's own. A steward who sees all finds those of the whole tenant, with their \
                statements and without their rows.",
        answer: (200, answer(about, schema("Queries"), all)),
        ..Operation::get(ALL, TAG, "listQueries", "What was submitted")
    }
}

fn show() -> Operation {
    let about = "How far it is, and what became of it.";
    Operation {
        parameters: vec![id()],
        answer: (200, answer(about, schema("Query"), shown("finished"))),
        ..Operation::get(ONE, TAG, "readQuery", "How far a query is")
    }
}

fn remove() -> Operation {
    let about = "It waited or worked, and is cancelled. It stays until it expires, or is deleted \
                 once more.";
    let forgotten = json!({ "description": "It had ended, and is forgotten with its rows." });
    Operation {
        method: "delete",
        parameters: vec![id()],
        answer: (200, answer(about, schema("Query"), shown("cancelled"))),
        mixed: Some((204, forgotten)),
        ..Operation::get(ONE, TAG, "deleteQuery", "Cancel or forget a query")
    }
}

fn read() -> Operation {
    let limit = json!({ "type": "integer", "minimum": 1, "maximum": MOST_ROWS, "default": ROWS });
    let mut most = query("limit", "The most rows of the page.", limit, None);
    most["example"] = json!(2);
    let formats = Format::ALL.map(Format::name);
    let page = json!({
        "columns": [
            { "name": "student_key", "type": "text" }, { "name": "clicks", "type": "bigint" },
        ],
        "rows": [{ "student_key": "a", "clicks": 12 }, { "student_key": "b", "clicks": 7 }],
        "next_cursor": "WyI1ZjBjOTNhYS0wMTk5NDFmMmE3Yzg3ZDNlOWI1ZDBjNmUyZjFhOGI0NyIsMl0",
        "data_as_of": "2026-09-14T11:59:20Z",
    });
    Operation {
        about: "A page of its rows when it has `finished`; all pages are of one answer. They are \
                shown to who submitted it, and to nobody who would not see them now: when the \
                role, the bounds, the tenant's rules or the roster are others than when it ran, \
                it is submitted again. A query that has failed answers with its own problem.",
        parameters: vec![
            id(),
            most,
            query(
                "cursor",
                "The `next_cursor` of the page before.",
                json!({ "type": "string" }),
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
            rows(
                "The rows of the page.",
                schema("Rows"),
                page,
                &[DATA_AS_OF, NEXT, ROW_COUNT],
            ),
        ),
        ..Operation::get(
            "/v1/queries/{id}/rows",
            TAG,
            "readRows",
            "A page of a query's rows",
        )
    }
}

fn id() -> Value {
    json!({
        "name": "id", "in": "path", "required": true,
        "description": "Its `id`. Only the process that took it knows it, until it ends.",
        "schema": { "type": "string", "minLength": 1 }, "example": ID,
    })
}

/// The query of the examples, when it is so far.
fn shown(status: &str) -> Value {
    let mut query = json!({
        "id": ID, "status": status, "sql": STATEMENT, "role": "steward", "credential": "token",
        "token_id": "8c1f0a6e", "submitted_at": "2026-09-14T12:00:00Z", "started_at": null,
        "finished_at": null, "expires_at": null, "rows": 0, "bytes": null, "data_as_of": null,
        "error": null,
    });
    if status != "queued" {
        query["started_at"] = json!("2026-09-14T12:00:01Z");
        query["finished_at"] = json!("2026-09-14T12:01:30Z");
        query["expires_at"] = json!("2026-09-14T13:01:30Z");
    }
    if status == "finished" {
        query["rows"] = json!(81_920);
        query["bytes"] = json!(1_310_720);
        query["data_as_of"] = json!("2026-09-14T11:59:20Z");
    }
    query
}
