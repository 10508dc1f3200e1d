//! What the front door tells of its answers in `/openapi.json`, and whether one is so.

use std::collections::{HashMap, HashSet};

use axum::http::{HeaderMap, StatusCode, header};
use ingest::Reason;
use jsonschema::Validator;
use serde_json::{Value, json};

/// What no input of good headers, a good key and a log that takes all may be answered,
/// though it is told.
const NEVER: [u16; 7] = [401, 404, 405, 408, 429, 500, 503];

/// The answers that are told of one path.
pub struct Told {
    responses: HashMap<u16, Response>,
    reasons: HashSet<&'static str>,
}

struct Response {
    /// The codes of its problems.
    codes: HashSet<String>,
    schema: Option<Validator>,
}

impl Told {
    /// What the document tells of posting to a path.
    pub fn of(document: &Value, path: &str) -> Self {
        let responses = &document["paths"][path]["post"]["responses"];
        let responses = responses.as_object().expect("the path is told");
        let one = |(status, response): (&String, &Value)| {
            let status = status.parse().expect("a status");
            let response = match response["$ref"].as_str() {
                Some(name) => document.pointer(&name[1..]).expect("what is referred to"),
                None => response,
            };
            (status, Response::of(document, response))
        };
        Self {
            responses: responses.iter().map(one).collect(),
            reasons: Reason::ALL.iter().map(|reason| reason.code()).collect(),
        }
    }

    /// # Panics
    /// When an answer is none of those that are told.
    pub fn check(&self, status: StatusCode, headers: &HeaderMap, body: &Value) {
        let response = self.responses.get(&status.as_u16());
        let response = response.unwrap_or_else(|| panic!("{status} is not told: {body}"));
        assert!(!NEVER.contains(&status.as_u16()), "{status}: {body}");
        if let Some(schema) = &response.schema {
            assert!(schema.is_valid(body), "{status} is told otherwise: {body}");
        }
        for problem in problems(body) {
            let code = problem["code"].as_str().unwrap_or_default();
            // What is wrong with the body has the code of the answer.
            let is_known = match problem["index"] {
                Value::Null => body["code"] == code,
                _ => self.reasons.contains(code),
            };
            assert!(is_known, "{code} is no code: {body}");
            let pointer = problem["pointer"].as_str().unwrap_or_default();
            assert!(is_pointer(pointer), "{pointer:?}: {body}");
            let detail = problem["detail"].as_str().unwrap_or_default();
            assert!(detail.ends_with('.'), "{detail:?}: {body}");
        }
        if status.is_success() {
            return;
        }
        assert_eq!(headers[header::CONTENT_TYPE], "application/problem+json");
        assert_eq!(body["status"], status.as_u16(), "{body}");
        let code = body["code"].as_str().unwrap_or_default();
        assert!(response.codes.contains(code), "{code} is not told: {body}");
    }
}

impl Response {
    fn of(document: &Value, response: &Value) -> Self {
        let content = response["content"].as_object();
        let mut content = content.into_iter().flatten().map(|(_, content)| content);
        let content = content.next().unwrap_or(&Value::Null);
        let codes = content["examples"].as_object();
        let codes = codes.into_iter().flatten().map(|(code, _)| code.clone());
        let schema = content.get("schema").map(|schema| {
            let components = &document["components"];
            let whole = json!({ "allOf": [schema], "components": components });
            jsonschema::validator_for(&whole).expect("a schema")
        });
        Self {
            codes: codes.collect(),
            schema,
        }
    }
}

/// What an answer says of events that are refused.
pub fn problems(body: &Value) -> impl Iterator<Item = &Value> {
    let results = body["results"].as_array().into_iter().flatten();
    let refused = results.filter(|result| result["outcome"] == "rejected");
    refused.chain(body["errors"].as_array().into_iter().flatten())
}

/// Whether a text is a JSON pointer, RFC 6901.
fn is_pointer(text: &str) -> bool {
    let steps_begin = text.is_empty() || text.starts_with('/');
    let mut escapes = text.split('~').skip(1);
    steps_begin && escapes.all(|rest| rest.starts_with(['0', '1']))
}
