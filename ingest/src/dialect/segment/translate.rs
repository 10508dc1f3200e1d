//! From a call to a raw event.

use std::borrow::Cow;

use chrono::{DateTime, SecondsFormat, Utc};
use schemas::CustomTypeName;
use schemas::event::{Clickstream, Data, EventType};
use serde_json::{Map, Value, json};

use super::call::Call;
use super::parts::Parts;
use super::{NAME, people, told_at, video};
use crate::dialect::RawEvent;
use crate::dialect::name::name;
use crate::dialect::native::members;
use crate::outcome::{Reason, Rejection};
use crate::time;

/// Tells a call as an event; `None` if nothing is stored for it.
///
/// # Errors
/// What is wrong with it, and where.
pub fn translate(
    call: Call,
    event: Map<String, Value>,
    received_at: DateTime<Utc>,
) -> Result<Option<RawEvent<'static>>, Rejection> {
    if call == Call::Other {
        return Ok(None);
    }
    let actor = people::actor(&event)?;
    let mentions = people::mentions(&event, &actor);
    let mut parts = Parts::of(event)?;
    let id = take_id(&mut parts)?;
    let (time, sent_at) = take_times(&mut parts, received_at)?;
    let session = parts.take_thing(&["session_id", "sessionId", "session"]);
    let course = parts.take_thing(&["course_id", "courseId", "course"]);
    let section = parts.take_thing(&["section_id", "sectionId", "section"]);
    let school = parts.take_thing(&["school_id", "schoolId", "school"]);
    let group = parts.context.get("groupId").and_then(name);
    let school = match (school, group) {
        (None, Some(group)) => {
            parts.context.remove("groupId");
            Some(group)
        }
        (school, _) => school,
    };
    let content = parts.take_thing(&["content_id", "contentId", "content"]);
    let content_version = take_version(&mut parts.properties)?;
    let Meaning {
        event_type,
        verb,
        mut data,
        content,
    } = match call {
        Call::Page => page(&mut parts, content),
        _ => track(&mut parts, content)?,
    };
    if let Data::Clickstream(data) = &mut data {
        let on_page = parts.take_of_page("url");
        data.url = data.url.take().or(on_page);
        let before = parts.take_of_page("referrer");
        data.referrer = data.referrer.take().or(before);
    }
    let context = parts.take_context();
    Ok(Some(RawEvent {
        dialect: NAME,
        event_type,
        verb,
        id: id.map(Cow::Owned),
        time: Some(text_of(time).into()),
        sent_at: sent_at.map(|time| text_of(time).into()),
        actor: Some(actor.into()),
        mentions,
        session,
        course,
        section,
        school,
        content,
        content_version,
        context,
        data,
        unknown: parts.rest(),
    }))
}

/// What a call says, as an event of ours.
struct Meaning {
    event_type: &'static EventType,
    verb: Option<String>,
    data: Data,
    content: Option<String>,
}

impl Meaning {
    /// What none of our types says.
    fn foreign(verb: &str, content: Option<String>) -> Self {
        Self {
            event_type: EventType::foreign(),
            // The last part would be taken for the word of an IRI.
            verb: Some(verb.replace(['/', '#', ':'], " ")),
            data: Data::Clickstream(Clickstream::default()),
            content,
        }
    }
}

fn page(parts: &mut Parts, content: Option<String>) -> Meaning {
    // Only of a page is the name no person's.
    let Parts {
        event, properties, ..
    } = parts;
    let names = [
        event.remove("name"),
        properties.remove("name"),
        event.remove("title"),
        properties.remove("title"),
    ];
    if let Some(title) = names.into_iter().flatten().next() {
        event.insert("title".to_owned(), title);
    }
    let address = |from: &Map<String, Value>| {
        let found = ["url", "path"]
            .iter()
            .find_map(|member| from.get(*member)?.as_str());
        found
            .filter(|text| !text.trim().is_empty())
            .map(str::to_owned)
    };
    let url = address(&parts.properties).or_else(|| address(&parts.page));
    let event_type = EventType::from_name("page.viewed");
    match event_type.filter(|_| url.is_some() || content.is_some()) {
        Some(event_type) => {
            for member in ["url", "path", "search"] {
                parts.properties.remove(member);
                parts.page.remove(member);
            }
            Meaning {
                event_type,
                verb: None,
                data: Data::Clickstream(Clickstream {
                    url,
                    ..Clickstream::default()
                }),
                content,
            }
        }
        None => Meaning::foreign("page", content),
    }
}

fn track(parts: &mut Parts, content: Option<String>) -> Result<Meaning, Rejection> {
    let event = match parts.event.get("event") {
        Some(Value::String(name)) if !name.trim().is_empty() => name.clone(),
        None | Some(Value::Null | Value::String(_)) => {
            let detail = "Name what happened in `event`, for example video.progressed.";
            return Err(Rejection::new(Reason::MissingMember, "/event", detail));
        }
        Some(_) => {
            let detail = "Send it as text.";
            return Err(Rejection::new(Reason::WrongType, "/event", detail));
        }
    };
    if let Some(event_type) = EventType::from_name(&event) {
        parts.event.remove("event");
        return Ok(Meaning {
            event_type,
            verb: None,
            data: data(event_type, std::mem::take(&mut parts.properties))?,
            content,
        });
    }
    if event.starts_with(CustomTypeName::PREFIX) {
        parts.event.remove("event");
        return Ok(Meaning {
            event_type: EventType::custom(),
            verb: Some(event),
            data: Data::Clickstream(Clickstream {
                unknown: std::mem::take(&mut parts.properties),
                ..Clickstream::default()
            }),
            content,
        });
    }
    if let Some(event_type) = video::event_type(&event) {
        let content = content.or_else(|| video::take_content(&mut parts.properties));
        if content.is_some() && video::has(event_type, &parts.properties) {
            return Ok(Meaning {
                event_type,
                verb: None,
                data: Data::Video(video::take(event_type, &mut parts.properties)),
                content,
            });
        }
        return Ok(Meaning::foreign(&event, content));
    }
    Ok(Meaning::foreign(&event, content))
}

/// The properties of an event that is called as one of our types.
fn data(event_type: &EventType, properties: Map<String, Value>) -> Result<Data, Rejection> {
    let properties = Value::Object(properties);
    let (family, text) = (event_type.family, properties.to_string());
    let read = Data::from_json(family, &text).or_else(|_| {
        let event = json!({ "data": properties }).to_string();
        members::read_data(family, &text, &event)
    });
    read.map_err(|mut rejection| {
        rejection.pointer = told_at(&rejection.pointer);
        rejection
    })
}

fn take_id(parts: &mut Parts) -> Result<Option<String>, Rejection> {
    match parts.event.remove("messageId") {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) if text.trim().is_empty() => Ok(None),
        Some(Value::String(text)) => Ok(Some(text)),
        Some(_) => {
            let detail = "Send it as text, the same when you send the event again.";
            Err(Rejection::new(Reason::WrongType, "/messageId", detail))
        }
    }
}

fn take_version(properties: &mut Map<String, Value>) -> Result<Option<i32>, Rejection> {
    match properties.remove("content_version") {
        None | Some(Value::Null) => Ok(None),
        Some(value) => match value.as_i64().map(i32::try_from) {
            Some(Ok(version)) => Ok(Some(version)),
            _ => {
                let detail = "Send it as a whole number from -2147483648 to 2147483647.";
                let pointer = "/properties/content_version";
                Err(Rejection::new(Reason::WrongType, pointer, detail))
            }
        },
    }
}

/// When it happened, and when it was sent by the same clock.
///
/// Segment itself passes an event on with `receivedAt`, and has then corrected its
/// `timestamp`; what the sender's clock told stands in `originalTimestamp`.
fn take_times(
    parts: &mut Parts,
    received_at: DateTime<Utc>,
) -> Result<(DateTime<Utc>, Option<DateTime<Utc>>), Rejection> {
    let mut take = |member: &str| {
        let pointer = format!("/{member}");
        match parts.event.remove(member) {
            None | Some(Value::Null) => Ok(None),
            Some(Value::String(text)) => time::parse(&text, &pointer).map(Some),
            Some(_) => Err(members::wrong_time(&pointer)),
        }
    };
    let corrected = take("timestamp")?;
    let original = take("originalTimestamp")?;
    let sent_at = take("sentAt")?;
    let passed_on = parts.event.contains_key("receivedAt");
    Ok(match (corrected, original.or(corrected)) {
        (Some(time), _) if passed_on => (time, None),
        (_, Some(time)) => (time, sent_at),
        // It happens as it is sent, which the clock of the batch says nothing about.
        (_, None) => {
            let time = sent_at.unwrap_or(received_at);
            (time, Some(time))
        }
    })
}

fn text_of(time: DateTime<Utc>) -> String {
    time.to_rfc3339_opts(SecondsFormat::Micros, true)
}
