//! Who sends: the tenant and the rights of the write key.

use std::sync::Arc;

use axum::extract::Query;
use axum::http::request::Parts;
use axum::http::{HeaderMap, header};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use chrono::{DateTime, Utc};
use runtime::Registry;
use schemas::event::EventType;
use schemas::{
    Credential, CredentialKind, Family, KeyKind, Refusal, Tenant, TenantSecret, WriteKey,
};

use crate::custom::CustomTypes;
use crate::error::{Error, KeyError};
use crate::outcome::{Reason, Rejection};
use crate::rates::Limits;

/// A sender whose key is good.
#[derive(Debug, Clone)]
pub struct Sender {
    /// Whose events they are; the body has no say in it.
    pub tenant: Arc<Tenant>,
    /// Under which actors are hashed.
    pub secret: Arc<TenantSecret>,
    /// What the key may post.
    pub scope: Scope,
    /// The tenant's own types.
    pub types: Arc<CustomTypes>,
}

/// What a key may post.
#[derive(Debug, Clone, Default)]
pub struct Scope {
    /// The key's id.
    pub key_id: String,
    /// The families; all when empty.
    pub families: Vec<Family>,
    /// Where the key is kept.
    pub kind: KeyKind,
    /// How many events.
    pub limits: Limits,
}

/// Where the key of a request may stand, beside `Authorization: Bearer`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KeyPlace {
    /// Nowhere.
    Bearer,
    /// In `Authorization: Basic`.
    Basic,
    /// In the address, as `?key=`, where it is a public one: `sendBeacon` sets no
    /// headers.
    Query,
}

impl Sender {
    /// A sender that may post what the scope says.
    pub fn new(tenant: Arc<Tenant>, secret: Arc<TenantSecret>, scope: Scope) -> Self {
        Self {
            types: Arc::new(CustomTypes::new(Arc::clone(&tenant))),
            tenant,
            secret,
            scope,
        }
    }

    /// Refuses what the key may not post, and says which key may.
    ///
    /// # Errors
    /// [`Reason::FamilyNotAllowed`] and [`Reason::SecretKeyNeeded`].
    pub fn may_post(&self, event_type: &EventType) -> Result<(), Rejection> {
        let family = event_type.family;
        if !self.scope.families.is_empty() && !self.scope.families.contains(&family) {
            let detail = format!("Use a write key that may post events of the family {family}.");
            return Err(Rejection::new(Reason::FamilyNotAllowed, "/type", detail));
        }
        if event_type.server_only && self.scope.kind == KeyKind::Public {
            let detail = "Post events of this type from your server, with a secret key: everybody \
                          can read a public one.";
            return Err(Rejection::new(Reason::SecretKeyNeeded, "/type", detail));
        }
        Ok(())
    }
}

/// Looks up the key of `Authorization: Bearer ck_…`, or where else `place` allows
/// it to stand.
///
/// # Errors
/// [`Error::Key`] when the key opens nothing, or not from there;
/// [`Error::Registry`] when we cannot know now. A tenant that does not exist
/// answers like an unknown key.
pub async fn authenticate(
    parts: &Parts,
    place: KeyPlace,
    registry: &Registry,
    now: DateTime<Utc>,
) -> Result<Sender, Error> {
    let (credential, in_address) = credential(parts, place)?;
    let unavailable = |source| Error::Registry(Box::new(source));
    let tenant = registry
        .tenant(&credential.tenant)
        .await
        .map_err(unavailable)?
        .ok_or(KeyError::Unknown)?;
    let key = tenant
        .write_key(&credential, now)
        .map_err(|refusal| match refusal {
            Refusal::Unknown => KeyError::Unknown,
            Refusal::Revoked => KeyError::Revoked,
            Refusal::Expired => KeyError::Expired,
        })?;
    check_place(key, &parts.headers, in_address)?;
    let scope = Scope {
        key_id: key.id.clone(),
        families: key.families.clone(),
        kind: key.kind,
        limits: Limits {
            per_second: key.events_per_second,
            per_day: key.events_per_day,
        },
    };
    let secret = registry
        .secret(&credential.tenant)
        .await
        .map_err(unavailable)?;
    Ok(Sender::new(tenant, secret, scope))
}

/// A secret key has no place in an address, which ends in logs, nor in a page; a
/// public one is for the pages of its sites.
fn check_place(key: &WriteKey, headers: &HeaderMap, in_address: bool) -> Result<(), KeyError> {
    let page = headers.get(header::ORIGIN).map(|origin| origin.to_str());
    match (key.kind, page) {
        (KeyKind::Secret, _) if in_address => Err(KeyError::SecretInAddress),
        (KeyKind::Secret, Some(_)) => Err(KeyError::SecretInPage),
        (KeyKind::Secret, None) => Ok(()),
        (KeyKind::Public, None) => Err(KeyError::NoOrigin),
        (KeyKind::Public, Some(page)) => {
            let page = page.unwrap_or_default();
            let allowed = key.origins.iter().any(|origin| origin.allows(page));
            allowed.then_some(()).ok_or(KeyError::OtherOrigin)
        }
    }
}

/// The key, and whether it stands in the address.
fn credential(parts: &Parts, place: KeyPlace) -> Result<(Credential, bool), KeyError> {
    let in_address = match place {
        KeyPlace::Query => in_query(parts),
        KeyPlace::Bearer | KeyPlace::Basic => None,
    };
    let in_header = parts.headers.get(header::AUTHORIZATION);
    let (credential, in_address) = match (in_header, in_address) {
        // Whoever sets headers has no need for the address.
        (Some(value), _) => {
            let text = value.to_str().map_err(|_| KeyError::Malformed)?;
            (of_header(text, place == KeyPlace::Basic), false)
        }
        (None, Some(key)) => (Credential::parse(&key).ok(), true),
        (None, None) => return Err(KeyError::Missing),
    };
    let credential = credential.ok_or(KeyError::Malformed)?;
    match credential.kind {
        CredentialKind::Key => Ok((credential, in_address)),
        CredentialKind::Token => Err(KeyError::QueryToken),
    }
}

fn of_header(value: &str, basic: bool) -> Option<Credential> {
    let (scheme, text) = value.split_once(' ')?;
    if scheme.eq_ignore_ascii_case("bearer") {
        Credential::parse(text.trim()).ok()
    } else if basic && scheme.eq_ignore_ascii_case("basic") {
        user_and_password(text.trim())
    } else {
        None
    }
}

/// The key in the address.
fn in_query(parts: &Parts) -> Option<String> {
    let all = Query::<Vec<(String, String)>>::try_from_uri(&parts.uri);
    let mut all = all.ok()?.0.into_iter();
    all.find_map(|(name, key)| (name == "key").then_some(key))
}

/// The key of a sender that has one field for a user and one for a password:
/// the whole key stands in one of them, or its secret, after the last `_`, is
/// the password.
fn user_and_password(text: &str) -> Option<Credential> {
    let bytes = STANDARD.decode(text).ok()?;
    let text = String::from_utf8(bytes).ok()?;
    let (user, password) = text.split_once(':')?;
    [user, password, &format!("{user}_{password}")]
        .into_iter()
        .find_map(|key| Credential::parse(key).ok())
}
