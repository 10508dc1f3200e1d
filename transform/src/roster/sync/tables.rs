//! Which tables a database has for us, and how each is asked for.

use std::collections::BTreeMap;

use lake::imports::Import;
use roster::{Entity, Field, FieldKind};
use sha2::{Digest, Sha256};
use sqlx::postgres::{PgTypeInfo, PgTypeKind};
use sqlx::{Column as _, Executor as _, Statement as _, TypeInfo as _};

use super::database::Database;
use super::{Mapping, SourceError};

/// What no roster can do without.
pub(super) const REQUIRED: [Entity; 5] = [
    Entity::Orgs,
    Entity::Users,
    Entity::Courses,
    Entity::Sections,
    Entity::Enrollments,
];

/// The columns behind those of the table.
const DELETED: &str = "is_deleted";
const MODIFIED: &str = "modified_at";
const WATERMARK: &str = "watermark";

/// The tables, and a checksum of what they are made of.
pub(super) struct Tables {
    pub tables: Vec<TableQuery>,
    pub definition: String,
}

impl Tables {
    /// Whether an import has changed rows of one of them.
    pub fn are_changed_by(&self, import: &Import) -> bool {
        let counts = |table: &TableQuery| import.tables.get(table.entity.name());
        let mut counts = self.tables.iter().filter_map(counts);
        counts.any(|counts| counts.changes() > 0)
    }
}

/// How a table is asked for.
#[derive(Debug)]
pub(super) struct TableQuery {
    pub entity: Entity,
    /// What it is called in diagnostics and errors.
    pub name: String,
    /// Where in our rows the first of its columns stand.
    pub fields: Vec<usize>,
    select: String,
    has_watermark: bool,
}

impl TableQuery {
    /// Whether what has changed can be asked for; else all its rows are read each time.
    pub fn has_watermark(&self) -> bool {
        self.has_watermark
    }

    /// The query; of what has changed from a watermark on, or of all rows.
    pub fn sql(&self, since: Option<i64>) -> String {
        match since.filter(|_| self.has_watermark) {
            Some(since) => format!(
                "{} WHERE t.{WATERMARK} >= {since} OR t.{WATERMARK} IS NULL",
                self.select
            ),
            None => self.select.clone(),
        }
    }

    /// The name of its cursor.
    pub fn cursor(&self) -> String {
        format!("roster_{}", self.entity)
    }
}

impl Tables {
    /// The views of the schema `chalkline`.
    pub async fn of_views(database: &mut Database) -> Result<Self, SourceError> {
        const MAY_ENTER: &str =
            "SELECT has_schema_privilege(to_regnamespace('chalkline')::oid, 'USAGE')";
        const VIEWS: &str = "\
            SELECT c.relname::text, has_table_privilege(c.oid, 'SELECT'),
                   CASE WHEN c.relkind IN ('v', 'm') THEN pg_get_viewdef(c.oid) ELSE '' END
              FROM pg_class c
             WHERE c.relnamespace = to_regnamespace('chalkline')::oid
               AND c.relkind IN ('v', 'm', 'r', 'f', 'p')";
        let asked = sqlx::query_scalar(MAY_ENTER);
        let may_enter: Option<bool> = asked
            .fetch_one(database.connection())
            .await
            .map_err(|error| database.error("the schema chalkline", error))?;
        if !may_enter.ok_or(SourceError::NotSetUp)? {
            return Err(denied(
                database,
                "the schema chalkline",
                "USAGE ON SCHEMA chalkline",
            ));
        }
        let asked = sqlx::query_as(VIEWS).fetch_all(database.connection()).await;
        let views: Vec<(String, bool, String)> =
            asked.map_err(|error| database.error("the schema chalkline", error))?;
        let views = views.into_iter();
        let views: BTreeMap<_, _> = views.map(|(name, may, view)| (name, (may, view))).collect();
        let mut definition = Sha256::new();
        let mut tables = Vec::new();
        let gathered = Entity::ALL
            .into_iter()
            .filter(|of| roster::is_gathered(*of));
        for entity in gathered {
            let name = format!("chalkline.{entity}");
            let Some((may_read, view)) = views.get(entity.name()) else {
                if REQUIRED.contains(&entity) {
                    return Err(SourceError::MissingView(entity));
                }
                continue;
            };
            if !may_read {
                return Err(denied(database, &name, &format!("SELECT ON {name}")));
            }
            definition.update(entity.name());
            definition.update(view);
            tables.push(describe(database, entity, name.clone(), &name, false).await?);
        }
        Ok(Self {
            tables,
            definition: format!("{:x}", definition.finalize()),
        })
    }

    /// The queries of a mapping.
    pub async fn of_mapping(
        database: &mut Database,
        mapping: &Mapping,
    ) -> Result<Self, SourceError> {
        let mut definition = Sha256::new();
        let mut tables = Vec::new();
        for (entity, query) in mapping.queries() {
            definition.update(entity.name());
            definition.update(query);
            let name = format!("{entity} of the mapping");
            // A query may end with a comment.
            let from = format!("({query}\n)");
            tables.push(describe(database, entity, name, &from, true).await?);
        }
        Ok(Self {
            tables,
            definition: format!("{:x}", definition.finalize()),
        })
    }
}

fn denied(database: &Database, what: &str, privilege: &str) -> SourceError {
    let role = database.role().to_owned();
    SourceError::Denied {
        grant: format!("GRANT {privilege} TO {role}"),
        what: what.to_owned(),
        role,
    }
}

/// Holds the columns against ours. A view has all of them, and a query those that it has
/// something for.
async fn describe(
    database: &mut Database,
    entity: Entity,
    name: String,
    from: &str,
    is_mapped: bool,
) -> Result<TableQuery, SourceError> {
    let sql = format!("SELECT * FROM {from} t");
    let prepared = database.connection().prepare(&sql).await;
    let prepared = prepared.map_err(|error| database.error(&name, error))?;
    let columns: BTreeMap<&str, &PgTypeInfo> = prepared
        .columns()
        .iter()
        .map(|column| (column.name(), column.type_info()))
        .collect();
    let needed: Vec<_> = roster::needed(entity).collect();
    let (mut fields, mut selected) = (Vec::new(), Vec::new());
    for (index, field) in entity.fields().iter().enumerate() {
        if is_made_of_others(entity, field) {
            continue;
        }
        let expected = expected(field.kind);
        let found = columns.get(field.name);
        if found.is_none() && is_mapped && !needed.contains(&field.name) {
            continue;
        }
        check(&name, field.name, found, expected, |info| {
            is_of(field.kind, info)
        })?;
        fields.push(index);
        selected.push(value(field));
    }
    let of_all = |column: &str, expected, is_right: fn(&PgTypeInfo) -> bool, sql: &str| {
        let found = columns.get(column);
        if found.is_none() && is_mapped {
            return Ok((false, "NULL".to_owned()));
        }
        check(&name, column, found, expected, is_right)?;
        Ok((true, sql.to_owned()))
    };
    let is_flag = |info: &PgTypeInfo| info.name() == "BOOL";
    let (_, deleted) = of_all(DELETED, "boolean", is_flag, "t.is_deleted")?;
    let time = FieldKind::Time;
    let is_time = |info: &PgTypeInfo| is_of(FieldKind::Time, info);
    let (_, modified) = of_all(MODIFIED, expected(time), is_time, &micros(MODIFIED))?;
    let is_mark = |info: &PgTypeInfo| ["INT8", "INT4"].contains(&info.name());
    let (has_watermark, _) = of_all(WATERMARK, "bigint", is_mark, "")?;
    if is_mapped {
        let fields = entity.fields().iter();
        let fields = fields.filter(|field| !is_made_of_others(entity, field));
        let known: Vec<_> = fields.map(|field| field.name).collect();
        let known = [&known[..], &[DELETED, MODIFIED, WATERMARK]].concat();
        if let Some(unknown) = columns.keys().find(|column| !known.contains(column)) {
            return Err(SourceError::UnknownColumn {
                table: name,
                column: (*unknown).to_owned(),
                entity,
                columns: known.join(", "),
            });
        }
    }
    selected.extend([
        format!("coalesce({deleted}, false)"),
        format!("({modified})::bigint"),
    ]);
    let select = format!("SELECT {} FROM {from} t", selected.join(", "));
    Ok(TableQuery {
        entity,
        name,
        fields,
        select,
        has_watermark,
    })
}

/// We make the term of others; guardians are made of others only where nobody gives them.
fn is_made_of_others(entity: Entity, field: &Field) -> bool {
    field.from.is_empty() && entity != Entity::Guardians
}

fn check(
    table: &str,
    column: &str,
    found: Option<&&PgTypeInfo>,
    expected: &'static str,
    is_right: impl Fn(&PgTypeInfo) -> bool,
) -> Result<(), SourceError> {
    let (table, column) = (table.to_owned(), column.to_owned());
    match found {
        Some(info) if is_right(info) => Ok(()),
        Some(info) => Err(SourceError::ColumnType {
            table,
            column,
            found: info.name().to_lowercase(),
            expected,
        }),
        None => Err(SourceError::MissingColumn {
            table,
            column,
            expected,
        }),
    }
}

fn expected(kind: FieldKind) -> &'static str {
    match kind {
        FieldKind::Text => "text",
        FieldKind::Texts => "text[]",
        FieldKind::Date => "date",
        FieldKind::Boolean => "boolean",
        FieldKind::Number => "double precision or numeric",
        FieldKind::Integer => "integer or bigint",
        FieldKind::Time => "timestamp with time zone",
    }
}

/// Whether values of a type can be a field's.
fn is_of(kind: FieldKind, info: &PgTypeInfo) -> bool {
    match (kind, info.kind()) {
        (_, PgTypeKind::Domain(of)) => is_of(kind, of),
        (FieldKind::Texts, PgTypeKind::Array(of)) => is_of(FieldKind::Text, of),
        (FieldKind::Text, PgTypeKind::Enum(_)) => true,
        (FieldKind::Text, _) => {
            let texts = ["TEXT", "VARCHAR", "CHAR", "NAME", "UUID", "CITEXT"];
            texts
                .iter()
                .any(|name| name.eq_ignore_ascii_case(info.name()))
        }
        (FieldKind::Texts, _) => false,
        (FieldKind::Date, _) => info.name() == "DATE",
        (FieldKind::Boolean, _) => info.name() == "BOOL",
        (FieldKind::Number, _) => {
            let numbers = ["FLOAT8", "FLOAT4", "NUMERIC", "INT8", "INT4", "INT2"];
            numbers.contains(&info.name())
        }
        (FieldKind::Integer, _) => ["INT8", "INT4", "INT2"].contains(&info.name()),
        (FieldKind::Time, _) => info.name() == "TIMESTAMPTZ",
    }
}

/// The value of a column as `values.rs` reads it.
fn value(field: &Field) -> String {
    let name = field.name;
    match field.kind {
        FieldKind::Text => format!("t.\"{name}\"::text"),
        FieldKind::Texts => format!("t.\"{name}\"::text[]"),
        // Days, since infinity is no day of ours.
        FieldKind::Date => {
            format!("CASE WHEN isfinite(t.\"{name}\") THEN t.\"{name}\" - date '1970-01-01' END")
        }
        FieldKind::Boolean => format!("t.\"{name}\"::boolean"),
        FieldKind::Number => format!("t.\"{name}\"::double precision"),
        FieldKind::Integer => format!("t.\"{name}\"::bigint"),
        FieldKind::Time => micros(name),
    }
}

/// A time in microseconds, since infinity is no time of ours.
fn micros(name: &str) -> String {
    format!(
        "CASE WHEN isfinite(t.\"{name}\") \
         THEN (extract(epoch FROM t.\"{name}\") * 1000000)::bigint END"
    )
}
