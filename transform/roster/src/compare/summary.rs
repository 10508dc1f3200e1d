//! How many rows change, for people.

use std::collections::BTreeMap;

use schemas::roster::Entity;

use super::{Change, ChangeKind, Comparison};

/// How many rows of a table change.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TableSummary {
    /// Whether the bundle has all of the table.
    pub is_bulk: bool,
    /// Rows that are stored.
    pub stored: u64,
    /// Rows that are new.
    pub added: u64,
    /// Rows that say something else.
    pub changed: u64,
    /// Rows that end.
    pub ended: u64,
    /// Those of them whose time was over.
    pub expired: u64,
    /// Rows that stay as they are.
    pub unchanged: u64,
    /// Rows of a delta that are older than what is stored, and so are not taken.
    pub stale: u64,
    /// Rows of which a bulk does not speak: those of courses that it does not name.
    pub outside: u64,
    /// In how many rows each field changes.
    pub fields: BTreeMap<&'static str, u64>,
}

impl TableSummary {
    /// Whether nothing changes.
    pub fn is_unchanged(&self) -> bool {
        self.added + self.changed + self.ended == 0
    }

    pub(super) fn add(&mut self, entity: Entity, change: &Change, is_expired: bool) {
        match change.kind {
            ChangeKind::Added => self.added += 1,
            ChangeKind::Changed => self.changed += 1,
            ChangeKind::Ended => self.ended += 1,
        }
        self.expired += u64::from(is_expired);
        for field in change.fields(entity) {
            *self.fields.entry(field).or_default() += 1;
        }
    }
}

impl std::fmt::Display for Comparison<'_> {
    /// One line a table, and in brackets which fields change in how many rows.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        for (entity, summary) in self.summary() {
            let TableSummary {
                added,
                changed,
                ended,
                unchanged,
                ..
            } = summary;
            write!(f, "{entity}: {added} added, {changed} changed")?;
            let fields: Vec<_> = summary
                .fields
                .iter()
                .map(|(field, count)| format!("{field} {count}"))
                .collect();
            if !fields.is_empty() {
                write!(f, " ({})", fields.join(", "))?;
            }
            writeln!(f, ", {ended} ended, {unchanged} unchanged")?;
        }
        Ok(())
    }
}
