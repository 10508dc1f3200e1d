//! Whatever is sent, nothing panics and nobody is named.

use std::sync::Arc;

use proptest::prelude::*;
use proptest::sample::{Index, select};
use schemas::{Tenant, TenantId, TenantSecret};
use serde_json::{Value, json};

use super::*;
use crate::Config;
use crate::authenticate::{Scope, Sender};
use crate::judge::{Sentence, Stamp, Verdict, judge};
use crate::receive::LookUp;

const GOLDEN: &str = include_str!("../../../tests/data/caliper/golden.ndjson");

fn judged(body: &[u8]) -> Option<Verdict> {
    let tenant = Tenant::new(TenantId::new("demo").expect("a slug"), "Demo");
    let secret = TenantSecret::from_bytes([7; 32]);
    let sender = Sender::new(Arc::new(tenant), Arc::new(secret), Scope::default());
    let now = "2026-09-14T12:00:00Z".parse().expect("a time");
    let (stamp, config) = (Stamp::new(now, LookUp::Recent, None), Config::default());
    let batch = Caliper
        .decode(&Format::Json, body, config.max_events)
        .ok()?;
    judge(&Caliper, batch, &sender, stamp, &config).ok()
}

/// The pointers of all that stands in a value, of itself too.
fn pointers(value: &Value, here: &str, found: &mut Vec<String>) {
    found.push(here.to_owned());
    match value {
        Value::Object(members) => {
            for (name, value) in members {
                pointers(value, &format!("{here}{}", tree::step(name)), found);
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

fn ann() -> Value {
    json!({"id": "https://lms.example/users/77123", "type": "Person", "name": "Ann Berg"})
}

/// What may stand somewhere else.
fn replacement() -> impl Strategy<Value = Value> {
    let ann = ann();
    select(vec![
        json!(null),
        json!(true),
        json!(-1),
        json!(0.5),
        json!(1e308),
        json!(""),
        json!("\u{0}"),
        json!("PT1H"),
        json!("P1Y"),
        json!("2026-09-14T10:00:00.000Z"),
        json!("https://lms.example/users/77123"),
        json!("https://lms.example/users/77123/attempts/1"),
        json!("Event"),
        json!("Attempt"),
        json!("Started"),
        json!("Graded"),
        json!("Viewed"),
        json!([]),
        json!({}),
        json!([ann]),
        json!({"com.example": {"user_login": "ann.berg", "seen": ["ann.berg", "Ann Berg", 77_123]}}),
        json!({"id": "https://lms.example/users/77123/attempts/1", "type": "Attempt", "assignee": ann,
            "assignable": "https://lms.example/quizzes/1", "count": 2}),
        json!({"id": "urn:lms:thing:1", "type": "Entity"}),
        ann,
    ])
}

/// A golden event with some of its values replaced by others.
fn mutated() -> impl Strategy<Value = Value> {
    let events: Vec<Value> = GOLDEN
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).expect("JSON")["caliper"].take())
        .collect();
    let edits = prop::collection::vec((any::<Index>(), replacement()), 0..4);
    (select(events), edits).prop_map(|(mut event, edits)| {
        for (place, value) in edits {
            let mut places = Vec::new();
            pointers(&event, "", &mut places);
            let place = place.get(&places);
            if let Some(found) = event.pointer_mut(place) {
                *found = value;
            }
        }
        event
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(3_000))]

    /// Exactly what the check lets through becomes an event or is ignored, but for
    /// times and names out of their range; and names nobody.
    #[test]
    fn no_event_panics_or_names_anyone(event in mutated()) {
        let Some(verdict) = judged(json!([event]).to_string().as_bytes()) else {
            return Ok(());
        };
        let checked = check::check(&event);
        match &verdict.events[0].sentence {
            Sentence::Append => prop_assert_eq!(checked, Ok(check::Told::Event)),
            Sentence::Ignore => prop_assert_eq!(checked, Ok(check::Told::Entity)),
            Sentence::Reject(rejection) => {
                prop_assert!(checked.is_err(), "{:?}", rejection);
                prop_assert!(rejection.detail.ends_with('.'), "{:?}", rejection);
                prop_assert!(event.pointer(&rejection.pointer[2..]).is_some()
                    || rejection.reason == crate::Reason::MissingMember, "{:?} {}", rejection, event);
            }
            Sentence::Same(_) => prop_assert!(false, "there is one event"),
        }
        // Elsewhere the same IRI may name a thing.
        let told = event.to_string().contains(&ann().to_string());
        for record in verdict.records.iter().filter(|_| told) {
            let record = String::from_utf8_lossy(&record.value);
            for person in ["users/77123", "Ann Berg"] {
                prop_assert!(!record.contains(person), "{} in {}", person, record);
            }
        }
    }

    /// Bytes of any kind in a good envelope.
    #[test]
    fn no_body_causes_a_panic(
        edits in prop::collection::vec((any::<Index>(), 0_usize..4, piece()), 0..6),
        line in any::<Index>(),
    ) {
        let lines: Vec<_> = GOLDEN.lines().collect();
        let line = line.get(&lines);
        let pair: Value = serde_json::from_str(line).expect("JSON");
        let envelope = json!({"sensor": "urn:s", "sendTime": "2026-09-14T11:59:59.000Z",
            "dataVersion": "http://purl.imsglobal.org/ctx/caliper/v1p2", "data": [pair["caliper"], 7]});
        let mut body = envelope.to_string().into_bytes();
        for (at, cut, piece) in edits {
            let at = at.index(body.len());
            let end = (at + cut).min(body.len());
            body.splice(at..end, piece);
        }
        if let Some(verdict) = judged(&body) {
            let append = verdict.events.iter().filter(|event| matches!(event.sentence, Sentence::Append));
            prop_assert_eq!(append.count(), verdict.records.len());
        }
    }
}

fn piece() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        prop::collection::vec(any::<u8>(), 0..4),
        select(vec![
            "{",
            "}",
            "[",
            "]",
            "\"",
            ",",
            ":",
            "\\u",
            "\\ud800",
            "null",
            "1e999",
            "-",
            "\n",
            "\0",
            "\"type\":\"Event\",",
            "\"id\":7,",
        ])
        .prop_map(|piece| piece.as_bytes().to_vec()),
    ]
}

#[test]
fn wrong_json_is_pointed_at() {
    let event = r#"{"@context":"http://purl.imsglobal.org/ctx/caliper/v1p2","type":"Event","id":"urn:e",
        "actor":"urn:u","action":"Viewed","object":"urn:o","eventTime":"2026-09-14T10:00:00.000Z",%}"#;
    let deep = "[".repeat(200) + &"]".repeat(200);
    for (member, code, pointer) in [
        (r#""id":"urn:f""#, "duplicate_member", "/id"),
        (
            r#""extensions":{"a":1e400}"#,
            "number_out_of_range",
            "/extensions/a",
        ),
        (r#""profile":"\ud800""#, "invalid_json", "/profile"),
        (r#""profile":7"#, "wrong_type", "/profile"),
        (&format!(r#""extensions":{{"a":{deep}}}"#), "", ""),
    ] {
        let body = event.replace('%', member);
        let Some(verdict) = judged(body.as_bytes()) else {
            assert_eq!(code, "", "{member}");
            continue;
        };
        let Sentence::Reject(rejection) = &verdict.events[0].sentence else {
            panic!("{member} is taken");
        };
        assert!(
            code.is_empty()
                || (rejection.reason.code(), rejection.pointer.as_str()) == (code, pointer),
            "{rejection:?}"
        );
    }
}
