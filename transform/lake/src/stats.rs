//! What a file holds, as Delta's statistics say it: the row count, and bounds
//! of the columns that tell nothing about a person.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, DictionaryArray, RecordBatch, StringArray};
use arrow::compute::{max, max_string, min, min_string};
use arrow::datatypes::{
    DataType, Date32Type, Float64Type, Int32Type, Int64Type, TimeUnit, TimestampMicrosecondType,
};
use arrow::error::ArrowError;
use chrono::{DateTime, SecondsFormat};
use deltalake::datafusion::common::ScalarValue;
use deltalake::datafusion::error::DataFusionError;
use deltalake::datafusion::functions_aggregate::min_max::{MaxAccumulator, MinAccumulator};
use deltalake::datafusion::logical_expr::Accumulator;
use schemas::Table;
use serde_json::{Map, Value, json};

use crate::LakeError;

/// Characters of a text that its bounds keep.
const TEXT_BOUND_CHARS: usize = 32;

/// The columns that have statistics, in order.
pub(crate) fn statistics_columns(table: Table) -> Vec<String> {
    crate::file_columns(table)
        .fields()
        .iter()
        .filter(|field| {
            !schemas::is_personal(table, field.name()) && !field.data_type().is_nested()
        })
        .map(|field| field.name().clone())
        .collect()
}

/// Gathers the statistics of a file while its rows are written.
pub(crate) struct StatisticsBuilder {
    rows: usize,
    columns: Vec<ColumnStatistics>,
}

struct ColumnStatistics {
    name: String,
    nulls: usize,
    least: MinAccumulator,
    greatest: MaxAccumulator,
}

impl StatisticsBuilder {
    pub fn new(table: Table) -> Result<Self, LakeError> {
        let types = crate::file_columns(table);
        let column = |name: String| {
            let data_type = types.field_with_name(&name).map_err(LakeError::Rows)?;
            let data_type = data_type.data_type();
            Ok(ColumnStatistics {
                nulls: 0,
                least: MinAccumulator::try_new(data_type).map_err(rows_error)?,
                greatest: MaxAccumulator::try_new(data_type).map_err(rows_error)?,
                name,
            })
        };
        let columns = statistics_columns(table).into_iter().map(column);
        Ok(Self {
            rows: 0,
            columns: columns.collect::<Result<_, LakeError>>()?,
        })
    }

    /// Adds rows that have the columns of the file.
    pub fn add(&mut self, rows: &RecordBatch) -> Result<(), LakeError> {
        self.rows += rows.num_rows();
        for column in &mut self.columns {
            let Some(values) = rows.column_by_name(&column.name) else {
                continue;
            };
            column.nulls += values.null_count();
            let words = values.as_dictionary_opt().map(used_words);
            let values = std::slice::from_ref(words.as_ref().unwrap_or(values));
            column.least.update_batch(values).map_err(rows_error)?;
            column.greatest.update_batch(values).map_err(rows_error)?;
        }
        Ok(())
    }

    /// The statistics of all rows that were added.
    pub fn finish(mut self) -> Result<Value, LakeError> {
        let mut least = Map::new();
        let mut greatest = Map::new();
        let mut nulls = Map::new();
        for column in &mut self.columns {
            let values = [column.least.evaluate(), column.greatest.evaluate()];
            let [low, high] = values.map(|value| value.map_err(rows_error));
            let values = ScalarValue::iter_to_array([low?, high?]).map_err(rows_error)?;
            nulls.insert(column.name.clone(), column.nulls.into());
            if let Some((low, high)) = bounds(values.as_ref()) {
                least.insert(column.name.clone(), low);
                greatest.insert(column.name.clone(), high);
            }
        }
        Ok(json!({
            "numRecords": self.rows,
            "minValues": least,
            "maxValues": greatest,
            "nullCount": nulls,
        }))
    }
}

/// The words of a dictionary that rows have: it may be that of other rows, too.
fn used_words(column: &DictionaryArray<Int32Type>) -> ArrayRef {
    let words = column.values().as_string::<i32>();
    let used = column.occupancy();
    let used = used.set_indices().map(|word| Some(words.value(word)));
    Arc::new(used.collect::<StringArray>())
}

fn rows_error(error: DataFusionError) -> LakeError {
    LakeError::Rows(ArrowError::ExternalError(Box::new(error)))
}

/// A value at or below every value of the column and one at or above; nothing
/// when there are no values or none that JSON can tell.
fn bounds(column: &dyn Array) -> Option<(Value, Value)> {
    match column.data_type() {
        DataType::Int32 => {
            let values = column.as_primitive::<Int32Type>();
            Some((min(values)?.into(), max(values)?.into()))
        }
        DataType::Int64 => {
            let values = column.as_primitive::<Int64Type>();
            Some((min(values)?.into(), max(values)?.into()))
        }
        DataType::Float64 => {
            let values = column.as_primitive::<Float64Type>();
            let (low, high) = (min(values)?, max(values)?);
            // NaN sorts last: when the greatest is finite, all are.
            (low.is_finite() && high.is_finite()).then(|| (low.into(), high.into()))
        }
        DataType::Date32 => {
            let values = column.as_primitive::<Date32Type>();
            let day = |days| Date32Type::to_naive_date_opt(days).map(|day| day.to_string().into());
            Some((day(min(values)?)?, day(max(values)?)?))
        }
        DataType::Timestamp(TimeUnit::Microsecond, _) => {
            let values = column.as_primitive::<TimestampMicrosecondType>();
            let low = milliseconds(min(values)?.div_euclid(1000))?;
            let high = milliseconds(-(-max(values)?).div_euclid(1000))?;
            Some((low, high))
        }
        DataType::Utf8 => {
            let values = column.as_string::<i32>();
            let low = min_string(values)?.chars().take(TEXT_BOUND_CHARS);
            let high = text_above(max_string(values)?);
            Some((low.collect::<String>().into(), high.into()))
        }
        _ => None,
    }
}

/// Delta's statistics know milliseconds: bounds are rounded outwards.
fn milliseconds(millis: i64) -> Option<Value> {
    let time = DateTime::from_timestamp_millis(millis)?;
    Some(time.to_rfc3339_opts(SecondsFormat::Millis, true).into())
}

/// A short text at or above `text`: its beginning, and then the greatest
/// character there is.
fn text_above(text: &str) -> String {
    let mut chars = text.chars();
    let mut bound: String = chars.by_ref().take(TEXT_BOUND_CHARS).collect();
    for next in chars {
        bound.push(char::MAX);
        if next != char::MAX {
            break;
        }
    }
    bound
}

#[cfg(test)]
mod tests {
    use arrow::array::{
        Date32Array, Float64Array, Int64Array, StringArray, TimestampMicrosecondArray,
    };
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case("short", "short".to_owned())]
    #[case(&"a".repeat(32), "a".repeat(32))]
    #[case(&"a".repeat(33), format!("{}\u{10FFFF}", "a".repeat(32)))]
    #[case(&format!("{}\u{10FFFF}b", "ü".repeat(32)), format!("{}\u{10FFFF}\u{10FFFF}", "ü".repeat(32)))]
    fn a_cut_text_bound_is_never_below_the_text(#[case] text: &str, #[case] bound: String) {
        assert_eq!(text_above(text), bound);
        assert!(bound.as_str() >= text);
    }

    #[test]
    fn time_bounds_are_rounded_outwards() {
        let times = TimestampMicrosecondArray::from(vec![1_500, -1_500]).with_timezone("UTC");
        let (low, high) = bounds(&times).expect("bounds");
        assert_eq!(low, "1969-12-31T23:59:59.998Z");
        assert_eq!(high, "1970-01-01T00:00:00.002Z");
    }

    #[test]
    fn day_bounds_are_days() {
        let days = Date32Array::from(vec![Some(20_711), None, Some(20_710)]);
        let (low, high) = bounds(&days).expect("bounds");
        assert_eq!((low, high), (json!("2026-09-14"), json!("2026-09-15")));
    }

    #[test]
    fn columns_without_values_and_with_values_that_are_no_numbers_have_no_bounds() {
        assert_eq!(bounds(&Int64Array::from(vec![None, None])), None);
        assert_eq!(bounds(&Float64Array::from(vec![1.0, f64::NAN])), None);
        assert_eq!(bounds(&Float64Array::from(vec![1.0, f64::INFINITY])), None);
    }

    #[test]
    fn personal_columns_are_left_out() {
        for table in Table::all().chain(Table::rosters()) {
            let columns = statistics_columns(table);
            let is_personal = |column: &String| schemas::is_personal(table, column);
            assert!(!columns.iter().any(is_personal), "{table}");
            assert!(!columns.iter().any(|c| c == "played_segments"));
            let has_term = columns.iter().any(|c| c == "term");
            assert!(!(table.is_by_term() && has_term), "{table}");
        }
        let rows = RecordBatch::try_from_iter([
            ("event_id", Arc::new(StringArray::from(vec!["secret"])) as _),
            ("course_id", Arc::new(StringArray::from(vec!["bio"])) as _),
        ]);
        let stats = statistics(&[rows.expect("rows")]);
        assert!(!stats.to_string().contains("secret"));
        assert_eq!(stats["minValues"]["course_id"], "bio");
    }

    fn statistics(batches: &[RecordBatch]) -> Value {
        let table = Table::Events(schemas::Family::Video);
        let mut statistics = StatisticsBuilder::new(table).expect("a builder");
        for batch in batches {
            statistics.add(batch).expect("adds");
        }
        statistics.finish().expect("finishes")
    }

    #[test]
    fn rows_in_pieces_have_the_statistics_of_the_whole() {
        let batch = |texts: Vec<Option<&str>>, numbers: Vec<f64>| {
            RecordBatch::try_from_iter([
                ("course_id", Arc::new(StringArray::from(texts)) as _),
                (
                    "position_seconds",
                    Arc::new(Float64Array::from(numbers)) as _,
                ),
            ])
        };
        let whole = batch(
            vec![Some("b"), None, Some("a"), None],
            vec![3.0, 1.0, 2.0, 9.5],
        );
        let whole = whole.expect("rows");
        let pieces: Vec<_> = (0..4).map(|row| whole.slice(row, 1)).collect();
        let stats = statistics(&pieces);
        assert_eq!(stats, statistics(std::slice::from_ref(&whole)));
        assert_eq!(stats["numRecords"], 4);
        assert_eq!(stats["nullCount"]["course_id"], 2);
        assert_eq!(stats["minValues"]["course_id"], "a");
        assert_eq!(stats["maxValues"]["position_seconds"], 9.5);
    }
}
