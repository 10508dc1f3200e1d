//! The versions of the tenants' documents in the store.

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Utc};
use futures::{StreamExt, TryStreamExt};
use object_store::path::Path;
use object_store::{ObjectStore, ObjectStoreExt, PutMode, PutPayload};
use schemas::{Tenant, TenantId, layout};

use super::error::RegistryError;
use super::private_file;
use crate::Root;

/// How long the store has to answer: shorter than a sender's patience.
const READ_TIMEOUT: Duration = Duration::from_secs(5);

/// Requests at a time when all tenants are listed.
const CONCURRENCY: usize = 16;

/// Services of one group read the documents; they hold hashes, no secrets.
const MODE: u32 = 0o640;

/// A version of a tenant's document, as it stands in the store.
#[derive(Debug, Clone)]
pub struct StoredVersion {
    /// Its number, from 1.
    pub number: u64,
    /// When it was written, by the store's clock.
    pub written_at: DateTime<Utc>,
    /// The document.
    pub tenant: Arc<Tenant>,
}

/// One version of a tenant's document.
#[derive(Debug, Clone)]
pub(super) struct Version {
    pub(super) number: u64,
    pub(super) tenant: Arc<Tenant>,
}

impl Version {
    pub(super) fn first(tenant: Tenant) -> Self {
        Self {
            number: 1,
            tenant: Arc::new(tenant),
        }
    }

    pub(super) fn next(&self, tenant: Tenant) -> Self {
        Self {
            number: self.number + 1,
            tenant: Arc::new(tenant),
        }
    }
}

pub(super) struct Documents {
    root: Root,
    store: Arc<dyn ObjectStore>,
}

impl Documents {
    pub(super) fn new(root: Root) -> Self {
        let store = root.store();
        Self { root, store }
    }

    /// The newest version, which is `known` if nothing came after it: one
    /// request then, two otherwise.
    pub(super) async fn newest(
        &self,
        id: &TenantId,
        known: Option<Version>,
    ) -> Result<Option<Version>, RegistryError> {
        let after = known.as_ref().map_or(0, |version| version.number);
        let folder = Path::from(layout::tenant_versions(id));
        let offset = Path::from(layout::tenant_version(id, after));
        let newest = in_time(
            self.store
                .list_with_offset(Some(&folder), &offset)
                .try_fold(None, async |newest, object| {
                    let number = object.location.filename();
                    Ok(newest.max(number.and_then(layout::parse_tenant_version)))
                }),
        )
        .await?;
        match newest {
            Some(number) if number > after => self.read(id, number).await.map(Some),
            _ => Ok(known),
        }
    }

    /// The newest versions, the oldest of them first.
    pub(super) async fn versions(
        &self,
        id: &TenantId,
        most: usize,
    ) -> Result<Vec<StoredVersion>, RegistryError> {
        let folder = Path::from(layout::tenant_versions(id));
        let objects = self.store.list(Some(&folder));
        let mut found: Vec<(u64, DateTime<Utc>)> = in_time(
            objects
                .try_filter_map(async |object| {
                    let number = object.location.filename();
                    let number = number.and_then(layout::parse_tenant_version);
                    Ok(number.map(|number| (number, object.last_modified)))
                })
                .try_collect(),
        )
        .await?;
        found.sort_unstable();
        let first = found.len().saturating_sub(most);
        futures::stream::iter(found.split_off(first))
            .map(async |(number, written_at)| {
                let version = self.read(id, number).await?;
                Ok(StoredVersion {
                    number,
                    written_at,
                    tenant: version.tenant,
                })
            })
            .buffered(CONCURRENCY)
            .try_collect()
            .await
    }

    async fn read(&self, id: &TenantId, number: u64) -> Result<Version, RegistryError> {
        let path = Path::from(layout::tenant_version(id, number));
        let content = in_time(async { self.store.get(&path).await?.bytes().await }).await?;
        let tenant = serde_json::from_slice(&content).map_err(|error| RegistryError::Document {
            tenant: id.clone(),
            version: number,
            source: Arc::new(error),
        })?;
        Ok(Version {
            number,
            tenant: Arc::new(tenant),
        })
    }

    /// Writes a version; `false` if that version exists already.
    pub(super) async fn put(&self, version: &Version) -> Result<bool, RegistryError> {
        let id = &version.tenant.id;
        let mut content = serde_json::to_vec_pretty(&*version.tenant).map_err(|error| {
            RegistryError::Document {
                tenant: id.clone(),
                version: version.number,
                source: Arc::new(error),
            }
        })?;
        content.push(b'\n');
        let path = layout::tenant_version(id, version.number);
        create(&self.root, path, content, MODE).await
    }

    /// Every tenant that has a document.
    pub(super) async fn tenants(&self) -> Result<Vec<TenantId>, RegistryError> {
        let prefix = Path::from(layout::TENANTS);
        let folders = in_time(self.store.list_with_delimiter(Some(&prefix))).await?;
        // A folder may hold only the secret that an unfinished creation left.
        let mut tenants: Vec<TenantId> = futures::stream::iter(folders.common_prefixes)
            .filter_map(async |folder| folder.filename()?.parse().ok())
            .map(async |id: TenantId| Ok((self.exists(&id).await?, id)))
            .buffer_unordered(CONCURRENCY)
            .try_filter_map(async |(exists, id)| Ok(exists.then_some(id)))
            .try_collect()
            .await?;
        tenants.sort_unstable();
        Ok(tenants)
    }

    async fn exists(&self, id: &TenantId) -> Result<bool, RegistryError> {
        let first = Path::from(layout::tenant_version(id, 1));
        in_time(async {
            match self.store.head(&first).await {
                Ok(_) => Ok(true),
                Err(object_store::Error::NotFound { .. }) => Ok(false),
                Err(error) => Err(error),
            }
        })
        .await
    }
}

/// Creates an object; `false` if it exists already. On this machine it gets the
/// permissions `mode`.
pub(crate) async fn create(
    root: &Root,
    path: String,
    content: Vec<u8>,
    mode: u32,
) -> Result<bool, RegistryError> {
    if let Some(folder) = root.local_path() {
        let path = folder.join(path);
        return tokio::task::spawn_blocking(move || private_file::create(&path, &content, mode))
            .await
            .map_err(RegistryError::unavailable)?
            .map_err(RegistryError::unavailable);
    }
    let store = root.store();
    in_time(async {
        let payload = PutPayload::from(content);
        match store
            .put_opts(&Path::from(path), payload, PutMode::Create.into())
            .await
        {
            Ok(_) => Ok(true),
            Err(object_store::Error::AlreadyExists { .. }) => Ok(false),
            Err(error) => Err(error),
        }
    })
    .await
}

/// What the store answers within [`READ_TIMEOUT`].
pub(crate) async fn in_time<T>(
    answer: impl Future<Output = object_store::Result<T>>,
) -> Result<T, RegistryError> {
    match tokio::time::timeout(READ_TIMEOUT, answer).await {
        Ok(answer) => answer.map_err(RegistryError::store),
        Err(_) => Err(RegistryError::Unavailable { source: None }),
    }
}
