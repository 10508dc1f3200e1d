//! What is known of the databases from which rosters are read.

use std::collections::BTreeMap;

use chrono::{DateTime, TimeDelta, Utc};
use schemas::{SourceName, TenantId, layout};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::{Counts, Found, JobState};
use crate::{Lake, LakeError};

/// A database from which rosters are read again and again.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ImportSource {
    /// What it is called.
    pub name: SourceName,
    /// What it is: `postgres`.
    pub kind: String,
    /// How far it was read; none before the first time that all went well.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reached: Option<Reached>,
    /// The last time that it was read, or was to be.
    pub last: Sync,
}

/// How far a database was read, and what was made of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reached {
    /// Which database it was, by its own word: after a restore it is another.
    pub database: String,
    /// From which watermark on rows are to be read next time.
    pub watermark: i64,
    /// A checksum of the views or queries that were read: others have to be read whole.
    pub definition: String,
    /// The newest import when all was stored; 0 before the first. Whatever another has
    /// imported since is not known to be as the database has it.
    pub import: u64,
    /// When it was read.
    pub at: DateTime<Utc>,
    /// When all of it was read.
    pub full_at: DateTime<Utc>,
}

/// How it went when a database was read.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Sync {
    /// How it ended.
    pub state: JobState,
    /// When it began.
    pub started_at: DateTime<Utc>,
    /// When it ended.
    pub finished_at: DateTime<Utc>,
    /// Whether everything was read, or what has changed; of one that did not come to
    /// read, whether it would have been.
    pub full: bool,
    /// How many rows were read, by table.
    #[serde(default)]
    pub rows: BTreeMap<String, u64>,
    /// What changed, or would have, by table.
    #[serde(default)]
    pub tables: BTreeMap<String, Counts>,
    /// What is wrong with the rows.
    #[serde(default)]
    pub found: Found,
    /// The import that was made.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub import: Option<u64>,
    /// The job under which it is kept, if it was worth one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub job: Option<Uuid>,
    /// Why it was refused or has failed, and what to do.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
}

impl Sync {
    /// How long it took.
    pub fn duration(&self) -> TimeDelta {
        self.finished_at - self.started_at
    }

    /// How many rows were read.
    pub fn rows(&self) -> u64 {
        self.rows.values().sum()
    }
}

/// The documents of a tenant's databases.
#[derive(Debug, Clone)]
pub struct ImportSources {
    lake: Lake,
    tenant: TenantId,
}

impl ImportSources {
    /// Those of a tenant.
    pub fn new(lake: Lake, tenant: TenantId) -> Self {
        Self { lake, tenant }
    }

    /// Writes what is known of a source, in the place of what was.
    ///
    /// # Errors
    /// [`LakeError::Store`].
    pub async fn save(&self, source: &ImportSource) -> Result<(), LakeError> {
        let path = layout::roster_source(&self.tenant, &source.name);
        let content = serde_json::to_vec(source).expect("texts and numbers are JSON");
        self.lake.put_document(&path, content.into()).await
    }

    /// The source of a name; `None` if it was never read.
    ///
    /// # Errors
    /// [`LakeError::Store`] or [`LakeError::Document`].
    pub async fn get(&self, name: &SourceName) -> Result<Option<ImportSource>, LakeError> {
        let path = layout::roster_source(&self.tenant, name);
        let Some(content) = self.lake.document(&path).await? else {
            return Ok(None);
        };
        let source = serde_json::from_slice(&content);
        source
            .map(Some)
            .map_err(|source| LakeError::Document { path, source })
    }

    /// All of them, by name.
    ///
    /// # Errors
    /// As [`ImportSources::get`].
    pub async fn list(&self) -> Result<Vec<ImportSource>, LakeError> {
        let folder = layout::roster_sources(&self.tenant);
        let documents = self.lake.documents(&folder).await?;
        let names = documents.iter();
        let mut sources = Vec::new();
        for name in names.filter_map(|name| layout::parse_roster_source(name)) {
            sources.extend(self.get(&name).await?);
        }
        Ok(sources)
    }
}
