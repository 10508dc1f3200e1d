//! Grades and exams.

use schemas::event::limits::DURATION_SECONDS;
use schemas::event::{Assessment, Data};

use super::names::Told;
use super::tracking::Tracking;
use super::values::{most_points, number, points, take, text};

/// The grade of a problem.
pub fn problem(tracking: &mut Tracking, event_type: &'static str) -> Option<Told> {
    let reason = match tracking.name.rsplit('.').next() {
        Some("rescored") => Some("rescored"),
        Some("score_overridden") => Some("overridden"),
        _ => None,
    };
    let event = &mut tracking.event;
    let problem = super::values::peek(event, &["problem_id"], text)?;
    let score = take(event, &["weighted_earned", "new_weighted_earned"], points)?;
    let max_score = take(
        event,
        &["weighted_possible", "new_weighted_possible"],
        most_points,
    );
    event.remove("problem_id");
    Some(Told {
        event_type,
        content: Some(problem.clone()),
        data: Data::Assessment(Assessment {
            assessment_id: Some(problem.clone()),
            item_id: Some(problem),
            correct: max_score.filter(|max| *max > 0.0).map(|max| score >= max),
            score: Some(score),
            max_score,
            reason: reason.map(str::to_owned),
            ..Assessment::default()
        }),
    })
}

/// The grade of a subsection, the homework of a week for example.
pub fn subsection(tracking: &mut Tracking, event_type: &'static str) -> Option<Told> {
    let event = &mut tracking.event;
    let block = super::values::peek(event, &["block_id"], text)?;
    let score = take(event, &["weighted_total_earned"], points)?;
    event.remove("block_id");
    Some(Told {
        event_type,
        content: Some(block.clone()),
        data: Data::Assessment(Assessment {
            assessment_id: Some(block),
            score: Some(score),
            max_score: take(event, &["weighted_total_possible"], most_points),
            ..Assessment::default()
        }),
    })
}

/// The grade of a course, of 1.
pub fn course(tracking: &mut Tracking, event_type: &'static str) -> Option<Told> {
    tracking.course.as_ref()?;
    let grade = take(&mut tracking.event, &["percent_grade"], points)?;
    Some(Told {
        event_type,
        content: None,
        data: Data::Assessment(Assessment {
            score: Some(grade),
            max_score: Some(1.0),
            grade_new: Some(grade.to_string()),
            ..Assessment::default()
        }),
    })
}

/// Whether a course is passed.
pub fn passed(tracking: &mut Tracking, event_type: &'static str) -> Option<Told> {
    tracking.course.as_ref()?;
    let grade = if tracking.name.ends_with("now_failed") {
        "failed"
    } else {
        "passed"
    };
    Some(Told {
        event_type,
        content: None,
        data: Data::Assessment(Assessment {
            grade_new: Some(grade.to_owned()),
            ..Assessment::default()
        }),
    })
}

/// An exam of limited time.
pub fn exam(tracking: &mut Tracking, event_type: &'static str) -> Option<Told> {
    let event = &mut tracking.event;
    let exam = take(event, &["exam_content_id"], text)?;
    let seconds = take(event, &["attempt_event_elapsed_time_secs"], |value| {
        number(value).filter(|seconds| (0.0..=DURATION_SECONDS).contains(seconds))
    });
    Some(Told {
        event_type,
        content: Some(exam.clone()),
        data: Data::Assessment(Assessment {
            assessment_id: Some(exam),
            duration_seconds: seconds,
            ..Assessment::default()
        }),
    })
}
