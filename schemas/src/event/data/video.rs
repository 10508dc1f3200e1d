use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::event::members;

/// The data of a video event; all times are seconds of the video.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Video {
    /// Where the playhead was.
    #[serde(
        rename = "position",
        alias = "position_seconds",
        skip_serializing_if = "Option::is_none"
    )]
    pub position_seconds: Option<f64>,
    /// Where a span or a jump began.
    #[serde(
        rename = "from",
        alias = "from_seconds",
        skip_serializing_if = "Option::is_none"
    )]
    pub from_seconds: Option<f64>,
    /// Where a span or a jump ended.
    #[serde(
        rename = "to",
        alias = "to_seconds",
        skip_serializing_if = "Option::is_none"
    )]
    pub to_seconds: Option<f64>,
    /// The length of the video.
    #[serde(
        rename = "duration",
        alias = "duration_seconds",
        skip_serializing_if = "Option::is_none"
    )]
    pub duration_seconds: Option<f64>,
    /// Playback speed, 1 is normal.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rate: Option<f64>,
    /// Everything played so far in this session.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub played_segments: Option<Vec<Segment>>,
    /// The player's own idea of how much was watched, 0 to 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub progress: Option<f64>,
    /// Members that are not listed above.
    #[serde(
        flatten,
        deserialize_with = "members::unique",
        skip_serializing_if = "Map::is_empty"
    )]
    pub unknown: Map<String, Value>,
}

/// A stretch of a video in seconds, `from` inclusive, `to` exclusive; in JSON
/// `[from, to]`.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Segment(
    /// Where it begins.
    pub f64,
    /// Where it ends.
    pub f64,
);
