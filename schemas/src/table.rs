//! The tables that transform writes and query mounts.

use crate::{Family, ReportName};

/// A table of the lake; every one exists once per tenant.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Table {
    /// The events of one family, by term.
    Events(Family),
    /// Records whose event was already stored, or that were entered again twice.
    Duplicates,
    /// Records that could not be read, with the reason.
    Quarantine,
    /// What ingest answered, counted per minute: see [`crate::tally`].
    Tallies,
    /// How many records of a stretch of the log were accepted events, counted
    /// by a reader of its own: the other side of the ledger.
    LogCounts,
    /// The rows of a report, by term.
    Report(ReportName),
}

impl Table {
    /// The tables that are made of the log, in the order in which they are
    /// listed.
    pub const BASE: [Self; 9] = [
        Self::Events(Family::Clickstream),
        Self::Events(Family::Video),
        Self::Events(Family::Assessment),
        Self::Events(Family::Attendance),
        Self::Events(Family::Tutoring),
        Self::Duplicates,
        Self::Quarantine,
        Self::Tallies,
        Self::LogCounts,
    ];

    /// All tables: those made of the log, then the reports that are tables.
    pub fn all() -> impl Iterator<Item = Self> {
        Self::BASE
            .into_iter()
            .chain(ReportName::all().map(Self::Report))
    }

    /// The table's name in SQL and in paths.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Events(family) => family.as_str(),
            Self::Duplicates => "duplicates",
            Self::Quarantine => "quarantine",
            Self::Tallies => "tallies",
            Self::LogCounts => "log_counts",
            Self::Report(name) => name.as_str(),
        }
    }

    /// The table of that name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::all().find(|table| table.as_str() == name)
    }

    /// Whether its rows are partitioned by term.
    pub fn is_by_term(self) -> bool {
        matches!(self, Self::Events(_) | Self::Report(_))
    }
}

impl std::fmt::Display for Table {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.as_str())
    }
}
