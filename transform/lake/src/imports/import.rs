//! What is known of an import, and by which its rows are seen.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use schemas::{Table, TenantId, layout};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::{Lake, LakeError};

/// An import that is complete.
///
/// It is one document, which is made only if nobody made that number first. With it all
/// that the import wrote is seen, in all tables: whoever reads rosters reads each table
/// at the version that the newest document names.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Import {
    /// Which import of the tenant: the first is 1.
    pub number: u64,
    /// The job that made it.
    pub id: Uuid,
    /// What it was.
    #[serde(flatten)]
    pub kind: ImportKind,
    /// What was imported, as whoever did it calls it.
    pub source: String,
    /// SHA-256 of what was imported.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub checksum: Option<String>,
    /// Who did it.
    pub by: String,
    /// When it began.
    pub started_at: DateTime<Utc>,
    /// When all was written: `recorded_at` of its rows is before that.
    pub finished_at: DateTime<Utc>,
    /// Whether it was taken although it ended more than it may.
    #[serde(default)]
    pub forced: bool,
    /// What it changed, by table.
    pub tables: BTreeMap<String, Counts>,
    /// The versions of all roster tables that there are, by table.
    pub versions: BTreeMap<String, u64>,
}

/// What an import was.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum ImportKind {
    /// Of a bundle of rosters.
    Import,
    /// Of a catalogue.
    Catalog,
    /// Back to what was stored before, of rosters and of the catalogue alike: imports of
    /// both have one row of numbers.
    Rollback {
        /// The import after which it was so; 0 is before the first.
        to: u64,
    },
}

/// How many rows of a table an import changed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counts {
    /// Rows that came.
    pub added: u64,
    /// Rows that say something else.
    pub changed: u64,
    /// Rows that ended.
    pub ended: u64,
    /// Rows that stayed as they were.
    pub unchanged: u64,
}

impl Counts {
    /// How many rows are not as they were.
    pub fn changes(&self) -> u64 {
        self.added + self.changed + self.ended
    }
}

impl Import {
    /// The version of a table that is to be read; none of one that has no rows.
    pub fn version(&self, table: Table) -> Option<u64> {
        self.versions.get(table.as_str()).copied()
    }
}

/// The documents of a tenant's imports.
#[derive(Debug, Clone)]
pub struct Imports {
    lake: Lake,
    tenant: TenantId,
}

impl Imports {
    /// Those of a tenant.
    pub fn new(lake: Lake, tenant: TenantId) -> Self {
        Self { lake, tenant }
    }

    /// The newest one, by which rosters are read; `None` before the first.
    ///
    /// # Errors
    /// [`LakeError::Store`] or [`LakeError::Document`].
    pub async fn newest(&self) -> Result<Option<Import>, LakeError> {
        match self.numbers().await?.last() {
            Some(number) => self.get(*number).await,
            None => Ok(None),
        }
    }

    /// The newest one, found from one that is `known` on: two look-ups when there is none
    /// since, and one more for each that there is. `None` where what is known is gone or is
    /// another one by now: then [`Imports::newest`] knows.
    ///
    /// # Errors
    /// As [`Imports::newest`].
    pub async fn newest_since(&self, known: &Import) -> Result<Option<Import>, LakeError> {
        let (same, mut next) =
            futures::future::try_join(self.get(known.number), self.get(known.number + 1)).await?;
        let Some(mut newest) = same.filter(|same| same.id == known.id) else {
            return Ok(None);
        };
        while let Some(later) = next {
            next = self.get(later.number + 1).await?;
            newest = later;
        }
        Ok(Some(newest))
    }

    /// All of them, the newest first.
    ///
    /// # Errors
    /// As [`Imports::newest`].
    pub async fn list(&self) -> Result<Vec<Import>, LakeError> {
        let mut imports = Vec::new();
        for number in self.numbers().await?.into_iter().rev() {
            imports.extend(self.get(number).await?);
        }
        Ok(imports)
    }

    /// The import of a number.
    ///
    /// # Errors
    /// As [`Imports::newest`].
    pub async fn get(&self, number: u64) -> Result<Option<Import>, LakeError> {
        let path = layout::roster_import(&self.tenant, number);
        let Some(content) = self.lake.document(&path).await? else {
            return Ok(None);
        };
        let import = serde_json::from_slice(&content);
        import
            .map(Some)
            .map_err(|source| LakeError::Document { path, source })
    }

    /// Makes the document of an import, with which it is seen; `false` when another
    /// import has that number.
    ///
    /// # Errors
    /// As [`Imports::newest`]; it may be there all the same.
    pub async fn create(&self, import: &Import) -> Result<bool, LakeError> {
        let path = layout::roster_import(&self.tenant, import.number);
        let content = serde_json::to_vec(import).expect("texts and numbers are JSON");
        let created = self.lake.create_document(&path, content.into()).await;
        if matches!(created, Ok(true)) {
            return Ok(true);
        }
        // An answer may be lost on its way, and what is asked again finds it done.
        match (self.get(import.number).await, created) {
            (Ok(Some(found)), _) if found.id == import.id => Ok(true),
            (_, Err(error)) | (Err(error), Ok(_)) => Err(error),
            (Ok(_), Ok(_)) => Ok(false),
        }
    }

    async fn numbers(&self) -> Result<Vec<u64>, LakeError> {
        let folder = layout::roster_imports(&self.tenant);
        let documents = self.lake.documents(&folder).await?;
        let numbers = documents.iter();
        let numbers = numbers.filter_map(|name| layout::parse_roster_import(name));
        Ok(numbers.collect())
    }
}
