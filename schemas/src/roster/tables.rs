//! The columns of the tables in which rosters are stored.

use std::collections::HashMap;
use std::sync::{Arc, LazyLock};

use arrow_schema::{DataType, Field as Column, Schema, SchemaRef, TimeUnit};

use super::{Class, Entity, Field, FieldKind};

/// The columns of an entity's two tables, and those by which they are sorted.
struct Tables {
    current: SchemaRef,
    history: SchemaRef,
    key: Vec<&'static str>,
    versions: Vec<&'static str>,
}

static TABLES: LazyLock<HashMap<Entity, Tables>> = LazyLock::new(|| {
    let tables = Entity::ALL.map(|entity| (entity, Tables::of(entity)));
    tables.into_iter().collect()
});

impl Tables {
    fn of(entity: Entity) -> Self {
        let mut columns: Vec<_> = entity.fields().iter().map(|f| column(entity, f)).collect();
        columns.extend([
            Column::new("valid_from", DataType::Date32, true),
            Column::new("valid_to", DataType::Date32, true),
            Column::new("modified_at", timestamp(), true),
            Column::new("recorded_at", timestamp(), false),
        ]);
        let current = Arc::new(Schema::new(columns.clone()));
        columns.extend([
            Column::new("change", DataType::Utf8, false),
            Column::new("import", DataType::Int64, false),
        ]);
        let key: Vec<_> = entity
            .key_fields()
            .map(|field| entity.fields()[field].name)
            .collect();
        Self {
            current,
            history: Arc::new(Schema::new(columns)),
            versions: key.iter().copied().chain(["import"]).collect(),
            key,
        }
    }
}

fn column(entity: Entity, field: &Field) -> Column {
    let data_type = match field.kind {
        FieldKind::Text => DataType::Utf8,
        FieldKind::Texts => DataType::List(Arc::new(Column::new("element", DataType::Utf8, true))),
        FieldKind::Date => DataType::Date32,
        FieldKind::Boolean => DataType::Boolean,
        FieldKind::Number => DataType::Float64,
        FieldKind::Integer => DataType::Int64,
        FieldKind::Time => timestamp(),
    };
    let is_partition = entity.is_by_term() && field.name == "term";
    Column::new(field.name, data_type, !(field.is_key || is_partition))
}

fn timestamp() -> DataType {
    DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into()))
}

/// The columns of the table of current rows: the entity's fields, then from which and
/// until which day the row is so by the source (both included), when the source changed
/// it last, and when it was imported.
pub(crate) fn columns(entity: Entity) -> SchemaRef {
    Arc::clone(&TABLES[&entity].current)
}

/// The columns of the table of all versions: those of the current rows, then what
/// happened (`added`, `changed`, `ended`) and by the import of which number.
pub(crate) fn history_columns(entity: Entity) -> SchemaRef {
    Arc::clone(&TABLES[&entity].history)
}

/// Current rows are sorted by their key.
pub(crate) fn sort_columns(entity: Entity) -> &'static [&'static str] {
    &TABLES[&entity].key
}

/// Versions are sorted by the key and the import.
pub(crate) fn history_sort_columns(entity: Entity) -> &'static [&'static str] {
    &TABLES[&entity].versions
}

/// What a column of either table tells about people.
pub(crate) fn column_class(entity: Entity, column: &str) -> Class {
    let field = entity.fields().iter().find(|field| field.name == column);
    field.map_or(Class::Plain, |field| field.class)
}

/// SQL for all versions of an entity's rows, from its history: with `superseded_at`, when
/// the next version of the row was imported. It is NULL of the newest one. What has
/// ended is a version, too: at a time `t` those rows were stored of which
/// `recorded_at <= t`, `superseded_at` is NULL or after `t`, and `change <> 'ended'`.
///
/// Nothing of it is stored: history only grows, and no import changes an earlier one's
/// rows.
pub fn versions_sql(entity: Entity) -> String {
    let quoted = |name: &str| format!("\"{name}\"");
    let columns = history_columns(entity);
    let columns: Vec<_> = columns.fields().iter().map(|c| quoted(c.name())).collect();
    let key: Vec<_> = sort_columns(entity)
        .iter()
        .map(|name| quoted(name))
        .collect();
    format!(
        "SELECT {}, LEAD(\"recorded_at\") OVER (PARTITION BY {} ORDER BY \"import\") AS \
         \"superseded_at\" FROM \"{}\"",
        columns.join(", "),
        key.join(", "),
        entity.history_name()
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_has_the_fields_and_when_they_are_so() {
        let columns = columns(Entity::Guardians);
        let told: Vec<_> = columns
            .fields()
            .iter()
            .map(|c| format!("{}{}", c.name(), if c.is_nullable() { "?" } else { "" }))
            .collect();
        let expected = [
            "user_id",
            "agent_id",
            "valid_from?",
            "valid_to?",
            "modified_at?",
            "recorded_at",
        ];
        assert_eq!(told, expected);
        assert_eq!(sort_columns(Entity::Guardians), ["user_id", "agent_id"]);
        let history = history_sort_columns(Entity::Guardians);
        assert_eq!(history, ["user_id", "agent_id", "import"]);
    }

    #[test]
    fn no_field_is_called_as_what_all_tables_have() {
        for entity in Entity::ALL {
            let columns = history_columns(entity);
            let mut names: Vec<_> = columns.fields().iter().map(|c| c.name()).collect();
            names.sort();
            names.dedup();
            assert_eq!(names.len(), columns.fields().len(), "{entity}");
            assert_eq!(entity.history_name(), format!("{entity}_history"));
        }
    }
}
