//! Tokens for pages, and codes for links.

use std::sync::LazyLock;

use runtime::openapi::{Body, Operation, answer, schema};
use serde_json::{Value, json};

use super::codes::Set;
use super::with_token;
use crate::login::LIFE;

const TAG: &str = "Tokens";

/// The operations.
pub(super) fn operations() -> Vec<Operation> {
    vec![
        with_token(embed(), Set::EmbedTokens),
        with_token(session(), Set::Holder),
        exchange(),
        with_token(give(), Set::Codes),
    ]
}

fn body(schema: Value, example: Value) -> Vec<Body> {
    vec![Body {
        media_type: "application/json",
        schema,
        example: Some(example),
    }]
}

fn embed() -> Operation {
    let wanted = json!({
        "tables": ["video_retention"], "filters": { "course_id": ["bio-101"] },
        "expires_in_s": 900,
    });
    let made = json!({
        "token": "ce_north_…", "expires_at": "2026-09-14T12:15:00Z", "role": "service",
        "subject": null,
        "grant": { "filters": { "course_id": ["bio-101"] }, "tables": ["video_retention"] },
    });
    Operation {
        method: "post",
        about: "A token with which a page of another site asks, made by that site's own server \
                with a query token of the role `service`, `steward` or `district_admin`. It is \
                never wider than its parent, and ends with it.",
        bodies: body(schema("EmbedRequest"), wanted),
        answer: (200, answer("The token.", schema("EmbedToken"), made)),
        ..Operation::get(
            "/v1/embed-tokens",
            TAG,
            "makeEmbedToken",
            "Make a token for a page",
        )
    }
}

static ABOUT_CODES: LazyLock<String> = LazyLock::new(|| {
    let minutes = LIFE.num_minutes();
    format!(
        "For a query token a code that stands in for it, once and within {minutes} minutes. A \
         newer code of a token ends the older one."
    )
});

fn give() -> Operation {
    let shape = json!({
        "type": "object", "required": ["code", "expires_at"],
        "properties": {
            "code": { "type": "string" },
            "expires_at": { "type": "string", "format": "date-time" },
        },
    });
    let given = json!({
        "code": "cYyIvlzV3fl0yQ3cIdwTRlAjCR4Lb2kR4yJ0Xk9b7Fg",
        "expires_at": "2026-09-14T12:10:00Z",
    });
    Operation {
        method: "post",
        about: &ABOUT_CODES,
        answer: (200, answer("The code.", shape, given)),
        ..Operation::get(
            "/v1/session/codes",
            TAG,
            "giveCode",
            "A code for a link that logs in",
        )
    }
}

fn session() -> Operation {
    let shown = json!({
        "tenant": "north", "time_zone": "America/Chicago", "role": "teacher",
        "subject": "tea-1", "bounds": {}, "minimum_cell": 10, "credential": "token",
        "token_id": "8c1f0a6e",
    });
    let about = "The holder, and the bounds of the credential.";
    Operation {
        about: "Whom the service takes the holder of a credential for, whatever its kind.",
        answer: (200, answer(about, schema("Session"), shown)),
        ..Operation::get("/v1/session", TAG, "readSession", "Who one is here")
    }
}

fn exchange() -> Operation {
    let asked = json!({
        "type": "object", "required": ["code"], "additionalProperties": false,
        "properties": { "code": { "type": "string" } },
    });
    let session = json!({
        "type": "object", "required": ["token", "tenant", "role"],
        "properties": {
            "token": { "type": "string" },
            "tenant": { "type": "string" },
            "role": schema("Role"),
        },
    });
    let code = json!({ "code": "cYyIvlzV3fl0yQ3cIdwTRlAjCR4Lb2kR4yJ0Xk9b7Fg" });
    let shown = json!({ "token": "ct_north_…", "tenant": "north", "role": "steward" });
    Operation {
        method: "post",
        about: "The query token that a code stands for.",
        bodies: body(asked, code),
        answer: (200, answer("The token, and whose it is.", session, shown)),
        refusals: Some(Set::Session.into()),
        ..Operation::get("/v1/session", TAG, "exchangeCode", "Log in with a code")
    }
}
