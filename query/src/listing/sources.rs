//! `import_sources`: a row for each database that rosters are read from.

use datafusion::arrow::array::{ArrayRef, RecordBatch};
use lake::imports::{ImportSource, ImportSources, Reached};

use super::arrays::{booleans, numbers, texts, times, whole};
use super::outcome::{self, Outcome};
use super::{Asked, Column, Kind, Listing, column};
use crate::error::Error;
use crate::session::unavailable;

pub(super) const COLUMNS: &[Column] = &[
    column(
        "source",
        Kind::Text,
        "What the database is called, as in import_jobs.",
    ),
    column("kind", Kind::Text, "postgres."),
    column(
        "state",
        Kind::Text,
        "How the last sync ended: done, unchanged, refused or failed.",
    ),
    column("started_at", Kind::Time, "When the last sync began."),
    column("finished_at", Kind::Time, "When it ended."),
    column("duration_seconds", Kind::Number, "How long it took."),
    column(
        "full",
        Kind::Boolean,
        "Whether it was to read everything, and not what has changed.",
    ),
    column(
        "rows_read",
        Kind::Whole,
        "Rows that it read, of all tables.",
    ),
    column("import", Kind::Whole, "The import that it made, if any."),
    column(
        "job_id",
        Kind::Text,
        "The job in import_jobs, if something changed or went wrong anew.",
    ),
    outcome::ADDED,
    outcome::CHANGED,
    outcome::ENDED,
    outcome::UNCHANGED,
    outcome::FATAL,
    outcome::ERRORS,
    outcome::WARNINGS,
    outcome::ERROR,
    column(
        "last_success_at",
        Kind::Time,
        "When a sync last ended done or unchanged; empty before the first that did.",
    ),
    column(
        "last_full_at",
        Kind::Time,
        "When everything was last read with success.",
    ),
    column(
        "last_import",
        Kind::Whole,
        "The newest import then, whoever made it.",
    ),
    column(
        "watermark",
        Kind::Whole,
        "From which watermark of the database on the next sync reads.",
    ),
];

/// All of them, by name.
pub(super) async fn rows(asked: &Asked<'_>) -> Result<RecordBatch, Error> {
    let sources = ImportSources::new(asked.lake.clone(), asked.tenant.clone());
    let sources = sources.list().await.map_err(unavailable)?;
    let sources = sources.as_slice();
    let mut columns: Vec<ArrayRef> = vec![
        texts(sources, |source| Some(source.name.to_string())),
        texts(sources, |source| Some(source.kind.clone())),
        texts(sources, |source| {
            Some(source.last.state.as_str().to_owned())
        }),
        times(sources, |source| Some(source.last.started_at)),
        times(sources, |source| Some(source.last.finished_at)),
        numbers(sources, |source| {
            Some(source.last.duration().as_seconds_f64())
        }),
        booleans(sources, |source| Some(source.last.full)),
        whole(sources, |source| Some(source.last.rows())),
        whole(sources, |source| source.last.import),
        texts(sources, |source| source.last.job.map(|job| job.to_string())),
    ];
    columns.extend(outcome::columns(sources, |source| Outcome {
        tables: &source.last.tables,
        found: source.last.found,
        error: source.last.error.as_deref(),
    }));
    columns.extend([
        times(sources, |source| Some(reached(source)?.at)),
        times(sources, |source| Some(reached(source)?.full_at)),
        whole(sources, |source| Some(reached(source)?.import)),
        whole(sources, |source| Some(reached(source)?.watermark)),
    ]);
    super::batch(Listing::ImportSources, columns)
}

fn reached(source: &ImportSource) -> Option<&Reached> {
    source.reached.as_ref()
}
