//! The slices of a report that are to be computed again.

use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;

use arrow::array::{ArrayRef, AsArray, RecordBatch};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Date32Type, Field, Schema, SchemaRef, TimeUnit};
use arrow::error::ArrowError;
use arrow::row::{OwnedRow, RowConverter, Rows, SortField};
use chrono_tz::Tz;
use datafusion::common::ScalarValue;
use datafusion::prelude::{Expr, col, lit};
use lake::TermSlices;
use schemas::{Report, Term};

/// Values of one column from which on a filter does not name them all: it lets
/// more slices through, and each of those whole.
pub(crate) const MAX_VALUES: usize = 1_000;

/// Slices of a term from which on all of it counts as dirty: what is remembered
/// of them has a bound.
pub(crate) const MAX_SLICES: usize = 100_000;

/// The column that event tables have in reports and nowhere else: the day in
/// the tenant's time zone.
pub(crate) const DAY: &str = "day";

/// The slices of a report by term.
pub(crate) struct DirtySlices {
    /// The columns that make a slice, the term left out.
    columns: SchemaRef,
    converter: RowConverter,
    terms: BTreeMap<Term, Values>,
}

enum Values {
    All,
    Some(HashSet<OwnedRow>),
}

impl DirtySlices {
    /// None, yet.
    pub fn new(report: &Report) -> Result<Self, ArrowError> {
        let columns = slice_columns(report)?;
        let types = columns.fields().iter().map(|f| f.data_type().clone());
        Ok(Self {
            converter: RowConverter::new(types.map(SortField::new).collect())?,
            columns,
            terms: BTreeMap::new(),
        })
    }

    /// The names of the columns that make a slice, the term left out.
    pub fn columns(&self) -> Vec<&str> {
        let fields = self.columns.fields().iter();
        fields.map(|field| field.name().as_str()).collect()
    }

    /// Whether all of a term is dirty already.
    pub fn has_all_of(&self, term: &Term) -> bool {
        matches!(self.terms.get(term), Some(Values::All)) || self.columns.fields().is_empty()
    }

    /// All slices of a term.
    pub fn add_term(&mut self, term: &Term) {
        self.terms.insert(term.clone(), Values::All);
    }

    /// The slices in which rows of a term lie: their values in [`Self::columns`].
    pub fn add(&mut self, term: &Term, columns: &[ArrayRef]) -> Result<(), ArrowError> {
        for slice in distinct(&self.slices_of(columns)?) {
            self.add_slice(term, slice);
        }
        Ok(())
    }

    /// One slice.
    pub fn add_slice(&mut self, term: &Term, slice: OwnedRow) {
        let values = self.terms.entry(term.clone());
        let values = values.or_insert_with(|| Values::Some(HashSet::new()));
        if let Values::Some(slices) = values {
            slices.insert(slice);
            if slices.len() > MAX_SLICES {
                *values = Values::All;
            }
        }
    }

    /// The slice of each row, of its values in [`Self::columns`].
    pub fn slices_of(&self, columns: &[ArrayRef]) -> Result<Rows, ArrowError> {
        let types = self.columns.fields().iter();
        let columns = columns.iter().zip(types);
        let columns = columns.map(|(column, field)| cast(column, field.data_type()));
        let columns = columns.collect::<Result<Vec<_>, _>>()?;
        self.converter.convert_columns(&columns)
    }

    /// How many slices; a whole term counts as one.
    pub fn len(&self) -> usize {
        let count = |values: &Values| match values {
            Values::All => 1,
            Values::Some(values) => values.len(),
        };
        self.terms.values().map(count).sum()
    }

    /// The slices in the words of the lake.
    pub fn by_term(&self) -> Result<BTreeMap<Term, TermSlices>, ArrowError> {
        let slices = |values: &Values| -> Result<TermSlices, ArrowError> {
            match values {
                Values::All => Ok(TermSlices::All),
                Values::Some(_) if self.columns.fields().is_empty() => Ok(TermSlices::All),
                Values::Some(values) => {
                    let rows = values.iter().map(OwnedRow::row);
                    let columns = self.converter.convert_rows(rows)?;
                    let batch = RecordBatch::try_new(Arc::clone(&self.columns), columns)?;
                    Ok(TermSlices::Of(batch))
                }
            }
        };
        let terms = self.terms.iter();
        terms
            .map(|(term, values)| Ok((term.clone(), slices(values)?)))
            .collect()
    }
}

/// The columns that make a slice of a report, the term left out.
pub(crate) fn slice_columns(report: &Report) -> Result<SchemaRef, ArrowError> {
    let fields = report.slice[1..].iter().map(|name| {
        let field = report.schema().field_with_name(name)?;
        Ok(field.clone().with_nullable(true))
    });
    let fields = fields.collect::<Result<Vec<Field>, ArrowError>>()?;
    Ok(Arc::new(Schema::new(fields)))
}

/// The slices of rows that come in runs of one slice, hardly one twice.
fn distinct(rows: &Rows) -> impl Iterator<Item = OwnedRow> {
    let mut last = None;
    rows.iter().filter_map(move |row| {
        let is_new = last != Some(row);
        last = Some(row);
        is_new.then(|| row.owned())
    })
}

/// The days of some times in a time zone.
pub(crate) fn days(times: &ArrayRef, time_zone: Tz) -> Result<ArrayRef, ArrowError> {
    let local = cast(times, &local_time(time_zone))?;
    cast(&local, &DataType::Date32)
}

/// The day of `occurred_at` in a time zone, as [`days`] has it.
pub(crate) fn day(time_zone: Tz) -> Expr {
    let local = datafusion::prelude::cast(col("occurred_at"), local_time(time_zone));
    datafusion::prelude::cast(local, DataType::Date32)
}

fn local_time(time_zone: Tz) -> DataType {
    DataType::Timestamp(TimeUnit::Microsecond, Some(time_zone.name().into()))
}

/// What keeps all rows of the slices, of a table of events or of a report, and
/// perhaps other slices: but each of those whole, too.
pub(crate) fn filter(slices: &TermSlices, of_events: bool) -> Option<Expr> {
    let TermSlices::Of(values) = slices else {
        return None;
    };
    let columns = values.schema_ref().fields().iter().zip(values.columns());
    let filters = columns.filter_map(|(field, values)| {
        let named = one_of(field.name(), values);
        if of_events && field.name() == DAY {
            return named
                .into_iter()
                .chain(between_days(values))
                .reduce(Expr::and);
        }
        named
    });
    filters.reduce(Expr::and)
}

fn one_of(column: &str, values: &ArrayRef) -> Option<Expr> {
    let mut scalars = HashSet::new();
    for row in 0..values.len() {
        scalars.insert(ScalarValue::try_from_array(values, row).ok()?);
        if scalars.len() > MAX_VALUES {
            return None;
        }
    }
    let (nulls, some): (Vec<_>, Vec<_>) = scalars.into_iter().partition(ScalarValue::is_null);
    let null = (!nulls.is_empty()).then(|| col(column).is_null());
    let some = (!some.is_empty()).then(|| {
        // Of a column that it knows to be constant DataFusion 55 plans some unions
        // below windows wrongly, and then refuses the plan: no list has one value.
        let list = some.into_iter().chain(nowhere(values.data_type()));
        col(column).in_list(list.map(lit).collect(), false)
    });
    some.into_iter().chain(null).reduce(Expr::or)
}

/// A value that no row has.
fn nowhere(data_type: &DataType) -> Option<ScalarValue> {
    match data_type {
        DataType::Utf8 => Some(ScalarValue::from("\u{10FFFF}")),
        DataType::Date32 => Some(ScalarValue::Date32(Some(i32::MAX))),
        DataType::Int64 => Some(ScalarValue::Int64(Some(i64::MAX))),
        _ => None,
    }
}

/// A stretch of time that holds all of the days wherever on earth they are: what
/// files have statistics of.
fn between_days(days: &ArrayRef) -> Option<Expr> {
    const DAY_MICROS: i64 = 86_400_000_000;
    let days = days.as_primitive::<Date32Type>();
    let (first, last) = (arrow::compute::min(days)?, arrow::compute::max(days)?);
    let time = |day: i64| {
        let micros = Some(day * DAY_MICROS);
        lit(ScalarValue::TimestampMicrosecond(
            micros,
            Some("UTC".into()),
        ))
    };
    let from = col("occurred_at").gt_eq(time(i64::from(first) - 1));
    let until = col("occurred_at").lt(time(i64::from(last) + 2));
    Some(from.and(until))
}

#[cfg(test)]
mod tests {
    use arrow::array::{StringArray, TimestampMicrosecondArray};

    use super::*;

    #[test]
    fn a_day_begins_at_midnight_where_the_tenant_is() {
        let times = [
            "2026-03-28T23:59:59Z",
            "2026-03-29T22:59:59Z",
            "2026-03-29T23:00:00Z",
        ];
        let times = times.map(|time| {
            let time: chrono::DateTime<chrono::Utc> = time.parse().expect("a time");
            time.timestamp_micros()
        });
        let times = TimestampMicrosecondArray::from(times.to_vec()).with_timezone("UTC");
        let times: ArrayRef = Arc::new(times);
        let days_in = |time_zone| {
            let days = days(&times, time_zone).expect("days");
            let days = days.as_primitive::<Date32Type>();
            let day = |days: &i32| {
                Date32Type::to_naive_date_opt(*days)
                    .expect("a day")
                    .to_string()
            };
            days.values().iter().map(day).collect::<Vec<_>>()
        };
        // The clocks go forward on the 29th.
        assert_eq!(
            days_in(Tz::Europe__London),
            ["2026-03-28", "2026-03-29", "2026-03-30"]
        );
        assert_eq!(
            days_in(Tz::Pacific__Kiritimati),
            ["2026-03-29", "2026-03-30", "2026-03-30"]
        );
    }

    #[test]
    fn a_term_with_too_many_slices_is_dirty_as_a_whole() {
        let report = schemas::report("video_watch").expect("a report");
        let mut slices = DirtySlices::new(report).expect("no slices");
        let term = "2026-27".parse().expect("a term");
        let contents = |range: std::ops::Range<usize>| -> Vec<ArrayRef> {
            let contents = range.map(|n| n.to_string());
            vec![Arc::new(StringArray::from_iter_values(contents))]
        };
        slices.add(&term, &contents(0..MAX_SLICES)).expect("added");
        assert_eq!(slices.len(), MAX_SLICES);
        assert!(!slices.has_all_of(&term));
        slices
            .add(&term, &contents(MAX_SLICES..MAX_SLICES + 2))
            .expect("added");
        assert!(slices.has_all_of(&term));
        assert_eq!(slices.len(), 1);
    }
}
