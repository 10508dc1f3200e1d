//! `GET /v1/tail`: server-sent events.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::{Request, State};
use axum::response::Sse;
use axum::response::sse::{Event, KeepAlive};
use axum::routing::get;
use chrono::{DateTime, SecondsFormat, Utc};
use futures::Stream;
use schemas::{Family, KeyKind};
use serde::Serialize;
use tokio::sync::{broadcast, mpsc};
use tokio::time::Instant;
use uuid::Uuid;

use super::filter::Filter;
use super::{Listener, Told, What};
use crate::authenticate::{KeyPlace, authenticate};
use crate::error::{Error, KeyError};
use crate::outcome::{Answered, Outcome};
use crate::service::Door;

/// What a listener is told of in a second; of more only how many they were.
const EACH_SECOND: u32 = 500;
/// What waits for the listener's connection.
const UNSENT: usize = 64;

/// The route.
pub fn routes() -> Router<Arc<Door>> {
    Router::new().route("/v1/tail", get(tail))
}

async fn tail(
    State(door): State<Arc<Door>>,
    request: Request,
) -> Result<Sse<impl Stream<Item = Result<Event, Infallible>>>, Error> {
    let (parts, _) = request.into_parts();
    let sender = authenticate(&parts, KeyPlace::Bearer, &door.registry, door.clock.now()).await?;
    if sender.scope.kind == KeyKind::Public {
        return Err(KeyError::PublicListens.into());
    }
    let filter = Filter::of(&parts.uri, &sender.scope.key_id)?;
    let listener = door.tail.listen()?;
    let (events, mut unsent) = mpsc::channel(UNSENT);
    let tenant = sender.tenant.id.clone();
    let told = move |told: &Told| told.origin.tenant == tenant;
    tokio::spawn(pass_on(listener, told, filter, events));
    let stream = futures::stream::poll_fn(move |context| unsent.poll_recv(context));
    let alive = KeepAlive::new().interval(Duration::from_secs(10));
    Ok(Sse::new(stream).keep_alive(alive))
}

type Events = mpsc::Sender<Result<Event, Infallible>>;

/// Passes on what the listener may and wants to hear, until it goes or we stop.
async fn pass_on(
    mut listener: Listener,
    may_hear: impl Fn(&Told) -> bool,
    mut filter: Filter,
    events: Events,
) {
    let mut pace = Pace::new();
    let mut hello = Some(Event::default().event("listening").data("{}"));
    let stopping = listener.stopping.clone();
    loop {
        if let Some(event) = hello.take().or_else(|| pace.skipped())
            && events.send(Ok(event)).await.is_err()
        {
            return;
        }
        let next = tokio::select! {
            () = stopping.cancelled() => return,
            () = events.closed() => return,
            () = tokio::time::sleep_until(pace.until), if pace.has_skipped() => continue,
            next = listener.told.recv() => next,
        };
        let told = match next {
            Ok(told) => told,
            // Of whose requests they were nothing is known.
            Err(broadcast::error::RecvError::Lagged(_)) => {
                let event = Event::default().event("missed").data("{}");
                if events.send(Ok(event)).await.is_err() {
                    return;
                }
                continue;
            }
            Err(broadcast::error::RecvError::Closed) => return,
        };
        if !may_hear(&told) || !filter.takes_key(&told.origin.key) {
            continue;
        }
        for event in rows(&told, &mut filter) {
            if pace.allows() && events.send(Ok(event)).await.is_err() {
                return;
            }
        }
    }
}

/// What is told of a request: a line for each event that is wanted.
fn rows<'a>(told: &'a Told, filter: &'a mut Filter) -> Box<dyn Iterator<Item = Event> + Send + 'a> {
    let event = |name: &str, row: Row<'_>| {
        let event = Event::default().event(name).json_data(row);
        event.expect("a row has only text keys and numbers")
    };
    match &told.what {
        What::Refusal(problem) => {
            let row = Row {
                outcome: "refused",
                status: Some(problem.status),
                code: Some(problem.code),
                detail: Some(&problem.detail),
                ..Row::of(told)
            };
            let wanted = filter.takes_refusals().then(|| event("refusal", row));
            Box::new(wanted.into_iter())
        }
        What::Events(answered) => {
            let wanted = answered.iter().filter(|answered| filter.takes(answered));
            Box::new(wanted.map(move |answered| event("outcome", Row::about(told, answered))))
        }
    }
}

/// What is told of one event, or of a request as a whole.
#[derive(Debug, Serialize)]
struct Row<'a> {
    received_at: String,
    key: &'a str,
    path: &'a str,
    trace_id: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<Uuid>,
    #[serde(rename = "type", skip_serializing_if = "Option::is_none")]
    event_type: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    family: Option<Family>,
    outcome: &'a str,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    spooled: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    status: Option<u16>,
    #[serde(skip_serializing_if = "Option::is_none")]
    code: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pointer: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    detail: Option<&'a str>,
}

impl<'a> Row<'a> {
    fn of(told: &'a Told) -> Self {
        Self {
            received_at: time(told.received_at),
            key: &told.origin.key,
            path: &told.origin.path,
            trace_id: &told.origin.trace_id,
            id: None,
            event_type: None,
            family: None,
            outcome: "",
            spooled: false,
            status: None,
            code: None,
            pointer: None,
            detail: None,
        }
    }

    fn about(told: &'a Told, event: &'a Answered) -> Self {
        let rejection = match &event.outcome {
            Outcome::Rejected(rejection) => Some(rejection),
            _ => None,
        };
        Self {
            id: event.id,
            event_type: event.event_type.as_deref(),
            family: event.family,
            outcome: event.outcome.name(),
            spooled: event.spooled,
            code: rejection.map(|r| r.reason.code()),
            pointer: rejection.map(|r| r.pointer.as_str()),
            detail: rejection.map(|r| r.detail.as_str()),
            ..Self::of(told)
        }
    }
}

fn time(time: DateTime<Utc>) -> String {
    time.to_rfc3339_opts(SecondsFormat::Millis, true)
}

/// How much is told in a second.
struct Pace {
    until: Instant,
    told: u32,
    skipped: u64,
}

impl Pace {
    fn new() -> Self {
        Self {
            until: Instant::now() + Duration::from_secs(1),
            told: 0,
            skipped: 0,
        }
    }

    /// Whether one more may be told now; else it is counted.
    fn allows(&mut self) -> bool {
        self.begin_anew();
        let allowed = self.told < EACH_SECOND;
        self.told += u32::from(allowed);
        self.skipped += u64::from(!allowed);
        allowed
    }

    fn has_skipped(&self) -> bool {
        self.skipped > 0
    }

    /// Says how many events were left out in the second that is over.
    fn skipped(&mut self) -> Option<Event> {
        self.begin_anew();
        let due = self.told == 0 && self.skipped > 0;
        due.then(|| {
            let events = std::mem::take(&mut self.skipped);
            let data = serde_json::json!({ "events": events }).to_string();
            Event::default().event("skipped").data(data)
        })
    }

    fn begin_anew(&mut self) {
        let now = Instant::now();
        if now >= self.until {
            self.until = now + Duration::from_secs(1);
            self.told = 0;
        }
    }
}
