use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::StudentKey;
use crate::event::{members, text};

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
    pub by_key: Option<StudentKey>,
    /// Members that are not listed above.
    #[serde(
        flatten,
        deserialize_with = "members::unique",
        skip_serializing_if = "Map::is_empty"
    )]
    pub unknown: Map<String, Value>,
}
