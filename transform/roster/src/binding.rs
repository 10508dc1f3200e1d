//! The CSV binding of OneRoster 1.1 and 1.2, and that of the catalogue, as data: every
//! file, its columns in order, what each holds and to which file it refers.

mod catalog;
mod gradebook;
mod resources;
mod rostering;
mod vocabulary;

use crate::manifest::Version;

/// A data file of a bundle, or a table of a catalogue.
///
/// The order is that of reference: a file refers to itself and to earlier ones.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum File {
    /// `orgs.csv`
    Orgs,
    /// `academicSessions.csv`
    AcademicSessions,
    /// `courses.csv`
    Courses,
    /// `classes.csv`
    Classes,
    /// `users.csv`
    Users,
    /// `userProfiles.csv`, since 1.2
    UserProfiles,
    /// `roles.csv`, since 1.2
    Roles,
    /// `demographics.csv`
    Demographics,
    /// `enrollments.csv`
    Enrollments,
    /// `categories.csv`
    Categories,
    /// `lineItems.csv`
    LineItems,
    /// `results.csv`
    Results,
    /// `scoreScales.csv`, since 1.2
    ScoreScales,
    /// `lineItemScoreScales.csv`, since 1.2
    LineItemScoreScales,
    /// `resultScoreScales.csv`, since 1.2
    ResultScoreScales,
    /// `lineItemLearningObjectiveIds.csv`, since 1.2
    LineItemLearningObjectiveIds,
    /// `resultLearningObjectiveIds.csv`, since 1.2
    ResultLearningObjectiveIds,
    /// `resources.csv`
    Resources,
    /// `classResources.csv`
    ClassResources,
    /// `courseResources.csv`
    CourseResources,
    /// `userResources.csv`, since 1.2
    UserResources,
    /// `course_details.csv` of the catalogue
    CourseDetails,
    /// `section_details.csv` of the catalogue
    SectionDetails,
    /// `standards.csv` of the catalogue
    Standards,
    /// `contents.csv` of the catalogue
    Contents,
    /// `alignments.csv` of the catalogue
    Alignments,
    /// `programs.csv` of the catalogue
    Programs,
    /// `program_enrollments.csv` of the catalogue
    ProgramEnrollments,
    /// `awards.csv` of the catalogue
    Awards,
    /// `calendar_days.csv` of the catalogue
    CalendarDays,
}

impl File {
    /// All files, in the order of reference.
    pub const ALL: [Self; 30] = [
        Self::Orgs,
        Self::AcademicSessions,
        Self::Courses,
        Self::Classes,
        Self::Users,
        Self::UserProfiles,
        Self::Roles,
        Self::Demographics,
        Self::Enrollments,
        Self::Categories,
        Self::LineItems,
        Self::Results,
        Self::ScoreScales,
        Self::LineItemScoreScales,
        Self::ResultScoreScales,
        Self::LineItemLearningObjectiveIds,
        Self::ResultLearningObjectiveIds,
        Self::Resources,
        Self::ClassResources,
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

    /// The file's name without `.csv`, as the manifest has it after `file.`.
    pub fn stem(self) -> &'static str {
        match self {
            Self::Orgs => "orgs",
            Self::AcademicSessions => "academicSessions",
            Self::Courses => "courses",
            Self::Classes => "classes",
            Self::Users => "users",
            Self::UserProfiles => "userProfiles",
            Self::Roles => "roles",
            Self::Demographics => "demographics",
            Self::Enrollments => "enrollments",
            Self::Categories => "categories",
            Self::LineItems => "lineItems",
            Self::Results => "results",
            Self::ScoreScales => "scoreScales",
            Self::LineItemScoreScales => "lineItemScoreScales",
            Self::ResultScoreScales => "resultScoreScales",
            Self::LineItemLearningObjectiveIds => "lineItemLearningObjectiveIds",
            Self::ResultLearningObjectiveIds => "resultLearningObjectiveIds",
            Self::Resources => "resources",
            Self::ClassResources => "classResources",
            Self::CourseResources => "courseResources",
            Self::UserResources => "userResources",
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

    /// The file's name.
    pub fn name(self) -> String {
        format!("{}.csv", self.stem())
    }

    /// The file of that stem, whatever the case.
    pub fn from_stem(stem: &str) -> Option<Self> {
        Self::ALL
            .into_iter()
            .find(|file| file.stem().eq_ignore_ascii_case(stem))
    }

    /// The file's columns in a version, in order; none if the version has no such
    /// file.
    pub fn columns(self, version: Version) -> &'static [Column] {
        match (self, version) {
            (_, Version::Catalog1) => catalog::columns(self),
            (Self::Orgs, _) => rostering::ORGS,
            (Self::AcademicSessions, _) => rostering::ACADEMIC_SESSIONS,
            (Self::Courses, _) => rostering::COURSES,
            (Self::Classes, _) => rostering::CLASSES,
            (Self::Users, Version::V1_1) => rostering::USERS_1_1,
            (Self::Users, Version::V1_2) => rostering::USERS_1_2,
            (Self::Demographics, Version::V1_1) => rostering::DEMOGRAPHICS_1_1,
            (Self::Demographics, Version::V1_2) => rostering::DEMOGRAPHICS_1_2,
            (Self::Enrollments, _) => rostering::ENROLLMENTS,
            (Self::Categories, Version::V1_1) => gradebook::CATEGORIES_1_1,
            (Self::Categories, Version::V1_2) => gradebook::CATEGORIES_1_2,
            (Self::LineItems, Version::V1_1) => gradebook::LINE_ITEMS_1_1,
            (Self::LineItems, Version::V1_2) => gradebook::LINE_ITEMS_1_2,
            (Self::Results, Version::V1_1) => gradebook::RESULTS_1_1,
            (Self::Results, Version::V1_2) => gradebook::RESULTS_1_2,
            (Self::Resources, _) => resources::RESOURCES,
            (Self::ClassResources, _) => resources::CLASS_RESOURCES,
            (Self::CourseResources, _) => resources::COURSE_RESOURCES,
            (_, Version::V1_1) => &[],
            (Self::UserProfiles, Version::V1_2) => rostering::USER_PROFILES,
            (Self::Roles, Version::V1_2) => rostering::ROLES,
            (Self::ScoreScales, Version::V1_2) => gradebook::SCORE_SCALES,
            (Self::LineItemScoreScales, Version::V1_2) => gradebook::LINE_ITEM_SCORE_SCALES,
            (Self::ResultScoreScales, Version::V1_2) => gradebook::RESULT_SCORE_SCALES,
            (Self::LineItemLearningObjectiveIds, Version::V1_2) => gradebook::LINE_ITEM_OBJECTIVES,
            (Self::ResultLearningObjectiveIds, Version::V1_2) => gradebook::RESULT_OBJECTIVES,
            (Self::UserResources, Version::V1_2) => resources::USER_RESOURCES,
            (_, Version::V1_2) => &[],
        }
    }

    /// Whether a version has the file.
    pub fn is_of(self, version: Version) -> bool {
        !self.columns(version).is_empty()
    }

    /// Whether it is a table of the catalogue.
    pub fn is_of_catalog(self) -> bool {
        self.is_of(Version::Catalog1)
    }
}

impl std::fmt::Display for File {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}.csv", self.stem())
    }
}

/// A column of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Column {
    /// Its header.
    pub name: &'static str,
    /// What its values are.
    pub kind: Kind,
    /// Whether each row has to have a value.
    pub required: bool,
    /// What its ids are of.
    pub refers: Option<Reference>,
}

/// What the values of a column are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Any text.
    Text,
    /// Several texts in one field, parted by commas.
    Texts,
    /// An identifier.
    Id,
    /// Several identifiers, parted by commas.
    Ids,
    /// A day.
    Date,
    /// A point in time.
    DateTime,
    /// `true` or `false`.
    Boolean,
    /// A number with a fraction.
    Number,
    /// A whole number.
    Integer,
    /// A year of four digits.
    Year,
    /// A number that is not negative.
    Amount,
    /// A whole number that is not negative.
    Count,
    /// A number from 0 to 100.
    Percent,
    /// What a clock shows: `08:30`.
    Clock,
    /// One of these words; if open, also `ext:` and any text.
    Word(&'static [&'static str], Extension),
    /// Several of these words.
    Words(&'static [&'static str], Extension),
    /// What is never read, let alone kept.
    Secret,
}

/// Whether a vocabulary may be extended by `ext:…`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Extension {
    /// It may.
    Open,
    /// It may not.
    Closed,
}

/// To what a column's ids refer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Reference {
    /// The file whose `sourcedId` they are.
    pub file: File,
    /// What becomes of a row whose reference leads nowhere.
    pub hold: Hold,
}

/// What becomes of a row whose reference leads nowhere.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Hold {
    /// It says nothing without what it refers to, and is left out.
    Firm,
    /// It is taken, with a warning: what it refers to may come later.
    Loose,
}

impl Column {
    const fn new(name: &'static str, kind: Kind) -> Self {
        Self {
            name,
            kind,
            required: false,
            refers: None,
        }
    }

    /// Each row has to have a value.
    const fn required(mut self) -> Self {
        self.required = true;
        self
    }

    /// Its ids are of a file; a row is left out if they lead nowhere.
    const fn of(mut self, file: File) -> Self {
        self.refers = Some(Reference {
            file,
            hold: Hold::Firm,
        });
        self
    }

    /// Its ids are of a file; a row is taken also if they lead nowhere.
    const fn loosely_of(mut self, file: File) -> Self {
        self.refers = Some(Reference {
            file,
            hold: Hold::Loose,
        });
        self
    }
}

const fn text(name: &'static str) -> Column {
    Column::new(name, Kind::Text)
}

const fn texts(name: &'static str) -> Column {
    Column::new(name, Kind::Texts)
}

const fn id(name: &'static str) -> Column {
    Column::new(name, Kind::Id)
}

const fn ids(name: &'static str) -> Column {
    Column::new(name, Kind::Ids)
}

const fn date(name: &'static str) -> Column {
    Column::new(name, Kind::Date)
}

const fn boolean(name: &'static str) -> Column {
    Column::new(name, Kind::Boolean)
}

const fn number(name: &'static str) -> Column {
    Column::new(name, Kind::Number)
}

const fn word(name: &'static str, words: &'static [&'static str]) -> Column {
    Column::new(name, Kind::Word(words, Extension::Open))
}

/// The columns with which every file of OneRoster begins. `status` and `dateLastModified` are
/// required in a delta and blank in a bulk.
const ID: Column = id("sourcedId").required();
const STATUS: Column = Column::new("status", Kind::Word(vocabulary::STATUS, Extension::Closed));
const MODIFIED: Column = Column::new("dateLastModified", Kind::DateTime);

#[cfg(test)]
mod tests;
