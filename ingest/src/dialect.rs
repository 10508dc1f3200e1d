//! The dialects in which senders tell events. Each is read into the same
//! [`RawEvent`]; what follows is one way for all of them.

pub mod caliper;
pub mod canvas;
mod duration;
pub mod edx;
mod name;
pub mod native;
pub mod segment;
pub mod xapi;

use std::borrow::Cow;
use std::collections::HashSet;
use std::sync::Arc;

use axum::extract::{Request, State};
use axum::http::HeaderMap;
use axum::routing::{MethodRouter, post};
use chrono::{DateTime, Utc};
use schemas::event::{Data, EventType, unique_members};
use serde::Deserialize;
use serde_json::{Map, Value};

use crate::answer::Answer;
use crate::authenticate::KeyPlace;
use crate::decode::Batch;
use crate::error::Error;
use crate::outcome::Rejection;
use crate::receive::Format;
use crate::service::Door;

/// How the senders of a dialect tell events, and what holds for a request of
/// theirs as a whole.
pub trait Dialect: Send + 'static {
    /// Where the key may stand beside `Authorization: Bearer`.
    const KEY: KeyPlace = KeyPlace::Bearer;
    /// Whether one event that is refused refuses the whole request.
    const TOGETHER: bool = false;
    /// Whether senders name an event by any text, of which its id is made, and not
    /// only by a UUID.
    const TEXT_IDS: bool = false;
    /// Whether people and things are numbered alike, so that a number of a thing
    /// that equals a person's is not taken for the person.
    const NUMBERED_ALIKE: bool = false;

    /// How the events stand in the body, by what its headers claim.
    ///
    /// # Errors
    /// When the dialect has no such body.
    fn format(&self, headers: &HeaderMap) -> Result<Format, Error>;

    /// Cuts the body into the JSON of its events.
    ///
    /// # Errors
    /// When the body as a whole cannot be read.
    fn decode<'a>(
        &self,
        format: &Format,
        body: &'a [u8],
        max_events: usize,
    ) -> Result<Batch<'a>, Error>;

    /// Reads the JSON of one event that had arrived at `received_at`, beside the
    /// other parts of its body: [`Batch::parts`]. `None` if it is valid and nothing
    /// is stored for it.
    ///
    /// # Errors
    /// What is wrong with it, and where.
    fn translate<'a>(
        &self,
        json: &'a str,
        parts: &HashSet<String>,
        received_at: DateTime<Utc>,
    ) -> Result<Option<RawEvent<'a>>, Rejection>;

    /// Where in the sender's event a member of the [`RawEvent`] was told; both
    /// are JSON pointers.
    fn pointer(&self, pointer: &str) -> String {
        pointer.to_owned()
    }

    /// Whether an event may stand in a request twice.
    fn takes_repeats(&self) -> bool {
        true
    }
}

/// Takes what is posted in this dialect, and answers as Chalkline does.
pub(crate) fn posted<D: Dialect + Clone + Sync>(dialect: D) -> MethodRouter<Arc<Door>> {
    post(
        async move |State(door): State<Arc<Door>>, request: Request| {
            door.take(dialect, request).await.map(Answer::new)
        },
    )
}

/// An event of a known type whose members have the right JSON types. It still
/// names its actor.
#[derive(Debug)]
pub struct RawEvent<'a> {
    /// The dialect that it came in.
    pub dialect: &'static str,
    /// Its type.
    pub event_type: &'static EventType,
    /// What happened when that is none of our types, as `event_type` then says: its
    /// IRI ([`EventType::foreign`]), or the name of a type of the tenant's own
    /// ([`EventType::custom`]).
    pub verb: Option<String>,
    /// The sender's idempotency key.
    pub id: Option<Cow<'a, str>>,
    /// When it happened.
    pub time: Option<Cow<'a, str>>,
    /// When it was sent.
    pub sent_at: Option<Cow<'a, str>>,
    /// Whose learning it is.
    pub actor: Option<Cow<'a, str>>,
    /// All whom the event names in another way than as `actor`, `data.by` or
    /// `data.reply_to`: nobody of them may stand in what is kept.
    pub mentions: Vec<Mention>,
    /// The visit.
    pub session: Option<String>,
    /// The course.
    pub course: Option<String>,
    /// The section.
    pub section: Option<String>,
    /// The school.
    pub school: Option<String>,
    /// The page, video, document or activity.
    pub content: Option<String>,
    /// Which version of the content.
    pub content_version: Option<i32>,
    /// What sends, and in which surroundings.
    pub context: Context,
    /// What its family carries.
    pub data: Data,
    /// Members of the event that are none of these.
    pub unknown: Map<String, Value>,
}

/// Someone whom an event names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mention {
    /// As an actor is named.
    pub actor: String,
    /// What people call the person.
    pub name: Option<String>,
}

/// What sends, and in which surroundings.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Context {
    /// The application.
    pub app: Option<String>,
    /// What it runs on.
    pub platform: Option<String>,
    /// The language of its surface.
    pub locale: Option<String>,
    /// Members that are none of these.
    #[serde(flatten, deserialize_with = "unique_members")]
    pub unknown: Map<String, Value>,
}
