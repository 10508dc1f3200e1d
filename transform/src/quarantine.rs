//! quarantine: where a record goes that cannot become a row.

use eventlog::Headers;
use serde_json::{Map, Value};

/// Why a record cannot become a row. The reason names no learner and quotes
/// nothing of the record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Unreadable {
    /// The step that failed; replaying begins there again.
    pub stage: &'static str,
    /// What is wrong, in one sentence.
    pub reason: String,
}

impl Unreadable {
    /// The headers do not say what to do with it.
    pub fn route(reason: &str) -> Self {
        Self {
            stage: "route",
            reason: reason.to_owned(),
        }
    }

    /// The bytes are not what the headers say.
    pub fn decode(reason: String) -> Self {
        Self {
            stage: "decode",
            reason,
        }
    }

    /// It has no place in any tenant's tables.
    pub fn place(reason: &str) -> Self {
        Self {
            stage: "place",
            reason: reason.to_owned(),
        }
    }
}

/// The headers as a JSON object.
pub(crate) fn headers_json(headers: &Headers) -> String {
    let members: Map<String, Value> = headers
        .iter()
        .map(|(name, value)| {
            let value = String::from_utf8_lossy(value).into_owned();
            (name.to_owned(), Value::String(value))
        })
        .collect();
    Value::Object(members).to_string()
}

/// What [`headers_json`] wrote.
pub(crate) fn parse_headers(json: &str) -> Headers {
    let members: Map<String, Value> = serde_json::from_str(json).unwrap_or_default();
    let text = |(name, value): (String, Value)| match value {
        Value::String(value) => Some((name, value)),
        _ => None,
    };
    members.into_iter().filter_map(text).collect()
}
