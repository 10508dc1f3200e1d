use std::sync::Arc;

use rstest::rstest;
use schemas::{Family, TenantId, TenantSecret};
use serde_json::json;

use super::*;
use crate::authenticate::Scope;
use crate::dialect::native::translate;

const NOW: &str = "2026-09-14T12:00:00Z";

fn sender(families: &[Family]) -> Sender {
    let mut tenant = Tenant::new(TenantId::new("demo").expect("a slug"), "Demo");
    tenant.actor_prefixes = vec!["https://lms.example/users/".to_owned()];
    tenant.id_prefixes = vec!["https://lms.example/".to_owned()];
    let secret = TenantSecret::from_bytes([7; 32]);
    let scope = Scope {
        families: families.to_vec(),
        ..Scope::default()
    };
    Sender::new(Arc::new(tenant), Arc::new(secret), scope)
}

fn validated(sender: &Sender, event: &Value) -> Result<Valid, Rejection> {
    let json = event.to_string();
    let shared = Circumstances {
        sender,
        received_at: NOW.parse().expect("a time"),
        sent_at: None,
        numbered_alike: false,
    };
    let mut people = People::new(&sender.tenant, &sender.secret);
    validate(translate(&json)?, &mut people, &shared)
}

/// A good event of this type with these members instead or besides.
fn event(name: &str, members: &Value) -> Value {
    let mut event = json!({
        "id": "0197c3b2-8a5e-7c10-9d55-3f1f6f0c1a01",
        "type": name,
        "time": "2026-09-14T10:00:00.123Z",
        "actor": "stu-1041",
    });
    let event_members = event.as_object_mut().expect("an object");
    event_members.extend(members.as_object().expect("an object").clone());
    event
}

fn refused(event: &Value) -> (Reason, String) {
    let rejection = validated(&sender(&[]), event).expect_err("refused");
    assert!(rejection.detail.ends_with('.'), "{rejection:?}");
    (rejection.reason, rejection.pointer)
}

#[test]
fn what_is_kept_is_what_was_sent_without_the_actor() {
    let sent = event(
        "video.progressed",
        &json!({
            "sent_at": "2026-09-14T10:00:01+00:00", "session": "s", "course": "https://lms.example/bio-101",
            "section": "bio-101-03", "school": " ", "content": "bio-101/cells", "content_version": 3,
            "context": {"app": "web-lms", "platform": "web", "locale": "en-GB", "theme": "dark"},
            "data": {"from": 61, "to": 76.5, "duration": 412.5, "played_segments": [[0, 12.5]], "mood": "calm"},
            "ab_test": "B",
        }),
    );
    let valid = validated(&sender(&[]), &sent).expect("valid");
    assert_eq!(
        serde_json::from_slice::<Value>(&valid.json).expect("JSON"),
        json!({
            "id": "0197c3b2-8a5e-7c10-9d55-3f1f6f0c1a01", "type": "video.progressed", "dialect": "native",
            "time": "2026-09-14T10:00:00.123Z", "sent_at": "2026-09-14T10:00:01Z", "received_at": NOW,
            "student_key": valid.event.student_key, "session": "s", "course": "bio-101",
            "section": "bio-101-03", "content": "bio-101/cells", "content_version": 3,
            "app": "web-lms", "platform": "web", "locale": "en-GB",
            "data": {"from": 61.0, "to": 76.5, "duration": 412.5, "played_segments": [[0.0, 12.5]]},
            "extra": {"ab_test": "B", "context": {"theme": "dark"}, "data": {"mood": "calm"}},
        })
    );
    let read = Event::decode(Family::Video, 1, &valid.json).expect("decodes");
    assert_eq!(read, valid.event);
}

#[rstest]
#[case(json!({"id": "7"}), Reason::InvalidId, "/id")]
#[case(json!({"id": ""}), Reason::InvalidId, "/id")]
#[case(json!({"id": "00000000-0000-0000-0000-000000000000"}), Reason::InvalidId, "/id")]
#[case(json!({"actor": null}), Reason::MissingMember, "/actor")]
#[case(json!({"actor": "  "}), Reason::MissingMember, "/actor")]
#[case(json!({"actor": "a".repeat(513)}), Reason::TextTooLong, "/actor")]
#[case(json!({"time": null}), Reason::MissingMember, "/time")]
#[case(json!({"time": "2026-09-14T10:00:00"}), Reason::TimeWithoutOffset, "/time")]
#[case(json!({"time": "yesterday"}), Reason::InvalidTime, "/time")]
#[case(json!({"time": "2026-09-16T10:00:00Z"}), Reason::TimeInFuture, "/time")]
#[case(json!({"time": "1970-01-01T00:00:00Z"}), Reason::TimeTooOld, "/time")]
#[case(json!({"sent_at": "10:00"}), Reason::InvalidTime, "/sent_at")]
#[case(json!({"session": "s".repeat(513)}), Reason::TextTooLong, "/session")]
#[case(json!({"context": {"app": "s".repeat(513)}}), Reason::TextTooLong, "/context/app")]
#[case(json!({"data": {}}), Reason::MissingMember, "/data/url")]
#[case(json!({"data": {"url": ""}}), Reason::MissingMember, "/data/url")]
#[case(json!({"data": {"url": "u".repeat(8193)}}), Reason::TextTooLong, "/data/url")]
#[case(json!({"data": {"url": "u", "count": 0}}), Reason::OutOfRange, "/data/count")]
#[case(json!({"data": {"url": "u", "count": 1_000_001}}), Reason::OutOfRange, "/data/count")]
#[case(json!({"data": {"url": "u", "count": i64::MAX}}), Reason::OutOfRange, "/data/count")]
#[case(json!({"data": {"url": "u", "reply_to": 7}}), Reason::WrongType, "/data/reply_to")]
#[case(json!({"data": {"url": "u", "reply_to_key": "ab".repeat(16)}}), Reason::ReservedMember, "/data/reply_to_key")]
#[case(json!({"data": {"url": "u", "by_key": 1}}), Reason::ReservedMember, "/data/by_key")]
#[case(json!({"student_key": "ab".repeat(16)}), Reason::ReservedMember, "/student_key")]
#[case(json!({"essay": "e".repeat(33_000)}), Reason::ExtraTooLarge, "")]
fn a_page_view_must_make_sense(
    #[case] members: Value,
    #[case] reason: Reason,
    #[case] pointer: &str,
) {
    let mut sent = event("page.viewed", &json!({"data": {"url": "u"}}));
    let sent_members = sent.as_object_mut().expect("an object");
    sent_members.extend(members.as_object().expect("an object").clone());
    assert_eq!(refused(&sent), (reason, pointer.to_owned()));
}

#[rstest]
#[case("video.progressed", json!({"from": 2, "to": 1}), Reason::OutOfRange, "/data/from")]
#[case("video.progressed", json!({"from": -1, "to": 1}), Reason::OutOfRange, "/data/from")]
#[case("video.progressed", json!({"from": 1}), Reason::MissingMember, "/data/to")]
#[case("video.played", json!({"position": -0.5}), Reason::OutOfRange, "/data/position")]
#[case("video.played", json!({"position": 1_000_001}), Reason::OutOfRange, "/data/position")]
#[case("video.progressed", json!({"from": 1, "to": 1e300}), Reason::OutOfRange, "/data/to")]
#[case("video.loaded", json!({"duration": 1e300}), Reason::OutOfRange, "/data/duration")]
#[case("video.rate_changed", json!({"rate": 101}), Reason::OutOfRange, "/data/rate")]
#[case("video.loaded", json!({"played_segments": [[0, 1e300]]}), Reason::OutOfRange, "/data/played_segments")]
#[case("item.answered", json!({"item": "q", "attempt": 1_000_001}), Reason::OutOfRange, "/data/attempt")]
#[case("item.answered", json!({"item": "q", "hints": 1_000_001}), Reason::OutOfRange, "/data/hints")]
#[case("item.answered", json!({"item": "q", "duration": 1e300}), Reason::OutOfRange, "/data/duration")]
#[case("item.answered", json!({"item": "q", "score": -1e300}), Reason::OutOfRange, "/data/score")]
#[case("item.answered", json!({"item": "q", "max_score": 1e300}), Reason::OutOfRange, "/data/max_score")]
#[case("video.loaded", json!({"duration": 0}), Reason::OutOfRange, "/data/duration")]
#[case("video.rate_changed", json!({"rate": 0}), Reason::OutOfRange, "/data/rate")]
#[case("video.loaded", json!({"progress": 1.01}), Reason::OutOfRange, "/data/progress")]
#[case("video.loaded", json!({"played_segments": [[2, 1]]}), Reason::OutOfRange, "/data/played_segments")]
#[case("item.answered", json!({"item": "q", "attempt": 0}), Reason::OutOfRange, "/data/attempt")]
#[case("item.answered", json!({"item": "q", "hints": -1}), Reason::OutOfRange, "/data/hints")]
#[case("item.answered", json!({"item": "q", "duration": -1}), Reason::OutOfRange, "/data/duration")]
#[case("item.answered", json!({"item": "q", "max_score": -1}), Reason::OutOfRange, "/data/max_score")]
#[case("item.answered", json!({"item": "q", "by": []}), Reason::WrongType, "/data/by")]
#[case("item.answered", json!({"item": "q", "by": ""}), Reason::MissingMember, "/data/by")]
#[case("item.answered", json!({"item": " "}), Reason::MissingMember, "/data/item")]
#[case("assessment.graded", json!({"assessment": "a"}), Reason::MissingMember, "/data/score")]
fn values_must_make_sense(
    #[case] name: &str,
    #[case] data: Value,
    #[case] reason: Reason,
    #[case] pointer: &str,
) {
    let sent = event(name, &json!({"content": "c", "data": data}));
    assert_eq!(refused(&sent), (reason, pointer.to_owned()));
}

#[test]
fn a_video_may_seek_backward() {
    let sent = event(
        "video.seeked",
        &json!({"content": "c", "data": {"from": 9, "to": 1}}),
    );
    assert!(validated(&sender(&[]), &sent).is_ok());
}

/// Each requirement of each type is one that `has` knows: the error goes away
/// when the member that it names is there.
#[test]
fn what_a_type_requires_can_be_given() {
    for event_type in schemas::event::EventType::all() {
        let mut sent = event(event_type.name, &json!({"data": {}}));
        for _ in event_type.requires {
            let rejection = validated(&sender(&[]), &sent).expect_err("something is missing");
            assert_eq!(rejection.reason, Reason::MissingMember, "{sent}");
            let member = match rejection.pointer.as_str() {
                "/data/position" | "/data/from" | "/data/to" | "/data/rate" | "/data/score" => {
                    json!(1.0)
                }
                "/data/status" if event_type.family == Family::Attendance => json!("tardy"),
                "/data/rating" => json!(1.0),
                "/data/scheduled_at" => json!("2026-09-15T10:00:00Z"),
                _ => json!("x"),
            };
            match rejection.pointer.strip_prefix("/data/") {
                Some(name) => sent["data"][name] = member,
                None => sent[&rejection.pointer[1..]] = member,
            }
        }
        let valid = validated(&sender(&[]), &sent);
        assert!(valid.is_ok(), "{sent}: {valid:?}");
    }
}

#[test]
fn a_key_posts_only_its_families() {
    let sent = event("page.viewed", &json!({"data": {"url": "u"}}));
    let rejection = validated(&sender(&[Family::Video]), &sent).expect_err("refused");
    assert_eq!(rejection.reason, Reason::FamilyNotAllowed);
    assert!(validated(&sender(&[Family::Video, Family::Clickstream]), &sent).is_ok());
}

#[test]
fn other_people_are_hashed_like_actors() {
    let sender = sender(&[]);
    let mut people = People::new(&sender.tenant, &sender.secret);
    let teacher = people.person("teacher-1").key;

    let graded = event(
        "grade.changed",
        &json!({"course": "c", "data": {"new": "B", "by": "https://lms.example/users/teacher-1"}}),
    );
    let valid = validated(&sender, &graded).expect("valid");
    assert!(matches!(&valid.event.data, Data::Assessment(data) if data.by_key == Some(teacher)));

    let posted = event(
        "discussion.posted",
        &json!({"data": {"thread": "t", "reply_to": "teacher-1", "by": "teacher-1"}}),
    );
    let valid = validated(&sender, &posted).expect("valid");
    assert!(
        matches!(&valid.event.data, Data::Clickstream(data) if data.reply_to_key == Some(teacher))
    );
    assert_eq!(
        valid.event.extra.members()["data"],
        json!({"by_key": teacher})
    );
}

#[test]
fn null_in_a_member_that_is_ours_is_as_if_it_were_not_there() {
    let plain = event("page.viewed", &json!({"id": null, "data": {"url": "u"}}));
    let nulls = json!({"id": null, "student_key": null,
        "data": {"url": "u", "by_key": null, "tutor_key": null, "reply_to_key": null}});
    let kept = |event: &Value| validated(&sender(&[]), event).expect("valid").json;
    assert_eq!(kept(&plain), kept(&event("page.viewed", &nulls)));
}

#[test]
fn an_event_without_id_gets_the_same_one_each_time() {
    let members =
        json!({"id": null, "data": {"url": "/u/stu-1041", "z": 1, "a": {"y": 1, "b": 2}}});
    let id = |members: &Value| {
        let valid = validated(&sender(&[]), &event("page.viewed", members)).expect("valid");
        valid.event.id
    };
    // Never to change: a retry after an update has to meet the first attempt.
    let expected = "551da900-1ed7-5c75-8ab2-a19b858d3299";
    assert_eq!(id(&members).to_string(), expected);
    let mut retried = members.clone();
    retried["sent_at"] = json!("2026-09-14T11:00:00Z");
    retried["ip"] = json!("192.0.2.7");
    assert_eq!(id(&retried).to_string(), expected);
    let mut other = members.clone();
    other["data"]["z"] = json!(2);
    assert_ne!(id(&other).to_string(), expected);
}

#[test]
fn data_that_is_too_large_is_not_shown_to_a_schema() {
    let large = json!({"data": {"essay": "e".repeat(33_000)}});
    // Whether there is a schema is looked for later.
    let refused = refused(&event("custom.essay.written", &large));
    assert_eq!(refused, (Reason::ExtraTooLarge, "/data".to_owned()));
}
