//! What the members of a header may say.

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
    /// Who was shown what: for stewards alone.
    Steward,
}

impl Visibility {
    /// The word in headers and in answers.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Student => "student",
            Self::Section => "section",
            Self::Tenant => "tenant",
            Self::Steward => "steward",
        }
    }
}

/// What of a report tells whether a row is about enough students to be shown to roles
/// that see only aggregates: the tenant's document says how many are enough.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MinimumCell<'a> {
    /// The columns that count students; the least of them is the size of the row's cell.
    pub students: Vec<&'a str>,
    /// The columns that tell apart the groups whose total is known some other way: of
    /// such a group no single cell may be missing. None where no total is known.
    pub within: Vec<&'a str>,
}

/// The value of a threshold, which the SQL names as `$<name>`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Threshold {
    /// A whole number: `bigint` in SQL.
    Integer(i64),
    /// Any other: `double` in SQL.
    Double(f64),
}
