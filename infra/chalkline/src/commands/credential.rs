//! What keys and tokens have in common: they stand in the tenant's document, which
//! running services read again within 5 seconds.

use chrono::{DateTime, Utc};
use runtime::{Registry, UpdateError};
use schemas::{Credential, CredentialKind, Tenant, TenantId};

/// A credential that nobody has yet.
pub fn new_credential(kind: CredentialKind, tenant: &TenantId) -> Credential {
    let id = hex::encode(rand::random::<[u8; 4]>());
    Credential::new(kind, tenant.clone(), id, rand::random())
}

/// There is no key or token of that id.
#[derive(Debug, thiserror::Error)]
#[error("tenant {tenant} has no {what} {id}: the id is the third part of a {what}")]
pub struct UnknownCredential {
    /// `key` or `token`.
    pub what: &'static str,
    /// Whose it would be.
    pub tenant: TenantId,
    /// What was asked for.
    pub id: String,
}

impl UnknownCredential {
    /// There is no write key of that id.
    pub fn key(tenant: &TenantId, id: &str) -> Self {
        Self {
            what: "key",
            tenant: tenant.clone(),
            id: id.to_owned(),
        }
    }
}

/// Changes the tenant's document.
pub async fn update<E: std::error::Error + Send + Sync + 'static>(
    registry: &Registry,
    tenant: &TenantId,
    change: impl FnMut(&mut Tenant) -> Result<(), E>,
) -> anyhow::Result<()> {
    let updated = registry.update(tenant, change).await;
    updated.map_err(|error| match error {
        UpdateError::Registry(error) => error.into(),
        UpdateError::Refused(error) => error.into(),
    })
}

/// A time for people.
pub fn time(time: Option<DateTime<Utc>>) -> String {
    time.map(|time| time.format("%Y-%m-%d %H:%M UTC").to_string())
        .unwrap_or_default()
}
