//! `import_jobs`: a row for each job that imports rosters.

use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Utc};
use datafusion::arrow::array::{
    ArrayRef, BooleanArray, Float64Array, Int64Array, RecordBatch, StringArray,
    TimestampMicrosecondArray,
};
use lake::Lake;
use lake::imports::{Counts, ImportKind, Job, Jobs};
use schemas::TenantId;
use schemas::roster::Class;

use super::{Column, Kind, Listing, batch, column, ours};
use crate::error::Error;
use crate::session::unavailable;

/// How many are shown: each is a document of its own.
const MOST: usize = 500;

/// A job that goes on and was not renewed for so long has no process: four times as long
/// as a lease usually lasts.
pub(super) const ALIVE: Duration = Duration::from_secs(60);

pub(super) const COLUMNS: &[Column] = &[
    column(
        "job_id",
        Kind::Text,
        "Which job; later ones have greater ids.",
    ),
    column("kind", Kind::Text, "import, or rollback."),
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
    column("rows_added", Kind::Whole, "Rows that came, of all tables."),
    column("rows_changed", Kind::Whole, "Rows that say something else."),
    column("rows_ended", Kind::Whole, "Rows that ended."),
    column(
        "rows_unchanged",
        Kind::Whole,
        "Rows that stayed as they were.",
    ),
    column(
        "fatal",
        Kind::Whole,
        "Diagnostics for which it was refused.",
    ),
    column(
        "errors",
        Kind::Whole,
        "Diagnostics for which rows or files were left out.",
    ),
    column(
        "warnings",
        Kind::Whole,
        "Diagnostics of what was taken all the same.",
    ),
    column(
        "error",
        Kind::Text,
        "Why it was refused or failed, and what to do.",
    ),
];

/// The newest jobs, the newest first.
pub(super) async fn rows(
    lake: &Lake,
    tenant: &TenantId,
    now: DateTime<Utc>,
) -> Result<RecordBatch, Error> {
    let jobs = Jobs::new(lake.clone(), tenant.clone(), ALIVE);
    let jobs = jobs.list_at(MOST, now).await.map_err(unavailable)?;
    let jobs = jobs.as_slice();
    let columns: Vec<ArrayRef> = vec![
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
        Arc::new(Float64Array::from_iter(
            jobs.iter()
                .map(|job| Some(job.duration()?.as_seconds_f64())),
        )),
        whole(jobs, |job| job.import),
        Arc::new(BooleanArray::from_iter(
            jobs.iter().map(|job| Some(job.forced)),
        )),
        texts(jobs, |job| job.checksum.clone()),
        whole(jobs, |job| Some(total(job, |counts| counts.added))),
        whole(jobs, |job| Some(total(job, |counts| counts.changed))),
        whole(jobs, |job| Some(total(job, |counts| counts.ended))),
        whole(jobs, |job| Some(total(job, |counts| counts.unchanged))),
        whole(jobs, |job| Some(job.found.fatal)),
        whole(jobs, |job| Some(job.found.errors)),
        whole(jobs, |job| Some(job.found.warnings)),
        texts(jobs, |job| job.error.clone()),
    ];
    batch(Listing::ImportJobs, columns).map_err(ours)
}

fn kind(job: &Job) -> &'static str {
    match job.kind {
        ImportKind::Import => "import",
        ImportKind::Catalog => "catalog",
        ImportKind::Rollback { .. } => "rollback",
    }
}

fn total(job: &Job, count: impl Fn(&Counts) -> u64) -> u64 {
    job.tables.values().map(count).sum()
}

fn texts(jobs: &[Job], of: impl Fn(&Job) -> Option<String>) -> ArrayRef {
    Arc::new(StringArray::from_iter(jobs.iter().map(of)))
}

fn whole(jobs: &[Job], of: impl Fn(&Job) -> Option<u64>) -> ArrayRef {
    let numbers = jobs.iter().map(of);
    Arc::new(Int64Array::from_iter(numbers.map(|number| {
        number.and_then(|number| i64::try_from(number).ok())
    })))
}

fn times(jobs: &[Job], of: impl Fn(&Job) -> Option<DateTime<Utc>>) -> ArrayRef {
    let times = jobs.iter().map(of);
    let times = times.map(|time| time.map(|time| time.timestamp_micros()));
    Arc::new(TimestampMicrosecondArray::from_iter(times).with_timezone("UTC"))
}
