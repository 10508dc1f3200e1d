//! What several operations refuse alike.

use std::collections::{BTreeMap, BTreeSet};

use schemas::Problem;
use serde_json::{Map, Value, json};

use super::operation::schema;

/// A trace id, for examples.
pub const TRACE_ID: &str = "4bf92f3577b34da6a3ce929d0e0e4736";

/// The problems that each of some operations may answer with.
#[derive(Debug, Clone)]
pub struct Problems {
    /// The beginning of the names of their responses.
    name: &'static str,
    /// One for each code and status.
    all: Vec<Problem>,
    /// The statuses whose answers say when to come back.
    later: BTreeSet<u16>,
}

impl Problems {
    /// These problems, each code of a status once. Answers of the statuses 429 and 503 say
    /// when to come back.
    pub fn new(name: &'static str, mut all: Vec<Problem>) -> Self {
        let mut seen = BTreeSet::new();
        all.retain(|problem| seen.insert((problem.status, problem.code)));
        let later = BTreeSet::from([429, 503]);
        Self { name, all, later }
    }

    /// The same, where answers of these statuses say so too.
    pub fn later(mut self, statuses: impl IntoIterator<Item = u16>) -> Self {
        self.later.extend(statuses);
        self
    }

    /// A reference to the response of each status.
    pub(super) fn references(&self) -> impl Iterator<Item = (u16, Value)> {
        let statuses = self.all.iter().map(|problem| problem.status);
        let statuses: BTreeSet<u16> = statuses.collect();
        let name = self.name;
        statuses.into_iter().map(move |status| {
            let place = format!("#/components/responses/{name}{status}");
            (status, json!({ "$ref": place }))
        })
    }

    /// The responses that operations refer to, by their names. `meaning` says what a
    /// status asks of who reads it.
    pub fn responses(&self, meaning: fn(u16) -> &'static str) -> Map<String, Value> {
        let mut by_status: BTreeMap<u16, Vec<&Problem>> = BTreeMap::new();
        for problem in &self.all {
            by_status.entry(problem.status).or_default().push(problem);
        }
        let responses = by_status.into_iter().map(|(status, problems)| {
            let mut response = response(status, meaning(status), &problems);
            if self.later.contains(&status) {
                let seconds = json!({ "type": "integer", "minimum": 1 });
                let about = "After how many seconds to send it again.";
                response["headers"]["Retry-After"] = header(about, seconds);
            }
            (format!("{}{status}", self.name), response)
        });
        responses.collect()
    }
}

fn response(status: u16, meaning: &str, problems: &[&Problem]) -> Value {
    let example = |problem: &&Problem| {
        let mut problem = Problem::clone(problem);
        problem.trace_id = Some(TRACE_ID.to_owned());
        (
            problem.code.to_owned(),
            json!({ "summary": problem.title, "value": problem }),
        )
    };
    let examples: Map<_, _> = problems.iter().map(example).collect();
    let codes: Vec<_> = problems.iter().map(|problem| problem.code).collect();
    let mut shape = schema("Problem");
    shape["properties"] = json!({ "status": { "const": status }, "code": { "enum": codes } });
    let mut response = json!({
        "description": meaning,
        "content": { Problem::MEDIA_TYPE: { "schema": shape, "examples": examples } },
    });
    if status == 401 {
        let text = json!({ "type": "string" });
        let about = "The ways to send a credential.";
        response["headers"]["WWW-Authenticate"] = header(about, text);
    }
    response
}

fn header(about: &str, schema: Value) -> Value {
    json!({ "description": about, "schema": schema })
}

/// The schema of all problems, whose codes these are.
pub fn problem<'a>(about: &str, problems: impl IntoIterator<Item = &'a Problem>) -> Value {
    let codes: BTreeSet<_> = problems.into_iter().map(|problem| problem.code).collect();
    json!({
        "description": about,
        "type": "object",
        "required": ["type", "title", "status", "detail", "code", "trace_id"],
        "properties": {
            "type": { "type": "string", "const": "about:blank" },
            "title": { "type": "string", "description": "what happened, in a few words" },
            "status": { "type": "integer", "description": "the HTTP status" },
            "detail": { "type": "string", "description": "one sentence that says what to do" },
            "code": {
                "type": "string", "enum": codes,
                "description": "what happened, for programs; codes are never renamed, and new \
                                ones may come",
            },
            "errors": {
                "type": "array",
                "description": "what is wrong with each part of the request",
                "items": {
                    "type": "object",
                    "required": ["pointer", "code", "detail"],
                    "properties": {
                        "index": {
                            "type": "integer", "minimum": 0,
                            "description": "which event, from 0",
                        },
                        "pointer": { "type": "string", "format": "json-pointer" },
                        "code": { "type": "string" },
                        "detail": { "type": "string" },
                    },
                },
            },
            "trace_id": {
                "type": "string", "pattern": "^[0-9a-f]{32}$",
                "description": "finds the request in the logs of the service",
            },
        },
    })
}
