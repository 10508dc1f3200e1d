//! What a learning record provider reads: the ids of its statements, or what is
//! wrong with each.

use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::{Json, body::Body};
use schemas::Problem;

use super::Xapi;
use crate::answer::{Unsigned, errors};
use crate::outcome::{Answered, Counts, Reason};
use crate::step::Step;

/// The most errors that an answer lists.
const LISTED: usize = 1000;

/// Answers a request by what became of its statements: all of them are taken
/// or, but for a log that fails half-way, none.
pub fn answer(request: Xapi, events: &[Answered]) -> Response {
    if let Some(problem) = problem(events) {
        return Unsigned::counted(problem, Counts::of(events)).into_response();
    }
    if request.statement_id.is_some() {
        let mut response = Response::new(Body::empty());
        *response.status_mut() = StatusCode::NO_CONTENT;
        return response;
    }
    let ids: Vec<_> = events.iter().filter_map(|event| event.id).collect();
    Step::Answer.compute(|| Json(ids).into_response())
}

/// The problem of a request that was not taken whole.
pub(crate) fn problem(events: &[Answered]) -> Option<Problem> {
    let counts = Counts::of(events);
    if counts.rejected > 0 {
        return Some(refused(events));
    }
    let detail = "Send the request again after the seconds that Retry-After says: statements that \
                  have an id are not stored twice.";
    let title = "The event log does not take all statements now";
    (counts.retry > 0).then(|| Problem::new(503, "log_unavailable", title, detail))
}

fn refused(events: &[Answered]) -> Problem {
    let scope = |event: &Answered| {
        matches!(
            event.outcome.reason(),
            Some(Reason::FamilyNotAllowed | Reason::BatchRefused)
        )
    };
    let large = |event: &Answered| event.outcome.reason() == Some(Reason::EventTooLarge);
    let (status, code, title, detail) = if events.iter().all(scope) {
        (
            403,
            "wrong_scope",
            "The write key may not post these statements",
            "Use a write key that may post the families of these statements.",
        )
    } else if events.iter().any(large) {
        (
            413,
            "statement_too_large",
            "A statement is too large",
            "Send smaller statements, as `errors` says: nothing of the request was taken.",
        )
    } else {
        (
            400,
            "invalid_statement",
            "A statement is not as xAPI has it",
            "Correct the statements as `errors` says, then send all again: nothing of the request \
             was taken.",
        )
    };
    let mut problem = Problem::new(status, code, title, detail);
    problem.errors = errors(events);
    if let Some(unlisted @ [_, ..]) = problem.errors.get(LISTED..) {
        let last = problem.errors[LISTED - 1].index;
        let mut more: Vec<_> = unlisted.iter().map(|error| error.index).collect();
        more.dedup();
        more.retain(|index| *index != last);
        let more = format!(
            " The first {LISTED} errors are listed; {} more statements have some.",
            more.len()
        );
        problem.errors.truncate(LISTED);
        problem.detail.push_str(&more);
    }
    problem
}
