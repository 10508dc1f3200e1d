//! What each family's events carry in `data`.
//!
//! The JSON names are those of the native dialect; the column's own name is
//! read as well. `unknown` catches every other member; ingest moves it into the
//! event's `extra`, so it is empty in the log.

mod assessment;
mod attendance;
mod clickstream;
mod tutoring;
mod video;

use serde::Serialize;
use serde_json::{Map, Value};

pub use assessment::Assessment;
pub use attendance::Attendance;
pub use clickstream::Clickstream;
pub use tutoring::Tutoring;
pub use video::{Segment, Video};

use crate::{Family, StudentKey};

/// The data of one event.
#[derive(Debug, Clone, PartialEq)]
pub enum Data {
    /// Of a clickstream event.
    Clickstream(Clickstream),
    /// Of a video event.
    Video(Video),
    /// Of an assessment event.
    Assessment(Assessment),
    /// Of an attendance event.
    Attendance(Attendance),
    /// Of a tutoring event.
    Tutoring(Tutoring),
}

impl Data {
    /// What an event of the family carries that carries nothing.
    pub fn empty(family: Family) -> Self {
        match family {
            Family::Clickstream => Self::Clickstream(Clickstream::default()),
            Family::Video => Self::Video(Video::default()),
            Family::Assessment => Self::Assessment(Assessment::default()),
            Family::Attendance => Self::Attendance(Attendance::default()),
            Family::Tutoring => Self::Tutoring(Tutoring::default()),
        }
    }

    /// The family whose table holds it.
    pub fn family(&self) -> Family {
        match self {
            Self::Clickstream(_) => Family::Clickstream,
            Self::Video(_) => Family::Video,
            Self::Assessment(_) => Family::Assessment,
            Self::Attendance(_) => Family::Attendance,
            Self::Tutoring(_) => Family::Tutoring,
        }
    }

    /// Members that the family does not know.
    pub fn unknown_mut(&mut self) -> &mut Map<String, Value> {
        match self {
            Self::Clickstream(data) => &mut data.unknown,
            Self::Video(data) => &mut data.unknown,
            Self::Assessment(data) => &mut data.unknown,
            Self::Attendance(data) => &mut data.unknown,
            Self::Tutoring(data) => &mut data.unknown,
        }
    }

    /// The key of the other person whom it names; see [`Family::other_person`].
    pub fn other_key(&self) -> Option<StudentKey> {
        match self {
            Self::Clickstream(data) => data.reply_to_key,
            Self::Assessment(data) => data.by_key,
            Self::Attendance(data) => data.by_key,
            Self::Tutoring(data) => data.tutor_key,
            Self::Video(_) => None,
        }
    }

    /// The name and the value of the column for the key of the other person whom
    /// a client names in the member `by` or `reply_to`; `None` where the family has
    /// no such column.
    pub fn key_mut(&mut self, member: &str) -> Option<(&'static str, &mut Option<StudentKey>)> {
        match (self, member) {
            (Self::Clickstream(data), "reply_to") => Some(("reply_to_key", &mut data.reply_to_key)),
            (Self::Assessment(data), "by") => Some(("by_key", &mut data.by_key)),
            (Self::Attendance(data), "by") => Some(("by_key", &mut data.by_key)),
            (Self::Tutoring(data), "by") => Some(("tutor_key", &mut data.tutor_key)),
            _ => None,
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
            Family::Attendance => Self::Attendance(serde_json::from_str(json)?),
            Family::Tutoring => Self::Tutoring(serde_json::from_str(json)?),
        })
    }
}

impl Serialize for Data {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Clickstream(data) => data.serialize(serializer),
            Self::Video(data) => data.serialize(serializer),
            Self::Assessment(data) => data.serialize(serializer),
            Self::Attendance(data) => data.serialize(serializer),
            Self::Tutoring(data) => data.serialize(serializer),
        }
    }
}
