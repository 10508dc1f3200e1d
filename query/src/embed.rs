//! `POST /v1/embed-tokens`: tokens that stand in pages of others, and which pages may.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::request::Parts as Head;
use axum::http::{HeaderMap, HeaderValue, Method, header};
use axum::response::{IntoResponse, Response};
use chrono::TimeDelta;
use schemas::{Grant, Role};
use serde::Deserialize;
use serde_json::{Value, json};
use tower_http::cors::{AllowOrigin, CorsLayer};

use crate::answer::rfc3339;
use crate::audit::{Ask, Minted};
use crate::authenticate::{Bearer, Wish, bearer};
use crate::error::Error;
use crate::request::read_json;
use crate::server::{Parts, trace_id};
use crate::submitted::IDEMPOTENCY_KEY;

/// What this door is called in the audit.
const DOOR: &str = "embed_tokens";
/// The longest body; what it says has to fit into a token.
pub(crate) const BODY_BYTES: usize = 8 * 1024;
/// How long a token works, in seconds, unless it says.
pub(crate) const LIFE_S: i64 = 600;
/// How long it works at most.
pub(crate) const MAX_LIFE_S: i64 = 3_600;
/// How long a browser need not ask again whether it may ask.
const PREFLIGHT: Duration = Duration::from_secs(7_200);

/// The body of a request for a token.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Wanted {
    #[serde(default = "service")]
    role: Role,
    subject: Option<String>,
    #[serde(default)]
    schools: BTreeSet<String>,
    #[serde(default)]
    filters: BTreeMap<String, BTreeSet<String>>,
    tables: Option<BTreeSet<String>>,
    #[serde(default)]
    names: bool,
    #[serde(default = "life")]
    expires_in_s: i64,
}

fn service() -> Role {
    Role::Service
}

fn life() -> i64 {
    LIFE_S
}

/// `POST /v1/embed-tokens`.
pub(crate) async fn make(State(parts): State<Arc<Parts>>, request: Request) -> Response {
    match made(&parts, request).await {
        Ok(body) => ([(header::CACHE_CONTROL, "no-store")], axum::Json(body)).into_response(),
        Err(error) => error.respond(&trace_id()),
    }
}

async fn made(parts: &Parts, request: Request) -> Result<Value, Error> {
    let (head, body) = request.into_parts();
    // Whoever may not ask is not told what is wrong with the question.
    let principal = parts.principal(&head.headers).await?;
    let ask = parts.audit.ask(&principal, DOOR, &head.headers).await?;
    let answered = answer(parts, &ask, &head.headers, body);
    ask.watched(answered).await
}

async fn answer(parts: &Parts, ask: &Ask, headers: &HeaderMap, body: Body) -> Result<Value, Error> {
    let Bearer::Token(parent) = bearer(headers)? else {
        return Err(Error::Forbidden {
            code: "embed_not_allowed",
            detail: "Make embed tokens with a query token (ct_…) of the role steward, \
                     district_admin or service."
                .to_owned(),
        });
    };
    let shape = "{\"filters\": {…}, \"tables\": […]}";
    let wanted: Wanted = read_json(headers, body, BODY_BYTES, shape).await?;
    if !(1..=MAX_LIFE_S).contains(&wanted.expires_in_s) {
        return Err(Error::Body {
            pointer: "/expires_in_s".to_owned(),
            detail: format!("expires_in_s is from 1 to {MAX_LIFE_S} seconds."),
        });
    }
    let wish = Wish {
        role: wanted.role,
        subject: wanted.subject,
        grant: Grant {
            schools: wanted.schools,
            filters: wanted.filters,
            tables: wanted.tables,
            names: wanted.names,
        },
        life: TimeDelta::seconds(wanted.expires_in_s),
    };
    ask.mints(&Minted {
        token_id: None,
        role: wish.role,
        subject: wish.subject.as_deref(),
        grant: &wish.grant,
        expires_at: None,
    });
    let made = parts.door.embed(&parent, wish).await?;
    let claims = &made.claims;
    ask.minted(&Minted {
        token_id: Some(claims.id()),
        role: claims.role,
        subject: claims.subject.as_deref(),
        grant: &claims.grant,
        expires_at: Some(claims.expires_at()),
    })
    .await?;
    Ok(json!({
        "token": made.token,
        "expires_at": rfc3339(claims.expires_at()),
        "role": claims.role.as_str(),
        "subject": claims.subject,
        "grant": claims.grant,
    }))
}

/// What a browser lets the pages of other sites do: ask with an embed token, from the
/// sites that its tenant names, and read the answer.
///
/// A preflight has no token, so it is answered to any page. There are no cookies that a
/// page could borrow.
pub(crate) fn cors(parts: &Arc<Parts>) -> CorsLayer {
    let parts = Arc::clone(parts);
    let may_read = move |_: HeaderValue, head: &Head| {
        let parts = Arc::clone(&parts);
        let is_preflight = head.method == Method::OPTIONS;
        let headers = head.headers.clone();
        async move { is_preflight || parts.door.may_read(&headers).await }
    };
    CorsLayer::new()
        .allow_origin(AllowOrigin::async_predicate(may_read))
        .allow_methods([Method::GET, Method::POST, Method::DELETE])
        .allow_headers([
            header::AUTHORIZATION,
            header::CONTENT_TYPE,
            header::ACCEPT,
            header::IF_NONE_MATCH,
            IDEMPOTENCY_KEY,
        ])
        .expose_headers([
            header::RETRY_AFTER,
            header::LINK,
            header::WWW_AUTHENTICATE,
            header::ETAG,
            header::LOCATION,
        ])
        .max_age(PREFLIGHT)
        // Nothing is kept by anybody: `Cache-Control: no-store`.
        .vary([])
}
