//! `GET /openapi.json`, which says in OpenAPI 3.1 what can be asked of the front door,
//! and `GET /docs`, the same for people.

mod codes;
mod components;
mod dialects;
mod own;
mod rosters;
mod xapi;

use std::sync::LazyLock;

use axum::Router;
use runtime::openapi::{self, About, Operation, Told};
use serde_json::Value;

use self::codes::Set;

/// The routes.
pub fn routes<S: Clone + Send + Sync + 'static>() -> Router<S> {
    static TOLD: LazyLock<Told> = LazyLock::new(|| Told::of(&document()));
    openapi::routes(&TOLD)
}

/// What each group of operations is about, in the order of the page.
const TAGS: &[(&str, &str)] = &[
    (
        "Events",
        "Chalkline's own form. Each event of a request has its own outcome, in the order of the \
         request: one bad event harms no other.",
    ),
    (
        "xAPI",
        "Statements of xAPI 1.0.3 and 2.0, from any learning record provider: its endpoint is \
         `/xapi`. A request is taken whole or not at all.",
    ),
    (
        "Caliper",
        "Events and entities of Caliper Analytics 1.1 and 1.2, answered like native events.",
    ),
    (
        "Segment",
        "What Segment's SDKs post: give an SDK this address as its host, and a write key of ours.",
    ),
    (
        "Open edX",
        "Tracking events, as the log files and the event router of Open edX write them.",
    ),
    (
        "Canvas",
        "Live Events of Canvas in its own form: what reads them from your queue posts them as \
         they are.",
    ),
    (
        "Rosters",
        "Who is who and in which class, in bundles of OneRoster; and what is taught, in \
         catalogues. Each is taken for a job that imports it, all or nothing, and the job is \
         asked how it went.",
    ),
    (
        "Schemas",
        "What a client app checks its events by before it sends any. Nothing here needs a key; \
         with one the school's own types, `custom.…`, are told too.",
    ),
    (
        "Tail",
        "What becomes of events just now, for the developer of a client app.",
    ),
    (
        "Tests",
        "What came, for the tests of client apps: with `chalkline up --dev` only, else 404.",
    ),
];

const ABOUT: &str = "Takes learning events and answers what became of each. An event that is \
    `accepted` is durable. What is answered `retry`, 429 or 503 may be sent again with the same \
    ids, and is stored once.

A write key (`chalkline key issue`) says whose events they are and which it may post. A secret \
    key stays on servers; a public one may stand in pages, posts from the sites that it names, \
    and nothing that only servers know. Pages of any site may ask (CORS), without cookies: the \
    key decides.

Bodies may come with `Content-Encoding: gzip` or `zstd`. With `traceparent` the trace id is \
    yours; every problem tells it. Other paths are answered 404, other methods 405. Operators find \
    `/healthz`, `/readyz` and `/metrics` here too.

The examples take the address of the front door from `$CHALKLINE` and a write key from `$KEY`.";

/// The whole document.
pub fn document() -> Value {
    let about = About {
        title: "Chalkline: the front door",
        summary: "Learning events in",
        description: ABOUT,
        tags: TAGS,
    };
    openapi::document(&about, &operations(), components::components())
}

/// All that can be asked.
fn operations() -> Vec<Operation> {
    let mut operations = own::operations();
    operations.extend(xapi::operations());
    operations.extend(dialects::operations());
    operations.extend(rosters::operations());
    operations
}

/// Events that are posted with a write key.
fn post(path: &str, tag: &'static str, id: &str, summary: &str) -> Operation {
    Operation {
        refusals: Some(Set::Events.into()),
        ..Operation::post(path, tag, id, summary)
    }
}

#[cfg(test)]
mod tests;
