//! The rows of a file, CSV or Parquet, as cells in the order of its columns.

use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};
use arrow::array::RecordBatch;
use arrow::json::writer::{JsonArray, WriterBuilder};
use csv::{ByteRecord, ReaderBuilder};
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use serde_json::{Map, Value};

use super::mapping::Mapping;
use crate::import::{HashingReader, open};

/// Rows of Parquet that are read at once.
const BATCH: usize = 1_024;

/// A file of rows.
#[derive(Debug)]
pub struct Rows {
    path: PathBuf,
    format: Format,
    columns: Vec<String>,
    count: u64,
}

#[derive(Debug)]
enum Format {
    Csv { delimiter: u8, null: Vec<String> },
    Parquet,
}

/// The cells of row after row.
pub type Cells<'a> = Box<dyn Iterator<Item = anyhow::Result<Vec<Value>>> + 'a>;

impl Rows {
    /// Opens a file, reads it once, and says its SHA-256 in hexadecimal.
    ///
    /// # Errors
    /// When it cannot be read, has another format, or its columns no or equal names.
    pub fn open(path: &Path, mapping: &Mapping) -> anyhow::Result<(Self, String)> {
        let format = Format::of(path, mapping)?;
        let mut file = HashingReader::new(open(path).context("it cannot be read")?);
        let (columns, count) = match &format {
            Format::Csv { delimiter, .. } => {
                let mut reader = csv(*delimiter, &mut file);
                let columns = header(reader.byte_headers()?)?;
                let mut record = ByteRecord::new();
                let mut count = 0;
                while reader.read_byte_record(&mut record)? {
                    count += 1;
                }
                (columns, count)
            }
            Format::Parquet => {
                let reader = ParquetRecordBatchReaderBuilder::try_new(File::open(path)?)?;
                let fields = reader.schema().fields().iter();
                let columns = fields.map(|field| field.name().clone()).collect();
                let rows = reader.metadata().file_metadata().num_rows();
                (columns, u64::try_from(rows)?)
            }
        };
        io::copy(&mut file, &mut io::sink()).context("it cannot be read")?;
        for (index, column) in columns.iter().enumerate() {
            if !column.is_empty() && columns[..index].contains(column) {
                bail!("two columns are called {column}: rename one");
            }
        }
        let rows = Self {
            path: path.to_owned(),
            format,
            columns,
            count,
        };
        Ok((rows, file.digest()))
    }

    /// The names of the columns.
    pub fn columns(&self) -> &[String] {
        &self.columns
    }

    /// How many rows there are.
    pub fn count(&self) -> u64 {
        self.count
    }

    /// The rows after the first `skip`. A row that is too short ends in nulls.
    ///
    /// # Errors
    /// When the file cannot be opened; each item when its row cannot be read.
    pub fn read(&self, skip: u64) -> anyhow::Result<Cells<'_>> {
        match &self.format {
            Format::Csv { delimiter, null } => {
                let reader = csv(*delimiter, open(&self.path)?);
                let rows = reader.into_byte_records().skip(usize::try_from(skip)?);
                let width = self.columns.len();
                Ok(Box::new(rows.map(move |record| {
                    let record = record?;
                    let cell = |index| text(record.get(index), null);
                    Ok((0..width).map(cell).collect())
                })))
            }
            Format::Parquet => {
                let reader = ParquetRecordBatchReaderBuilder::try_new(File::open(&self.path)?)?;
                let batches = reader
                    .with_batch_size(BATCH)
                    .with_offset(usize::try_from(skip)?)
                    .build()?;
                Ok(Box::new(batches.flat_map(
                    |batch| match self.cells(batch) {
                        Ok(rows) => rows.into_iter().map(Ok).collect(),
                        Err(error) => vec![Err(error)],
                    },
                )))
            }
        }
    }

    fn cells(
        &self,
        batch: Result<RecordBatch, arrow::error::ArrowError>,
    ) -> anyhow::Result<Vec<Vec<Value>>> {
        let mut writer = WriterBuilder::new().build::<_, JsonArray>(Vec::new());
        writer.write(&batch?)?;
        writer.finish()?;
        let rows: Vec<Map<String, Value>> = serde_json::from_slice(&writer.into_inner())?;
        let cells = |mut row: Map<String, Value>| {
            let columns = self.columns.iter();
            columns
                .map(|column| row.remove(column).unwrap_or_default())
                .collect()
        };
        Ok(rows.into_iter().map(cells).collect())
    }
}

impl Format {
    fn of(path: &Path, mapping: &Mapping) -> anyhow::Result<Self> {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        let name = name.to_ascii_lowercase();
        let ending = name.trim_end_matches(".gz").rsplit('.').next();
        let comma = match ending {
            Some("csv" | "txt") => b',',
            Some("tsv") => b'\t',
            Some("parquet") if !name.ends_with(".gz") => return Ok(Self::Parquet),
            _ => bail!("its name ends in none of .csv .tsv .csv.gz .tsv.gz .parquet"),
        };
        let said = mapping.delimiter.and_then(|c| u8::try_from(c).ok());
        Ok(Self::Csv {
            delimiter: said.unwrap_or(comma),
            null: mapping.null.clone(),
        })
    }
}

fn csv<R: Read>(delimiter: u8, reader: R) -> csv::Reader<R> {
    ReaderBuilder::new()
        .delimiter(delimiter)
        .flexible(true)
        .from_reader(reader)
}

fn header(names: &ByteRecord) -> anyhow::Result<Vec<String>> {
    let name = |bytes: &[u8]| {
        let text = String::from_utf8_lossy(bytes);
        // Spreadsheets begin a file with a mark of its encoding.
        text.trim_start_matches('\u{feff}').trim().to_owned()
    };
    let columns: Vec<_> = names.iter().map(name).collect();
    if columns.iter().all(String::is_empty) {
        bail!("its first line names no columns");
    }
    Ok(columns)
}

fn text(bytes: Option<&[u8]>, null: &[String]) -> Value {
    let text = bytes.map(String::from_utf8_lossy).unwrap_or_default();
    if bytes.is_none() || null.iter().any(|none| *none == text) {
        return Value::Null;
    }
    Value::String(text.into_owned())
}
