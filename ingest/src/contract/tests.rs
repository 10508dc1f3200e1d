//! The JSON Schemas that senders read and what the front door takes are one contract.

use std::sync::Arc;

use jsonschema::Validator;
use proptest::prelude::*;
use schemas::event::{CONTEXT, EVENT, EventType, Member, RESERVED, data_members, json_schema};
use schemas::{Tenant, TenantId, TenantSecret};
use serde_json::{Map, Value, json};

use crate::Config;
use crate::authenticate::{Scope, Sender};
use crate::dialect::Dialect;
use crate::dialect::native::Native;
use crate::judge::{Sentence, Stamp, judge};
use crate::outcome::Reason;
use crate::receive::{Format, LookUp};

/// What no schema says: see `schemas::event::json_schema`.
const UNSAID: &[Reason] = &[
    Reason::DuplicateMember,
    Reason::InvalidId,
    Reason::InvalidTime,
    Reason::OutOfRange,
    Reason::TextTooLong,
    Reason::TimeInFuture,
    Reason::TimeTooOld,
    Reason::TimeWithoutOffset,
];

fn refused(event: &Value) -> Option<Reason> {
    let tenant = Tenant::new(TenantId::new("demo").expect("a slug"), "Demo");
    let secret = TenantSecret::from_bytes([7; 32]);
    let sender = Sender::new(Arc::new(tenant), Arc::new(secret), Scope::default());
    let now = "2026-09-14T12:00:00Z".parse().expect("a time");
    let (stamp, config) = (Stamp::new(now, LookUp::Recent, None), Config::default());
    let body = event.to_string();
    let batch = Native.decode(&Format::Json, body.as_bytes(), config.max_events);
    let verdict = batch.and_then(|batch| judge(&Native, batch, &sender, stamp, &config));
    match verdict.expect("one event").events.remove(0).sentence {
        Sentence::Reject(rejection) => Some(rejection.reason),
        _ => None,
    }
}

/// Values that members take, and values that only others do.
fn values() -> Vec<Value> {
    vec![
        Value::Null,
        json!(true),
        json!(""),
        json!("  "),
        json!("x"),
        json!("present"),
        json!("é".repeat(300)),
        json!("a".repeat(600)),
        json!("2026-09-14T10:00:00Z"),
        json!("2026-09-14T10:00:00"),
        json!("0197c3b2-8a5e-7c10-9d55-3f1f6f0c1a01"),
        json!(0),
        json!(1),
        json!(-1),
        json!(1.5),
        json!(1_000_000),
        json!(9_000_000_000_000_000_u64),
        json!([]),
        json!([[0, 12.5]]),
        json!([[12.5, 0]]),
        json!([[0]]),
        json!({}),
        json!({ "a": 1 }),
    ]
}

/// Names of the members that stand in such a list, and of some that do not.
fn names(members: &[Member]) -> Vec<String> {
    let listed = members.iter().flat_map(|member| member.names.iter());
    let all = listed
        .chain(RESERVED)
        .chain(&["by", "reply_to", "unlisted"]);
    all.filter(|name| **name != "type")
        .map(|name| (*name).to_owned())
        .collect()
}

fn members(of: &[Member]) -> impl Strategy<Value = Map<String, Value>> + use<> {
    let one = (
        prop::sample::select(names(of)),
        prop::sample::select(values()),
    );
    prop::collection::vec(one, 0..4).prop_map(|all| all.into_iter().collect())
}

/// A value that the member of that name takes.
fn good(pointer: &str) -> Value {
    match pointer.rsplit('/').next().unwrap_or_default() {
        "position" | "from" | "rate" | "score" => json!(1),
        "to" => json!(2),
        "rating" => json!(3),
        "status" => json!("present"),
        "scheduled_at" => json!("2026-09-15T10:00:00Z"),
        _ => json!("x"),
    }
}

/// An event with what its type requires, and other members in their place or beside.
fn events() -> impl Strategy<Value = (&'static EventType, Value)> {
    let types: Vec<_> = EventType::all().iter().collect();
    prop::sample::select(types).prop_flat_map(|event_type| {
        let data = members(data_members(event_type.family));
        let rest = (
            data,
            members(CONTEXT),
            members(EVENT),
            prop::bool::weighted(0.8),
        );
        rest.prop_map(move |(others, context, outside, complete)| {
            let mut event = json!({
                "type": event_type.name, "actor": "stu-1041",
                "time": "2026-09-14T10:00:00.123Z", "data": {}, "context": context,
            });
            let required = event_type.requires.iter().filter_map(|any| any.first());
            for pointer in required.filter(|_| complete) {
                match pointer.strip_prefix("/data/") {
                    Some(name) => event["data"][name] = good(pointer),
                    None => event[&pointer[1..]] = good(pointer),
                }
            }
            let data = event["data"].as_object_mut().expect("an object");
            data.extend(others);
            event.as_object_mut().expect("an object").extend(outside);
            (event_type, event)
        })
    })
}

fn compiled(event_type: &EventType) -> Validator {
    jsonschema::validator_for(&json_schema(event_type)).expect("a schema")
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(3_000))]

    #[test]
    fn schemas_refuse_only_what_is_refused((event_type, event) in events()) {
        let takes = compiled(event_type).is_valid(&event);
        match refused(&event) {
            None => prop_assert!(takes, "taken, against the schema: {event}"),
            Some(reason) => prop_assert!(
                !takes || UNSAID.contains(&reason),
                "refused with {reason:?}, and the schema takes it: {event}"
            ),
        }
    }
}

#[test]
fn an_event_with_what_its_type_requires_is_taken() {
    for event_type in EventType::all() {
        let mut event = json!({
            "type": event_type.name, "actor": "stu-1041",
            "time": "2026-09-14T10:00:00.123Z", "data": {},
        });
        assert_eq!(
            compiled(event_type).is_valid(&event),
            event_type.requires.is_empty()
        );
        for pointer in event_type.requires.iter().filter_map(|any| any.first()) {
            match pointer.strip_prefix("/data/") {
                Some(name) => event["data"][name] = good(pointer),
                None => event[&pointer[1..]] = good(pointer),
            }
        }
        assert_eq!(refused(&event), None, "{event}");
        assert!(compiled(event_type).is_valid(&event), "{event}");
    }
}
