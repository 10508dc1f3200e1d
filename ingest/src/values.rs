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
const SEGMENTS: usize = 10_000;

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
        data.count.is_none_or(|n| n >= 1),
        "/data/count",
        "Send a count of at least 1.",
    )
}

fn video(event_type: &EventType, data: &Video) -> Result<(), Rejection> {
    for (seconds, pointer) in [
        (data.position_seconds, "/data/position"),
        (data.from_seconds, "/data/from"),
        (data.to_seconds, "/data/to"),
    ] {
        let from_start = seconds.is_none_or(|s| s >= 0.0);
        holds(
            from_start,
            pointer,
            "Send seconds from the start of the video, at least 0.",
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
    let long = data.duration_seconds.is_none_or(|s| s > 0.0);
    holds(
        long,
        "/data/duration",
        "Send the video's length in seconds, more than 0.",
    )?;
    let moving = data.rate.is_none_or(|rate| rate > 0.0);
    holds(
        moving,
        "/data/rate",
        "Send a playback rate of more than 0; 1 is normal.",
    )?;
    let share = data.progress.is_none_or(|p| (0.0..=1.0).contains(&p));
    holds(
        share,
        "/data/progress",
        "Send progress as a fraction from 0 to 1.",
    )?;
    let segments = data.played_segments.as_deref().unwrap_or_default();
    let sound = segments.len() <= SEGMENTS && segments.iter().all(|s| 0.0 <= s.0 && s.0 <= s.1);
    let advice = "Send at most 10000 pairs [from, to] with 0 <= from <= to.";
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
    let counted = data.attempt.is_none_or(|n| n >= 1);
    holds(counted, "/data/attempt", "Count attempts from 1.")?;
    let hints = data.hints.is_none_or(|n| n >= 0);
    holds(
        hints,
        "/data/hints",
        "Send the number of hints, at least 0.",
    )?;
    let reachable = data.max_score.is_none_or(|s| s >= 0.0);
    holds(
        reachable,
        "/data/max_score",
        "Send the points that can be reached, at least 0.",
    )?;
    let spent = data.duration_seconds.is_none_or(|s| s >= 0.0);
    holds(
        spent,
        "/data/duration",
        "Send the seconds spent, at least 0.",
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
