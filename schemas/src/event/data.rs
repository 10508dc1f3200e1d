//! What each family's events carry in `data`.
//!
//! The JSON names are those of the native dialect; the column's own name is
//! read as well. `unknown` catches every other member; ingest moves it into the
//! event's `extra`, so it is empty in the log.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::{members, text};
use crate::Family;

/// The data of one event.
#[derive(Debug, Clone, PartialEq)]
pub enum Data {
    /// Of a clickstream event.
    Clickstream(Clickstream),
    /// Of a video event.
    Video(Video),
    /// Of an assessment event.
    Assessment(Assessment),
}

impl Data {
    /// The family whose table holds it.
    pub fn family(&self) -> Family {
        match self {
            Self::Clickstream(_) => Family::Clickstream,
            Self::Video(_) => Family::Video,
            Self::Assessment(_) => Family::Assessment,
        }
    }

    /// Members that the family does not know.
    pub fn unknown_mut(&mut self) -> &mut Map<String, Value> {
        match self {
            Self::Clickstream(data) => &mut data.unknown,
            Self::Video(data) => &mut data.unknown,
            Self::Assessment(data) => &mut data.unknown,
        }
    }

    /// Reads the JSON of a `data` member.
    ///
    /// # Errors
    /// When a member has another type than its column.
    pub fn from_json(family: Family, json: &str) -> serde_json::Result<Self> {
        Ok(match family {
            Family::Clickstream => Self::Clickstream(serde_json::from_str(json)?),
            Family::Video => Self::Video(serde_json::from_str(json)?),
            Family::Assessment => Self::Assessment(serde_json::from_str(json)?),
        })
    }
}

impl Serialize for Data {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Clickstream(data) => data.serialize(serializer),
            Self::Video(data) => data.serialize(serializer),
            Self::Assessment(data) => data.serialize(serializer),
        }
    }
}

/// The data of a clickstream event.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Clickstream {
    /// The page's address.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    /// The page before it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub referrer: Option<String>,
    /// What was clicked.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub element: Option<String>,
    /// What was searched for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub query: Option<String>,
    /// The thing acted on: a post, a notification, a search result.
    #[serde(
        rename = "target",
        alias = "target_id",
        skip_serializing_if = "Option::is_none"
    )]
    pub target_id: Option<String>,
    /// What was chosen or entered; numbers and booleans are kept as text.
    #[serde(
        deserialize_with = "text::any",
        skip_serializing_if = "Option::is_none"
    )]
    pub value: Option<String>,
    /// How many actions the event stands for; one when absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub count: Option<i64>,
    /// The discussion thread.
    #[serde(
        rename = "thread",
        alias = "thread_id",
        skip_serializing_if = "Option::is_none"
    )]
    pub thread_id: Option<String>,
    /// Who is answered. Clients send `reply_to`, an actor; ingest hashes it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reply_to_key: Option<crate::StudentKey>,
    /// The new state, of an enrollment for example.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub status: Option<String>,
    /// The role in which the student is enrolled.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub role: Option<String>,
    /// Members that are not listed above.
    #[serde(
        flatten,
        deserialize_with = "members::unique",
        skip_serializing_if = "Map::is_empty"
    )]
    pub unknown: Map<String, Value>,
}

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

/// The data of an assessment event.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Assessment {
    /// The quiz, exam or assignment.
    #[serde(
        rename = "assessment",
        alias = "assessment_id",
        skip_serializing_if = "Option::is_none"
    )]
    pub assessment_id: Option<String>,
    /// Which try of this student, from 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub attempt: Option<i32>,
    /// The question.
    #[serde(
        rename = "item",
        alias = "item_id",
        skip_serializing_if = "Option::is_none"
    )]
    pub item_id: Option<String>,
    /// The answer; anything but text is kept as JSON.
    #[serde(
        deserialize_with = "text::any",
        skip_serializing_if = "Option::is_none"
    )]
    pub response: Option<String>,
    /// Whether the answer is right.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub correct: Option<bool>,
    /// Points reached.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub score: Option<f64>,
    /// Points that could be reached.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_score: Option<f64>,
    /// Hints taken.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hints: Option<i32>,
    /// Time spent, in seconds.
    #[serde(
        rename = "duration",
        alias = "duration_seconds",
        skip_serializing_if = "Option::is_none"
    )]
    pub duration_seconds: Option<f64>,
    /// The gradebook category.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub category: Option<String>,
    /// The grade before a change, as number or letter.
    #[serde(
        rename = "old",
        alias = "grade_old",
        deserialize_with = "text::any",
        skip_serializing_if = "Option::is_none"
    )]
    pub grade_old: Option<String>,
    /// The grade after a change.
    #[serde(
        rename = "new",
        alias = "grade_new",
        deserialize_with = "text::any",
        skip_serializing_if = "Option::is_none"
    )]
    pub grade_new: Option<String>,
    /// Why a grade was changed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// Who graded. Clients send `by`, an actor; ingest hashes it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub by_key: Option<crate::StudentKey>,
    /// Members that are not listed above.
    #[serde(
        flatten,
        deserialize_with = "members::unique",
        skip_serializing_if = "Map::is_empty"
    )]
    pub unknown: Map<String, Value>,
}
