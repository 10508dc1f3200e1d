//! What senders may read without a key: the types of events and their JSON Schemas.

use axum::extract::Path;
use axum::http::header;
use axum::response::IntoResponse;
use axum::routing::get;
use axum::{Json, Router};
use schemas::event::{EventType, json_schema};
use serde_json::{Value, json};

use crate::error::Error;

/// The routes.
pub fn routes<S: Clone + Send + Sync + 'static>() -> Router<S> {
    Router::new()
        .route("/v1/schemas", get(types))
        .route("/v1/schemas/{event_type}", get(schema))
}

/// All types, in the order of the list of events.
async fn types() -> Json<Value> {
    let one = |event_type: &EventType| {
        json!({
            "type": event_type.name,
            "family": event_type.family,
            "schema": format!("/v1/schemas/{}", event_type.name),
        })
    };
    let types: Vec<_> = EventType::all().iter().map(one).collect();
    Json(json!({ "types": types }))
}

/// The JSON Schema of one type.
async fn schema(Path(name): Path<String>) -> Result<impl IntoResponse, Error> {
    // The files of the same content have that ending.
    let name = name.strip_suffix(".json").unwrap_or(&name);
    let event_type = EventType::from_name(name).ok_or(Error::NotFound)?;
    let content_type = (header::CONTENT_TYPE, "application/schema+json");
    Ok(([content_type], json_schema(event_type).to_string()))
}
