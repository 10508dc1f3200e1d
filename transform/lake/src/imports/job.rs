//! What is known of everybody who imports, has imported, or has tried to.

use std::time::Duration;

use bytes::Bytes;
use chrono::TimeDelta;
use schemas::roster::job::Job;
use schemas::{TenantId, layout};
use uuid::Uuid;

use crate::{Lake, LakeError};

/// The jobs of a tenant, each a document that its process writes again and again: of one
/// that does not, the process is gone.
#[derive(Debug, Clone)]
pub struct Jobs {
    lake: Lake,
    tenant: TenantId,
    /// A job whose document is older than this has no process.
    alive: Duration,
}

impl Jobs {
    /// Those of a tenant. A job is renewed more often than every `alive`.
    pub fn new(lake: Lake, tenant: TenantId, alive: Duration) -> Self {
        Self {
            lake,
            tenant,
            alive,
        }
    }

    /// Writes how a job is, in the place of how it was.
    ///
    /// # Errors
    /// [`LakeError::Store`].
    pub async fn save(&self, job: &Job) -> Result<(), LakeError> {
        let path = layout::roster_job(&self.tenant, job.id);
        let content = serde_json::to_vec(job).expect("texts and numbers are JSON");
        Ok(self.lake.put_document(&path, content.into()).await?)
    }

    /// Keeps what is wrong with a job's bundle, as CSV.
    ///
    /// # Errors
    /// [`LakeError::Store`].
    pub async fn save_diagnostics(&self, job: Uuid, csv: Vec<u8>) -> Result<(), LakeError> {
        let path = layout::roster_diagnostics(&self.tenant, job);
        Ok(self.lake.put_document(&path, csv.into()).await?)
    }

    /// What is wrong with a job's bundle, as CSV; `None` if it did not come to read it.
    ///
    /// # Errors
    /// [`LakeError::Store`].
    pub async fn diagnostics(&self, job: Uuid) -> Result<Option<Bytes>, LakeError> {
        let path = layout::roster_diagnostics(&self.tenant, job);
        Ok(self.lake.document(&path).await?)
    }

    /// The newest ones, the newest first: at most so many.
    ///
    /// # Errors
    /// [`LakeError::Store`] or [`LakeError::Document`].
    pub async fn list(&self, most: usize) -> Result<Vec<Job>, LakeError> {
        let folder = layout::roster_jobs(&self.tenant);
        let documents = self.lake.documents(&folder).await?;
        let newest = documents.iter().rev();
        let newest = newest.filter_map(|name| layout::parse_roster_job(name));
        let mut jobs = Vec::new();
        for id in newest.take(most) {
            jobs.extend(self.get(id).await?);
        }
        Ok(jobs)
    }

    /// The job of an id.
    ///
    /// # Errors
    /// As [`Jobs::list`].
    pub async fn get(&self, id: Uuid) -> Result<Option<Job>, LakeError> {
        let path = layout::roster_job(&self.tenant, id);
        let Some((content, written_at)) = self.lake.document_and_time(&path).await? else {
            return Ok(None);
        };
        let job = serde_json::from_slice(&content);
        let mut job: Job = job.map_err(|source| LakeError::Document { path, source })?;
        if job.state.is_open() {
            let age = self.lake.store_time().await? - written_at;
            if age > TimeDelta::from_std(self.alive).unwrap_or_default() {
                job.abandon();
            }
        }
        Ok(Some(job))
    }
}
