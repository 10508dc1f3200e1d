//! Whom a call names, and in how many ways.

use schemas::event::limits;
use serde_json::{Map, Value};

use crate::dialect::Mention;
use crate::dialect::name::name;
use crate::outcome::{Reason, Rejection};

/// Members that name somebody, without case and separators. Others, such as `name`,
/// name things as well.
const NAMING: [&str; 12] = [
    "anonymousid",
    "email",
    "emailaddress",
    "learnerid",
    "login",
    "mail",
    "previousid",
    "studentid",
    "uid",
    "user",
    "userid",
    "username",
];

/// Whose event it is: the user, or else the visitor whom nobody knows yet.
///
/// # Errors
/// When it names nobody.
pub fn actor(event: &Map<String, Value>) -> Result<String, Rejection> {
    for member in ["userId", "anonymousId"] {
        match event.get(member) {
            None | Some(Value::Null) => {}
            Some(Value::String(text)) if text.trim().is_empty() => {}
            // One that is too long is refused with the words for that.
            Some(Value::String(text)) => return Ok(text.clone()),
            Some(value) => {
                let detail = "Send it as text.";
                let pointer = format!("/{member}");
                return name(value)
                    .ok_or_else(|| Rejection::new(Reason::WrongType, pointer, detail));
            }
        }
    }
    let detail = "Say who did it: send userId, or anonymousId for a visitor.";
    Err(Rejection::new(Reason::MissingMember, "/userId", detail))
}

/// Everyone whom the call names, wherever it does.
pub fn mentions(event: &Map<String, Value>, actor: &str) -> Vec<Mention> {
    let mut found = Vec::new();
    for (member, value) in event {
        collect(member, value, actor, &mut found);
    }
    found.retain(|mention| mention.name.is_some() || mention.actor != actor);
    found
}

fn collect(member: &str, value: &Value, actor: &str, found: &mut Vec<Mention>) {
    match value {
        Value::Object(members) => {
            if member == "traits" {
                found.extend(full_name(members).map(|name| Mention {
                    actor: actor.to_owned(),
                    name: Some(name),
                }));
            }
            for (member, value) in members {
                collect(member, value, actor, found);
            }
        }
        Value::Array(values) => {
            for value in values {
                collect(member, value, actor, found);
            }
        }
        _ if NAMING.contains(&plain(member).as_str()) => {
            found.extend(name(value).map(|actor| Mention { actor, name: None }));
        }
        _ => {}
    }
}

/// What people call the person of these traits.
fn full_name(traits: &Map<String, Value>) -> Option<String> {
    let text = |name: &str| traits.get(name).and_then(Value::as_str);
    let name = match (text("name"), text("firstName"), text("lastName")) {
        (Some(name), ..) => name.to_owned(),
        (None, Some(first), Some(last)) => format!("{first} {last}"),
        _ => return None,
    };
    (name.len() <= limits::NAME).then_some(name)
}

fn plain(name: &str) -> String {
    let letters = name.chars().filter(char::is_ascii_alphanumeric);
    letters.map(|c| c.to_ascii_lowercase()).collect()
}
