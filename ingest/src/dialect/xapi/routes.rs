//! The paths under `/xapi`.

use std::sync::Arc;

use axum::extract::{Query, Request, State};
use axum::http::{HeaderValue, Method, StatusCode, Uri, header};
use axum::middleware::{self, Next};
use axum::response::Response;
use axum::routing::{get, post};
use axum::{Json, Router};
use serde_json::{Value, json};
use uuid::Uuid;

use super::answer::answer;
use super::check::is_uuid;
use super::version::{HEADER, Version};
use super::{Refusal, Xapi};
use crate::error::Error;
use crate::receive::drain;
use crate::service::Door;

/// The routes, to be nested under `/xapi`.
pub fn routes() -> Router<Arc<Door>> {
    let take = post(statements).put(statements).get(retrieval);
    Router::new()
        .route("/statements", take)
        .route("/about", get(about))
        .layer(middleware::from_fn(say_terms))
}

async fn about() -> Json<Value> {
    Json(json!({ "version": Version::ALL.map(Version::as_str) }))
}

async fn retrieval() -> Error {
    Refusal::Retrieval.into()
}

async fn statements(State(door): State<Arc<Door>>, request: Request) -> Result<Response, Error> {
    match Xapi::of(&request) {
        Ok(xapi) => {
            let events = door.take(xapi, request).await?;
            Ok(answer(xapi, &events))
        }
        Err(refusal) => {
            drain(request.into_body(), &door.config).await;
            Err(refusal.into())
        }
    }
}

impl Xapi {
    /// What the request's headers and parameters say of it.
    fn of(request: &Request) -> Result<Self, Refusal> {
        let version = Version::of(request.headers())?;
        let puts = request.method() == Method::PUT;
        let statement_id = statement_id(request.uri())?;
        if puts && statement_id.is_none() {
            return Err(Refusal::NoStatementId);
        }
        if !puts && statement_id.is_some() {
            return Err(Refusal::UnknownParameter);
        }
        Ok(Self {
            version,
            statement_id,
        })
    }
}

/// The only parameter that there is.
fn statement_id(uri: &Uri) -> Result<Option<Uuid>, Refusal> {
    let Query(parameters) =
        Query::<Vec<(String, String)>>::try_from_uri(uri).map_err(|_| Refusal::UnknownParameter)?;
    match parameters.as_slice() {
        [] => Ok(None),
        [(name, id)] if name == "statementId" => Some(id)
            .filter(|id| is_uuid(id))
            .and_then(|id| Uuid::try_parse(id).ok())
            .map(Some)
            .ok_or(Refusal::NoStatementId),
        _ => Err(Refusal::UnknownParameter),
    }
}

/// Says in every answer what holds under this path only: the version to whose
/// rules it keeps, that of the request or our latest; and that a key may come
/// as `Basic` too, where one is asked for.
async fn say_terms(request: Request, next: Next) -> Response {
    let version = Version::of(request.headers()).unwrap_or(Version::V2);
    let mut response = next.run(request).await;
    let value = HeaderValue::from_static(version.as_str());
    response.headers_mut().insert(HEADER, value);
    if response.status() == StatusCode::UNAUTHORIZED {
        let challenge = HeaderValue::from_static(r#"Basic realm="chalkline", charset="UTF-8""#);
        response
            .headers_mut()
            .append(header::WWW_AUTHENTICATE, challenge);
    }
    response
}
