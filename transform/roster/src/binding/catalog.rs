//! The tables of the catalogue. Their columns are called as those of ours.

use super::vocabulary::{CALENDAR_DAYS, CONTENTS, PROGRAM_STATES, STATUS, WEEKDAYS};
use super::{Column, Extension, File, Kind, boolean, date, id, ids, text, word};

/// They stand behind the first column of the key, as in OneRoster, and need not be there.
const CHANGE: Column = Column::new("status", Kind::Word(STATUS, Extension::Closed));
const CHANGED: Column = Column::new("modified_at", Kind::DateTime);

const fn amount(name: &'static str) -> Column {
    Column::new(name, Kind::Amount)
}

const COURSE_DETAILS: &[Column] = &[
    id("course_id").required().loosely_of(File::Courses),
    CHANGE,
    CHANGED,
    text("title"),
    text("subject"),
    amount("credits"),
    ids("prerequisites").loosely_of(File::Courses),
    text("grading"),
    text("description"),
];

const SECTION_DETAILS: &[Column] = &[
    id("section_id").required().loosely_of(File::Classes),
    CHANGE,
    CHANGED,
    Column::new("capacity", Kind::Count),
    text("room"),
    text("period"),
    Column::new("weekdays", Kind::Words(WEEKDAYS, Extension::Closed)),
    Column::new("starts_at", Kind::Clock),
    Column::new("ends_at", Kind::Clock),
    boolean("online"),
];

const STANDARDS: &[Column] = &[
    id("standard_id").required(),
    CHANGE,
    CHANGED,
    id("course_id").loosely_of(File::Courses),
    text("title").required(),
    id("parent_id").loosely_of(File::Standards),
    text("framework"),
];

const OF_CONTENTS: &[Column] = &[
    id("content_id").required(),
    CHANGE,
    CHANGED,
    id("version"),
    id("course_id").loosely_of(File::Courses),
    id("parent_id").loosely_of(File::Contents),
    word("kind", CONTENTS).required(),
    text("title"),
    Column::new("position", Kind::Count),
    amount("duration_seconds"),
    date("assigned_on"),
    date("due_on"),
    Column::new("due_at", Kind::DateTime),
    text("category"),
    Column::new("weight_percent", Kind::Percent),
    amount("max_score"),
];

const ALIGNMENTS: &[Column] = &[
    id("item_id").required(),
    CHANGE,
    CHANGED,
    id("standard_id").required().of(File::Standards),
    id("course_id").loosely_of(File::Courses),
    id("assessment_id").loosely_of(File::Contents),
    amount("max_score"),
];

const PROGRAMS: &[Column] = &[
    id("program_id").required(),
    CHANGE,
    CHANGED,
    text("title").required(),
    text("kind"),
    id("org_id").loosely_of(File::Orgs),
    amount("credits"),
    amount("years"),
];

const PROGRAM_ENROLLMENTS: &[Column] = &[
    id("user_id").required().of(File::Users),
    CHANGE,
    CHANGED,
    id("program_id").required().of(File::Programs),
    date("begins_on").required(),
    date("ends_on"),
    // Of who came years ago it is a term that the roster no longer has.
    id("entry_term_id"),
    boolean("first_time"),
    word("state", PROGRAM_STATES),
];

const AWARDS: &[Column] = &[
    id("user_id").required().of(File::Users),
    CHANGE,
    CHANGED,
    id("award_id").required(),
    id("program_id").loosely_of(File::Programs),
    text("kind"),
    text("title"),
    date("awarded_on"),
];

const OF_DAYS: &[Column] = &[
    id("org_id").loosely_of(File::Orgs),
    CHANGE,
    CHANGED,
    date("day").required(),
    word("kind", CALENDAR_DAYS).required(),
    text("title"),
];

pub(super) fn columns(file: File) -> &'static [Column] {
    match file {
        File::CourseDetails => COURSE_DETAILS,
        File::SectionDetails => SECTION_DETAILS,
        File::Standards => STANDARDS,
        File::Contents => OF_CONTENTS,
        File::Alignments => ALIGNMENTS,
        File::Programs => PROGRAMS,
        File::ProgramEnrollments => PROGRAM_ENROLLMENTS,
        File::Awards => AWARDS,
        File::CalendarDays => OF_DAYS,
        _ => &[],
    }
}
