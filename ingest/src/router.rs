//! The paths, and what every request goes through.

use std::sync::Arc;
use std::time::Instant;

use axum::extract::{Request, State};
use axum::http::{Method, header};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use serde_json::json;
use tower_http::catch_panic::CatchPanicLayer;
use tracing::Instrument;

use crate::answer::Unsigned;
use crate::come_back::ComeBack;
use crate::dialect::native::Native;
use crate::dialect::{caliper, canvas, edx, posted, segment, xapi};
use crate::error::Error;
use crate::service::Door;
use crate::trace::{Spans, TraceId};
use crate::{contract, cors, dev, openapi, roster, tail};

/// The router of the front door.
pub(crate) fn router(door: Arc<Door>, beside: Router) -> Router {
    Router::new()
        .route("/", get(about))
        .merge(of_pages())
        .merge(edx::routes())
        .merge(canvas::routes())
        .merge(contract::routes())
        .merge(openapi::routes())
        .merge(tail::routes())
        .merge(dev::routes())
        .merge(roster::routes())
        .with_state(Arc::clone(&door))
        .merge(beside)
        .fallback(async || Error::NotFound)
        .method_not_allowed_fallback(method_not_allowed)
        .layer(CatchPanicLayer::custom(Error::of_panic))
        .layer(middleware::from_fn_with_state(door, trace))
}

/// The routes that pages of any site may use. What they answer to other methods, a
/// preflight among them, has to be known before: a later fallback stands outside.
fn of_pages() -> Router<Arc<Door>> {
    let events = Router::new()
        .route("/v1/events", posted(Native))
        .merge(caliper::routes())
        .merge(segment::routes())
        .method_not_allowed_fallback(method_not_allowed)
        .layer(cors::layer([Method::POST]));
    let statements = Router::new()
        .nest("/xapi", xapi::routes())
        .method_not_allowed_fallback(method_not_allowed)
        .layer(cors::layer([Method::GET, Method::POST, Method::PUT]));
    events.merge(statements)
}

async fn method_not_allowed() -> Error {
    Error::MethodNotAllowed
}

async fn about() -> impl IntoResponse {
    Json(json!({
        "service": "chalkline ingest",
        "version": env!("CARGO_PKG_VERSION"),
        "events": "POST /v1/events",
        "docs": "GET /docs",
        "openapi": "GET /openapi.json",
        "schemas": "GET /v1/schemas",
        "edx": "POST /v1/edx/tracking",
        "xapi": "POST or PUT /xapi/statements",
        "caliper": "POST /caliper",
        "segment": "POST /v1/batch",
        "canvas": "POST /v1/canvas",
        "roster": "POST /v1/roster",
        "catalog": "POST /v1/catalog",
    }))
}

/// Gives the request its trace id, in the logs and in problem bodies, and
/// counts it.
async fn trace(State(door): State<Arc<Door>>, mut request: Request, next: Next) -> Response {
    let started = Instant::now();
    let spans = Spans::of(&request);
    let trace_id = spans.trace_id();
    let trace_id = trace_id.unwrap_or_else(|| TraceId::of(request.headers()));
    request.extensions_mut().insert(trace_id.clone());
    request.extensions_mut().insert(spans.clone());
    let span = tracing::info_span!("request", trace_id = trace_id.as_str());
    let mut response = next.run(request).instrument(span).await;
    let mut code = "";
    if let Some(unsigned) = response.extensions_mut().remove::<Unsigned>() {
        code = unsigned.code();
        unsigned.sign(trace_id.as_str(), &mut response);
    }
    if let Some(when) = response.extensions_mut().remove::<ComeBack>() {
        let seconds = door.retry_after_seconds(when, trace_id.as_str());
        let headers = response.headers_mut();
        headers.insert(header::RETRY_AFTER, seconds.into());
    }
    spans.answer(response.status());
    let status = response.status().as_u16();
    metrics::counter!(
        "chalkline_ingest_requests_total",
        "status" => status.to_string(),
        "code" => code,
    )
    .increment(1);
    metrics::histogram!("chalkline_ingest_request_seconds").record(started.elapsed().as_secs_f64());
    response
}
