//! CSV as RFC 4180 has it: a header line, CRLF, quotes where needed. A value
//! that is missing and an empty text look the same.

use std::mem;
use std::sync::Arc;

use datafusion::arrow::array::{Array, ArrayRef, RecordBatch, StringArray};
use datafusion::arrow::csv::writer::{Terminator, WriterBuilder};
use datafusion::arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use datafusion::arrow::error::ArrowError;
use datafusion::arrow::json::writer::{EncoderOptions, make_encoder};

use super::columns::{base64, printed};
use super::format::Encoder;

pub(crate) struct Csv {
    columns: SchemaRef,
    header: bool,
}

impl Csv {
    pub(crate) fn new(columns: SchemaRef) -> Self {
        Self {
            columns,
            header: true,
        }
    }

    fn write(&mut self, batch: &RecordBatch) -> Result<Vec<u8>, ArrowError> {
        let mut bytes = Vec::new();
        WriterBuilder::new()
            .with_header(mem::take(&mut self.header))
            .with_line_terminator(Terminator::CRLF)
            .build(&mut bytes)
            .write(batch)?;
        Ok(bytes)
    }
}

impl Encoder for Csv {
    fn begin(&mut self) -> Result<Vec<u8>, ArrowError> {
        // Rows may never come; the header always does.
        let empty = RecordBatch::new_empty(Arc::clone(&self.columns));
        self.write(&flat(&empty)?)
    }

    fn rows(&mut self, batch: &RecordBatch) -> Result<Vec<u8>, ArrowError> {
        self.write(&flat(batch)?)
    }

    fn end(&mut self) -> Result<Vec<u8>, ArrowError> {
        Ok(Vec::new())
    }
}

/// The rows in types for which a cell has a form: nested values as JSON, binary
/// ones as base64.
fn flat(batch: &RecordBatch) -> Result<RecordBatch, ArrowError> {
    let arrays = batch.columns().iter().map(cell);
    let arrays = arrays.collect::<Result<Vec<_>, _>>()?;
    let columns = batch.schema();
    let fields = columns.fields().iter().zip(&arrays);
    let fields: Vec<Field> = fields
        .map(|(field, array)| Field::new(field.name(), array.data_type().clone(), true))
        .collect();
    RecordBatch::try_new(Arc::new(Schema::new(fields)), arrays)
}

fn cell(array: &ArrayRef) -> Result<ArrayRef, ArrowError> {
    match array.data_type() {
        DataType::Binary
        | DataType::LargeBinary
        | DataType::BinaryView
        | DataType::FixedSizeBinary(_) => base64(array),
        DataType::Union(_, _) => printed(array),
        nested if nested.is_nested() => json(array).or_else(|_| printed(array)),
        _ => Ok(Arc::clone(array)),
    }
}

fn json(array: &ArrayRef) -> Result<ArrayRef, ArrowError> {
    let options = EncoderOptions::default().with_explicit_nulls(true);
    let field = Arc::new(Field::new("", array.data_type().clone(), true));
    let mut encoder = make_encoder(&field, array, &options)?;
    let mut values = Vec::with_capacity(array.len());
    for row in 0..array.len() {
        if encoder.is_null(row) {
            values.push(None);
            continue;
        }
        let mut text = Vec::new();
        encoder.encode(row, &mut text);
        let text = String::from_utf8(text).map_err(|e| ArrowError::ExternalError(Box::new(e)))?;
        values.push(Some(text));
    }
    Ok(Arc::new(StringArray::from(values)))
}
