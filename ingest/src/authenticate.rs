//! Who sends: the tenant and the rights of the write key.

use std::sync::Arc;

use axum::http::{HeaderMap, header};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use chrono::{DateTime, Utc};
use runtime::Registry;
use schemas::{Credential, CredentialKind, Family, Refusal, Tenant, TenantSecret};

use crate::error::{Error, KeyError};

/// A sender whose key is good.
#[derive(Debug, Clone)]
pub struct Sender {
    /// Whose events they are; the body has no say in it.
    pub tenant: Arc<Tenant>,
    /// Under which actors are hashed.
    pub secret: Arc<TenantSecret>,
    /// The families that the key may post; all when empty.
    families: Vec<Family>,
}

impl Sender {
    /// A sender that may post these families; all when there are none.
    pub fn new(tenant: Arc<Tenant>, secret: Arc<TenantSecret>, families: Vec<Family>) -> Self {
        Self {
            tenant,
            secret,
            families,
        }
    }

    /// Whether the key may post events of this family.
    pub fn may_post(&self, family: Family) -> bool {
        self.families.is_empty() || self.families.contains(&family)
    }
}

/// Looks up the key of `Authorization: Bearer ck_…`, or where `basic` allows it
/// that of `Basic`.
///
/// # Errors
/// [`Error::Key`] when the key opens nothing, [`Error::Registry`] when we
/// cannot know now. A tenant that does not exist answers like an unknown key.
pub async fn authenticate(
    headers: &HeaderMap,
    basic: bool,
    registry: &Registry,
    now: DateTime<Utc>,
) -> Result<Sender, Error> {
    let credential = credential(headers, basic)?;
    let unavailable = |source| Error::Registry(Box::new(source));
    let tenant = registry
        .tenant(&credential.tenant)
        .await
        .map_err(unavailable)?
        .ok_or(KeyError::Unknown)?;
    let families = tenant
        .write_key(&credential, now)
        .map_err(|refusal| match refusal {
            Refusal::Unknown => KeyError::Unknown,
            Refusal::Revoked => KeyError::Revoked,
            Refusal::Expired => KeyError::Expired,
        })?
        .families
        .clone();
    let secret = registry
        .secret(&credential.tenant)
        .await
        .map_err(unavailable)?;
    Ok(Sender::new(tenant, secret, families))
}

fn credential(headers: &HeaderMap, basic: bool) -> Result<Credential, KeyError> {
    let value = headers
        .get(header::AUTHORIZATION)
        .ok_or(KeyError::Missing)?
        .to_str()
        .map_err(|_| KeyError::Malformed)?;
    let (scheme, text) = value.split_once(' ').ok_or(KeyError::Malformed)?;
    let credential = if scheme.eq_ignore_ascii_case("bearer") {
        Credential::parse(text.trim()).ok()
    } else if basic && scheme.eq_ignore_ascii_case("basic") {
        user_and_password(text.trim())
    } else {
        None
    };
    let credential = credential.ok_or(KeyError::Malformed)?;
    match credential.kind {
        CredentialKind::Key => Ok(credential),
        CredentialKind::Token => Err(KeyError::QueryToken),
    }
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
