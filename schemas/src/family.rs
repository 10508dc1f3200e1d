//! The families of events, one table each.

use serde::{Deserialize, Serialize};

/// A family of events; its name is its table's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Family {
    /// Pages, contents, searches, discussions, notifications, sessions.
    Clickstream,
    /// Playing, pausing, seeking and watching videos.
    Video,
    /// Attempts, answers, scores and grades.
    Assessment,
    /// Being in class: online, or as a teacher marks it.
    Attendance,
    /// Conversations with an AI tutor, and lessons booked with a person.
    Tutoring,
}

/// The columns of a family for the other person whom an event names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OtherPerson {
    /// The person's key.
    pub key: &'static str,
    /// The key that the event has, where that is another.
    pub sent_key: &'static str,
}

impl Family {
    /// All families, in the order in which tables are listed.
    pub const ALL: [Self; 5] = [
        Self::Clickstream,
        Self::Video,
        Self::Assessment,
        Self::Attendance,
        Self::Tutoring,
    ];

    /// The family's name in headers, tables and answers.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Clickstream => "clickstream",
            Self::Video => "video",
            Self::Assessment => "assessment",
            Self::Attendance => "attendance",
            Self::Tutoring => "tutoring",
        }
    }

    /// The columns for the other person whom its events name: who graded, who held the
    /// lesson, who is answered. `None` where no event names another.
    pub fn other_person(self) -> Option<OtherPerson> {
        let columns = |key, sent_key| Some(OtherPerson { key, sent_key });
        match self {
            Self::Clickstream => columns("reply_to_key", "sent_reply_to_key"),
            Self::Assessment | Self::Attendance => columns("by_key", "sent_by_key"),
            Self::Tutoring => columns("tutor_key", "sent_tutor_key"),
            Self::Video => None,
        }
    }

    /// The family of that name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|family| family.as_str() == name)
    }
}

impl std::fmt::Display for Family {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.as_str())
    }
}
