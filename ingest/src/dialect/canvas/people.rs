//! Whom an event of Canvas names, and in how many ways.

use serde_json::{Map, Value};

use super::parts::Parts;
use crate::dialect::Mention;
use crate::dialect::name::name;
use crate::outcome::{Reason, Rejection};

/// How names of members end that hold who somebody is.
const PEOPLE: [&str; 15] = [
    "assessor_id",
    "author_id",
    "creator_id",
    "email",
    "grader_id",
    "login",
    "observer_id",
    "owner_id",
    "sender_id",
    "student_id",
    "student_sis_id",
    "teacher_id",
    "user_id",
    "user_sis_id",
    "user_uuid",
];

/// How names of members end that hold what somebody wrote, or what things are called.
const WORDS: [&str; 10] = [
    "body",
    "comment",
    "comments",
    "description",
    "message",
    "name",
    "subject",
    "text",
    "title",
    "url",
];

/// The first of these members that names somebody: JSON pointers into the event.
///
/// # Errors
/// When one is no name.
pub fn first(parts: &Parts, pointers: &[&str]) -> Result<Option<String>, Rejection> {
    for pointer in pointers {
        let (part, members) = match pointer.strip_prefix("/metadata/") {
            Some(member) => (&parts.metadata, member),
            None => (&parts.body, pointer.trim_start_matches("/body/")),
        };
        let mut steps = members.split('/');
        let first = steps.next().and_then(|member| part.get(member));
        let value = steps.try_fold(first.unwrap_or(&Value::Null), |value, step| value.get(step));
        match value {
            None | Some(Value::Null) => {}
            Some(Value::String(text)) if text.trim().is_empty() => {}
            // One that is too long is refused with the words for that.
            Some(Value::String(text)) => return Ok(Some(parts.global(text))),
            Some(value) => {
                let detail = "Send the person's id as text or as a whole number.";
                let id = name(value)
                    .ok_or_else(|| Rejection::new(Reason::WrongType, *pointer, detail))?;
                return Ok(Some(parts.global(&id)));
            }
        }
    }
    Ok(None)
}

/// Everyone whom the event names, wherever it does.
pub fn mentions(parts: &Parts, learner: &str) -> Vec<Mention> {
    let mut found = Vec::new();
    collect(parts, &parts.metadata, learner, &mut found);
    collect(parts, &parts.body, learner, &mut found);
    if parts.told("context_type") == Some("User") {
        let id = parts.metadata.get("context_id").and_then(name);
        found.extend(id.map(|id| mention(&parts.global(&id))));
    }
    if parts.text("asset_type") == Some("user") {
        let id = parts.body.get("asset_id").and_then(name);
        found.extend(id.map(|id| mention(&parts.global(&id))));
    }
    found.retain(|mention| mention.name.is_some() || mention.actor != learner);
    found
}

fn mention(actor: &str) -> Mention {
    Mention {
        actor: actor.to_owned(),
        name: None,
    }
}

fn collect(parts: &Parts, members: &Map<String, Value>, learner: &str, found: &mut Vec<Mention>) {
    for (member, value) in members {
        match value {
            Value::Object(user) if member == "user" => {
                let texts = ["id", "email", "login", "sis_id"].map(|name| user.get(name));
                let texts = texts.into_iter().flatten().filter_map(name);
                found.extend(texts.map(|text| mention(&parts.global(&text))));
                found.extend(full_name(user.get("name"), learner));
            }
            Value::Object(inner) => collect(parts, inner, learner, found),
            Value::Array(values) => {
                let inner = values.iter().filter_map(Value::as_object);
                inner.for_each(|inner| collect(parts, inner, learner, found));
            }
            _ if member == "user_name" => found.extend(full_name(Some(value), learner)),
            _ if ends(member, &PEOPLE) => {
                found.extend(name(value).map(|text| mention(&parts.global(&text))));
            }
            _ => {}
        }
    }
}

/// What people call the one whose event it is.
fn full_name(value: Option<&Value>, learner: &str) -> Option<Mention> {
    Some(Mention {
        actor: learner.to_owned(),
        name: Some(name(value?)?),
    })
}

/// Removes who somebody is, and what somebody wrote.
pub fn remove(members: &mut Map<String, Value>) {
    members.retain(|member, value| {
        match value {
            Value::Null => return false,
            Value::Object(inner) if member != "user" => remove(inner),
            Value::Array(values) => values.iter_mut().for_each(|value| {
                if let Value::Object(inner) = value {
                    remove(inner);
                }
            }),
            _ => {}
        }
        member != "user" && !ends(member, &PEOPLE) && !ends(member, &WORDS)
    });
}

fn ends(member: &str, ends: &[&str]) -> bool {
    let member = member.to_ascii_lowercase();
    ends.iter().any(|end| member.ends_with(end))
}
