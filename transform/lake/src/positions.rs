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

    /// The definition of a report; its position is
    /// [`schemas::Report::definition`]. Every commit of the report moves it, so
    /// that two refreshers fence each other whatever they take the report to be.
    pub(crate) fn definition(report: &str) -> Self {
        Self(format!("report:{report}:definition"))
    }

    /// A report as reader of one of its sources; its position is the version of
    /// the source that the report's rows are made of.
    pub(crate) fn source(report: &str, source: Table) -> Self {
        Self(format!("report:{report}:{source}"))
    }

    /// Which table that version is of: [`crate::SourceVersion::id`].
    pub(crate) fn source_id(report: &str, source: Table) -> Self {
        Self(format!("report:{report}:{source}:id"))
    }

    /// Up to when a report is complete; its position is a time in microseconds
    /// since 1970.
    pub(crate) fn as_of(report: &str) -> Self {
        Self(format!("report:{report}:as_of"))
    }

    /// Whoever takes files out of a table, to put their rows into others: its
    /// position counts those commits. Delta alone lets two of them take the same
    /// file, and would show its rows twice.
    pub fn rewrites() -> Self {
        Self("rewrites".to_owned())
    }

    /// Whoever looks in the event tables for ids that are stored more than once.
    /// Its position in a tenant's first event table is when the last look ended,
    /// in seconds since 1970 by the store's clock; in `duplicates` it counts the
    /// looks that found some.
    pub fn repeats() -> Self {
        Self("repeats".to_owned())
    }

    /// How many partitions a log has for those who publish from it: see
    /// [`AppId::rows`]. Whoever learns of more moves this position on, and with it
    /// touches those of all partitions, so that nobody publishes any more who
    /// does not know of them.
    pub fn partitions(log_id: &str) -> Self {
        Self(format!("partitions:{log_id}"))
    }

    /// Whoever publishes events of a log that belong to partitions of others: its
    /// position counts those commits.
    pub fn moved(log_id: &str) -> Self {
        Self(format!("moved:{log_id}"))
    }

    /// Whoever imports a tenant's rosters, one at a time: its position is the number
    /// of the import that wrote to the table last.
    pub fn roster() -> Self {
        Self("roster".to_owned())
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
