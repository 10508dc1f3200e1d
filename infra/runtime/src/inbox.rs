//! Rosters and catalogues that were uploaded: the bundles that wait to be imported, and what
//! is known of their jobs. Whoever takes them and whoever imports them meet here.
//!
//! A bundle, as each of them is called here, comes first, whole or not at all, then its job; both outlive a loss of power.
//! So what has a job was promised to somebody, and what has none was not.

mod upload;

use std::future::Future;
use std::path::PathBuf;
use std::time::Duration;

use bytes::Bytes;
use chrono::{DateTime, Utc};
use futures::{StreamExt, TryStreamExt};
use object_store::path::Path;
use object_store::{ObjectMeta, ObjectStoreExt};
use schemas::roster::job::Job;
use schemas::{TenantId, layout};
use tokio::io::{AsyncWrite, AsyncWriteExt};
use uuid::Uuid;

use crate::Root;
use crate::registry::create;

pub use self::upload::{Stored, Upload};

/// How long the store has to answer about something small.
const ANSWER_WITHIN: Duration = Duration::from_secs(10);

/// Services of one group read what is known of jobs.
const MODE: u32 = 0o640;

/// Documents that are looked at in search of uploads.
const LOOKED_AT: usize = 500;

/// The bundles that wait, of all tenants, below a root.
#[derive(Debug, Clone)]
pub struct Inbox {
    root: Root,
}

/// A bundle that waits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Waiting {
    /// Whose it is.
    pub tenant: TenantId,
    /// The job that imports it; later ones have greater ids.
    pub job: Uuid,
    /// When it was there, by the store's clock.
    pub uploaded_at: DateTime<Utc>,
}

/// Why the inbox cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum InboxError {
    /// The store did not answer, or refused.
    #[error("the store of uploads cannot be used now")]
    Store {
        /// What it said; `None` if nothing in time.
        #[source]
        source: Option<Box<dyn std::error::Error + Send + Sync>>,
    },
    /// A document is not one that this version understands.
    #[error("what is known of the job {job} cannot be read")]
    Document {
        /// The job.
        job: Uuid,
        /// What is wrong with it.
        source: serde_json::Error,
    },
}

impl InboxError {
    fn store(source: impl std::error::Error + Send + Sync + 'static) -> Self {
        let source = Some(Box::new(source) as _);
        Self::Store { source }
    }
}

impl Inbox {
    /// That of a root.
    pub fn new(root: Root) -> Self {
        Self { root }
    }

    /// Begins to take the bundle of a job.
    ///
    /// # Errors
    /// [`InboxError::Store`].
    pub async fn begin(&self, tenant: &TenantId, job: Uuid) -> Result<Upload, InboxError> {
        Upload::begin(&self.root, layout::inbox_bundle(tenant, job)).await
    }

    /// Makes known that the bundle of a job waits; `false` if the job is known already.
    ///
    /// # Errors
    /// [`InboxError::Store`]; it may be known all the same.
    pub async fn create_job(&self, tenant: &TenantId, job: &Job) -> Result<bool, InboxError> {
        let content = serde_json::to_vec(job).expect("texts and numbers are JSON");
        let path = layout::roster_job(tenant, job.id);
        let created = create(&self.root, path, content, MODE).await;
        created.map_err(InboxError::store)
    }

    /// All bundles that wait, the oldest first.
    ///
    /// # Errors
    /// [`InboxError::Store`].
    pub async fn waiting(&self) -> Result<Vec<Waiting>, InboxError> {
        self.waiting_in(layout::INBOX.to_owned()).await
    }

    /// A tenant's bundles that wait, the oldest first.
    ///
    /// # Errors
    /// [`InboxError::Store`].
    pub async fn waiting_of(&self, tenant: &TenantId) -> Result<Vec<Waiting>, InboxError> {
        self.waiting_in(layout::inbox(tenant)).await
    }

    async fn waiting_in(&self, folder: String) -> Result<Vec<Waiting>, InboxError> {
        let folder = Path::from(folder);
        let store = self.root.store();
        let objects = in_time(store.list(Some(&folder)).try_collect::<Vec<_>>()).await?;
        let mut waiting: Vec<_> = objects.iter().filter_map(Waiting::of).collect();
        waiting.sort_by_key(|waiting| waiting.job);
        Ok(waiting)
    }

    /// What is known of a job, as it was written last: whoever does it may be gone.
    ///
    /// # Errors
    /// [`InboxError`].
    pub async fn job(&self, tenant: &TenantId, job: Uuid) -> Result<Option<Job>, InboxError> {
        let Some(content) = self.document(layout::roster_job(tenant, job)).await? else {
            return Ok(None);
        };
        let read = serde_json::from_slice(&content);
        read.map(Some)
            .map_err(|source| InboxError::Document { job, source })
    }

    /// The jobs of bundles that were uploaded lately, the newest first: at most so many.
    ///
    /// # Errors
    /// [`InboxError`].
    pub async fn jobs(&self, tenant: &TenantId, most: usize) -> Result<Vec<Job>, InboxError> {
        let folder = Path::from(layout::roster_jobs(tenant));
        let store = self.root.store();
        let listed = in_time(store.list_with_delimiter(Some(&folder))).await?;
        let names = listed.objects.iter();
        let names = names.filter_map(|object| object.location.filename());
        let mut ids: Vec<_> = names.filter_map(layout::parse_roster_job).collect();
        ids.sort_unstable();
        let mut jobs = Vec::new();
        for id in ids.into_iter().rev().take(LOOKED_AT) {
            if jobs.len() == most {
                break;
            }
            let job = self.job(tenant, id).await?;
            jobs.extend(job.filter(|job| job.uploaded));
        }
        Ok(jobs)
    }

    /// What is wrong with a job's bundle, as CSV; `None` if it was not read yet.
    ///
    /// # Errors
    /// [`InboxError::Store`].
    pub async fn diagnostics(
        &self,
        tenant: &TenantId,
        job: Uuid,
    ) -> Result<Option<Bytes>, InboxError> {
        self.document(layout::roster_diagnostics(tenant, job)).await
    }

    /// The file of a bundle that waits, where the root is a folder of this machine.
    pub fn local_path(&self, tenant: &TenantId, job: Uuid) -> Option<PathBuf> {
        let path = layout::inbox_bundle(tenant, job);
        Some(self.root.local_path()?.join(path))
    }

    /// Copies a bundle that waits; `false` if there is none.
    ///
    /// # Errors
    /// [`InboxError::Store`], also when `to` cannot be written.
    pub async fn copy(
        &self,
        tenant: &TenantId,
        job: Uuid,
        to: &mut (impl AsyncWrite + Unpin),
    ) -> Result<bool, InboxError> {
        let path = Path::from(layout::inbox_bundle(tenant, job));
        let object = match self.root.store().get(&path).await {
            Ok(object) => object,
            Err(object_store::Error::NotFound { .. }) => return Ok(false),
            Err(error) => return Err(InboxError::store(error)),
        };
        let mut chunks = object.into_stream();
        while let Some(chunk) = chunks.next().await {
            let chunk = chunk.map_err(InboxError::store)?;
            to.write_all(&chunk).await.map_err(InboxError::store)?;
        }
        to.flush().await.map_err(InboxError::store)?;
        Ok(true)
    }

    /// Removes a bundle that waits no more; that it is gone already is no error.
    ///
    /// # Errors
    /// [`InboxError::Store`].
    pub async fn remove(&self, tenant: &TenantId, job: Uuid) -> Result<(), InboxError> {
        let path = Path::from(layout::inbox_bundle(tenant, job));
        let store = self.root.store();
        in_time(async {
            match store.delete(&path).await {
                Ok(()) | Err(object_store::Error::NotFound { .. }) => Ok(()),
                Err(error) => Err(error),
            }
        })
        .await
    }

    async fn document(&self, path: String) -> Result<Option<Bytes>, InboxError> {
        let store = self.root.store();
        in_time(async {
            match store.get(&Path::from(path)).await {
                Ok(object) => Ok(Some(object.bytes().await?)),
                Err(object_store::Error::NotFound { .. }) => Ok(None),
                Err(error) => Err(error),
            }
        })
        .await
    }
}

impl Waiting {
    fn of(object: &ObjectMeta) -> Option<Self> {
        let (tenant, job) = layout::parse_inbox_bundle(object.location.as_ref())?;
        Some(Self {
            tenant,
            job,
            uploaded_at: object.last_modified,
        })
    }
}

async fn in_time<T>(
    answer: impl Future<Output = object_store::Result<T>>,
) -> Result<T, InboxError> {
    match tokio::time::timeout(ANSWER_WITHIN, answer).await {
        Ok(answer) => answer.map_err(InboxError::store),
        Err(_) => Err(InboxError::Store { source: None }),
    }
}

#[cfg(test)]
mod tests;
