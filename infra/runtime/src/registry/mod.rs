//! The tenants: their documents, at most a few seconds old, and their secrets.

mod cache;
mod documents;
mod error;
mod master_key;
mod private_file;
mod secrets;

use std::sync::Arc;

use schemas::{Tenant, TenantId, TenantSecret};

use self::cache::{Cache, Freshness};
use self::documents::{Documents, Version};
use self::secrets::Secrets;
use crate::Root;

pub use self::cache::FRESH;
pub use self::documents::StoredVersion;
pub(crate) use self::documents::{create, in_time};
pub use self::error::{RegistryError, UpdateError};
pub use self::master_key::{MasterKey, MasterKeyError};
pub use self::secrets::SigningKey;

/// How often [`Registry::update`] tries anew when others were faster.
const ATTEMPTS: usize = 64;

/// The tenants below a root. Clones share one cache.
///
/// Every change of a tenant is a new version of its document, created only if
/// no other process created that version first: no change is lost, and none is
/// seen in part.
#[derive(Clone)]
pub struct Registry {
    inner: Arc<Inner>,
    changed_by: Option<String>,
}

struct Inner {
    documents: Documents,
    secrets: Secrets,
    cache: Cache,
}

impl Registry {
    /// The tenants below `root`, with secrets stored as they are.
    pub fn new(root: Root) -> Self {
        Self::build(root, None, Freshness::default())
    }

    /// The tenants below `root`. Secrets made from now on are encrypted with
    /// `key`; those that an earlier registry stored as they are stay readable.
    pub fn with_master_key(root: Root, key: MasterKey) -> Self {
        Self::build(root, Some(key), Freshness::default())
    }

    fn build(root: Root, key: Option<MasterKey>, freshness: Freshness) -> Self {
        Self {
            inner: Arc::new(Inner {
                documents: Documents::new(root.clone()),
                secrets: Secrets::new(root, key),
                cache: Cache::new(freshness),
            }),
            changed_by: None,
        }
    }

    /// The same tenants, changed by `whom`: each version that is written through this
    /// registry says so.
    #[must_use]
    pub fn changed_by(self, whom: impl Into<String>) -> Self {
        Self {
            changed_by: Some(whom.into()),
            ..self
        }
    }

    /// The root below which they are.
    pub fn root(&self) -> &Root {
        self.inner.secrets.root()
    }

    /// The tenant as it was at most 5 seconds ago; `None` if there is no such
    /// tenant. While the store does not answer, what was last known is answered
    /// for up to 60 seconds.
    ///
    /// However many ask at once, the store is asked once.
    ///
    /// # Errors
    /// [`RegistryError::Unavailable`] (retryable) when the store does not
    /// answer; [`RegistryError::Document`] when the document cannot be read.
    pub async fn tenant(&self, id: &TenantId) -> Result<Option<Arc<Tenant>>, RegistryError> {
        let version = self
            .inner
            .cache
            .get(id, |known| self.inner.documents.newest(id, known))
            .await?;
        Ok(version.map(|version| version.tenant))
    }

    /// The tenant's secret. It never changes, so it is read once.
    ///
    /// # Errors
    /// [`RegistryError::UnknownTenant`] if there is none;
    /// [`RegistryError::Locked`] and [`RegistryError::Secret`] if it cannot be
    /// read with this registry's master key; [`RegistryError::Unavailable`].
    pub async fn secret(&self, id: &TenantId) -> Result<Arc<TenantSecret>, RegistryError> {
        let slot = self.inner.cache.slot(id);
        let secret = slot
            .secret
            .get_or_try_init(|| async {
                let secret = self.inner.secrets.read(id).await?;
                Ok::<_, RegistryError>(Arc::new(secret))
            })
            .await?;
        Ok(Arc::clone(secret))
    }

    /// The key by which the tenant's embed tokens are signed, if one was ever made. It
    /// never changes, so it is read once.
    ///
    /// # Errors
    /// Those of [`Registry::secret`].
    pub async fn signing_key(
        &self,
        id: &TenantId,
    ) -> Result<Option<Arc<SigningKey>>, RegistryError> {
        let slot = self.inner.cache.slot(id);
        if let Some(key) = slot.signing_key.get() {
            return Ok(Some(Arc::clone(key)));
        }
        let Some(key) = self.inner.secrets.signing_key(id).await? else {
            return Ok(None);
        };
        let made = async || Arc::new(key);
        Ok(Some(Arc::clone(slot.signing_key.get_or_init(made).await)))
    }

    /// The same key, which is made if there is none: all processes get the same.
    ///
    /// # Errors
    /// Those of [`Registry::secret`].
    pub async fn make_signing_key(&self, id: &TenantId) -> Result<Arc<SigningKey>, RegistryError> {
        let slot = self.inner.cache.slot(id);
        let key = slot
            .signing_key
            .get_or_try_init(|| async {
                let key = self.inner.secrets.make_signing_key(id).await?;
                Ok::<_, RegistryError>(Arc::new(key))
            })
            .await?;
        Ok(Arc::clone(key))
    }

    /// All tenants, in order, as the store has them now.
    ///
    /// # Errors
    /// [`RegistryError::Unavailable`].
    pub async fn tenants(&self) -> Result<Vec<TenantId>, RegistryError> {
        self.inner.documents.tenants().await
    }

    /// The newest versions of a tenant's document, the oldest of them first: how it came
    /// to be what it is. None of a tenant that does not exist.
    ///
    /// # Errors
    /// [`RegistryError::Unavailable`]; [`RegistryError::Document`] when one of them cannot
    /// be read.
    pub async fn versions(
        &self,
        id: &TenantId,
        most: usize,
    ) -> Result<Vec<StoredVersion>, RegistryError> {
        self.inner.documents.versions(id, most).await
    }

    /// Makes a tenant and its secret. It exists from the moment its document
    /// does: a process that dies before leaves nothing visible, and the next
    /// call uses the secret it left.
    ///
    /// # Errors
    /// [`RegistryError::AlreadyExists`]; [`RegistryError::Unavailable`], after
    /// which the tenant may exist.
    pub async fn create(&self, tenant: &Tenant) -> Result<(), RegistryError> {
        let id = &tenant.id;
        let exists = || RegistryError::AlreadyExists { tenant: id.clone() };
        if self.inner.documents.newest(id, None).await?.is_some() {
            return Err(exists());
        }
        self.inner.secrets.make(id).await?;
        let first = Version::first(self.sign(tenant.clone()));
        if !self.inner.documents.put(&first).await? {
            return Err(exists());
        }
        self.inner.cache.put(id, first);
        Ok(())
    }

    /// Changes a tenant and answers what `change` answered. `change` gets the
    /// newest document and is called again with a newer one whenever another
    /// process was faster; a change that leaves the document as it is writes
    /// nothing. The tenant's id stays what it is.
    ///
    /// This registry sees the change at once, others within 5 seconds.
    ///
    /// # Errors
    /// [`UpdateError::Refused`] with what `change` refused with, and nothing is
    /// changed; [`UpdateError::Registry`] for an unknown tenant, a store that
    /// does not answer (the change may have happened), or many faster others.
    pub async fn update<T, E>(
        &self,
        id: &TenantId,
        mut change: impl FnMut(&mut Tenant) -> Result<T, E>,
    ) -> Result<T, UpdateError<E>> {
        let mut known = None;
        for _ in 0..ATTEMPTS {
            let current = self
                .inner
                .documents
                .newest(id, known)
                .await?
                .ok_or_else(|| RegistryError::UnknownTenant { tenant: id.clone() })?;
            let mut tenant = Tenant::clone(&current.tenant);
            let answer = change(&mut tenant).map_err(UpdateError::Refused)?;
            tenant.id = id.clone();
            if tenant == *current.tenant {
                return Ok(answer);
            }
            let next = current.next(self.sign(tenant));
            if self.inner.documents.put(&next).await? {
                self.inner.cache.put(id, next);
                return Ok(answer);
            }
            known = Some(current);
        }
        Err(RegistryError::Contended { tenant: id.clone() }.into())
    }

    /// Who changed what came before is no longer who changed it.
    fn sign(&self, mut tenant: Tenant) -> Tenant {
        tenant.changed_by = self.changed_by.clone();
        tenant
    }
}

impl std::fmt::Debug for Registry {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // Not the store, which would show its keys.
        f.debug_tuple("Registry").field(self.root()).finish()
    }
}

#[cfg(test)]
mod tests;
