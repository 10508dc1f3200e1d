//! The members of a native event and what JSON each takes: the words for a
//! sender whose event has another.

use schemas::Family;
use schemas::event::{CONTEXT, Data, EVENT, Kind, Member, RESERVED, data_members};
use serde_json::{Map, Value};

use crate::outcome::{Reason, Rejection};
use crate::{time, tree};

/// Says what is wrong with an event that could not be read as a native one.
///
/// `family` is `None` as long as the type is not known.
pub fn explain(json: &str, family: Option<Family>) -> Rejection {
    check_event(json, family).err().unwrap_or_else(|| {
        let detail = "Send the event as the documentation of its type shows.";
        Rejection::new(Reason::WrongType, "", detail)
    })
}

/// Reads the `data` of an event of this family, whose whole JSON is `event`.
///
/// # Errors
/// What is wrong with it, and where in the event.
pub fn read_data(family: Family, data: &str, event: &str) -> Result<Data, Rejection> {
    if let Ok(data) = Data::from_json(family, data) {
        return Ok(data);
    }
    check_event(event, Some(family))?;
    // All that is left is null under the other name of a column: as if it were not there.
    let wrong = |_| explain(event, Some(family));
    let mut members: Map<String, Value> = serde_json::from_str(data).map_err(wrong)?;
    let listed = |name: &str| {
        let mut members = data_members(family).iter();
        members.any(|member| member.names.contains(&name))
    };
    members.retain(|name, value| !value.is_null() || !listed(name));
    Data::from_json(family, &Value::Object(members).to_string()).map_err(wrong)
}

fn check_event(json: &str, family: Option<Family>) -> Result<(), Rejection> {
    let event = tree::read(json)?;
    check(&event, "", EVENT)?;
    check(&event["context"], "/context", CONTEXT)?;
    let Some(family) = family else {
        return Ok(());
    };
    reserved(&event["data"])?;
    check(&event["data"], "/data", data_members(family))
}

/// Takes members that are ours to set out of those of `parent`: a sender's may only
/// be null, which is as if it were not there.
///
/// # Errors
/// [`Reason::ReservedMember`].
pub fn take_reserved(members: &mut Map<String, Value>, parent: &str) -> Result<(), Rejection> {
    for name in RESERVED {
        if members.remove(*name).is_some_and(|value| !value.is_null()) {
            return Err(refuse_reserved(parent, name));
        }
    }
    Ok(())
}

fn reserved(data: &Value) -> Result<(), Rejection> {
    match RESERVED.iter().find(|name| !data[**name].is_null()) {
        None => Ok(()),
        Some(name) => Err(refuse_reserved("/data", name)),
    }
}

/// The rejection of a member that is ours to set.
pub fn refuse_reserved(parent: &str, name: &str) -> Rejection {
    Rejection::new(
        Reason::ReservedMember,
        format!("{parent}/{name}"),
        "Send the person as actor, data.by or data.reply_to: keys of students are made here.",
    )
}

fn check(object: &Value, pointer: &str, members: &[Member]) -> Result<(), Rejection> {
    for Member { names, kind, .. } in members {
        let mut sent = names
            .iter()
            .map(|name| (*name, &object[*name]))
            .filter(|(_, value)| !value.is_null());
        if let Some((name, value)) = sent.next() {
            fits(*kind, value, &format!("{pointer}{}", tree::step(name)))?;
        }
        if let Some((name, _)) = sent.next() {
            let detail = format!("Send either {} or {name}: both name one column.", names[0]);
            let pointer = format!("{pointer}{}", tree::step(name));
            return Err(Rejection::new(Reason::DuplicateMember, pointer, detail));
        }
    }
    Ok(())
}

/// Whether a member of that kind takes the value, by its type.
fn fits(kind: Kind, value: &Value, pointer: &str) -> Result<(), Rejection> {
    if let (Kind::Time, Value::String(text)) = (kind, value) {
        return time::parse(text, pointer).map(drop);
    }
    if kind.takes(value) {
        return Ok(());
    }
    let whole = matches!(kind, Kind::Whole(..));
    let reason = if whole && value.as_number().is_some_and(|n| !n.is_f64()) {
        Reason::NumberOutOfRange
    } else {
        Reason::WrongType
    };
    let detail = format!("Send it as {}.", words(kind));
    Err(Rejection::new(reason, pointer, detail))
}

/// Completes "Send it as …".
fn words(kind: Kind) -> String {
    match kind {
        Kind::Text(_) | Kind::Word(_) | Kind::Id | Kind::Person => "text".to_owned(),
        Kind::Any(_) => "any JSON".to_owned(),
        Kind::Time => "text of RFC 3339, for example 2026-09-14T10:00:00Z".to_owned(),
        Kind::Number(_) => "a number".to_owned(),
        Kind::Whole(from, to) => format!("a whole number from {from} to {to}"),
        Kind::Boolean => "true or false".to_owned(),
        Kind::Object => "an object".to_owned(),
        Kind::Segments => "an array of [from, to] pairs of numbers".to_owned(),
    }
}

/// The rejection of a time that is not text.
pub fn wrong_time(pointer: &str) -> Rejection {
    let detail = format!("Send it as {}.", words(Kind::Time));
    Rejection::new(Reason::WrongType, pointer, detail)
}
