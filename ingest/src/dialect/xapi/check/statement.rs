//! The statement and, as its object, the sub-statement.

use serde_json::Value;

use super::{Check, Object, actor, attachment, context, object, result, verb};
use crate::dialect::xapi::Version;
use crate::dialect::xapi::vocabulary::VOIDED;
use crate::outcome::Reason;

const MEMBERS: &[&str] = &[
    "id",
    "actor",
    "verb",
    "object",
    "result",
    "context",
    "timestamp",
    "stored",
    "authority",
    "version",
    "attachments",
];

const SUB_MEMBERS: &[&str] = &[
    "objectType",
    "actor",
    "verb",
    "object",
    "result",
    "context",
    "timestamp",
    "attachments",
];

pub fn check(check: &mut Check<'_>, value: &Value) {
    let Some(statement) = check.object(value, MEMBERS) else {
        return;
    };
    check.member(statement, "id", Check::uuid);
    check.member(statement, "stored", Check::timestamp);
    check.member(statement, "authority", actor::authority);
    check.member(statement, "version", version);
    shared(check, statement, object::any);
    let refers = value["object"]["objectType"] == "StatementRef";
    if value["verb"]["id"] == VOIDED && !refers {
        let detail = "Send a StatementRef as object: only a statement can be voided.";
        check.problem_of("object", Reason::ConflictingMembers, detail);
    }
}

/// A statement that is the object of another.
pub fn sub(check: &mut Check<'_>, statement: &Value) {
    if let Some(statement) = check.object(statement, SUB_MEMBERS) {
        shared(check, statement, object::in_sub_statement);
    }
}

/// What statements and sub-statements have in common.
fn shared(check: &mut Check<'_>, statement: &Object, object: fn(&mut Check<'_>, &Value)) {
    check.required(statement, "actor", actor::any);
    check.required(statement, "verb", verb::check);
    check.required(statement, "object", object);
    check.member(statement, "result", result::check);
    check.member(statement, "timestamp", Check::timestamp);
    let of_activity = statement.get("object").is_none_or(|object| {
        object
            .get("objectType")
            .is_none_or(|kind| kind == "Activity")
    });
    check.member(statement, "context", |check, value| {
        context::check(check, value, of_activity);
    });
    check.member(statement, "attachments", |check, value| {
        check.each(value, attachment::check);
    });
}

fn version(check: &mut Check<'_>, value: &Value) {
    let families: &[&str] = match check.version {
        Version::V1 => &["1.0"],
        Version::V2 => &["1.0", "2.0"],
    };
    let known = value.as_str().is_some_and(|version| {
        families
            .iter()
            .any(|family| Version::is_of(version, family))
    });
    if !known {
        let detail = "Leave the version out, or send the one of the request's header.";
        check.problem(Reason::OutOfRange, detail);
    }
}
