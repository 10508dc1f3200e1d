//! The slices of a report that are to be computed again.

use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;

use arrow::array::{ArrayRef, AsArray, BooleanArray, RecordBatch};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Date32Type, Field, Schema, SchemaRef, TimeUnit};
use arrow::error::ArrowError;
use arrow::row::{OwnedRow, RowConverter, SortField};
use chrono_tz::Tz;
use datafusion::common::ScalarValue;
use datafusion::prelude::{Expr, col, lit};
use lake::TermSlices;
use schemas::{Report, Term};

/// Values of one column from which on a filter does not name them all: it lets
/// more slices through, and each of those whole.
const MAX_VALUES: usize = 1_000;

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
        let fields = report.slice[1..].iter().map(|name| {
            let field = report.schema().field_with_name(name)?;
            Ok(field.clone().with_nullable(true))
        });
        let fields = fields.collect::<Result<Vec<Field>, ArrowError>>()?;
        let types = fields.iter().map(|field| field.data_type().clone());
        Ok(Self {
            converter: RowConverter::new(types.map(SortField::new).collect())?,
            columns: Arc::new(Schema::new(fields)),
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
        let types = self.columns.fields().iter();
        let columns = columns.iter().zip(types);
        let columns = columns.map(|(column, field)| cast(column, field.data_type()));
        let rows = columns.collect::<Result<Vec<_>, _>>()?;
        let rows = self.converter.convert_columns(&rows)?;
        if rows.num_rows() == 0 {
            return Ok(());
        }
        let values = self.terms.entry(term.clone());
        if let Values::Some(values) = values.or_insert_with(|| Values::Some(HashSet::new())) {
            // Rows come in runs of one slice.
            let mut last = None;
            for row in rows.iter() {
                if last != Some(row) {
                    last = Some(row);
                    values.insert(row.owned());
                }
            }
        }
        Ok(())
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

/// Which rows lie in the slices; the columns of these are among the rows'.
pub(crate) fn within(slices: &RecordBatch, rows: &RecordBatch) -> Result<BooleanArray, ArrowError> {
    let fields = slices.schema_ref().fields();
    let types = fields.iter().map(|field| field.data_type().clone());
    let converter = RowConverter::new(types.map(SortField::new).collect())?;
    let known = converter.convert_columns(slices.columns())?;
    let known: HashSet<_> = known.iter().map(|row| row.owned()).collect();
    let columns: Vec<ArrayRef> = fields
        .iter()
        .map(|field| rows.column_by_name(field.name()).cloned())
        .collect::<Option<_>>()
        .ok_or_else(|| ArrowError::SchemaError("a slice column is missing".to_owned()))?;
    let rows = converter.convert_columns(&columns)?;
    Ok(rows
        .iter()
        .map(|row| Some(known.contains(&row.owned())))
        .collect())
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
    fn null_is_within_a_slice_of_nulls_only() {
        let texts = |texts: Vec<Option<&str>>| {
            let texts: ArrayRef = Arc::new(StringArray::from(texts));
            let field = Field::new("content_id", DataType::Utf8, true);
            RecordBatch::try_new(Arc::new(Schema::new(vec![field])), vec![texts]).expect("rows")
        };
        let rows = texts(vec![Some("a"), None, Some("b")]);
        for (slices, expected) in [
            (vec![None], [false, true, false]),
            (vec![Some("b"), Some("c")], [false, false, true]),
        ] {
            let within = within(&texts(slices), &rows).expect("compares");
            assert_eq!(within, BooleanArray::from(expected.to_vec()));
        }
    }
}
