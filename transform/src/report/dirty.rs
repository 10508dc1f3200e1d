//! Which slices of a report are dirty: those in which rows of its sources came
//! or went.

use std::collections::{BTreeMap, HashMap};

use arrow::array::{ArrayRef, RecordBatch};
use arrow::error::ArrowError;
use arrow::row::{OwnedRow, RowConverter, SortField};
use chrono_tz::Tz;
use futures::TryStreamExt;
use lake::{ChangedFile, LakeError, LakeTable, SourceVersion};
use schemas::{Report, Table, Term};
use xxhash_rust::xxh3::xxh3_128;

use crate::report::slice::{DAY, DirtySlices, MAX_SLICES, days};

/// A source of a report, held at one version.
pub(crate) struct Source {
    pub kind: Table,
    /// `None` when nobody made it yet.
    pub table: Option<LakeTable>,
    /// The version of which the report's rows are made so far.
    pub since: Option<SourceVersion>,
}

impl Source {
    /// The version of which the report's rows are to be made; `None` for a
    /// table that never was. One that is gone is no table, without rows.
    pub fn version(&self) -> Option<SourceVersion> {
        match &self.table {
            Some(table) => Some(table.source_version()),
            None => self.since.map(|_| SourceVersion::default()),
        }
    }

    /// Whether it is another table than the one that the report has read.
    fn is_another(&self) -> bool {
        match (self.since, self.version()) {
            (Some(before), Some(now)) => before.id != now.id,
            _ => false,
        }
    }
}

/// The dirty slices of a report; `None` when that cannot be told: then all are.
pub(crate) async fn dirty(
    report: &Report,
    sources: &[Source],
    time_zone: Tz,
) -> Result<Option<DirtySlices>, LakeError> {
    if sources.iter().any(Source::is_another) {
        return Ok(None);
    }
    let mut slices = DirtySlices::new(report).map_err(LakeError::Rows)?;
    for source in sources {
        let Some(table) = &source.table else {
            continue;
        };
        let since = source.since.map(|since| since.version);
        let Some(changes) = table.changes(since).await? else {
            return Ok(None);
        };
        match source.kind {
            Table::Report(_) => add_differences(&mut slices, table, changes.files).await?,
            _ => {
                for file in &changes.files {
                    match add(&mut slices, table, file, time_zone).await {
                        // What was in it is not known any more.
                        Err(error) if error.is_missing() => slices.add_term(&file.term),
                        added => added?,
                    }
                }
            }
        }
    }
    Ok(Some(slices))
}

/// For each slice the sum of the digests of the rows that came, less those of
/// the rows that went: 0 where the same rows came as went, in whatever order.
#[derive(Default)]
struct Differences(HashMap<OwnedRow, u128>);

impl Differences {
    fn add(&mut self, slice: OwnedRow, row: &[u8], removed: bool) {
        let sum = self.0.entry(slice).or_default();
        let digest = xxh3_128(row);
        *sum = if removed {
            sum.wrapping_sub(digest)
        } else {
            sum.wrapping_add(digest)
        };
    }

    /// The slices whose rows are others.
    fn changed(self) -> impl Iterator<Item = OwnedRow> {
        let changed = self.0.into_iter().filter(|(_, sum)| *sum != 0);
        changed.map(|(slice, _)| slice)
    }
}

/// Adds the slices in which rows came or went and not both: a refresh of the
/// source writes most rows of a file anew as they were. Takes memory for the
/// slices that are in the files, not for the rows.
async fn add_differences(
    slices: &mut DirtySlices,
    table: &LakeTable,
    files: Vec<ChangedFile>,
) -> Result<(), LakeError> {
    let mut differences: BTreeMap<Term, Differences> = BTreeMap::new();
    for file in files {
        if slices.has_all_of(&file.term) {
            slices.add_term(&file.term);
            continue;
        }
        let of_term = differences.entry(file.term.clone()).or_default();
        match add_difference(slices, of_term, table, &file).await {
            Ok(()) if of_term.0.len() <= MAX_SLICES => {}
            Err(error) if !error.is_missing() => return Err(error),
            // What was in the file is not known any more, or too much to remember.
            _ => {
                slices.add_term(&file.term);
                differences.remove(&file.term);
            }
        }
    }
    for (term, differences) in differences {
        for slice in differences.changed() {
            slices.add_slice(&term, slice);
        }
    }
    Ok(())
}

async fn add_difference(
    slices: &DirtySlices,
    differences: &mut Differences,
    table: &LakeTable,
    file: &ChangedFile,
) -> Result<(), LakeError> {
    let columns = lake::file_columns(table.kind());
    let names: Vec<&str> = columns.fields().iter().map(|f| f.name().as_str()).collect();
    let types = columns.fields().iter().map(|f| f.data_type().clone());
    let converter = RowConverter::new(types.map(SortField::new).collect());
    let converter = converter.map_err(LakeError::Rows)?;
    let mut batches = table.read(file, &names).await?;
    while let Some(batch) = batches.try_next().await? {
        let of = slices.columns().into_iter();
        let of: Result<Vec<_>, _> = of
            .map(|column| values(&batch, column, false, Tz::UTC))
            .collect();
        let of = of.and_then(|of| slices.slices_of(&of));
        let rows = converter.convert_columns(batch.columns());
        let (of, rows) = (of.map_err(LakeError::Rows)?, rows.map_err(LakeError::Rows)?);
        for (slice, row) in of.iter().zip(&rows) {
            differences.add(slice.owned(), row.as_ref(), file.removed);
        }
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
    let mut rows = table.read(file, &stored).await?;
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

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow::array::StringArray;
    use arrow::datatypes::DataType;

    use super::*;

    #[test]
    fn slices_whose_rows_went_and_came_again_have_not_changed() {
        let converter = RowConverter::new(vec![SortField::new(DataType::Utf8)]);
        let converter = converter.expect("a converter");
        let slice = |name: &str| {
            let names: ArrayRef = Arc::new(StringArray::from(vec![name]));
            let rows = converter.convert_columns(&[names]).expect("rows");
            rows.row(0).owned()
        };
        let mut differences = Differences::default();
        for (of, row, removed) in [
            ("same", "x", true),
            ("same", "y", true),
            ("other", "x", true),
            ("twice", "z", true),
            ("new", "n", false),
            ("same", "y", false),
            ("same", "x", false),
            ("other", "x2", false),
            ("twice", "z", false),
            ("twice", "z", false),
        ] {
            differences.add(slice(of), row.as_bytes(), removed);
        }
        let mut changed: Vec<OwnedRow> = differences.changed().collect();
        changed.sort();
        assert_eq!(changed, [slice("new"), slice("other"), slice("twice")]);
    }
}
