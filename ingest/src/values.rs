//! What the values of an event must be beyond their JSON type.

use schemas::event::{Assessment, Clickstream, Data, EventType, Video};

use crate::outcome::{Reason, Rejection};

/// The longest name or identifier, in bytes of UTF-8.
const NAME: usize = 512;
/// The longest line of text: an address, a search, a reason.
const LINE: usize = 8 << 10;
/// The longest answer.
const ANSWER: usize = 32 << 10;
/// The most stretches that one event may carry.
pub const SEGMENTS: usize = 10_000;
/// The most that an event may count: of actions, attempts or hints.
pub const COUNT: i32 = 1_000_000;
/// The last second of a video, eleven days after its first.
pub const VIDEO_SECONDS: f64 = 1e6;
/// The highest rate at which a video plays.
pub const RATE: f64 = 100.0;
/// The most points, gained or lost.
pub const POINTS: f64 = 1e9;
/// The longest time that an answer takes: a year.
pub const DURATION_SECONDS: f64 = 31_622_400.0;

/// Checks the ranges and lengths of what the family's events carry.
///
/// # Errors
/// [`Reason::OutOfRange`] and [`Reason::TextTooLong`].
pub fn check(event_type: &EventType, data: &Data) -> Result<(), Rejection> {
    match data {
        Data::Clickstream(data) => clickstream(data),
        Data::Video(data) => video(event_type, data),
        Data::Assessment(data) => assessment(data),
    }
}

/// Cleans an identifier: one of blanks only counts as absent.
///
/// # Errors
/// [`Reason::TextTooLong`].
pub fn name(text: Option<String>, pointer: &str) -> Result<Option<String>, Rejection> {
    let text = text.filter(|text| !text.trim().is_empty());
    fits(text.as_deref(), NAME, pointer)?;
    Ok(text)
}

fn clickstream(data: &Clickstream) -> Result<(), Rejection> {
    for (text, longest, pointer) in [
        (&data.url, LINE, "/data/url"),
        (&data.referrer, LINE, "/data/referrer"),
        (&data.element, LINE, "/data/element"),
        (&data.query, LINE, "/data/query"),
        (&data.target_id, NAME, "/data/target"),
        (&data.value, ANSWER, "/data/value"),
        (&data.thread_id, NAME, "/data/thread"),
        (&data.status, NAME, "/data/status"),
        (&data.role, NAME, "/data/role"),
    ] {
        fits(text.as_deref(), longest, pointer)?;
    }
    holds(
        data.count.is_none_or(|n| (1..=COUNT.into()).contains(&n)),
        "/data/count",
        "Send a count from 1 to 1000000.",
    )
}

fn video(event_type: &EventType, data: &Video) -> Result<(), Rejection> {
    for (seconds, pointer) in [
        (data.position_seconds, "/data/position"),
        (data.from_seconds, "/data/from"),
        (data.to_seconds, "/data/to"),
    ] {
        let inside = seconds.is_none_or(|s| (0.0..=VIDEO_SECONDS).contains(&s));
        holds(
            inside,
            pointer,
            "Send seconds from the start of the video, from 0 to 1000000.",
        )?;
    }
    let forward = match (data.from_seconds, data.to_seconds) {
        (Some(from), Some(to)) if event_type.name == "video.progressed" => from <= to,
        _ => true,
    };
    holds(
        forward,
        "/data/from",
        "Send from as at most to: video was watched forward.",
    )?;
    let long = data
        .duration_seconds
        .is_none_or(|s| s > 0.0 && s <= VIDEO_SECONDS);
    holds(
        long,
        "/data/duration",
        "Send the video's length in seconds, more than 0 and at most 1000000.",
    )?;
    let moving = data.rate.is_none_or(|rate| rate > 0.0 && rate <= RATE);
    holds(
        moving,
        "/data/rate",
        "Send a playback rate of more than 0 and at most 100; 1 is normal.",
    )?;
    let share = data.progress.is_none_or(|p| (0.0..=1.0).contains(&p));
    holds(
        share,
        "/data/progress",
        "Send progress as a fraction from 0 to 1.",
    )?;
    let segments = data.played_segments.as_deref().unwrap_or_default();
    let sound = segments.len() <= SEGMENTS
        && segments
            .iter()
            .all(|s| 0.0 <= s.0 && s.0 <= s.1 && s.1 <= VIDEO_SECONDS);
    let advice = "Send at most 10000 pairs [from, to] with 0 <= from <= to <= 1000000.";
    holds(sound, "/data/played_segments", advice)
}

fn assessment(data: &Assessment) -> Result<(), Rejection> {
    for (text, longest, pointer) in [
        (&data.assessment_id, NAME, "/data/assessment"),
        (&data.item_id, NAME, "/data/item"),
        (&data.response, ANSWER, "/data/response"),
        (&data.category, NAME, "/data/category"),
        (&data.grade_old, NAME, "/data/old"),
        (&data.grade_new, NAME, "/data/new"),
        (&data.reason, LINE, "/data/reason"),
    ] {
        fits(text.as_deref(), longest, pointer)?;
    }
    let counted = data.attempt.is_none_or(|n| (1..=COUNT).contains(&n));
    holds(
        counted,
        "/data/attempt",
        "Count attempts from 1 to 1000000.",
    )?;
    let hints = data.hints.is_none_or(|n| (0..=COUNT).contains(&n));
    holds(
        hints,
        "/data/hints",
        "Send the number of hints, from 0 to 1000000.",
    )?;
    let reached = data.score.is_none_or(|s| (-POINTS..=POINTS).contains(&s));
    holds(
        reached,
        "/data/score",
        "Send the points that were reached, from -1000000000 to 1000000000.",
    )?;
    let reachable = data.max_score.is_none_or(|s| (0.0..=POINTS).contains(&s));
    holds(
        reachable,
        "/data/max_score",
        "Send the points that can be reached, from 0 to 1000000000.",
    )?;
    let spent = data
        .duration_seconds
        .is_none_or(|s| (0.0..=DURATION_SECONDS).contains(&s));
    holds(
        spent,
        "/data/duration",
        "Send the seconds spent, from 0 to 31622400, a year.",
    )
}

fn holds(holds: bool, pointer: &str, detail: &str) -> Result<(), Rejection> {
    if holds {
        Ok(())
    } else {
        Err(Rejection::new(Reason::OutOfRange, pointer, detail))
    }
}

fn fits(text: Option<&str>, longest: usize, pointer: &str) -> Result<(), Rejection> {
    match text {
        Some(text) if text.len() > longest => {
            let detail = format!("Send at most {longest} bytes of text.");
            Err(Rejection::new(Reason::TextTooLong, pointer, detail))
        }
        _ => Ok(()),
    }
}
