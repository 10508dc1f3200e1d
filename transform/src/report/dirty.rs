//! Which slices of a report are dirty: those in which rows of its sources came
//! or went.

use arrow::array::{ArrayRef, RecordBatch};
use arrow::error::ArrowError;
use chrono_tz::Tz;
use futures::TryStreamExt;
use lake::{ChangedFile, LakeError, LakeTable};
use schemas::{Report, Table};

use crate::report::slice::{DAY, DirtySlices, days};

/// A source of a report, held at one version.
pub(crate) struct Source {
    pub kind: Table,
    /// `None` when nobody made it yet.
    pub table: Option<LakeTable>,
    /// The version of which the report's rows are made so far.
    pub since: Option<u64>,
}

/// The dirty slices of a report; `None` when that cannot be told: then all are.
pub(crate) async fn dirty(
    report: &Report,
    sources: &[Source],
    time_zone: Tz,
) -> Result<Option<DirtySlices>, LakeError> {
    let mut slices = DirtySlices::new(report).map_err(LakeError::Rows)?;
    for source in sources {
        let Some(table) = &source.table else {
            if source.since.is_some() {
                return Ok(None);
            }
            continue;
        };
        let Some(changes) = table.changes(source.since).await? else {
            return Ok(None);
        };
        for file in &changes.files {
            add(&mut slices, table, file, time_zone).await?;
        }
    }
    Ok(Some(slices))
}

/// Adds the slices in which the rows of a file lie.
async fn add(
    slices: &mut DirtySlices,
    table: &LakeTable,
    file: &ChangedFile,
    time_zone: Tz,
) -> Result<(), LakeError> {
    if slices.has_all_of(&file.term) {
        slices.add_term(&file.term);
        return Ok(());
    }
    let of_events = matches!(table.kind(), Table::Events(_));
    let stored: Vec<String> = slices
        .columns()
        .into_iter()
        .map(|column| match column {
            DAY if of_events => "occurred_at",
            other => other,
        })
        .map(str::to_owned)
        .collect();
    let stored: Vec<&str> = stored.iter().map(String::as_str).collect();
    let Some(mut rows) = table.read(file, &stored).await? else {
        // What was in it is not known any more.
        slices.add_term(&file.term);
        return Ok(());
    };
    while let Some(batch) = rows.try_next().await? {
        let columns = stored
            .iter()
            .map(|column| values(&batch, column, of_events, time_zone));
        let columns = columns.collect::<Result<Vec<_>, _>>();
        let added = columns.and_then(|columns| slices.add(&file.term, &columns));
        added.map_err(LakeError::Rows)?;
    }
    Ok(())
}

fn values(
    batch: &RecordBatch,
    column: &str,
    of_events: bool,
    time_zone: Tz,
) -> Result<ArrayRef, ArrowError> {
    let values = batch
        .column_by_name(column)
        .ok_or_else(|| ArrowError::SchemaError(format!("a file has no column {column}")))?;
    if of_events && column == "occurred_at" {
        return days(values, time_zone);
    }
    Ok(values.clone())
}
