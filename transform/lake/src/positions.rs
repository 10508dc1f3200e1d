//! Who reads the log, or other tables, into a table, and up to where.

use schemas::Table;

/// A reader of one log partition: the `appId` of a Delta transaction, whose
/// version is the next position to read. Or a report as a reader of another
/// table, whose position is a version of that table.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct AppId(String);

impl AppId {
    /// The reader that turns records into rows.
    pub fn rows(log_id: &str, partition: u32) -> Self {
        Self(format!("{log_id}/{partition}"))
    }

    /// The second reader, which only counts records.
    pub fn counts(log_id: &str, partition: u32) -> Self {
        Self(format!("count:{log_id}/{partition}"))
    }

    /// A report of some definition ([`schemas::Report::definition`]) as reader of
    /// one of its sources; its position is the version of the source that the
    /// report's rows are made of.
    pub fn report(report: &str, definition: &str, source: Table) -> Self {
        Self(format!("report:{report}@{definition}:{source}"))
    }

    /// Up to when a report of some definition is complete; its position is a
    /// time in microseconds since 1970.
    pub fn report_as_of(report: &str, definition: &str) -> Self {
        Self(format!("report:{report}@{definition}:as_of"))
    }

    /// The log partition that it reads; `None` for a report.
    pub(crate) fn partition(&self) -> Option<u32> {
        let (_, partition) = self.0.rsplit_once('/')?;
        partition.parse().ok()
    }

    /// The text in the Delta log.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl std::fmt::Display for AppId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

/// A step of one reader, published together with the rows it made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Advance {
    /// The reader.
    pub app: AppId,
    /// The position at which the writer believes the table to stand; `None`
    /// when it never published from this log partition.
    pub expected: Option<u64>,
    /// The next position to read: every record below it is a row of this table
    /// or none of its business.
    pub next: u64,
}
