//! `information_schema`, made from what this session can name: DataFusion's own
//! also shows the settings of the process and the text of every view.

use std::sync::Arc;

use datafusion::arrow::array::{ArrayRef, RecordBatch, StringArray, UInt64Array};
use datafusion::arrow::datatypes::SchemaRef;
use datafusion::catalog::{MemTable, MemorySchemaProvider, SchemaProvider};
use datafusion::error::Result;

use schemas::{Report, ReportKind, Table};
use serde_json::{Value, json};

use crate::catalog::{CATALOG, SCHEMA, views};
use crate::types;

/// What a listing shows of a table or view.
#[derive(Debug, Clone)]
pub(crate) struct Entry {
    name: &'static str,
    columns: SchemaRef,
    /// What else is known of it when it is a report.
    report: Option<&'static Report>,
}

impl Entry {
    /// All that a session can name, with its columns.
    pub(crate) fn all() -> Vec<Self> {
        let tables = Table::all().map(|table| Self {
            name: table.as_str(),
            columns: schemas::columns(table),
            report: schemas::report(table.as_str()),
        });
        let views = views().map(|view| Self {
            name: view.name,
            columns: Arc::clone(view.schema()),
            report: Some(view),
        });
        tables.chain(views).collect()
    }

    fn kind(&self) -> &'static str {
        match self.report.map(|report| report.kind) {
            Some(ReportKind::View) => "VIEW",
            Some(ReportKind::Table) | None => "BASE TABLE",
        }
    }

    /// As `GET /v1/tables` shows it.
    pub(crate) fn to_json(&self) -> Value {
        match self.report {
            Some(report) => json!({
                "name": self.name,
                "type": self.kind(),
                "description": report.description,
                "columns": described(report),
            }),
            None => {
                let fields = self.columns.fields().iter();
                let columns = fields.map(
                    |field| json!({ "name": field.name(), "type": types::name(field.data_type()) }),
                );
                let columns: Vec<Value> = columns.collect();
                json!({ "name": self.name, "type": self.kind(), "columns": columns })
            }
        }
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

/// The schema with `tables`, `columns` and `schemata`.
pub(crate) fn schema(entries: &[Entry]) -> Result<Arc<dyn SchemaProvider>> {
    let schema = MemorySchemaProvider::new();
    for (name, batch) in [
        ("tables", tables(entries)?),
        ("columns", columns(entries)?),
        ("schemata", schemata()?),
    ] {
        let table = MemTable::try_new(batch.schema(), vec![vec![batch]])?;
        schema.register_table(name.to_owned(), Arc::new(table))?;
    }
    Ok(Arc::new(schema))
}

fn tables(entries: &[Entry]) -> Result<RecordBatch> {
    batch([
        ("table_catalog", texts(entries.iter().map(|_| CATALOG))),
        ("table_schema", texts(entries.iter().map(|_| SCHEMA))),
        ("table_name", texts(entries.iter().map(|entry| entry.name))),
        ("table_type", texts(entries.iter().map(Entry::kind))),
    ])
}

fn columns(entries: &[Entry]) -> Result<RecordBatch> {
    let rows: Vec<_> = entries
        .iter()
        .flat_map(|entry| {
            let fields = entry.columns.fields().iter().zip(1_u64..);
            fields.map(|(field, position)| (entry.name, field, position))
        })
        .collect();
    let nullable = |nullable| if nullable { "YES" } else { "NO" };
    batch([
        ("table_catalog", texts(rows.iter().map(|_| CATALOG))),
        ("table_schema", texts(rows.iter().map(|_| SCHEMA))),
        ("table_name", texts(rows.iter().map(|(table, ..)| *table))),
        (
            "column_name",
            texts(rows.iter().map(|(_, field, _)| field.name())),
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
                    .map(|(_, field, _)| nullable(field.is_nullable())),
            ),
        ),
        (
            "data_type",
            texts(
                rows.iter()
                    .map(|(_, field, _)| types::name(field.data_type())),
            ),
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
