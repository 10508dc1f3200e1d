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
    /// A catalogue, written so.
    Catalog(Form),
    /// Tables with our columns, and what the source calls each that it has.
    Tables(BTreeMap<Entity, String>),
}

/// How a catalogue is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// A CSV file for each table.
    Files,
    /// JSON, in which tables have no file of their own.
    Json,
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
    /// The version of the bundle or the catalogue, if it is one.
    pub fn version(&self) -> Option<Version> {
        match self {
            Self::Bundle(version) => Some(*version),
            Self::Catalog(_) => Some(Version::Catalog1),
            Self::Tables(_) => None,
        }
    }

    /// What a table is called where the rows come from.
    pub(crate) fn name(&self, entity: Entity) -> String {
        let file = File::of(entity);
        match self {
            Self::Bundle(_) | Self::Catalog(Form::Files) => {
                file.map(File::name).unwrap_or_default()
            }
            Self::Catalog(Form::Json) => file.map(File::stem).unwrap_or_default().to_owned(),
            Self::Tables(names) => names.get(&entity).cloned().unwrap_or_default(),
        }
    }

    /// What a column of the binding is called where the rows come from.
    pub(crate) fn column<'a>(&self, entity: Entity, name: &'a str) -> &'a str {
        if matches!(self, Self::Bundle(_)) {
            return name;
        }
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
            Self::Catalog(_) => of_file(entity, Version::Catalog1),
            Self::Tables(_) => of_table(entity),
        }
    }

    /// Whether roles are made of the users.
    pub(crate) fn derives_roles(&self) -> bool {
        match self {
            Self::Bundle(version) => *version == Version::V1_1,
            Self::Catalog(_) => false,
            Self::Tables(names) => !names.contains_key(&Entity::Roles),
        }
    }

    /// Whether guardians are made of the users.
    pub(crate) fn derives_guardians(&self) -> bool {
        match self {
            Self::Bundle(_) => true,
            Self::Catalog(_) => false,
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

/// Whether a table of our columns may give the rows of a table: they are not made of others,
/// and not those of a catalogue.
pub fn is_gathered(entity: Entity) -> bool {
    !of_table(entity).is_empty()
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
        for entity in Entity::ALL
            .into_iter()
            .filter(|entity| is_gathered(*entity))
        {
            let columns = of_table(entity).into_iter();
            let named: Vec<_> = columns.map(|(_, column)| column.name).collect();
            let fields = entity.fields().iter().map(|field| field.name);
            let given: Vec<_> = fields.filter(|name| *name != "term").collect();
            assert_eq!(named, given, "{entity}");
        }
    }

    #[test]
    fn databases_give_all_that_bundles_give_and_no_catalogue() {
        for entity in Entity::ALL {
            let of_catalog = File::of(entity).is_some_and(File::is_of_catalog);
            let is_given = entity != Entity::Identities && !of_catalog;
            assert_eq!(is_gathered(entity), is_given, "{entity}");
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
        let files = Origin::Catalog(Form::Files);
        assert_eq!(files.name(Entity::Contents), "contents.csv");
        assert_eq!(files.column(Entity::Contents, "sourcedId"), "content_id");
        assert_eq!(files.column(Entity::Contents, "due_on"), "due_on");
        assert_eq!(Origin::Catalog(Form::Json).name(Entity::Awards), "awards");
        let bundle = Origin::Bundle(Version::V1_1);
        assert_eq!(bundle.column(Entity::Terms, "startDate"), "startDate");
    }
}
