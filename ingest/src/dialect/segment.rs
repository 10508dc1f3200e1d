//! Segment: what its SDKs post to `/v1/batch`, `/v1/track` and the like.
//!
//! `parts` is what a call is taken apart into, `people` whom it names, `video` what
//! the names of Segment's video specification mean.

mod answer;
mod call;
mod parts;
mod people;
mod routes;
mod translate;
mod video;

use std::collections::HashSet;

use axum::http::HeaderMap;
use chrono::{DateTime, Utc};
use serde_json::Value;

use super::{Dialect, RawEvent};
use crate::authenticate::KeyPlace;
use crate::decode::{Batch, decode_bare, decode_batch};
use crate::error::Error;
use crate::outcome::{Reason, Rejection};
use crate::receive::{Format, media_type};
use crate::tree;

pub use call::CALLS;
use call::Call;
pub use routes::routes;

/// The dialect's name.
const NAME: &str = "segment";

/// A request of a Segment SDK.
#[derive(Debug, Clone, Copy)]
pub struct Segment {
    /// The call that the path names; `None` for a batch, whose events name theirs.
    call: Option<Call>,
}

impl Dialect for Segment {
    const KEY: KeyPlace = KeyPlace::Basic;
    const TEXT_IDS: bool = true;

    fn format(&self, headers: &HeaderMap) -> Result<Format, Error> {
        match media_type(headers).as_deref() {
            None | Some("application/json" | "text/plain") => Ok(Format::Json),
            Some(_) => Err(Error::MediaType),
        }
    }

    fn decode<'a>(
        &self,
        _: &Format,
        body: &'a [u8],
        max_events: usize,
    ) -> Result<Batch<'a>, Error> {
        if self.call.is_some() {
            decode_bare(body, max_events)
        } else {
            decode_batch(body, max_events)
        }
    }

    fn translate<'a>(
        &self,
        json: &'a str,
        _: &HashSet<String>,
        received_at: DateTime<Utc>,
    ) -> Result<Option<RawEvent<'a>>, Rejection> {
        let Value::Object(event) = tree::read(json)? else {
            let detail = "Send each event as a JSON object.";
            return Err(Rejection::new(Reason::NotAnObject, "", detail));
        };
        let call = match self.call {
            Some(call) => call,
            None => Call::of(&event)?,
        };
        translate::translate(call, event, received_at)
    }

    fn pointer(&self, pointer: &str) -> String {
        told_at(pointer)
    }
}

/// Where in a call a member of the raw event was told.
fn told_at(pointer: &str) -> String {
    match pointer {
        "/id" => "/messageId",
        "/type" => "/event",
        "/time" => "/timestamp",
        "/sent_at" => "/sentAt",
        "/actor" => "/userId",
        "/session" => "/properties/session_id",
        "/course" => "/properties/course_id",
        "/section" => "/properties/section_id",
        "/content" => "/properties/content_id",
        "/content_version" => "/properties/content_version",
        "/school" => "/context/groupId",
        "/context/app" => "/context/app/name",
        "/context/platform" => "/context/os/name",
        "/context/locale" => pointer,
        "/data" => "/properties",
        other => match other.strip_prefix("/data/") {
            Some(member) => return format!("/properties/{member}"),
            None => "",
        },
    }
    .to_owned()
}
