//! The tenants' secrets at rest.

use object_store::ObjectStoreExt;
use object_store::path::Path;
use schemas::{TenantId, TenantSecret, layout};

use super::documents;
use super::error::RegistryError;
use super::master_key::{MasterKey, random};
use crate::Root;

/// What an encrypted secret's text begins with; the rest is hexadecimal.
const SEALED: &str = "aes-256-gcm:";

/// Only the owner reads secrets.
const MODE: u32 = 0o600;

/// The key by which a tenant's embed tokens are signed: 32 random bytes that never leave
/// the query service.
#[derive(Clone, PartialEq, Eq)]
pub struct SigningKey([u8; 32]);

impl SigningKey {
    /// The bytes.
    pub fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl std::fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("SigningKey(…)")
    }
}

#[derive(Debug)]
pub(super) struct Secrets {
    root: Root,
    key: Option<MasterKey>,
}

impl Secrets {
    pub(super) fn new(root: Root, key: Option<MasterKey>) -> Self {
        Self { root, key }
    }

    pub(super) fn root(&self) -> &Root {
        &self.root
    }

    /// Makes the secret, or checks that the one already there can be read:
    /// replacing it would make strangers of all students known under it.
    pub(super) async fn make(&self, id: &TenantId) -> Result<(), RegistryError> {
        let (path, context) = (layout::tenant_secret(id), id.as_str());
        if !self.put(&path, self.encode(&drawn(), context)).await? {
            self.read(id).await?;
        }
        Ok(())
    }

    pub(super) async fn read(&self, id: &TenantId) -> Result<TenantSecret, RegistryError> {
        let secret = self
            .get(id, &layout::tenant_secret(id), id.as_str())
            .await?
            .ok_or_else(|| RegistryError::UnknownTenant { tenant: id.clone() })?;
        Ok(TenantSecret::from_bytes(secret))
    }

    /// The key that signs, if it was ever needed.
    pub(super) async fn signing_key(
        &self,
        id: &TenantId,
    ) -> Result<Option<SigningKey>, RegistryError> {
        let key = self
            .get(id, &layout::tenant_signing_key(id), &signing_context(id))
            .await?;
        Ok(key.map(SigningKey))
    }

    /// The key that signs; the first who needs it makes it.
    pub(super) async fn make_signing_key(
        &self,
        id: &TenantId,
    ) -> Result<SigningKey, RegistryError> {
        if let Some(key) = self.signing_key(id).await? {
            return Ok(key);
        }
        let bytes = drawn();
        let text = self.encode(&bytes, &signing_context(id));
        if self.put(&layout::tenant_signing_key(id), text).await? {
            return Ok(SigningKey(bytes));
        }
        // Another process was faster.
        let key = self.signing_key(id).await?;
        key.ok_or(RegistryError::Unavailable { source: None })
    }

    async fn get(
        &self,
        id: &TenantId,
        path: &str,
        context: &str,
    ) -> Result<Option<[u8; 32]>, RegistryError> {
        let path = Path::from(path);
        let store = self.root.store();
        let content = documents::in_time(async {
            match store.get(&path).await {
                Ok(found) => found.bytes().await.map(Some),
                Err(object_store::Error::NotFound { .. }) => Ok(None),
                Err(error) => Err(error),
            }
        })
        .await?;
        content
            .map(|content| self.decode(&content, id, context))
            .transpose()
    }

    /// `false` if there is one already.
    async fn put(&self, path: &str, text: String) -> Result<bool, RegistryError> {
        documents::create(&self.root, path.to_owned(), text.into_bytes(), MODE).await
    }

    fn encode(&self, secret: &[u8; 32], context: &str) -> String {
        match &self.key {
            Some(key) => {
                let sealed = key.seal(secret, context);
                format!("{SEALED}{}\n", hex::encode(sealed))
            }
            None => format!("{}\n", hex::encode(secret)),
        }
    }

    fn decode(
        &self,
        content: &[u8],
        id: &TenantId,
        context: &str,
    ) -> Result<[u8; 32], RegistryError> {
        let damaged = || RegistryError::Secret { tenant: id.clone() };
        let text = std::str::from_utf8(content).map_err(|_| damaged())?.trim();
        let bytes = match text.strip_prefix(SEALED) {
            Some(sealed) => {
                let key = self
                    .key
                    .as_ref()
                    .ok_or_else(|| RegistryError::Locked { tenant: id.clone() })?;
                let sealed = hex::decode(sealed).map_err(|_| damaged())?;
                key.open(&sealed, context).ok_or_else(damaged)?
            }
            None => hex::decode(text).map_err(|_| damaged())?,
        };
        bytes.try_into().map_err(|_| damaged())
    }
}

fn drawn() -> [u8; 32] {
    let mut bytes = [0; 32];
    random(&mut bytes);
    bytes
}

/// Neither of a tenant's secrets opens in the place of the other.
fn signing_context(id: &TenantId) -> String {
    format!("{id}/signing-key")
}
