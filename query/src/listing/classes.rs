//! `column_classes`: what each column of each table tells about people.

use std::sync::Arc;

use datafusion::arrow::array::{ArrayRef, RecordBatch, StringArray};
use datafusion::error::Result;

use super::{Column, Kind, Listing, batch, column};
use crate::information_schema;
use crate::session::ENTRIES;

pub(super) const COLUMNS: &[Column] = &[
    column("table_name", Kind::Text, "The table."),
    column("column_name", Kind::Text, "The column."),
    column("data_type", Kind::Text, "Its type."),
    column("class", Kind::Text, "personal, key or plain."),
    column(
        "description",
        Kind::Text,
        "What it tells, where that is said.",
    ),
];

pub(super) fn rows() -> Result<RecordBatch> {
    let rows: Vec<_> = ENTRIES
        .iter()
        .flat_map(|entry| {
            let columns = entry.columns().iter();
            columns.map(|column| (entry.name(), column))
        })
        .collect();
    let texts = |of: &dyn Fn(&(&'static str, &information_schema::Column)) -> Option<String>| {
        Arc::new(StringArray::from_iter(rows.iter().map(of))) as ArrayRef
    };
    let columns = vec![
        texts(&|(table, _)| Some((*table).to_owned())),
        texts(&|(_, column)| Some(column.name.clone())),
        texts(&|(_, column)| Some(column.data_type.clone())),
        texts(&|(_, column)| Some(column.class.as_str().to_owned())),
        texts(&|(_, column)| column.description.map(str::to_owned)),
    ];
    batch(Listing::ColumnClasses, columns)
}
