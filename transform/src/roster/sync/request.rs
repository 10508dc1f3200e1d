//! What is read, and how.

use std::time::Duration;

use chrono::TimeDelta;
use roster::{Guard, Rules};
use schemas::SourceName;
use tokio_util::sync::CancellationToken;

use super::{Address, Mapping};

/// A database whose rows are to be imported, and how it is read.
#[derive(Debug, Clone)]
pub struct SyncRequest {
    /// What the tenant calls the database.
    pub name: SourceName,
    /// Where it is.
    pub address: Address,
    /// The queries that are read; without them the views of the schema `chalkline` are.
    pub mapping: Option<Mapping>,
    /// Whether everything is read, whatever was read before.
    pub full: bool,
    /// After which time everything is read again, which finds what was deleted for good.
    pub full_every: TimeDelta,
    /// How long the database may take for one statement, of which a table takes many.
    pub statement_timeout: Duration,
    /// How long it may wait for a lock.
    pub lock_timeout: Duration,
    /// Who imports.
    pub by: String,
    /// Whether it is taken although it ends more than the guard allows.
    pub forced: bool,
    /// Which share of a table may end when everything is read.
    pub guard: Guard,
    /// Whose word counts.
    pub rules: Rules,
    /// Ends the reading when it is cancelled; what is being written is finished.
    pub stop: CancellationToken,
}

impl SyncRequest {
    /// The views of a database, with defaults.
    pub fn new(address: Address, by: impl Into<String>) -> Self {
        Self {
            name: address.source_name(),
            address,
            mapping: None,
            full: false,
            full_every: TimeDelta::days(1),
            statement_timeout: Duration::from_secs(60),
            lock_timeout: Duration::from_secs(2),
            by: by.into(),
            forced: false,
            guard: Guard::default(),
            rules: Rules::default(),
            stop: CancellationToken::new(),
        }
    }

    /// What the imports of the database are called.
    pub fn source(&self) -> String {
        format!("postgres:{}", self.name)
    }
}
