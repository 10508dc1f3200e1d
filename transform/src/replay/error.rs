use eventlog::{AppendError, ReadError};
use lake::LakeError;
use runtime::RegistryError;

/// Why a replay ended before it had done everything. It can be begun again: it
/// goes on with what is left.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ReplayError {
    /// Records that are in the log already are not in the tables yet, and there is
    /// no telling what is missing.
    #[error(
        "partition {partition} of the log is published up to {published} of {tail} and does not \
         move: see that transform runs and is ready, then begin again"
    )]
    NotPublished {
        /// The partition.
        partition: u32,
        /// The first position that is not published.
        published: u64,
        /// Where the partition ended at the beginning.
        tail: u64,
    },
    /// The log does not take records.
    #[error("the log does not take records; begin again when it does, nothing is done twice")]
    Append(#[source] AppendError),
    /// The log cannot be read.
    #[error("the log cannot be read")]
    Log(#[from] ReadError),
    /// A table cannot be read.
    #[error("the lake cannot be read")]
    Lake(#[from] LakeError),
    /// The tenants cannot be read.
    #[error("the tenants cannot be read")]
    Registry(#[from] RegistryError),
}
