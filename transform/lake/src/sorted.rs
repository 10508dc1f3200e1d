//! Rows that come and go in the table's order, without sorting them.

use std::collections::{BTreeMap, BTreeSet};

use arrow::array::RecordBatch;
use deltalake::kernel::Add;
use deltalake::protocol::SaveMode;
use futures::stream::BoxStream;
use futures::{StreamExt, TryStreamExt};
use schemas::Term;
use uuid::Uuid;

use crate::encode::LookUp;
use crate::maintain::{RunWriter, run_prefix};
use crate::{Advance, LakeError, LakeTable, PublishError, Published, Slices, TermSlices};

/// Files are closed at this size, in bytes.
const TARGET_BYTES: u64 = 32 << 20;

/// Writes rows that come in the table's order, those of each term by themselves; terms
/// may come mixed. Nobody sees them until they are committed. It computes on the
/// thread that it is called on.
pub struct SortedWriter<'a> {
    table: &'a LakeTable,
    prefix: String,
    runs: BTreeMap<Option<Term>, RunWriter<'a>>,
}

/// Files that are written and synced, and not yet part of the table.
#[derive(Debug)]
pub struct Written {
    files: Vec<Add>,
}

impl LakeTable {
    /// A writer of new files of this table.
    pub fn sorted_writer(&self) -> SortedWriter<'_> {
        SortedWriter {
            table: self,
            prefix: run_prefix(self.kind(), &Uuid::now_v7().simple().to_string()),
            runs: BTreeMap::new(),
        }
    }

    /// Streams the rows of a term, or of a table without terms, in the table's order,
    /// with the columns of [`crate::file_columns`]. Of each run of files one batch is
    /// in memory, and the row group that it comes from.
    ///
    /// # Errors
    /// [`LakeError`], also in the stream.
    pub fn sorted_rows(
        &self,
        term: Option<&Term>,
    ) -> Result<BoxStream<'static, Result<RecordBatch, LakeError>>, LakeError> {
        let runs = self.runs(term);
        if runs.is_empty() {
            return Ok(futures::stream::empty().boxed());
        }
        let sorted = self.sorted(&runs)?;
        let table = self.clone();
        let rows = sorted.rows.map_err(move |error| table.scan_error(error));
        Ok(rows.boxed())
    }

    /// Adds what is written to the table and moves positions on, in one commit.
    ///
    /// # Errors
    /// As [`LakeTable::publish`].
    pub async fn append(
        &mut self,
        written: Written,
        advances: &[Advance],
    ) -> Result<Published, PublishError> {
        self.check(advances).await?;
        let operation = self.write_operation(SaveMode::Append);
        self.commit_files(written.files, Vec::new(), operation, advances)
            .await
    }

    /// Puts what is written in the place of all rows, or of all those of some terms, and
    /// moves positions on, in one commit.
    ///
    /// # Errors
    /// As [`LakeTable::replace_by`].
    pub async fn replace_whole(
        &mut self,
        terms: Option<&BTreeSet<Term>>,
        written: Written,
        advances: &[Advance],
    ) -> Result<Published, PublishError> {
        let slices = terms.map_or(Slices::All, |terms| {
            let terms = terms.iter().map(|term| (term.clone(), TermSlices::All));
            Slices::Of(terms.collect())
        });
        let mut writer = self.writer(0);
        writer.take(written.files);
        self.replace_by(&slices, writer, advances).await
    }
}

impl SortedWriter<'_> {
    /// Adds rows of a term, or of a table without terms, with the columns of
    /// [`crate::file_columns`].
    ///
    /// # Errors
    /// [`LakeError`]: why a file could not be written. What was written is never
    /// seen, and left to maintenance.
    pub async fn write(
        &mut self,
        term: Option<&Term>,
        rows: &RecordBatch,
    ) -> Result<(), LakeError> {
        let (table, prefix) = (self.table, &self.prefix);
        let run = self.runs.entry(term.cloned()).or_insert_with_key(|term| {
            let (term, prefix) = (term.clone(), prefix.clone());
            RunWriter::new(table, term, prefix, LookUp::Scan, TARGET_BYTES).that_changes_data()
        });
        run.write(rows).await
    }

    /// Closes and syncs all files.
    ///
    /// # Errors
    /// [`LakeError`].
    pub async fn finish(self) -> Result<Written, LakeError> {
        let mut files = Vec::new();
        for mut run in self.runs.into_values() {
            run.close().await?;
            files.append(&mut run.files);
        }
        let paths = files.iter().map(|file| file.path.clone()).collect();
        self.table.sync(paths).await?;
        Ok(Written { files })
    }
}

impl Written {
    /// Whether there are no rows.
    pub fn is_empty(&self) -> bool {
        self.files.is_empty()
    }
}
