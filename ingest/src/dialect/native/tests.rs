use rstest::rstest;

use super::*;

fn refused(json: &str) -> (Reason, String, String) {
    let rejection = translate(json).expect_err("refused");
    (rejection.reason, rejection.pointer, rejection.detail)
}

#[rstest]
#[case(r#"{}"#, Reason::MissingMember, "/type")]
#[case(r#"{"type":null}"#, Reason::MissingMember, "/type")]
#[case(r#"{"type":"page.veiwed"}"#, Reason::UnknownType, "/type")]
#[case(
    r#"{"type":"custom.lab.opened","data":{"a":1,"a":1}}"#,
    Reason::DuplicateMember,
    "/data/a"
)]
#[case(
    r#"{"type":"custom.lab.opened","data":[]}"#,
    Reason::WrongType,
    "/data"
)]
#[case(
    r#"{"type":"custom.lab.opened","data":{"a":1e999}}"#,
    Reason::NumberOutOfRange,
    "/data/a"
)]
#[case(r#"{"type":1}"#, Reason::WrongType, "/type")]
#[case(
    r#"{"type":"page.viewed","type":"page.viewed"}"#,
    Reason::DuplicateMember,
    "/type"
)]
#[case(
    r#"{"type":"page.viewed","mood":1,"mood":1}"#,
    Reason::DuplicateMember,
    "/mood"
)]
#[case(r#"{"type":"page.viewed","actor":7}"#, Reason::WrongType, "/actor")]
#[case(r#"{"type":"page.viewed","time":1.5}"#, Reason::WrongType, "/time")]
#[case(
    r#"{"type":"page.viewed","content_version":1.0}"#,
    Reason::WrongType,
    "/content_version"
)]
#[case(
    r#"{"type":"page.viewed","content_version":9999999999}"#,
    Reason::NumberOutOfRange,
    "/content_version"
)]
#[case(
    r#"{"type":"page.viewed","context":[]}"#,
    Reason::WrongType,
    "/context"
)]
#[case(
    r#"{"type":"page.viewed","context":{"app":1}}"#,
    Reason::WrongType,
    "/context/app"
)]
#[case(r#"{"type":"page.viewed","data":"x"}"#, Reason::WrongType, "/data")]
#[case(
    r#"{"type":"page.viewed","data":{"count":1.5}}"#,
    Reason::WrongType,
    "/data/count"
)]
#[case(
    r#"{"type":"page.viewed","data":{"a":{"b":1e999}}}"#,
    Reason::NumberOutOfRange,
    "/data/a/b"
)]
#[case(
    r#"{"type":"page.viewed","data":{"value":{"a":1,"a":1}}}"#,
    Reason::DuplicateMember,
    "/data/value/a"
)]
#[case(
    r#"{"type":"video.progressed","data":{"from":"61"}}"#,
    Reason::WrongType,
    "/data/from"
)]
#[case(
    r#"{"type":"video.progressed","data":{"from":1,"from_seconds":1}}"#,
    Reason::DuplicateMember,
    "/data/from_seconds"
)]
#[case(
    r#"{"type":"video.played","data":{"played_segments":[[0]]}}"#,
    Reason::WrongType,
    "/data/played_segments"
)]
#[case(
    r#"{"type":"item.answered","data":{"correct":"yes"}}"#,
    Reason::WrongType,
    "/data/correct"
)]
#[case(
    r#"{"type":"tutoring.held","data":{"scheduled_at":"2026-09-14T10:00"}}"#,
    Reason::TimeWithoutOffset,
    "/data/scheduled_at"
)]
#[case(
    r#"{"type":"tutoring.held","data":{"scheduled_at":"tomorrow"}}"#,
    Reason::InvalidTime,
    "/data/scheduled_at"
)]
#[case(
    r#"{"type":"tutoring.held","data":{"scheduled_at":1789380000}}"#,
    Reason::WrongType,
    "/data/scheduled_at"
)]
#[case(
    r#"{"type":"tutoring.held","data":{"tutor_key":"x"}}"#,
    Reason::ReservedMember,
    "/data/tutor_key"
)]
#[case(
    r#"{"type":"item.answered","data":{"by_key":"x"}}"#,
    Reason::ReservedMember,
    "/data/by_key"
)]
fn a_bad_event_is_explained(#[case] json: &str, #[case] reason: Reason, #[case] pointer: &str) {
    let (found, at, detail) = refused(json);
    assert_eq!((found, at.as_str()), (reason, pointer), "{detail}");
    assert!(detail.ends_with('.'), "{detail}");
}

/// Every member that a family reads, with a value that no member takes
/// but those that take any.
#[test]
fn every_member_of_every_family_is_explained() {
    for (name, family) in [
        ("page.viewed", schemas::Family::Clickstream),
        ("video.played", schemas::Family::Video),
        ("item.answered", schemas::Family::Assessment),
        ("class.joined", schemas::Family::Attendance),
        ("tutor.rated", schemas::Family::Tutoring),
    ] {
        let table = schemas::columns(schemas::Table::Events(family));
        for field in table.fields() {
            let column = field.name().as_str();
            let short = column.trim_end_matches("_seconds").trim_end_matches("_id");
            for member in [column, short] {
                let json = format!(r#"{{"type":"{name}","data":{{"{member}":[[true]]}}}}"#);
                if let Err(rejection) = translate(&json) {
                    assert_eq!(rejection.pointer, format!("/data/{member}"), "{json}");
                }
            }
        }
    }
}

#[test]
fn the_nearest_type_is_named_and_the_sent_one_is_not_repeated() {
    for (name, near) in [
        ("page.veiwed", "; the nearest is page.viewed."),
        (
            "video.fast_forwarded_by_five",
            "; the nearest is video.loaded.",
        ),
        ("x", ", such as page.viewed."),
        (
            "pages.were.looked.at.again.and.again",
            ", such as page.viewed.",
        ),
    ] {
        let (_, _, detail) = refused(&format!(r#"{{"type":"{name}"}}"#));
        let expected = format!("Send a known type{near} All are listed {LIST}.");
        assert_eq!(detail, expected);
    }
}

#[test]
fn null_beside_the_other_name_of_a_column_is_as_if_it_were_not_there() {
    let json = r#"{"type":"discussion.posted",
        "data":{"thread":"x","thread_id":null,"mood":null}}"#;
    let mut raw = translate(json).expect("translates");
    assert!(raw.data.unknown_mut()["mood"].is_null());
    assert!(matches!(raw.data, Data::Clickstream(data) if data.thread_id.as_deref() == Some("x")));
}

#[test]
fn what_no_column_takes_is_kept_apart() {
    let json = r#"{"type":"page.viewed","mood":"x","context":{"theme":"dark"},
        "data":{"url":"u","depth":3},"actor":"a\u0041"}"#;
    let mut raw = translate(json).expect("translates");
    assert_eq!(raw.unknown["mood"], "x");
    assert_eq!(raw.context.unknown["theme"], "dark");
    assert_eq!(raw.data.unknown_mut()["depth"], 3);
    assert_eq!(raw.actor.as_deref(), Some("aA"));
}
