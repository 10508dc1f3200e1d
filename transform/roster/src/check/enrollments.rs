//! Enrollments beside their section's terms and their user's roles.

use schemas::roster::Entity;

use super::facts::hash;
use super::{Facts, Report};
use crate::diagnostic::Code;
use crate::row::{Row, Value};

pub(super) fn check(row: &Row, line: u64, facts: &mut Facts, report: &mut Report<'_>) {
    let entity = Entity::Enrollments;
    let section = row.text(entity, "section_id").unwrap_or_default();
    let role = row.text(entity, "role").unwrap_or_default();
    let day = |field| row.get(entity, field).as_date();
    if let Some((start, end)) = facts.span_of_section(section)
        && (day("begin_date").is_some_and(|day| day > end)
            || day("end_date").is_some_and(|day| day < start))
    {
        let detail = "the enrollment has no day in common with the terms of its class";
        report.add(Code::OutsideTerms, line, "beginDate", detail);
    }
    if *row.get(entity, "primary") == Value::Boolean(true) {
        if role != "teacher" {
            let detail = "primary is true of somebody who is no teacher";
            report.add(Code::PrimaryNotTeacher, line, "primary", detail);
        } else if !facts.primary_taught.insert(hash(section)) {
            let detail = "the class has another primary teacher";
            report.add(Code::SeveralPrimaryTeachers, line, "primary", detail);
        }
    }
    let user = row.text(entity, "user_id").unwrap_or_default();
    if let Some(roles) = facts.roles.get(&hash(user)) {
        let contradicts = match role {
            "student" => !roles.student,
            "teacher" => !roles.staff,
            _ => false,
        };
        if contradicts {
            let detail = format!("the user is enrolled as {role}, but has no such role");
            report.add(Code::RoleContradiction, line, "role", detail);
        }
    }
}

/// A class has a teacher.
pub(super) fn check_taught(key: &str, line: u64, facts: &Facts, report: &mut Report<'_>) {
    if !facts.taught.contains(&hash(key)) {
        let detail = "nobody is enrolled in the class as its teacher";
        report.add(Code::NoTeacher, line, "sourcedId", detail);
    }
}
