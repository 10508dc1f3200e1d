//! What senders may read: the types of events and their JSON Schemas. Those of all
//! tenants need no key.

use std::sync::Arc;

use axum::extract::{Path, Request, State};
use axum::http::header;
use axum::response::IntoResponse;
use axum::routing::get;
use axum::{Json, Router};
use schemas::event::{EventType, custom_json_schema, json_schema};
use schemas::{CustomType, CustomTypeName, Family};
use serde_json::{Value, json};

use crate::authenticate::{KeyPlace, Sender, authenticate};
use crate::error::{Error, KeyError};
use crate::service::Door;

/// The routes.
pub fn routes() -> Router<Arc<Door>> {
    Router::new()
        .route("/v1/schemas", get(types))
        .route("/v1/schemas/{event_type}", get(schema))
}

/// All types, in the order of the list of events; with a key the tenant's own after
/// them.
async fn types(State(door): State<Arc<Door>>, request: Request) -> Result<Json<Value>, Error> {
    let one = |name: &str, family: Family| {
        json!({
            "type": name,
            "family": family,
            "schema": format!("/v1/schemas/{name}"),
        })
    };
    let mut types: Vec<_> = EventType::all()
        .iter()
        .map(|event_type| one(event_type.name, event_type.family))
        .collect();
    if let Some(sender) = sender(&door, request).await? {
        let own = sender.tenant.custom_types.iter();
        types.extend(own.map(|own| one(own.name.as_str(), EventType::custom().family)));
    }
    Ok(Json(json!({ "types": types })))
}

/// The JSON Schema of one type; of a tenant's own with a key of the tenant.
async fn schema(
    State(door): State<Arc<Door>>,
    Path(name): Path<String>,
    request: Request,
) -> Result<impl IntoResponse, Error> {
    // The files of the same content have that ending.
    let name = name.strip_suffix(".json").unwrap_or(&name);
    let schema = if name.starts_with(CustomTypeName::PREFIX) {
        let sender = sender(&door, request).await?.ok_or(KeyError::Missing)?;
        let is_it = |own: &&CustomType| own.name.as_str() == name;
        let own = sender.tenant.custom_types.iter().find(is_it);
        custom_json_schema(own.ok_or(Error::NotFound)?)
    } else {
        json_schema(EventType::from_name(name).ok_or(Error::NotFound)?)
    };
    let content_type = (header::CONTENT_TYPE, "application/schema+json");
    Ok(([content_type], schema.to_string()))
}

/// Who asks, of those who say so.
async fn sender(door: &Door, request: Request) -> Result<Option<Sender>, Error> {
    let (parts, _) = request.into_parts();
    let asked = authenticate(&parts, KeyPlace::Query, &door.registry, door.clock.now()).await;
    match asked {
        Ok(sender) => Ok(Some(sender)),
        Err(Error::Key(KeyError::Missing)) => Ok(None),
        Err(error) => Err(error),
    }
}

#[cfg(test)]
mod tests;
