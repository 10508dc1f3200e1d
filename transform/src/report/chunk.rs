//! Parts of a term that one query can take.

use std::collections::BTreeMap;
use std::sync::Arc;

use arrow::array::{ArrayRef, AsArray, RecordBatch};
use arrow::compute::cast;
use arrow::datatypes::Int64Type;
use arrow::error::ArrowError;
use arrow::row::{OwnedRow, RowConverter, SortField};
use chrono_tz::Tz;
use datafusion::error::Result;
use datafusion::functions_aggregate::expr_fn::count;
use datafusion::prelude::{SessionContext, ident, lit};
use futures::TryStreamExt;
use lake::{Matcher, TermSlices};
use schemas::{Report, Term};

use crate::report::dirty::Source;
use crate::report::session::rows;
use crate::report::slice::{MAX_VALUES, slice_columns};

/// The slices of a term in parts of at most about `most_rows` source rows each,
/// in their order; a slice with more is a part of its own. Slices without any
/// row are in none. A term that is small enough is one part, uncounted.
pub(crate) async fn chunks(
    report: &Report,
    sources: &[Source],
    term: &Term,
    slices: &TermSlices,
    time_zone: Tz,
    session: &SessionContext,
    most_rows: usize,
) -> Result<Vec<TermSlices>> {
    let tables = sources.iter().filter_map(|source| source.table.as_ref());
    let total: Option<usize> = tables.map(|table| table.rows_of(term)).sum();
    let columns = slice_columns(report)?;
    if total.is_some_and(|total| total <= most_rows) || columns.fields().is_empty() {
        return Ok(vec![slices.clone()]);
    }
    let types = columns.fields().iter().map(|field| field.data_type());
    let types: Vec<_> = types.cloned().collect();
    let converter = RowConverter::new(types.iter().cloned().map(SortField::new).collect())?;
    let matcher = match slices {
        TermSlices::All => None,
        TermSlices::Of(values) => Some(Matcher::new(values)?),
    };
    let mut counts: BTreeMap<OwnedRow, usize> = BTreeMap::new();
    for source in sources {
        let Some(rows) = rows(session, source, term, slices, time_zone)? else {
            continue;
        };
        let names = columns.fields().iter().map(|field| ident(field.name()));
        let counted = rows.aggregate(names.collect(), vec![count(lit(1)).alias("rows")])?;
        let mut counted = counted.execute_stream().await?;
        while let Some(batch) = counted.try_next().await? {
            let values = batch.columns().iter().zip(&types);
            let values: Vec<ArrayRef> = values
                .map(|(values, data_type)| cast(values, data_type))
                .collect::<Result<_, ArrowError>>()?;
            let values = RecordBatch::try_new(Arc::clone(&columns), values)?;
            let within = matcher.as_ref().map(|matcher| matcher.within(&values));
            let within = within.transpose()?;
            let keys = converter.convert_columns(values.columns())?;
            let rows = batch.column(types.len()).as_primitive::<Int64Type>();
            for (at, (key, rows)) in keys.iter().zip(rows.values()).enumerate() {
                if within.as_ref().is_none_or(|within| within.value(at)) {
                    let rows = usize::try_from(*rows).unwrap_or(usize::MAX);
                    *counts.entry(key.owned()).or_default() += rows;
                }
            }
        }
    }
    let parts = pack(counts, most_rows).into_iter().map(|part| {
        let values = converter.convert_rows(part.iter().map(OwnedRow::row))?;
        let values = RecordBatch::try_new(Arc::clone(&columns), values)?;
        Ok(TermSlices::Of(values))
    });
    parts.collect()
}

/// Slices in their order, so many together as fit.
fn pack<K>(counts: BTreeMap<K, usize>, most_rows: usize) -> Vec<Vec<K>> {
    let mut parts: Vec<Vec<K>> = Vec::new();
    let mut room = 0;
    for (slice, rows) in counts {
        match parts.last_mut() {
            Some(part) if rows <= room && part.len() < MAX_VALUES => {
                room -= rows;
                part.push(slice);
            }
            _ => {
                parts.push(vec![slice]);
                room = most_rows.saturating_sub(rows);
            }
        }
    }
    parts
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn neighbours_are_packed_until_a_part_is_full() {
        let counts = BTreeMap::from([(1, 4), (2, 6), (3, 1), (4, 50), (5, 0), (6, 10)]);
        let parts = pack(counts, 10);
        assert_eq!(parts, [vec![1, 2], vec![3], vec![4, 5], vec![6]]);
        let many: BTreeMap<usize, usize> = (0..2 * MAX_VALUES).map(|slice| (slice, 0)).collect();
        assert_eq!(pack(many, 10).len(), 2);
    }
}
