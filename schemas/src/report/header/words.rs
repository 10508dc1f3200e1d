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
