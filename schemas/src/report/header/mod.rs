//! The header of a report: the comment that its SQL begins with, read into
//! types. `build.rs` compiles this file too, so that a header that cannot be
//! read fails the build with its file and line; hence nothing but `std` here.

mod column;
#[allow(dead_code, reason = "what is composed is read from the build folder")]
mod include;
mod members;
mod problem;
mod words;

pub(crate) use column::{Column, ColumnType, ScalarType};
#[allow(unused_imports, reason = "as above")]
pub(crate) use include::composed;
pub(crate) use problem::{HeaderError, Problem};
pub use words::{MinimumCell, ReportKind, Threshold, Visibility};

use column::columns;
use members::{Members, NONE};

/// Everything that a header says.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Header<'a> {
    pub description: String,
    pub kind: ReportKind,
    pub grain: Vec<&'a str>,
    pub slice: Vec<&'a str>,
    pub sources: Vec<&'a str>,
    pub visibility: Visibility,
    pub minimum_cell: Option<MinimumCell<'a>>,
    pub thresholds: Vec<(&'a str, Threshold)>,
    pub columns: Vec<Column<'a>>,
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
                "student, section, tenant, steward",
                &[
                    ("student", Visibility::Student),
                    ("section", Visibility::Section),
                    ("tenant", Visibility::Tenant),
                    ("steward", Visibility::Steward),
                ],
            )?,
            minimum_cell: members.minimum_cell()?,
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
        let none = Vec::new();
        let cell = self.minimum_cell.as_ref();
        for (key, names) in [
            ("grain", &self.grain),
            ("slice", &self.slice),
            ("minimum_cell", cell.map_or(&none, |cell| &cell.students)),
            ("minimum_cell", cell.map_or(&none, |cell| &cell.within)),
        ] {
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

/// Whether a text is a name that SQL takes without quotes.
fn is_name(text: &str) -> bool {
    let mut bytes = text.bytes();
    bytes.next().is_some_and(|first| first.is_ascii_lowercase())
        && bytes.all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_')
}

#[cfg(test)]
mod tests;
