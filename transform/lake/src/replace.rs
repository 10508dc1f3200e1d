//! Slices of a table, replaced by others in one commit.

use std::collections::BTreeMap;

use arrow::array::RecordBatch;
use arrow::compute::filter_record_batch;
use deltalake::kernel::{Action, Remove};
use deltalake::protocol::SaveMode;
use futures::TryStreamExt;
use schemas::Term;

use crate::writer::{FILE_ROWS, Writer};
use crate::{
    Advance, LakeError, LakeTable, Matcher, PublishError, Published, Rows, Slices, TermSlices,
};

/// Small files of a term from which on those that are rewritten anyway take the
/// others with them: each refresh leaves one more behind. A file is small by its
/// rows and by its bytes; large ones stay, so that this costs the same however
/// many rows a term has.
const MAX_SMALL_FILES: usize = 24;
const SMALL_ROWS: usize = FILE_ROWS / 2;
const SMALL_BYTES: i64 = 1 << 20;

/// Rows of a file in memory when nothing is said.
const FILE_BYTES: usize = 32 << 20;

/// A file of the version that is held.
struct HeldFile {
    path: String,
    term: Option<Term>,
    statistics: Option<String>,
    is_small: bool,
    remove: Remove,
}

impl LakeTable {
    /// Puts `rows` in the place of the rows of some slices:
    /// [`LakeTable::replace_by`] for rows that are in memory.
    ///
    /// # Errors
    /// As [`LakeTable::replace_by`].
    pub async fn replace(
        &mut self,
        slices: &Slices,
        rows: Vec<Rows>,
        advances: &[Advance],
    ) -> Result<Published, PublishError> {
        let mut writer = self.writer(FILE_BYTES);
        for rows in rows {
            let Some(term) = rows.term else { continue };
            for batch in rows.batches {
                let added = writer.add(&term, batch).await;
                added.map_err(PublishError::NotPublished)?;
            }
        }
        self.replace_by(slices, writer, advances).await
    }

    /// Puts what is written in the place of the rows of some slices and moves
    /// positions on, in one commit: nobody sees a slice half replaced. All other
    /// rows stay as they are; a file that holds none of the slices is not
    /// touched. Rows that stay in a file that goes pass through the same writer,
    /// and so never take more memory than that does.
    ///
    /// Positions fence as in [`LakeTable::publish`], but may go back: `next` is
    /// whatever the rows were made of. Where the table has other columns than
    /// [`schemas::columns`], the same commit gives it those, which takes
    /// [`Slices::All`].
    ///
    /// # Errors
    /// As [`LakeTable::publish`]; [`PublishError::Conflict`] also when somebody
    /// else took files out of the table meanwhile. When the table has moved on for
    /// another reason, what is returned is [`PublishError::NotPublished`] again and
    /// again: refresh the table before the next try. So it is when a file of the
    /// table is missing, of which rows would stay: replace the whole term.
    pub async fn replace_by(
        &mut self,
        slices: &Slices,
        mut writer: Writer,
        advances: &[Advance],
    ) -> Result<Published, PublishError> {
        self.check(advances).await?;
        let mut advances = advances.to_vec();
        advances.push(self.rewrite_advance().await?);
        let metadata = self.new_metadata(slices);
        let metadata = metadata.map_err(PublishError::NotPublished)?;
        // What is new lies apart from what stays: the next time it may be the new
        // alone that changes.
        let flushed = writer.flush().await;
        flushed.map_err(PublishError::NotPublished)?;
        let removes = self.rewrite(slices, &mut writer).await;
        let removes = removes.map_err(PublishError::NotPublished)?;
        let files = writer.finish().await;
        let files = files.map_err(PublishError::NotPublished)?;
        // A commit must not outlive its files.
        let paths = files.iter().map(|file| file.path.clone()).collect();
        let synced = self.sync(paths).await;
        synced.map_err(PublishError::NotPublished)?;

        let removes = removes.into_iter().map(Action::Remove);
        let actions = metadata.into_iter().chain(removes).collect();
        let operation = self.write_operation(SaveMode::Overwrite);
        self.commit_files(files, actions, operation, &advances)
            .await
    }

    /// How many rows of a term it has; `None` when its files do not all say.
    pub fn rows_of(&self, term: &Term) -> Option<usize> {
        let files = self.state().log_data();
        let of_term = files.iter().filter(|file| {
            let of = file.partition_values_map().remove("term").flatten();
            of.as_deref() == Some(term.as_str())
        });
        of_term.map(|file| file.num_records()).sum()
    }

    /// The terms of which it has rows.
    pub fn terms(&self) -> Vec<Term> {
        let mut terms: Vec<Term> = self.held_files().filter_map(|file| file.term).collect();
        terms.sort();
        terms.dedup();
        terms
    }

    /// The action that gives the table our columns, if it has others.
    fn new_metadata(&self, slices: &Slices) -> Result<Option<Action>, LakeError> {
        if self.has_columns()? {
            return Ok(None);
        }
        if *slices != Slices::All {
            return Err(LakeError::Columns {
                table: self.name.clone(),
            });
        }
        self.our_metadata().map(Some)
    }

    fn held_files(&self) -> impl Iterator<Item = HeldFile> {
        let files: Vec<HeldFile> = self
            .state()
            .log_data()
            .iter()
            .map(|file| HeldFile {
                path: file.path().into_owned(),
                term: file
                    .partition_values_map()
                    .remove("term")
                    .flatten()
                    .and_then(|term| term.parse().ok()),
                statistics: file.stats(),
                is_small: file.size() < SMALL_BYTES
                    && file.num_records().is_some_and(|rows| rows < SMALL_ROWS),
                remove: file.remove_action(true),
            })
            .collect();
        files.into_iter()
    }

    /// Writes anew what stays of files that have to go; says which go.
    async fn rewrite(
        &self,
        slices: &Slices,
        writer: &mut Writer,
    ) -> Result<Vec<Remove>, LakeError> {
        let mut removes = Vec::new();
        let mut terms: BTreeMap<&Term, (&RecordBatch, Vec<HeldFile>)> = BTreeMap::new();
        for file in self.held_files() {
            let dirty = match (slices, &file.term) {
                (Slices::All, _) => Some((None, &TermSlices::All)),
                (Slices::Of(terms), Some(term)) => {
                    terms.get_key_value(term).map(|(term, of)| (Some(term), of))
                }
                (Slices::Of(_), None) => None,
            };
            match dirty {
                None => {}
                Some((Some(term), TermSlices::Of(values))) => {
                    let (_, files) = terms.entry(term).or_insert((values, Vec::new()));
                    files.push(file);
                }
                Some(_) => removes.push(file.remove),
            }
        }
        for (term, (values, files)) in terms {
            removes.extend(self.rewrite_term(term, values, files, writer).await?);
        }
        Ok(removes)
    }

    async fn rewrite_term(
        &self,
        term: &Term,
        values: &RecordBatch,
        files: Vec<HeldFile>,
        writer: &mut Writer,
    ) -> Result<Vec<Remove>, LakeError> {
        let matcher = Matcher::new(values).map_err(LakeError::Rows)?;
        let mut removes = Vec::new();
        let mut small = Vec::new();
        for file in files {
            match self.others(&file, &matcher).await? {
                Others::All if file.is_small => small.push(file),
                Others::All => {}
                Others::None => removes.push(file.remove),
                Others::Some => {
                    let mut rows = self.read_file(&file.path, None).await?;
                    while let Some(batch) = rows.try_next().await? {
                        let others = matcher.others(&batch);
                        let others = others.and_then(|others| filter_record_batch(&batch, &others));
                        let others = others.map_err(LakeError::Rows)?;
                        writer.add(term, others).await?;
                    }
                    removes.push(file.remove);
                }
            }
        }
        if small.len() >= MAX_SMALL_FILES {
            for file in small {
                let mut rows = self.read_file(&file.path, None).await?;
                while let Some(batch) = rows.try_next().await? {
                    writer.add(term, batch).await?;
                }
                removes.push(file.remove);
            }
        }
        Ok(removes)
    }

    /// How many of a file's rows lie in none of the slices; reads as little of
    /// it as it can.
    async fn others(&self, file: &HeldFile, matcher: &Matcher<'_>) -> Result<Others, LakeError> {
        if !matcher.may_be_in(file.statistics.as_deref()) {
            return Ok(Others::All);
        }
        let (mut all, mut none) = (true, true);
        let mut rows = self.read_file(&file.path, Some(&matcher.columns())).await?;
        while let Some(batch) = rows.try_next().await? {
            let others = matcher
                .others(&batch)
                .map_err(LakeError::Rows)?
                .true_count();
            all &= others == batch.num_rows();
            none &= others == 0;
        }
        Ok(match (all, none) {
            (true, _) => Others::All,
            (_, true) => Others::None,
            _ => Others::Some,
        })
    }
}

/// Which of a file's rows lie in none of the slices.
enum Others {
    All,
    Some,
    None,
}
