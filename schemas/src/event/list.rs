//! The members of an event: what each takes, for senders, for who explains their
//! mistakes to them, and for the JSON Schemas.

use serde_json::Value;

use super::{Attendance, limits};
use crate::Family;

/// A member of an event, of its context or of its data.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Member {
    /// The names under which it is read, the one to send first. Only one of them may
    /// be sent.
    pub names: &'static [&'static str],
    /// What it takes; `null` always counts as absent.
    pub kind: Kind,
    /// What it says, as half a sentence.
    pub about: &'static str,
}

/// What a member takes.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Kind {
    /// Text of at most so many bytes.
    Text(usize),
    /// One of these texts.
    Word(&'static [&'static str]),
    /// Any JSON, kept as text of at most so many bytes.
    Any(usize),
    /// A UUID.
    Id,
    /// A time of RFC 3339 with its offset.
    Time,
    /// The name of a person, of which a key is made.
    Person,
    /// A number.
    Number(Range),
    /// A whole number, both ends included.
    Whole(i64, i64),
    /// True or false.
    Boolean,
    /// An object.
    Object,
    /// Pairs of seconds of a video.
    Segments,
}

/// The numbers that a member takes.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Range {
    /// The smallest.
    pub from: f64,
    /// The largest.
    pub to: f64,
    /// Whether `from` itself is too small.
    pub above: bool,
}

impl Kind {
    /// Whether it takes this JSON, as far as the type of that says.
    pub fn takes(self, value: &Value) -> bool {
        let pair = |value: &Value| {
            let ends = value.as_array();
            ends.is_some_and(|ends| ends.len() == 2 && ends.iter().all(Value::is_number))
        };
        match self {
            Self::Any(_) => true,
            Self::Text(_) | Self::Word(_) | Self::Id | Self::Time | Self::Person => {
                value.is_string()
            }
            Self::Number(_) => value.is_number(),
            Self::Whole(from, to) => value.as_i64().is_some_and(|n| (from..=to).contains(&n)),
            Self::Boolean => value.is_boolean(),
            Self::Object => value.is_object(),
            Self::Segments => value.as_array().is_some_and(|all| all.iter().all(pair)),
        }
    }

    /// Its name in the list of events.
    pub fn name(self) -> &'static str {
        match self {
            Self::Text(_) | Self::Word(_) | Self::Id => "text",
            Self::Any(_) => "any JSON",
            Self::Time => "time",
            Self::Person => "person",
            Self::Number(_) => "number",
            Self::Whole(..) => "whole number",
            Self::Boolean => "boolean",
            Self::Object => "object",
            Self::Segments => "pairs of numbers",
        }
    }
}

/// The members of an event itself.
pub const EVENT: &[Member] = &[
    m(
        &["id"],
        Kind::Id,
        "a UUID, the same when the event is sent again; made of the content if absent",
    ),
    m(
        &["type"],
        Kind::Text(limits::NAME),
        "required: one of those below",
    ),
    m(&["time"], Kind::Time, "required: when it happened"),
    m(
        &["sent_at"],
        Kind::Time,
        "when it was sent, by the same clock as `time`: what that is wrong by is corrected",
    ),
    m(&["actor"], Kind::Person, "required: the student"),
    m(&["session"], NAME, "the visit"),
    m(&["course"], NAME, "the course"),
    m(&["section"], NAME, "the section, the class of a course"),
    m(&["school"], NAME, "the school"),
    m(&["content"], NAME, "the page, video or document"),
    m(
        &["content_version"],
        Kind::Whole(i32::MIN as i64, i32::MAX as i64),
        "its version",
    ),
    m(
        &["context"],
        Kind::Object,
        "`app`, `platform` and `locale`, texts; others are kept in `extra`",
    ),
    m(
        &["data"],
        Kind::Object,
        "what the type carries, as below; others are kept in `extra`",
    ),
];

/// The members of an event's `context`.
pub const CONTEXT: &[Member] = &[
    m(&["app"], NAME, "the sending application"),
    m(
        &["platform"],
        NAME,
        "what it runs on: `web`, `ios`, `android`",
    ),
    m(
        &["locale"],
        NAME,
        "the language of its surface, a tag of BCP 47",
    ),
];

/// Members of data that are ours to set: keys made of people's names.
pub const RESERVED: &[&str] = &["student_key", "by_key", "reply_to_key", "tutor_key"];

/// The members of the `data` of a family's events.
pub fn data_members(family: Family) -> &'static [Member] {
    match family {
        Family::Clickstream => CLICKSTREAM,
        Family::Video => VIDEO,
        Family::Assessment => ASSESSMENT,
        Family::Attendance => ATTENDANCE,
        Family::Tutoring => TUTORING,
    }
}

const NAME: Kind = Kind::Text(limits::NAME);
const LINE: Kind = Kind::Text(limits::LINE);
const SECONDS: Kind = Kind::Number(range(0.0, limits::VIDEO_SECONDS));
const MINUTES: Kind = Kind::Number(range(0.0, limits::MINUTES));
const CHARS: Kind = Kind::Whole(0, limits::CHARS as i64);

const fn m(names: &'static [&'static str], kind: Kind, about: &'static str) -> Member {
    Member { names, kind, about }
}

const fn range(from: f64, to: f64) -> Range {
    Range {
        from,
        to,
        above: false,
    }
}

const fn above(from: f64, to: f64) -> Range {
    Range {
        from,
        to,
        above: true,
    }
}

const CLICKSTREAM: &[Member] = &[
    m(&["url"], LINE, "the page's address"),
    m(&["referrer"], LINE, "the page before it"),
    m(&["element"], LINE, "what was clicked"),
    m(&["query"], LINE, "what was searched for"),
    m(
        &["target", "target_id"],
        NAME,
        "the thing acted on: a post, a notification, a search result",
    ),
    m(
        &["value"],
        Kind::Any(limits::ANSWER),
        "what was chosen or entered; kept as text",
    ),
    m(
        &["count"],
        Kind::Whole(1, limits::COUNT as i64),
        "how many actions the event stands for; 1 if absent",
    ),
    m(&["thread", "thread_id"], NAME, "the discussion thread"),
    m(&["reply_to"], Kind::Person, "who is answered"),
    m(
        &["status"],
        NAME,
        "the new state, of an enrollment for example",
    ),
    m(&["role"], NAME, "the role in which the student is enrolled"),
];

const VIDEO: &[Member] = &[
    m(
        &["position", "position_seconds"],
        SECONDS,
        "seconds of the video: where the playhead was",
    ),
    m(
        &["from", "from_seconds"],
        SECONDS,
        "seconds of the video: where a span or a jump began",
    ),
    m(
        &["to", "to_seconds"],
        SECONDS,
        "seconds of the video: where it ended",
    ),
    m(
        &["duration", "duration_seconds"],
        Kind::Number(above(0.0, limits::VIDEO_SECONDS)),
        "seconds: the length of the video",
    ),
    m(
        &["rate"],
        Kind::Number(above(0.0, limits::RATE)),
        "playback speed, 1 is normal",
    ),
    m(
        &["played_segments"],
        Kind::Segments,
        "seconds of the video, `[[from, to], …]`: all that was played so far in this session",
    ),
    m(
        &["progress"],
        Kind::Number(range(0.0, 1.0)),
        "0 to 1: how much was watched, as the player has it",
    ),
];

const ASSESSMENT: &[Member] = &[
    m(
        &["assessment", "assessment_id"],
        NAME,
        "the quiz, exam or assignment",
    ),
    m(
        &["attempt"],
        Kind::Whole(1, limits::COUNT as i64),
        "which try of this student, from 1",
    ),
    m(&["item", "item_id"], NAME, "the question"),
    m(
        &["response"],
        Kind::Any(limits::ANSWER),
        "the answer; kept as text",
    ),
    m(&["correct"], Kind::Boolean, "whether the answer is right"),
    m(
        &["score"],
        Kind::Number(range(-limits::POINTS, limits::POINTS)),
        "points reached",
    ),
    m(
        &["max_score"],
        Kind::Number(range(0.0, limits::POINTS)),
        "points that could be reached",
    ),
    m(
        &["hints"],
        Kind::Whole(0, limits::COUNT as i64),
        "hints taken",
    ),
    m(
        &["duration", "duration_seconds"],
        Kind::Number(range(0.0, limits::DURATION_SECONDS)),
        "seconds spent",
    ),
    m(&["category"], NAME, "the gradebook category"),
    m(
        &["old", "grade_old"],
        Kind::Any(limits::NAME),
        "the grade before a change, a number or a letter; kept as text",
    ),
    m(
        &["new", "grade_new"],
        Kind::Any(limits::NAME),
        "the grade after it; kept as text",
    ),
    m(&["reason"], LINE, "why a grade was changed"),
    m(&["by"], Kind::Person, "who graded"),
];

const ATTENDANCE: &[Member] = &[
    m(
        &["status"],
        Kind::Word(&Attendance::STATUSES),
        "how the student was there: `present`, `absent`, `tardy` or `excused`",
    ),
    m(&["minutes"], MINUTES, "minutes that the student was there"),
    m(&["by"], Kind::Person, "who marked it"),
];

const TUTORING: &[Member] = &[
    m(
        &["prompt", "prompt_id"],
        NAME,
        "the prompt's id, which its response and its rating have too",
    ),
    m(
        &["prompt_chars"],
        CHARS,
        "how many characters the prompt has",
    ),
    m(
        &["response_chars"],
        CHARS,
        "how many characters the response has",
    ),
    m(
        &["rating"],
        Kind::Number(range(-limits::RATING, limits::RATING)),
        "what the student thinks of the response: -1 or 1, or 1 to 5, as you like",
    ),
    m(
        &["booking", "booking_id"],
        NAME,
        "the booking's id, the same in all its events",
    ),
    m(
        &["minutes"],
        MINUTES,
        "minutes that are booked, or that the lesson took",
    ),
    m(&["scheduled_at"], Kind::Time, "when the lesson is to begin"),
    m(&["status"], NAME, "how it ended, `no_show` for example"),
    m(&["by"], Kind::Person, "who tutors"),
];
