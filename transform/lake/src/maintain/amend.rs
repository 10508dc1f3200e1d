//! Rows that do not belong where they are: put into another term, or left out.

use std::collections::BTreeMap;

use arrow::array::{RecordBatch, UInt32Array};
use arrow::compute::take_record_batch;
use arrow::error::ArrowError;
use deltalake::DeltaTableError;
use deltalake::kernel::{Action, Add, Remove};
use deltalake::protocol::SaveMode;
use futures::TryStreamExt;
use schemas::Term;
use uuid::Uuid;

use crate::encode::LookUp;
use crate::maintain::data_file::DataFile;
use crate::maintain::merge::fit;
use crate::maintain::plan::run_prefix;
use crate::maintain::rewrite::RunWriter;
use crate::write::sorted;
use crate::{LakeError, LakeTable, PublishError, file_columns};

/// Files that one amended file becomes are closed at this size, in bytes.
const TARGET_BYTES: u64 = 48 << 20;

/// Rows that have changed are sorted and written so many at a time.
const CHANGED_ROWS: usize = 65_536;

/// Where a row is to be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fate {
    /// Where it is.
    Stays,
    /// In this term.
    Moves(Term),
    /// In this term, and it says what [`Verdict::rows`] has in its place.
    Changes(Term),
    /// Nowhere: it is a row of another table by now.
    Goes,
}

/// What is to become of some rows.
#[derive(Debug, Clone, PartialEq)]
pub struct Verdict {
    /// Where each is to be.
    pub fates: Vec<Fate>,
    /// The same rows, in which those that change say what they are to; not needed where
    /// none does.
    pub rows: Option<RecordBatch>,
}

impl From<Vec<Fate>> for Verdict {
    fn from(fates: Vec<Fate>) -> Self {
        Self { fates, rows: None }
    }
}

/// What became of the rows of a file.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Amended {
    /// Rows that are in another term now.
    pub moved: u64,
    /// Rows that say something else now, wherever they are.
    pub changed: u64,
    /// Rows that are not in the table any more.
    pub gone: u64,
}

impl std::ops::AddAssign for Amended {
    fn add_assign(&mut self, other: Self) {
        self.moved += other.moved;
        self.changed += other.changed;
        self.gone += other.gone;
    }
}

impl LakeTable {
    /// Makes of each row of a file what `judge` says, in one commit that says which
    /// data changed: reports look again. A file of which every row stays is left
    /// as it is. Positions stay.
    ///
    /// `judge` gets all columns of some rows, the term left out, and answers for
    /// each of them. It is safe beside publishing, and fenced against merges and
    /// replacements as [`LakeTable::merge`] is.
    ///
    /// It computes on the thread that it is called on.
    ///
    /// # Errors
    /// As [`LakeTable::merge`]; [`LakeError::Rows`] with what `judge` failed with.
    pub async fn amend<V: Into<Verdict>>(
        &mut self,
        file: &DataFile,
        judge: impl FnMut(&RecordBatch) -> Result<V, ArrowError>,
    ) -> Result<Amended, PublishError> {
        let advance = self.rewrite_advance().await?;
        let remove = self.remove(file).map_err(PublishError::NotPublished)?;
        let mut rearranged = Rearranged::new(self, file);
        let written = rearranged.write(judge).await;
        written.map_err(PublishError::NotPublished)?;
        let Rearranged {
            amended,
            runs,
            files,
            ..
        } = rearranged;
        if amended == Amended::default() {
            return Ok(amended);
        }
        let kept = runs.into_values().flat_map(|run| run.files);
        let files: Vec<_> = kept.chain(files).collect();
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

/// Which rows of a batch go to which term, those that change apart.
#[derive(Default)]
struct Places {
    kept: BTreeMap<Option<Term>, Vec<u32>>,
    changed: BTreeMap<Option<Term>, Vec<u32>>,
}

fn take(batch: &RecordBatch, places: Vec<u32>) -> Result<RecordBatch, ArrowError> {
    if places.len() == batch.num_rows() {
        return Ok(batch.clone());
    }
    take_record_batch(batch, &UInt32Array::from(places))
}

/// The rows of a file, term by term: in the order that they had, and those that change
/// sorted anew.
struct Rearranged<'a> {
    table: &'a LakeTable,
    file: &'a DataFile,
    prefix: String,
    runs: BTreeMap<Option<Term>, RunWriter<'a>>,
    changed: BTreeMap<Option<Term>, Vec<RecordBatch>>,
    /// Of rows that have changed.
    files: Vec<Add>,
    amended: Amended,
}

impl<'a> Rearranged<'a> {
    fn new(table: &'a LakeTable, file: &'a DataFile) -> Self {
        Self {
            table,
            file,
            prefix: run_prefix(table.kind(), &Uuid::now_v7().simple().to_string()),
            runs: BTreeMap::new(),
            changed: BTreeMap::new(),
            files: Vec::new(),
            amended: Amended::default(),
        }
    }

    async fn write<V: Into<Verdict>>(
        &mut self,
        mut judge: impl FnMut(&RecordBatch) -> Result<V, ArrowError>,
    ) -> Result<(), LakeError> {
        let columns = file_columns(self.table.kind());
        let mut rows = self.table.read_file(&self.file.path, None).await?;
        while let Some(batch) = rows.try_next().await? {
            let batch = fit(&batch, &columns).map_err(LakeError::Rows)?;
            let verdict: Verdict = judge(&batch).map_err(LakeError::Rows)?.into();
            let Verdict { fates, rows: said } = verdict;
            if fates.len() != batch.num_rows() {
                let wrong = format!("{} fates for {} rows", fates.len(), batch.num_rows());
                return Err(LakeError::Rows(ArrowError::ComputeError(wrong)));
            }
            let Places { kept, changed } = self.by_term(fates);
            for (term, places) in kept {
                let rows = take(&batch, places).map_err(LakeError::Rows)?;
                self.run(term).write(&rows).await?;
            }
            for (term, places) in changed {
                let said = said.as_ref().unwrap_or(&batch);
                let rows = take(said, places).map_err(LakeError::Rows)?;
                self.change(term, rows).await?;
            }
        }
        for (term, rows) in std::mem::take(&mut self.changed) {
            self.write_changed(term, rows).await?;
        }
        for run in self.runs.values_mut() {
            run.close().await?;
        }
        Ok(())
    }

    /// Which rows go to which term.
    fn by_term(&mut self, fates: Vec<Fate>) -> Places {
        let mut places = Places::default();
        for (place, fate) in (0..).zip(fates) {
            let term = match fate {
                Fate::Goes => {
                    self.amended.gone += 1;
                    continue;
                }
                Fate::Changes(term) => {
                    self.amended.changed += 1;
                    self.amended.moved += u64::from(Some(&term) != self.file.term.as_ref());
                    places.changed.entry(Some(term)).or_default().push(place);
                    continue;
                }
                Fate::Moves(term) if Some(&term) != self.file.term.as_ref() => {
                    self.amended.moved += 1;
                    Some(term)
                }
                Fate::Stays | Fate::Moves(_) => self.file.term.clone(),
            };
            places.kept.entry(term).or_default().push(place);
        }
        places
    }

    /// Adds rows that have changed.
    async fn change(&mut self, term: Option<Term>, rows: RecordBatch) -> Result<(), LakeError> {
        let waiting = self.changed.entry(term.clone()).or_default();
        waiting.push(rows);
        let count: usize = waiting.iter().map(RecordBatch::num_rows).sum();
        if count < CHANGED_ROWS {
            return Ok(());
        }
        let rows = std::mem::take(waiting);
        self.write_changed(term, rows).await
    }

    /// Writes rows that have changed as files of their own.
    async fn write_changed(
        &mut self,
        term: Option<Term>,
        rows: Vec<RecordBatch>,
    ) -> Result<(), LakeError> {
        if rows.is_empty() {
            return Ok(());
        }
        let mut batches = Vec::new();
        sorted(self.table.kind(), &rows, |batch| {
            batches.push(batch);
            Ok(())
        })?;
        let prefix = run_prefix(self.table.kind(), &Uuid::now_v7().simple().to_string());
        let look_up = LookUp::of(self.file.bytes, TARGET_BYTES);
        let mut run = RunWriter::new(self.table, term, prefix, look_up, TARGET_BYTES);
        run = run.that_changes_data();
        for batch in batches {
            run.write(&batch).await?;
        }
        run.close().await?;
        self.files.extend(run.files);
        Ok(())
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
