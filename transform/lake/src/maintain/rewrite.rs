//! Few large files in the place of many small ones, with the same rows.

use std::collections::HashSet;
use std::sync::atomic::Ordering;

use arrow::array::RecordBatch;
use deltalake::DeltaTableError;
use deltalake::kernel::{Action, Add, Remove};
use deltalake::protocol::DeltaOperation;
use futures::TryStreamExt;
use object_store::ObjectStoreExt;
use object_store::path::Path;
use schemas::{Term, layout};
use uuid::Uuid;

use crate::encode::{FileWriter, LookUp};
use crate::maintain::plan::{Compaction, Merge, run_prefix};
use crate::{LakeError, LakeTable, PublishError};

/// What a merge did.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Merged {
    /// Files before.
    pub files_before: usize,
    /// Files after.
    pub files_after: usize,
    /// Their bytes before.
    pub bytes_before: u64,
    /// Their bytes after.
    pub bytes_after: u64,
    /// Rows, before and after.
    pub rows: u64,
}

impl std::ops::AddAssign for Merged {
    fn add_assign(&mut self, other: Self) {
        self.files_before += other.files_before;
        self.files_after += other.files_after;
        self.bytes_before += other.bytes_before;
        self.bytes_after += other.bytes_after;
        self.rows += other.rows;
    }
}

impl LakeTable {
    /// Puts the rows of some files into few large ones, sorted, in one commit
    /// that says that no data changed: reports do not see it. Positions stay.
    ///
    /// Rows that are published meanwhile stay where they are. Whoever else takes
    /// files out of the table meanwhile (another merge, a report's replacement,
    /// an erasure) wins or loses against this commit as a whole; the files of the
    /// one who loses are never seen.
    ///
    /// It computes on the thread that it is called on.
    ///
    /// # Errors
    /// As [`LakeTable::publish`]. After [`PublishError::Conflict`] refresh the
    /// table and ask for its merges again.
    pub async fn merge(&mut self, merge: &Merge, how: &Compaction) -> Result<Merged, PublishError> {
        let advance = self.rewrite_advance().await?;
        let removes = self.removes(merge);
        let removes = removes.map_err(PublishError::NotPublished)?;
        let (files, rows) = self
            .write_run(merge, how)
            .await
            .map_err(PublishError::NotPublished)?;
        let paths = files.iter().map(|file| file.path.clone()).collect();
        self.sync(paths).await.map_err(PublishError::NotPublished)?;
        let merged = Merged {
            files_before: merge.files(),
            files_after: files.len(),
            bytes_before: merge.bytes(),
            bytes_after: files.iter().map(|file| file.size.unsigned_abs()).sum(),
            rows,
        };
        let operation = DeltaOperation::Optimize {
            predicate: None,
            target_size: i64::try_from(how.target_bytes).unwrap_or(i64::MAX),
        };
        let actions = removes.into_iter().map(Action::Remove).collect();
        self.commit_files(files, actions, operation, &[advance])
            .await?;
        Ok(merged)
    }

    /// The actions that take the files out of the table; an error when one is no
    /// longer in it.
    fn removes(&self, merge: &Merge) -> Result<Vec<Remove>, LakeError> {
        let files = merge.runs.iter().flat_map(|run| &run.files);
        let paths: HashSet<&str> = files.map(|file| file.path.as_str()).collect();
        let held = self.state().log_data();
        let held = held
            .iter()
            .filter(|file| paths.contains(file.path().as_ref()));
        let removes: Vec<_> = held.map(|file| file.remove_action(false)).collect();
        if removes.len() == paths.len() {
            return Ok(removes);
        }
        let gone = "a file is no longer in the table".to_owned();
        Err(self.error(DeltaTableError::Generic(gone)))
    }

    /// Writes the rows of the merge as a run of its own; says how many they are.
    async fn write_run(
        &self,
        merge: &Merge,
        how: &Compaction,
    ) -> Result<(Vec<Add>, u64), LakeError> {
        let prefix = run_prefix(self.kind(), &Uuid::now_v7().simple().to_string());
        let look_up = LookUp::of(merge.bytes(), how.target_bytes);
        let mut run = RunWriter::new(self, merge.term.clone(), prefix, look_up, how.target_bytes);
        let mut sorted = self.sorted(&merge.runs)?;
        while let Some(rows) = sorted
            .rows
            .try_next()
            .await
            .map_err(|e| self.scan_error(e))?
        {
            run.write(&rows).await?;
        }
        run.close().await?;
        let (read, written) = (sorted.read.load(Ordering::Relaxed), run.rows);
        // Nobody would find out later.
        if read != written {
            let lost = format!("{read} rows were read, but {written} written");
            return Err(self.error(DeltaTableError::Generic(lost)));
        }
        Ok((run.files, written))
    }
}

/// Writes rows, which come in the table's order, into one file after the other.
pub(crate) struct RunWriter<'a> {
    table: &'a LakeTable,
    term: Option<Term>,
    prefix: String,
    look_up: LookUp,
    target_bytes: u64,
    data_change: bool,
    open: Option<FileWriter>,
    pub files: Vec<Add>,
    rows: u64,
}

impl<'a> RunWriter<'a> {
    pub fn new(
        table: &'a LakeTable,
        term: Option<Term>,
        prefix: String,
        look_up: LookUp,
        target_bytes: u64,
    ) -> Self {
        Self {
            table,
            term,
            prefix,
            look_up,
            target_bytes,
            data_change: false,
            open: None,
            files: Vec::new(),
            rows: 0,
        }
    }

    /// For rows that are not the same as those that the files replace.
    pub fn that_changes_data(mut self) -> Self {
        self.data_change = true;
        self
    }

    pub async fn write(&mut self, rows: &RecordBatch) -> Result<(), LakeError> {
        let mut file = match self.open.take() {
            Some(file) => file,
            None => FileWriter::new(self.table.kind(), self.look_up)?,
        };
        file.write(rows)?;
        self.rows += rows.num_rows() as u64;
        let full = file.bytes() >= self.target_bytes;
        self.open = Some(file);
        if full {
            self.close().await?;
        }
        Ok(())
    }

    /// Puts the open file, if there is one, into the store.
    pub async fn close(&mut self) -> Result<(), LakeError> {
        let Some(file) = self.open.take() else {
            return Ok(());
        };
        let (file, stats) = file.finish()?;
        let name = format!("{}-{:05}.zstd.parquet", self.prefix, self.files.len());
        let path = match &self.term {
            Some(term) => format!("{}/{name}", layout::term_partition(term)),
            None => name,
        };
        let size = i64::try_from(file.content_length()).expect("a file in memory fits in 63 bits");
        let store = self.table.delta.object_store();
        store.put(&Path::from(path.as_str()), file).await?;
        let term = self.term.as_ref().map(ToString::to_string);
        self.files.push(Add {
            path,
            partition_values: term
                .into_iter()
                .map(|term| ("term".to_owned(), Some(term)))
                .collect(),
            size,
            modification_time: chrono::Utc::now().timestamp_millis(),
            data_change: self.data_change,
            stats: Some(stats),
            ..Add::default()
        });
        Ok(())
    }
}
