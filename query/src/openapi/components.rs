//! What operations share: schemas, headers, problems and credentials.

use runtime::openapi::Problems;
use serde_json::{Map, Value, json};

use super::codes::Set;
use super::shapes::schemas;
use crate::answer::Format;

/// Headers of answers, by the names of their components.
pub(super) const DATA_AS_OF: &str = "chalkline-data-as-of";
pub(super) const LAG_SECONDS: &str = "chalkline-lag-seconds";
pub(super) const ROW_COUNT: &str = "chalkline-row-count";
pub(super) const NEXT: &str = "Link";
pub(super) const ETAG: &str = "ETag";

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
        ETAG: {
            "description": "The tag of the rows, the same as long as they are, for \
                            `If-None-Match`; absent of rows that are made when they are asked \
                            for.",
            "schema": { "type": "string" },
        },
    })
}

/// References to headers of these names.
pub(super) fn headed(names: &[&str]) -> Map<String, Value> {
    let headers = names.iter().map(|name| {
        let place = format!("#/components/headers/{name}");
        ((*name).to_owned(), json!({ "$ref": place }))
    });
    headers.collect()
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
    json!({
        "description": about,
        "headers": headed(headers),
        "content": Map::from_iter(content),
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
        409 => "Wait until the query has finished, or use another key.",
        410 => "Submit the query again: its rows are not shown, or there are none.",
        413 => "Send or ask for less.",
        415 => "Send another type.",
        429 => "Send it again later: too many queries of the tenant wait or are kept.",
        500 => "The service has a defect: tell the operator the trace id.",
        503 => "Send it again after the seconds that Retry-After says.",
        504 => "Ask for less: the query took too long.",
        507 => "Ask for less: the query ran out of memory.",
        _ => "A problem.",
    }
}
