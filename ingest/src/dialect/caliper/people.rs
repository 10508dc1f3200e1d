//! Who stands in an event: whose learning it is, who else acts, and all whom it
//! mentions.

use std::collections::HashSet;

use serde_json::Value;

use super::kinds::PEOPLE;
use super::names::names;
use super::parts::{Parts, id, kind};
use crate::dialect::Mention;

/// The people of an event.
#[derive(Debug)]
pub struct Cast {
    /// Whose learning it is.
    pub student: String,
    /// Whether that is a person.
    pub is_person: bool,
    /// Who does it to the student: grades, invites.
    pub by: Option<String>,
    /// Who is answered.
    pub reply_to: Option<String>,
    /// All others, by every name that is told of them.
    pub mentions: Vec<Mention>,
}

impl Cast {
    /// The people of an event that passed the check.
    pub fn of(parts: &Parts<'_>) -> Self {
        let mut things = HashSet::new();
        note_things(parts.event, &mut things);
        things.extend(id(&parts.event["edApp"]));
        let app = id(&parts.event["edApp"]).unwrap_or_default();
        let person = |entity: &Value| person(entity, &things).map(str::to_owned);

        let actor = person(&parts.event["actor"]);
        let attempt = parts.attempt().map_or(&Value::Null, |(attempt, _)| attempt);
        let assignee = || person(&attempt["assignee"]);
        let student = match (parts.kind, parts.action) {
            ("GradeEvent", _) => assignee(),
            ("SurveyInvitationEvent", "Sent") => person(&parts.object["rater"]),
            _ => actor
                .clone()
                .or_else(|| person(&parts.object["user"]))
                .or_else(|| person(&parts.event["session"]["user"]))
                .or_else(assignee),
        };
        let by = match &student {
            Some(student) if actor.as_ref() != Some(student) => actor.clone(),
            _ => None,
        };
        let by = match parts.kind {
            "GradeEvent" if student.is_some() => {
                by.or_else(|| person(&parts.generated["scoredBy"]))
            }
            _ => by,
        };
        let reply_to = person(&parts.object["replyTo"]["creators"][0]);
        let mentions = names(parts.event, &things, app);
        let mentions = mentions
            .into_iter()
            .map(|(actor, name)| Mention { actor, name });
        let who = student.or(actor);
        Self {
            is_person: who.is_some(),
            student: who.unwrap_or_else(|| doer(&parts.event["actor"])),
            by,
            reply_to,
            mentions: mentions.collect(),
        }
    }
}

/// An actor who is nobody, as an actor is named. Not by its IRI alone: what it makes
/// is often named by IRIs that begin with that.
fn doer(actor: &Value) -> String {
    let kind = kind(actor).unwrap_or("SoftwareApplication");
    format!("{kind} {}", id(actor).unwrap_or_default())
}

/// The id of an entity that is a person, as far as the event tells.
fn person<'v>(entity: &'v Value, things: &HashSet<&str>) -> Option<&'v str> {
    let id = id(entity)?;
    match kind(entity) {
        Some(kind) => PEOPLE.contains(&kind).then_some(id),
        None => (!things.contains(id)).then_some(id),
    }
}

/// Notes the ids of all that is told not to be a person.
fn note_things<'v>(value: &'v Value, things: &mut HashSet<&'v str>) {
    match value {
        Value::Object(members) => {
            if let (Some(kind), Some(id)) = (kind(value), id(value))
                && !PEOPLE.contains(&kind)
            {
                things.insert(id);
            }
            members
                .values()
                .for_each(|value| note_things(value, things));
        }
        Value::Array(values) => values.iter().for_each(|value| note_things(value, things)),
        _ => {}
    }
}
