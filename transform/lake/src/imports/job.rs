//! What is known of everybody who imports, has imported, or has tried to.

use std::time::Duration;

use bytes::Bytes;
use chrono::{DateTime, TimeDelta, Utc};
use futures::{StreamExt, TryStreamExt};
use schemas::roster::job::Job;
use schemas::{TenantId, layout};
use uuid::Uuid;

use crate::{Lake, LakeError};

/// How many documents are read at once.
const CONCURRENT_READS: usize = 16;

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
        self.lake.put_document(&path, content.into()).await
    }

    /// Keeps what is wrong with a job's bundle, as CSV.
    ///
    /// # Errors
    /// [`LakeError::Store`].
    pub async fn save_diagnostics(&self, job: Uuid, csv: Vec<u8>) -> Result<(), LakeError> {
        let path = layout::roster_diagnostics(&self.tenant, job);
        self.lake.put_document(&path, csv.into()).await
    }

    /// What is wrong with a job's bundle, as CSV; `None` if it did not come to read it.
    ///
    /// # Errors
    /// [`LakeError::Store`].
    pub async fn diagnostics(&self, job: Uuid) -> Result<Option<Bytes>, LakeError> {
        let path = layout::roster_diagnostics(&self.tenant, job);
        self.lake.document(&path).await
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

    /// As [`Jobs::list`], by the reader's own clock, which `now` is of: asking the store
    /// for its time writes to it, and whoever only reads may not. Documents are read side by
    /// side.
    ///
    /// # Errors
    /// As [`Jobs::list`].
    pub async fn list_at(&self, most: usize, now: DateTime<Utc>) -> Result<Vec<Job>, LakeError> {
        let folder = layout::roster_jobs(&self.tenant);
        let documents = self.lake.documents(&folder).await?;
        let newest = documents.iter().rev();
        let newest = newest.filter_map(|name| layout::parse_roster_job(name));
        let newest: Vec<_> = newest.take(most).collect();
        futures::stream::iter(newest)
            .map(|id| async move {
                let found = self.read(id).await?;
                Ok(found.map(|(job, written_at)| self.judged(job, now - written_at)))
            })
            .buffered(CONCURRENT_READS)
            .try_filter_map(|job| async move { Ok(job) })
            .try_collect()
            .await
    }

    /// The job of an id.
    ///
    /// # Errors
    /// As [`Jobs::list`].
    pub async fn get(&self, id: Uuid) -> Result<Option<Job>, LakeError> {
        let Some((job, written_at)) = self.read(id).await? else {
            return Ok(None);
        };
        if !job.state.is_open() {
            return Ok(Some(job));
        }
        let age = self.lake.store_time().await? - written_at;
        Ok(Some(self.judged(job, age)))
    }

    /// A job as its document says, and when that was written.
    async fn read(&self, id: Uuid) -> Result<Option<(Job, DateTime<Utc>)>, LakeError> {
        let path = layout::roster_job(&self.tenant, id);
        let Some((content, written_at)) = self.lake.document_and_time(&path).await? else {
            return Ok(None);
        };
        let job = serde_json::from_slice(&content);
        let job = job.map_err(|source| LakeError::Document { path, source })?;
        Ok(Some((job, written_at)))
    }

    /// What a job is whose document is so old.
    fn judged(&self, mut job: Job, age: TimeDelta) -> Job {
        let alive = TimeDelta::from_std(self.alive).unwrap_or_default();
        if job.state.is_open() && age > alive {
            job.abandon();
        }
        job
    }
}
