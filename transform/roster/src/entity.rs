//! Which file of a bundle fills which of our tables.

use schemas::roster::Entity;

use crate::binding::File;

impl File {
    /// The table that the file fills.
    pub fn entity(self) -> Entity {
        match self {
            Self::Orgs => Entity::Orgs,
            Self::AcademicSessions => Entity::Terms,
            Self::Courses => Entity::Courses,
            Self::Classes => Entity::Sections,
            Self::Users => Entity::Users,
            Self::UserProfiles => Entity::UserProfiles,
            Self::Roles => Entity::Roles,
            Self::Demographics => Entity::Demographics,
            Self::Enrollments => Entity::Enrollments,
            Self::Categories => Entity::Categories,
            Self::LineItems => Entity::LineItems,
            Self::Results => Entity::Results,
            Self::ScoreScales => Entity::ScoreScales,
            Self::LineItemScoreScales => Entity::LineItemScoreScales,
            Self::ResultScoreScales => Entity::ResultScoreScales,
            Self::LineItemLearningObjectiveIds => Entity::LineItemObjectives,
            Self::ResultLearningObjectiveIds => Entity::ResultObjectives,
            Self::Resources => Entity::Resources,
            Self::ClassResources => Entity::SectionResources,
            Self::CourseResources => Entity::CourseResources,
            Self::UserResources => Entity::UserResources,
            Self::CourseDetails => Entity::CourseDetails,
            Self::SectionDetails => Entity::SectionDetails,
            Self::Standards => Entity::Standards,
            Self::Contents => Entity::Contents,
            Self::Alignments => Entity::Alignments,
            Self::Programs => Entity::Programs,
            Self::ProgramEnrollments => Entity::ProgramEnrollments,
            Self::Awards => Entity::Awards,
            Self::CalendarDays => Entity::CalendarDays,
        }
    }

    /// The file that fills a table; none of [`Entity::Guardians`] and
    /// [`Entity::Identities`], which are made of the users.
    pub fn of(entity: Entity) -> Option<Self> {
        Self::ALL.into_iter().find(|file| file.entity() == entity)
    }
}

#[cfg(test)]
mod tests {
    use schemas::roster::FieldKind;

    use super::*;
    use crate::binding::Kind;
    use crate::manifest::Version;

    /// Columns that are no field: what says how a row is to be taken, and secrets.
    const APART: [&str; 4] = ["status", "dateLastModified", "modified_at", "password"];

    #[test]
    fn every_column_of_the_binding_is_a_field_of_its_type() {
        for version in Version::ALL {
            for file in File::ALL {
                for column in file.columns(version) {
                    if APART.contains(&column.name) {
                        continue;
                    }
                    let fields = file.entity().fields();
                    let field = fields
                        .iter()
                        .find(|field| field.from.contains(&column.name))
                        .unwrap_or_else(|| panic!("{file} {} is no field", column.name));
                    let kind = match column.kind {
                        Kind::Text | Kind::Id | Kind::Word(..) | Kind::Clock => FieldKind::Text,
                        Kind::Texts | Kind::Ids | Kind::Words(..) => FieldKind::Texts,
                        Kind::Date => FieldKind::Date,
                        Kind::Boolean => FieldKind::Boolean,
                        Kind::Number | Kind::Amount | Kind::Percent => FieldKind::Number,
                        Kind::Integer | Kind::Year | Kind::Count => FieldKind::Integer,
                        Kind::DateTime => FieldKind::Time,
                        Kind::Secret => panic!("{file} {}", column.name),
                    };
                    assert_eq!(field.kind, kind, "{file} {}", column.name);
                }
            }
        }
    }

    #[test]
    fn every_field_is_a_column_and_no_secret() {
        for file in File::ALL {
            for field in file.entity().fields() {
                let known = |name: &&str| {
                    Version::ALL
                        .iter()
                        .flat_map(|version| file.columns(*version))
                        .any(|column| column.name == *name && column.kind != Kind::Secret)
                };
                assert!(field.from.iter().all(known), "{file} {}", field.name);
            }
        }
    }
}
