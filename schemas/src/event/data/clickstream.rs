use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::StudentKey;
use crate::event::{members, text};

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
    pub reply_to_key: Option<StudentKey>,
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
