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
        let mut bytes = [0; 32];
        random(&mut bytes);
        let text = self.encode(&TenantSecret::from_bytes(bytes), id);
        if !self.put(id, text).await? {
            self.read(id).await?;
        }
        Ok(())
    }

    pub(super) async fn read(&self, id: &TenantId) -> Result<TenantSecret, RegistryError> {
        let path = Path::from(layout::tenant_secret(id));
        let store = self.root.store();
        let content = documents::in_time(async {
            match store.get(&path).await {
                Ok(found) => found.bytes().await.map(Some),
                Err(object_store::Error::NotFound { .. }) => Ok(None),
                Err(error) => Err(error),
            }
        })
        .await?
        .ok_or_else(|| RegistryError::UnknownTenant { tenant: id.clone() })?;
        self.decode(&content, id)
    }

    /// `false` if there is one already.
    async fn put(&self, id: &TenantId, text: String) -> Result<bool, RegistryError> {
        let path = layout::tenant_secret(id);
        documents::create(&self.root, path, text.into_bytes(), MODE).await
    }

    fn encode(&self, secret: &TenantSecret, id: &TenantId) -> String {
        match &self.key {
            Some(key) => {
                let sealed = key.seal(secret.as_bytes(), id.as_str());
                format!("{SEALED}{}\n", hex::encode(sealed))
            }
            None => format!("{}\n", hex::encode(secret.as_bytes())),
        }
    }

    fn decode(&self, content: &[u8], id: &TenantId) -> Result<TenantSecret, RegistryError> {
        let damaged = || RegistryError::Secret { tenant: id.clone() };
        let text = std::str::from_utf8(content).map_err(|_| damaged())?.trim();
        let bytes = match text.strip_prefix(SEALED) {
            Some(sealed) => {
                let key = self
                    .key
                    .as_ref()
                    .ok_or_else(|| RegistryError::Locked { tenant: id.clone() })?;
                let sealed = hex::decode(sealed).map_err(|_| damaged())?;
                key.open(&sealed, id.as_str()).ok_or_else(damaged)?
            }
            None => hex::decode(text).map_err(|_| damaged())?,
        };
        let bytes = bytes.try_into().map_err(|_| damaged())?;
        Ok(TenantSecret::from_bytes(bytes))
    }
}
