//! What of a report can be asked for.

use datafusion::arrow::datatypes::{DataType, Schema};
use schemas::Report;

use crate::error::Error;

/// Names are cut to this length in sentences.
const LONGEST_NAME: usize = 40;

/// A report's name, its columns, and those that tell its rows apart.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Shape<'a> {
    pub(crate) name: &'a str,
    pub(crate) columns: &'a Schema,
    pub(crate) grain: &'a [&'a str],
}

impl<'a> Shape<'a> {
    pub(crate) fn of(report: &'a Report) -> Self {
        Self {
            name: report.name,
            columns: report.schema(),
            grain: &report.grain,
        }
    }

    /// The position of a column.
    pub(crate) fn position(&self, column: &str) -> Option<usize> {
        self.columns.index_of(column).ok()
    }

    pub(crate) fn data_type(&self, position: usize) -> &'a DataType {
        self.columns.field(position).data_type()
    }

    pub(crate) fn column(&self, position: usize) -> &'a str {
        self.columns.field(position).name()
    }

    /// The refusal of a name that is no column, nor any of `others`.
    pub(crate) fn unknown(&self, name: &str, others: &[&str]) -> Error {
        let columns = self.columns.fields().iter();
        let nearest = columns
            .map(|field| field.name().as_str())
            .chain(others.iter().copied())
            .min_by_key(|known| strsim::damerau_levenshtein(known, name))
            .unwrap_or_default();
        Error::Address {
            code: "unknown_column",
            detail: format!(
                "The report {} has no column {}; the nearest is {nearest}. GET /v1/reports lists \
                 its columns.",
                self.name,
                shortened(name),
            ),
        }
    }
}

/// A text of the asker's, short enough to be repeated.
pub(crate) fn shortened(text: &str) -> String {
    let mut short: String = text.chars().take(LONGEST_NAME).collect();
    if short.len() < text.len() {
        short.push('…');
    }
    format!("`{short}`")
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use datafusion::arrow::datatypes::{Field, TimeUnit};
    use std::sync::Arc;

    /// A report that does not exist, with a column of every type.
    pub(crate) struct Columns(pub(crate) Arc<Schema>);

    impl Columns {
        pub(crate) fn shape(&self) -> Shape<'_> {
            Shape {
                name: "watching",
                columns: &self.0,
                grain: &["section", "student"],
            }
        }
    }

    pub(crate) fn watching() -> Columns {
        let list = Field::new("element", DataType::Utf8, true);
        let columns = [
            ("section", DataType::Utf8),
            ("student", DataType::Int64),
            ("day", DataType::Date32),
            ("seconds", DataType::Float64),
            ("done", DataType::Boolean),
            (
                "at",
                DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into())),
            ),
            ("moved_to", DataType::Utf8),
            ("tags", DataType::List(Arc::new(list))),
        ];
        let fields = columns.map(|(name, data_type)| Field::new(name, data_type, true));
        Columns(Arc::new(Schema::new(fields.to_vec())))
    }

    #[test]
    fn long_names_are_cut() {
        assert_eq!(shortened("short"), "`short`");
        assert_eq!(shortened(&"ä".repeat(50)).chars().count(), 43);
    }
}
