//! Queries in the place of views, for databases in which nothing may be made.

use std::collections::BTreeMap;

use roster::Entity;
use serde::Deserialize;

/// For each table a query that selects its columns by their names.
///
/// ```
/// let mapping: transform::roster::Mapping = r#"
///     [orgs]
///     query = "SELECT 'school-' || id AS org_id, title AS name, 'school' AS type FROM schools"
///     [users]
///     query = "SELECT 'pupil-' || id AS user_id, login AS username FROM pupils"
///     [courses]
///     query = "SELECT 'subject-' || id AS course_id, title AS name FROM subjects"
///     [sections]
///     query = "SELECT 'group-' || id AS section_id, title AS name FROM groups"
///     [enrollments]
///     query = "SELECT id::text AS enrollment_id, 'group-' || grp AS section_id, 'pupil-' || pupil AS user_id, 'student' AS role FROM members"
/// "#.parse()?;
/// # Ok::<(), transform::roster::MappingError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mapping(BTreeMap<Entity, String>);

/// Why a text is no mapping.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum MappingError {
    /// It is not as TOML is, or has keys that mean nothing.
    #[error("the mapping cannot be read: {0}")]
    Toml(String),
    /// There is no such table in rosters.
    #[error("the mapping has a table {0}, which rosters have not; the tables are {1}")]
    UnknownTable(String, String),
    /// A table that has to be there is not.
    #[error(
        "the mapping has no table {0}: orgs, users, courses, sections and enrollments have to be there"
    )]
    MissingTable(Entity),
    /// A query without text.
    #[error("the query of {0} is empty; leave the table out if there is nothing for it")]
    NoQuery(Entity),
}

/// What is said of a table.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Mapped {
    query: String,
}

impl Mapping {
    /// The tables and their queries, in the order of reference.
    pub(super) fn queries(&self) -> impl Iterator<Item = (Entity, &str)> {
        self.0
            .iter()
            .map(|(entity, query)| (*entity, query.as_str()))
    }
}

impl std::str::FromStr for Mapping {
    type Err = MappingError;

    fn from_str(text: &str) -> Result<Self, MappingError> {
        let read: BTreeMap<String, Mapped> =
            toml::from_str(text).map_err(|error| MappingError::Toml(error.message().to_owned()))?;
        let mut queries = BTreeMap::new();
        for (name, mapped) in read {
            let tables = Entity::ALL
                .into_iter()
                .filter(|of| roster::is_gathered(*of));
            let entity = tables.clone().find(|of| of.name() == name);
            let entity = entity.ok_or_else(|| {
                let names: Vec<_> = tables.map(Entity::name).collect();
                MappingError::UnknownTable(name, names.join(", "))
            })?;
            let query = mapped.query.trim().trim_end_matches(';').trim_end();
            if query.is_empty() {
                return Err(MappingError::NoQuery(entity));
            }
            queries.insert(entity, query.to_owned());
        }
        let missing = super::tables::REQUIRED
            .into_iter()
            .find(|entity| !queries.contains_key(entity));
        match missing {
            Some(entity) => Err(MappingError::MissingTable(entity)),
            None => Ok(Self(queries)),
        }
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    const WHOLE: &str = "orgs.query = '1;'\nusers.query = '2'\ncourses.query = '3'\n\
                         sections.query = '4'\nenrollments.query = '5'\n";

    #[test]
    fn tables_come_in_the_order_of_reference() {
        let mapping: Mapping = WHOLE.parse().expect("a mapping");
        let queries: Vec<_> = mapping.queries().map(|(_, query)| query).collect();
        assert_eq!(queries, ["1", "3", "4", "2", "5"]);
    }

    #[rstest]
    #[case::another_table("pupils.query = 'SELECT 1'", "has a table pupils")]
    #[case::another_key("terms.sql = 'SELECT 1'", "unknown field `sql`")]
    #[case::no_query("terms.query = ' ; '", "query of terms is empty")]
    #[case::no_toml("terms = [", "cannot be read")]
    fn what_is_wrong_is_told(#[case] more: &str, #[case] expected: &str) {
        let error = format!("{WHOLE}{more}")
            .parse::<Mapping>()
            .expect_err("wrong");
        assert!(error.to_string().contains(expected), "{error}");
        let missing = "orgs.query = '1'".parse::<Mapping>().expect_err("wrong");
        assert_eq!(missing, MappingError::MissingTable(Entity::Users));
    }
}
