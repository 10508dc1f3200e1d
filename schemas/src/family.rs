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
