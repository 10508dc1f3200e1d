use std::num::{NonZeroU32, NonZeroU64};

use schemas::event::{Assessment, Attendance, Clickstream, Data, Event, Tutoring, Video};
use serde_json::{Map, Value};
use xxhash_rust::xxh3::xxh3_64;

/// Eight bytes of what a sender says in an event: equal for equal content, and
/// by all odds different for different content.
///
/// Half of it is kept for millions of events.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Digest(NonZeroU64);

impl Digest {
    /// Half of it, which is different for different content all but once in four
    /// thousand million times.
    pub fn short(self) -> NonZeroU32 {
        NonZeroU32::new(self.0.get() as u32).unwrap_or(NonZeroU32::MIN)
    }

    /// The digest of an event's content: not of when it was sent and received,
    /// which differs when it is sent again, and not of the dialect, in which the
    /// same can be said. `extra` counts as it is written: ingest writes equal
    /// members as equal text.
    pub fn of(event: &Event) -> Self {
        // Member by member, here and below, so that a new one is not forgotten.
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
        let mut said = Said(Vec::with_capacity(1024));
        said.bytes(event_type.as_bytes());
        said.fixed(&time.timestamp_micros().to_le_bytes());
        said.fixed(student_key.as_bytes());
        for text in [session, course, section, school, content] {
            said.text(text);
        }
        said.option(content_version.map(i32::to_le_bytes));
        for text in [app, platform, locale] {
            said.text(text);
        }
        match data {
            Data::Clickstream(data) => said.clickstream(data),
            Data::Video(data) => said.video(data),
            Data::Assessment(data) => said.assessment(data),
            Data::Attendance(data) => said.attendance(data),
            Data::Tutoring(data) => said.tutoring(data),
        }
        said.bytes(extra.json().as_bytes());
        Self(NonZeroU64::new(xxh3_64(&said.0)).unwrap_or(NonZeroU64::MIN))
    }
}

/// What is said, as bytes that no other content has: what can be absent says
/// whether it is there, and what can be long says how long it is.
struct Said(Vec<u8>);

impl Said {
    fn clickstream(&mut self, data: &Clickstream) {
        let Clickstream {
            url,
            referrer,
            element,
            query,
            target_id,
            value,
            count,
            thread_id,
            reply_to_key,
            status,
            role,
            unknown,
        } = data;
        for text in [url, referrer, element, query, target_id, value, thread_id] {
            self.text(text);
        }
        self.option(count.map(i64::to_le_bytes));
        self.option(reply_to_key.map(|key| *key.as_bytes()));
        self.text(status);
        self.text(role);
        self.members(unknown);
    }

    fn video(&mut self, data: &Video) {
        let Video {
            position_seconds,
            from_seconds,
            to_seconds,
            duration_seconds,
            rate,
            played_segments,
            progress,
            unknown,
        } = data;
        for number in [
            position_seconds,
            from_seconds,
            to_seconds,
            duration_seconds,
            rate,
            progress,
        ] {
            self.option(number.map(f64::to_le_bytes));
        }
        let segments = played_segments.as_deref();
        self.option(segments.map(|segments| (segments.len() as u64).to_le_bytes()));
        for segment in segments.unwrap_or_default() {
            self.fixed(&segment.0.to_le_bytes());
            self.fixed(&segment.1.to_le_bytes());
        }
        self.members(unknown);
    }

    fn assessment(&mut self, data: &Assessment) {
        let Assessment {
            assessment_id,
            attempt,
            item_id,
            response,
            correct,
            score,
            max_score,
            hints,
            duration_seconds,
            category,
            grade_old,
            grade_new,
            reason,
            by_key,
            unknown,
        } = data;
        for text in [
            assessment_id,
            item_id,
            response,
            category,
            grade_old,
            grade_new,
            reason,
        ] {
            self.text(text);
        }
        for number in [attempt, hints] {
            self.option(number.map(i32::to_le_bytes));
        }
        for number in [score, max_score, duration_seconds] {
            self.option(number.map(f64::to_le_bytes));
        }
        self.option(correct.map(|correct| [u8::from(correct)]));
        self.option(by_key.map(|key| *key.as_bytes()));
        self.members(unknown);
    }

    fn attendance(&mut self, data: &Attendance) {
        let Attendance {
            status,
            minutes,
            by_key,
            unknown,
        } = data;
        self.text(status);
        self.option(minutes.map(f64::to_le_bytes));
        self.option(by_key.map(|key| *key.as_bytes()));
        self.members(unknown);
    }

    fn tutoring(&mut self, data: &Tutoring) {
        let Tutoring {
            prompt_id,
            prompt_chars,
            response_chars,
            rating,
            tutor_key,
            booking_id,
            minutes,
            scheduled_at,
            status,
            unknown,
        } = data;
        for text in [prompt_id, booking_id, status] {
            self.text(text);
        }
        for number in [prompt_chars, response_chars] {
            self.option(number.map(i32::to_le_bytes));
        }
        for number in [rating, minutes] {
            self.option(number.map(f64::to_le_bytes));
        }
        self.option(tutor_key.map(|key| *key.as_bytes()));
        self.option(scheduled_at.map(|time| time.timestamp_micros().to_le_bytes()));
        self.members(unknown);
    }

    fn fixed(&mut self, bytes: &[u8]) {
        self.0.extend_from_slice(bytes);
    }

    fn bytes(&mut self, bytes: &[u8]) {
        self.fixed(&(bytes.len() as u64).to_le_bytes());
        self.fixed(bytes);
    }

    fn option<const N: usize>(&mut self, bytes: Option<[u8; N]>) {
        self.0.push(bytes.is_some().into());
        self.fixed(bytes.as_ref().map_or(&[], |bytes| bytes.as_slice()));
    }

    fn text(&mut self, text: &Option<String>) {
        self.0.push(text.is_some().into());
        if let Some(text) = text {
            self.bytes(text.as_bytes());
        }
    }

    /// Of the log's events there are none.
    fn members(&mut self, members: &Map<String, Value>) {
        self.bytes(Value::Object(members.clone()).to_string().as_bytes());
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
    #[case::one_more(r#"{"position":1.5}"#, r#"{"position":1.5,"progress":0}"#)]
    #[case::segments(r#"{"position":1.5}"#, r#"{"position":1.5,"played_segments":[]}"#)]
    #[case::unknown_member(r#"{"position":1.5}"#, r#"{"position":1.5,"mood":"calm"}"#)]
    #[case::data_member(r#""position""#, r#""from""#)]
    #[case::extra(r#""b":2"#, r#""b":"2""#)]
    fn what_the_sender_says_changes_it(#[case] from: &str, #[case] to: &str) {
        assert!(EVENT.contains(from));
        assert_ne!(digest(EVENT), digest(&EVENT.replacen(from, to, 1)));
    }
}
