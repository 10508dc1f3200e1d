use rstest::rstest;
use serde_json::json;

use super::*;

/// A good event of this type and action, with these members instead or besides.
fn event(kind: &str, action: &str, object: &str, members: &Value) -> Value {
    let mut event = json!({
        "@context": "http://purl.imsglobal.org/ctx/caliper/v1p2",
        "id": "urn:uuid:0197c3b2-8a5e-7c10-9d55-3f1f6f0c1a01", "type": kind, "action": action,
        "actor": {"id": "https://e.com/users/7", "type": "Person"},
        "object": {"id": "https://e.com/things/1", "type": object},
        "eventTime": "2026-09-14T10:00:00.000Z",
    });
    let event_members = event.as_object_mut().expect("an object");
    event_members.extend(members.as_object().expect("an object").clone());
    event
}

fn refused(told: &Value) -> (&'static str, String) {
    let rejection = check(told).expect_err("refused");
    assert!(rejection.detail.ends_with('.'), "{rejection:?}");
    (rejection.reason.code(), rejection.pointer)
}

#[rstest]
#[case(json!({"@context": null}), "missing_member", "/@context")]
#[case(json!({"@context": "http://schema.org"}), "invalid_format", "/@context")]
#[case(json!({"id": null}), "missing_member", "/id")]
#[case(json!({"id": 7}), "wrong_type", "/id")]
#[case(json!({"id": " "}), "invalid_id", "/id")]
#[case(json!({"type": null}), "missing_member", "/type")]
#[case(json!({"type": "EatingEvent"}), "unknown_type", "/type")]
#[case(json!({"action": "Eaten"}), "invalid_format", "/action")]
#[case(json!({"action": "Deleted"}), "conflicting_members", "/action")]
#[case(json!({"actor": null}), "missing_member", "/actor")]
#[case(json!({"actor": "ann berg"}), "invalid_format", "/actor")]
#[case(json!({"actor": []}), "wrong_type", "/actor")]
#[case(json!({"actor": {"id": "urn:x", "type": "Session"}}), "wrong_type", "/actor/type")]
#[case(json!({"actor": {"id": "urn:x", "type": "Robot"}}), "unknown_type", "/actor/type")]
#[case(json!({"actor": {"type": "Person"}}), "missing_member", "/actor/id")]
#[case(json!({"actor": {"id": "7", "type": "Person"}}), "invalid_format", "/actor/id")]
#[case(json!({"object": {"id": "urn:x", "type": "Person"}}), "wrong_type", "/object/type")]
#[case(json!({"object": {"id": "urn:x"}}), "missing_member", "/object/type")]
#[case(json!({"target": {"id": "urn:x", "type": "Person"}}), "wrong_type", "/target/type")]
#[case(json!({"generated": {"id": "urn:x", "type": "Person"}}), "wrong_type", "/generated/type")]
#[case(json!({"referrer": {"id": "urn:x", "type": "Person"}}), "wrong_type", "/referrer/type")]
#[case(json!({"eventTime": "2026-09-14"}), "time_without_offset", "/eventTime")]
#[case(json!({"eventTime": 1_789_380_000}), "wrong_type", "/eventTime")]
#[case(json!({"profile": "EatingProfile"}), "invalid_format", "/profile")]
#[case(json!({"extensions": "urn:x"}), "wrong_type", "/extensions")]
#[case(json!({"federatedSession": {"id": "urn:x", "type": "Session"}}), "wrong_type", "/federatedSession/type")]
#[case(
    json!({"membership": {"id": "urn:m", "type": "Membership", "roles": ["Learner", "Cook"]}}),
    "invalid_format",
    "/membership/roles/1"
)]
fn an_event_is_as_caliper_has_it(
    #[case] members: Value,
    #[case] code: &str,
    #[case] pointer: &str,
) {
    let told = event("ViewEvent", "Viewed", "Document", &members);
    assert_eq!(refused(&told), (code, pointer.to_owned()));
}

#[test]
fn a_launch_is_of_a_federated_session() {
    let launched = |members| {
        event(
            "ToolLaunchEvent",
            "Launched",
            "SoftwareApplication",
            &members,
        )
    };
    assert_eq!(
        refused(&launched(json!({}))),
        ("missing_member", "/federatedSession".to_owned())
    );
    let told = launched(json!({"federatedSession": "urn:lti:1"}));
    assert_eq!(check(&told), Ok(Told::Event));
}

#[rstest]
#[case("Person", json!({"id": null}), "missing_member", "/id")]
#[case("Person", json!({"description": 7}), "wrong_type", "/description")]
#[case("Person", json!({"otherIdentifiers": [{"type": "Person", "id": "urn:x"}]}), "wrong_type", "/otherIdentifiers/0/type")]
#[case("Person", json!({"otherIdentifiers": [{"type": "SystemIdentifier"}]}), "missing_member", "/otherIdentifiers/0/identifier")]
#[case("Attempt", json!({"duration": "50 minutes"}), "invalid_format", "/duration")]
#[case("Attempt", json!({"count": 1.5}), "wrong_type", "/count")]
#[case("Attempt", json!({"isPartOf": {"id": "urn:x", "type": "Person"}}), "wrong_type", "/isPartOf/type")]
#[case("AudioObject", json!({"muted": "yes"}), "wrong_type", "/muted")]
#[case("MediaLocation", json!({"currentTime": 321}), "wrong_type", "/currentTime")]
#[case("Forum", json!({"items": {}}), "wrong_type", "/items")]
#[case("Thread", json!({"items": [{"id": "urn:x", "type": "Forum"}]}), "wrong_type", "/items/0/type")]
#[case("DigitalResource", json!({"keywords": ["a", 1]}), "wrong_type", "/keywords")]
#[case("Score", json!({"scoreGiven": "10"}), "wrong_type", "/scoreGiven")]
#[case("Membership", json!({"status": "Gone"}), "invalid_format", "/status")]
#[case("AggregateMeasure", json!({"metric": "Meals"}), "invalid_format", "/metric")]
fn an_entity_is_as_caliper_has_it(
    #[case] kind: &str,
    #[case] members: Value,
    #[case] code: &str,
    #[case] pointer: &str,
) {
    let mut told = json!({"id": "https://e.com/1", "type": kind});
    assert_eq!(check(&told), Ok(Told::Entity));
    let told_members = told.as_object_mut().expect("an object");
    told_members.extend(members.as_object().expect("an object").clone());
    assert_eq!(refused(&told), (code, pointer.to_owned()));
}

#[rstest]
#[case(json!({"weather": {"type": 7}, "target": null}))]
#[case(json!({"object": "https://e.com/things/1", "actor": "urn:u", "group": "urn:g"}))]
#[case(json!({"object": {"id": "_:b0", "type": "Entity"}}))]
#[case(json!({"eventTime": "2026-09-14T12:00:00+02:00"}))]
#[case(json!({"object": {"id": "urn:o", "type": "VideoObject", "maxAttempts": 2.0, "duration": "P1Y"}}))]
fn others_are_taken(#[case] members: Value) {
    let told = event("ViewEvent", "Viewed", "Document", &members);
    assert_eq!(check(&told), Ok(Told::Event));
}

#[rstest]
#[case("https://example.com/#/texts/cfi/6/10!/4/2/2/2@0:0", true)]
#[case("urn:uuid:0197c3b2-8a5e-7c10-9d55-3f1f6f0c1a01", true)]
#[case("_:b0", true)]
#[case("https:", false)]
#[case("example.com/1", false)]
#[case("1a:b", false)]
#[case("this is: text", false)]
#[case("urn:a b", false)]
#[case("urn:<a>", false)]
fn iris(#[case] text: &str, #[case] is: bool) {
    assert_eq!(is_iri(text), is);
}
