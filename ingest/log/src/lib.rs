#![doc = include_str!("../README.md")]

pub mod conformance;
mod embedded;
mod encode;
mod error;
mod group;
mod kafka;
mod partition;
mod record;
mod spooled;
pub mod testing;

pub use embedded::{EmbeddedConfig, EmbeddedLog};
pub use error::{AppendError, Cause, GroupError, OpenError, ReadError, TruncateError};
pub use group::{Member, Rebalance, Revocation};
pub use kafka::{Assignor, KafkaConfig, KafkaLog, Sasl, Secret, Security, Tls};
pub use partition::partition_for;
pub use record::{Entry, Headers, Position, Receipt, Record};
pub use spooled::{Aside, AsideError, AsideFile, Retried, SpoolConfig, Spooled};

use std::time::Duration;

use async_trait::async_trait;

/// The name of one log, made when it is first opened and never reused.
///
/// Positions mean nothing without it: a recreated topic or another data folder
/// starts again at zero under another `LogId`, and so never looks "already
/// published" to a reader that remembers positions.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct LogId(String);

impl LogId {
    /// Wraps an identifier that the log's own storage gave out.
    pub fn new(id: impl Into<String>) -> Self {
        Self(id.into())
    }

    /// The identifier as text: letters, digits, `-` and `_` only.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl std::fmt::Display for LogId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

/// A durable, partitioned, append-only log of bytes.
///
/// It knows no event types and keeps no progress of its readers: whoever
/// consumes remembers where it was.
#[async_trait]
pub trait EventLog: Send + Sync + 'static {
    /// The identity of this log; see [`LogId`].
    fn id(&self) -> &LogId;

    /// The number of partitions, numbered from 0. It may grow: a member of the
    /// log's group learns of partitions that are added.
    fn partitions(&self) -> u32;

    /// The largest record that it takes, in bytes; of others it says
    /// [`AppendError::TooLarge`].
    fn max_record_bytes(&self) -> usize {
        usize::MAX
    }

    /// Appends the records and answers each, in request order, once it is
    /// durable or known to have failed.
    ///
    /// Records with the same key go to the same partition and keep the order
    /// of the call. Durable means: acknowledged by all in-sync replicas
    /// (Kafka) or synced to disk (embedded); of a record that only a spool has yet
    /// the answer is [`Receipt::Spooled`]. An error of one record says
    /// nothing about its neighbours; [`AppendError::may_still_arrive`] says
    /// whether a retry can store it twice.
    async fn append(&self, records: Vec<Record>) -> Vec<Result<Receipt, AppendError>>;

    /// Opens a reader at `from`, inclusive, in one partition.
    ///
    /// `from` may equal [`EventLog::tail`]: the reader then waits for the
    /// record that will get that position. Below [`EventLog::head`] it is
    /// [`ReadError::Truncated`], above the tail [`ReadError::BeyondTail`].
    async fn read(&self, partition: u32, from: u64) -> Result<Box<dyn Reader>, ReadError>;

    /// As [`EventLog::read`], for who looks at positions and headers only: keys and
    /// values may be left empty, which saves copying them.
    async fn read_headers(&self, partition: u32, from: u64) -> Result<Box<dyn Reader>, ReadError> {
        self.read(partition, from).await
    }

    /// The first position of the partition that can still be read; equal to
    /// the tail when nothing can.
    async fn head(&self, partition: u32) -> Result<u64, ReadError>;

    /// The position that the next record appended to the partition will get
    /// at the earliest: everything durable lies below it.
    async fn tail(&self, partition: u32) -> Result<u64, ReadError>;

    /// Joins the group that shares this log's partitions among its members.
    ///
    /// A log that one process reads has one member, which is given every
    /// partition at once and keeps them: what this does unless a log has
    /// something else to say.
    ///
    /// # Errors
    /// [`GroupError::Join`].
    async fn join(&self) -> Result<Box<dyn Member>, GroupError> {
        Ok(Box::new(group::SoleMember::new(self.partitions())))
    }

    /// Why the log takes nothing at the moment, in words for operators and
    /// without waiting; `None` when nothing is known to be wrong.
    fn trouble(&self) -> Option<String> {
        None
    }

    /// What keeps records that are taken from coming into the log now, in words for
    /// operators; `None` when nothing does.
    fn backlog(&self) -> Option<String> {
        None
    }

    /// Waits until everything handed to [`EventLog::append`] is answered, then
    /// refuses further appends with [`AppendError::Closed`].
    async fn close(&self);
}

/// Reads one partition in order; made by [`EventLog::read`].
#[async_trait]
pub trait Reader: Send {
    /// The next records in order of position, at most about `max_bytes` of
    /// them (always at least one when there is one).
    ///
    /// Waits at most `wait` for the first record and returns an empty list
    /// when none came. Positions are strictly increasing but may have gaps.
    /// Dropping the future loses no record.
    async fn next(&mut self, max_bytes: usize, wait: Duration) -> Result<Vec<Entry>, ReadError>;
}
