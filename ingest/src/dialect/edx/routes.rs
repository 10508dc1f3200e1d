//! The path under `/v1/edx`.

use std::sync::Arc;

use axum::Router;
use axum::extract::{Request, State};
use axum::routing::post;

use super::Edx;
use crate::answer::Answer;
use crate::error::Error;
use crate::service::Door;

/// The routes, to be nested under `/v1/edx`.
pub fn routes() -> Router<Arc<Door>> {
    Router::new().route("/tracking", post(tracking))
}

async fn tracking(State(door): State<Arc<Door>>, request: Request) -> Result<Answer, Error> {
    door.take(Edx, request).await.map(Answer::new)
}
