use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::StudentKey;
use crate::event::members;

/// The data of an attendance event.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Attendance {
    /// How the student was there: one of [`Attendance::STATUSES`].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub status: Option<String>,
    /// Minutes that the student was there.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub minutes: Option<f64>,
    /// Who marked it. Clients send `by`, an actor; ingest hashes it.
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

impl Attendance {
    /// What `status` can say: those that reports tell apart.
    pub const STATUSES: [&'static str; 4] = ["present", "absent", "tardy", "excused"];
}
