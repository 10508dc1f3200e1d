//! What can be asked here: `GET /openapi.json` for programs, `GET /docs` for people.
//!
//! Whoever adds a route adds its [`Operation`] to one of the files below, and what it
//! refuses to `codes.rs`: a test compares the document with the router, and every answer
//! in the tests of the service has to be told here.

mod audit;
mod codes;
mod components;
mod operators;
mod queries;
mod reports;
mod shapes;
mod sql;
mod tokens;

use std::sync::LazyLock;

use axum::{Router, middleware};
use runtime::openapi::{self, About, Key, Operation, Told};
use runtime::registry::FRESH;
use serde_json::{Value, json};

use self::codes::Set;
use crate::compression::{WORTH_IT, compress};

/// The routes.
pub(crate) fn routes() -> Router {
    static TOLD: LazyLock<Told> = LazyLock::new(|| Told::of(&document()));
    openapi::routes(&TOLD).layer(middleware::from_fn(compress))
}

/// What each group of operations is about, in the order of the page.
const TAGS: &[(&str, &str)] = &[
    (
        "SQL",
        "Any question about the tables that the asker may see. A table to which nothing was \
         published yet is there, and empty.",
    ),
    (
        "Submitted queries",
        "Questions whose answers take longer, or are read page by page: their rows are kept for \
         a while, by the process that took them.",
    ),
    (
        "Reports",
        "Questions that every school has, answered already and kept up to date: pages of rows, \
         with filters and in any order. They are tables in SQL as well.",
    ),
    (
        "Each report",
        "The same, of one report each, with all filters that it has.",
    ),
    (
        "Audit",
        "Every question is recorded before anything of its answer goes out. This is what \
         learners are told of it; stewards ask tables in SQL.",
    ),
    (
        "Tokens",
        "Whose a credential is, tokens for pages of other sites, and codes for links that log \
         somebody in.",
    ),
    (
        "Operators",
        "How the process is, and what it tells of itself. Nothing here needs a credential.",
    ),
];

static ABOUT: LazyLock<String> = LazyLock::new(|| {
    format!(
        "Answers SQL and shows reports over a school's learning events. An answer is whole or an \
         error, it holds every event that was answered before its `data_as_of`, and only rows and \
         columns that the asker may see.

Who asks shows a credential: a query token (`chalkline token issue`), a token of the school's own \
         login, or an embed token. A revocation holds within {revoked} seconds.

Answers come in the format that `Accept` names, those over {long} KiB with `Accept-Encoding: zstd` \
         or `gzip` compressed, and are kept by nobody (`Cache-Control: no-store`). Other paths \
         are answered 404, other methods 405. Pages of sites that the tenant names may ask with \
         an embed token (CORS), without cookies.

The examples take the address of the service from `$CHALKLINE` and a token from `$TOKEN`.",
        revoked = FRESH.as_secs(),
        long = WORTH_IT / 1024,
    )
});

/// The whole document.
fn document() -> Value {
    let about = About {
        title: "Chalkline: questions and answers",
        summary: "Answers out",
        description: &ABOUT,
        tags: TAGS,
    };
    openapi::document(&about, &operations(), components::components())
}

/// All that can be asked.
fn operations() -> Vec<Operation> {
    let mut operations = sql::operations();
    operations.extend(queries::operations());
    operations.extend(reports::operations());
    operations.extend(audit::operations());
    operations.extend(tokens::operations());
    operations.extend(operators::operations());
    operations
}

/// An operation for who shows a credential, with what it refuses.
fn with_token(operation: Operation, refusals: Set) -> Operation {
    let mut parameters = operation.parameters;
    parameters.push(json!({
        "name": "X-Chalkline-Tenant", "in": "header", "required": false,
        "description": "Whose data is asked about, with a token of the school's own login that \
                        does not say so itself; of other tokens it is not read.",
        "schema": { "type": "string" },
    }));
    Operation {
        keys: &[Key::Token],
        parameters,
        refusals: Some(refusals.into()),
        ..operation
    }
}

#[cfg(test)]
mod tests;
