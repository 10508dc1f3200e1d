//! The context.

use serde_json::Value;

use super::{Check, activity, actor, object};
use crate::dialect::xapi::Version;
use crate::outcome::Reason;

const MEMBERS: &[&str] = &[
    "registration",
    "instructor",
    "team",
    "contextActivities",
    "revision",
    "platform",
    "language",
    "statement",
    "extensions",
];

/// What version 2.0 adds.
const MEMBERS_2: &[&str] = &["contextAgents", "contextGroups"];

/// `of_activity`: whether the statement's object is an activity.
pub fn check(check: &mut Check<'_>, value: &Value, of_activity: bool) {
    let added = match check.version {
        Version::V1 => &[],
        Version::V2 => MEMBERS_2,
    };
    let Some(context) = check.object(value, &[MEMBERS, added].concat()) else {
        return;
    };
    check.member(context, "registration", Check::uuid);
    check.member(context, "instructor", actor::any);
    check.member(context, "team", actor::group);
    check.member(context, "contextActivities", activities);
    for name in ["revision", "platform"] {
        check.member(context, name, |check, value| {
            check.text(value);
            if !of_activity {
                let detail = "Leave it out: the statement's object is no activity.";
                check.problem(Reason::ConflictingMembers, detail);
            }
        });
    }
    check.member(context, "language", Check::language);
    check.member(context, "statement", object::reference);
    check.member(context, "extensions", Check::extensions);
    if check.version == Version::V2 {
        check.member(context, "contextAgents", |check, value| {
            check.each(value, |check, value| {
                related(check, value, "contextAgent", "agent", actor::agent);
            });
        });
        check.member(context, "contextGroups", |check, value| {
            check.each(value, |check, value| {
                related(check, value, "contextGroup", "group", actor::group);
            });
        });
    }
}

fn activities(check: &mut Check<'_>, value: &Value) {
    let kinds = ["parent", "grouping", "category", "other"];
    let Some(activities) = check.object(value, &kinds) else {
        return;
    };
    for kind in kinds {
        check.member(activities, kind, |check, value| {
            // One activity may stand without its array.
            if value.is_object() {
                activity::check(check, value);
            } else {
                check.each(value, activity::check);
            }
        });
    }
}

/// An agent or group in relation to the statement, as version 2.0 has it.
fn related(
    check: &mut Check<'_>,
    value: &Value,
    kind: &str,
    member: &str,
    actor: fn(&mut Check<'_>, &Value),
) {
    let Some(related) = check.object(value, &["objectType", member, "relevantTypes"]) else {
        return;
    };
    check.required(related, "objectType", |check, value| {
        check.word(value, &[kind]);
    });
    check.required(related, member, actor);
    check.member(related, "relevantTypes", |check, value| {
        check.each(value, Check::iri);
        if value.as_array().is_some_and(Vec::is_empty) {
            check.problem(Reason::OutOfRange, "Send at least one type.");
        }
    });
}
