//! Logging in with a link: a code that works once stands in for a token.
//!
//! An address is seen by more than its reader: it stays in the browser's history,
//! in a chat, on a projector. So a link holds no token but a code, which the page
//! exchanges for the token. Codes live in the memory of the process that gave them.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use axum::extract::{Request, State};
use axum::http::{HeaderMap, header};
use axum::response::{IntoResponse, Response};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::{DateTime, TimeDelta, Utc};
use schemas::Credential;
use serde::Deserialize;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use crate::answer::rfc3339;
use crate::audit::Minted;
use crate::authenticate::{Bearer, bearer};
use crate::error::{Error, Unauthorised};
use crate::request::read_json;
use crate::server::{Parts, trace_id};

/// What the door that gives codes is called in the audit.
const DOOR: &str = "session_codes";
/// How long a code can be used.
pub(crate) const LIFE: TimeDelta = TimeDelta::minutes(10);
/// The longest body of a request with a code.
pub(crate) const BODY_BYTES: usize = 1024;

/// The codes that were given and not yet used: at most one for each token.
#[derive(Default)]
pub(crate) struct Codes {
    /// By the digest of the code, so that looking one up tells nothing by its time.
    open: Mutex<HashMap<[u8; 32], Held>>,
}

struct Held {
    token: Credential,
    expires_at: DateTime<Utc>,
}

impl Codes {
    /// A new code for the token, and when it ends. The token's code before is void.
    fn give(&self, token: Credential, now: DateTime<Utc>) -> (String, DateTime<Utc>) {
        let code = URL_SAFE_NO_PAD.encode(rand::random::<[u8; 32]>());
        let expires_at = now + LIFE;
        let mut open = self.open();
        open.retain(|_, held| held.expires_at > now && held.token != token);
        open.insert(digest(&code), Held { token, expires_at });
        (code, expires_at)
    }

    /// The token that the code stands for; never a second time.
    fn take(&self, code: &str, now: DateTime<Utc>) -> Option<Credential> {
        let held = self.open().remove(&digest(code))?;
        (held.expires_at > now).then_some(held.token)
    }

    fn open(&self) -> MutexGuard<'_, HashMap<[u8; 32], Held>> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn digest(code: &str) -> [u8; 32] {
    Sha256::digest(code).into()
}

/// The body of `POST /v1/session`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Exchange {
    code: String,
}

/// `GET /v1/session`: whom the service takes the asker for, and within which bounds.
pub(crate) async fn show(State(parts): State<Arc<Parts>>, headers: HeaderMap) -> Response {
    respond(shown(&parts, &headers).await)
}

/// `POST /v1/session/codes`: a code for the token that the request shows.
pub(crate) async fn give(State(parts): State<Arc<Parts>>, headers: HeaderMap) -> Response {
    respond(give_code(&parts, &headers).await)
}

/// `POST /v1/session`: the token for a code.
pub(crate) async fn exchange(State(parts): State<Arc<Parts>>, request: Request) -> Response {
    respond(exchange_code(&parts, request).await)
}

async fn give_code(parts: &Parts, headers: &HeaderMap) -> Result<Value, Error> {
    let principal = parts.principal(headers).await?;
    let ask = parts.audit.ask(&principal, DOOR, headers).await?;
    let given = async {
        let Bearer::Token(token) = bearer(headers)? else {
            return Err(Error::Forbidden {
                code: "code_not_allowed",
                detail: "Codes stand in for query tokens (ct_…) alone.".to_owned(),
            });
        };
        let now = parts.clock.now();
        ask.minted(&Minted {
            token_id: Some(&principal.token_id),
            role: principal.role,
            subject: principal.subject.as_deref(),
            grant: &principal.grant,
            expires_at: Some(now + LIFE),
        })
        .await?;
        let (code, expires_at) = parts.codes.give(token, now);
        Ok(json!({ "code": code, "expires_at": rfc3339(expires_at) }))
    };
    ask.watched(given).await
}

async fn shown(parts: &Parts, headers: &HeaderMap) -> Result<Value, Error> {
    let principal = parts.principal(headers).await?;
    Ok(json!({
        "tenant": principal.tenant,
        "time_zone": principal.time_zone.name(),
        "role": principal.role.as_str(),
        "subject": principal.subject,
        "bounds": principal.grant,
        "minimum_cell": principal.minimum_cell,
        "credential": principal.credential.kind(),
        "token_id": principal.token_id,
    }))
}

async fn exchange_code(parts: &Parts, request: Request) -> Result<Value, Error> {
    let (head, body) = request.into_parts();
    let Exchange { code } = read_json(&head.headers, body, BODY_BYTES, "{\"code\": \"…\"}").await?;
    let now = parts.clock.now();
    let token = parts.codes.take(&code, now).ok_or(Unauthorised::Code)?;
    // It may have been revoked since.
    let principal = parts.door.admit(&token).await?;
    Ok(json!({
        "token": token.reveal(),
        "tenant": principal.tenant,
        "role": principal.role.as_str(),
    }))
}

fn respond(answer: Result<Value, Error>) -> Response {
    match answer {
        Ok(body) => ([(header::CACHE_CONTROL, "no-store")], axum::Json(body)).into_response(),
        Err(error) => error.respond(&trace_id()),
    }
}

#[cfg(test)]
mod tests {
    use schemas::{CredentialKind, TenantId};

    use super::*;

    fn token(id: &str) -> Credential {
        let tenant = TenantId::new("north").expect("a slug");
        Credential::new(CredentialKind::Token, tenant, id.to_owned(), [7; 32])
    }

    fn now() -> DateTime<Utc> {
        "2026-09-14T12:00:00Z".parse().expect("a time")
    }

    #[test]
    fn a_code_works_once_and_not_for_long() {
        let codes = Codes::default();
        let (code, expires_at) = codes.give(token("a"), now());
        assert_eq!(codes.take("another", now()), None);
        assert_eq!(codes.take(&code, now()), Some(token("a")));
        assert_eq!(codes.take(&code, now()), None);

        let (late, _) = codes.give(token("a"), now());
        assert_eq!(codes.take(&late, expires_at), None);
    }

    #[test]
    fn a_token_has_one_code_and_old_ones_are_forgotten() {
        let codes = Codes::default();
        let (first, _) = codes.give(token("a"), now());
        let (other, _) = codes.give(token("b"), now());
        let (second, expires_at) = codes.give(token("a"), now());
        assert_eq!(codes.open().len(), 2);
        assert_eq!(codes.take(&first, now()), None);
        assert_eq!(codes.take(&second, now()), Some(token("a")));
        assert_eq!(codes.take(&other, now()), Some(token("b")));

        codes.give(token("a"), now());
        codes.give(token("b"), expires_at);
        assert_eq!(codes.open().len(), 1);
    }
}
