//! The columns of the catalogue's tables. In a catalogue they are called alike.

use super::fields::field;
use super::{Field, FieldKind};

/// A column that is called alike in a catalogue.
macro_rules! column {
    ($name:literal $kind:ident) => {
        field($name, FieldKind::$kind, &[$name])
    };
}

pub(super) const COURSE_DETAILS: &[Field] = &[
    column!("course_id" Text).part_of_key(),
    column!("title" Text),
    column!("subject" Text),
    column!("credits" Number),
    column!("prerequisites" Texts),
    column!("grading" Text),
    column!("description" Text),
];

pub(super) const SECTION_DETAILS: &[Field] = &[
    column!("section_id" Text).part_of_key(),
    column!("capacity" Integer),
    column!("room" Text),
    column!("period" Text),
    column!("weekdays" Texts),
    column!("starts_at" Text),
    column!("ends_at" Text),
    column!("online" Boolean),
];

pub(super) const STANDARDS: &[Field] = &[
    column!("standard_id" Text).part_of_key(),
    column!("course_id" Text),
    column!("title" Text),
    column!("parent_id" Text),
    column!("framework" Text),
];

pub(super) const CONTENTS: &[Field] = &[
    column!("content_id" Text).part_of_key(),
    column!("version" Text).part_of_key(),
    column!("course_id" Text),
    column!("parent_id" Text),
    column!("kind" Text),
    column!("title" Text),
    column!("position" Integer),
    column!("duration_seconds" Number),
    column!("assigned_on" Date),
    column!("due_on" Date),
    column!("due_at" Time),
    column!("category" Text),
    column!("weight_percent" Number),
    column!("max_score" Number),
];

pub(super) const ALIGNMENTS: &[Field] = &[
    column!("item_id" Text).part_of_key(),
    column!("standard_id" Text).part_of_key(),
    column!("course_id" Text),
    column!("assessment_id" Text),
    column!("max_score" Number),
];

pub(super) const PROGRAMS: &[Field] = &[
    column!("program_id" Text).part_of_key(),
    column!("title" Text),
    column!("kind" Text),
    column!("org_id" Text),
    column!("credits" Number),
    column!("years" Number),
];

pub(super) const PROGRAM_ENROLLMENTS: &[Field] = &[
    column!("user_id" Text).part_of_key().of_person(),
    column!("program_id" Text).part_of_key(),
    column!("begins_on" Date).part_of_key(),
    column!("ends_on" Date),
    column!("entry_term_id" Text),
    column!("first_time" Boolean),
    column!("state" Text),
];

pub(super) const AWARDS: &[Field] = &[
    column!("user_id" Text).part_of_key().of_person(),
    column!("award_id" Text).part_of_key(),
    column!("program_id" Text),
    column!("kind" Text),
    column!("title" Text),
    column!("awarded_on" Date),
];

pub(super) const CALENDAR_DAYS: &[Field] = &[
    column!("org_id" Text).part_of_key(),
    column!("day" Date).part_of_key(),
    column!("kind" Text),
    column!("title" Text),
];
