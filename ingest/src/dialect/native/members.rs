//! The members of a native event and what JSON each takes: the words for a
//! sender whose event has another.

use schemas::Family;
use serde_json::Value;

use crate::outcome::{Reason, Rejection};
use crate::tree;

/// What JSON a member takes. `null` always counts as absent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Any,
    Text,
    Number,
    Whole32,
    Whole64,
    Boolean,
    Object,
    Segments,
}

impl Kind {
    fn takes(self, value: &Value) -> bool {
        match self {
            Self::Any => true,
            Self::Text => value.is_string(),
            Self::Number => value.is_number(),
            Self::Whole32 => value.as_i64().is_some_and(|n| i32::try_from(n).is_ok()),
            Self::Whole64 => value.as_i64().is_some(),
            Self::Boolean => value.is_boolean(),
            Self::Object => value.is_object(),
            Self::Segments => value.as_array().is_some_and(|segments| {
                segments.iter().all(|segment| {
                    segment
                        .as_array()
                        .is_some_and(|ends| ends.len() == 2 && ends.iter().all(Value::is_number))
                })
            }),
        }
    }

    /// Completes "Send it as …".
    fn words(self) -> &'static str {
        match self {
            Self::Any => "any JSON",
            Self::Text => "text",
            Self::Number => "a number",
            Self::Whole32 => "a whole number between -2147483648 and 2147483647",
            Self::Whole64 => "a whole number of at most 64 bits",
            Self::Boolean => "true or false",
            Self::Object => "an object",
            Self::Segments => "an array of [from, to] pairs of numbers",
        }
    }
}

/// A member: the names it is read under, and what it takes.
type Member = (&'static [&'static str], Kind);

const EVENT: &[Member] = &[
    (&["id"], Kind::Text),
    (&["type"], Kind::Text),
    (&["time"], Kind::Text),
    (&["sent_at"], Kind::Text),
    (&["actor"], Kind::Text),
    (&["session"], Kind::Text),
    (&["course"], Kind::Text),
    (&["section"], Kind::Text),
    (&["school"], Kind::Text),
    (&["content"], Kind::Text),
    (&["content_version"], Kind::Whole32),
    (&["context"], Kind::Object),
    (&["data"], Kind::Object),
];

const CONTEXT: &[Member] = &[
    (&["app"], Kind::Text),
    (&["platform"], Kind::Text),
    (&["locale"], Kind::Text),
];

const CLICKSTREAM: &[Member] = &[
    (&["url"], Kind::Text),
    (&["referrer"], Kind::Text),
    (&["element"], Kind::Text),
    (&["query"], Kind::Text),
    (&["target", "target_id"], Kind::Text),
    (&["count"], Kind::Whole64),
    (&["thread", "thread_id"], Kind::Text),
    (&["status"], Kind::Text),
    (&["role"], Kind::Text),
];

const VIDEO: &[Member] = &[
    (&["position", "position_seconds"], Kind::Number),
    (&["from", "from_seconds"], Kind::Number),
    (&["to", "to_seconds"], Kind::Number),
    (&["duration", "duration_seconds"], Kind::Number),
    (&["rate"], Kind::Number),
    (&["played_segments"], Kind::Segments),
    (&["progress"], Kind::Number),
];

const ASSESSMENT: &[Member] = &[
    (&["assessment", "assessment_id"], Kind::Text),
    (&["attempt"], Kind::Whole32),
    (&["item", "item_id"], Kind::Text),
    (&["correct"], Kind::Boolean),
    (&["score"], Kind::Number),
    (&["max_score"], Kind::Number),
    (&["hints"], Kind::Whole32),
    (&["duration", "duration_seconds"], Kind::Number),
    (&["category"], Kind::Text),
    (&["old", "grade_old"], Kind::Any),
    (&["new", "grade_new"], Kind::Any),
    (&["reason"], Kind::Text),
];

/// Members of data that are ours to set: keys made from actors.
pub const RESERVED: &[&str] = &["student_key", "by_key", "reply_to_key", "tutor_key"];

/// Says what is wrong with an event that could not be read as a native one.
///
/// `family` is `None` as long as the type is not known.
pub fn explain(json: &str, family: Option<Family>) -> Rejection {
    tree::read(json)
        .and_then(|event| {
            check(&event, "", EVENT)?;
            check(&event["context"], "/context", CONTEXT)?;
            match family {
                Some(family) => {
                    reserved(&event["data"])?;
                    check(&event["data"], "/data", of(family))
                }
                None => Ok(()),
            }
        })
        .err()
        .unwrap_or_else(|| {
            let detail = "Send the event as the documentation of its type shows.";
            Rejection::new(Reason::WrongType, "", detail)
        })
}

/// Refuses members that are ours to set.
///
/// # Errors
/// [`Reason::ReservedMember`].
pub fn reserved(data: &Value) -> Result<(), Rejection> {
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

fn of(family: Family) -> &'static [Member] {
    match family {
        Family::Clickstream => CLICKSTREAM,
        Family::Video => VIDEO,
        Family::Assessment => ASSESSMENT,
    }
}

fn check(object: &Value, pointer: &str, members: &[Member]) -> Result<(), Rejection> {
    for (names, kind) in members {
        let mut sent = names
            .iter()
            .map(|name| (name, &object[*name]))
            .filter(|(_, value)| !value.is_null());
        if let Some((name, value)) = sent.next()
            && !kind.takes(value)
        {
            let whole = matches!(kind, Kind::Whole32 | Kind::Whole64);
            let reason = if whole && value.as_number().is_some_and(|n| !n.is_f64()) {
                Reason::NumberOutOfRange
            } else {
                Reason::WrongType
            };
            let pointer = format!("{pointer}{}", tree::step(name));
            let detail = format!("Send it as {}.", kind.words());
            return Err(Rejection::new(reason, pointer, detail));
        }
        if let Some((name, _)) = sent.next() {
            let detail = format!("Send either {} or {name}: both name one column.", names[0]);
            let pointer = format!("{pointer}{}", tree::step(name));
            return Err(Rejection::new(Reason::DuplicateMember, pointer, detail));
        }
    }
    Ok(())
}

/// The rejection of a batch's `sent_at` that is not text.
pub fn wrong_sent_at() -> Rejection {
    let detail = format!("Send it as {}.", Kind::Text.words());
    Rejection::new(Reason::WrongType, "/sent_at", detail)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_members_of_an_event_are_listed_for_senders() {
        let list = include_str!("../../../../schemas/README.md");
        for (names, kind) in EVENT {
            let words = match kind {
                Kind::Whole32 => "whole number",
                Kind::Object => "object",
                _ => "text",
            };
            let row = format!("| `{}` | {words} |", names[0]);
            assert!(list.contains(&row), "{row}");
        }
        for (names, _) in CONTEXT {
            assert!(list.contains(&format!("`{}`", names[0])), "{names:?}");
        }
    }
}
