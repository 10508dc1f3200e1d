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
    /// Whether it changes only what it names, of a catalogue; a bundle of rosters says so
    /// itself.
    #[serde(default, skip_serializing_if = "is_false")]
    pub delta: bool,
    /// Whether what it imports was uploaded: then it waits until it was imported, whatever
    /// becomes of the process that does it.
    #[serde(default)]
    pub uploaded: bool,
    /// By which name an uploaded catalogue is read: it says the form, and of a file of one
    /// table the table, as `contents.csv`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub file: Option<String>,
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

fn is_false(value: &bool) -> bool {
    !value
}

impl Job {
    /// One that waits since it was asked for, and of which nothing else is known.
    pub fn new(
        id: Uuid,
        kind: ImportKind,
        source: impl Into<String>,
        by: impl Into<String>,
        created_at: DateTime<Utc>,
    ) -> Self {
        Self {
            id,
            state: JobState::Waiting,
            kind,
            source: source.into(),
            checksum: None,
            by: by.into(),
            forced: false,
            delta: false,
            uploaded: false,
            file: None,
            lost: 0,
            created_at,
            started_at: None,
            finished_at: None,
            import: None,
            tables: BTreeMap::new(),
            found: Found::default(),
            error: None,
        }
    }

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

/// Says in the log that a bundle or a catalogue was uploaded: the value of a record of the kind
/// [`crate::headers::kind::ROSTER_UPLOADED`]. What is to be done stands in the inbox, and
/// who misses the record finds it there.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RosterUploaded {
    /// The job that imports it.
    pub job: Uuid,
    /// SHA-256 of what was uploaded.
    pub checksum: String,
    /// Its size.
    pub bytes: u64,
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_document_of_before_catalogues_were_uploaded_is_read_and_written_as_it_was() {
        let before = json!({
            "id": "0199b2f4-6c1e-7d3a-9a53-0a8f2a1d9c11", "state": "waiting", "kind": "import",
            "source": "SIS", "by": "key web", "forced": false, "uploaded": true, "lost": 0,
            "created_at": "2026-09-14T02:00:11Z", "tables": {},
            "found": { "fatal": 0, "errors": 0, "warnings": 0 },
        });
        let job: Job = serde_json::from_value(before.clone()).expect("is read");
        let expected = Job {
            uploaded: true,
            ..Job::new(job.id, ImportKind::Import, "SIS", "key web", job.created_at)
        };
        assert_eq!(job, expected);
        assert_eq!(serde_json::to_value(&job).expect("JSON"), before);
    }

    #[test]
    fn an_uploaded_catalogue_says_how_it_is_read() {
        let now = DateTime::UNIX_EPOCH;
        let job = Job {
            delta: true,
            file: Some("contents.csv".to_owned()),
            ..Job::new(Uuid::nil(), ImportKind::Catalog, "LMS", "key web", now)
        };
        let written = serde_json::to_value(&job).expect("JSON");
        let said = [&written["kind"], &written["delta"], &written["file"]];
        assert_eq!(
            said,
            [&json!("catalog"), &json!(true), &json!("contents.csv")]
        );
        assert_eq!(
            serde_json::from_value::<Job>(written).expect("is read"),
            job
        );
    }
}
