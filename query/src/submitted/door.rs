//! `/v1/queries` and what lies below.

use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::extract::rejection::PathRejection;
use axum::extract::{Path, RawQuery, Request, State};
use axum::http::{HeaderMap, HeaderName, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use datafusion::error::DataFusionError;
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use futures::{StreamExt, stream};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::address::Address;
use super::carry;
use super::entry::{Entry, State as Progress};
use super::owner::Right;
use crate::Principal;
use crate::answer::{self, About, Bounds, Format, Paging};
use crate::audit::Ask;
use crate::error::Error;
use crate::request::Question;
use crate::secure::sees_all;
use crate::server::{Parts, counted, trace_id};

/// The most rows of a page.
pub(crate) const MOST_ROWS: usize = 100_000;

/// The longest name of a request.
pub(crate) const KEY_BYTES: usize = 255;

/// The header of the name that an asker gives to a request.
pub(crate) const IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");

type Id = Result<Path<String>, PathRejection>;

/// The routes of submitted queries.
pub(crate) fn routes() -> Router<Arc<Parts>> {
    Router::new()
        .route("/v1/queries", get(list).post(submit))
        .route("/v1/queries/{id}", get(show).delete(remove))
        .route("/v1/queries/{id}/rows", get(rows))
}

async fn submit(State(parts): State<Arc<Parts>>, request: Request) -> Response {
    let trace_id = trace_id();
    counted("queries", &trace_id, submitted(&parts, request)).await
}

async fn list(State(parts): State<Arc<Parts>>, headers: HeaderMap) -> Response {
    let listed = async {
        let principal = parts.principal(&headers).await?;
        let now = right(&parts, &principal).await?;
        let known = parts.queries.known(&principal, parts.clock.now());
        let queries = known.iter().map(|entry| told(entry, &principal, &now));
        let queries: Vec<Value> = queries.collect();
        Ok(document(StatusCode::OK, &json!({ "queries": queries })))
    };
    answered(listed.await)
}

async fn show(State(parts): State<Arc<Parts>>, id: Id, headers: HeaderMap) -> Response {
    let shown = async {
        let principal = parts.principal(&headers).await?;
        let entry = parts
            .queries
            .find(&principal, &named(id), parts.clock.now())?;
        let now = right(&parts, &principal).await?;
        Ok(document(StatusCode::OK, &told(&entry, &principal, &now)))
    };
    answered(shown.await)
}

async fn remove(State(parts): State<Arc<Parts>>, id: Id, headers: HeaderMap) -> Response {
    let removed = async {
        let principal = parts.principal(&headers).await?;
        let entry = parts
            .queries
            .find(&principal, &named(id), parts.clock.now())?;
        if entry.state().is_over() {
            parts.queries.forget(&entry.id);
            return Ok(StatusCode::NO_CONTENT.into_response());
        }
        let now = parts.clock.now();
        parts.queries.end(&entry, Progress::Cancelled, now);
        Ok(document(StatusCode::OK, &entry.to_json()))
    };
    answered(removed.await)
}

async fn rows(
    State(parts): State<Arc<Parts>>,
    id: Id,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Response {
    let trace_id = trace_id();
    let (id, query) = (named(id), query.unwrap_or_default());
    let page = page(&parts, &headers, &id, &query, &trace_id);
    counted("rows", &trace_id, page).await
}

async fn submitted(parts: &Arc<Parts>, request: Request) -> Result<Response, Error> {
    let (head, body) = request.into_parts();
    let principal = parts.principal(&head.headers).await?;
    let ask = parts
        .audit
        .ask(&principal, "queries", &head.headers)
        .await?;
    let taken = taken(parts, &principal, &ask, &head.headers, body);
    ask.watched(taken).await
}

async fn taken(
    parts: &Arc<Parts>,
    principal: &Principal,
    ask: &Arc<Ask>,
    headers: &HeaderMap,
    body: Body,
) -> Result<Response, Error> {
    let key = key(headers)?;
    let question = Question::read(headers, body, parts.config.sql_bytes).await?;
    ask.states(&question.sql, &question.params);
    parts.pressure.check()?;
    let asked = json!([question.sql, question.params]).to_string();
    let digest = Sha256::digest(asked).into();
    let now = parts.clock.now();
    let taken = parts
        .queries
        .take(principal, ask, (key, digest), &question.sql, now);
    let (entry, is_new) = taken?;
    if is_new {
        carry::begin(parts, &entry, principal.clone(), question);
    }
    Ok(accepted(&entry))
}

fn accepted(entry: &Entry) -> Response {
    let location = format!("/v1/queries/{}", entry.id);
    let mut response = document(StatusCode::ACCEPTED, &entry.to_json());
    if let Ok(location) = location.try_into() {
        response.headers_mut().insert(header::LOCATION, location);
    }
    response
}

/// The name that the asker gives to a request, so that it may be sent again.
fn key(headers: &HeaderMap) -> Result<Option<String>, Error> {
    let Some(key) = headers.get(&IDEMPOTENCY_KEY) else {
        return Ok(None);
    };
    let key = key.to_str().ok();
    let key = key.filter(|key| (1..=KEY_BYTES).contains(&key.len()));
    key.map(|key| Some(key.to_owned()))
        .ok_or_else(|| Error::Address {
            code: "invalid_value",
            detail: format!("Send an Idempotency-Key of 1 to {KEY_BYTES} letters of ASCII."),
        })
}

async fn page(
    parts: &Parts,
    headers: &HeaderMap,
    id: &str,
    query: &str,
    trace_id: &str,
) -> Result<Response, Error> {
    let principal = parts.principal(headers).await?;
    let ask = parts.audit.ask(&principal, "rows", headers).await?;
    ask.watched(page_of(
        parts, &principal, &ask, headers, id, query, trace_id,
    ))
    .await
}

async fn page_of(
    parts: &Parts,
    principal: &Principal,
    ask: &Arc<Ask>,
    headers: &HeaderMap,
    id: &str,
    query: &str,
    trace_id: &str,
) -> Result<Response, Error> {
    let entry = parts.queries.own(principal, id, parts.clock.now())?;
    let kept = match entry.state() {
        Progress::Finished(kept) => Ok(kept),
        Progress::Failed(error) => Err(error),
        Progress::Queued | Progress::Running => return Err(Error::Unfinished),
        Progress::Cancelled => return Err(Error::Cancelled),
    };
    let now = right(parts, principal).await?;
    if let Some(reason) = changed(&entry, &now) {
        return Err(Error::Expired {
            detail: format!(
                "What this credential sees has changed since the query ran: {reason}; submit it \
                 again."
            ),
        });
    }
    let kept = match kept {
        Ok(kept) => kept,
        Err(error) => {
            ask.failed(&error);
            return Ok(error.respond(&entry.id));
        }
    };
    let address = Address::parse(query, &entry.id, MOST_ROWS.min(parts.config.json_rows))?;
    let format = match address.format {
        Some(format) => format,
        None => Format::accepted(headers)?,
    };
    let next = address.next(&entry.id, kept.rows);
    let (next_cursor, next_address) = next.unzip();
    let about = About {
        data_as_of: kept.data_as_of,
        tag: None,
        paging: Some(Paging {
            report: None,
            next_cursor,
            next_address,
            lag_seconds: None,
        }),
    };
    // Whatever the format, a page is short.
    let bytes = parts.config.json_bytes;
    parts
        .work(principal, ask, format, trace_id, |desk| async move {
            desk.means.ask.begin_again(&entry.ask);
            let bounds = Bounds {
                rows: address.limit,
                bytes,
                ..desk.bounds
            };
            let columns = Arc::clone(kept.columns());
            let rows = stream::iter(kept.page(address.first, address.limit));
            let rows = rows.map(|batch| batch.map_err(DataFusionError::from));
            let rows = Box::pin(RecordBatchStreamAdapter::new(columns, rows));
            answer::produce(rows, about, false, format, bounds, &desk.sender).await
        })
        .await
}

/// By what right somebody sees rows now.
async fn right(parts: &Parts, principal: &Principal) -> Result<Right, Error> {
    let decided = parts.sessions.decided(principal).await?;
    Ok(Right::new(principal, decided))
}

/// What is otherwise now than when a query ran; `None`: nothing, or it never did.
fn changed(entry: &Entry, now: &Right) -> Option<&'static str> {
    entry.right()?.changed(now)
}

/// A query as somebody reads it, whose right is this now: its error may quote a value, and
/// that be theirs to see no more.
fn told(entry: &Entry, principal: &Principal, now: &Right) -> Value {
    let mut told = entry.to_json();
    if !sees_all(principal) && changed(entry, now).is_some() {
        told["error"].take();
    }
    told
}

fn named(id: Id) -> String {
    id.map(|Path(id)| id).unwrap_or_default()
}

fn document(status: StatusCode, body: &Value) -> Response {
    let fresh = [(header::CACHE_CONTROL, "no-store")];
    (status, fresh, axum::Json(body)).into_response()
}

fn answered(outcome: Result<Response, Error>) -> Response {
    outcome.unwrap_or_else(|error| error.respond(&trace_id()))
}
