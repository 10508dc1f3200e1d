//! Slices: rows of a table that have the same values in some columns, the term
//! first, and are replaced together.

use std::collections::{BTreeMap, HashSet};

use arrow::array::{Array, ArrayRef, BooleanArray, RecordBatch};
use arrow::compute::not;
use arrow::datatypes::DataType;
use arrow::error::ArrowError;
use arrow::row::{OwnedRow, RowConverter, SortField};
use chrono::NaiveDate;
use deltalake::datafusion::common::ScalarValue;
use schemas::Term;
use serde::Deserialize;
use serde_json::{Map, Value};

/// Some slices of a table.
#[derive(Debug, Clone, PartialEq)]
pub enum Slices {
    /// All rows.
    All,
    /// Those of some terms.
    Of(BTreeMap<Term, TermSlices>),
}

/// Some slices of a term.
#[derive(Debug, Clone, PartialEq)]
pub enum TermSlices {
    /// All rows of the term.
    All,
    /// Those that have the values of one of these rows, whose columns are
    /// columns of the table; NULL is a value like any other.
    Of(RecordBatch),
}

/// Tells the rows of some slices of a term from others.
pub struct Matcher<'a> {
    values: &'a RecordBatch,
    converter: RowConverter,
    known: HashSet<OwnedRow>,
}

impl<'a> Matcher<'a> {
    /// Of the slices with these values, as in [`TermSlices::Of`].
    ///
    /// # Errors
    /// [`ArrowError`] for types that cannot be compared.
    pub fn new(values: &'a RecordBatch) -> Result<Self, ArrowError> {
        let fields = values.schema_ref().fields().iter();
        let fields = fields.map(|field| SortField::new(field.data_type().clone()));
        let converter = RowConverter::new(fields.collect())?;
        let rows = converter.convert_columns(values.columns())?;
        Ok(Self {
            values,
            known: rows.iter().map(|row| row.owned()).collect(),
            converter,
        })
    }

    /// The names of the columns that it looks at.
    pub(crate) fn columns(&self) -> Vec<&str> {
        let fields = self.values.schema_ref().fields().iter();
        fields.map(|field| field.name().as_str()).collect()
    }

    /// Which of the rows lie in one of the slices.
    ///
    /// # Errors
    /// [`ArrowError`] when the rows have not the columns of the slices.
    pub fn within(&self, rows: &RecordBatch) -> Result<BooleanArray, ArrowError> {
        let columns: Vec<ArrayRef> = self
            .columns()
            .iter()
            .map(|name| rows.column_by_name(name).cloned())
            .collect::<Option<_>>()
            .ok_or_else(|| ArrowError::SchemaError("a slice column is missing".to_owned()))?;
        let rows = self.converter.convert_columns(&columns)?;
        let known = |row: arrow::row::Row<'_>| self.known.contains(&row.owned());
        Ok(rows.iter().map(|row| Some(known(row))).collect())
    }

    /// Which of the rows lie in none of the slices.
    pub(crate) fn others(&self, rows: &RecordBatch) -> Result<BooleanArray, ArrowError> {
        not(&self.within(rows)?)
    }

    /// Whether a file with these statistics may hold a row of the slices.
    pub(crate) fn may_be_in(&self, statistics: Option<&str>) -> bool {
        let Some(statistics) = statistics.and_then(|text| serde_json::from_str(text).ok()) else {
            return true;
        };
        let statistics: Statistics = statistics;
        let columns: Vec<_> = self.values.schema_ref().fields().iter().collect();
        (0..self.values.num_rows()).any(|row| {
            let mut values = columns.iter().zip(self.values.columns());
            values.all(|(field, values)| statistics.may_hold(field.name(), values, row))
        })
    }
}

/// Delta's statistics of a file, as far as they tell which slices it holds.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Statistics {
    #[serde(default)]
    min_values: Map<String, Value>,
    #[serde(default)]
    max_values: Map<String, Value>,
    #[serde(default)]
    null_count: Map<String, Value>,
}

impl Statistics {
    fn may_hold(&self, column: &str, values: &ArrayRef, row: usize) -> bool {
        if values.is_null(row) {
            return self.null_count.get(column).and_then(Value::as_u64) != Some(0);
        }
        let bound = |bounds: &Map<String, Value>| scalar(bounds.get(column)?, values.data_type());
        let Ok(value) = ScalarValue::try_from_array(values, row) else {
            return true;
        };
        // Without bounds, or where they cannot be compared: perhaps.
        let below = bound(&self.min_values).is_some_and(|least| value < least);
        let above = bound(&self.max_values).is_some_and(|greatest| value > greatest);
        !below && !above
    }
}

/// A bound as the type of its column, for the types that slices have.
fn scalar(bound: &Value, data_type: &DataType) -> Option<ScalarValue> {
    match data_type {
        DataType::Utf8 => Some(ScalarValue::from(bound.as_str()?)),
        DataType::Int64 => Some(ScalarValue::from(bound.as_i64()?)),
        DataType::Date32 => {
            let day: NaiveDate = bound.as_str()?.parse().ok()?;
            let days = day.signed_duration_since(NaiveDate::default()).num_days();
            Some(ScalarValue::Date32(i32::try_from(days).ok()))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow::array::{Date32Array, Int64Array, StringArray};
    use rstest::rstest;

    use super::*;

    fn values(columns: Vec<(&str, ArrayRef)>) -> RecordBatch {
        RecordBatch::try_from_iter(columns).expect("values")
    }

    fn texts(texts: &[Option<&str>]) -> ArrayRef {
        Arc::new(StringArray::from(texts.to_vec()))
    }

    const STATISTICS: &str = r#"{"numRecords":3,
        "minValues":{"day":"2026-09-14","content_id":"b","n":5},
        "maxValues":{"day":"2026-09-20","content_id":"d","n":7},
        "nullCount":{"day":0,"content_id":1,"n":0}}"#;

    #[rstest]
    #[case::before("day", Arc::new(Date32Array::from(vec![20_709])), false)]
    #[case::first("day", Arc::new(Date32Array::from(vec![20_710])), true)]
    #[case::last("day", Arc::new(Date32Array::from(vec![20_716])), true)]
    #[case::after("day", Arc::new(Date32Array::from(vec![20_717])), false)]
    #[case::no_null("day", Arc::new(Date32Array::from(vec![None])), false)]
    #[case::one_of_them("content_id", texts(&[Some("a"), Some("c")]), true)]
    #[case::none_of_them("content_id", texts(&[Some("a"), Some("e")]), false)]
    #[case::a_null("content_id", texts(&[None]), true)]
    #[case::a_number("n", Arc::new(Int64Array::from(vec![8])), false)]
    #[case::not_told("section_id", texts(&[Some("a"), None]), true)]
    fn statistics_rule_files_out(
        #[case] column: &str,
        #[case] array: ArrayRef,
        #[case] expected: bool,
    ) {
        let values = values(vec![(column, array)]);
        let matcher = Matcher::new(&values).expect("a matcher");
        assert_eq!(matcher.may_be_in(Some(STATISTICS)), expected);
        assert!(matcher.may_be_in(None));
    }

    #[test]
    fn a_slice_of_two_columns_must_fit_in_both() {
        let of = |day: i32, content: &str| {
            values(vec![
                ("day", Arc::new(Date32Array::from(vec![day])) as _),
                ("content_id", texts(&[Some(content)])),
            ])
        };
        for (day, content, expected) in [
            (20_711, "c", true),
            (20_711, "x", false),
            (20_700, "c", false),
        ] {
            let values = of(day, content);
            let matcher = Matcher::new(&values).expect("a matcher");
            assert_eq!(matcher.may_be_in(Some(STATISTICS)), expected);
        }
    }

    #[test]
    fn null_is_a_value_like_any_other() {
        let slices = values(vec![("content_id", texts(&[Some("a"), None]))]);
        let matcher = Matcher::new(&slices).expect("a matcher");
        let rows = values(vec![("content_id", texts(&[Some("a"), Some("b"), None]))]);
        let others = matcher.others(&rows).expect("compares");
        assert_eq!(others, BooleanArray::from(vec![false, true, false]));
        let within = matcher.within(&rows).expect("compares");
        assert_eq!(within, BooleanArray::from(vec![true, false, true]));
        assert!(
            matcher
                .others(&values(vec![("n", texts(&[None]))]))
                .is_err()
        );
    }
}
