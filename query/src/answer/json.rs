//! JSON: a document with its columns, or a line per row.

use std::mem;
use std::sync::Arc;

use datafusion::arrow::array::{ArrayRef, RecordBatch};
use datafusion::arrow::datatypes::{DataType, SchemaRef};
use datafusion::arrow::error::ArrowError;
use datafusion::arrow::json::writer::{
    JsonArray, JsonFormat, LineDelimited, Writer, WriterBuilder,
};
use serde_json::{Value, json};

use super::about::About;
use super::columns::{base64, printed};
use super::format::Encoder;
use crate::types;

/// `{"columns":[…],"rows":[…],"data_as_of":…}`; a page also says where the next one is,
/// and that of a report which one it is of and how far it is behind.
pub(crate) struct Document {
    columns: SchemaRef,
    about: About,
    writer: Writer<Vec<u8>, JsonArray>,
}

impl Document {
    pub(crate) fn new(columns: SchemaRef, about: About) -> Self {
        Self {
            columns,
            about,
            writer: writer(),
        }
    }
}

impl Encoder for Document {
    fn begin(&mut self) -> Result<Vec<u8>, ArrowError> {
        let columns: Vec<_> = self
            .columns
            .fields()
            .iter()
            .map(|field| {
                json!({
                    "name": field.name(),
                    "type": types::name(field.data_type()),
                })
            })
            .collect();
        let columns = Value::Array(columns);
        let report = self.about.paging.as_ref().and_then(|paging| paging.report);
        let report = report.map_or_else(String::new, |report| {
            format!("\"report\":{},", json!(report))
        });
        Ok(format!("{{{report}\"columns\":{columns},\"rows\":").into_bytes())
    }

    fn rows(&mut self, batch: &RecordBatch) -> Result<Vec<u8>, ArrowError> {
        write(&mut self.writer, batch)
    }

    fn end(&mut self) -> Result<Vec<u8>, ArrowError> {
        // Without any row the writer writes both brackets now.
        self.writer.finish()?;
        let mut bytes = mem::take(self.writer.get_mut());
        let data_as_of = json!(self.about.data_as_of.map(super::rfc3339));
        let members = match &self.about.paging {
            Some(paging) => {
                let lag = match paging.report {
                    Some(_) => format!(",\"lag_seconds\":{}", json!(paging.lag_seconds)),
                    None => String::new(),
                };
                let next_cursor = json!(paging.next_cursor);
                format!("\"next_cursor\":{next_cursor},\"data_as_of\":{data_as_of}{lag}")
            }
            None => format!("\"data_as_of\":{data_as_of}"),
        };
        bytes.extend_from_slice(format!(",{members}}}\n").as_bytes());
        Ok(bytes)
    }
}

/// One object a line.
pub(crate) struct Lines(Writer<Vec<u8>, LineDelimited>);

impl Default for Lines {
    fn default() -> Self {
        Self(writer())
    }
}

impl Encoder for Lines {
    fn begin(&mut self) -> Result<Vec<u8>, ArrowError> {
        Ok(Vec::new())
    }

    fn rows(&mut self, batch: &RecordBatch) -> Result<Vec<u8>, ArrowError> {
        write(&mut self.0, batch)
    }

    fn end(&mut self) -> Result<Vec<u8>, ArrowError> {
        Ok(Vec::new())
    }
}

fn writer<F: JsonFormat>() -> Writer<Vec<u8>, F> {
    WriterBuilder::new()
        .with_explicit_nulls(true)
        .build(Vec::new())
}

fn write<F: JsonFormat>(
    writer: &mut Writer<Vec<u8>, F>,
    batch: &RecordBatch,
) -> Result<Vec<u8>, ArrowError> {
    writer.write(&encodable(batch)?)?;
    Ok(mem::take(writer.get_mut()))
}

/// The rows in types for which there is JSON.
fn encodable(batch: &RecordBatch) -> Result<RecordBatch, ArrowError> {
    let arrays = batch.columns().iter().map(text_if_foreign);
    let arrays = arrays.collect::<Result<Vec<ArrayRef>, _>>()?;
    let columns = batch.schema();
    let fields = columns.fields().iter().zip(&arrays).map(|(field, array)| {
        datafusion::arrow::datatypes::Field::new(field.name(), array.data_type().clone(), true)
    });
    let columns = Arc::new(datafusion::arrow::datatypes::Schema::new(
        fields.collect::<Vec<_>>(),
    ));
    let options =
        datafusion::arrow::array::RecordBatchOptions::new().with_row_count(Some(batch.num_rows()));
    RecordBatch::try_new_with_options(columns, arrays, &options)
}

fn text_if_foreign(array: &ArrayRef) -> Result<ArrayRef, ArrowError> {
    match array.data_type() {
        DataType::Binary
        | DataType::LargeBinary
        | DataType::BinaryView
        | DataType::FixedSizeBinary(_) => base64(array),
        DataType::Union(_, _) => printed(array),
        DataType::Map(entries, _) if !has_text_keys(entries.data_type()) => printed(array),
        _ => Ok(Arc::clone(array)),
    }
}

fn has_text_keys(entries: &DataType) -> bool {
    matches!(
        entries,
        DataType::Struct(fields) if fields.first().is_some_and(|key| key.data_type().is_string())
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use datafusion::arrow::array::{
        BinaryArray, Decimal128Array, Float64Array, Int64Array, TimestampMicrosecondArray,
    };

    #[test]
    fn values_keep_their_digits() {
        let time = TimestampMicrosecondArray::from(vec![Some(1_500_000), None]);
        let decimal = Decimal128Array::from(vec![Some(110), None]);
        let decimal = decimal.with_precision_and_scale(38, 2).expect("in range");
        let batch = RecordBatch::try_from_iter([
            (
                "i",
                Arc::new(Int64Array::from(vec![Some(i64::MAX), None])) as ArrayRef,
            ),
            ("f", Arc::new(Float64Array::from(vec![f64::NAN, 0.1]))),
            (
                "b",
                Arc::new(BinaryArray::from(vec![&b"\x00\xff"[..], b""])),
            ),
            ("t", Arc::new(time.with_timezone("UTC"))),
            ("d", Arc::new(decimal)),
        ])
        .expect("equal lengths");
        let bytes = Lines::default().rows(&batch).expect("encodes");
        let text = String::from_utf8(bytes).expect("text");
        assert_eq!(
            text,
            "{\"i\":9223372036854775807,\"f\":null,\"b\":\"AP8=\",\
             \"t\":\"1970-01-01T00:00:01.500Z\",\"d\":1.10}\n\
             {\"i\":null,\"f\":0.1,\"b\":\"\",\"t\":null,\"d\":null}\n"
        );
    }
}
