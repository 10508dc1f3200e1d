//! The tables that transform writes and query mounts.

use crate::roster::Entity;
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
    /// Who asked for what, by term: see [`crate::AuditRecord`].
    Audit,
    /// How many records of a stretch of the log were accepted events, counted
    /// by a reader of its own: the other side of the ledger.
    LogCounts,
    /// The rows of a report, by term.
    Report(ReportName),
    /// The current rows of a roster's table.
    Roster(Entity),
    /// All versions of the rows of a roster's table, in the order of the imports.
    RosterHistory(Entity),
}

impl Table {
    /// The tables that are made of the log, in the order in which they are
    /// listed.
    pub const BASE: [Self; 10] = [
        Self::Events(Family::Clickstream),
        Self::Events(Family::Video),
        Self::Events(Family::Assessment),
        Self::Events(Family::Attendance),
        Self::Events(Family::Tutoring),
        Self::Duplicates,
        Self::Quarantine,
        Self::Tallies,
        Self::Audit,
        Self::LogCounts,
    ];

    /// All tables that are what their newest version says: those made of the log, then
    /// the reports that are tables. Those of rosters are not among them: what they are
    /// the newest import says, see [`Table::rosters`].
    pub fn all() -> impl Iterator<Item = Self> {
        Self::BASE
            .into_iter()
            .chain(ReportName::all().map(Self::Report))
    }

    /// The tables of rosters, in the order of reference, each before its history. The
    /// newest import names the version of each that is to be read; later ones are of an
    /// import that is not complete.
    pub fn rosters() -> impl Iterator<Item = Self> {
        Entity::ALL
            .into_iter()
            .flat_map(|entity| [Self::Roster(entity), Self::RosterHistory(entity)])
    }

    /// The table's name in SQL and in paths.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Events(family) => family.as_str(),
            Self::Duplicates => "duplicates",
            Self::Quarantine => "quarantine",
            Self::Tallies => "tallies",
            Self::Audit => "audit",
            Self::LogCounts => "log_counts",
            Self::Report(name) => name.as_str(),
            Self::Roster(entity) => entity.name(),
            Self::RosterHistory(entity) => entity.history_name(),
        }
    }

    /// The table of that name, of those of [`Table::all`].
    pub fn from_name(name: &str) -> Option<Self> {
        Self::all().find(|table| table.as_str() == name)
    }

    /// The table of that name, of those of [`Table::rosters`].
    pub fn roster_from_name(name: &str) -> Option<Self> {
        Self::rosters().find(|table| table.as_str() == name)
    }

    /// Whether its rows are partitioned by term.
    pub fn is_by_term(self) -> bool {
        match self {
            Self::Events(_) | Self::Audit | Self::Report(_) => true,
            Self::Roster(entity) | Self::RosterHistory(entity) => entity.is_by_term(),
            _ => false,
        }
    }
}

impl std::fmt::Display for Table {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn no_two_tables_have_one_name() {
        let views = crate::reports().iter().map(|report| report.name);
        let tables = Table::BASE.into_iter().chain(Table::rosters());
        let names: Vec<&str> = tables.map(Table::as_str).chain(views).collect();
        let different: HashSet<&str> = names.iter().copied().collect();
        assert_eq!(different.len(), names.len());
    }
}
