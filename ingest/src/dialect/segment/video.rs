//! Segment's video specification: names of events that many players send.

use schemas::event::limits::VIDEO_SECONDS;
use schemas::event::{EventType, Video};
use serde_json::{Map, Value};

use crate::dialect::name::{name, take_name, take_number};

const EVENTS: [(&str, &str); 11] = [
    ("video content completed", "video.completed"),
    ("video content playing", "video.interacted"),
    // Playback, which counts as playing, began with `Video Playback Started`.
    ("video content started", "video.loaded"),
    ("video playback completed", "video.stopped"),
    ("video playback exited", "video.stopped"),
    ("video playback interrupted", "video.stopped"),
    ("video playback paused", "video.paused"),
    ("video playback resumed", "video.played"),
    ("video playback seek started", "video.seeked"),
    ("video playback started", "video.played"),
    ("video quality updated", "video.interacted"),
];

/// The type of ours that an event of this name is.
pub fn event_type(event: &str) -> Option<&'static EventType> {
    let event = event.trim().replace('_', " ").to_ascii_lowercase();
    let (_, ours) = EVENTS.iter().find(|(known, _)| *known == event)?;
    EventType::from_name(ours)
}

/// Takes the video: an asset, for whole playbacks the first of several.
pub fn take_content(properties: &mut Map<String, Value>) -> Option<String> {
    let asset = take_name(properties, &["content_asset_id", "asset_id"]);
    asset.or_else(|| {
        let assets = properties.get("content_asset_ids")?.as_array()?;
        name(assets.first()?)
    })
}

/// Whether the properties say what a video event of this type must.
pub fn has(event_type: &EventType, properties: &Map<String, Value>) -> bool {
    let seconds = |member: &str| {
        let number = properties.get(member).and_then(Value::as_f64);
        number.is_some_and(|number| (0.0..=VIDEO_SECONDS).contains(&number))
    };
    match event_type.name {
        "video.played" | "video.paused" => seconds("position"),
        "video.seeked" => seconds("position") && seconds("seek_position"),
        _ => true,
    }
}

/// Takes what the columns of a video event hold.
pub fn take(event_type: &EventType, properties: &mut Map<String, Value>) -> Video {
    let mut seconds = |member: &str| take_number(properties, member, 0.0, VIDEO_SECONDS);
    let position = seconds("position");
    let seeks = event_type.name == "video.seeked";
    let to = if seeks {
        seconds("seek_position")
    } else {
        None
    };
    Video {
        position_seconds: position.filter(|_| !seeks),
        from_seconds: position.filter(|_| seeks),
        to_seconds: to,
        duration_seconds: take_number(properties, "total_length", f64::MIN_POSITIVE, VIDEO_SECONDS),
        ..Video::default()
    }
}
