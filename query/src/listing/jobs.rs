//! `import_jobs`: a row for each job that imports rosters.

use datafusion::arrow::array::{ArrayRef, RecordBatch};
use lake::imports::{ImportKind, Job};
use schemas::roster::Class;

use super::arrays::{booleans, numbers, texts, times, whole};
use super::outcome::{self, Outcome};
use super::{Asked, Column, Kind, Listing, batch, column};
use crate::error::Error;

/// How many are shown: each is a document of its own.
const MOST: usize = 500;

pub(super) const COLUMNS: &[Column] = &[
    column(
        "job_id",
        Kind::Text,
        "Which job; later ones have greater ids.",
    ),
    column("kind", Kind::Text, "import, catalog or rollback."),
    column(
        "rolled_back_to",
        Kind::Whole,
        "Of a rollback, the import after which it is so again.",
    ),
    column(
        "state",
        Kind::Text,
        "waiting, running, done, unchanged, refused or failed.",
    ),
    column("source", Kind::Text, "What was imported."),
    Column {
        class: Class::Personal,
        ..column("imported_by", Kind::Text, "Who did it.")
    },
    column("created_at", Kind::Time, "When it was asked for."),
    column("started_at", Kind::Time, "When its turn came."),
    column("finished_at", Kind::Time, "When it ended."),
    column(
        "duration_seconds",
        Kind::Number,
        "How long it took since its turn came.",
    ),
    column(
        "import",
        Kind::Whole,
        "The import that it made; what histories call import.",
    ),
    column(
        "forced",
        Kind::Boolean,
        "Whether it was to be taken whatever it ends.",
    ),
    column("checksum", Kind::Text, "SHA-256 of what was imported."),
    outcome::ADDED,
    outcome::CHANGED,
    outcome::ENDED,
    outcome::UNCHANGED,
    outcome::FATAL,
    outcome::ERRORS,
    outcome::WARNINGS,
    outcome::ERROR,
];

/// The newest jobs, the newest first.
pub(super) async fn rows(asked: &Asked<'_>) -> Result<RecordBatch, Error> {
    let jobs = asked.newest_jobs(MOST).await?;
    let jobs = jobs.as_slice();
    let mut columns: Vec<ArrayRef> = vec![
        texts(jobs, |job| Some(job.id.to_string())),
        texts(jobs, |job| Some(kind(job).to_owned())),
        whole(jobs, |job| match job.kind {
            ImportKind::Import | ImportKind::Catalog => None,
            ImportKind::Rollback { to } => Some(to),
        }),
        texts(jobs, |job| Some(job.state.as_str().to_owned())),
        texts(jobs, |job| Some(job.source.clone())),
        texts(jobs, |job| Some(job.by.clone())),
        times(jobs, |job| Some(job.created_at)),
        times(jobs, |job| job.started_at),
        times(jobs, |job| job.finished_at),
        numbers(jobs, |job| Some(job.duration()?.as_seconds_f64())),
        whole(jobs, |job| job.import),
        booleans(jobs, |job| Some(job.forced)),
        texts(jobs, |job| job.checksum.clone()),
    ];
    columns.extend(outcome::columns(jobs, |job| Outcome {
        tables: &job.tables,
        found: job.found,
        error: job.error.as_deref(),
    }));
    batch(Listing::ImportJobs, columns)
}

fn kind(job: &Job) -> &'static str {
    match job.kind {
        ImportKind::Import => "import",
        ImportKind::Catalog => "catalog",
        ImportKind::Rollback { .. } => "rollback",
    }
}
