//! Events as a client app posts them, made from a number: the same number
//! gives the same event.

use std::sync::LazyLock;

use chrono::{DateTime, SecondsFormat, TimeDelta, Utc};
use serde_json::{Value, json};
use uuid::Uuid;

/// The tables of events.
pub const TABLES: [&str; 5] = [
    "clickstream",
    "video",
    "assessment",
    "attendance",
    "tutoring",
];

/// How many students [`nth`] knows.
pub const STUDENTS: u64 = 40;

/// The id of the event with that number; ids sort like their numbers.
pub fn id(number: u64) -> String {
    let high = 0x0197_c3b2_0000_7000_u128 << 64;
    Uuid::from_u128(high | 0x8000_0000_0000_0000 | u128::from(number)).to_string()
}

/// The table in which the event with that number ends.
pub fn table(number: u64) -> &'static str {
    static ENDS: LazyLock<Vec<&str>> =
        LazyLock::new(|| kinds(0).into_iter().map(|(table, ..)| table).collect());
    ENDS[kind_of(number, ENDS.len())]
}

/// How many of the events with these numbers end in a table.
pub fn count(numbers: std::ops::Range<u64>, table: &str) -> u64 {
    let ends_there = |number: &u64| self::table(*number) == table;
    numbers.filter(ends_there).count() as u64
}

/// A valid event: types, students, sections and days take turns.
pub fn nth(number: u64) -> Value {
    let mut kinds = kinds(number);
    let kind = kind_of(number, kinds.len());
    let (_, event_type, mut own) = kinds.swap_remove(kind);
    let student = number * 7 % STUDENTS;
    let course = student % 4;
    let mut event = json!({
        "id": id(number),
        "type": event_type,
        "time": time(number),
        "actor": format!("stu-{student}"),
        "session": format!("visit-{}", number / 16),
        "course": format!("course-{course}"),
        "section": format!("course-{course}-0{}", student % 3),
        "content": format!("course-{course}/unit-{}", number % 9),
        "context": {"app": "web-lms", "platform": "web", "locale": "en-GB"},
    });
    let members = event.as_object_mut().expect("an object");
    members.append(own.as_object_mut().expect("an object"));
    event
}

/// The events with these numbers.
pub fn range(numbers: std::ops::Range<u64>) -> Vec<Value> {
    numbers.map(nth).collect()
}

fn kind_of(number: u64, kinds: usize) -> usize {
    usize::try_from(number).expect("64 bits") % kinds
}

/// Spread over some weeks on both sides of a school year's first day, with
/// microseconds.
fn time(number: u64) -> String {
    let first: DateTime<Utc> = "2025-07-20T08:00:00Z".parse().expect("a time");
    let spread = number.wrapping_mul(2_654_435_761) % (40 * 24 * 3600 * 1_000_000);
    let spread = TimeDelta::microseconds(i64::try_from(spread).expect("some weeks"));
    (first + spread).to_rfc3339_opts(SecondsFormat::Micros, true)
}

/// Every type with its table and what it must carry.
fn kinds(number: u64) -> Vec<(&'static str, &'static str, Value)> {
    let second = (number % 300) as f64;
    let data = |value: Value| json!({ "data": value });
    let [clickstream, video, assessment, attendance, tutoring] = TABLES;
    vec![
        (
            clickstream,
            "page.viewed",
            data(json!({"url": "https://lms.example/home", "referrer": "https://lms.example/"})),
        ),
        (video, "video.loaded", data(json!({"duration": 412.5}))),
        (
            assessment,
            "assessment.started",
            data(json!({"assessment": "quiz-1", "attempt": 1})),
        ),
        (
            clickstream,
            "element.clicked",
            data(json!({"element": "next", "count": 1 + number % 5})),
        ),
        (
            video,
            "video.played",
            data(json!({"position": second, "rate": 1.25})),
        ),
        (
            assessment,
            "item.viewed",
            data(json!({"item": "q1", "assessment": "quiz-1"})),
        ),
        (clickstream, "content.opened", data(json!({}))),
        (video, "video.paused", data(json!({"position": second}))),
        (
            assessment,
            "item.answered",
            data(json!({
                "item": "q1", "assessment": "quiz-1", "response": ["a", "c"],
                "correct": number.is_multiple_of(2), "score": 0.5, "max_score": 1.0, "duration": 12.25,
            })),
        ),
        (clickstream, "content.completed", data(json!({}))),
        (
            video,
            "video.seeked",
            data(json!({"from": second, "to": second + 30.0})),
        ),
        (
            assessment,
            "item.hinted",
            data(json!({"item": "q1", "hints": 1})),
        ),
        (
            clickstream,
            "resource.downloaded",
            data(json!({"url": "https://lms.example/a.pdf"})),
        ),
        (
            video,
            "video.progressed",
            data(json!({
                "from": second, "to": second + 15.0, "duration": 412.5, "rate": 1.25,
                "played_segments": [[0.0, 12.5], [second, second + 15.0]], "progress": 0.07,
            })),
        ),
        (
            assessment,
            "assessment.submitted",
            data(json!({"assessment": "quiz-1", "attempt": 1})),
        ),
        (
            clickstream,
            "search.performed",
            data(json!({"query": "mitosis"})),
        ),
        (video, "video.rate_changed", data(json!({"rate": 1.5}))),
        (
            assessment,
            "assessment.graded",
            data(json!({"assessment": "quiz-1", "score": 7.5, "max_score": 10.0})),
        ),
        (
            clickstream,
            "discussion.viewed",
            data(json!({"thread": "thread-7"})),
        ),
        (video, "video.captions_toggled", data(json!({}))),
        (
            assessment,
            "grade.changed",
            data(json!({
                "assessment": "quiz-1", "old": 6, "new": "B+", "reason": "regraded", "by": "teacher-1",
            })),
        ),
        (
            clickstream,
            "discussion.posted",
            data(json!({"thread": "thread-7", "reply_to": format!("stu-{}", number % STUDENTS)})),
        ),
        (video, "video.completed", data(json!({}))),
        (
            clickstream,
            "discussion.voted",
            data(json!({"target": "post-12", "value": 1})),
        ),
        (video, "video.stopped", data(json!({"position": second}))),
        (
            clickstream,
            "notification.sent",
            data(json!({"target": "note-3"})),
        ),
        (
            clickstream,
            "notification.opened",
            data(json!({"target": "note-3"})),
        ),
        (clickstream, "session.started", data(json!({}))),
        (clickstream, "session.ended", data(json!({}))),
        (
            clickstream,
            "enrollment.changed",
            data(json!({"status": "active", "role": "student"})),
        ),
        (
            video,
            "video.interacted",
            data(json!({"position": second, "rate": 1.0})),
        ),
        (attendance, "class.joined", data(json!({}))),
        (attendance, "class.left", data(json!({"minutes": second}))),
        (
            attendance,
            "attendance.marked",
            data(json!({"status": "tardy", "minutes": 37.5, "by": "teacher-1"})),
        ),
        (
            tutoring,
            "tutor.prompted",
            data(json!({"prompt": format!("p-{number}"), "prompt_chars": 120})),
        ),
        (
            tutoring,
            "tutor.responded",
            data(json!({"prompt": format!("p-{number}"), "response_chars": 900})),
        ),
        (
            tutoring,
            "tutor.rated",
            data(json!({"prompt": format!("p-{number}"), "rating": -1})),
        ),
        (
            tutoring,
            "tutoring.booked",
            data(json!({
                "booking": "b-77", "scheduled_at": "2026-09-15T16:00:00-05:00", "minutes": 45,
                "by": "tutor-9",
            })),
        ),
        (
            tutoring,
            "tutoring.rescheduled",
            data(json!({"booking": "b-77", "scheduled_at": "2026-09-16T21:00:00Z"})),
        ),
        (
            tutoring,
            "tutoring.cancelled",
            data(json!({"booking": "b-77", "status": "no_show"})),
        ),
        (
            tutoring,
            "tutoring.held",
            data(json!({"booking": "b-77", "minutes": 50.5, "by": "tutor-9"})),
        ),
    ]
}

/// How many types [`nth`] takes turns with.
pub fn types() -> u64 {
    kinds(0).len() as u64
}
