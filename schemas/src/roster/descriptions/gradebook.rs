//! Of the tables of a gradebook.

use super::{COURSE, ORG, SECTION, TITLE};
use crate::roster::Entity;

const LINE_ITEM: &str = "What is graded.";
const OBJECTIVE: &str = "The learning objective.";
const RESULT: &str = "The grade.";
const SCALE: &str = "The scale.";

/// What a table's rows are; `None` of what is no part of a gradebook.
pub(super) fn of(entity: Entity) -> Option<&'static str> {
    Some(match entity {
        Entity::Categories => "Categories of the gradebook.",
        Entity::LineItems => "What is graded.",
        Entity::Results => "Grades.",
        Entity::ScoreScales => "Scales of grades.",
        Entity::LineItemScoreScales => "Which scales a line item has.",
        Entity::ResultScoreScales => "Which scales a result has.",
        Entity::LineItemObjectives => "Which learning objectives a line item has.",
        Entity::ResultObjectives => "How well a learning objective was met.",
        _ => return None,
    })
}

/// What the columns of a table tell; none of what is no part of a gradebook.
pub(super) fn fields(entity: Entity) -> &'static [(&'static str, &'static str)] {
    match entity {
        Entity::Categories => &[
            ("category_id", "The key."),
            ("name", TITLE),
            ("weight", "Percent of the whole."),
        ],
        Entity::LineItems => &[
            ("line_item_id", "The key; what events call `assessment`."),
            ("name", TITLE),
            ("description", "What it is."),
            ("assign_date", "The day on which it is handed out."),
            ("due_date", "The day on which it is due."),
            ("section_id", SECTION),
            ("category_id", "Its category."),
            ("term_id", "The term or grading period."),
            ("min_score", "The lowest score."),
            ("max_score", "The highest score."),
            ("school_id", "The school."),
        ],
        Entity::Results => &[
            ("result_id", "The key."),
            ("line_item_id", "Of what."),
            ("user_id", "Whose."),
            ("section_id", "In which section."),
            (
                "status",
                "not submitted, submitted, partially graded, fully graded or exempt.",
            ),
            ("score", "The score."),
            ("text_score", "The score where it is no number."),
            ("score_date", "The day on which it was given."),
            ("comment", "What the teacher says of it."),
            ("in_progress", "Whether more is to come."),
            ("incomplete", "Whether something is not there."),
            ("late", "Whether it was late."),
            ("missing", "Whether it is not there."),
        ],
        Entity::ScoreScales => &[
            ("score_scale_id", "The key."),
            ("name", TITLE),
            ("type", "What kind of scale it is."),
            ("org_id", ORG),
            ("course_id", COURSE),
            ("section_id", SECTION),
            ("values", "What stands for what: {A:90}."),
        ],
        Entity::LineItemScoreScales => &[
            ("line_item_score_scale_id", "The key."),
            ("name", TITLE),
            ("line_item_id", LINE_ITEM),
            ("score_scale_id", SCALE),
        ],
        Entity::ResultScoreScales => &[
            ("result_score_scale_id", "The key."),
            ("name", TITLE),
            ("result_id", RESULT),
            ("score_scale_id", SCALE),
        ],
        Entity::LineItemObjectives => &[
            ("line_item_objective_id", "The key."),
            ("line_item_id", LINE_ITEM),
            (
                "source",
                "Where the objective is defined: case, or unknown.",
            ),
            ("learning_objective_id", OBJECTIVE),
        ],
        Entity::ResultObjectives => &[
            ("result_objective_id", "The key."),
            ("result_id", RESULT),
            (
                "source",
                "Where the objective is defined: case, or unknown.",
            ),
            ("learning_objective_id", OBJECTIVE),
            ("score", "The score in it."),
            ("text_score", "The score in it where it is no number."),
        ],
        _ => &[],
    }
}
