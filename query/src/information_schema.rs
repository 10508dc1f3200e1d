//! `information_schema`, made from what this session can name: DataFusion's own
//! also shows the settings of the process and the text of every view.

use std::sync::Arc;

use datafusion::arrow::array::{ArrayRef, RecordBatch, StringArray, UInt64Array};
use datafusion::arrow::datatypes::{DataType, Field, SchemaRef};
use datafusion::catalog::{MemTable, MemorySchemaProvider, SchemaProvider, TableProvider};
use datafusion::error::Result;

use schemas::roster::{Class, Entity};
use schemas::{Report, Table};
use serde_json::{Value, json};

use crate::catalog::{CATALOG, SCHEMA, views};
use crate::listing::Listing;
use crate::types;

/// What a listing shows of a table or view.
#[derive(Debug, Clone)]
pub(crate) struct Entry {
    name: &'static str,
    is_view: bool,
    description: Option<String>,
    columns: Vec<Column>,
}

/// What a view's column tells about people; they are called as those of what it reads.
pub(crate) fn class_of_view(view: &Report, column: &str) -> Class {
    let sources = view.sources.iter();
    let mut classes = sources.map(|source| schemas::column_class(*source, column));
    let found = classes.find(|class| *class != Class::Plain);
    found.unwrap_or(Class::Plain)
}

/// What is known of a column.
#[derive(Debug, Clone)]
pub(crate) struct Column {
    pub(crate) name: String,
    pub(crate) data_type: String,
    is_nullable: bool,
    pub(crate) class: Class,
    pub(crate) description: Option<&'static str>,
}

impl Entry {
    /// All that a session can name, with its columns.
    pub(crate) fn all() -> Vec<Self> {
        let tables = Table::all().map(Self::of_table);
        let views = views().map(Self::of_view);
        let rosters = Table::rosters().filter_map(|table| match table {
            Table::Roster(entity) | Table::RosterHistory(entity) => {
                Some(Self::of_roster(table, entity))
            }
            _ => None,
        });
        let listings = Listing::ALL.map(Self::of_listing);
        tables.chain(views).chain(rosters).chain(listings).collect()
    }

    fn of_table(table: Table) -> Self {
        let report = schemas::report(table.as_str());
        let described = |column: &str| {
            let columns = report.into_iter().flat_map(|report| &report.columns);
            let mut found = columns.filter(|known| known.name == column);
            Some(found.next()?.description)
        };
        Self {
            name: table.as_str(),
            is_view: false,
            description: report.map(|report| report.description.clone()),
            columns: columns_of(
                &schemas::columns(table),
                |column| schemas::column_class(table, column),
                described,
            ),
        }
    }

    fn of_view(view: &'static Report) -> Self {
        let described = |column: &str| {
            let mut found = view.columns.iter().filter(|known| known.name == column);
            Some(found.next()?.description)
        };
        Self {
            name: view.name,
            is_view: true,
            description: Some(view.description.clone()),
            columns: columns_of(
                view.schema(),
                |column| class_of_view(view, column),
                described,
            ),
        }
    }

    fn of_roster(table: Table, entity: Entity) -> Self {
        let is_view = matches!(table, Table::RosterHistory(_));
        let mut columns = columns_of(
            &schemas::columns(table),
            |column| schemas::column_class(table, column),
            |column| entity.describe(column),
        );
        if is_view {
            let superseded = Field::new(SUPERSEDED_AT, recorded_at(entity), true);
            columns.push(Column::of(
                &superseded,
                Class::Plain,
                entity.describe(SUPERSEDED_AT),
            ));
        }
        Self {
            name: table.as_str(),
            is_view,
            description: Some(match is_view {
                true => format!(
                    "All versions of the rows of {entity}, also of those that have ended, and when \
                     each was superseded."
                ),
                false => entity.description().to_owned(),
            }),
            columns,
        }
    }

    fn of_listing(listing: Listing) -> Self {
        let described = |column: &str| {
            let mut found = listing
                .columns()
                .iter()
                .filter(|known| known.name == column);
            Some(found.next()?.description)
        };
        Self {
            name: listing.name(),
            is_view: true,
            description: Some(listing.description().to_owned()),
            columns: columns_of(&listing.schema(), |column| listing.class(column), described),
        }
    }

    pub(crate) fn name(&self) -> &'static str {
        self.name
    }

    pub(crate) fn columns(&self) -> &[Column] {
        &self.columns
    }

    fn kind(&self) -> &'static str {
        match self.is_view {
            true => "VIEW",
            false => "BASE TABLE",
        }
    }

    /// As `GET /v1/tables` shows it.
    pub(crate) fn to_json(&self) -> Value {
        let columns: Vec<Value> = self.columns.iter().map(Column::to_json).collect();
        let mut entry = json!({ "name": self.name, "type": self.kind(), "columns": columns });
        if let Some(description) = &self.description {
            entry["description"] = description.as_str().into();
        }
        entry
    }
}

/// When the next version of a row was imported: what a history has beside what is stored.
const SUPERSEDED_AT: &str = "superseded_at";

/// The type of the times of versions.
fn recorded_at(entity: Entity) -> DataType {
    let columns = schemas::columns(Table::RosterHistory(entity));
    let column = columns.field_with_name("recorded_at");
    column.map_or(DataType::Null, |column| column.data_type().clone())
}

fn columns_of(
    columns: &SchemaRef,
    class: impl Fn(&str) -> Class,
    described: impl Fn(&str) -> Option<&'static str>,
) -> Vec<Column> {
    let columns = columns.fields().iter();
    columns
        .map(|column| Column::of(column, class(column.name()), described(column.name())))
        .collect()
}

impl Column {
    fn of(column: &Field, class: Class, description: Option<&'static str>) -> Self {
        Self {
            name: column.name().clone(),
            data_type: types::name(column.data_type()),
            is_nullable: column.is_nullable(),
            class,
            description,
        }
    }

    fn to_json(&self) -> Value {
        let mut column = json!({
            "name": self.name, "type": self.data_type, "class": self.class.as_str(),
        });
        if let Some(description) = self.description {
            column["description"] = description.into();
        }
        column
    }
}

/// The columns of a report as listings show them.
pub(crate) fn described(report: &Report) -> Value {
    let columns = report.columns.iter();
    columns
        .map(|column| {
            json!({
                "name": column.name,
                "type": types::name(&column.data_type),
                "description": column.description,
            })
        })
        .collect()
}

/// The schema with `tables`, `columns` and `schemata`, as they are `seen`.
pub(crate) fn schema(
    entries: &[&Entry],
    seen: impl Fn(Arc<dyn TableProvider>) -> Arc<dyn TableProvider>,
) -> Result<Arc<dyn SchemaProvider>> {
    let schema = MemorySchemaProvider::new();
    for (name, batch) in [
        ("tables", tables(entries)?),
        ("columns", columns(entries)?),
        ("schemata", schemata()?),
    ] {
        let table = MemTable::try_new(batch.schema(), vec![vec![batch]])?;
        schema.register_table(name.to_owned(), seen(Arc::new(table)))?;
    }
    Ok(Arc::new(schema))
}

fn tables(entries: &[&Entry]) -> Result<RecordBatch> {
    batch([
        ("table_catalog", texts(entries.iter().map(|_| CATALOG))),
        ("table_schema", texts(entries.iter().map(|_| SCHEMA))),
        ("table_name", texts(entries.iter().map(|entry| entry.name))),
        (
            "table_type",
            texts(entries.iter().map(|entry| entry.kind())),
        ),
    ])
}

fn columns(entries: &[&Entry]) -> Result<RecordBatch> {
    let rows: Vec<_> = entries
        .iter()
        .flat_map(|entry| {
            let columns = entry.columns.iter().zip(1_u64..);
            columns.map(|(column, position)| (entry.name, column, position))
        })
        .collect();
    let nullable = |nullable| if nullable { "YES" } else { "NO" };
    batch([
        ("table_catalog", texts(rows.iter().map(|_| CATALOG))),
        ("table_schema", texts(rows.iter().map(|_| SCHEMA))),
        ("table_name", texts(rows.iter().map(|(table, ..)| *table))),
        (
            "column_name",
            texts(rows.iter().map(|(_, column, _)| &column.name)),
        ),
        (
            "ordinal_position",
            Arc::new(UInt64Array::from_iter_values(
                rows.iter().map(|(.., position)| *position),
            )),
        ),
        (
            "is_nullable",
            texts(
                rows.iter()
                    .map(|(_, column, _)| nullable(column.is_nullable)),
            ),
        ),
        (
            "data_type",
            texts(rows.iter().map(|(_, column, _)| &column.data_type)),
        ),
    ])
}

fn schemata() -> Result<RecordBatch> {
    batch([
        ("catalog_name", texts([CATALOG])),
        ("schema_name", texts([SCHEMA])),
    ])
}

fn texts(values: impl IntoIterator<Item = impl AsRef<str>>) -> ArrayRef {
    Arc::new(StringArray::from_iter_values(values))
}

fn batch<const N: usize>(columns: [(&str, ArrayRef); N]) -> Result<RecordBatch> {
    Ok(RecordBatch::try_from_iter(columns)?)
}
