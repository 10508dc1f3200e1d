//! What operations share: schemas, headers, problems and credentials.

use runtime::openapi::{self, Problems, schema};
use schemas::{Role, Visibility};
use serde_json::{Map, Value, json};

use super::codes::Set;
use crate::answer::Format;
use crate::embed::{LIFE_S, MAX_LIFE_S};

/// Headers of answers, by the names of their components.
pub(super) const DATA_AS_OF: &str = "chalkline-data-as-of";
pub(super) const LAG_SECONDS: &str = "chalkline-lag-seconds";
pub(super) const ROW_COUNT: &str = "chalkline-row-count";
pub(super) const NEXT: &str = "Link";

/// The components of the document.
pub(super) fn components() -> Value {
    json!({
        "schemas": schemas(),
        "headers": headers(),
        "responses": responses(),
        "securitySchemes": {
            "token": {
                "type": "http", "scheme": "bearer",
                "description": "As `Authorization: Bearer …` a query token (`ct_…`), a token of \
                                the school's own login (`eyJ…`, OpenID Connect), or an embed \
                                token (`ce_…`).",
            },
        },
    })
}

fn headers() -> Value {
    let time = json!({ "type": "string", "format": "date-time" });
    let number = |kind: &str| json!({ "type": kind, "minimum": 0 });
    json!({
        DATA_AS_OF: {
            "description": "Up to when the rows are complete; absent when that is not known.",
            "schema": time,
        },
        LAG_SECONDS: {
            "description": "How long ago that was.",
            "schema": number("number"),
        },
        ROW_COUNT: {
            "description": "How many rows there are; absent of an answer that is streamed.",
            "schema": number("integer"),
        },
        NEXT: {
            "description": "The address of the next page, `<…>; rel=\"next\"`; absent of the last.",
            "schema": { "type": "string" },
        },
    })
}

/// An answer of rows, in all formats.
pub(super) fn rows(about: &str, shape: Value, example: Value, headers: &[&str]) -> Value {
    let content = Format::ALL.map(|format| {
        let media_type = format.media_type().split(';').next().unwrap_or_default();
        let told = match format {
            Format::Json => json!({ "schema": shape, "example": example }),
            Format::Csv | Format::Ndjson => json!({ "schema": { "type": "string" } }),
            Format::Arrow => json!({ "schema": { "type": "string", "format": "binary" } }),
        };
        (media_type.to_owned(), told)
    });
    let headers = headers.iter().map(|name| {
        let place = format!("#/components/headers/{name}");
        ((*name).to_owned(), json!({ "$ref": place }))
    });
    json!({
        "description": about,
        "headers": Map::from_iter(headers),
        "content": Map::from_iter(content),
    })
}

fn schemas() -> Value {
    let roles = Role::ALL.map(Role::as_str);
    let problems: Vec<_> = Set::ALL.iter().flat_map(|set| set.problems()).collect();
    json!({
        "Question": question(),
        "Answer": answer(),
        "Page": page(),
        "Column": {
            "type": "object", "required": ["name", "type"],
            "properties": {
                "name": { "type": "string" },
                "type": { "type": "string", "description": "its type in SQL" },
                "description": { "type": "string", "description": "what it tells" },
            },
        },
        "Tables": tables(),
        "Reports": reports(),
        "Role": { "type": "string", "enum": roles },
        "Grant": grant(),
        "EmbedRequest": embed_request(),
        "EmbedToken": embed_token(),
        "Problem": openapi::problem("Why a request is refused (RFC 9457).", &problems),
    })
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
    page["properties"]["next_cursor"] = json!({
        "type": ["string", "null"],
        "description": "where the next page begins; null on the last",
    });
    page["properties"]["lag_seconds"] = lag_seconds();
    page
}

fn tables() -> Value {
    json!({
        "type": "object", "required": ["tables"],
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
        },
    })
}

fn reports() -> Value {
    let visibilities = [Visibility::Student, Visibility::Section, Visibility::Tenant];
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

/// The responses of each set of problems, by status.
fn responses() -> Map<String, Value> {
    let sets = Set::ALL.into_iter().map(Problems::from);
    sets.flat_map(|set| set.responses(meaning)).collect()
}

/// What a status asks of who reads it.
fn meaning(status: u16) -> &'static str {
    match status {
        400 => "Change the request.",
        401 => "Change the credential, or the code.",
        403 => "The credential does not allow it.",
        404 => "There is nothing here.",
        405 => "Use another method.",
        406 => "Ask for another format.",
        408 => "Send it again, faster.",
        413 => "Send or ask for less.",
        415 => "Send another type.",
        429 => "Send it again later: too many queries of the tenant wait.",
        500 => "The service has a defect: tell the operator the trace id.",
        503 => "Send it again after the seconds that Retry-After says.",
        504 => "Ask for less: the query took too long.",
        507 => "Ask for less: the query ran out of memory.",
        _ => "A problem.",
    }
}
