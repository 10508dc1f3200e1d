//! Chalkline's own dialect: what client apps post to `/v1/events`.

pub mod members;

use std::borrow::Cow;
use std::collections::HashSet;
use std::fmt;

use axum::http::HeaderMap;
use chrono::{DateTime, Utc};
use schemas::CustomTypeName;
use schemas::event::{Clickstream, Data, EventType, unique_members};
use serde::de::Visitor;
use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;
use serde_json::{Map, Value};

use super::{Context, Dialect, RawEvent};
use crate::authenticate::KeyPlace;
use crate::decode::{Batch, decode};
use crate::error::Error;
use crate::likeness;
use crate::outcome::{Reason, Rejection};
use crate::receive::{Format, media_type};

/// Chalkline's own dialect.
#[derive(Debug, Clone, Copy)]
pub struct Native;

impl Dialect for Native {
    const KEY: KeyPlace = KeyPlace::Query;

    fn format(&self, headers: &HeaderMap) -> Result<Format, Error> {
        // Browsers' sendBeacon can only say text/plain.
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
        decode(format, body, max_events)
    }

    fn translate<'a>(
        &self,
        json: &'a str,
        _: &HashSet<String>,
        _: DateTime<Utc>,
    ) -> Result<Option<RawEvent<'a>>, Rejection> {
        translate(json).map(Some)
    }
}

/// An event as client apps write it.
#[derive(Deserialize)]
struct Wire<'a> {
    #[serde(borrow)]
    id: Option<Text<'a>>,
    #[serde(borrow, rename = "type")]
    event_type: Option<Text<'a>>,
    #[serde(borrow)]
    time: Option<Text<'a>>,
    #[serde(borrow)]
    sent_at: Option<Text<'a>>,
    #[serde(borrow)]
    actor: Option<Text<'a>>,
    session: Option<String>,
    course: Option<String>,
    section: Option<String>,
    school: Option<String>,
    content: Option<String>,
    content_version: Option<i32>,
    context: Option<Context>,
    #[serde(borrow)]
    data: Option<&'a RawValue>,
    #[serde(flatten, deserialize_with = "unique_members")]
    unknown: Map<String, Value>,
}

/// Reads an event in Chalkline's own dialect.
///
/// # Errors
/// What is wrong with its members or its type, and where in the event.
pub fn translate(json: &str) -> Result<RawEvent<'_>, Rejection> {
    let native: Wire<'_> = serde_json::from_str(json).map_err(|_| members::explain(json, None))?;
    let name = native.event_type.as_ref().map_or("", |name| &name.0);
    let event_type = event_type(name)?;
    let data = native.data.map_or("{}", RawValue::get);
    let (verb, data) = if event_type.is_custom() {
        let data = own_data(data).map_err(|_| members::explain(json, None))?;
        (Some(name.to_owned()), data)
    } else {
        (None, members::read_data(event_type.family, data, json)?)
    };
    Ok(RawEvent {
        dialect: "native",
        event_type,
        verb,
        id: native.id.map(|text| text.0),
        time: native.time.map(|text| text.0),
        sent_at: native.sent_at.map(|text| text.0),
        actor: native.actor.map(|text| text.0),
        mentions: Vec::new(),
        session: native.session,
        course: native.course,
        section: native.section,
        school: native.school,
        content: native.content,
        content_version: native.content_version,
        context: native.context.unwrap_or_default(),
        data,
        unknown: native.unknown,
    })
}

/// The data of a type of the tenant's own: no member of it has a column.
fn own_data(json: &str) -> serde_json::Result<Data> {
    let mut reader = serde_json::Deserializer::from_str(json);
    Ok(Data::Clickstream(Clickstream {
        unknown: unique_members(&mut reader)?,
        ..Clickstream::default()
    }))
}

/// Where all types are listed.
const LIST: &str = "in schemas/README.md";

/// The type that has this name, [`EventType::custom`] for those of tenants.
///
/// # Errors
/// When none has, at `/type`.
pub fn event_type(name: &str) -> Result<&'static EventType, Rejection> {
    if let Some(event_type) = EventType::from_name(name) {
        return Ok(event_type);
    }
    if name.starts_with(CustomTypeName::PREFIX) {
        return Ok(EventType::custom());
    }
    let (reason, detail) = if name.is_empty() {
        (
            Reason::MissingMember,
            "Say what happened in `type`, for example page.viewed.".to_owned(),
        )
    } else {
        (Reason::UnknownType, nearest(name))
    };
    Err(Rejection::new(reason, "/type", detail))
}

/// Names the known type that is spelt most like `name`, and where all are.
fn nearest(name: &str) -> String {
    let near = likeness::nearest(EventType::all().iter().map(|known| known.name), name);
    match near.or_else(|| of_noun(name)) {
        Some(known) => format!("Send a known type; the nearest is {known}. All are listed {LIST}."),
        None => format!("Send a known type, such as page.viewed. All are listed {LIST}."),
    }
}

/// The first known type that is about the same thing: `video.played` for
/// `video.fast_forwarded`.
fn of_noun(name: &str) -> Option<&'static str> {
    let (noun, _) = name.split_once(['.', '_', ' ', ':'])?;
    let about = |known: &&EventType| {
        let (known, _) = known.name.split_once('.').unwrap_or_default();
        known.eq_ignore_ascii_case(noun)
    };
    EventType::all().iter().find(about).map(|known| known.name)
}

/// Text that is borrowed from the body unless it has escapes.
struct Text<'a>(Cow<'a, str>);

impl<'de: 'a, 'a> Deserialize<'de> for Text<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct TextVisitor;

        impl<'de> Visitor<'de> for TextVisitor {
            type Value = Text<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("text")
            }

            fn visit_borrowed_str<E>(self, text: &'de str) -> Result<Self::Value, E> {
                Ok(Text(Cow::Borrowed(text)))
            }

            fn visit_str<E>(self, text: &str) -> Result<Self::Value, E> {
                Ok(Text(Cow::Owned(text.to_owned())))
            }

            fn visit_string<E>(self, text: String) -> Result<Self::Value, E> {
                Ok(Text(Cow::Owned(text)))
            }
        }

        deserializer.deserialize_str(TextVisitor)
    }
}

#[cfg(test)]
mod tests;
