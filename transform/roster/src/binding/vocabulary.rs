//! The words that enumerations take.

/// What a row says of itself; `inactive` is of 1.0.
pub(super) const STATUS: &[&str] = &["active", "tobedeleted", "inactive"];

pub(super) const ORG_TYPES: &[&str] = &[
    "department",
    "school",
    "district",
    "local",
    "state",
    "national",
];

pub(super) const SESSION_TYPES: &[&str] = &["gradingPeriod", "semester", "schoolYear", "term"];

pub(super) const CLASS_TYPES: &[&str] = &["homeroom", "scheduled"];

/// Of users, in 1.1.
pub(super) const USER_ROLES: &[&str] = &[
    "administrator",
    "aide",
    "guardian",
    "parent",
    "proctor",
    "relative",
    "student",
    "teacher",
];

/// Of `roles.csv`.
pub(super) const ORG_ROLES: &[&str] = &[
    "aide",
    "counselor",
    "districtAdministrator",
    "guardian",
    "parent",
    "principal",
    "proctor",
    "relative",
    "siteAdministrator",
    "student",
    "systemAdministrator",
    "teacher",
];

pub(super) const PRIMARY_OR_SECONDARY: &[&str] = &["primary", "secondary"];

pub(super) const ENROLLMENT_ROLES: &[&str] = &["administrator", "proctor", "student", "teacher"];

pub(super) const SEXES: &[&str] = &["male", "female", "unspecified", "other"];

pub(super) const SCORE_STATUSES: &[&str] = &[
    "exempt",
    "fully graded",
    "not submitted",
    "partially graded",
    "submitted",
];

pub(super) const OBJECTIVE_SOURCES: &[&str] = &["case", "unknown"];

/// Kinds of contents.
pub(super) const CONTENTS: &[&str] = &[
    "page",
    "video",
    "audio",
    "file",
    "link",
    "discussion",
    "assignment",
    "assessment",
    "tool",
    "module",
    "other",
];

pub(super) const WEEKDAYS: &[&str] = &["mon", "tue", "wed", "thu", "fri", "sat", "sun"];

/// What has become of who is in a program.
pub(super) const PROGRAM_STATES: &[&str] = &[
    "active",
    "on_leave",
    "completed",
    "withdrawn",
    "transferred",
    "excluded",
];

/// Kinds of days; [`crate::SchoolDays`] says of which there is school.
pub(super) const CALENDAR_DAYS: &[&str] = &[
    "instructional",
    "half_day",
    "exam_day",
    "holiday",
    "break",
    "closure",
    "staff_day",
];
