//! What is known of everybody who imports, has imported, or has tried to.

use std::collections::BTreeMap;
use std::time::Duration;

use bytes::Bytes;
use chrono::{DateTime, TimeDelta, Utc};
use futures::{StreamExt, TryStreamExt};
use schemas::{TenantId, layout};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::{Counts, ImportKind};
use crate::{Lake, LakeError};

/// How many documents are read at once.
const CONCURRENT_READS: usize = 16;

/// An import, whether it came to its end or not.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Job {
    /// Its id; later jobs have greater ones.
    pub id: Uuid,
    /// How far it is.
    pub state: JobState,
    /// What it is.
    #[serde(flatten)]
    pub kind: ImportKind,
    /// What is imported, as whoever does it calls it.
    pub source: String,
    /// SHA-256 of what is imported, once it was read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub checksum: Option<String>,
    /// Who does it.
    pub by: String,
    /// Whether it is taken although it ends more than it may.
    #[serde(default)]
    pub forced: bool,
    /// Whether its bundle was uploaded: then it waits until it was imported, whatever
    /// becomes of the process that does it.
    #[serde(default)]
    pub uploaded: bool,
    /// When it was asked for.
    pub created_at: DateTime<Utc>,
    /// When its turn came.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub started_at: Option<DateTime<Utc>>,
    /// When it ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub finished_at: Option<DateTime<Utc>>,
    /// The import that it made.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub import: Option<u64>,
    /// What changed, or would have, by table.
    #[serde(default)]
    pub tables: BTreeMap<String, Counts>,
    /// What is wrong with the bundle.
    #[serde(default)]
    pub found: Found,
    /// Why it was refused or has failed, and what to do.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
}

/// How far a job is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum JobState {
    /// Another one is under way.
    Waiting,
    /// It is under way.
    Running,
    /// All of it is seen.
    Done,
    /// There was nothing to change.
    Unchanged,
    /// The bundle is not taken, and nothing of it is seen.
    Refused,
    /// It did not come to its end, and nothing of it is seen.
    Failed,
}

/// How many things are wrong with a bundle.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Found {
    /// For which the bundle is refused.
    pub fatal: u64,
    /// For which rows or files are left out.
    pub errors: u64,
    /// That are taken all the same.
    pub warnings: u64,
}

impl JobState {
    /// What it is called.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::Running => "running",
            Self::Done => "done",
            Self::Unchanged => "unchanged",
            Self::Refused => "refused",
            Self::Failed => "failed",
        }
    }

    /// Whether it goes on.
    pub fn is_open(self) -> bool {
        matches!(self, Self::Waiting | Self::Running)
    }
}

impl Job {
    /// How long it took since its turn came; of one that goes on nothing.
    pub fn duration(&self) -> Option<TimeDelta> {
        Some(self.finished_at? - self.started_at?)
    }

    /// What it is when its process is gone.
    fn abandon(&mut self) {
        if self.uploaded {
            self.state = JobState::Waiting;
            self.started_at = None;
        } else {
            self.state = JobState::Failed;
            let gone = "its process is gone, and nothing of it is seen; import again";
            self.error = Some(gone.to_owned());
        }
    }
}

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
