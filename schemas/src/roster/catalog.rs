//! The columns of the catalogue's tables. In a catalogue they are called alike.

use super::fields::field;
use super::{Entity, Field, FieldKind};

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

const COURSE: &str = "Its course; a bulk says all of the courses that it names.";

/// What the columns of a table of the catalogue tell, a sentence each, in their order;
/// nothing of other tables.
pub fn described(entity: Entity) -> &'static [(&'static str, &'static str)] {
    match entity {
        Entity::CourseDetails => &[
            ("course_id", "The course."),
            ("title", "What the catalogue calls it."),
            ("subject", "Its subject."),
            ("credits", "What who passes it earns."),
            ("prerequisites", "The courses that are to be passed before."),
            ("grading", "How it is graded, for people."),
            ("description", "What it is about, for people."),
        ],
        Entity::SectionDetails => &[
            ("section_id", "The section."),
            ("capacity", "How many may enroll."),
            ("room", "Where it meets."),
            ("period", "Which period of the day it has."),
            (
                "weekdays",
                "On which days it meets: mon, tue, wed, thu, fri, sat, sun.",
            ),
            ("starts_at", "When it begins by the school's clocks: 08:30."),
            ("ends_at", "When it ends by the school's clocks: 09:15."),
            ("online", "Whether it meets online."),
        ],
        Entity::Standards => &[
            ("standard_id", "The key."),
            ("course_id", COURSE),
            ("title", "What is to be mastered."),
            ("parent_id", "The standard that it is a part of."),
            (
                "framework",
                "The set of standards that it is from: CCSS.Math.",
            ),
        ],
        Entity::Contents => &[
            ("content_id", "What events call `content`."),
            (
                "version",
                "Its version as events have it; the empty text where there are none.",
            ),
            ("course_id", COURSE),
            ("parent_id", "The content that it is a part of."),
            (
                "kind",
                "page, video, audio, file, link, discussion, assignment, assessment, tool, module, other or ext:….",
            ),
            ("title", "Its title."),
            ("position", "Where it stands among those of its parent."),
            (
                "duration_seconds",
                "How long it is, of videos and recordings.",
            ),
            (
                "assigned_on",
                "The day from which students should see to it.",
            ),
            ("due_on", "The last day on which it is not late."),
            (
                "due_at",
                "When it is late; where it is empty, at the end of `due_on`.",
            ),
            ("category", "Its category of the gradebook."),
            (
                "weight_percent",
                "How much its category counts for the grade, in percent.",
            ),
            ("max_score", "The score of who has everything right."),
        ],
        Entity::Alignments => &[
            ("item_id", "The question, as events have it."),
            ("standard_id", "The standard that it asks for."),
            ("course_id", COURSE),
            ("assessment_id", "The content that the question is in."),
            ("max_score", "The score of who answers it right."),
        ],
        Entity::Programs => &[
            ("program_id", "The key."),
            ("title", "What it is called."),
            ("kind", "What it leads to: diploma, certificate, bachelor."),
            ("org_id", "The school that offers it; empty of all."),
            ("credits", "What is to be earned for it."),
            ("years", "How long it takes who does not linger."),
        ],
        Entity::ProgramEnrollments => &[
            ("user_id", "Who."),
            ("program_id", "The program."),
            ("begins_on", "The first day; who comes back begins anew."),
            ("ends_on", "The last day; empty while it goes on."),
            (
                "entry_term_id",
                "The term with whose cohort they are counted.",
            ),
            ("first_time", "Whether they were never in a program before."),
            (
                "state",
                "active, on_leave, completed, withdrawn, transferred, excluded (not counted) or ext:….",
            ),
        ],
        Entity::Awards => &[
            ("user_id", "Who."),
            ("award_id", "What was awarded; each person has it once."),
            ("program_id", "The program that led to it."),
            ("kind", "What it is: diploma, certificate, honour."),
            ("title", "What it is called."),
            ("awarded_on", "When."),
        ],
        Entity::CalendarDays => &[
            (
                "org_id",
                "The org and those within it; the empty text is all.",
            ),
            ("day", "The day."),
            (
                "kind",
                "instructional, half_day, exam_day, holiday, break, closure, staff_day or ext:….",
            ),
            ("title", "Why, for people."),
        ],
        _ => &[],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_column_is_described_in_a_sentence() {
        let tables = Entity::ALL.into_iter();
        let described: Vec<_> = tables.filter(|e| !described(*e).is_empty()).collect();
        assert_eq!(described.len(), 9);
        for entity in described {
            let names: Vec<_> = super::described(entity).iter().map(|(n, _)| *n).collect();
            let fields: Vec<_> = entity.fields().iter().map(|field| field.name).collect();
            assert_eq!(names, fields, "{entity}");
            for (name, sentence) in super::described(entity) {
                assert!(sentence.ends_with('.'), "{entity}.{name}");
            }
        }
    }
}
