//! Answers to problems.

use schemas::event::limits::{ANSWER, COUNT};
use schemas::event::{Assessment, Data};
use serde_json::{Map, Value};

use super::block::usage_key;
use super::form::Form;
use super::names::Told;
use super::tracking::Tracking;
use super::values::{as_text, attempt, most_points, peek, points, take, text};

/// An attempt at a problem: graded, as the server tells it, or handed in, as the
/// browser does just before.
pub fn checked(tracking: &mut Tracking, event_type: &'static str) -> Option<Told> {
    match &tracking.form {
        Some(form) => handed_in(Form::read(form)?, tracking.course.as_deref()),
        None => graded(tracking, event_type),
    }
}

/// What a form says; its grade comes with the server's event.
fn handed_in(form: Form, course: Option<&str>) -> Option<Told> {
    let problem = usage_key(course, "problem", &form.problem);
    Some(Told {
        event_type: "assessment.submitted",
        content: Some(problem.clone()),
        data: Data::Assessment(Assessment {
            assessment_id: Some(problem.clone()),
            item_id: Some(problem),
            response: response(form.answers),
            ..Assessment::default()
        }),
    })
}

/// One event, however many parts the problem has: its grade is that of the
/// whole, and comes once more as `edx.grades.problem.submitted`.
fn graded(tracking: &mut Tracking, event_type: &'static str) -> Option<Told> {
    let event = &mut tracking.event;
    let problem = take(event, &["problem_id"], text)?;
    let (answers, parts) = parts(event);
    for name in ["submission", "answers", "correct_map", "state"] {
        event.remove(name);
    }
    let correct = take(event, &["success"], |value| match value.as_str()? {
        "correct" => Some(true),
        "incorrect" => Some(false),
        _ => None,
    });
    let mut data = Assessment {
        item_id: Some(problem.clone()),
        attempt: take(event, &["attempts"], attempt),
        response: response(answers),
        correct,
        score: take(event, &["grade"], points),
        max_score: take(event, &["max_grade"], most_points),
        ..Assessment::default()
    };
    if !parts.is_empty() {
        data.unknown
            .insert("parts".to_owned(), Value::Object(parts));
    }
    Some(Told {
        event_type,
        content: Some(problem),
        data: Data::Assessment(data),
    })
}

/// The answers by part, and of each part whether it is right and what it is.
fn parts(event: &Map<String, Value>) -> (Map<String, Value>, Map<String, Value>) {
    let object = |name: &str| event.get(name).and_then(Value::as_object);
    let mut answers = object("answers").cloned().unwrap_or_default();
    let mut parts = Map::new();
    // In its words rather than as `choice_2`.
    for (part, submission) in object("submission").into_iter().flatten() {
        if let Some(answer) = submission.get("answer") {
            answers.insert(part.clone(), answer.clone());
        }
        let told = ["correct", "input_type", "response_type", "variant"]
            .into_iter()
            .filter_map(|name| Some((name.to_owned(), submission.get(name)?.clone())))
            .filter(|(_, value)| value != "");
        parts.insert(part.clone(), Value::Object(told.collect()));
    }
    answers.sort_keys();
    (answers, parts)
}

/// The answer of a problem's only part, or the answers by part.
fn response(answers: Map<String, Value>) -> Option<String> {
    let only = answers.values().next().filter(|_| answers.len() == 1);
    let text = match only {
        Some(answer) => as_text(answer),
        None if answers.is_empty() => return None,
        None => Value::Object(answers).to_string(),
    };
    (text.len() <= ANSWER).then_some(text)
}

/// Something asked at a problem: a hint, or the answer.
pub fn helped(tracking: &mut Tracking, event_type: &'static str) -> Option<Told> {
    let event = &mut tracking.event;
    let problem = take(event, &["problem_id", "module_id", "problem"], text)?;
    // The first hint has the index 0.
    let hints = take(event, &["hint_index"], |value| {
        let index = i32::try_from(value.as_i64()?).ok()?;
        (0..COUNT).contains(&index).then_some(index + 1)
    });
    Some(Told {
        event_type,
        content: Some(problem.clone()),
        data: Data::Assessment(Assessment {
            item_id: Some(problem),
            hints,
            ..Assessment::default()
        }),
    })
}

/// A task that is handed in to be read by people.
pub fn essay(tracking: &mut Tracking, event_type: &'static str) -> Option<Told> {
    let module = tracking.context.get("module").and_then(Value::as_object);
    let task = module.and_then(|module| peek(module, &["usage_key"], text))?;
    let event = &mut tracking.event;
    event.remove("answer");
    Some(Told {
        event_type,
        content: Some(task.clone()),
        data: Data::Assessment(Assessment {
            assessment_id: Some(task),
            attempt: take(event, &["attempt_number"], attempt),
            ..Assessment::default()
        }),
    })
}
