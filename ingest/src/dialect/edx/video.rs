//! What players tell.

use schemas::event::{Data, Video};
use serde_json::Value;

use super::block::usage_key;
use super::names::Told;
use super::tracking::Tracking;
use super::values::{length, peek, rate, seconds, take, text};

/// Where the playhead was.
const POSITION: &[&str] = &["currentTime", "current_time"];
/// Where a jump began, and where it ended.
const FROM: &[&str] = &["old_time", "currentTime", "current_time"];
const TO: &[&str] = &["new_time"];
/// How fast the video plays from here on.
const RATE: &[&str] = &["new_speed"];

/// An event of a video's player.
pub fn tell(tracking: &mut Tracking, event_type: &'static str) -> Option<Told> {
    let video = peek(&tracking.event, &["module_id", "id"], text)?;
    let event = &mut tracking.event;
    let is_whole = match event_type {
        "video.played" | "video.paused" => peek(event, POSITION, seconds).is_some(),
        "video.seeked" => {
            peek(event, FROM, seconds).is_some() && peek(event, TO, seconds).is_some()
        }
        "video.rate_changed" => peek(event, RATE, rate).is_some(),
        _ => true,
    };
    if !is_whole {
        return None;
    }
    let jump = event_type == "video.seeked";
    let mut data = Video {
        from_seconds: jump.then(|| take(event, FROM, seconds)).flatten(),
        to_seconds: jump.then(|| take(event, TO, seconds)).flatten(),
        position_seconds: take(event, POSITION, seconds),
        duration_seconds: take(event, &["duration"], length),
        rate: take(event, RATE, rate),
        ..Video::default()
    };
    if event_type == "video.captions_toggled" {
        let shown = tracking.name.starts_with("show_")
            || tracking.name.starts_with("video_show_")
            || tracking.name.ends_with(".shown");
        data.unknown
            .insert("captions".to_owned(), Value::Bool(shown));
    }
    for name in ["module_id", "id"] {
        event.remove(name);
    }
    Some(Told {
        event_type,
        content: Some(usage_key(tracking.course.as_deref(), "video", &video)),
        data: Data::Video(data),
    })
}
