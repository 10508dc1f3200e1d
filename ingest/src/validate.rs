//! From a raw event to an [`Event`] that may enter the log. Nothing else in
//! this crate makes one.

use std::borrow::Cow;
use std::rc::Rc;

use chrono::{DateTime, Utc};
use schemas::event::{Data, Event, limits};
use schemas::{Tenant, strip_prefix};
use serde_json::{Map, Value};
use uuid::Uuid;

use crate::authenticate::Sender;
use crate::dialect::RawEvent;
use crate::dialect::native::members;
use crate::hide::Named;
use crate::identity::{People, Person};
use crate::outcome::{Reason, Rejection};
use crate::{personal, time, values};

/// The most that members beyond the schema may have together, in bytes of JSON.
const EXTRA: usize = 32 << 10;

/// The namespace of the ids that we give to events without one, or without a UUID.
const NAMESPACE: Uuid = Uuid::from_u128(0x5f2c_3a1e_6b0d_5c47_9e8a_4d1b_7f60_c2d3);

/// What all events of a request share.
pub struct Circumstances<'a> {
    /// Who sends.
    pub sender: &'a Sender,
    /// When the body had arrived.
    pub received_at: DateTime<Utc>,
    /// When it was sent, where an event does not say so itself.
    pub sent_at: Option<DateTime<Utc>>,
    /// Whether people and things are numbered alike: [`Dialect::NUMBERED_ALIKE`].
    ///
    /// [`Dialect::NUMBERED_ALIKE`]: crate::dialect::Dialect::NUMBERED_ALIKE
    pub numbered_alike: bool,
}

/// A valid event and its canonical JSON, neither of which names a person whom
/// the event names as such.
#[derive(Debug)]
pub struct Valid {
    /// The event.
    pub event: Event,
    /// [`Event::to_json`] of it.
    pub json: Vec<u8>,
}

/// Checks everything that is promised of an event in the log.
///
/// # Errors
/// The first thing that is wrong, and where in the event.
pub fn validate(
    mut raw: RawEvent<'_>,
    people: &mut People<'_>,
    shared: &Circumstances<'_>,
) -> Result<Valid, Rejection> {
    let tenant = &*shared.sender.tenant;
    shared.sender.may_post(raw.event_type)?;
    if raw.event_type.is_custom() {
        let name = raw.verb.as_deref().unwrap_or_default();
        let data = raw.data.unknown_mut();
        // A schema can take its time with every byte, and so much is not kept anyway.
        let too_large = |size| {
            let detail = format!("Send less data: it has {size} bytes and may have {EXTRA}.");
            Rejection::new(Reason::ExtraTooLarge, "/data", detail)
        };
        larger_than_extra(data).map_or(Ok(()), |size| Err(too_large(size)))?;
        shared.sender.types.check(name, data)?;
    }
    let id = raw.id.as_deref().map(read_id).transpose()?;
    let person = people.person(actor(raw.actor.as_deref(), "/actor")?);
    let time = raw.time.as_deref().ok_or_else(|| missing(&["/time"]))?;
    let time = time::parse(time, "/time")?;
    let sent_at = match raw.sent_at.as_deref() {
        Some(text) => Some(time::parse(text, "/sent_at")?),
        None => shared.sent_at,
    };
    time::check(time, sent_at, shared.received_at)?;
    values::check(raw.event_type, &raw.data)?;

    let mut data = raw.data;
    let unknown = std::mem::take(data.unknown_mut());
    let student_key = person.key;
    let mut named = vec![person];
    for mention in &raw.mentions {
        for text in std::iter::once(&mention.actor).chain(&mention.name) {
            fits(text, "")?;
        }
        named.extend(people.mentioned(mention));
    }
    let unknown = others(&mut data, unknown, people, &mut named)?;
    let named = Named::new(&named);
    let extra = extra(raw.unknown, raw.context.unknown, unknown)?;
    let event = Event {
        id: id.unwrap_or_default(),
        event_type: match raw.verb {
            Some(name) if raw.event_type.is_custom() => name,
            Some(verb) => format!("{}.{}", raw.dialect, named.word(&verb)),
            None => raw.event_type.name.to_owned(),
        },
        dialect: raw.dialect.to_owned(),
        time,
        sent_at,
        received_at: shared.received_at,
        student_key,
        session: values::name(raw.session, "/session")?,
        course: place(raw.course, "/course", tenant)?,
        section: place(raw.section, "/section", tenant)?,
        school: values::name(raw.school, "/school")?,
        content: place(raw.content, "/content", tenant)?,
        content_version: raw.content_version,
        app: values::name(raw.context.app, "/context/app")?,
        platform: values::name(raw.context.platform, "/context/platform")?,
        locale: values::name(raw.context.locale, "/context/locale")?,
        data,
        extra: extra.into(),
    };
    for alternatives in raw.event_type.requires {
        if !alternatives.iter().any(|pointer| has(&event, pointer)) {
            return Err(missing(alternatives));
        }
    }
    Ok(seal(event, id, &named, shared))
}

/// The sender's id.
///
/// # Errors
/// [`Reason::InvalidId`].
pub fn read_id(text: &str) -> Result<Uuid, Rejection> {
    Uuid::try_parse(text)
        .ok()
        .filter(|id| !id.is_nil() && !id.is_max())
        .ok_or_else(|| {
            let detail = "Send a UUID, the same when you send the event again; or send no id.";
            Rejection::new(Reason::InvalidId, "/id", detail)
        })
}

/// The id of an event that its sender names by any text: that text if it is a
/// UUID, else one made of it, which is the same whenever it is sent again.
pub fn named_id<'a>(text: Cow<'a, str>, dialect: &str, tenant: &Tenant) -> Cow<'a, str> {
    if text.trim().is_empty() || Uuid::try_parse(&text).is_ok() {
        return text;
    }
    let name = format!("{}\n{dialect}\n{text}", tenant.id);
    Uuid::new_v5(&NAMESPACE, name.as_bytes()).to_string().into()
}

fn actor<'a>(text: Option<&'a str>, pointer: &str) -> Result<&'a str, Rejection> {
    let text = text
        .filter(|text| !text.trim().is_empty())
        .ok_or_else(|| missing(&[pointer]))?;
    fits(text, pointer)?;
    Ok(text)
}

/// Refuses a name that is too long.
fn fits(name: &str, pointer: &str) -> Result<(), Rejection> {
    if name.len() <= limits::NAME {
        return Ok(());
    }
    let detail = format!(
        "Name each person in at most {} bytes of text.",
        limits::NAME
    );
    Err(Rejection::new(Reason::TextTooLong, pointer, detail))
}

fn missing(alternatives: &[&str]) -> Rejection {
    let names: Vec<_> = alternatives
        .iter()
        .map(|pointer| pointer[1..].replace('/', "."))
        .collect();
    let detail = format!("Add {}: this type needs it.", names.join(" or "));
    let pointer = alternatives.first().copied().unwrap_or_default();
    Rejection::new(Reason::MissingMember, pointer, detail)
}

/// The identifier of a course, section or content, less the tenant's prefix.
fn place(
    text: Option<String>,
    pointer: &str,
    tenant: &Tenant,
) -> Result<Option<String>, Rejection> {
    let text = values::name(text, pointer)?;
    if tenant.id_prefixes.is_empty() {
        return Ok(text);
    }
    Ok(text.map(|text| strip_prefix(&text, &tenant.id_prefixes).to_owned()))
}

/// Puts the keys of the other people whom an event names into its data, or
/// beside them where the family has no column for that; notes them as named.
fn others(
    data: &mut Data,
    mut unknown: Map<String, Value>,
    people: &mut People<'_>,
    named: &mut Vec<Rc<Person>>,
) -> Result<Map<String, Value>, Rejection> {
    const OTHERS: [(&str, &str); 2] = [("by", "by_key"), ("reply_to", "reply_to_key")];

    for (member, _) in OTHERS {
        if let Some((column, Some(_))) = data.key_mut(member) {
            return Err(members::refuse_reserved("/data", column));
        }
    }
    members::take_reserved(&mut unknown, "/data")?;
    for (member, beside) in OTHERS {
        let pointer = format!("/data/{member}");
        let person = match unknown.remove(member) {
            None | Some(Value::Null) => continue,
            Some(Value::String(text)) => people.person(actor(Some(&text), &pointer)?),
            Some(_) => {
                let detail = "Send it as text, like the actor.";
                return Err(Rejection::new(Reason::WrongType, pointer, detail));
            }
        };
        match data.key_mut(member) {
            Some((_, column)) => *column = Some(person.key),
            None => {
                let key = Value::String(person.key.to_string());
                unknown.insert(beside.to_owned(), key);
            }
        }
        named.push(person);
    }
    Ok(unknown)
}

/// What the sender sent beyond the schema, without what says who someone is.
fn extra(
    mut event: Map<String, Value>,
    context: Map<String, Value>,
    data: Map<String, Value>,
) -> Result<Map<String, Value>, Rejection> {
    members::take_reserved(&mut event, "")?;
    if event.is_empty() && context.is_empty() && data.is_empty() {
        return Ok(event);
    }
    let mut extra = event;
    // Only in data do these name a person whom we know to hash.
    extra.remove("by");
    extra.remove("reply_to");
    extra.insert("context".to_owned(), Value::Object(context));
    extra.insert("data".to_owned(), Value::Object(data));
    personal::drop_personal(&mut extra);
    for name in ["context", "data"] {
        if extra[name].as_object().is_some_and(Map::is_empty) {
            extra.remove(name);
        }
    }
    if extra.is_empty() {
        return Ok(extra);
    }
    extra.sort_keys();
    if let Some(size) = larger_than_extra(&extra) {
        let detail = format!(
            "Send fewer members beyond the schema: they have {size} bytes together and may have \
             {EXTRA}."
        );
        return Err(Rejection::new(Reason::ExtraTooLarge, "", detail));
    }
    Ok(extra)
}

/// The size of members that are too large to be kept, in bytes of JSON.
fn larger_than_extra(members: &Map<String, Value>) -> Option<usize> {
    // Nearly all are so small that nothing need be written to see it.
    if members.iter().map(most_of_member).sum::<usize>() <= EXTRA {
        return None;
    }
    let size = serde_json::to_vec(members).map_or(0, |json| json.len());
    (size > EXTRA).then_some(size)
}

/// No fewer bytes than the member takes as JSON.
fn most_of_member((name, value): (&String, &Value)) -> usize {
    most_of_text(name) + 2 + most_of(value)
}

/// No fewer bytes than the value takes as JSON.
fn most_of(value: &Value) -> usize {
    match value {
        Value::Null | Value::Bool(_) => 5,
        Value::Number(_) => 32,
        Value::String(text) => most_of_text(text),
        Value::Array(values) => 2 + values.iter().map(|value| 1 + most_of(value)).sum::<usize>(),
        Value::Object(members) => 2 + members.iter().map(most_of_member).sum::<usize>(),
    }
}

/// A control character becomes six.
fn most_of_text(text: &str) -> usize {
    2 + 6 * text.len()
}

/// Whether the event has the member that a type requires.
fn has(event: &Event, pointer: &str) -> bool {
    let text = |text: &Option<String>| text.as_ref().is_some_and(|text| !text.trim().is_empty());
    match (&event.data, pointer) {
        (_, "/content") => event.content.is_some(),
        (_, "/session") => event.session.is_some(),
        (_, "/course") => event.course.is_some(),
        (_, "/section") => event.section.is_some(),
        (Data::Clickstream(data), "/data/url") => text(&data.url),
        (Data::Clickstream(data), "/data/element") => text(&data.element),
        (Data::Clickstream(data), "/data/query") => data.query.is_some(),
        (Data::Clickstream(data), "/data/thread") => text(&data.thread_id),
        (Data::Clickstream(data), "/data/target") => text(&data.target_id),
        (Data::Clickstream(data), "/data/status") => text(&data.status),
        (Data::Video(data), "/data/position") => data.position_seconds.is_some(),
        (Data::Video(data), "/data/from") => data.from_seconds.is_some(),
        (Data::Video(data), "/data/to") => data.to_seconds.is_some(),
        (Data::Video(data), "/data/rate") => data.rate.is_some(),
        (Data::Assessment(data), "/data/item") => text(&data.item_id),
        (Data::Assessment(data), "/data/assessment") => text(&data.assessment_id),
        (Data::Assessment(data), "/data/category") => text(&data.category),
        (Data::Assessment(data), "/data/score") => data.score.is_some(),
        (Data::Assessment(data), "/data/new") => text(&data.grade_new),
        (Data::Attendance(data), "/data/status") => text(&data.status),
        (Data::Tutoring(data), "/data/prompt") => text(&data.prompt_id),
        (Data::Tutoring(data), "/data/rating") => data.rating.is_some(),
        (Data::Tutoring(data), "/data/booking") => text(&data.booking_id),
        (Data::Tutoring(data), "/data/scheduled_at") => data.scheduled_at.is_some(),
        _ => false,
    }
}

/// Hides those whom it names, gives an id to an event that has none, and writes it.
fn seal(
    mut event: Event,
    id: Option<Uuid>,
    named: &Named<'_>,
    shared: &Circumstances<'_>,
) -> Valid {
    named.hide_in(&mut event, shared.numbered_alike);
    if id.is_none() {
        event.id = content_id(&event, &shared.sender.tenant);
    }
    let json = event.to_json();
    Valid { event, json }
}

/// The id of an event that has none: the same whenever and however often it is
/// sent. It is made of what is kept, so it says nothing more than that.
fn content_id(event: &Event, tenant: &Tenant) -> Uuid {
    let mut content = event.clone();
    content.id = Uuid::nil();
    content.sent_at = None;
    content.received_at = content.time;
    let mut name = format!("{}\n", tenant.id).into_bytes();
    name.extend(content.to_json());
    Uuid::new_v5(&NAMESPACE, &name)
}

#[cfg(test)]
mod tests;
