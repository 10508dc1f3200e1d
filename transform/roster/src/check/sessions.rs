//! Sessions within sessions, and what refers to one of the wrong type.

use schemas::roster::Entity;

use super::{Facts, Report};
use crate::diagnostic::Code;
use crate::row::Row;

/// From the largest to the smallest; those of other types fit anywhere.
fn size(kind: &str) -> Option<u8> {
    match kind {
        "school_year" => Some(3),
        "semester" | "term" => Some(2),
        "grading_period" => Some(1),
        _ => None,
    }
}

/// Sessions of the bundle beside their parents.
pub(super) fn check_tree(facts: &Facts, report: &mut Report<'_>) {
    for (id, session) in facts.sessions.iter() {
        let line = facts.lines.get(&(Entity::Terms, id.to_owned())).copied();
        let parent = session.parent.as_deref();
        let parent = parent.and_then(|parent| facts.sessions.get(parent));
        let (Some(line), Some(parent)) = (line, parent) else {
            continue;
        };
        if let (Some(own), Some(above)) = (size(&session.kind), size(&parent.kind))
            && own > above
        {
            let detail = "the session is larger by type than its parent";
            report.add(Code::WrongNesting, line, "parentSourcedId", detail);
        }
        if session.start < parent.start || session.end > parent.end {
            let detail = "the session is not within the days of its parent";
            report.add(Code::OutsideParent, line, "startDate", detail);
        }
    }
}

/// A course is of a school year.
pub(super) fn check_course(row: &Row, line: u64, facts: &Facts, report: &mut Report<'_>) {
    let year = row.text(Entity::Courses, "school_year_term_id");
    let year = year.and_then(|year| facts.sessions.get(year));
    if year.is_some_and(|year| year.kind != "school_year" && !year.kind.starts_with("ext:")) {
        let detail = "it refers to a session that is not of type schoolYear";
        report.add(Code::WrongSessionType, line, "schoolYearSourcedId", detail);
    }
}
