//! The object: an activity, an agent, a group, another statement or one that
//! stands inside this.

use serde_json::Value;

use super::{Check, activity, actor, statement};

/// The object of a statement.
pub fn any(check: &mut Check<'_>, value: &Value) {
    if value
        .get("objectType")
        .is_some_and(|kind| kind == "SubStatement")
    {
        return statement::sub(check, value);
    }
    let kinds = ["Activity", "Agent", "Group", "StatementRef", "SubStatement"];
    of(check, value, &kinds);
}

/// The object of a sub-statement, which is no sub-statement itself.
pub fn in_sub_statement(check: &mut Check<'_>, value: &Value) {
    of(
        check,
        value,
        &["Activity", "Agent", "Group", "StatementRef"],
    );
}

fn of(check: &mut Check<'_>, value: &Value, kinds: &[&str]) {
    let Some(kind) = value.get("objectType") else {
        return activity::check(check, value);
    };
    match kind.as_str() {
        Some("Activity") => activity::check(check, value),
        Some("Agent") => actor::agent(check, value),
        Some("Group") => actor::group(check, value),
        Some("StatementRef") => reference(check, value),
        _ => check.step("/objectType", |check| {
            check.word(kind, kinds);
        }),
    }
}

/// A reference to another statement.
pub fn reference(check: &mut Check<'_>, value: &Value) {
    if let Some(reference) = check.object(value, &["objectType", "id"]) {
        check.required(reference, "objectType", |check, value| {
            check.word(value, &["StatementRef"]);
        });
        check.required(reference, "id", Check::uuid);
    }
}
