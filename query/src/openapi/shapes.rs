//! The schemas of what is sent and answered.

use runtime::openapi::{self, schema};
use schemas::roster::Class;
use schemas::{Problem, Role, Visibility};
use serde_json::{Map, Value, json};

use super::codes::Set;
use crate::embed::{LIFE_S, MAX_LIFE_S};
use crate::submitted::SHOWN_LETTERS;

pub(super) fn schemas() -> Value {
    let roles = Role::ALL.map(Role::as_str);
    let classes = [Class::Personal, Class::Key, Class::Record, Class::Plain];
    let problems: Vec<_> = Set::ALL.iter().flat_map(|set| set.problems()).collect();
    json!({
        "Question": question(),
        "Answer": answer(),
        "Page": page(),
        "Rows": rows_of_query(),
        "Query": submitted(),
        "Queries": {
            "type": "object", "required": ["queries"],
            "properties": { "queries": { "type": "array", "items": schema("Query") } },
        },
        "Column": {
            "type": "object", "required": ["name", "type"],
            "properties": {
                "name": { "type": "string" },
                "type": { "type": "string", "description": "its type in SQL" },
                "description": { "type": "string", "description": "what it tells" },
                "class": {
                    "enum": classes.map(Class::as_str),
                    "description": "what it tells about people; of tables alone",
                },
            },
        },
        "Tables": tables(),
        "Reports": reports(),
        "Role": { "type": "string", "enum": roles },
        "Grant": grant(),
        "EmbedRequest": embed_request(),
        "EmbedToken": embed_token(),
        "Session": session(),
        "Problem": problem(&problems),
    })
}

/// A problem; one of a submitted query names that in the place of a request.
fn problem(problems: &[Problem]) -> Value {
    let mut problem = openapi::problem("Why a request is refused (RFC 9457).", problems);
    problem["properties"]["trace_id"] = json!({
        "type": "string", "pattern": "^([0-9a-f]{8}-)?[0-9a-f]{32}$",
        "description": "finds the request in the logs of the service; of a submitted query that \
                        has failed it is its id",
    });
    problem
}

fn question() -> Value {
    json!({
        "type": "object", "required": ["sql"], "additionalProperties": false,
        "properties": {
            "sql": { "type": "string", "description": "one statement that reads" },
            "params": {
                "type": "array", "items": {},
                "description": "the values of $1, $2 and so on: as many as the statement names",
            },
        },
    })
}

/// Up to when rows are complete.
fn data_as_of() -> Value {
    json!({
        "type": ["string", "null"], "format": "date-time",
        "description": "every event answered before this is there",
    })
}

fn lag_seconds() -> Value {
    json!({
        "type": ["number", "null"], "minimum": 0,
        "description": "the time since data_as_of",
    })
}

fn answer() -> Value {
    json!({
        "type": "object", "required": ["columns", "rows", "data_as_of"],
        "properties": {
            "columns": { "type": "array", "items": schema("Column") },
            "rows": {
                "type": "array", "items": { "type": "object" },
                "description": "each with a member for each column",
            },
            "data_as_of": data_as_of(),
        },
    })
}

fn page() -> Value {
    let mut page = answer();
    let required = [
        "report",
        "columns",
        "rows",
        "next_cursor",
        "data_as_of",
        "lag_seconds",
    ];
    page["required"] = json!(required);
    page["properties"]["report"] = json!({ "type": "string" });
    page["properties"]["next_cursor"] = next_cursor();
    page["properties"]["lag_seconds"] = lag_seconds();
    page
}

fn next_cursor() -> Value {
    json!({
        "type": ["string", "null"],
        "description": "where the next page begins; null on the last",
    })
}

fn rows_of_query() -> Value {
    let mut page = answer();
    page["required"] = json!(["columns", "rows", "next_cursor", "data_as_of"]);
    page["properties"]["next_cursor"] = next_cursor();
    page
}

/// The kinds of credentials.
const CREDENTIALS: [&str; 3] = ["token", "embed", "identity_provider"];

fn submitted() -> Value {
    let time = |about: &str| {
        let kind = json!(["string", "null"]);
        json!({ "type": kind, "format": "date-time", "description": about })
    };
    json!({
        "type": "object",
        "required": [
            "id", "status", "sql", "role", "credential", "token_id", "submitted_at",
            "started_at", "finished_at", "expires_at", "rows", "bytes", "data_as_of", "error",
        ],
        "properties": {
            "id": { "type": "string" },
            "status": { "enum": ["queued", "running", "finished", "failed", "cancelled"] },
            "sql": {
                "type": "string",
                "description": format!("the statement, at most {SHOWN_LETTERS} letters of it"),
            },
            "role": schema("Role"),
            "credential": {
                "enum": CREDENTIALS, "description": "with what kind of one it was submitted",
            },
            "token_id": {
                "type": ["string", "null"],
                "description": "the token's; null of somebody of an identity provider",
            },
            "submitted_at": { "type": "string", "format": "date-time" },
            "started_at": time("null while it waits for its turn"),
            "finished_at": time("when it ended, however it did"),
            "expires_at": time("when it is forgotten; null before its end"),
            "rows": {
                "type": "integer", "minimum": 0, "description": "how many there are so far",
            },
            "bytes": {
                "type": ["integer", "null"], "minimum": 0,
                "description": "how much is kept; null unless it has finished",
            },
            "data_as_of": data_as_of(),
            "error": {
                "anyOf": [schema("Problem"), { "type": "null" }],
                "description": "why it has failed",
            },
        },
    })
}

fn tables() -> Value {
    json!({
        "type": "object", "required": ["tables", "functions"],
        "properties": {
            "tables": {
                "type": "array",
                "items": {
                    "type": "object", "required": ["name", "type", "columns"],
                    "properties": {
                        "name": { "type": "string" },
                        "type": { "enum": ["BASE TABLE", "VIEW"] },
                        "description": { "type": "string" },
                        "columns": { "type": "array", "items": schema("Column") },
                    },
                },
            },
            "functions": {
                "type": "array",
                "items": {
                    "type": "object", "required": ["name", "kind"],
                    "properties": {
                        "name": { "type": "string" },
                        "kind": {
                            "enum": ["scalar", "aggregate", "window", "lambda", "table"],
                            "description": "how it is called: of one row, of many rows, with \
                                            `OVER`, of a list and a lambda, or in `FROM`",
                        },
                        "syntax": { "type": "string" },
                        "description": { "type": "string" },
                    },
                },
            },
        },
    })
}

fn reports() -> Value {
    let visibilities = [
        Visibility::Student,
        Visibility::Section,
        Visibility::Tenant,
        Visibility::Steward,
    ];
    json!({
        "type": "object", "required": ["reports"],
        "properties": {
            "reports": {
                "type": "array",
                "items": {
                    "type": "object",
                    "required": [
                        "name", "description", "grain", "visibility", "columns", "data_as_of",
                        "lag_seconds", "recomputing",
                    ],
                    "properties": {
                        "name": { "type": "string" },
                        "description": { "type": "string" },
                        "grain": {
                            "type": "array", "items": { "type": "string" },
                            "description": "the columns that tell its rows apart",
                        },
                        "visibility": {
                            "enum": visibilities.map(Visibility::as_str),
                            "description": "what a row is about",
                        },
                        "columns": { "type": "array", "items": schema("Column") },
                        "data_as_of": data_as_of(),
                        "lag_seconds": lag_seconds(),
                        "recomputing": {
                            "type": "boolean",
                            "description": "whether it is being computed anew, and not shown \
                                            until that is done",
                        },
                    },
                },
            },
        },
    })
}

/// The members that bound what somebody sees.
fn bounds() -> Map<String, Value> {
    let texts = json!({ "type": "array", "items": { "type": "string" } });
    let described = |schema: &Value, about: &str| {
        let mut schema = schema.clone();
        schema["description"] = json!(about);
        schema
    };
    let filters = json!({ "type": "object", "additionalProperties": texts });
    let names = json!({ "type": "boolean" });
    let mut tables = described(&texts, "the tables that are shown; else all of the role's");
    tables["type"] = json!(["array", "null"]);
    Map::from_iter([
        (
            "schools".to_owned(),
            described(&texts, "the schools of a `school_admin`"),
        ),
        (
            "filters".to_owned(),
            described(&filters, "by column the values of the rows that are shown"),
        ),
        ("tables".to_owned(), tables),
        (
            "names".to_owned(),
            described(&names, "whether a `service` sees what is personal"),
        ),
    ])
}

fn grant() -> Value {
    json!({ "type": "object", "properties": bounds() })
}

fn embed_request() -> Value {
    let mut members = bounds();
    members.insert("role".to_owned(), schema("Role"));
    let subject = json!({
        "type": ["string", "null"],
        "description": "whose token it is: a `user_id` of the roster",
    });
    members.insert("subject".to_owned(), subject);
    let life = json!({
        "type": "integer", "minimum": 1, "maximum": MAX_LIFE_S, "default": LIFE_S,
        "description": "for how many seconds it works",
    });
    members.insert("expires_in_s".to_owned(), life);
    json!({ "type": "object", "additionalProperties": false, "properties": members })
}

fn embed_token() -> Value {
    json!({
        "type": "object", "required": ["token", "expires_at", "role", "subject", "grant"],
        "properties": {
            "token": { "type": "string", "description": "to be sent as `Authorization: Bearer`" },
            "expires_at": { "type": "string", "format": "date-time" },
            "role": schema("Role"),
            "subject": { "type": ["string", "null"] },
            "grant": schema("Grant"),
        },
    })
}

fn session() -> Value {
    json!({
        "type": "object",
        "required": [
            "tenant", "time_zone", "role", "subject", "bounds", "minimum_cell", "credential",
            "token_id",
        ],
        "properties": {
            "tenant": { "type": "string" },
            "time_zone": { "type": "string", "description": "the tenant's, by its IANA name" },
            "role": schema("Role"),
            "subject": {
                "type": ["string", "null"], "description": "who it is: a `user_id` of the roster",
            },
            "bounds": schema("Grant"),
            "minimum_cell": {
                "type": "integer", "minimum": 0,
                "description": "how many students a group has at least that is shown to whom \
                                only groups are",
            },
            "credential": { "enum": CREDENTIALS },
            "token_id": { "type": "string" },
        },
    })
}
