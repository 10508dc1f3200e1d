//! The verb.

use serde_json::Value;

use super::Check;

pub fn check(check: &mut Check<'_>, value: &Value) {
    if let Some(verb) = check.object(value, &["id", "display"]) {
        check.required(verb, "id", Check::iri);
        check.member(verb, "display", Check::language_map);
    }
}
