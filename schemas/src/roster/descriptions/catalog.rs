//! What the catalogue's tables and their columns tell, a sentence each.

use crate::roster::Entity;

/// What the rows of a table of the catalogue are; nothing of other tables.
pub(super) fn of(entity: Entity) -> &'static str {
    match entity {
        Entity::CourseDetails => "What the catalogue adds to courses.",
        Entity::SectionDetails => "What the catalogue adds to sections.",
        Entity::Standards => "Standards of learning, as trees.",
        Entity::Contents => "What a course consists of, each version of it, as trees.",
        Entity::Alignments => "Which item asks for which standard.",
        Entity::Programs => "What leads to an award.",
        Entity::ProgramEnrollments => "Who is in which program, from when to when.",
        Entity::Awards => "Degrees, diplomas, certificates and honours of people.",
        Entity::CalendarDays => "Days that are otherwise than the weekdays of terms.",
        _ => "",
    }
}

const COURSE: &str = "Its course; a bulk says all of the courses that it names.";

/// What the columns of a table of the catalogue tell, in their order; nothing of other
/// tables.
pub(super) fn fields(entity: Entity) -> &'static [(&'static str, &'static str)] {
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
