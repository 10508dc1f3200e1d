//! The paths of Segment's tracking API: whole words for servers, first letters for
//! `analytics.js`.

use std::sync::Arc;

use axum::Router;
use axum::extract::{Request, State};
use axum::http::{HeaderValue, StatusCode, header};
use axum::middleware::{self, Next};
use axum::response::Response;
use axum::routing::post;

use super::Segment;
use super::answer::answer;
use super::call::Call;
use crate::error::Error;
use crate::service::Door;

/// The routes.
pub fn routes() -> Router<Arc<Door>> {
    let calls = Call::all().map(|(name, call)| (name, Some(call)));
    let mut router = Router::new();
    for (name, call) in calls.chain([("batch", None)]) {
        let segment = Segment { call };
        let handler =
            move |State(door): State<Arc<Door>>, request: Request| take(door, segment, request);
        router = router
            .route(&format!("/v1/{name}"), post(handler))
            .route(&format!("/v1/{}", &name[..1]), post(handler));
    }
    router.layer(middleware::from_fn(ask_for_basic))
}

async fn take(door: Arc<Door>, segment: Segment, request: Request) -> Result<Response, Error> {
    door.take(segment, request).await.map(answer)
}

/// Says, where a key is asked for, that it may come as the SDKs send it.
async fn ask_for_basic(request: Request, next: Next) -> Response {
    let mut response = next.run(request).await;
    if response.status() == StatusCode::UNAUTHORIZED {
        let challenge = HeaderValue::from_static(r#"Basic realm="chalkline", charset="UTF-8""#);
        let headers = response.headers_mut();
        headers.append(header::WWW_AUTHENTICATE, challenge);
    }
    response
}
