//! What the values of an event must be beyond their JSON type.

use chrono::{DateTime, TimeZone, Utc};
use schemas::event::limits::{
    ANSWER, CHARS, COUNT, DURATION_SECONDS, LINE, MINUTES, NAME, POINTS, RATE, RATING, SEGMENTS,
    VIDEO_SECONDS,
};
use schemas::event::{Assessment, Attendance, Clickstream, Data, EventType, Tutoring, Video};

use crate::outcome::{Reason, Rejection};

/// Checks the ranges and lengths of what the family's events carry.
///
/// # Errors
/// [`Reason::OutOfRange`] and [`Reason::TextTooLong`].
pub fn check(event_type: &EventType, data: &Data) -> Result<(), Rejection> {
    match data {
        Data::Clickstream(data) => clickstream(data),
        Data::Video(data) => video(event_type, data),
        Data::Assessment(data) => assessment(data),
        Data::Attendance(data) => attendance(data),
        Data::Tutoring(data) => tutoring(data),
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

fn attendance(data: &Attendance) -> Result<(), Rejection> {
    let known = |status: &String| Attendance::STATUSES.contains(&status.as_str());
    holds(
        data.status.as_ref().is_none_or(known),
        "/data/status",
        "Send present, absent, tardy or excused; a code of your own in another member of data.",
    )?;
    minutes(data.minutes)
}

fn tutoring(data: &Tutoring) -> Result<(), Rejection> {
    for (text, pointer) in [
        (&data.prompt_id, "/data/prompt"),
        (&data.booking_id, "/data/booking"),
        (&data.status, "/data/status"),
    ] {
        fits(text.as_deref(), NAME, pointer)?;
    }
    for (chars, pointer) in [
        (data.prompt_chars, "/data/prompt_chars"),
        (data.response_chars, "/data/response_chars"),
    ] {
        holds(
            chars.is_none_or(|n| (0..=CHARS).contains(&n)),
            pointer,
            "Send the number of characters, from 0 to 10000000.",
        )?;
    }
    holds(
        data.rating.is_none_or(|r| (-RATING..=RATING).contains(&r)),
        "/data/rating",
        "Send a rating from -100 to 100.",
    )?;
    minutes(data.minutes)?;
    holds(
        data.scheduled_at.is_none_or(is_of_this_age),
        "/data/scheduled_at",
        "Send a time from 1990 to 2099.",
    )
}

fn minutes(minutes: Option<f64>) -> Result<(), Rejection> {
    holds(
        minutes.is_none_or(|m| (0.0..=MINUTES).contains(&m)),
        "/data/minutes",
        "Send minutes from 0 to 1440, a day.",
    )
}

/// Engines that count nanoseconds know no year after 2262.
fn is_of_this_age(time: DateTime<Utc>) -> bool {
    let year = |year| Utc.with_ymd_and_hms(year, 1, 1, 0, 0, 0).single();
    Some(time) >= year(1990) && Some(time) < year(2100)
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
