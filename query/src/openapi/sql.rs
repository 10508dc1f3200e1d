//! SQL, and what it can name.

use runtime::openapi::{Body, Operation, answer, schema};
use serde_json::{Value, json};

use super::codes::Set;
use super::components::{DATA_AS_OF, ROW_COUNT, rows};
use super::with_token;

const TAG: &str = "SQL";

/// The operations.
pub(super) fn operations() -> Vec<Operation> {
    vec![
        with_token(ask(), Set::Sql),
        with_token(tables(), Set::Holder),
    ]
}

fn ask() -> Operation {
    let question = json!({
        "sql": "SELECT term, count(*) AS clicks FROM clickstream WHERE received_at >= $1 \
                GROUP BY term ORDER BY term",
        "params": ["2026-09-01"],
    });
    let answered = json!({
        "columns": [{ "name": "term", "type": "text" }, { "name": "clicks", "type": "bigint" }],
        "rows": [{ "term": "2025-26", "clicks": 1 }, { "term": "2026-27", "clicks": 3 }],
        "data_as_of": "2026-09-14T11:59:20Z",
    });
    Operation {
        method: "post",
        about: "One statement that reads: `SELECT`, `WITH`, `VALUES`, `EXPLAIN`, `SHOW TABLES`, \
                `SHOW COLUMNS` or `DESCRIBE`. Everything else is refused, and no path, address or \
                file has a meaning.\n\nParameters `$1`, `$2`, … take the type of their place: \
                `\"2026-09-01\"` compared with a time is a time. A list works with `= ANY($1)`.",
        bodies: vec![Body {
            media_type: "application/json",
            schema: schema("Question"),
            example: Some(question),
        }],
        answer: (
            200,
            rows(
                "The rows. Long answers but JSON are streamed: one that fails on its way is cut \
                 in the middle of its body.",
                schema("Answer"),
                answered,
                &[DATA_AS_OF, ROW_COUNT],
            ),
        ),
        ..Operation::get("/v1/sql", TAG, "ask", "Ask in SQL")
    }
}

fn tables() -> Operation {
    let shown: Value = json!({
        "tables": [{
            "name": "ledger", "type": "BASE TABLE",
            "description": "What became of every event, by hour and family.",
            "columns": [{
                "name": "hour", "type": "timestamp with time zone",
                "description": "the hour in which they were received", "class": "plain",
            }],
        }],
        "functions": [{
            "name": "count", "kind": "aggregate", "syntax": "count(expression)",
            "description": "Returns the number of non-null values in the specified column.",
        }],
    });
    let about = "The tables that the asker may see, each with its columns, and all functions.";
    Operation {
        about: "What `information_schema` says in SQL: tables of events, of rosters and their \
                histories, reports, and listings. Beside them all functions that a statement may \
                call.",
        answer: (200, answer(about, schema("Tables"), shown)),
        ..Operation::get(
            "/v1/tables",
            TAG,
            "listTables",
            "The tables and their columns, and the functions",
        )
    }
}
