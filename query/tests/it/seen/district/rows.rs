//! What the students of the district did, and what reports say of it.

use serde_json::{Value, json};

use super::{STUDENTS, course_of, days, school_of, term_of};
use crate::school::event;

/// The tables of events that have rows.
pub const EVENTS: [&str; 5] = [
    "clickstream",
    "video",
    "assessment",
    "attendance",
    "tutoring",
];

/// What a student does on each of their days, and the number by which the rows of that day
/// are told from all others: 61 is the second day of `stu-6`.
fn doings() -> impl Iterator<Item = (&'static str, &'static str, &'static str, i64)> {
    STUDENTS.into_iter().flat_map(|(user, section)| {
        let own: i64 = user[4..].parse().expect("a number");
        let days = (own * 10..).zip(days(user));
        days.map(move |(number, day)| (user, section, *day, number))
    })
}

/// The rows of a table of events in a term.
pub fn events(table: &str, term: &str) -> Vec<Value> {
    let doings = doings().filter(|(_, section, ..)| term_of(section) == term);
    let first = if term == "2025-26" { 0 } else { 100 };
    let rows = (first..).zip(doings);
    let rows = rows.map(|(position, (user, section, day, number))| {
        let mut own = own(table, user, number);
        own["student_key"] = json!(format!("k-{user}"));
        own["section_id"] = json!(section);
        own["school_id"] = json!(school_of(section));
        own["course_id"] = json!(course_of(section));
        own["extra"] = json!(format!("{{\"note\":\"SECRET-{user}-extra\"}}"));
        event(position, &format!("{day}T15:00:00Z"), "x.y", own)
    });
    rows.collect()
}

/// What only a table has.
fn own(table: &str, user: &str, number: i64) -> Value {
    let secret = |column: &str| format!("SECRET-{user}-{column}");
    match table {
        // Some things are said of every other student only.
        "clickstream" => json!({
            "url": secret("url"), "value": secret("value"), "reply_to_key": "k-stu-3",
            "element": number.to_string(), "count": number,
            "target_id": (number / 10 % 2 == 1).then(|| format!("t-{number}")),
        }),
        "video" => json!({"position_seconds": 1.5, "duration_seconds": number}),
        "assessment" => json!({
            "score": 0.5, "response": secret("response"), "item_id": "i-1", "by_key": "k-tea-1",
            "assessment_id": "quiz-1", "max_score": 1.0, "attempt": number,
        }),
        "attendance" => json!({"status": "present", "by_key": "k-tea-1"}),
        _ => json!({"tutor_key": "k-tea-2", "rating": 4.0}),
    }
}

/// The rows of `student_day`.
pub fn student_days() -> Vec<Value> {
    let doings = doings().filter(|(_, section, ..)| term_of(section) == "2026-27");
    let rows = doings.map(|(user, section, day, number)| {
        json!({
            "term": "2026-27", "day": day, "student_key": format!("k-{user}"),
            "course_id": course_of(section), "section_id": section,
            "school_id": school_of(section), "page_views": 3, "active_minutes": 2.5,
            "posts": number,
        })
    });
    rows.collect()
}

/// The rows of `section_day`.
pub(super) fn section_days() -> Vec<Value> {
    let sections = [
        ("bio-101", "bio-1", 5),
        ("bio-101", "bio-2", 1),
        ("bio-101", "bio-3", 4),
        ("bio-101", "bio-4", 9),
        ("art-101", "art-1", 2),
        ("mat-101", "mat-1", 8),
        ("mat-101", "mat-2", 3),
    ];
    let rows = sections.map(|(course, section, students)| {
        json!({
            "term": "2026-27", "day": "2026-09-03", "course_id": course,
            "section_id": section, "active_students": students, "active_minutes": 1.0,
        })
    });
    rows.into()
}

/// The rows of `video_retention`.
pub(super) fn video_seconds() -> Vec<Value> {
    let seconds = [("bio-101", 0, 5), ("bio-101", 1, 2), ("art-101", 0, 7)];
    let rows = seconds.map(|(course, second, viewers)| {
        json!({
            "term": "2026-27", "course_id": course, "content_id": "film", "second": second,
            "viewers": viewers, "views": viewers,
        })
    });
    rows.into()
}

/// The day on which what a row tells of happened.
pub fn day(row: &Value) -> Option<&str> {
    let of_event = || row["occurred_at"].as_str()?.get(..10);
    row["day"].as_str().or_else(of_event)
}
