//! Which slices of a report are dirty: those in which rows of its sources came
//! or went.

use std::collections::{BTreeMap, HashMap};

use arrow::array::{ArrayRef, RecordBatch};
use arrow::error::ArrowError;
use arrow::row::{OwnedRow, RowConverter, SortField};
use chrono_tz::Tz;
use futures::TryStreamExt;
use lake::{ChangedFile, LakeError, LakeTable};
use schemas::{Report, Table, Term};

use crate::report::slice::{DAY, DirtySlices, days};

/// A source of a report, held at one version.
pub(crate) struct Source {
    pub kind: Table,
    /// `None` when nobody made it yet.
    pub table: Option<LakeTable>,
    /// The version of which the report's rows are made so far.
    pub since: Option<u64>,
}

impl Source {
    /// The version of which the report's rows are to be made. A table that is
    /// gone is as it was when it was made: without rows.
    pub fn version(&self) -> Option<u64> {
        match &self.table {
            Some(table) => Some(table.version()),
            None => self.since.map(|_| 0),
        }
    }
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
            if source.since > Some(0) {
                return Ok(None);
            }
            continue;
        };
        let Some(changes) = table.changes(source.since).await? else {
            return Ok(None);
        };
        match source.kind {
            Table::Report(_) => add_differences(&mut slices, table, changes.files).await?,
            _ => {
                for file in &changes.files {
                    add(&mut slices, table, file, time_zone).await?;
                }
            }
        }
    }
    Ok(Some(slices))
}

/// Adds the slices of rows that came or went and not both: a refresh of the
/// source writes most rows of a file anew as they were.
async fn add_differences(
    slices: &mut DirtySlices,
    table: &LakeTable,
    files: Vec<ChangedFile>,
) -> Result<(), LakeError> {
    let columns = lake::file_columns(table.kind());
    let names: Vec<&str> = columns.fields().iter().map(|f| f.name().as_str()).collect();
    let types = columns.fields().iter().map(|f| f.data_type().clone());
    let converter = RowConverter::new(types.map(SortField::new).collect());
    let converter = converter.map_err(LakeError::Rows)?;
    // How often each row came, less how often it went.
    let mut counts: BTreeMap<Term, HashMap<OwnedRow, i64>> = BTreeMap::new();
    for file in files {
        let Some(mut rows) = table.read(&file, &names).await? else {
            slices.add_term(&file.term);
            continue;
        };
        let counts = counts.entry(file.term).or_default();
        while let Some(batch) = rows.try_next().await? {
            let rows = converter.convert_columns(batch.columns());
            for row in &rows.map_err(LakeError::Rows)? {
                *counts.entry(row.owned()).or_default() += if file.removed { -1 } else { 1 };
            }
        }
    }
    for (term, counts) in counts {
        let changed = counts.iter().filter(|(_, count)| **count != 0);
        let rows = converter.convert_rows(changed.map(|(row, _)| row.row()));
        let batch = rows.and_then(|rows| RecordBatch::try_new(columns.clone(), rows));
        let batch = batch.map_err(LakeError::Rows)?;
        if slices.has_all_of(&term) {
            if batch.num_rows() > 0 {
                slices.add_term(&term);
            }
            continue;
        }
        let stored = slices.columns();
        let values = stored
            .iter()
            .map(|column| values(&batch, column, false, Tz::UTC));
        let added = values
            .collect::<Result<Vec<_>, _>>()
            .and_then(|values| slices.add(&term, &values));
        added.map_err(LakeError::Rows)?;
    }
    Ok(())
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
