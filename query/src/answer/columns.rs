//! The columns of an answer: unique names, plain types.

use std::collections::HashSet;
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use datafusion::arrow::array::{Array, ArrayRef, RecordBatch, StringArray};
use datafusion::arrow::compute::cast;
use datafusion::arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use datafusion::arrow::error::ArrowError;
use datafusion::arrow::util::display::{ArrayFormatter, FormatOptions};

/// Names each column once: the second `id` of a join becomes `id_2`.
pub(crate) fn unique(columns: &Schema) -> SchemaRef {
    let mut taken: HashSet<String> = HashSet::new();
    let all: HashSet<&String> = columns.fields().iter().map(|field| field.name()).collect();
    let fields: Vec<Field> = columns
        .fields()
        .iter()
        .map(|field| {
            let mut name = field.name().clone();
            let mut next = 2_usize;
            while taken.contains(&name) {
                let candidate = format!("{}_{next}", field.name());
                next += 1;
                if !all.contains(&candidate) {
                    name = candidate;
                }
            }
            taken.insert(name.clone());
            // Metadata is how we store, not what was asked.
            Field::new(name, field.data_type().clone(), true)
        })
        .collect();
    Arc::new(Schema::new(fields))
}

/// The same rows under other columns' names.
pub(crate) fn rename(batch: RecordBatch, columns: &SchemaRef) -> Result<RecordBatch, ArrowError> {
    let (_, arrays, rows) = batch.into_parts();
    let options = datafusion::arrow::array::RecordBatchOptions::new().with_row_count(Some(rows));
    RecordBatch::try_new_with_options(Arc::clone(columns), arrays, &options)
}

/// Rows in types that every Arrow reader knows: views and dictionaries are
/// written out.
pub(crate) fn plain_type(data_type: &DataType) -> DataType {
    match data_type {
        DataType::Utf8View => DataType::Utf8,
        DataType::BinaryView => DataType::Binary,
        DataType::Dictionary(_, value) => plain_type(value),
        other => other.clone(),
    }
}

pub(crate) fn plain(columns: &Schema) -> SchemaRef {
    let fields = columns.fields().iter();
    let fields: Vec<Field> = fields
        .map(|field| Field::new(field.name(), plain_type(field.data_type()), true))
        .collect();
    Arc::new(Schema::new(fields))
}

/// Binary values as base64 text.
pub(crate) fn base64(array: &ArrayRef) -> Result<ArrayRef, ArrowError> {
    let binary = cast(array, &DataType::LargeBinary)?;
    let binary = datafusion::arrow::array::AsArray::as_binary::<i64>(&binary);
    let text: StringArray = binary
        .iter()
        .map(|value| value.map(|value| STANDARD.encode(value)))
        .collect();
    Ok(Arc::new(text))
}

/// Values of a type that no text format knows, as Arrow prints them.
pub(crate) fn printed(array: &ArrayRef) -> Result<ArrayRef, ArrowError> {
    let formatter = ArrayFormatter::try_new(array, &FormatOptions::default())?;
    let values: Vec<Option<String>> = (0..array.len())
        .map(|row| {
            let shown = (!array.is_null(row)).then(|| formatter.value(row).try_to_string());
            shown.transpose()
        })
        .collect::<Result<_, _>>()?;
    Ok(Arc::new(StringArray::from(values)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_names_are_told_apart_without_meeting_others() {
        let field = |name: &str| Field::new(name, DataType::Int64, true);
        let columns = Schema::new(vec![
            field("id"),
            field("id"),
            field("id_2"),
            field("id"),
            field("x"),
        ]);
        let unique = unique(&columns);
        let names: Vec<&str> = unique
            .fields()
            .iter()
            .map(|field| field.name().as_str())
            .collect();
        assert_eq!(names, ["id", "id_3", "id_2", "id_4", "x"]);
    }
}
