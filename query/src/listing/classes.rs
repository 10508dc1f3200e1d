//! `column_classes`: what each column of each table tells about people.

use datafusion::arrow::array::RecordBatch;

use super::arrays::texts;
use super::{Column, Kind, Listing, batch, column};
use crate::error::Error;
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

pub(super) fn rows() -> Result<RecordBatch, Error> {
    let rows: Vec<_> = ENTRIES
        .iter()
        .flat_map(|entry| {
            let columns = entry.columns().iter();
            columns.map(|column| (entry.name(), column))
        })
        .collect();
    let rows = rows.as_slice();
    let columns = vec![
        texts(rows, |(table, _)| Some((*table).to_owned())),
        texts(rows, |(_, column)| Some(column.name.clone())),
        texts(rows, |(_, column)| Some(column.data_type.clone())),
        texts(rows, |(_, column)| Some(column.class.as_str().to_owned())),
        texts(rows, |(_, column)| column.description.map(str::to_owned)),
    ];
    batch(Listing::ColumnClasses, columns)
}
