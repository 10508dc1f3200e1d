//! Contents that are due before they are assigned, and classes that end before they begin.

use schemas::roster::Entity;

use super::Report;
use crate::diagnostic::Code;
use crate::row::{Row, Value};

/// A content is due after it was assigned.
pub(super) fn check_content(row: &Row, line: u64, report: &mut Report<'_>) {
    let entity = Entity::Contents;
    let Some(assigned) = row.get(entity, "assigned_on").as_date() else {
        return;
    };
    // In which zone the day begins is not known here: a day sooner it may have begun.
    let at = match row.get(entity, "due_at") {
        Value::Time(at) => Some(at.date_naive()),
        _ => None,
    };
    let due = row.get(entity, "due_on").as_date();
    let column = if due.is_some_and(|due| due < assigned) {
        "due_on"
    } else if at.is_some_and(|at| at < assigned.pred_opt().unwrap_or(assigned)) {
        "due_at"
    } else {
        return;
    };
    let detail = "it is due before it is assigned";
    report.add(Code::DueBeforeAssigned, line, column, detail);
}

/// Whether a section does not end, on a day, before it begins.
pub(super) fn check_times(entity: Entity, row: &Row, line: u64, report: &mut Report<'_>) -> bool {
    let clock = |field| row.text(entity, field);
    match (clock("starts_at"), clock("ends_at")) {
        (Some(starts), Some(ends)) if ends < starts => {
            let detail = "it ends before it begins";
            report.add(Code::BeginAfterEnd, line, "starts_at", detail);
            false
        }
        _ => true,
    }
}
