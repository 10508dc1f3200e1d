//! What can go wrong with a log: opening, appending, reading.

use std::path::PathBuf;
use std::time::Duration;

use crate::LogId;

/// An error of the storage below, as the `source` of ours.
pub type Cause = Box<dyn std::error::Error + Send + Sync>;

/// Why a log could not be opened.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OpenError {
    /// The three time limits contradict each other.
    #[error(
        "the request deadline ({request:?}) must be at least the produce timeout ({produce:?}), and that at \
         least the delivery timeout ({delivery:?}): raise request_deadline_ms or lower the two others"
    )]
    Deadlines {
        /// How long a sender waits for its answer.
        request: Duration,
        /// How long one `append` waits for Kafka.
        produce: Duration,
        /// How long the Kafka client tries to deliver a record.
        delivery: Duration,
    },
    /// A setting has a value that cannot work.
    #[error("the setting {name} {problem}")]
    Setting {
        /// The setting's name in the configuration.
        name: &'static str,
        /// What is wrong with it and what it may be.
        problem: &'static str,
    },
    /// A free property would undo what this crate promises.
    #[error("the Kafka property {0} is set by Chalkline and cannot be given")]
    ReservedProperty(String),
    /// A file that the settings name cannot be read.
    #[error("the file {} of the setting {name} cannot be read", path.display())]
    File {
        /// The setting's name in the configuration.
        name: &'static str,
        /// The file.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: std::io::Error,
    },
    /// The Kafka client refused its settings.
    #[error("the Kafka client refused its settings")]
    Client(#[source] Cause),
    /// No broker answered in time.
    #[error("no Kafka broker at {brokers} answered within {waited:?}")]
    Unreachable {
        /// The addresses tried.
        brokers: String,
        /// How long they were tried.
        waited: Duration,
        /// The last error seen.
        #[source]
        source: Cause,
    },
    /// The brokers did not let us in, or we did not trust them.
    #[error("no Kafka broker at {brokers} could be logged in to: check {check}")]
    Refused {
        /// The addresses tried.
        brokers: String,
        /// The settings to look at.
        check: &'static str,
        /// What the Kafka client said.
        #[source]
        source: Cause,
    },
    /// The topic could be neither found nor created.
    #[error("the topic {topic} could be neither found nor created")]
    Topic {
        /// The topic's name.
        topic: String,
        /// What the broker said.
        #[source]
        source: Cause,
    },
    /// The broker names topics only by name, so that a recreated one could not
    /// be told from the old.
    #[error("the broker gave no id for the topic {topic}: Apache Kafka 2.8 or newer is needed")]
    NoTopicId {
        /// The topic's name.
        topic: String,
    },
    /// The folder was made with more partitions than asked for now.
    #[error("the log at {} has {stored} partitions, {asked} were asked for: a log cannot lose partitions", path.display())]
    FewerPartitions {
        /// The log's folder.
        path: PathBuf,
        /// Partitions it has.
        stored: u32,
        /// Partitions asked for.
        asked: u32,
    },
    /// Another process has the folder open.
    #[error("the log at {} is in use by another process", path.display())]
    InUse {
        /// The log's folder.
        path: PathBuf,
    },
    /// Another process has the spool's folder open.
    #[error("the spool at {} is in use by another process: give each process a spool.dir of its own", path.display())]
    SpoolInUse {
        /// The spool's folder.
        path: PathBuf,
    },
    /// The folder cannot be read or written, or is not a log of this version.
    #[error("the log at {} cannot be opened", path.display())]
    Storage {
        /// The log's folder.
        path: PathBuf,
        /// What the storage said.
        #[source]
        source: Cause,
    },
}

impl OpenError {
    /// Whether opening it again later can succeed without anybody changing the
    /// settings of this process.
    pub fn is_retryable(&self) -> bool {
        matches!(
            self,
            Self::Unreachable { .. } | Self::Refused { .. } | Self::Topic { .. }
        )
    }
}

/// Why a record was not acknowledged.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum AppendError {
    /// The record is larger than the log takes: never send it again.
    #[error("the record has {size} bytes, the log takes at most {limit}")]
    TooLarge {
        /// Bytes of key, headers and value.
        size: usize,
        /// The log's limit in bytes.
        limit: usize,
    },
    /// The log's buffer is full: the record was not sent.
    #[error("the log's buffer is full")]
    Full,
    /// The log is shutting down: the record was not sent.
    #[error("the log is closed")]
    Closed,
    /// The record was not stored: refused, or never on its way.
    #[error("the log did not store the record")]
    Refused(#[source] Cause),
    /// No answer in time: the record may still arrive.
    #[error("the log did not answer in time")]
    Unknown(#[source] Cause),
}

impl AppendError {
    /// Whether the record may yet appear in the log, so that sending it again
    /// can store it twice (and deduplication has to remove the second).
    pub fn may_still_arrive(&self) -> bool {
        matches!(self, Self::Unknown(_))
    }

    /// Whether sending the same record again later can succeed.
    pub fn is_retryable(&self) -> bool {
        !matches!(self, Self::TooLarge { .. })
    }
}

/// Why a partition cannot be read from a position.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ReadError {
    /// Records from `from` on are gone: the log starts at `head`.
    #[error("partition {partition} starts at {head}: records from {from} on are gone")]
    Truncated {
        /// The partition asked for.
        partition: u32,
        /// The position asked for.
        from: u64,
        /// The first position that is still there.
        head: u64,
    },
    /// The position lies above the end: this is another log under the same name.
    #[error("partition {partition} ends at {tail}, below {from}: another log under the same name?")]
    BeyondTail {
        /// The partition asked for.
        partition: u32,
        /// The position asked for.
        from: u64,
        /// The end of the partition.
        tail: u64,
    },
    /// There is no such partition.
    #[error("the log has no partition {0}")]
    NoPartition(u32),
    /// The log was replaced by another one under the same name since it was
    /// opened; open it anew, its positions start again.
    #[error("the log {opened} was replaced by {found} under the same name")]
    Replaced {
        /// The log that was opened.
        opened: LogId,
        /// The log that is there now.
        found: LogId,
    },
    /// The log cannot be reached or read now; trying again later can succeed.
    #[error("the log cannot be read now")]
    Unavailable(#[source] Cause),
}

/// Why a partition was not truncated.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TruncateError {
    /// There is no such partition.
    #[error("the log has no partition {0}")]
    NoPartition(u32),
    /// Records that are still to come cannot be given up.
    #[error("partition {partition} ends at {tail}: truncate it there or below, not at {before}")]
    BeyondTail {
        /// The partition.
        partition: u32,
        /// The position asked for.
        before: u64,
        /// The end of the partition.
        tail: u64,
    },
    /// The disk did not take it; trying again later can succeed.
    #[error("the disk of the log does not take the truncation")]
    Storage(#[source] Cause),
}

/// Why partitions cannot be had.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum GroupError {
    /// The settings do not make a member.
    #[error("the consumer group cannot be joined")]
    Join(#[source] Cause),
    /// The group refuses this member for good, as when another process joins
    /// under the same `group_instance_id`.
    #[error("the consumer group has expelled this member")]
    Expelled(#[source] Cause),
    /// The member left, because nobody followed its changes. Joining again makes
    /// a new one.
    #[error("the member has left its consumer group")]
    Left,
}

impl GroupError {
    /// Whether joining again can succeed without anybody mending anything.
    pub fn is_retryable(&self) -> bool {
        matches!(self, Self::Left)
    }
}
