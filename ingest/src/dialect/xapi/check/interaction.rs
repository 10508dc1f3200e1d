//! Interactions: activities that are questions, as SCORM knows them.

use std::collections::HashSet;

use serde_json::Value;

use super::{Check, Object};
use crate::outcome::Reason;

/// The members of a definition that make the activity an interaction.
pub const MEMBERS: &[&str] = &[
    "interactionType",
    "correctResponsesPattern",
    "choices",
    "scale",
    "source",
    "target",
    "steps",
];

const TYPES: &[&str] = &[
    "true-false",
    "choice",
    "fill-in",
    "long-fill-in",
    "matching",
    "performance",
    "sequencing",
    "likert",
    "numeric",
    "other",
];

/// The lists of components, and the types of interaction that have them.
const COMPONENTS: &[(&str, &[&str])] = &[
    ("choices", &["choice", "sequencing"]),
    ("scale", &["likert"]),
    ("source", &["matching"]),
    ("target", &["matching"]),
    ("steps", &["performance"]),
];

pub fn check(check: &mut Check<'_>, definition: &Object) {
    if !MEMBERS.iter().any(|name| definition.contains_key(*name)) {
        return;
    }
    check.required(definition, "interactionType", |check, value| {
        check.word(value, TYPES);
    });
    check.member(definition, "correctResponsesPattern", |check, value| {
        check.each(value, |check, value| {
            check.text(value);
        });
    });
    for (name, types) in COMPONENTS {
        if let Some(kind) = definition.get("interactionType").and_then(Value::as_str)
            && definition.contains_key(*name)
            && !types.contains(&kind)
        {
            let detail = format!("Leave {name} out: this interactionType has none.");
            check.problem_of(name, Reason::ConflictingMembers, detail);
        }
        check.member(definition, name, components);
    }
}

fn components(check: &mut Check<'_>, value: &Value) {
    let mut ids = HashSet::new();
    check.each(value, |check, value| {
        let Some(component) = check.object(value, &["id", "description"]) else {
            return;
        };
        check.required(component, "id", |check, value| {
            if let Some(id) = check.text(value)
                && !ids.insert(id.to_owned())
            {
                let detail = "Give each component an id of its own.";
                check.problem(Reason::DuplicateMember, detail);
            }
        });
        check.member(component, "description", Check::language_map);
    });
}
