//! How an import went, whatever tells of it: what it changed, and what was wrong.

use std::collections::BTreeMap;

use datafusion::arrow::array::ArrayRef;
use lake::imports::{Counts, Found};

use super::arrays::{texts, whole};
use super::{Column, Kind, column};

pub(super) const ADDED: Column =
    column("rows_added", Kind::Whole, "Rows that came, of all tables.");
pub(super) const CHANGED: Column =
    column("rows_changed", Kind::Whole, "Rows that say something else.");
pub(super) const ENDED: Column = column("rows_ended", Kind::Whole, "Rows that ended.");
pub(super) const UNCHANGED: Column = column(
    "rows_unchanged",
    Kind::Whole,
    "Rows that stayed as they were.",
);
pub(super) const FATAL: Column = column(
    "fatal",
    Kind::Whole,
    "Diagnostics for which it was refused.",
);
pub(super) const ERRORS: Column = column(
    "errors",
    Kind::Whole,
    "Diagnostics for which rows or files were left out.",
);
pub(super) const WARNINGS: Column = column(
    "warnings",
    Kind::Whole,
    "Diagnostics of what was taken all the same.",
);
pub(super) const ERROR: Column = column(
    "error",
    Kind::Text,
    "Why it was refused or failed, and what to do.",
);

/// How it went.
pub(super) struct Outcome<'a> {
    pub tables: &'a BTreeMap<String, Counts>,
    pub found: Found,
    pub error: Option<&'a str>,
}

impl Outcome<'_> {
    fn total(&self, count: impl Fn(&Counts) -> u64) -> Option<u64> {
        Some(self.tables.values().map(count).sum())
    }
}

/// The columns above, in their order.
pub(super) fn columns<T>(of: &[T], outcome: impl Fn(&T) -> Outcome<'_>) -> [ArrayRef; 8] {
    let of: Vec<_> = of.iter().map(outcome).collect();
    [
        whole(&of, |one| one.total(|counts| counts.added)),
        whole(&of, |one| one.total(|counts| counts.changed)),
        whole(&of, |one| one.total(|counts| counts.ended)),
        whole(&of, |one| one.total(|counts| counts.unchanged)),
        whole(&of, |one| Some(one.found.fatal)),
        whole(&of, |one| Some(one.found.errors)),
        whole(&of, |one| Some(one.found.warnings)),
        texts(&of, |one| one.error.map(str::to_owned)),
    ]
}
