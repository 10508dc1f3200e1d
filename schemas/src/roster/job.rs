//! What is known of everybody who imports rosters, has imported, or has tried to: the
//! documents by which imports are told, whoever does them and whoever asks.

use std::collections::BTreeMap;

use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

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
    /// How many processes began an uploaded one and ended before it did.
    #[serde(default)]
    pub lost: u32,
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

    /// Makes of it what it is when its process is gone.
    pub fn abandon(&mut self) {
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

/// Says in the log that a bundle was uploaded: the value of a record of the kind
/// [`crate::headers::kind::ROSTER_UPLOADED`]. What is to be done stands in the inbox, and
/// who misses the record finds it there.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RosterUploaded {
    /// The job that imports it.
    pub job: Uuid,
    /// SHA-256 of the bundle.
    pub checksum: String,
    /// Its size.
    pub bytes: u64,
}
