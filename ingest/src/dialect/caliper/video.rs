//! The data of an event of media.

use schemas::event::Video;
use schemas::event::limits::{RATE, VIDEO_SECONDS};
use serde_json::Value;

use super::parts::Parts;
use crate::dialect::duration;

/// From this part of its length on a medium that ended was seen to its end.
const WHOLE: f64 = 0.95;

/// Which of ours an event of media is.
pub fn meaning(parts: &Parts<'_>) -> &'static str {
    let place = position(parts);
    match parts.action {
        "Started" | "Restarted" => "video.played",
        "Resumed" if place.is_some() => "video.played",
        "Paused" if place.is_some() => "video.paused",
        "Ended" => match (place, length(parts)) {
            (Some(place), Some(length)) if place < WHOLE * length => "video.stopped",
            _ => "video.completed",
        },
        "ForwardedTo" | "JumpedTo" | "Rewound" if from(parts).is_some() && place.is_some() => {
            "video.seeked"
        }
        "ChangedSpeed" if rate(parts).is_some() => "video.rate_changed",
        "EnabledClosedCaptioning" | "DisabledClosedCaptioning" => "video.captions_toggled",
        _ => "video.interacted",
    }
}

/// The data of an event of media; notes what it takes.
pub fn video(parts: &Parts<'_>, taken: &mut Vec<&'static str>) -> Video {
    let place = position(parts);
    let jumps = matches!(parts.action, "ForwardedTo" | "JumpedTo" | "Rewound");
    let begins = matches!(parts.action, "Started" | "Restarted");
    if place.is_some() {
        taken.push("/target/currentTime");
    }
    let duration_seconds = length(parts);
    if duration_seconds.is_some() {
        taken.push("/object/duration");
    }
    Video {
        position_seconds: place.filter(|_| !jumps).or(begins.then_some(0.0)),
        from_seconds: from(parts).filter(|_| jumps),
        to_seconds: place.filter(|_| jumps),
        duration_seconds,
        rate: rate(parts),
        ..Video::default()
    }
}

/// Where the playhead is, or whereto it jumped.
fn position(parts: &Parts<'_>) -> Option<f64> {
    seconds(&parts.target["currentTime"])
}

/// Where it jumped from, of which Caliper has no word but senders have extensions.
fn from(parts: &Parts<'_>) -> Option<f64> {
    extended(parts, &["oldTime", "old_time", "fromTime"])
        .filter(|seconds| (0.0..=VIDEO_SECONDS).contains(seconds))
}

/// How fast it plays from here on, likewise.
fn rate(parts: &Parts<'_>) -> Option<f64> {
    extended(parts, &["newSpeed", "new_speed", "speed"]).filter(|rate| *rate > 0.0 && *rate <= RATE)
}

fn length(parts: &Parts<'_>) -> Option<f64> {
    seconds(&parts.object["duration"]).filter(|length| *length > 0.0)
}

fn seconds(duration: &Value) -> Option<f64> {
    let seconds = duration::parse(duration.as_str()?)?.seconds?;
    (0.0..=VIDEO_SECONDS).contains(&seconds).then_some(seconds)
}

/// The number of one of these names in an extension of the event, its target or its
/// object.
fn extended(parts: &Parts<'_>, names: &[&str]) -> Option<f64> {
    [parts.target, parts.event, parts.object]
        .into_iter()
        .flat_map(|whole| names.iter().map(|name| &whole["extensions"][*name]))
        .find_map(number)
}

fn number(value: &Value) -> Option<f64> {
    let number = match value {
        Value::String(text) => text.trim().trim_end_matches(['x', 'X']).parse().ok()?,
        other => other.as_f64()?,
    };
    number.is_finite().then_some(number)
}
