//! What an event of Canvas says, as one of our types of events.

use schemas::event::limits::{COUNT, POINTS};
use schemas::event::{Assessment, Clickstream, Data, EventType};
use serde_json::Value;

use super::asset;
use super::parts::Parts;
use super::vocabulary::Kind;
use crate::dialect::name::{take_number, take_text};

/// What an event says.
#[derive(Debug)]
pub struct Meaning {
    /// The type of ours that says it, if one does.
    pub event_type: Option<&'static EventType>,
    /// What its columns hold.
    pub data: Data,
    /// The page or the thing.
    pub content: Option<String>,
}

impl Meaning {
    fn new(event_type: Option<&'static str>, data: Data) -> Self {
        Self {
            event_type: event_type.and_then(EventType::from_name),
            data,
            content: None,
        }
    }
}

/// The meaning of an event that happened in this course; `None` if it means nothing
/// that is stored: a grade is taken away, a topic is an announcement.
pub fn meaning(kind: Kind, parts: &mut Parts, course: Option<&str>) -> Option<Meaning> {
    match kind {
        Kind::Ignored => None,
        Kind::Asset => Some(asset::meaning(parts)),
        Kind::CourseCompleted => Some(course_completed(course)),
        Kind::CourseGrade => course_grade(parts, course),
        Kind::Enrollment => Some(enrollment(parts)),
        Kind::Entry => Some(entry(parts)),
        Kind::Grade => grade(parts),
        Kind::LoggedIn => Some(visit(parts, "session.started")),
        Kind::LoggedOut => Some(visit(parts, "session.ended")),
        Kind::Quiz => Some(quiz(parts)),
        Kind::Submission => Some(submission(parts)),
        Kind::Topic => topic(parts),
        Kind::Other => Some(Meaning::new(None, clickstream(parts))),
    }
}

fn clickstream(parts: &Parts) -> Data {
    Data::Clickstream(Clickstream {
        role: parts.told("context_role").map(str::to_owned),
        ..Clickstream::default()
    })
}

fn course_completed(course: Option<&str>) -> Meaning {
    let event_type = course.map(|_| "content.completed");
    let mut meaning = Meaning::new(event_type, Data::Clickstream(Clickstream::default()));
    meaning.content = course.map(|course| format!("course:{course}"));
    meaning
}

fn enrollment(parts: &mut Parts) -> Meaning {
    let status = take_text(&mut parts.body, "workflow_state");
    let event_type = status.as_ref().map(|_| "enrollment.changed");
    let data = Clickstream {
        status,
        role: take_text(&mut parts.body, "type"),
        ..Clickstream::default()
    };
    Meaning::new(event_type, Data::Clickstream(data))
}

fn entry(parts: &mut Parts) -> Meaning {
    let thread_id = parts.take_id("discussion_topic_id");
    let event_type = thread_id.as_ref().map(|_| "discussion.posted");
    let data = Clickstream {
        thread_id,
        target_id: parts.take_id("discussion_entry_id"),
        role: parts.told("context_role").map(str::to_owned),
        ..Clickstream::default()
    };
    Meaning::new(event_type, Data::Clickstream(data))
}

fn topic(parts: &mut Parts) -> Option<Meaning> {
    if parts.body.get("is_announcement") == Some(&Value::Bool(true)) {
        return None;
    }
    Some(entry(parts))
}

fn visit(parts: &Parts, name: &'static str) -> Meaning {
    let event_type = parts.told("session_id").map(|_| name);
    Meaning::new(event_type, clickstream(parts))
}

fn quiz(parts: &mut Parts) -> Meaning {
    let assessment_id = parts.take_id("quiz_id").map(|id| format!("quiz:{id}"));
    handed_in(assessment_id, None)
}

fn submission(parts: &mut Parts) -> Meaning {
    let assessment_id = take_assignment(parts);
    let attempt = parts.body.get("attempt").and_then(Value::as_i64);
    let attempt = attempt.and_then(|n| i32::try_from(n).ok());
    let attempt = attempt.filter(|n| (1..=COUNT).contains(n));
    if attempt.is_some() {
        parts.body.remove("attempt");
    }
    handed_in(assessment_id, attempt)
}

fn handed_in(assessment_id: Option<String>, attempt: Option<i32>) -> Meaning {
    let event_type = assessment_id.as_ref().map(|_| "assessment.submitted");
    let data = Assessment {
        assessment_id,
        attempt,
        ..Assessment::default()
    };
    assessment(event_type, data)
}

/// What has no type of ours has no columns of an assessment either.
fn assessment(event_type: Option<&'static str>, data: Assessment) -> Meaning {
    match event_type {
        Some(_) => Meaning::new(event_type, Data::Assessment(data)),
        None => Meaning::new(None, Data::Clickstream(Clickstream::default())),
    }
}

fn take_assignment(parts: &mut Parts) -> Option<String> {
    let id = parts.take_id("assignment_id")?;
    Some(format!("assignment:{id}"))
}

/// The grade of a submission: its first, or another.
fn grade(parts: &mut Parts) -> Option<Meaning> {
    let assessment_id = Some(take_assignment(parts)?);
    let score = take_number(&mut parts.body, "score", -POINTS, POINTS);
    let max_score = take_number(&mut parts.body, "points_possible", 0.0, POINTS);
    let old = take_grade(parts, &["old_grade", "old_score"]);
    let mut data = Assessment {
        assessment_id,
        score,
        max_score,
        ..Assessment::default()
    };
    if old.is_none() && score.is_some() {
        return Some(assessment(Some("assessment.graded"), data));
    }
    let new = take_grade(parts, &["grade"]);
    data.grade_new = Some(new.or_else(|| score.map(|score| score.to_string()))?);
    data.grade_old = old;
    Some(assessment(Some("grade.changed"), data))
}

/// The grade of a course: as it is counted, or as a teacher sets it.
fn course_grade(parts: &mut Parts, course: Option<&str>) -> Option<Meaning> {
    course?;
    let new = take_grade(parts, &["override_score", "current_score", "final_score"])?;
    let old = take_grade(
        parts,
        &["old_override_score", "old_current_score", "old_final_score"],
    );
    let data = Assessment {
        grade_old: old,
        grade_new: Some(new),
        ..Assessment::default()
    };
    Some(assessment(Some("grade.changed"), data))
}

/// Takes the first of these members that is a grade.
fn take_grade(parts: &mut Parts, members: &[&str]) -> Option<String> {
    members.iter().find_map(|member| {
        let grade = match parts.body.get(*member)? {
            Value::String(text) if !text.trim().is_empty() => text.clone(),
            Value::Number(number) => number.to_string(),
            _ => return None,
        };
        parts.body.remove(*member);
        Some(grade)
    })
}
