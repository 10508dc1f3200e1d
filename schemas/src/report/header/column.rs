//! The columns that a header describes.

use super::is_name;
use super::problem::{HeaderError, Problem};

/// A column's type as headers write it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct ColumnType {
    pub scalar: ScalarType,
    /// Whether it is a list of these.
    pub list: bool,
}

/// The types of single values.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ScalarType {
    Text,
    BigInt,
    Double,
    Boolean,
    Date,
    Timestamp,
}

/// A column as the header describes it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Column<'a> {
    pub name: &'a str,
    pub data_type: ColumnType,
    pub nullable: bool,
    pub description: &'a str,
}

/// The lines after `columns:`.
pub(super) fn columns<'a>(
    lines: &mut impl Iterator<Item = (usize, &'a str)>,
) -> Result<Vec<Column<'a>>, HeaderError> {
    let mut columns: Vec<Column<'a>> = Vec::new();
    let mut end = 1;
    for (line, text) in lines {
        end = line;
        let text = text.trim();
        if text.is_empty() {
            continue;
        }
        let fail = |problem| Err(HeaderError { line, problem });
        let Some(column) = column(text) else {
            return fail(Problem::NotAColumn(text.to_owned()));
        };
        if columns.iter().any(|other| other.name == column.name) {
            return fail(Problem::Repeated(column.name.to_owned()));
        }
        columns.push(column);
    }
    if columns.is_empty() {
        return Err(HeaderError {
            line: end,
            problem: Problem::NoColumns,
        });
    }
    Ok(columns)
}

fn column(text: &str) -> Option<Column<'_>> {
    let (name, rest) = text.split_once(char::is_whitespace)?;
    let (data_type, rest) = rest.trim_start().split_once(char::is_whitespace)?;
    let rest = rest.trim_start();
    let required = rest.strip_prefix("not null").map(str::trim_start);
    let description = required.unwrap_or(rest);
    (is_name(name) && !description.is_empty()).then_some(Column {
        name,
        data_type: ColumnType::parse(data_type)?,
        nullable: required.is_none(),
        description,
    })
}

impl ColumnType {
    fn parse(text: &str) -> Option<Self> {
        let element = text.strip_suffix("[]");
        let scalar = match element.unwrap_or(text) {
            "text" => ScalarType::Text,
            "bigint" => ScalarType::BigInt,
            "double" => ScalarType::Double,
            "boolean" => ScalarType::Boolean,
            "date" => ScalarType::Date,
            "timestamp" => ScalarType::Timestamp,
            _ => return None,
        };
        Some(Self {
            scalar,
            list: element.is_some(),
        })
    }
}
