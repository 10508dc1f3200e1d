use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::StudentKey;
use crate::event::{instant, members};

/// The data of a tutoring event: of a conversation with an AI tutor, or of a
/// booking with a person.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Tutoring {
    /// The prompt, which its response and rating name as well.
    #[serde(
        rename = "prompt",
        alias = "prompt_id",
        skip_serializing_if = "Option::is_none"
    )]
    pub prompt_id: Option<String>,
    /// How long the prompt is, in characters; its text is nobody's business.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub prompt_chars: Option<i32>,
    /// How long the response is, in characters.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub response_chars: Option<i32>,
    /// What the student thinks of the response, on the sender's scale.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rating: Option<f64>,
    /// Who tutors. Clients send `by`, an actor; ingest hashes it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tutor_key: Option<StudentKey>,
    /// The booking, the same from `booked` to `held` or `cancelled`.
    #[serde(
        rename = "booking",
        alias = "booking_id",
        skip_serializing_if = "Option::is_none"
    )]
    pub booking_id: Option<String>,
    /// Minutes that are booked, or that it took.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub minutes: Option<f64>,
    /// When it is to begin.
    #[serde(
        deserialize_with = "instant::rfc3339",
        skip_serializing_if = "Option::is_none"
    )]
    pub scheduled_at: Option<DateTime<Utc>>,
    /// How it ended: `no_show` for example.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub status: Option<String>,
    /// Members that are not listed above.
    #[serde(
        flatten,
        deserialize_with = "members::unique",
        skip_serializing_if = "Map::is_empty"
    )]
    pub unknown: Map<String, Value>,
}
