//! The values of columns, as rules and grants write them: texts.

use arrow_schema::{DataType, SchemaRef, TimeUnit};
use chrono::{DateTime, NaiveDate};

use crate::{Table, columns, report};

/// The columns of a table that rules and grants can name: those of events, of reports and
/// of rosters.
pub(crate) fn columns_of(table: &str) -> Option<SchemaRef> {
    let stored = Table::from_name(table).or_else(|| Table::roster_from_name(table));
    let of_view = || report(table).map(|view| view.schema().clone());
    stored.map(columns).or_else(of_view)
}

/// Every table that [`columns_of`] knows.
pub(crate) fn tables() -> impl Iterator<Item = &'static str> {
    let views = crate::reports().iter().map(|report| report.name);
    let stored = Table::all().chain(Table::rosters()).map(Table::as_str);
    // Reports that are tables are among both.
    stored.chain(views.filter(|name| Table::from_name(name).is_none()))
}

/// What values of a column are like, in words; `None` where none can be compared.
pub(crate) fn kind(data_type: &DataType) -> Option<&'static str> {
    match data_type {
        DataType::Utf8 => Some("texts"),
        DataType::Int32 | DataType::Int64 => Some("whole numbers"),
        DataType::Float64 => Some("numbers"),
        DataType::Boolean => Some("true or false"),
        DataType::Date32 => Some("dates such as 2026-09-14"),
        DataType::Timestamp(TimeUnit::Microsecond, _) => Some("times such as 2026-09-14T10:00:00Z"),
        _ => None,
    }
}

/// Whether of two values one is the greater.
pub(crate) fn is_ordered(data_type: &DataType) -> bool {
    kind(data_type).is_some() && *data_type != DataType::Boolean
}

/// Whether a text is a value of that type.
pub(crate) fn is_value(text: &str, data_type: &DataType) -> bool {
    match data_type {
        DataType::Utf8 => true,
        DataType::Int32 => text.parse::<i32>().is_ok(),
        DataType::Int64 => text.parse::<i64>().is_ok(),
        DataType::Float64 => text.parse().is_ok_and(f64::is_finite),
        DataType::Boolean => text.parse::<bool>().is_ok(),
        DataType::Date32 => NaiveDate::parse_from_str(text, "%Y-%m-%d").is_ok(),
        DataType::Timestamp(TimeUnit::Microsecond, _) => DateTime::parse_from_rfc3339(text).is_ok(),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case("", DataType::Utf8, true)]
    #[case("7", DataType::Int32, true)]
    #[case("4294967296", DataType::Int32, false)]
    #[case("4294967296", DataType::Int64, true)]
    #[case("7.5", DataType::Int64, false)]
    #[case("7.5", DataType::Float64, true)]
    #[case("NaN", DataType::Float64, false)]
    #[case("true", DataType::Boolean, true)]
    #[case("yes", DataType::Boolean, false)]
    #[case("2026-09-14", DataType::Date32, true)]
    #[case("2026-02-30", DataType::Date32, false)]
    #[case(
        "2026-09-14T10:00:00+02:00",
        DataType::Timestamp(TimeUnit::Microsecond, None),
        true
    )]
    #[case("2026-09-14", DataType::Timestamp(TimeUnit::Microsecond, None), false)]
    #[case("x", DataType::Binary, false)]
    fn values_are_told_from_other_texts(
        #[case] text: &str,
        #[case] data_type: DataType,
        #[case] expected: bool,
    ) {
        assert_eq!(is_value(text, &data_type), expected);
    }

    #[test]
    fn every_table_has_columns_and_is_named_once() {
        let names: Vec<_> = tables().collect();
        assert!(names.iter().all(|name| columns_of(name).is_some()));
        let different: std::collections::BTreeSet<_> = names.iter().collect();
        assert_eq!(different.len(), names.len());
        assert!(names.contains(&"ledger") && names.contains(&"users_history"));
        assert!(columns_of("import_jobs").is_none());
    }
}
