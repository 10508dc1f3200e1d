//! The rows of a finished query, in a file without a name.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Cursor};
use std::os::unix::fs::{FileExt, OpenOptionsExt};
use std::path::Path;
use std::sync::Arc;

use chrono::{DateTime, Utc};
use datafusion::arrow::array::RecordBatch;
use datafusion::arrow::compute::{BatchCoalescer, cast};
use datafusion::arrow::datatypes::SchemaRef;
use datafusion::arrow::error::ArrowError;
use datafusion::arrow::ipc::CompressionType;
use datafusion::arrow::ipc::reader::StreamReader;
use datafusion::arrow::ipc::writer::{IpcWriteOptions, StreamWriter};
use uuid::Uuid;

use super::disk::Room;
use crate::answer::plain;
use crate::error::Error;

/// About how many rows are read at once.
const PART_ROWS: usize = 8_192;

/// Where the file has some of the rows: an Arrow stream of its own.
#[derive(Debug, Clone, Copy)]
struct Part {
    offset: u64,
    bytes: usize,
    /// The number of its first row.
    first: usize,
    rows: usize,
}

/// Rows on their way into a file.
pub(super) struct Writer {
    file: File,
    room: Room,
    columns: SchemaRef,
    waiting: BatchCoalescer,
    parts: Vec<Part>,
    offset: u64,
    rows: usize,
}

/// All rows of a query. The file is gone when this is dropped, and when the process ends,
/// however it ends: it has had no name since it was made.
pub(super) struct Kept {
    file: File,
    room: Room,
    columns: SchemaRef,
    parts: Vec<Part>,
    pub(super) rows: usize,
    /// Up to when they are complete.
    pub(super) data_as_of: Option<DateTime<Utc>>,
}

impl Writer {
    /// A new file for rows with these columns, which none but the process's user may read.
    pub(super) fn new(folder: &Path, room: Room, columns: &SchemaRef) -> Result<Self, Error> {
        let columns = plain(columns);
        Ok(Self {
            file: nameless(folder).map_err(failed)?,
            room,
            waiting: BatchCoalescer::new(Arc::clone(&columns), PART_ROWS),
            columns,
            parts: Vec::new(),
            offset: 0,
            rows: 0,
        })
    }

    /// Adds rows.
    ///
    /// # Errors
    /// When there is no room for them.
    pub(super) fn add(&mut self, batch: &RecordBatch) -> Result<(), Error> {
        let fields = self.columns.fields().iter().zip(batch.columns());
        let columns = fields.map(|(field, array)| cast(array, field.data_type()));
        let columns = columns.collect::<Result<Vec<_>, _>>().map_err(ours)?;
        let options = datafusion::arrow::array::RecordBatchOptions::new()
            .with_row_count(Some(batch.num_rows()));
        let plain = RecordBatch::try_new_with_options(Arc::clone(&self.columns), columns, &options);
        let plain = plain.map_err(ours)?;
        self.waiting.push_batch(plain).map_err(ours)?;
        self.write_completed()
    }

    /// What was added, as a whole.
    pub(super) fn finish(mut self, data_as_of: Option<DateTime<Utc>>) -> Result<Kept, Error> {
        self.waiting.finish_buffered_batch().map_err(ours)?;
        self.write_completed()?;
        Ok(Kept {
            file: self.file,
            room: self.room,
            columns: self.columns,
            parts: self.parts,
            rows: self.rows,
            data_as_of,
        })
    }

    fn write_completed(&mut self) -> Result<(), Error> {
        while let Some(batch) = self.waiting.next_completed_batch() {
            let bytes = encode(&batch).map_err(ours)?;
            self.room.grow(bytes.len() as u64)?;
            self.file
                .write_all_at(&bytes, self.offset)
                .map_err(failed)?;
            self.parts.push(Part {
                offset: self.offset,
                bytes: bytes.len(),
                first: self.rows,
                rows: batch.num_rows(),
            });
            self.offset += bytes.len() as u64;
            self.rows += batch.num_rows();
        }
        Ok(())
    }
}

impl Kept {
    /// How long the file is.
    pub(super) fn bytes(&self) -> u64 {
        self.room.bytes()
    }

    pub(super) fn columns(&self) -> &SchemaRef {
        &self.columns
    }

    /// So many rows from one on, fewer at the end.
    pub(super) fn page(
        self: Arc<Self>,
        first: usize,
        limit: usize,
    ) -> impl Iterator<Item = Result<RecordBatch, ArrowError>> + Send {
        let end = first.saturating_add(limit).min(self.rows);
        let begin = self
            .parts
            .partition_point(|part| part.first + part.rows <= first);
        let mut next = begin;
        std::iter::from_fn(move || {
            let part = *self.parts.get(next).filter(|part| part.first < end)?;
            next += 1;
            let skipped = first.saturating_sub(part.first);
            let taken = part.rows.min(end - part.first) - skipped;
            let batch = self.read(part);
            Some(batch.map(|batch| batch.slice(skipped, taken)))
        })
    }

    fn read(&self, part: Part) -> Result<RecordBatch, ArrowError> {
        let mut bytes = vec![0; part.bytes];
        self.file.read_exact_at(&mut bytes, part.offset)?;
        let mut batches = StreamReader::try_new(Cursor::new(bytes), None)?;
        let batch = batches.next().transpose()?;
        batch.ok_or_else(|| ArrowError::IpcError("a part of a result has no rows".to_owned()))
    }
}

fn encode(batch: &RecordBatch) -> Result<Vec<u8>, ArrowError> {
    let options = IpcWriteOptions::default().try_with_compression(Some(CompressionType::ZSTD))?;
    let columns = batch.schema();
    let mut writer = StreamWriter::try_new_with_options(Vec::new(), &columns, options)?;
    writer.write(batch)?;
    writer.into_inner()
}

/// A file that has lost its name before anything is in it.
fn nameless(folder: &Path) -> io::Result<File> {
    fs::create_dir_all(folder)?;
    let path = folder.join(format!("chalkline-result-{}", Uuid::now_v7().simple()));
    let file = OpenOptions::new()
        .read(true)
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(&path)?;
    fs::remove_file(&path)?;
    Ok(file)
}

fn failed(error: io::Error) -> Error {
    match error.kind() {
        io::ErrorKind::StorageFull => Error::OutOfMemory,
        _ => Error::Internal(Box::new(error)),
    }
}

fn ours(error: ArrowError) -> Error {
    Error::Internal(Box::new(error))
}

#[cfg(test)]
mod tests {
    use datafusion::arrow::array::{ArrayRef, AsArray, Int64Array};
    use datafusion::arrow::datatypes::Int64Type;
    use rstest::rstest;
    use schemas::TenantId;

    use super::super::disk::Disk;
    use super::*;

    fn batch(numbers: std::ops::Range<i64>) -> RecordBatch {
        let numbers: Int64Array = numbers.collect();
        RecordBatch::try_from_iter([("n", Arc::new(numbers) as ArrayRef)]).expect("a column")
    }

    fn kept(rows: i64, bytes: u64) -> Result<(tempfile::TempDir, Arc<Kept>), Error> {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let tenant = TenantId::new("north").expect("a slug");
        let room = Disk::new(bytes, bytes).room(&tenant);
        let mut writer = Writer::new(folder.path(), room, &batch(0..1).schema())?;
        for first in (0..rows).step_by(3_000) {
            writer.add(&batch(first..rows.min(first + 3_000)))?;
        }
        Ok((folder, Arc::new(writer.finish(None)?)))
    }

    #[rstest]
    #[case(0, 10, 0..10)]
    #[case(8_190, 5, 8_190..8_195)]
    #[case(0, 100_000, 0..20_000)]
    #[case(16_384, 1, 16_384..16_385)]
    #[case(19_999, 10, 19_999..20_000)]
    #[case(20_000, 10, 20_000..20_000)]
    #[case(usize::MAX, 10, 0..0)]
    fn pages_are_parts_of_the_whole(
        #[case] first: usize,
        #[case] limit: usize,
        #[case] expected: std::ops::Range<i64>,
    ) {
        let (_folder, kept) = kept(20_000, 1 << 20).expect("there is room");
        let batches = kept.page(first, limit).map(|batch| batch.expect("rows"));
        let numbers: Vec<i64> = batches
            .flat_map(|batch| {
                let numbers = batch.column(0).as_primitive::<Int64Type>();
                numbers.values().to_vec()
            })
            .collect();
        assert_eq!(numbers, expected.collect::<Vec<_>>());
    }

    #[test]
    fn a_result_has_no_name_and_no_more_bytes_than_it_may() {
        let (folder, kept_rows) = kept(20_000, 1 << 20).expect("there is room");
        assert_eq!(kept_rows.rows, 20_000);
        assert!(kept_rows.bytes() > 0);
        let left = fs::read_dir(folder.path()).expect("a folder").count();
        assert_eq!(left, 0);
        let refused = kept(20_000, 100).map(drop).expect_err("too long");
        assert_eq!(refused.code(), "result_too_large");
    }
}
