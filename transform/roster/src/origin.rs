//! Who says the rows: the files of a bundle, or tables that have our columns already.

use std::collections::BTreeMap;

use schemas::roster::Entity;

use crate::binding::{Column, File, Hold, Kind, Reference};
use crate::manifest::Version;

/// From where rows come. It says how diagnostics name their tables and columns, and what
/// each column may hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Origin {
    /// The files of a bundle of this version.
    Bundle(Version),
    /// Tables with our columns, and what the source calls each that it has.
    Tables(BTreeMap<Entity, String>),
}

/// What a row of a table of our columns has to say, beside its key and what it says
/// nothing without. Much else that a bundle has to have, a database need not know.
const NEEDED: &[(Entity, &[&str])] = &[
    (Entity::Orgs, &["type"]),
    (Entity::Terms, &["type", "start_date", "end_date"]),
    (Entity::Roles, &["role"]),
    (Entity::Enrollments, &["role"]),
];

/// Roles of enrollments in databases; the binding has no aides there.
const ROLES_IN_SECTIONS: &[&str] = &["administrator", "aide", "proctor", "student", "teacher"];

impl Origin {
    /// The version of the bundle, if it is one.
    pub fn version(&self) -> Option<Version> {
        match self {
            Self::Bundle(version) => Some(*version),
            Self::Tables(_) => None,
        }
    }

    /// What a table is called where the rows come from.
    pub(crate) fn name(&self, entity: Entity) -> String {
        match self {
            Self::Bundle(_) => File::of(entity).map(|file| file.name()).unwrap_or_default(),
            Self::Tables(names) => names.get(&entity).cloned().unwrap_or_default(),
        }
    }

    /// What a column of the binding is called where the rows come from.
    pub(crate) fn column<'a>(&self, entity: Entity, name: &'a str) -> &'a str {
        let Self::Tables(_) = self else {
            return name;
        };
        let mut fields = entity.fields().iter();
        match fields.find(|field| field.from.contains(&name)) {
            Some(field) => field.name,
            None if name == "sourcedId" => entity.fields()[0].name,
            None => name,
        }
    }

    /// The fields of a table that the source gives, and the columns that they are.
    pub(crate) fn columns(&self, entity: Entity) -> Vec<(usize, Column)> {
        match self {
            Self::Bundle(version) => of_file(entity, *version),
            Self::Tables(_) => of_table(entity),
        }
    }

    /// Whether roles are made of the users.
    pub(crate) fn derives_roles(&self) -> bool {
        match self {
            Self::Bundle(version) => *version == Version::V1_1,
            Self::Tables(names) => !names.contains_key(&Entity::Roles),
        }
    }

    /// Whether guardians are made of the users.
    pub(crate) fn derives_guardians(&self) -> bool {
        match self {
            Self::Bundle(_) => true,
            Self::Tables(names) => !names.contains_key(&Entity::Guardians),
        }
    }
}

fn of_file(entity: Entity, version: Version) -> Vec<(usize, Column)> {
    let columns = File::of(entity).map(|file| file.columns(version));
    let field_of = |column: &Column| {
        let mut fields = entity.fields().iter();
        fields.position(|field| field.from.contains(&column.name))
    };
    let columns = columns.unwrap_or_default().iter();
    columns
        .filter_map(|column| Some((field_of(column)?, *column)))
        .collect()
}

/// As the newest version that has the column, under the name of the field.
fn of_table(entity: Entity) -> Vec<(usize, Column)> {
    if entity == Entity::Guardians {
        return vec![
            (0, person("user_id", Hold::Firm)),
            (1, person("agent_id", Hold::Loose)),
        ];
    }
    let newest = |field: usize| {
        [Version::V1_2, Version::V1_1]
            .iter()
            .flat_map(|version| of_file(entity, *version))
            .find_map(|(of, column)| (of == field).then_some(column))
    };
    let fields = entity.fields().iter().enumerate();
    fields
        .filter_map(|(index, field)| {
            let mut column = newest(index)?;
            column.name = field.name;
            column.required = is_needed(entity, index, &column);
            if let (Entity::Enrollments, Kind::Word(_, extension)) = (entity, column.kind) {
                column.kind = Kind::Word(ROLES_IN_SECTIONS, extension);
            }
            Some((index, column))
        })
        .collect()
}

fn person(name: &'static str, hold: Hold) -> Column {
    Column {
        name,
        kind: Kind::Id,
        required: true,
        refers: Some(Reference {
            file: File::Users,
            hold,
        }),
    }
}

fn is_needed(entity: Entity, field: usize, column: &Column) -> bool {
    let is_firm = column
        .refers
        .is_some_and(|reference| reference.hold == Hold::Firm);
    let is_named = NEEDED
        .iter()
        .any(|(of, names)| *of == entity && names.contains(&column.name));
    entity.fields()[field].is_key || is_firm || is_named
}

/// The columns without a value in which a row of a table of our columns is left out.
pub fn needed(entity: Entity) -> impl Iterator<Item = &'static str> {
    let columns = of_table(entity).into_iter();
    columns
        .filter(|(_, column)| column.required)
        .map(|(_, column)| column.name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_field_that_is_not_made_of_others_is_a_column() {
        for entity in Entity::ALL {
            let columns = of_table(entity).into_iter();
            let named: Vec<_> = columns.map(|(_, column)| column.name).collect();
            let fields = entity.fields().iter().map(|field| field.name);
            let given: Vec<_> = fields.filter(|name| *name != "term").collect();
            assert_eq!(named, given, "{entity}");
        }
    }

    #[test]
    fn what_a_row_says_nothing_without_is_needed() {
        let of = |entity| needed(entity).collect::<Vec<_>>();
        assert_eq!(of(Entity::Users), ["user_id"]);
        assert_eq!(of(Entity::Sections), ["section_id"]);
        assert_eq!(
            of(Entity::Enrollments),
            ["enrollment_id", "section_id", "user_id", "role"]
        );
        assert_eq!(of(Entity::Guardians), ["user_id", "agent_id"]);
    }

    #[test]
    fn columns_are_called_as_the_source_calls_them() {
        let tables = Origin::Tables(BTreeMap::new());
        assert_eq!(tables.column(Entity::Terms, "startDate"), "start_date");
        assert_eq!(tables.column(Entity::Sections, "sourcedId"), "section_id");
        assert_eq!(tables.column(Entity::Guardians, "sourcedId"), "user_id");
        assert_eq!(tables.column(Entity::Users, "email"), "email");
        let bundle = Origin::Bundle(Version::V1_1);
        assert_eq!(bundle.column(Entity::Terms, "startDate"), "startDate");
    }
}
