//! From a good statement to a raw event.

use std::borrow::Cow;

use chrono::{DateTime, SecondsFormat, Utc};
use schemas::Family;
use schemas::event::{Data, EventType};
use serde_json::{Map, Value};

use super::assessment::take_text;
use super::clickstream::other_person;
use super::meaning::{meaning, session};
use super::parts::{self, Parts};
use super::{timestamp, vocabulary};
use crate::dialect::{Context, RawEvent};
use crate::time;

/// Tells a statement that the specification allows as an event; it takes all.
pub fn translate(statement: Value, received_at: DateTime<Utc>) -> RawEvent<'static> {
    let mut mentions = Vec::new();
    parts::mentions(&statement, &mut mentions);
    let actor = parts::actor(&statement["actor"]);
    let other = other_person(&statement["object"]).map(str::to_owned);
    let instructor = parts::identifier(&statement["context"]["instructor"]).map(str::to_owned);
    let Value::Object(mut statement) = statement else {
        unreachable!("a statement that is no object does not pass the check");
    };
    let id = take_text(&mut statement, "id");
    let told = take_text(&mut statement, "timestamp");
    let mut parts = Parts::of(statement);

    let event_type = meaning(&parts).and_then(EventType::from_name);
    let (event_type, verb) = match event_type {
        Some(event_type) => (event_type, None),
        None => (EventType::foreign(), Some(parts.verb.clone())),
    };
    let session = session(&parts).map(|(name, session)| {
        vocabulary::take(&mut parts.surroundings, name, |_| Some(()));
        session
    });
    let course = parts.course();
    let content = parts.activity().map(str::to_owned);
    let mut data = match event_type.family {
        Family::Video => Data::Video(parts.take_video()),
        Family::Assessment => Data::Assessment(parts.take_assessment(event_type.name)),
        Family::Clickstream => Data::Clickstream(parts.take_clickstream(event_type.name)),
        // No verb means one of these.
        family @ (Family::Attendance | Family::Tutoring) => Data::empty(family),
    };
    for (name, person) in [("by", instructor), ("reply_to", other)] {
        if let Some(person) = person {
            data.unknown_mut()
                .insert(name.to_owned(), Value::String(person));
        }
    }
    let platform = take_text(&mut parts.context, "platform");
    let locale = take_text(&mut parts.context, "language");
    let (mut unknown, context) = parts.rest(course.as_deref());
    let time = time_of(told, received_at, &mut unknown);
    RawEvent {
        dialect: "xapi",
        event_type,
        verb,
        id: id.map(Cow::Owned),
        time: Some(time.to_rfc3339_opts(SecondsFormat::Micros, true).into()),
        sent_at: None,
        actor: Some(actor.into()),
        mentions,
        session,
        course,
        section: None,
        school: None,
        content,
        content_version: None,
        context: Context {
            app: None,
            platform,
            locale,
            unknown: context,
        },
        data,
        unknown,
    }
}

/// When it happened: when it arrived, for a statement that does not say. So it
/// is too for one whose clock is years off, which the specification does not
/// let us refuse; what it says is kept beside.
fn time_of(
    told: Option<String>,
    received_at: DateTime<Utc>,
    unknown: &mut Map<String, Value>,
) -> DateTime<Utc> {
    let Some(told) = told else {
        return received_at;
    };
    match timestamp::parse(&told) {
        Some(found) if time::check(found.time, None, received_at).is_ok() => found.time,
        _ => {
            unknown.insert("timestamp".to_owned(), Value::String(told));
            received_at
        }
    }
}

#[cfg(test)]
mod tests;
