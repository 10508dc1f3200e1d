//! From a tracking event to a raw event.

use chrono::{DateTime, Utc};
use schemas::event::{Data, EventType, limits};
use serde_json::{Map, Value};

use super::people::People;
use super::tracking::Tracking;
use super::{kept, names, page, values};
use crate::dialect::{Context, RawEvent};
use crate::outcome::{Reason, Rejection};
use crate::time;

/// Tells a tracking event as one of ours.
///
/// # Errors
/// What is wrong with it, and where.
pub fn translate(value: Value, received_at: DateTime<Utc>) -> Result<RawEvent<'static>, Rejection> {
    let mut tracking = Tracking::of(value)?;
    let people = People::of(&tracking);
    let actor = people.actor.ok_or_else(nobody)?;
    let when = when(&tracking, received_at)?;
    let id = id(&mut tracking)?;

    let told = names::tell(&mut tracking);
    let (event_type, verb, content, mut data) =
        match told.and_then(|told| Some((EventType::from_name(told.event_type)?, told))) {
            Some((event_type, told)) => (event_type, None, told.content, told.data),
            None => {
                let (content, data) = page::other(&mut tracking);
                let verb = Some(verb(&tracking.name).to_owned());
                (EventType::foreign(), verb, content, Data::Clickstream(data))
            }
        };
    check_names(&tracking, content.as_deref(), &data)?;
    let app = app(&mut tracking);
    let platform = platform(&tracking, app.as_deref());
    kept::keep(&mut tracking);

    let unknown_of_data = data.unknown_mut();
    unknown_of_data.append(&mut tracking.event);
    if let Some(by) = people.by {
        unknown_of_data.insert("by".to_owned(), Value::String(by));
    }
    let page = page::page(&tracking).filter(|_| !matches!(data, Data::Clickstream(_)));
    let mut context = tracking.context;
    for (name, text) in [("page", page), ("user_agent", tracking.agent)] {
        if let Some(text) = text {
            context.insert(name.to_owned(), Value::String(text));
        }
    }
    Ok(RawEvent {
        dialect: "edx",
        event_type,
        verb,
        id: id.map(Into::into),
        time: Some(when.into()),
        sent_at: None,
        actor: Some(actor.into()),
        mentions: people.mentions,
        session: tracking.session,
        course: tracking.course,
        section: None,
        school: None,
        content,
        content_version: None,
        context: Context {
            app,
            platform,
            locale: None,
            unknown: context,
        },
        data,
        unknown: unknown(tracking.rest, &tracking.name, tracking.source),
    })
}

/// What is kept of the event itself. A path is a column, without its people.
fn unknown(mut rest: Map<String, Value>, name: &str, source: Option<String>) -> Map<String, Value> {
    let name = Some(name).filter(|name| !name.starts_with('/') && name.len() <= limits::NAME);
    for (member, text) in [
        ("event_type", name.map(str::to_owned)),
        ("event_source", source),
    ] {
        if let Some(text) = text {
            rest.insert(member.to_owned(), Value::String(text));
        }
    }
    rest
}

/// What an event is called that none of our types is: all of its name, but for
/// the start that most have. Requests of pages are called by what they are.
fn verb(name: &str) -> &str {
    if name.starts_with('/') {
        return "requested";
    }
    name.strip_prefix("edx.").unwrap_or(name)
}

fn nobody() -> Rejection {
    let detail = "Add context.user_id or username: an event that nobody did is not taken.";
    Rejection::new(Reason::MissingMember, "/context/user_id", detail)
}

/// When it happened, checked here: only here is known where it stands.
fn when(tracking: &Tracking, received_at: DateTime<Utc>) -> Result<String, Rejection> {
    let Some(text) = &tracking.time else {
        let detail = "Add time: when it happened, for example 2026-09-14T10:00:00.123Z.";
        return Err(Rejection::new(Reason::MissingMember, "/time", detail));
    };
    let time = time::parse(text, tracking.at.time)?;
    time::check(time, None, received_at).map_err(|found| {
        let detail = if found.reason == Reason::TimeInFuture {
            "Set the clock of the server: the time is more than 24 hours ahead."
        } else {
            "Set the clock of the server: the time lies before 1990."
        };
        Rejection::new(found.reason, tracking.at.time, detail)
    })?;
    Ok(text.clone())
}

/// The id that an import or a relay has put in: logs have none.
fn id(tracking: &mut Tracking) -> Result<Option<String>, Rejection> {
    match tracking.rest.remove("id") {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) => Ok(Some(text)),
        Some(_) => Err(Rejection::new(Reason::WrongType, "/id", "Send it as text.")),
    }
}

/// Refuses names that are too long for their columns, where they stand.
fn check_names(tracking: &Tracking, content: Option<&str>, data: &Data) -> Result<(), Rejection> {
    let (thread, target) = match data {
        Data::Clickstream(data) => (data.thread_id.as_deref(), data.target_id.as_deref()),
        _ => (None, None),
    };
    let at = tracking.at;
    for (text, pointer) in [
        (tracking.session.as_deref(), at.session),
        (tracking.course.as_deref(), "/context/course_id"),
        (content, at.event),
        (thread, at.event),
        (target, at.event),
    ] {
        if text.is_some_and(|text| text.len() > limits::NAME) {
            let detail = format!("Send at most {} bytes of text.", limits::NAME);
            return Err(Rejection::new(Reason::TextTooLong, pointer, detail));
        }
    }
    Ok(())
}

/// The app that tells it.
fn app(tracking: &mut Tracking) -> Option<String> {
    let application = tracking.context.get_mut("application")?.as_object_mut()?;
    values::take(application, &["name"], values::text_of(limits::NAME))
}

/// What it runs on: browsers say so by telling it, apps by their name.
fn platform(tracking: &Tracking, app: Option<&str>) -> Option<String> {
    let app = app.unwrap_or_default().to_ascii_lowercase();
    let platform = match tracking.source.as_deref()? {
        "browser" => "web",
        "mobile" if app.ends_with("android") => "android",
        "mobile" if app.ends_with("ios") => "ios",
        _ => return None,
    };
    Some(platform.to_owned())
}
