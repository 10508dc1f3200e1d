//! Categories, line items, results, score scales and learning objectives.

use super::vocabulary::{OBJECTIVE_SOURCES, SCORE_STATUSES};
use super::{
    Column, File, ID, Kind, MODIFIED, STATUS, boolean, date, id, number, text, texts, word,
};

pub(super) const CATEGORIES_1_1: &[Column] = &[ID, STATUS, MODIFIED, text("title").required()];

pub(super) const CATEGORIES_1_2: &[Column] = &[
    ID,
    STATUS,
    MODIFIED,
    text("title").required(),
    Column::new("weight", Kind::Integer),
];

pub(super) const LINE_ITEMS_1_1: &[Column] = &[
    ID,
    STATUS,
    MODIFIED,
    text("title").required(),
    text("description"),
    date("assignDate").required(),
    date("dueDate").required(),
    id("classSourcedId").required().of(File::Classes),
    id("categorySourcedId")
        .required()
        .loosely_of(File::Categories),
    id("gradingPeriodSourcedId")
        .required()
        .loosely_of(File::AcademicSessions),
    number("resultValueMin").required(),
    number("resultValueMax").required(),
];

pub(super) const LINE_ITEMS_1_2: &[Column] = &[
    ID,
    STATUS,
    MODIFIED,
    text("title").required(),
    text("description"),
    date("assignDate").required(),
    date("dueDate").required(),
    id("classSourcedId").required().of(File::Classes),
    id("categorySourcedId")
        .required()
        .loosely_of(File::Categories),
    id("academicSessionSourcedId")
        .required()
        .loosely_of(File::AcademicSessions),
    number("resultValueMin"),
    number("resultValueMax"),
    id("schoolSourcedId").required().loosely_of(File::Orgs),
];

/// The binding asks for a score in each row; but what was not submitted has none.
pub(super) const RESULTS_1_1: &[Column] = &[
    ID,
    STATUS,
    MODIFIED,
    id("lineItemSourcedId").required().of(File::LineItems),
    id("studentSourcedId").required().of(File::Users),
    word("scoreStatus", SCORE_STATUSES).required(),
    number("score"),
    date("scoreDate").required(),
    text("comment"),
];

pub(super) const RESULTS_1_2: &[Column] = &[
    ID,
    STATUS,
    MODIFIED,
    id("lineItemSourcedId").required().of(File::LineItems),
    id("studentSourcedId").required().of(File::Users),
    word("scoreStatus", SCORE_STATUSES).required(),
    number("score"),
    date("scoreDate").required(),
    text("comment"),
    text("textScore"),
    id("classSourcedId").loosely_of(File::Classes),
    boolean("inProgress"),
    boolean("incomplete"),
    boolean("late"),
    boolean("missing"),
];

pub(super) const SCORE_SCALES: &[Column] = &[
    ID,
    STATUS,
    MODIFIED,
    text("title").required(),
    text("type").required(),
    id("orgSourcedId").required().loosely_of(File::Orgs),
    id("courseSourcedId").required().loosely_of(File::Courses),
    id("classSourcedId").required().loosely_of(File::Classes),
    texts("scoreScaleValue").required(),
];

pub(super) const LINE_ITEM_SCORE_SCALES: &[Column] = &[
    ID,
    STATUS,
    MODIFIED,
    text("title"),
    id("lineItemSourcedId").required().of(File::LineItems),
    id("scoreScaleSourcedId").required().of(File::ScoreScales),
];

pub(super) const RESULT_SCORE_SCALES: &[Column] = &[
    ID,
    STATUS,
    MODIFIED,
    text("title"),
    id("resultSourcedId").required().of(File::Results),
    id("scoreScaleSourcedId").required().of(File::ScoreScales),
];

pub(super) const LINE_ITEM_OBJECTIVES: &[Column] = &[
    ID,
    STATUS,
    MODIFIED,
    id("lineItemSourcedId").required().of(File::LineItems),
    word("source", OBJECTIVE_SOURCES).required(),
    text("learningObjectiveId").required(),
];

pub(super) const RESULT_OBJECTIVES: &[Column] = &[
    ID,
    STATUS,
    MODIFIED,
    id("resultSourcedId").required().of(File::Results),
    word("source", OBJECTIVE_SOURCES).required(),
    text("learningObjectiveId").required(),
    number("score"),
    text("textScore"),
];
