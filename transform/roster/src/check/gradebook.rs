//! Line items and results.

use schemas::roster::Entity;

use super::facts::hash;
use super::{Facts, Report};
use crate::diagnostic::Code;
use crate::row::Row;

/// A line item is of a term and due after it was assigned.
pub(super) fn check_line_item(row: &Row, line: u64, facts: &Facts, report: &mut Report<'_>) {
    let entity = Entity::LineItems;
    let day = |field| row.get(entity, field).as_date();
    if let (Some(assigned), Some(due)) = (day("assign_date"), day("due_date"))
        && due < assigned
    {
        let detail = "the day it is due is before the day it was assigned";
        report.add(Code::DueBeforeAssigned, line, "dueDate", detail);
    }
    let session = row.text(entity, "term_id");
    let session = session.and_then(|id| facts.sessions.get(id));
    if session.is_some_and(|session| session.kind == "school_year") {
        let detail = "it refers to a session of type schoolYear, not to a term or smaller";
        let column = "academicSessionSourcedId";
        report.add(Code::WrongSessionType, line, column, detail);
    }
}

/// A score is within the range of its line item.
pub(super) fn check_result(row: &Row, line: u64, facts: &Facts, report: &mut Report<'_>) {
    let item = row
        .text(Entity::Results, "line_item_id")
        .unwrap_or_default();
    let score = row.get(Entity::Results, "score").as_number();
    if let (Some(score), Some((min, max))) = (score, facts.ranges.get(&hash(item)))
        && !(*min..=*max).contains(&score)
    {
        let detail = "the score is beyond the range of its line item";
        report.add(Code::ScoreOutOfRange, line, "score", detail);
    }
}
