use std::collections::HashSet;
use std::sync::Arc;

use proptest::prelude::*;
use proptest::sample::Index;
use schemas::{Tenant, TenantId, TenantSecret};
use serde_json::json;

use crate::Config;
use crate::authenticate::{Scope, Sender};
use crate::dialect::Dialect;
use crate::dialect::xapi::{Version, Xapi, check};
use crate::judge::{Sentence, Stamp, judge};
use crate::plain::{Plain, single_blanks};
use crate::receive::{Format, LookUp};

use super::*;

const GOLDEN: &str = include_str!("../../../../tests/data/xapi/golden.ndjson");

/// The pointers of all that stands in a value, of itself too.
fn pointers(value: &Value, here: &str, found: &mut Vec<String>) {
    found.push(here.to_owned());
    match value {
        Value::Object(members) => {
            for (name, value) in members {
                pointers(value, &format!("{here}{}", crate::tree::step(name)), found);
            }
        }
        Value::Array(values) => {
            for (index, value) in values.iter().enumerate() {
                pointers(value, &format!("{here}/{index}"), found);
            }
        }
        _ => {}
    }
}

/// What may stand somewhere else: texts that name people, and JSON of any kind.
fn replacement() -> impl Strategy<Value = Value> {
    let texts = [
        "stu-1041",
        "https://lms.example/users/stu-1041?of=stu-1041#stu-1041",
        "http://example.com/stu-1041",
        "mailto:ann@school.example",
        "by Ann Berg",
        "ANN%20+berg, ann%2540School.example and berg-77",
        "http://example.com/met-Berg-77",
        "PT1H",
        "2026-09-14T10:00:00Z",
        "1e999",
        "en",
        "",
    ];
    let agent = json!({"mbox": "mailto:ann@school.example", "name": "Ann Berg"});
    let card = json!({
        "mbox": "mailto:Ann@School.example", "openid": "https://ids.example/ann-b",
        "account": {"homePage": "https://lms.example", "name": "berg-77"}, "name": "Ann \t Berg",
    });
    let others = [
        card,
        json!(null),
        json!(true),
        json!(-1),
        json!(0.5),
        json!(1e308),
        json!([]),
        json!({}),
        json!({"https://example.com/ext/ann@school.example": ["stu-1041", {"name": "Ann Berg"}]}),
        json!({"objectType": "Group", "member": [agent]}),
        json!({"objectType": "StatementRef", "id": "6690e6c9-3ef0-4ed3-8b37-7f3964730bee"}),
        json!([agent]),
        agent,
    ];
    let values: Vec<_> = texts.iter().map(|text| json!(text)).chain(others).collect();
    prop::sample::select(values)
}

/// A golden statement with some of its values replaced by others, its verb and
/// the type of its object maybe by any that we know.
fn mutated() -> impl Strategy<Value = Value> {
    let statements: Vec<Value> = GOLDEN
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).expect("JSON")["statement"].take())
        .collect();
    let edits = prop::collection::vec((any::<Index>(), replacement()), 0..4);
    let (verbs, things) = vocabulary::known();
    let verb = prop::option::of(prop::sample::select(verbs));
    let thing = prop::option::of(prop::sample::select(things));
    let parts = (prop::sample::select(statements), verb, thing, edits);
    parts.prop_map(|(mut statement, verb, thing, edits)| {
        if let Some(verb) = verb {
            statement["verb"]["id"] = json!(format!("http://{verb}"));
        }
        if let (Some(thing), true) = (thing, statement["object"]["objectType"].is_null()) {
            statement["object"]["definition"]["type"] = json!(format!("https://{thing}"));
        }
        for (place, value) in edits {
            let mut places = Vec::new();
            pointers(&statement, "", &mut places);
            let place = place.get(&places);
            if let Some(found) = statement.pointer_mut(place) {
                *found = value;
            }
        }
        statement
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(3_000))]

    /// Exactly what the check lets through becomes an event, and names nobody whom the
    /// statement identifies.
    #[test]
    fn no_statement_panics_or_names_anyone(statement in mutated(), second in any::<bool>()) {
        let mut tenant = Tenant::new(TenantId::new("demo").expect("a slug"), "Demo");
        tenant.actor_prefixes = vec!["https://lms.example/users/".to_owned()];
        let secret = TenantSecret::from_bytes([7; 32]);
        let sender = Sender::new(Arc::new(tenant), Arc::new(secret), Scope::default());
        let now = "2026-09-14T12:00:00Z".parse().expect("a time");
        let version = if second { Version::V2 } else { Version::V1 };
        let xapi = Xapi { version, statement_id: None };
        let body = statement.to_string();
        let (stamp, config) = (Stamp::new(now, LookUp::Recent, None), Config::default());
        let batch = xapi.decode(&Format::Json, body.as_bytes(), config.max_events);
        let judged = batch.and_then(|batch| judge(&xapi, batch, &sender, stamp, &config));
        let Ok(verdict) = judged else {
            return Ok(());
        };
        let appended = matches!(verdict.events[0].sentence, Sentence::Append);
        prop_assert_eq!(verdict.records.len(), usize::from(appended));
        prop_assert_eq!(
            appended,
            check::check(&statement, version, &HashSet::new()).is_ok(),
            "{:?}",
            verdict.events[0].sentence
        );
        let mut people = Vec::new();
        parts::mentions(&statement, &mut people);
        for record in &verdict.records {
            let text = String::from_utf8_lossy(&record.value);
            let text = Plain::of(&text).text.to_lowercase();
            for person in &people {
                let actor = person.actor.trim_start_matches("mailto:").to_lowercase();
                // Shorter ones are looked for as whole texts only.
                prop_assert!(actor.len() < 4 || !text.contains(&actor), "{} in {}", actor, text);
                let full = person.name.as_deref().map(|name| single_blanks(name).to_lowercase());
                let full = full.filter(|name| name.contains(' '));
                prop_assert!(full.is_none_or(|name| !text.contains(&name)), "{text}");
            }
        }
    }
}
