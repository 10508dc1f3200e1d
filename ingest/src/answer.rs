//! What the sender reads: one status for the request, one outcome per event.

use axum::body::Body;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use schemas::{Problem, ProblemDetail};
use serde::Serialize;
use uuid::Uuid;

use crate::come_back::ComeBack;
use crate::outcome::{Answered, Counts, Outcome, Reason};
use crate::step::Step;

/// The answer to a request whose events were judged.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    events: Vec<Answered>,
}

impl Answer {
    /// The answer that says what became of these events.
    pub fn new(events: Vec<Answered>) -> Self {
        Self { events }
    }

    /// How many events had which outcome.
    pub fn counts(&self) -> Counts {
        Counts::of(&self.events)
    }

    /// 202 when all are taken, 400 (403 when only the key stands in the way) when none
    /// ever will be, 503 when all may be sent again, else 200.
    pub fn status(&self) -> StatusCode {
        let counts = self.counts();
        if counts.rejected == counts.received {
            let scope = |event: &Answered| event.outcome.reason().is_some_and(Reason::is_of_key);
            if self.events.iter().all(scope) {
                StatusCode::FORBIDDEN
            } else {
                StatusCode::BAD_REQUEST
            }
        } else if counts.retry == counts.received {
            StatusCode::SERVICE_UNAVAILABLE
        } else if counts.rejected + counts.retry == 0 {
            StatusCode::ACCEPTED
        } else {
            StatusCode::OK
        }
    }

    /// The problem of an answer that took nothing.
    pub(crate) fn problem(&self) -> Option<Problem> {
        let (code, title, detail) = match self.status() {
            StatusCode::BAD_REQUEST => (
                "no_event_taken",
                "No event could be taken",
                "Correct the events as `errors` says, then send them again.",
            ),
            StatusCode::FORBIDDEN => (
                "wrong_scope",
                "The write key may not post these events",
                "Use a write key that may post these events: `errors` says which.",
            ),
            StatusCode::SERVICE_UNAVAILABLE => (
                "log_unavailable",
                "The event log does not take events now",
                "Send the request again, with the same event ids, after the seconds that \
                 Retry-After says.",
            ),
            _ => return None,
        };
        let mut problem = Problem::new(self.status().as_u16(), code, title, detail);
        problem.errors = errors(&self.events);
        Some(problem)
    }

    /// What became of each event; with `success` first where senders look for that.
    pub(crate) fn json(&self, success: Option<bool>) -> Vec<u8> {
        Step::Answer.compute(|| self.write(success))
    }

    fn write(&self, success: Option<bool>) -> Vec<u8> {
        #[derive(Serialize)]
        struct Body<'a> {
            #[serde(skip_serializing_if = "Option::is_none")]
            success: Option<bool>,
            #[serde(flatten)]
            counts: Counts,
            results: Vec<Row<'a>>,
        }

        #[derive(Serialize)]
        struct Row<'a> {
            index: usize,
            #[serde(skip_serializing_if = "Option::is_none")]
            id: Option<Uuid>,
            outcome: &'static str,
            #[serde(skip_serializing_if = "std::ops::Not::not")]
            spooled: bool,
            #[serde(skip_serializing_if = "Option::is_none")]
            code: Option<&'static str>,
            #[serde(skip_serializing_if = "Option::is_none")]
            pointer: Option<&'a str>,
            #[serde(skip_serializing_if = "Option::is_none")]
            detail: Option<&'a str>,
        }

        impl<'a> Row<'a> {
            fn new((index, event): (usize, &'a Answered)) -> Self {
                let rejection = match &event.outcome {
                    Outcome::Rejected(rejection) => Some(rejection),
                    _ => None,
                };
                Self {
                    index,
                    id: event.id,
                    outcome: event.outcome.name(),
                    spooled: event.spooled,
                    code: rejection.map(|r| r.reason.code()),
                    pointer: rejection.map(|r| r.pointer.as_str()),
                    detail: rejection.map(|r| r.detail.as_str()),
                }
            }
        }

        to_json(&Body {
            success,
            counts: self.counts(),
            results: self.events.iter().enumerate().map(Row::new).collect(),
        })
    }
}

/// What is wrong with each event that was rejected for itself.
pub(crate) fn errors(events: &[Answered]) -> Vec<ProblemDetail> {
    let mut errors = Vec::new();
    for (index, event) in events.iter().enumerate() {
        if let Outcome::Rejected(rejection) = &event.outcome
            && rejection.reason != Reason::BatchRefused
        {
            let all = std::iter::once(rejection).chain(&rejection.also);
            errors.extend(all.map(|rejection| ProblemDetail {
                index: Some(index),
                pointer: rejection.pointer.clone(),
                code: rejection.reason.code(),
                detail: rejection.detail.clone(),
            }));
        }
    }
    errors
}

impl IntoResponse for Answer {
    fn into_response(self) -> Response {
        if let Some(problem) = self.problem() {
            return Unsigned::counted(problem, self.counts()).into_response();
        }
        let mut response = Response::new(Body::from(self.json(None)));
        *response.status_mut() = self.status();
        let json = HeaderValue::from_static("application/json");
        response.headers_mut().insert(header::CONTENT_TYPE, json);
        if self.counts().retry > 0 {
            response.extensions_mut().insert(ComeBack::WhenDone);
        }
        response
    }
}

/// A problem without its trace id. As a response it has no body yet:
/// [`Unsigned::sign`] writes it where the trace id is known.
#[derive(Debug, Clone)]
pub(crate) struct Unsigned {
    problem: Problem,
    counts: Option<Counts>,
}

impl Unsigned {
    /// A problem of the request as a whole.
    pub fn new(problem: Problem) -> Self {
        Self {
            problem,
            counts: None,
        }
    }

    /// A problem of all the events of a request.
    pub fn counted(problem: Problem, counts: Counts) -> Self {
        Self {
            problem,
            counts: Some(counts),
        }
    }

    /// The status that the problem says.
    pub fn status(&self) -> StatusCode {
        StatusCode::from_u16(self.problem.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
    }

    /// What happened, for programs.
    pub fn code(&self) -> &'static str {
        self.problem.code
    }

    /// Writes the body, with the trace id.
    pub fn sign(mut self, trace_id: &str, response: &mut Response) {
        #[derive(Serialize)]
        struct ProblemBody<'a> {
            #[serde(flatten)]
            problem: &'a Problem,
            #[serde(flatten)]
            counts: Option<Counts>,
        }

        self.problem.trace_id = Some(trace_id.to_owned());
        let json = to_json(&ProblemBody {
            problem: &self.problem,
            counts: self.counts,
        });
        *response.body_mut() = Body::from(json);
        let headers = response.headers_mut();
        headers.remove(header::CONTENT_LENGTH);
        let media_type = HeaderValue::from_static(Problem::MEDIA_TYPE);
        headers.insert(header::CONTENT_TYPE, media_type);
    }
}

impl IntoResponse for Unsigned {
    fn into_response(self) -> Response {
        let mut response = Response::new(Body::empty());
        *response.status_mut() = self.status();
        if self.status() == StatusCode::SERVICE_UNAVAILABLE {
            response.extensions_mut().insert(ComeBack::WhenDone);
        }
        response.extensions_mut().insert(self);
        response
    }
}

fn to_json(body: &impl Serialize) -> Vec<u8> {
    serde_json::to_vec(body).expect("an answer has only text keys and numbers")
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;
    use crate::outcome::Rejection;

    fn rejected(reason: Reason) -> Outcome {
        Outcome::Rejected(Rejection::new(reason, "", ""))
    }

    #[rstest]
    #[case(vec![Outcome::Accepted, Outcome::Duplicate, Outcome::Ignored], 202)]
    #[case(vec![Outcome::Accepted, rejected(Reason::InvalidId)], 200)]
    #[case(vec![Outcome::Accepted, Outcome::Retry], 200)]
    #[case(vec![rejected(Reason::InvalidId), Outcome::Retry], 200)]
    #[case(vec![rejected(Reason::InvalidId), rejected(Reason::FamilyNotAllowed)], 400)]
    #[case(vec![rejected(Reason::FamilyNotAllowed)], 403)]
    #[case(vec![Outcome::Retry, Outcome::Retry], 503)]
    fn the_status_says_what_the_sender_has_to_do(
        #[case] outcomes: Vec<Outcome>,
        #[case] status: u16,
    ) {
        let event = |outcome| Answered {
            id: None,
            event_type: None,
            family: None,
            outcome,
            spooled: false,
        };
        let answer = Answer::new(outcomes.into_iter().map(event).collect());
        assert_eq!(answer.status().as_u16(), status);
    }
}
