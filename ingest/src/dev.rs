//! For the tests of client apps: what came to this process, good and bad, until it is
//! reset. Only with the setting `dev`, on loopback, and in memory.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use axum::extract::{Query, State};
use axum::routing::{get, post};
use axum::{Json, Router};
use bytes::Bytes;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::error::Error;
use crate::outcome::{Answered, Outcome};
use crate::service::Door;

/// The newest that are kept, of good events and of bad ones.
pub const KEPT: usize = 1_000;

/// What came since it was reset.
#[derive(Debug, Default)]
pub struct Dev(Mutex<Seen>);

#[derive(Debug, Default)]
struct Seen {
    good: Kept<Good>,
    bad: Kept<Bad>,
}

/// The newest of what came, and how much that was.
#[derive(Debug)]
struct Kept<T> {
    count: u64,
    newest: VecDeque<T>,
}

/// An event that was taken.
#[derive(Debug, Clone, Serialize)]
struct Good {
    path: String,
    outcome: &'static str,
    id: Option<Uuid>,
    #[serde(rename = "type")]
    event_type: Option<String>,
    /// As it stands in the log: without the actor.
    event: Option<Box<RawValue>>,
}

/// An event, or a request as a whole, that was not taken.
#[derive(Debug, Clone, Serialize)]
struct Bad {
    path: String,
    outcome: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<Uuid>,
    #[serde(rename = "type", skip_serializing_if = "Option::is_none")]
    event_type: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    status: Option<u16>,
    #[serde(skip_serializing_if = "Option::is_none")]
    code: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pointer: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    detail: Option<String>,
}

impl<T> Default for Kept<T> {
    fn default() -> Self {
        Self {
            count: 0,
            newest: VecDeque::new(),
        }
    }
}

impl<T: Clone> Kept<T> {
    fn push(&mut self, one: T) {
        self.count += 1;
        if self.newest.len() == KEPT {
            self.newest.pop_front();
        }
        self.newest.push_back(one);
    }

    fn those(&self, wanted: impl Fn(&T) -> bool) -> Vec<T> {
        self.newest
            .iter()
            .filter(|one| wanted(one))
            .cloned()
            .collect()
    }
}

impl Dev {
    /// Notes what became of a request's events; `written` are the records that were
    /// made of them.
    pub fn note(&self, path: &str, events: &[Answered], written: &[Option<Bytes>]) {
        let mut seen = self.seen();
        for (event, written) in events.iter().zip(written) {
            let outcome = event.outcome.name();
            let (id, path) = (event.id, path.to_owned());
            let event_type = event.event_type.as_deref().map(str::to_owned);
            let rejection = match &event.outcome {
                Outcome::Accepted | Outcome::Duplicate | Outcome::Ignored => {
                    let json = written
                        .as_deref()
                        .and_then(|json| str::from_utf8(json).ok());
                    let event = json.and_then(|json| RawValue::from_string(json.to_owned()).ok());
                    seen.good.push(Good {
                        path,
                        outcome,
                        id,
                        event_type,
                        event,
                    });
                    continue;
                }
                Outcome::Rejected(rejection) => Some(rejection),
                Outcome::Retry => None,
            };
            seen.bad.push(Bad {
                path,
                outcome,
                id,
                event_type,
                status: None,
                code: rejection.map(|r| r.reason.code()),
                pointer: rejection.map(|r| r.pointer.clone()),
                detail: rejection.map(|r| r.detail.clone()),
            });
        }
    }

    /// Notes a request of which no event was looked at.
    pub fn note_refusal(&self, path: &str, error: &Error) {
        let problem = error.problem();
        self.seen().bad.push(Bad {
            path: path.to_owned(),
            outcome: "refused",
            id: None,
            event_type: None,
            status: Some(problem.status),
            code: Some(problem.code),
            pointer: None,
            detail: Some(problem.detail),
        });
    }

    fn counts(&self) -> Value {
        let seen = self.seen();
        let (good, bad) = (seen.good.count, seen.bad.count);
        json!({ "total": good + bad, "good": good, "bad": bad })
    }

    fn seen(&self) -> MutexGuard<'_, Seen> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The routes; 404 without the setting.
pub fn routes() -> Router<Arc<Door>> {
    Router::new()
        .route("/dev/all", get(all))
        .route("/dev/good", get(good))
        .route("/dev/bad", get(bad))
        .route("/dev/reset", post(reset))
}

/// Which of them.
#[derive(Debug, Deserialize)]
struct Which {
    /// Of this type.
    #[serde(rename = "type")]
    event_type: Option<String>,
}

impl Which {
    fn takes(&self, event_type: &Option<String>) -> bool {
        self.event_type.is_none() || self.event_type == *event_type
    }
}

async fn all(State(door): State<Arc<Door>>) -> Result<Json<Value>, Error> {
    Ok(Json(dev(&door)?.counts()))
}

async fn good(
    State(door): State<Arc<Door>>,
    Query(which): Query<Which>,
) -> Result<Json<Value>, Error> {
    let seen = dev(&door)?.seen();
    let events = seen.good.those(|good| which.takes(&good.event_type));
    Ok(Json(json!({ "good": seen.good.count, "events": events })))
}

async fn bad(
    State(door): State<Arc<Door>>,
    Query(which): Query<Which>,
) -> Result<Json<Value>, Error> {
    let seen = dev(&door)?.seen();
    let events = seen.bad.those(|bad| which.takes(&bad.event_type));
    Ok(Json(json!({ "bad": seen.bad.count, "events": events })))
}

async fn reset(State(door): State<Arc<Door>>) -> Result<Json<Value>, Error> {
    let dev = dev(&door)?;
    *dev.seen() = Seen::default();
    Ok(Json(dev.counts()))
}

fn dev(door: &Door) -> Result<&Dev, Error> {
    door.dev.as_ref().ok_or(Error::NotFound)
}
