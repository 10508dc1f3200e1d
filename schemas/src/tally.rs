//! What ingest answered, counted: the part of the ledger that only the front
//! door can know.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

/// What ingest answered to one tenant's events within one minute on one node.
///
/// Appended to the log once the minute is over and at shutdown; the last minute
/// before a kill may be missing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tally {
    /// The start of the minute.
    pub minute: DateTime<Utc>,
    /// Which ingest process counted: random per start.
    pub node: String,
    /// The counts, in no particular order, none of them zero.
    pub counts: Vec<TallyCount>,
}

/// One count of a [`Tally`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TallyCount {
    /// The family, when the event's type could be read.
    pub family: Option<crate::Family>,
    /// `accepted`, `duplicate`, `ignored`, `rejected` or `retry`.
    pub outcome: String,
    /// The code of a rejection.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// How many events.
    pub events: u64,
}
