//! Who reads the log into a table, and up to where.

/// A reader of one log partition: the `appId` of a Delta transaction, whose
/// version is the next position to read.
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
