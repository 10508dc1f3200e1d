//! From an event of Canvas to a raw event.

use schemas::event::EventType;
use serde_json::{Map, Value};

use super::meaning::{Meaning, meaning};
use super::parts::Parts;
use super::vocabulary::{Kind, kind};
use super::{NAME, people};
use crate::dialect::native::members;
use crate::dialect::{Context, RawEvent};
use crate::outcome::{Reason, Rejection};

/// Tells an event of Canvas as one of ours; `None` if nothing is stored for it.
///
/// # Errors
/// What is wrong with it, and where.
pub fn translate(event: Map<String, Value>) -> Result<Option<RawEvent<'static>>, Rejection> {
    let mut parts = Parts::of(event)?;
    let event_name = event_name(&parts)?;
    let kind = kind(&event_name);
    if kind == Kind::Ignored {
        return Ok(None);
    }
    let Some(learner) = people::first(&parts, learners(kind))? else {
        return Ok(None);
    };
    let by = people::first(&parts, doers(kind))?.filter(|by| *by != learner);
    let mentions = people::mentions(&parts, &learner);
    let time = match parts.metadata.remove("event_time") {
        None | Some(Value::Null) => None,
        Some(Value::String(time)) => Some(time),
        Some(_) => return Err(members::wrong_time("/metadata/event_time")),
    };
    let session = parts.told("session_id").map(str::to_owned);
    let course = parts.take_course();
    let section = parts.take_section();
    let Some(told) = meaning(kind, &mut parts, course.as_deref()) else {
        return Ok(None);
    };
    let Meaning {
        event_type,
        mut data,
        content,
    } = told;
    data.unknown_mut()
        .extend(by.map(|by| ("by".to_owned(), Value::String(by))));
    let (context, body) = parts.rest();
    let mut unknown = Map::new();
    if !body.is_empty() {
        unknown.insert("body".to_owned(), Value::Object(body));
    }
    unknown.insert("event_name".to_owned(), event_name.clone().into());
    Ok(Some(RawEvent {
        dialect: NAME,
        verb: event_type.is_none().then_some(event_name),
        event_type: event_type.unwrap_or(EventType::foreign()),
        // What Canvas says of a request holds for all its events: the content, of
        // which an id is made, tells them apart.
        id: None,
        time: time.map(Into::into),
        sent_at: None,
        actor: Some(learner.into()),
        mentions,
        session,
        course,
        section,
        school: None,
        content,
        content_version: None,
        context: Context {
            app: Some(NAME.to_owned()),
            platform: None,
            locale: None,
            unknown: context,
        },
        data,
        unknown,
    }))
}

fn event_name(parts: &Parts) -> Result<String, Rejection> {
    let refuse = |reason| {
        let detail = "Name the event as Canvas does, for example submission_created.";
        Err(Rejection::new(reason, "/metadata/event_name", detail))
    };
    match parts.metadata.get("event_name") {
        None | Some(Value::Null) => refuse(Reason::MissingMember),
        Some(Value::String(name)) if name.trim().is_empty() => refuse(Reason::MissingMember),
        Some(Value::String(name)) => Ok(name.clone()),
        Some(_) => refuse(Reason::WrongType),
    }
}

/// Where an event tells whose learning it is.
fn learners(kind: Kind) -> &'static [&'static str] {
    match kind {
        Kind::CourseCompleted => &["/body/user/id", "/metadata/user_id"],
        Kind::CourseGrade | Kind::Enrollment | Kind::Submission => &["/body/user_id"],
        Kind::Entry => &["/body/user_id", "/metadata/user_id"],
        Kind::Grade => &["/body/student_id", "/body/user_id"],
        Kind::Asset | Kind::LoggedIn | Kind::LoggedOut | Kind::Quiz | Kind::Topic => {
            &["/metadata/user_id"]
        }
        Kind::Other | Kind::Ignored => &[
            "/body/user/id",
            "/body/student_id",
            "/body/user_id",
            "/metadata/user_id",
        ],
    }
}

/// Where an event tells who else did it: who graded, or who acts as the learner.
fn doers(kind: Kind) -> &'static [&'static str] {
    match kind {
        Kind::Grade => &["/body/grader_id"],
        Kind::CourseGrade => &["/metadata/user_id"],
        _ => &["/metadata/real_user_id"],
    }
}
