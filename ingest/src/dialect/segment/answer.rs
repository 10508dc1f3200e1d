//! What a Segment SDK reads: whether to drop a request or to send all of it again.

use axum::body::Body;
use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse, Response};
use schemas::Problem;

use crate::answer::{Answer, Unsigned, errors};
use crate::outcome::{Answered, Counts};

/// Answers a request by what became of its events.
///
/// SDKs read the status only, and some take no other than 200 for success. They know
/// no events of which some are taken: where the log did not take one now, all are to
/// be sent again, and those that it took are known by their ids.
pub fn answer(events: Vec<Answered>) -> Response {
    let counts = Counts::of(&events);
    if counts.retry > 0 {
        let detail = "Send the request again after the seconds that Retry-After says: what was \
                      taken of it is not stored twice, by its messageId.";
        let title = "The event log does not take all events now";
        let mut problem = Problem::new(503, "log_unavailable", title, detail);
        problem.errors = errors(&events);
        return Unsigned::counted(problem, counts).into_response();
    }
    let answer = Answer::new(events);
    if !answer.status().is_success() {
        return answer.into_response();
    }
    let mut response = Response::new(Body::from(answer.json(Some(true))));
    let json = HeaderValue::from_static("application/json");
    response.headers_mut().insert(header::CONTENT_TYPE, json);
    response
}
