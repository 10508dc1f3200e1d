//! Caliper Analytics 1.1 and 1.2: events and entities as sensors post them to
//! `/caliper`, in envelopes or bare.
//!
//! `check` says what is wrong with an event or an entity, by the tables `events`,
//! `members`, `kinds` and `words`; `meaning` says which type of ours tells the same,
//! `people` and `names` whose learning it is and who stands in it, and `rest` what is kept beside the columns.

mod assessment;
mod check;
mod clickstream;
mod context;
mod envelope;
mod events;
mod kinds;
mod meaning;
mod members;
mod names;
mod parts;
mod people;
mod rest;
#[cfg(test)]
mod tests;
mod translate;
mod video;
mod words;

use std::collections::HashSet;
use std::sync::Arc;

use axum::Router;
use axum::http::HeaderMap;
use chrono::{DateTime, Utc};

use super::{Dialect, RawEvent, posted};
use crate::decode::Batch;
use crate::error::Error;
use crate::outcome::Rejection;
use crate::receive::{Format, media_type};
use crate::service::Door;
use crate::tree;

/// A request of a sensor.
#[derive(Debug, Clone, Copy)]
pub struct Caliper;

/// Its route.
pub fn routes() -> Router<Arc<Door>> {
    Router::new().route("/caliper", posted(Caliper))
}

impl Dialect for Caliper {
    const TEXT_IDS: bool = true;

    fn format(&self, headers: &HeaderMap) -> Result<Format, Error> {
        match media_type(headers).as_deref() {
            None | Some("application/json" | "application/ld+json") => Ok(Format::Json),
            Some(_) => Err(Error::MediaType),
        }
    }

    fn decode<'a>(
        &self,
        _: &Format,
        body: &'a [u8],
        max_events: usize,
    ) -> Result<Batch<'a>, Error> {
        envelope::decode(body, max_events)
    }

    fn translate<'a>(
        &self,
        json: &'a str,
        _: &HashSet<String>,
        _: DateTime<Utc>,
    ) -> Result<Option<RawEvent<'a>>, Rejection> {
        let told = tree::read(json)?;
        match check::check(&told)? {
            check::Told::Event => Ok(Some(translate::translate(&told))),
            check::Told::Entity => Ok(None),
        }
    }

    fn pointer(&self, pointer: &str) -> String {
        match pointer {
            "/type" => "/action",
            "/time" => "/eventTime",
            "/session" => "/session",
            "/course" | "/section" => "/group",
            "/content" | "/data/item" | "/data/assessment" | "/data/url" => "/object",
            "/context/app" => "/edApp",
            "/data/thread" => "/object/isPartOf",
            "/data/reply_to" => "/object/replyTo",
            "/data/target" => "/target",
            "/data/referrer" => "/referrer",
            "/data/response" | "/data/value" | "/data/query" | "/data/score" => "/generated",
            "/id" | "/actor" => pointer,
            _ => "",
        }
        .to_owned()
    }
}
