//! Rows that do not belong where they are: put into another term, or left out.

use std::collections::BTreeMap;

use arrow::array::{RecordBatch, UInt32Array};
use arrow::compute::take_record_batch;
use arrow::error::ArrowError;
use deltalake::DeltaTableError;
use deltalake::kernel::{Action, Remove};
use deltalake::protocol::SaveMode;
use futures::TryStreamExt;
use schemas::Term;
use uuid::Uuid;

use crate::encode::LookUp;
use crate::maintain::data_file::DataFile;
use crate::maintain::merge::fit;
use crate::maintain::plan::run_prefix;
use crate::maintain::rewrite::RunWriter;
use crate::{LakeError, LakeTable, PublishError, file_columns};

/// Files that one amended file becomes are closed at this size, in bytes.
const TARGET_BYTES: u64 = 48 << 20;

/// Where a row is to be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fate {
    /// Where it is.
    Stays,
    /// In this term.
    Moves(Term),
    /// Nowhere: it is a row of another table by now.
    Goes,
}

/// What became of the rows of a file.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Amended {
    /// Rows that are in another term now.
    pub moved: u64,
    /// Rows that are not in the table any more.
    pub gone: u64,
}

impl std::ops::AddAssign for Amended {
    fn add_assign(&mut self, other: Self) {
        self.moved += other.moved;
        self.gone += other.gone;
    }
}

impl LakeTable {
    /// Puts each row of a file where `fates` says, in one commit that says which
    /// data changed: reports look again. A file of which every row stays is left
    /// as it is. Positions stay.
    ///
    /// `fates` gets all columns of some rows, the term left out, and answers for
    /// each of them. It is safe beside publishing, and fenced against merges and
    /// replacements as [`LakeTable::merge`] is.
    ///
    /// It computes on the thread that it is called on.
    ///
    /// # Errors
    /// As [`LakeTable::merge`]; [`LakeError::Rows`] with what `fates` failed with.
    pub async fn amend(
        &mut self,
        file: &DataFile,
        fates: impl FnMut(&RecordBatch) -> Result<Vec<Fate>, ArrowError>,
    ) -> Result<Amended, PublishError> {
        let advance = self.rewrite_advance().await?;
        let remove = self.remove(file).map_err(PublishError::NotPublished)?;
        let mut rearranged = Rearranged::new(self, file);
        let written = rearranged.write(fates).await;
        written.map_err(PublishError::NotPublished)?;
        let Rearranged { amended, runs, .. } = rearranged;
        if amended == Amended::default() {
            return Ok(amended);
        }
        let files: Vec<_> = runs.into_values().flat_map(|run| run.files).collect();
        let paths = files.iter().map(|file| file.path.clone()).collect();
        self.sync(paths).await.map_err(PublishError::NotPublished)?;
        let operation = self.write_operation(SaveMode::Overwrite);
        let actions = vec![Action::Remove(remove)];
        self.commit_files(files, actions, operation, &[advance])
            .await?;
        Ok(amended)
    }

    fn remove(&self, file: &DataFile) -> Result<Remove, LakeError> {
        let held = self.state().log_data();
        let mut held = held.iter();
        let found = held.find(|held| held.path() == file.path.as_str());
        found.map(|file| file.remove_action(true)).ok_or_else(|| {
            let gone = "a file is no longer in the table".to_owned();
            self.error(DeltaTableError::Generic(gone))
        })
    }
}

/// The rows of a file, term by term, in the order that they had.
struct Rearranged<'a> {
    table: &'a LakeTable,
    file: &'a DataFile,
    prefix: String,
    runs: BTreeMap<Option<Term>, RunWriter<'a>>,
    amended: Amended,
}

impl<'a> Rearranged<'a> {
    fn new(table: &'a LakeTable, file: &'a DataFile) -> Self {
        Self {
            table,
            file,
            prefix: run_prefix(table.kind(), &Uuid::now_v7().simple().to_string()),
            runs: BTreeMap::new(),
            amended: Amended::default(),
        }
    }

    async fn write(
        &mut self,
        mut fates: impl FnMut(&RecordBatch) -> Result<Vec<Fate>, ArrowError>,
    ) -> Result<(), LakeError> {
        let columns = file_columns(self.table.kind());
        let mut rows = self.table.read_file(&self.file.path, None).await?;
        while let Some(batch) = rows.try_next().await? {
            let batch = fit(&batch, &columns).map_err(LakeError::Rows)?;
            let fates = fates(&batch).map_err(LakeError::Rows)?;
            if fates.len() != batch.num_rows() {
                let wrong = format!("{} fates for {} rows", fates.len(), batch.num_rows());
                return Err(LakeError::Rows(ArrowError::ComputeError(wrong)));
            }
            for (term, places) in self.by_term(fates) {
                let rows = match places.len() == batch.num_rows() {
                    true => batch.clone(),
                    false => take_record_batch(&batch, &UInt32Array::from(places))
                        .map_err(LakeError::Rows)?,
                };
                self.run(term).write(&rows).await?;
            }
        }
        for run in self.runs.values_mut() {
            run.close().await?;
        }
        Ok(())
    }

    /// Which rows go to which term.
    fn by_term(&mut self, fates: Vec<Fate>) -> BTreeMap<Option<Term>, Vec<u32>> {
        let mut places: BTreeMap<Option<Term>, Vec<u32>> = BTreeMap::new();
        for (place, fate) in (0..).zip(fates) {
            let term = match fate {
                Fate::Goes => {
                    self.amended.gone += 1;
                    continue;
                }
                Fate::Moves(term) if Some(&term) != self.file.term.as_ref() => {
                    self.amended.moved += 1;
                    Some(term)
                }
                Fate::Stays | Fate::Moves(_) => self.file.term.clone(),
            };
            places.entry(term).or_default().push(place);
        }
        places
    }

    fn run(&mut self, term: Option<Term>) -> &mut RunWriter<'a> {
        let (table, prefix, bytes) = (self.table, &self.prefix, self.file.bytes);
        self.runs.entry(term).or_insert_with_key(|term| {
            let look_up = LookUp::of(bytes, TARGET_BYTES);
            RunWriter::new(table, term.clone(), prefix.clone(), look_up, TARGET_BYTES)
                .that_changes_data()
        })
    }
}
