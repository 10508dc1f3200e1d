//! Rows for people: laid out as a table, one below the other, or as Markdown.

mod aligned;
mod expanded;
mod markdown;
mod width;

use std::borrow::Cow;

use arrow::array::{Array as _, RecordBatch};
use arrow::datatypes::{DataType, Schema};
use arrow::error::ArrowError;
use arrow::util::display::{ArrayFormatter, FormatOptions};

pub use self::aligned::aligned;
pub use self::expanded::expanded;
pub use self::markdown::markdown;
pub use self::width::width;

/// How a value that is missing is shown.
const NULL: &str = "NULL";

/// Rows that are held to be shown.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Sheet {
    /// What the columns are called, and which hold numbers.
    pub columns: Vec<Column>,
    /// The values of each row; `None` where one is missing.
    pub rows: Vec<Vec<Option<String>>>,
}

/// A column of a sheet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Column {
    /// Its name.
    pub name: String,
    /// Whether its values are numbers.
    pub is_number: bool,
}

/// What of the looks is allowed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Looks {
    /// Whether values that are missing are dim, and names bold.
    pub color: bool,
    /// Whether line ends within values stay, as those of plans should.
    pub lines: bool,
}

impl Sheet {
    /// An empty sheet with columns of texts.
    pub fn of<const N: usize>(columns: [&str; N]) -> Self {
        let columns = columns.into_iter().map(|name| Column {
            name: name.to_owned(),
            is_number: false,
        });
        Self {
            columns: columns.collect(),
            rows: Vec::new(),
        }
    }

    /// An empty sheet for rows of these columns.
    pub fn with_columns(schema: &Schema) -> Self {
        let columns = schema.fields().iter().map(|field| Column {
            name: field.name().clone(),
            is_number: is_number(field.data_type()),
        });
        Self {
            columns: columns.collect(),
            rows: Vec::new(),
        }
    }

    /// Takes rows in, at most so many, and says whether all of them were.
    ///
    /// # Errors
    /// When a value has no text.
    pub fn take(&mut self, batch: &RecordBatch, most: usize) -> Result<bool, ArrowError> {
        let options = FormatOptions::default().with_display_error(false);
        let columns = batch
            .columns()
            .iter()
            .map(|column| ArrayFormatter::try_new(column, &options))
            .collect::<Result<Vec<_>, _>>()?;
        let missing: Vec<_> = batch
            .columns()
            .iter()
            .map(|column| column.logical_nulls())
            .collect();
        let room = most.saturating_sub(self.rows.len());
        for row in 0..batch.num_rows().min(room) {
            let values = columns.iter().zip(&missing);
            let values = values.map(|(formatter, missing)| {
                let is_missing = missing.as_ref().is_some_and(|missing| missing.is_null(row));
                let value = (!is_missing).then(|| formatter.value(row));
                value.map(|value| value.try_to_string()).transpose()
            });
            self.rows.push(values.collect::<Result<_, _>>()?);
        }
        Ok(batch.num_rows() <= room)
    }
}

fn is_number(data_type: &DataType) -> bool {
    match data_type {
        DataType::Dictionary(_, value) => is_number(value),
        other => other.is_numeric(),
    }
}

/// A value or a name, so that nothing in it steers a terminal.
fn shown(text: &str, looks: Looks) -> Cow<'_, str> {
    match looks.lines {
        true => super::visible::visible_lines(text),
        false => super::visible::visible(text),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow::array::{
        ArrayRef, Decimal128Array, Float64Array, Int64Array, ListArray, NullArray, StringArray,
        TimestampMicrosecondArray,
    };
    use arrow::datatypes::Int64Type;

    use super::*;

    #[test]
    fn values_keep_their_digits_and_their_zone() {
        let decimal = Decimal128Array::from(vec![Some(110), None]);
        let time = TimestampMicrosecondArray::from(vec![Some(1_500_000), None]);
        let list = ListArray::from_iter_primitive::<Int64Type, _, _>(vec![
            Some(vec![Some(1), None]),
            None,
        ]);
        let columns: [(&str, ArrayRef); 7] = [
            ("i", Arc::new(Int64Array::from(vec![Some(i64::MAX), None]))),
            ("f", Arc::new(Float64Array::from(vec![0.1, f64::NAN]))),
            (
                "d",
                Arc::new(decimal.with_precision_and_scale(38, 2).expect("in range")),
            ),
            ("t", Arc::new(time.with_timezone("UTC"))),
            ("s", Arc::new(StringArray::from(vec![Some(""), None]))),
            ("l", Arc::new(list)),
            ("n", Arc::new(NullArray::new(2))),
        ];
        let batch = RecordBatch::try_from_iter(columns).expect("equal lengths");
        let mut sheet = Sheet::with_columns(&batch.schema());
        assert!(sheet.take(&batch, 2).expect("texts"));
        let numbers: Vec<bool> = sheet
            .columns
            .iter()
            .map(|column| column.is_number)
            .collect();
        assert_eq!(numbers, [true, true, true, false, false, false, false]);
        let text = |text: &str| Some(text.to_owned());
        let first = [
            text("9223372036854775807"),
            text("0.1"),
            text("1.10"),
            text("1970-01-01T00:00:01.500Z"),
            text(""),
            text("[1, ]"),
            None,
        ];
        assert_eq!(sheet.rows[0], first);
        assert_eq!(
            sheet.rows[1],
            [None, text("NaN"), None, None, None, None, None]
        );
        assert!(!sheet.take(&batch, 3).expect("texts"));
        assert_eq!(sheet.rows.len(), 3);
    }
}
