//! From a good event to a raw event.

use schemas::Family;
use schemas::event::{Data, EventType};
use serde_json::Value;

use super::assessment::assessment;
use super::clickstream::clickstream;
use super::meaning::meaning;
use super::parts::{Parts, id};
use super::people::Cast;
use super::rest::rest;
use super::video::video;
use crate::dialect::{Context, RawEvent};

/// Tells an event that passed the check; it takes all.
pub fn translate(event: &Value) -> RawEvent<'static> {
    let parts = Parts::of(event);
    let cast = Cast::of(&parts);
    let event_type = meaning(&parts, &cast).and_then(EventType::from_name);
    let verb = match event_type {
        Some(_) => None,
        None => Some(words(parts.action)),
    };
    let event_type = event_type.unwrap_or_else(EventType::foreign);

    let mut taken = vec!["/session/id", "/edApp/id"];
    let mut data = match event_type.family {
        Family::Video => Data::Video(video(&parts, &mut taken)),
        Family::Assessment => Data::Assessment(assessment(&parts, event_type.name, &mut taken)),
        Family::Clickstream => Data::Clickstream(clickstream(&parts, event_type.name, &mut taken)),
        // No event means one of these.
        family @ (Family::Attendance | Family::Tutoring) => Data::empty(family),
    };
    for (name, person) in [("by", cast.by), ("reply_to", cast.reply_to)] {
        if let Some(person) = person {
            let person = Value::String(person);
            data.unknown_mut().insert(name.to_owned(), person);
        }
    }
    let (section, course) = parts.place();
    if id(&event["group"]).is_some_and(|group| [section, course].contains(&Some(group))) {
        taken.push("/group/id");
    }
    if course.is_some() && id(&event["group"]["subOrganizationOf"]) == course {
        taken.push("/group/subOrganizationOf");
    }
    let content = parts.content();
    if content.is_some() && content == id(parts.object) {
        taken.push("/object/id");
    }
    let session = parts.session();
    if session.is_some() && session == id(&event["federatedSession"]) {
        taken.push("/federatedSession/id");
    }
    let text = |text: Option<&str>| text.map(str::to_owned);
    let told = |name: &str| event[name].as_str().map(|text| text.to_owned().into());
    RawEvent {
        dialect: "caliper",
        event_type,
        verb,
        id: told("id"),
        time: told("eventTime"),
        sent_at: None,
        actor: Some(cast.student.into()),
        mentions: cast.mentions,
        session: text(session),
        course: text(course),
        section: text(section),
        school: None,
        content: text(content),
        content_version: None,
        context: Context {
            app: text(id(&event["edApp"])),
            ..Context::default()
        },
        data,
        unknown: rest(event, &taken),
    }
}

/// `MarkedAsRead` as `marked_as_read`.
fn words(action: &str) -> String {
    let mut words = String::new();
    for letter in action.chars() {
        if letter.is_ascii_uppercase() && !words.is_empty() {
            words.push('_');
        }
        words.push(letter.to_ascii_lowercase());
    }
    words
}
