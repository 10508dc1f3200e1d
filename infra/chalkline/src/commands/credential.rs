//! What keys and tokens have in common: they stand in the tenant's document, which
//! running services read again within 5 seconds.

use std::io::Read as _;
use std::path::Path;

use anyhow::Context as _;
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

/// The longest document that is read from a file or from standard input.
const MAX_DOCUMENT_BYTES: u64 = 1024 * 1024;

/// What a file holds, or standard input for `-`, and what to call it.
///
/// # Errors
/// When it cannot be read.
pub fn read_document(file: &Path) -> anyhow::Result<(String, String)> {
    let mut text = String::new();
    if file == Path::new("-") {
        let name = "standard input".to_owned();
        let mut input = std::io::stdin().lock().take(MAX_DOCUMENT_BYTES);
        input
            .read_to_string(&mut text)
            .context("cannot read standard input")?;
        return Ok((name, text));
    }
    let name = file.display().to_string();
    let cannot = || format!("cannot read {name}");
    let content = std::fs::File::open(file).with_context(cannot)?;
    let mut content = content.take(MAX_DOCUMENT_BYTES);
    content.read_to_string(&mut text).with_context(cannot)?;
    Ok((name, text))
}
