//! The headers of a log record: what any consumer of the topic may rely on
//! without reading the bytes.

/// The tenant's id.
pub const TENANT: &str = "tenant";
/// What the record is: see [`kind`].
pub const KIND: &str = "kind";
/// The event's family (only [`kind::EVENT`]).
pub const FAMILY: &str = "family";
/// The event's type version as a decimal number (only [`kind::EVENT`]).
pub const TYPE_VERSION: &str = "type_version";
/// When ingest took the record: microseconds since 1970 in UTC, decimal.
pub const RECEIVED_AT: &str = "received_at";
/// The event's student key (only [`kind::EVENT`]).
pub const STUDENT_KEY: &str = "student_key";
/// Why a record is in the log again: see [`replay`]. No record has it as ingest
/// makes it.
pub const REPLAY: &str = "replay";
/// Where the record stood first, as `<log id>/<partition>/<position>` (only with
/// [`REPLAY`]).
pub const ORIGIN: &str = "origin";
/// Which try to make a row of the record this is, as a decimal number from 2 on
/// (only with [`REPLAY`]).
pub const ATTEMPT: &str = "attempt";

/// How far back an event with the same id is looked for: [`look_up::EVERYWHERE`],
/// or without this header among those that were received within some days of
/// this one (only [`kind::EVENT`]).
pub const LOOK_UP: &str = "look_up";

/// The sender's request as `traceparent` of W3C Trace Context: only where traces are
/// collected, and of requests that are.
pub const TRACEPARENT: &str = "traceparent";

/// The values of [`LOOK_UP`].
pub mod look_up {
    /// Among all that are stored.
    pub const EVERYWHERE: &str = "everywhere";
}

/// The values of [`KIND`].
pub mod kind {
    /// The bytes are one [`crate::event::Event`].
    pub const EVENT: &str = "event";
    /// The bytes are one [`crate::tally::Tally`].
    pub const TALLY: &str = "tally";
    /// The bytes are one [`crate::AuditRecord`].
    pub const AUDIT: &str = "audit";
    /// The bytes are one [`crate::roster::job::RosterUploaded`]: no event, and no row
    /// comes of it.
    pub const ROSTER_UPLOADED: &str = "roster.uploaded";
}

/// The values of [`REPLAY`].
pub mod replay {
    /// It could not become a row and was set aside; now it may.
    pub const QUARANTINED: &str = "quarantined";
    /// Its row is gone.
    pub const MISSING: &str = "missing";
}
