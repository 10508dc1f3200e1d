//! What is wrong with an event or an entity, by the tables of its types and members.

use serde_json::{Map, Value};

use super::events::EventKind;
use super::kinds::{self, ANY, Kinds};
use super::members::{Shape, shape};
use super::{context, words};
use crate::dialect::duration;
use crate::outcome::{Reason, Rejection};
use crate::time;
use crate::tree::step;

/// What stands in an envelope.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Told {
    /// Something that happened.
    Event,
    /// Something that is.
    Entity,
}

type Checked = Result<(), Rejection>;

/// Checks an event or an entity.
///
/// # Errors
/// The first thing that is wrong, and where.
pub fn check(told: &Value) -> Result<Told, Rejection> {
    let Value::Object(members) = told else {
        let detail = "Send each event and entity as a JSON object.";
        return Err(Rejection::new(Reason::NotAnObject, "", detail));
    };
    let kind = text(
        members,
        "type",
        "",
        "Say in `type` what it is, for example ViewEvent.",
    )?;
    if let Some(context) = present(members, "@context")
        && !context::is_good(context)
    {
        return Err(Rejection::new(
            Reason::InvalidFormat,
            "/@context",
            context::ADVICE,
        ));
    }
    if let Some(kind) = EventKind::from_name(kind) {
        event(members, kind)?;
        return Ok(Told::Event);
    }
    if kinds::is_known(kind) {
        entity(told, "", ANY)?;
        return Ok(Told::Entity);
    }
    let detail = "Send a type of event or entity that Caliper 1.1 or 1.2 has.";
    Err(Rejection::new(Reason::UnknownType, "/type", detail))
}

/// Whether a text is an IRI, or names a blank node as JSON-LD does.
pub fn is_iri(text: &str) -> bool {
    let outside = |c: char| c.is_whitespace() || c.is_control() || "<>\"{}|\\^`".contains(c);
    let Some((scheme, rest)) = text.split_once(':') else {
        return false;
    };
    let letters = |c: char| c.is_ascii_alphanumeric() || "+-.".contains(c);
    let is_scheme =
        scheme.starts_with(|c: char| c.is_ascii_alphabetic()) && scheme.chars().all(letters);
    (is_scheme || scheme == "_") && !rest.is_empty() && !rest.contains(outside)
}

fn event(members: &Map<String, Value>, kind: &EventKind) -> Checked {
    for name in ["@context", "id", "actor", "action", "object", "eventTime"]
        .iter()
        .chain(kind.requires)
    {
        if present(members, name).is_none() {
            let detail = format!("Add {name}: an event of this type needs it.");
            return refuse(Reason::MissingMember, &step(name), &detail);
        }
    }
    if text(members, "id", "", "")?.trim().is_empty() {
        let detail = "Send a UUID, as urn:uuid:…, the same when you send the event again.";
        return refuse(Reason::InvalidId, "/id", detail);
    }
    action(text(members, "action", "", "")?, kind)?;
    for (name, value) in members {
        let pointer = step(name);
        match name.as_str() {
            "object" => entity(value, &pointer, kind.object)?,
            "target" if !value.is_null() => entity(value, &pointer, kind.target)?,
            "generated" if !value.is_null() => entity(value, &pointer, kind.generated)?,
            _ => member(kind.name, name, value, &pointer)?,
        }
    }
    Ok(())
}

fn action(action: &str, kind: &EventKind) -> Checked {
    if kind.actions.contains(&action) {
        return Ok(());
    }
    if !words::ACTIONS.contains(&action) {
        let detail = "Send an action of Caliper's vocabulary, for example Viewed.";
        return refuse(Reason::InvalidFormat, "/action", detail);
    }
    let detail = format!(
        "Send an action of this type of event: {}.",
        listed(kind.actions)
    );
    refuse(Reason::ConflictingMembers, "/action", &detail)
}

fn listed(words: &[&str]) -> String {
    match words {
        [one] => (*one).to_owned(),
        [first @ .., last] => format!("{} or {last}", first.join(", ")),
        [] => String::new(),
    }
}

/// Checks an entity, or the IRI that stands for one.
fn entity(value: &Value, pointer: &str, kinds: Kinds) -> Checked {
    let members = match value {
        Value::String(iri) if is_iri(iri) => return Ok(()),
        Value::String(_) => {
            let detail = "Send the entity as an object, or its IRI.";
            return refuse(Reason::InvalidFormat, pointer, detail);
        }
        Value::Object(members) => members,
        _ => {
            let detail = "Send the entity as an object, or its IRI.";
            return refuse(Reason::WrongType, pointer, detail);
        }
    };
    let kind = text(
        members,
        "type",
        pointer,
        "Say in `type` what the entity is.",
    )?;
    if !kinds::is_known(kind) {
        let detail = "Send a type of entity that Caliper 1.1 or 1.2 has.";
        return refuse(Reason::UnknownType, &format!("{pointer}/type"), detail);
    }
    if !kinds::takes(kinds, kind) {
        let detail = format!("Send an entity of the type {} here.", kinds::names(kinds));
        return refuse(Reason::WrongType, &format!("{pointer}/type"), &detail);
    }
    if !kinds::NAMELESS.contains(&kind) {
        let id = text(
            members,
            "id",
            pointer,
            "Name the entity by its IRI in `id`.",
        )?;
        if !is_iri(id) {
            let detail = "Name the entity by an IRI, for example https://example.edu/pages/1.";
            return refuse(Reason::InvalidFormat, &format!("{pointer}/id"), detail);
        }
    } else if kind == "SystemIdentifier" {
        for name in ["identifier", "identifierType"] {
            text(
                members,
                name,
                pointer,
                "Add it: an identifier of a system needs it.",
            )?;
        }
    }
    for (name, value) in members {
        member(kind, name, value, &format!("{pointer}{}", step(name)))?;
    }
    Ok(())
}

fn member(kind: &str, name: &str, value: &Value, pointer: &str) -> Checked {
    if value.is_null() {
        return Ok(());
    }
    let Some(shape) = shape(kind, name) else {
        return Ok(());
    };
    let (holds, detail) = match shape {
        Shape::Text => (value.is_string(), "Send it as text."),
        Shape::Texts => (is_array(value, Value::is_string), "Send an array of texts."),
        Shape::Number => (value.is_number(), "Send a number."),
        Shape::Whole => (is_whole(value), "Send a whole number that is not negative."),
        Shape::Boolean => (value.is_boolean(), "Send true or false."),
        Shape::Object => (value.is_object(), "Send an object."),
        Shape::Time => return time(value, pointer),
        Shape::Duration => return self::duration(value, pointer),
        Shape::Word(words) => return word(value, words, pointer),
        Shape::Roles => return roles(value, pointer),
        Shape::One(kinds) => return entity(value, pointer, kinds),
        Shape::Many(kinds) => return entities(value, pointer, kinds),
    };
    if holds {
        return Ok(());
    }
    refuse(Reason::WrongType, pointer, detail)
}

fn entities(value: &Value, pointer: &str, kinds: Kinds) -> Checked {
    let Value::Array(values) = value else {
        return refuse(Reason::WrongType, pointer, "Send an array of entities.");
    };
    for (index, value) in values.iter().enumerate() {
        entity(value, &format!("{pointer}/{index}"), kinds)?;
    }
    Ok(())
}

fn time(value: &Value, pointer: &str) -> Checked {
    match value {
        Value::String(text) => time::parse(text, pointer).map(drop),
        _ => {
            let detail = "Send the time as text, for example 2026-09-14T10:00:00.123Z.";
            refuse(Reason::WrongType, pointer, detail)
        }
    }
}

fn duration(value: &Value, pointer: &str) -> Checked {
    const DETAIL: &str = "Send a duration of ISO 8601, for example PT5M21S.";
    match value {
        Value::String(text) if duration::parse(text).is_some() => Ok(()),
        Value::String(_) => refuse(Reason::InvalidFormat, pointer, DETAIL),
        _ => refuse(Reason::WrongType, pointer, DETAIL),
    }
}

fn word(value: &Value, words: &[&str], pointer: &str) -> Checked {
    match value {
        Value::String(text) if words.contains(&text.as_str()) => Ok(()),
        Value::String(_) => {
            let detail = format!("Send {}.", listed(words));
            refuse(Reason::InvalidFormat, pointer, &detail)
        }
        _ => refuse(Reason::WrongType, pointer, "Send it as text."),
    }
}

fn roles(value: &Value, pointer: &str) -> Checked {
    let Value::Array(roles) = value else {
        return refuse(Reason::WrongType, pointer, "Send an array of roles.");
    };
    for (index, role) in roles.iter().enumerate() {
        if !role.as_str().is_some_and(words::is_role) {
            let detail = "Send a role of Caliper's vocabulary, for example Learner.";
            return refuse(Reason::InvalidFormat, &format!("{pointer}/{index}"), detail);
        }
    }
    Ok(())
}

fn is_array(value: &Value, is: impl Fn(&Value) -> bool) -> bool {
    value.as_array().is_some_and(|values| values.iter().all(is))
}

/// 2.0 is a whole number too.
fn is_whole(value: &Value) -> bool {
    value
        .as_f64()
        .is_some_and(|number| number >= 0.0 && number.fract() == 0.0)
}

fn present<'v>(members: &'v Map<String, Value>, name: &str) -> Option<&'v Value> {
    members.get(name).filter(|value| !value.is_null())
}

/// A member that has to be text, at `pointer` in the body.
fn text<'v>(
    members: &'v Map<String, Value>,
    name: &str,
    pointer: &str,
    missing: &str,
) -> Result<&'v str, Rejection> {
    let place = format!("{pointer}{}", step(name));
    match present(members, name) {
        Some(Value::String(text)) => Ok(text),
        Some(_) => Err(Rejection::new(Reason::WrongType, place, "Send it as text.")),
        None => Err(Rejection::new(Reason::MissingMember, place, missing)),
    }
}

fn refuse(reason: Reason, pointer: &str, detail: &str) -> Checked {
    Err(Rejection::new(reason, pointer, detail))
}

#[cfg(test)]
mod tests;
