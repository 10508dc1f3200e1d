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
use super::refusal::in_terms;
use super::version::{HEADER, Version};
use super::{Refusal, Xapi};
use crate::error::Error;
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
            let events = door.take(xapi, request).await.map_err(in_terms)?;
            Ok(answer(xapi, &events))
        }
        Err(refusal) => Err(door.refuse(refusal.into(), request).await),
    }
}

impl Xapi {
    /// What the request's headers and parameters say of it.
    fn of(request: &Request) -> Result<Self, Refusal> {
        let parameters = parameters(request.uri())?;
        // In that syntax the version is a field of the form.
        if parameters.iter().any(|(name, _)| name == "method") {
            return Err(Refusal::AlternateSyntax);
        }
        let version = Version::of(request.headers())?;
        let puts = request.method() == Method::PUT;
        let statement_id = statement_id(&parameters)?;
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

fn parameters(uri: &Uri) -> Result<Vec<(String, String)>, Refusal> {
    let parameters = Query::try_from_uri(uri).map_err(|_| Refusal::UnknownParameter)?;
    Ok(parameters.0)
}

/// The only parameter that there is.
fn statement_id(parameters: &[(String, String)]) -> Result<Option<Uuid>, Refusal> {
    match parameters {
        [] => Ok(None),
        [(name, id)] if name == "statementId" => Some(id)
            .filter(|id| is_uuid(id))
            .and_then(|id| Uuid::try_parse(id).ok())
            .map(Some)
            .ok_or(Refusal::StatementId),
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
