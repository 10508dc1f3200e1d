//! What the rows of a table are about, which decides who may see them.

use schemas::roster::Entity;
use schemas::{Report, Table, Visibility};

use crate::listing::Listing;

/// Something that a statement can name.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Source {
    /// A table of the lake.
    Table(Table),
    /// A report that is computed when it is asked for.
    View(&'static Report),
    /// A table that is made when it is named.
    Listing(Listing),
}

impl Source {
    /// Its name in SQL.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Table(table) => table.as_str(),
            Self::View(report) => report.name,
            Self::Listing(listing) => listing.name(),
        }
    }

    /// The source of a name.
    pub(crate) fn from_name(name: &str) -> Option<Self> {
        let table = Table::from_name(name).or_else(|| Table::roster_from_name(name));
        let view = || crate::catalog::views().find(|view| view.name == name);
        let listing = || Listing::from_name(name);
        table
            .map(Self::Table)
            .or_else(|| view().map(Self::View))
            .or_else(|| listing().map(Self::Listing))
    }

    /// The report that it is.
    pub(super) fn report(self) -> Option<&'static Report> {
        match self {
            Self::Table(Table::Report(name)) => Some(name.report()),
            Self::View(report) => Some(report),
            _ => None,
        }
    }
}

/// What rows are about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum About {
    /// A student, by `student_key`, in a section, by `section_id`, of a school, by
    /// `school_id`.
    Student,
    /// A section, by `section_id`: all of its students together.
    Section,
    /// Students of several sections together.
    Group,
    /// A user, by `user_id`.
    User,
    /// Two users of whom one is the other's agent, by `user_id` and `agent_id`.
    Related,
    /// A user in a section, by `user_id` and `section_id`.
    Member,
    /// Traits of a user, with which teaching has nothing to do.
    Trait,
    /// Nobody: what is taught, where and when.
    Nobody,
    /// How the tenant's events and rosters come in; nobody by key.
    Pipeline,
    /// What was left over on the way, as it came.
    Remains,
    /// Who was shown what, and who changed the rules: for stewards alone.
    Stewardship,
}

impl About {
    pub(super) fn of(source: Source) -> Self {
        if let Some(report) = source.report() {
            return Self::of_report(report);
        }
        match source {
            Source::Table(table) => Self::of_table(table),
            Source::Listing(Listing::ColumnClasses) => Self::Nobody,
            // Their lines can quote a row of a roster.
            Source::Listing(Listing::ImportDiagnostics) => Self::Remains,
            Source::Listing(Listing::AdminAudit) => Self::Stewardship,
            Source::Listing(_) | Source::View(_) => Self::Pipeline,
        }
    }

    fn of_report(report: &Report) -> Self {
        match report.visibility {
            Visibility::Student => Self::Student,
            Visibility::Section => Self::Section,
            Visibility::Tenant if report.minimum_cell.is_some() => Self::Group,
            Visibility::Tenant => Self::Pipeline,
            Visibility::Steward => Self::Stewardship,
        }
    }

    fn of_table(table: Table) -> Self {
        match table {
            Table::Events(_) => Self::Student,
            Table::Report(name) => Self::of_report(name.report()),
            Table::Duplicates | Table::Quarantine => Self::Remains,
            Table::Audit => Self::Stewardship,
            Table::Tallies | Table::LogCounts => Self::Pipeline,
            Table::Roster(entity) | Table::RosterHistory(entity) => Self::of_roster(entity),
        }
    }

    fn of_roster(entity: Entity) -> Self {
        match entity {
            Entity::Orgs
            | Entity::Terms
            | Entity::Courses
            | Entity::Sections
            | Entity::Categories
            | Entity::LineItems
            | Entity::LineItemObjectives
            | Entity::LineItemScoreScales
            | Entity::ScoreScales
            | Entity::Resources
            | Entity::SectionResources
            | Entity::CourseResources
            | Entity::CourseDetails
            | Entity::SectionDetails
            | Entity::Standards
            | Entity::Contents
            | Entity::Alignments
            | Entity::Programs
            | Entity::CalendarDays => Self::Nobody,
            Entity::Enrollments | Entity::Results => Self::Member,
            Entity::Users | Entity::Identities | Entity::Roles | Entity::UserResources => {
                Self::User
            }
            Entity::Guardians => Self::Related,
            Entity::Demographics
            | Entity::UserProfiles
            | Entity::ProgramEnrollments
            | Entity::Awards => Self::Trait,
            // Of results, which they name by an id that says nothing of whose they are.
            Entity::ResultScoreScales | Entity::ResultObjectives => Self::Remains,
        }
    }

    /// Whether its rows are about single people.
    pub(super) fn is_personal(self) -> bool {
        matches!(
            self,
            Self::Student | Self::User | Self::Related | Self::Member | Self::Trait | Self::Remains
        )
    }
}
