//! Open edX: tracking events as its log files hold them and as its event router
//! posts them, to `/v1/edx/tracking`.
//!
//! `lines` finds the events of a log, `tracking` is one of them taken apart,
//! `names` says which type of ours it is and which of the files around reads its
//! data, `people` whom it names, and `kept` what is kept of the rest.

mod address;
mod assessment;
mod block;
mod discussion;
mod form;
mod kept;
mod lines;
mod mailbox;
mod names;
mod page;
mod people;
mod problem;
mod tracking;
mod translate;
mod values;
mod video;

use std::collections::HashSet;
use std::sync::Arc;

use axum::Router;
use axum::http::HeaderMap;
use chrono::{DateTime, Utc};

use super::{Dialect, RawEvent, posted};
use crate::decode::{Batch, decode_bare};
use crate::error::Error;
use crate::outcome::Rejection;
use crate::receive::{Format, media_type};
use crate::service::Door;
use crate::tree;

/// A request of an Open edX site, or of who reads its logs.
#[derive(Debug, Clone, Copy)]
pub struct Edx;

/// Its route.
pub fn routes() -> Router<Arc<Door>> {
    Router::new().route("/v1/edx/tracking", posted(Edx))
}

impl Dialect for Edx {
    const TEXT_IDS: bool = true;

    fn format(&self, headers: &HeaderMap) -> Result<Format, Error> {
        match media_type(headers).as_deref() {
            None | Some("application/json") => Ok(Format::Json),
            // A log file is text, one event a line.
            Some("application/x-ndjson" | "text/plain") => Ok(Format::Ndjson),
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
            Format::Ndjson => lines::read(body, max_events),
            Format::Json | Format::Multipart { .. } => decode_bare(body, max_events),
        }
    }

    fn translate<'a>(
        &self,
        json: &'a str,
        _: &HashSet<String>,
        received_at: DateTime<Utc>,
    ) -> Result<Option<RawEvent<'a>>, Rejection> {
        translate::translate(tree::read(json)?, received_at).map(Some)
    }

    /// What else can be wrong is pointed at in translation, which knows under
    /// which of several names a member was sent.
    fn pointer(&self, pointer: &str) -> String {
        match pointer {
            "/type" => "/event_type",
            "/actor" => "/context/user_id",
            "/id" => pointer,
            _ => "",
        }
        .to_owned()
    }
}
