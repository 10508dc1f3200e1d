//! Canvas: its Live Events in their own form, as they are posted to `/v1/canvas`.
//!
//! `vocabulary` says what the names of events mean, `meaning` which type of ours says
//! the same, `people` whom an event names, and `address` takes people out of
//! addresses.

mod address;
mod asset;
mod meaning;
mod parts;
mod people;
mod translate;
mod vocabulary;

use std::collections::HashSet;
use std::sync::Arc;

use axum::Router;
use axum::http::HeaderMap;
use chrono::{DateTime, Utc};
use serde_json::Value;

use super::{Dialect, RawEvent, posted};
use crate::authenticate::KeyPlace;
use crate::decode::{Batch, decode, decode_bare};
use crate::error::Error;
use crate::outcome::{Reason, Rejection};
use crate::receive::{Format, media_type};
use crate::service::Door;
use crate::tree;

/// The dialect's name.
const NAME: &str = "canvas";

/// Canvas's own form of its Live Events.
#[derive(Debug, Clone, Copy)]
pub struct Canvas;

/// The route.
pub fn routes() -> Router<Arc<Door>> {
    Router::new().route("/v1/canvas", posted(Canvas))
}

impl Dialect for Canvas {
    const KEY: KeyPlace = KeyPlace::Basic;
    // Course 21070000000000007 is not user 21070000000000007.
    const NUMBERED_ALIKE: bool = true;

    fn format(&self, headers: &HeaderMap) -> Result<Format, Error> {
        match media_type(headers).as_deref() {
            None | Some("application/json" | "text/plain") => Ok(Format::Json),
            Some("application/x-ndjson") => Ok(Format::Ndjson),
            Some(_) => Err(Error::MediaType),
        }
    }

    fn decode<'a>(
        &self,
        format: &Format,
        body: &'a [u8],
        max_events: usize,
    ) -> Result<Batch<'a>, Error> {
        match format {
            Format::Ndjson => decode(format, body, max_events),
            Format::Json | Format::Multipart { .. } => decode_bare(body, max_events),
        }
    }

    fn translate<'a>(
        &self,
        json: &'a str,
        _: &HashSet<String>,
        _: DateTime<Utc>,
    ) -> Result<Option<RawEvent<'a>>, Rejection> {
        match tree::read(json)? {
            Value::Object(event) => translate::translate(event),
            _ => {
                let detail = "Send each event as a JSON object.";
                Err(Rejection::new(Reason::NotAnObject, "", detail))
            }
        }
    }

    fn pointer(&self, pointer: &str) -> String {
        match pointer {
            "/type" => "/metadata/event_name",
            "/time" => "/metadata/event_time",
            "/actor" => "/metadata/user_id",
            "/session" => "/metadata/session_id",
            "/course" => "/metadata/context_id",
            "/section" => "/body/course_section_id",
            "/data/url" => "/metadata/url",
            "/data/referrer" => "/metadata/referrer",
            "/data/score" => "/body/score",
            "/data/max_score" => "/body/points_possible",
            "/data/attempt" => "/body/attempt",
            "/data/old" => "/body/old_grade",
            "/data/new" => "/body/grade",
            "/data/by" => "/body/grader_id",
            "/data/status" => "/body/workflow_state",
            _ => "",
        }
        .to_owned()
    }
}
