//! Imports, jobs and what is wrong with bundles, as people read them.

use std::fmt::Write as _;

use anyhow::Context as _;
use chrono::{DateTime, SecondsFormat, TimeDelta, Utc};
use serde::{Deserialize, Serialize};
use transform::roster::{
    Counts, Found, Import, ImportKind, ImportSource, Job, JobState, Preview, RowDiff, Sync,
    TableDiff,
};

use crate::output::table;

/// A line of a job's diagnostics.
#[derive(Debug, Serialize, Deserialize)]
pub struct Diagnostic {
    severity: String,
    code: String,
    file: String,
    line: Option<u64>,
    column: String,
    count: u64,
    detail: String,
    advice: String,
}

/// How a job ended.
pub fn job(job: &Job) -> String {
    let mut text = match (job.state, job.import) {
        (JobState::Done, Some(import)) => format!("Import {import}: {}.", changes(&job.tables)),
        (JobState::Unchanged, _) => "Nothing has changed since the last import.".to_owned(),
        (state, _) => {
            let why = job.error.as_deref().unwrap_or("no reason is known");
            format!("{}: {why}.", state.as_str())
        }
    };
    for (name, counts) in job.tables.iter().filter(|(_, counts)| counts.changes() > 0) {
        let _ = write!(text, "\n  {}", counted(name, counts));
    }
    text += &wrong(&job.found);
    if job.found != Found::default() {
        let _ = write!(
            text,
            "\n`chalkline roster diagnostics {}` lists them.",
            job.id
        );
    }
    text
}

fn changes<'a>(tables: impl IntoIterator<Item = (&'a String, &'a Counts)>) -> String {
    let changes: u64 = tables.into_iter().map(|(_, counts)| counts.changes()).sum();
    format!("{changes} rows changed")
}

fn counted(name: &str, counts: &Counts) -> String {
    let Counts {
        added,
        changed,
        ended,
        unchanged,
    } = counts;
    format!("{name}: {added} added, {changed} changed, {ended} ended, {unchanged} unchanged")
}

fn wrong(found: &Found) -> String {
    let Found {
        fatal,
        errors,
        warnings,
    } = found;
    if *found == Found::default() {
        return String::new();
    }
    format!("\nWrong with the bundle: {fatal} fatal, {errors} errors, {warnings} warnings.")
}

/// What an import would do.
pub fn preview(preview: &Preview) -> String {
    let mut text = String::new();
    if let Some(refusal) = &preview.refusal {
        let _ = writeln!(text, "It would be refused: {refusal}.");
    }
    for (entity, diff) in &preview.tables {
        text += &table_diff(entity.name(), diff);
    }
    if preview
        .tables
        .values()
        .all(|diff| diff.counts.changes() == 0)
        && preview.refusal.is_none()
    {
        text += "Nothing would change.";
    }
    text += &wrong(&preview.found);
    text
}

fn table_diff(name: &str, diff: &TableDiff) -> String {
    let mut text = counted(name, &diff.counts);
    text.push('\n');
    for RowDiff {
        key,
        change,
        fields,
    } in &diff.changes
    {
        let _ = writeln!(text, "  {change} {key}");
        if *change == "changed" {
            for field in fields {
                let said = |value: &Option<String>| value.clone().unwrap_or_else(|| "–".to_owned());
                let (old, new) = (said(&field.old), said(&field.new));
                let _ = writeln!(text, "    {}: {old} → {new}", field.field);
            }
        }
    }
    let more = diff
        .counts
        .changes()
        .saturating_sub(diff.changes.len() as u64);
    if more > 0 {
        let _ = writeln!(text, "  … and {more} more");
    }
    text
}

fn what(kind: ImportKind) -> String {
    match kind {
        ImportKind::Import => "import".to_owned(),
        ImportKind::Catalog => "catalogue".to_owned(),
        ImportKind::Rollback { to } => format!("rollback to {to}"),
    }
}

/// How it went when a database was read.
pub fn source(source: &ImportSource) -> String {
    let Sync {
        state,
        full,
        tables,
        ..
    } = &source.last;
    let what = if *full { "all" } else { "what has changed" };
    let read = format!("Read {what}: {} rows", source.last.rows());
    let mut text = match (state, source.last.import) {
        (JobState::Done, Some(import)) => format!("{read}. Import {import}: {}.", changes(tables)),
        (JobState::Unchanged, _) => format!("{read}. Nothing has changed since the last import."),
        (state, _) => {
            let why = source.last.error.as_deref().unwrap_or("no reason is known");
            format!("{}: {why}.", state.as_str())
        }
    };
    for (name, counts) in tables.iter().filter(|(_, counts)| counts.changes() > 0) {
        let _ = write!(text, "\n  {}", counted(name, counts));
    }
    let Found {
        fatal,
        errors,
        warnings,
    } = source.last.found;
    if source.last.found != Found::default() {
        let _ = write!(
            text,
            "\nWrong with the rows: {fatal} fatal, {errors} errors, {warnings} warnings."
        );
    }
    if let Some(job) = source
        .last
        .job
        .filter(|_| source.last.found != Found::default())
    {
        let _ = write!(text, "\n`chalkline roster diagnostics {job}` lists them.");
    }
    text
}

/// A line for each database.
pub fn sources(sources: &[ImportSource], now: DateTime<Utc>) -> String {
    if sources.is_empty() {
        return "No database was read yet; `chalkline roster sync --help` tells how.".to_owned();
    }
    let rows = sources.iter().map(|source| {
        let reached = source.reached.as_ref();
        let at = reached.map(|reached| reached.at);
        let never = || "never".to_owned();
        [
            source.name.to_string(),
            source.last.state.as_str().to_owned(),
            at.map_or_else(never, |at| at.to_rfc3339_opts(SecondsFormat::Secs, true)),
            at.map_or_else(String::new, |at| ago(now - at)),
            source.last.rows().to_string(),
            if source.last.full { "all" } else { "changes" }.to_owned(),
            reached.map_or_else(String::new, |reached| reached.import.to_string()),
            source.last.error.clone().unwrap_or_default(),
        ]
    });
    let headings = [
        "source",
        "state",
        "last went well",
        "ago",
        "rows",
        "read",
        "import",
        "",
    ];
    table(headings, rows).to_string()
}

/// A length of time in its largest unit.
fn ago(time: TimeDelta) -> String {
    let units = [
        (time.num_days(), "d"),
        (time.num_hours(), "h"),
        (time.num_minutes(), "min"),
    ];
    let largest = units.into_iter().find(|(count, _)| *count > 0);
    let (count, unit) = largest.unwrap_or((time.num_seconds().max(0), "s"));
    format!("{count} {unit}")
}

/// A line for each import.
pub fn imports(imports: &[Import]) -> String {
    if imports.is_empty() {
        return "Nothing was imported yet.".to_owned();
    }
    let rows = imports.iter().map(|import| {
        [
            import.number.to_string(),
            what(import.kind),
            import.source.clone(),
            import.by.clone(),
            import
                .finished_at
                .to_rfc3339_opts(SecondsFormat::Secs, true),
            changes(&import.tables),
        ]
    });
    let headings = ["number", "what", "source", "by", "at", "changes"];
    table(headings, rows).to_string()
}

/// A line for each job.
pub fn jobs(jobs: &[Job]) -> String {
    if jobs.is_empty() {
        return "Nobody has imported yet.".to_owned();
    }
    let rows = jobs.iter().map(|job| {
        let seconds = job.duration().map(|took| took.as_seconds_f64());
        let told = match (&job.error, job.import) {
            (Some(error), _) => error.clone(),
            (None, Some(import)) => format!("import {import}: {}", changes(&job.tables)),
            (None, None) => String::new(),
        };
        [
            job.id.to_string(),
            job.state.as_str().to_owned(),
            what(job.kind),
            job.source.clone(),
            job.by.clone(),
            job.created_at.to_rfc3339_opts(SecondsFormat::Secs, true),
            seconds.map_or_else(String::new, |seconds| format!("{seconds:.1} s")),
            told,
        ]
    });
    let headings = ["job", "state", "what", "source", "by", "at", "took", ""];
    table(headings, rows).to_string()
}

/// The lines of a job's diagnostics.
pub fn diagnostics(csv: &[u8]) -> anyhow::Result<Vec<Diagnostic>> {
    let lines = csv::Reader::from_reader(csv).into_deserialize();
    let lines: Result<Vec<Diagnostic>, csv::Error> = lines.collect();
    lines.context("what is wrong with the bundle is not kept as this version reads it")
}

/// They, for people.
pub fn diagnostics_table(found: &[Diagnostic]) -> String {
    if found.is_empty() {
        return "Nothing is wrong with the bundle.".to_owned();
    }
    let rows = found.iter().map(|found| {
        let line = found
            .line
            .map_or_else(String::new, |line| format!(":{line}"));
        [
            found.severity.clone(),
            format!("{}{line} {}", found.file, found.column)
                .trim()
                .to_owned(),
            found.count.to_string(),
            format!("{}: {}", found.detail, found.advice),
        ]
    });
    table(["severity", "where", "times", "what to do"], rows).to_string()
}
