use eventlog::{GroupError, ReadError};
use lake::{LakeError, PublishError};
use runtime::RegistryError;
use tokio::task::JoinError;

/// Why the transform service had to stop or to begin again.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The log ends below what was already published from it: it is another log
    /// under the same name. Going on would take its records for published ones.
    #[error(
        "the log {log_id} ends below what was published from it: it is another log under the \
         same name; give the old log back, or start with one that has a new identity"
    )]
    AnotherLog {
        /// The identity that the log claims.
        log_id: String,
        /// Which partition, and where.
        #[source]
        source: ReadError,
    },
    /// The log cannot be read.
    #[error("the log cannot be read")]
    Log(#[from] ReadError),
    /// A task that reads the log has panicked.
    #[error("a reader of the log has panicked")]
    Reader(#[source] JoinError),
    /// One tenant's table cannot be used.
    #[error("table {table} cannot be used")]
    Table {
        /// The table's path below the root.
        table: String,
        /// What the lake says.
        #[source]
        source: LakeError,
    },
    /// The group in which processes share the log cannot be joined or stayed in.
    #[error("there are no partitions to work on")]
    Group(#[from] GroupError),
    /// Other partitions belong to this process now.
    #[error("other partitions belong to this process now")]
    Rebalanced,
    /// A tenant was made while `_system` waits, of whom records may wait with it.
    #[error("what came before the tenant was made waits with the tables of _system")]
    SetAside,
    /// The tables of a tenant who waited can be used again.
    #[error("the tables of a tenant who waited can be used again")]
    Mended,
    /// A floor cannot be read or written, or the store does not answer.
    #[error("the lake cannot be used")]
    Lake(#[from] LakeError),
    /// A table's rows are not published.
    #[error("table {table} was not published")]
    Publish {
        /// The table's path below the root.
        table: String,
        /// What became of the commit.
        #[source]
        source: PublishError,
    },
    /// The tenants cannot be read.
    #[error("the tenants cannot be read")]
    Registry(#[from] RegistryError),
    /// What goes on beside publishing cannot be started on this machine.
    #[error("what refreshes reports and maintains tables cannot be started")]
    Threads(#[source] std::io::Error),
}

impl Error {
    /// Whether beginning again from what is published can succeed without
    /// anybody mending anything.
    pub fn is_retryable(&self) -> bool {
        match self {
            Self::AnotherLog { .. } => false,
            Self::Log(error) => matches!(error, ReadError::Unavailable(_)),
            Self::Group(error) => error.is_retryable(),
            Self::Reader(_) | Self::SetAside | Self::Mended | Self::Rebalanced => true,
            Self::Lake(error) | Self::Table { source: error, .. } => error.is_retryable(),
            Self::Publish { source, .. } => match source {
                PublishError::NotPublished(error) => error.is_retryable(),
                _ => true,
            },
            Self::Registry(error) => error.is_retryable(),
            Self::Threads(_) => false,
        }
    }

    /// Whether it is one tenant's trouble and no other's.
    pub(crate) fn is_of_one_table(&self) -> bool {
        match self {
            Self::Table { .. } => true,
            Self::Registry(error) => !error.is_retryable(),
            // Another writer is at work: whatever is known is no longer true.
            Self::Publish { source, .. } => !matches!(source, PublishError::Conflict(_)),
            _ => false,
        }
    }

    /// The error and what caused it, in one line.
    pub(crate) fn chain(&self) -> String {
        chain(self)
    }
}

/// An error and what caused it, in one line.
pub(crate) fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        text.push_str(": ");
        text.push_str(&cause.to_string());
        source = cause.source();
    }
    text
}
