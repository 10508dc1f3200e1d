//! An Arrow IPC stream.

use std::mem;
use std::sync::Arc;

use datafusion::arrow::array::{RecordBatch, RecordBatchOptions};
use datafusion::arrow::compute::cast;
use datafusion::arrow::datatypes::SchemaRef;
use datafusion::arrow::error::ArrowError;
use datafusion::arrow::ipc::writer::StreamWriter;

use super::columns::plain;
use super::format::Encoder;

pub(crate) struct Stream {
    columns: SchemaRef,
    writer: Option<StreamWriter<Vec<u8>>>,
}

impl Stream {
    pub(crate) fn new(columns: SchemaRef) -> Self {
        Self {
            columns: plain(&columns),
            writer: None,
        }
    }

    fn writer(&mut self) -> Result<&mut StreamWriter<Vec<u8>>, ArrowError> {
        // Making a writer writes the schema.
        let writer = match self.writer.take() {
            Some(writer) => writer,
            None => StreamWriter::try_new(Vec::new(), &self.columns)?,
        };
        Ok(self.writer.insert(writer))
    }
}

impl Encoder for Stream {
    fn begin(&mut self) -> Result<Vec<u8>, ArrowError> {
        Ok(mem::take(self.writer()?.get_mut()))
    }

    fn rows(&mut self, batch: &RecordBatch) -> Result<Vec<u8>, ArrowError> {
        let fields = self.columns.fields().iter().zip(batch.columns());
        let arrays = fields
            .map(|(field, array)| cast(array, field.data_type()))
            .collect::<Result<_, _>>()?;
        let options = RecordBatchOptions::new().with_row_count(Some(batch.num_rows()));
        let plain = RecordBatch::try_new_with_options(Arc::clone(&self.columns), arrays, &options)?;
        let writer = self.writer()?;
        writer.write(&plain)?;
        Ok(mem::take(writer.get_mut()))
    }

    fn end(&mut self) -> Result<Vec<u8>, ArrowError> {
        let writer = self.writer()?;
        writer.finish()?;
        Ok(mem::take(writer.get_mut()))
    }
}
