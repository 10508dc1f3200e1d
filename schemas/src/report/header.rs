//! The header of a report: the comment that its SQL begins with, read into
//! types. `build.rs` compiles this file too, so that a header that cannot be
//! read fails the build with its file and line; hence nothing but `std` here.

use std::fmt;

/// Whether a report's rows are kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ReportKind {
    /// A table of the lake, kept up to date as events are published.
    Table,
    /// Computed whenever it is asked for.
    View,
}

/// What one row of a report is about, and so which policy binds it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Visibility {
    /// A student.
    Student,
    /// A section, its students together.
    Section,
    /// The tenant as a whole.
    Tenant,
}

impl Visibility {
    /// The word in headers and in answers.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Student => "student",
            Self::Section => "section",
            Self::Tenant => "tenant",
        }
    }
}

/// Which groups are too small to be shown to roles that see only aggregates.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MinimumCell {
    /// None: a row is about one student, or about nobody.
    None,
    /// Those of fewer students than the tenant's document says.
    Tenant,
}

/// The value of a threshold, which the SQL names as `$<name>`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Threshold {
    /// A whole number: `bigint` in SQL.
    Integer(i64),
    /// Any other: `double` in SQL.
    Double(f64),
}

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

/// Everything that a header says.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Header<'a> {
    pub description: String,
    pub kind: ReportKind,
    pub grain: Vec<&'a str>,
    pub slice: Vec<&'a str>,
    pub sources: Vec<&'a str>,
    pub visibility: Visibility,
    pub minimum_cell: MinimumCell,
    pub thresholds: Vec<(&'a str, Threshold)>,
    pub columns: Vec<Column<'a>>,
}

/// The members of a header, all of which must be there.
const KEYS: [&str; 8] = [
    "kind",
    "grain",
    "slice",
    "sources",
    "visibility",
    "minimum_cell",
    "thresholds",
    "clock",
];

/// The word for an empty list.
const NONE: &str = "none";

/// Why a header cannot be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct HeaderError {
    /// The line of the file, from 1.
    pub line: usize,
    pub problem: Problem,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Problem {
    NoDescription,
    NotAMember(String),
    Repeated(String),
    Missing(&'static str),
    NotOneOf(&'static str),
    NotAThreshold(String),
    NotAColumn(String),
    NoSuchColumn(String),
    NoColumns,
    NoTerm,
    SliceOfView,
}

impl fmt::Display for HeaderError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.line, self.problem)
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoDescription => write!(f, "a report begins with a sentence that describes it"),
            Self::NotAMember(line) => write!(f, "{line:?} is not a member of a header"),
            Self::Repeated(what) => write!(f, "{what} is there twice"),
            Self::Missing(key) => write!(f, "the header says nothing of {key}"),
            Self::NotOneOf(allowed) => write!(f, "this must be one of: {allowed}"),
            Self::NotAThreshold(text) => write!(f, "{text:?} is not <name> = <number>"),
            Self::NotAColumn(text) => {
                write!(f, "{text:?} is not <name> <type> [not null] <description>")
            }
            Self::NoSuchColumn(name) => write!(f, "{name} is not a column of the report"),
            Self::NoColumns => write!(f, "a report has columns"),
            Self::NoTerm => write!(f, "a table's slice begins with term, a `text not null`"),
            Self::SliceOfView => write!(f, "a view has no slices"),
        }
    }
}

impl<'a> Header<'a> {
    /// Reads the header that `sql` begins with.
    pub fn parse(sql: &'a str) -> Result<Self, HeaderError> {
        let comment = sql.lines().map_while(|line| line.strip_prefix("--"));
        let mut lines = (1..).zip(comment);

        let text = lines.by_ref().map(|(_, line)| line.trim());
        let text: Vec<&str> = text.take_while(|line| !line.is_empty()).collect();
        let members = Members::parse(&mut lines)?;
        let columns = columns(&mut lines)?;

        let header = Self {
            description: text.join(" "),
            kind: members.word(
                "kind",
                "table, view",
                &[("table", ReportKind::Table), ("view", ReportKind::View)],
            )?,
            grain: members.list("grain")?,
            slice: members.list("slice")?,
            sources: members.list("sources")?,
            visibility: members.word(
                "visibility",
                "student, section, tenant",
                &[
                    ("student", Visibility::Student),
                    ("section", Visibility::Section),
                    ("tenant", Visibility::Tenant),
                ],
            )?,
            minimum_cell: members.word(
                "minimum_cell",
                "none, tenant",
                &[(NONE, MinimumCell::None), ("tenant", MinimumCell::Tenant)],
            )?,
            thresholds: members.thresholds()?,
            columns,
        };
        // No report depends on the day on which it is asked for.
        members.word("clock", NONE, &[(NONE, ())])?;
        header.check(&members)?;
        Ok(header)
    }

    fn check(&self, members: &Members<'_>) -> Result<(), HeaderError> {
        let fail = |line, problem| Err(HeaderError { line, problem });
        if self.description.is_empty() {
            return fail(1, Problem::NoDescription);
        }
        for (key, names) in [("grain", &self.grain), ("slice", &self.slice)] {
            let (line, _) = members.get(key)?;
            let known = |name: &&str| self.columns.iter().any(|column| column.name == *name);
            if let Some(name) = names.iter().find(|name| !known(name)) {
                return fail(line, Problem::NoSuchColumn((*name).to_owned()));
            }
        }
        let (line, _) = members.get("slice")?;
        match self.kind {
            ReportKind::View if !self.slice.is_empty() => fail(line, Problem::SliceOfView),
            ReportKind::View => Ok(()),
            ReportKind::Table => {
                let term = self.columns.iter().find(|column| column.name == "term");
                let text = ColumnType {
                    scalar: ScalarType::Text,
                    list: false,
                };
                let fits = |term: &Column<'_>| !term.nullable && term.data_type == text;
                if self.slice.first() != Some(&"term") || !term.is_some_and(fits) {
                    return fail(line, Problem::NoTerm);
                }
                Ok(())
            }
        }
    }
}

/// The lines `<key>: <value>`, each with its number.
struct Members<'a> {
    found: Vec<(&'a str, usize, &'a str)>,
    end: usize,
}

impl<'a> Members<'a> {
    /// Reads up to and including `columns:`.
    fn parse(lines: &mut impl Iterator<Item = (usize, &'a str)>) -> Result<Self, HeaderError> {
        let mut members = Self {
            found: Vec::new(),
            end: 1,
        };
        for (line, text) in lines {
            members.end = line;
            let text = text.trim();
            let fail = |problem| Err(HeaderError { line, problem });
            match text.split_once(':') {
                _ if text.is_empty() => {}
                Some(("columns", "")) => return Ok(members),
                Some((key, value)) if KEYS.contains(&key) => {
                    if members.found.iter().any(|(found, ..)| *found == key) {
                        return fail(Problem::Repeated(key.to_owned()));
                    }
                    members.found.push((key, line, value.trim()));
                }
                _ => return fail(Problem::NotAMember(text.to_owned())),
            }
        }
        Err(HeaderError {
            line: members.end,
            problem: Problem::Missing("columns"),
        })
    }

    fn get(&self, key: &'static str) -> Result<(usize, &'a str), HeaderError> {
        let found = self.found.iter().find(|(found, ..)| *found == key);
        let found = found.map(|(_, line, value)| (*line, *value));
        found.ok_or(HeaderError {
            line: self.end,
            problem: Problem::Missing(key),
        })
    }

    /// A value that is one of a few words.
    fn word<T: Copy>(
        &self,
        key: &'static str,
        allowed: &'static str,
        words: &[(&str, T)],
    ) -> Result<T, HeaderError> {
        let (line, value) = self.get(key)?;
        let found = words.iter().find(|(word, _)| *word == value);
        found.map(|(_, meaning)| *meaning).ok_or(HeaderError {
            line,
            problem: Problem::NotOneOf(allowed),
        })
    }

    /// A value that is a list of different names.
    fn list(&self, key: &'static str) -> Result<Vec<&'a str>, HeaderError> {
        let (line, value) = self.get(key)?;
        let mut names = Vec::new();
        if value == NONE {
            return Ok(names);
        }
        for name in value.split(',').map(str::trim) {
            let problem = match name {
                _ if !is_name(name) => Problem::NotAMember(value.to_owned()),
                _ if names.contains(&name) => Problem::Repeated(name.to_owned()),
                _ => {
                    names.push(name);
                    continue;
                }
            };
            return Err(HeaderError { line, problem });
        }
        Ok(names)
    }

    fn thresholds(&self) -> Result<Vec<(&'a str, Threshold)>, HeaderError> {
        let (line, value) = self.get("thresholds")?;
        if value == NONE {
            return Ok(Vec::new());
        }
        let threshold = |text: &'a str| {
            let (name, number) = text.split_once('=')?;
            let (name, number) = (name.trim(), number.trim());
            let integer = number.parse().map(Threshold::Integer).ok();
            let double = || {
                number
                    .parse()
                    .ok()
                    .filter(|double: &f64| double.is_finite())
            };
            let number = integer.or_else(|| double().map(Threshold::Double))?;
            is_name(name).then_some((name, number))
        };
        let thresholds = value.split(',').map(|text| {
            threshold(text).ok_or_else(|| HeaderError {
                line,
                problem: Problem::NotAThreshold(text.trim().to_owned()),
            })
        });
        thresholds.collect()
    }
}

/// The lines after `columns:`.
fn columns<'a>(
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

/// Whether a text is a name that SQL takes without quotes.
fn is_name(text: &str) -> bool {
    let mut bytes = text.bytes();
    bytes.next().is_some_and(|first| first.is_ascii_lowercase())
        && bytes.all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_')
}

#[cfg(test)]
#[path = "header_tests.rs"]
mod tests;
