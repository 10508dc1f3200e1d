//! What rows refer to, and whether it is there.

use std::collections::HashSet;

use schemas::roster::Entity;

use super::{Checked, Facts, Report, hash};
use crate::binding::Hold;
use crate::diagnostic::Code;
use crate::row::Row;

/// A column of references.
pub(super) struct ReferenceTo {
    field: usize,
    column: &'static str,
    target: Entity,
    hold: Hold,
}

impl Checked {
    /// Whether a table of which there are rows refers to the table.
    pub(super) fn is_referred_to(&self, entity: Entity) -> bool {
        let tables = self.modes.keys();
        let mut columns = tables.flat_map(|table| self.origin.columns(*table));
        columns.any(|(_, column)| {
            let file = column.refers.map(|reference| reference.file);
            file.is_some_and(|file| file.entity() == entity)
        })
    }

    /// The columns of references that a table has.
    pub(super) fn references(&self, entity: Entity) -> Vec<ReferenceTo> {
        let columns = self.origin.columns(entity).into_iter();
        columns
            .filter_map(|(field, column)| {
                let reference = column.refers?;
                Some(ReferenceTo {
                    field,
                    column: column.name,
                    target: reference.file.entity(),
                    hold: reference.hold,
                })
            })
            .collect()
    }
}

/// Whether a row may be taken with what it refers to.
pub(super) fn resolve(
    to: &ReferenceTo,
    row: &Row,
    line: u64,
    facts: &Facts,
    present: &HashSet<Entity>,
    report: &mut Report<'_>,
) -> bool {
    let value = &row.values[to.field];
    // The empty text, of a key, refers to nothing.
    let one = value.as_text().filter(|id| !id.is_empty()).into_iter();
    let many = value.as_texts().iter().map(String::as_str);
    let ids = facts.ids.get(&to.target);
    let leads = |id: &str| ids.is_some_and(|ids| ids.contains(&hash(id)));
    if one.chain(many).all(leads) {
        return true;
    }
    let target = to.target;
    match to.hold {
        Hold::Firm => {
            let detail = format!("it refers to no row of the {target}");
            report.add(Code::DanglingReference, line, to.column, detail);
            false
        }
        Hold::Loose => {
            let code = Code::UnresolvedReference;
            if ids.is_none_or(HashSet::is_empty) && !present.contains(&target) {
                let detail = format!("the bundle has no {target}, and none are stored");
                report.once(code, line, to.column, &detail);
            } else {
                let detail = format!("it refers to no row of the {target}");
                report.add(code, line, to.column, detail);
            }
            true
        }
    }
}
