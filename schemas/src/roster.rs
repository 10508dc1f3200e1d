//! The tables of rosters and of the catalogue, their columns, and where each comes from
//! in a bundle of OneRoster or in a catalogue.

mod catalog;
mod descriptions;
mod fields;
pub mod job;
mod tables;

pub use tables::versions_sql;
pub(crate) use tables::{
    column_class, columns, history_columns, history_sort_columns, sort_columns,
};

/// The partition of sections and enrollments of which no term is known. No term of a
/// roster has this id.
pub const NO_TERM: &str = "no-term";

/// A table that a bundle or a catalogue fills.
///
/// The order is that of reference: rows refer to tables before theirs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Entity {
    /// Schools, districts, departments, as a tree.
    Orgs,
    /// Academic sessions, nested.
    Terms,
    /// Courses.
    Courses,
    /// Classes.
    Sections,
    /// People.
    Users,
    /// Who is named as whose agent: parents and children, in either direction.
    Guardians,
    /// Accounts of people in other systems.
    UserProfiles,
    /// By which keys events may name people, and the one key that each person has.
    Identities,
    /// What people are in an org.
    Roles,
    /// Birth, sex and ethnicity.
    Demographics,
    /// Who learns or teaches in which section.
    Enrollments,
    /// Categories of the gradebook.
    Categories,
    /// What is graded.
    LineItems,
    /// Grades.
    Results,
    /// Scales of grades.
    ScoreScales,
    /// Which scales a line item has.
    LineItemScoreScales,
    /// Which scales a result has.
    ResultScoreScales,
    /// Which learning objectives a line item has.
    LineItemObjectives,
    /// How well a learning objective was met.
    ResultObjectives,
    /// Books and tools.
    Resources,
    /// Those of a section.
    SectionResources,
    /// Those of a course.
    CourseResources,
    /// Those of a person.
    UserResources,
    /// What the catalogue adds to courses.
    CourseDetails,
    /// What the catalogue adds to sections.
    SectionDetails,
    /// Standards of learning, as trees.
    Standards,
    /// What a course consists of, each version of it, as trees.
    Contents,
    /// Which item asks for which standard.
    Alignments,
    /// What leads to an award.
    Programs,
    /// Who is in which program.
    ProgramEnrollments,
    /// Degrees, diplomas, certificates and honours of people.
    Awards,
    /// Days that are otherwise than the terms' weekdays.
    CalendarDays,
}

/// What a column tells about people.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Class {
    /// A name, an address or another trait of a person: it stays in the roster's
    /// tables and out of statistics.
    Personal,
    /// An identifier of a person, to be hashed before it leaves the roster; also that of a
    /// row about one person, which many sources make of it.
    Key,
    /// What a person did or was judged by, without saying who they are: a score, a grade.
    Record,
    /// Nothing.
    Plain,
}

impl Class {
    /// What it is called.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Personal => "personal",
            Self::Key => "key",
            Self::Record => "record",
            Self::Plain => "plain",
        }
    }
}

/// A column of one of our tables.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Field {
    /// Its name.
    pub name: &'static str,
    /// The type of its values.
    pub kind: FieldKind,
    /// What it tells about people.
    pub class: Class,
    /// Whether it is part of the table's key.
    pub is_key: bool,
    /// The column of the bundle that it is, by whichever of these names the version
    /// has; none if it is made of others.
    pub from: &'static [&'static str],
}

/// The type of a field's values.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FieldKind {
    /// Text.
    Text,
    /// A list of texts.
    Texts,
    /// A day.
    Date,
    /// Yes or no.
    Boolean,
    /// A number.
    Number,
    /// A whole number.
    Integer,
    /// A point in time.
    Time,
}

impl Entity {
    /// All of them, in the order of reference.
    pub const ALL: [Self; 32] = [
        Self::Orgs,
        Self::Terms,
        Self::Courses,
        Self::Sections,
        Self::Users,
        Self::Guardians,
        Self::UserProfiles,
        Self::Identities,
        Self::Roles,
        Self::Demographics,
        Self::Enrollments,
        Self::Categories,
        Self::LineItems,
        Self::Results,
        Self::ScoreScales,
        Self::LineItemScoreScales,
        Self::ResultScoreScales,
        Self::LineItemObjectives,
        Self::ResultObjectives,
        Self::Resources,
        Self::SectionResources,
        Self::CourseResources,
        Self::UserResources,
        Self::CourseDetails,
        Self::SectionDetails,
        Self::Standards,
        Self::Contents,
        Self::Alignments,
        Self::Programs,
        Self::ProgramEnrollments,
        Self::Awards,
        Self::CalendarDays,
    ];

    /// The table's name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Orgs => "orgs",
            Self::Terms => "terms",
            Self::Courses => "courses",
            Self::Sections => "sections",
            Self::Users => "users",
            Self::Guardians => "guardians",
            Self::UserProfiles => "user_profiles",
            Self::Identities => "identities",
            Self::Roles => "roles",
            Self::Demographics => "demographics",
            Self::Enrollments => "enrollments",
            Self::Categories => "categories",
            Self::LineItems => "line_items",
            Self::Results => "results",
            Self::ScoreScales => "score_scales",
            Self::LineItemScoreScales => "line_item_score_scales",
            Self::ResultScoreScales => "result_score_scales",
            Self::LineItemObjectives => "line_item_objectives",
            Self::ResultObjectives => "result_objectives",
            Self::Resources => "resources",
            Self::SectionResources => "section_resources",
            Self::CourseResources => "course_resources",
            Self::UserResources => "user_resources",
            Self::CourseDetails => "course_details",
            Self::SectionDetails => "section_details",
            Self::Standards => "standards",
            Self::Contents => "contents",
            Self::Alignments => "alignments",
            Self::Programs => "programs",
            Self::ProgramEnrollments => "program_enrollments",
            Self::Awards => "awards",
            Self::CalendarDays => "calendar_days",
        }
    }

    /// The name of the table of all its versions.
    pub fn history_name(self) -> &'static str {
        match self {
            Self::Orgs => "orgs_history",
            Self::Terms => "terms_history",
            Self::Courses => "courses_history",
            Self::Sections => "sections_history",
            Self::Users => "users_history",
            Self::Guardians => "guardians_history",
            Self::UserProfiles => "user_profiles_history",
            Self::Identities => "identities_history",
            Self::Roles => "roles_history",
            Self::Demographics => "demographics_history",
            Self::Enrollments => "enrollments_history",
            Self::Categories => "categories_history",
            Self::LineItems => "line_items_history",
            Self::Results => "results_history",
            Self::ScoreScales => "score_scales_history",
            Self::LineItemScoreScales => "line_item_score_scales_history",
            Self::ResultScoreScales => "result_score_scales_history",
            Self::LineItemObjectives => "line_item_objectives_history",
            Self::ResultObjectives => "result_objectives_history",
            Self::Resources => "resources_history",
            Self::SectionResources => "section_resources_history",
            Self::CourseResources => "course_resources_history",
            Self::UserResources => "user_resources_history",
            Self::CourseDetails => "course_details_history",
            Self::SectionDetails => "section_details_history",
            Self::Standards => "standards_history",
            Self::Contents => "contents_history",
            Self::Alignments => "alignments_history",
            Self::Programs => "programs_history",
            Self::ProgramEnrollments => "program_enrollments_history",
            Self::Awards => "awards_history",
            Self::CalendarDays => "calendar_days_history",
        }
    }

    /// Whether it is of the catalogue, and not of a bundle of rosters.
    pub fn is_of_catalog(self) -> bool {
        matches!(
            self,
            Self::CourseDetails
                | Self::SectionDetails
                | Self::Standards
                | Self::Contents
                | Self::Alignments
                | Self::Programs
                | Self::ProgramEnrollments
                | Self::Awards
                | Self::CalendarDays
        )
    }

    /// Whether its rows lie by term.
    pub fn is_by_term(self) -> bool {
        matches!(self, Self::Sections | Self::Enrollments)
    }

    /// The table's columns, in order.
    pub fn fields(self) -> &'static [Field] {
        fields::of(self)
    }

    /// Where in the row the key's fields stand.
    pub fn key_fields(self) -> impl Iterator<Item = usize> {
        self.fields()
            .iter()
            .enumerate()
            .filter(|(_, field)| field.is_key)
            .map(|(index, _)| index)
    }

    /// What its rows are, for people.
    pub fn description(self) -> &'static str {
        descriptions::of(self)
    }

    /// What a column of either of its tables tells, for people; `None` of one that
    /// neither has.
    pub fn describe(self, column: &str) -> Option<&'static str> {
        descriptions::of_column(self, column)
    }

    /// The fields that hold the first and the last day of a row, if it has them.
    pub fn days(self) -> Option<(&'static str, &'static str)> {
        match self {
            Self::Terms => Some(("start_date", "end_date")),
            Self::Roles | Self::Enrollments => Some(("begin_date", "end_date")),
            Self::ProgramEnrollments => Some(("begins_on", "ends_on")),
            Self::CalendarDays => Some(("day", "day")),
            _ => None,
        }
    }
}

impl std::fmt::Display for Entity {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name())
    }
}
