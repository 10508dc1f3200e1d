//! What the names of Canvas's events mean.

/// What an event tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A page, a file or another thing was looked at.
    Asset,
    /// All that a course requires was done.
    CourseCompleted,
    /// Somebody's grade of a course is another.
    CourseGrade,
    /// Somebody was enrolled, or is enrolled otherwise.
    Enrollment,
    /// Somebody wrote in a discussion.
    Entry,
    /// A submission was graded.
    Grade,
    /// A visit began.
    LoggedIn,
    /// A visit ended.
    LoggedOut,
    /// A quiz was handed in.
    Quiz,
    /// An assignment was handed in.
    Submission,
    /// Somebody began a discussion.
    Topic,
    /// Another doing of somebody.
    Other,
    /// Nobody's learning: what teachers and machines make and change, or what
    /// another event tells too.
    Ignored,
}

const KINDS: [(&str, Kind); 14] = [
    ("asset_accessed", Kind::Asset),
    ("course_completed", Kind::CourseCompleted),
    ("course_grade_change", Kind::CourseGrade),
    ("discussion_entry_created", Kind::Entry),
    // Of a graded discussion, beside `discussion_entry_created`.
    ("discussion_entry_submitted", Kind::Ignored),
    ("discussion_topic_created", Kind::Topic),
    ("enrollment_created", Kind::Enrollment),
    ("enrollment_updated", Kind::Enrollment),
    ("grade_change", Kind::Grade),
    ("grade_override", Kind::CourseGrade),
    ("logged_in", Kind::LoggedIn),
    ("logged_out", Kind::LoggedOut),
    ("quiz_submitted", Kind::Quiz),
    ("submission_created", Kind::Submission),
];

const IGNORED: [&str; 12] = [
    "course_created",
    "course_updated",
    "discussion_topic_updated",
    "final_grade_custom_status",
    "plagiarism_resubmit",
    "quiz_created",
    "quiz_export_complete",
    "quiz_updated",
    "rubric_assessed",
    "submission_custom_grade_status",
    // Not sent for what is handed in anew: `submission_created` is.
    "submission_updated",
    "syllabus_updated",
];

/// How names begin of all that is done to a thing.
const IGNORED_THINGS: [&str; 22] = [
    "account_",
    "assignment_",
    "attachment_",
    "blueprint_",
    "content_export_",
    "content_migration_",
    "conversation_",
    "course_section_",
    "default_blueprint_",
    // It does not name the student.
    "enrollment_state_",
    "group_",
    "learning_outcome_",
    "lti_resource_link_",
    "master_migration_",
    "master_template_",
    "module_",
    "outcome_",
    "outcomes_",
    "quizzes_next_",
    "sis_batch_",
    "user_",
    "wiki_page_",
];

/// What an event of this name tells.
pub fn kind(event_name: &str) -> Kind {
    if let Some((_, kind)) = KINDS.iter().find(|(name, _)| *name == event_name) {
        return *kind;
    }
    if IGNORED.contains(&event_name)
        || IGNORED_THINGS
            .iter()
            .any(|thing| event_name.starts_with(thing))
    {
        return Kind::Ignored;
    }
    Kind::Other
}
