//! The activity and its definition.

use serde_json::Value;

use super::{Check, interaction};

pub fn check(check: &mut Check<'_>, value: &Value) {
    if let Some(activity) = check.object(value, &["objectType", "id", "definition"]) {
        check.member(activity, "objectType", |check, value| {
            check.word(value, &["Activity"]);
        });
        check.required(activity, "id", Check::iri);
        check.member(activity, "definition", definition);
    }
}

fn definition(check: &mut Check<'_>, value: &Value) {
    let own = ["name", "description", "type", "moreInfo", "extensions"];
    let members = [&own[..], interaction::MEMBERS].concat();
    if let Some(definition) = check.object(value, &members) {
        check.member(definition, "name", Check::language_map);
        check.member(definition, "description", Check::language_map);
        check.member(definition, "type", Check::iri);
        check.member(definition, "moreInfo", Check::iri);
        check.member(definition, "extensions", Check::extensions);
        interaction::check(check, definition);
    }
}
