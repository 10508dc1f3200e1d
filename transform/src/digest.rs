use std::num::NonZeroU64;

use schemas::event::Event;
use xxhash_rust::xxh3::xxh3_64;

/// Eight bytes of what a sender says in an event: equal for equal content, and
/// by all odds different for different content.
///
/// It is kept for millions of events, hence without room for alignment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(Rust, packed(4))]
pub(crate) struct Digest(NonZeroU64);

impl Digest {
    /// The digest of an event's content: not of when it was sent and received,
    /// which differs when it is sent again, and not of the dialect, in which the
    /// same can be said.
    pub fn of(event: &Event) -> Self {
        // Member by member, so that a new one is not forgotten here.
        let Event {
            id: _,
            event_type,
            dialect: _,
            time,
            sent_at: _,
            received_at: _,
            student_key,
            session,
            course,
            section,
            school,
            content,
            content_version,
            app,
            platform,
            locale,
            data,
            extra,
        } = event;
        let place = (session, course, section, school);
        let thing = (content, content_version, app, platform, locale);
        let said = (event_type, time, student_key, place, thing, data, extra);
        let mut json = Vec::with_capacity(1024);
        serde_json::to_writer(&mut json, &said)
            .expect("an event has only text keys and finite numbers");
        Self(NonZeroU64::new(xxh3_64(&json)).unwrap_or(NonZeroU64::MIN))
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;
    use schemas::Family;

    use super::*;

    const EVENT: &str = r#"{"id":"0197c3b2-8a5e-7c10-9d55-3f1f6f0c1a02","type":"video.played","dialect":"native","time":"2026-09-14T10:00:00Z","sent_at":"2026-09-14T10:00:00Z","received_at":"2026-09-14T10:00:01Z","student_key":"6f1d0c8be1fbb0a7a2d4c5f60718293a","course":"c","content":"a","data":{"position":1.5},"extra":{"a":1,"b":2}}"#;

    fn digest(json: &str) -> Digest {
        Digest::of(&Event::decode(Family::Video, 1, json.as_bytes()).expect("an event"))
    }

    #[rstest]
    #[case::sent_again(
        r#""sent_at":"2026-09-14T10:00:00Z""#,
        r#""sent_at":"2026-09-15T10:00:00Z""#
    )]
    #[case::no_longer_says_when(r#""sent_at":"2026-09-14T10:00:00Z","#, "")]
    #[case::received_later("10:00:01Z", "10:20:00Z")]
    #[case::other_dialect(r#""native""#, r#""other""#)]
    #[case::other_order(r#"{"a":1,"b":2}"#, r#"{"b":2,"a":1}"#)]
    #[case::other_offset(
        r#""time":"2026-09-14T10:00:00Z""#,
        r#""time":"2026-09-14T12:00:00+02:00""#
    )]
    fn what_the_sender_does_not_say_changes_nothing(#[case] from: &str, #[case] to: &str) {
        assert!(EVENT.contains(from));
        assert_eq!(digest(EVENT), digest(&EVENT.replacen(from, to, 1)));
    }

    #[rstest]
    #[case::event_type("video.played", "video.paused")]
    #[case::time(
        r#""time":"2026-09-14T10:00:00Z""#,
        r#""time":"2026-09-14T10:00:00.000001Z""#
    )]
    #[case::student("6f1d", "6f1e")]
    #[case::place(r#""course":"c""#, r#""section":"c""#)]
    #[case::content(r#""content":"a""#, r#""content":"b""#)]
    #[case::nothing_for_something(r#""content":"a","#, "")]
    #[case::data("1.5", "1.25")]
    #[case::data_member(r#""position""#, r#""from""#)]
    #[case::extra(r#""b":2"#, r#""b":"2""#)]
    fn what_the_sender_says_changes_it(#[case] from: &str, #[case] to: &str) {
        assert!(EVENT.contains(from));
        assert_ne!(digest(EVENT), digest(&EVENT.replacen(from, to, 1)));
    }
}
