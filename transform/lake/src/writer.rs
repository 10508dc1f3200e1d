//! Rows that are written as they come, to files of a bounded size, which nobody
//! sees until [`LakeTable::replace_by`] commits them.

use std::mem;

use arrow::array::RecordBatch;
use deltalake::kernel::Add;
use schemas::Term;

use crate::{LakeError, LakeTable, Rows};

/// Rows of a file from which on it needs no others to be large enough.
pub(crate) const FILE_ROWS: usize = 1 << 17;

/// Writes rows of a table that is by term, as many files as they take. What it
/// holds is one file's rows, and while that file is written its sorted copy and
/// its bytes: less than four times `file_bytes`.
#[derive(Debug)]
pub struct Writer {
    table: LakeTable,
    file_bytes: usize,
    term: Option<Term>,
    batches: Vec<RecordBatch>,
    bytes: usize,
    rows: usize,
    files: Vec<Add>,
    written_rows: usize,
}

impl LakeTable {
    /// A writer of new files of this table, each of at most about `file_bytes` of
    /// rows in memory.
    pub fn writer(&self, file_bytes: usize) -> Writer {
        Writer {
            table: self.clone(),
            file_bytes,
            term: None,
            batches: Vec::new(),
            bytes: 0,
            rows: 0,
            files: Vec::new(),
            written_rows: 0,
        }
    }
}

impl Writer {
    /// Adds rows of a term, with the columns of [`crate::file_columns`]. Those of
    /// one term come together, or make more files than they need.
    ///
    /// # Errors
    /// [`LakeError`]: why a file could not be written. What was written is never
    /// seen, and left to maintenance.
    pub async fn add(&mut self, term: &Term, batch: RecordBatch) -> Result<(), LakeError> {
        if batch.num_rows() == 0 {
            return Ok(());
        }
        if self.term.as_ref() != Some(term) {
            self.flush().await?;
            self.term = Some(term.clone());
        }
        self.bytes += size(&batch);
        self.rows += batch.num_rows();
        self.batches.push(batch);
        if self.bytes >= self.file_bytes || self.rows >= FILE_ROWS {
            self.flush().await?;
        }
        Ok(())
    }

    /// How many rows were added.
    pub fn rows(&self) -> usize {
        self.written_rows + self.rows
    }

    /// Takes files for its own that others have written.
    pub(crate) fn take(&mut self, files: Vec<Add>) {
        self.files.extend(files);
    }

    /// Writes what is left; the files of all.
    pub(crate) async fn finish(mut self) -> Result<Vec<Add>, LakeError> {
        self.flush().await?;
        Ok(self.files)
    }

    /// Writes the file that was begun, if one was.
    pub(crate) async fn flush(&mut self) -> Result<(), LakeError> {
        if self.batches.is_empty() {
            return Ok(());
        }
        let rows = Rows {
            term: self.term.clone(),
            batches: mem::take(&mut self.batches),
        };
        let file = self.table.write_file(rows, &[]).await?;
        self.files.push(file);
        self.written_rows += mem::take(&mut self.rows);
        self.bytes = 0;
        Ok(())
    }
}

/// The bytes of the rows: batches may be slices of one that is larger.
fn size(batch: &RecordBatch) -> usize {
    let sizes = batch.columns().iter().map(|column| {
        let size = column.to_data().get_slice_memory_size();
        size.unwrap_or_else(|_| column.get_array_memory_size())
    });
    sizes.sum()
}
