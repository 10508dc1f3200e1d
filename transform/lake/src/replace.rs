//! Slices of a table, replaced by others in one commit.

use std::collections::BTreeMap;

use arrow::array::RecordBatch;
use arrow::compute::filter_record_batch;
use deltalake::kernel::{Action, MetadataExt, Remove, StructType};
use deltalake::protocol::SaveMode;
use futures::TryStreamExt;
use schemas::Term;

use crate::open::{STATISTICS, delta_columns};
use crate::slices::Matcher;
use crate::stats::statistics_columns;
use crate::{Advance, LakeError, LakeTable, PublishError, Published, Rows, Slices, TermSlices};

/// Files of a term from which on those that are rewritten anyway take the others
/// with them: each refresh leaves one more behind.
const MAX_FILES_PER_TERM: usize = 24;

/// A file of the version that is held.
struct HeldFile {
    path: String,
    term: Option<Term>,
    statistics: Option<String>,
    remove: Remove,
}

/// What becomes of the files of a table.
#[derive(Default)]
struct Rewrite {
    removes: Vec<Remove>,
    /// Rows of removed files that lie in none of the slices.
    kept: BTreeMap<Term, Vec<RecordBatch>>,
}

impl LakeTable {
    /// Puts `rows` in the place of the rows of some slices and moves positions
    /// on, in one commit: nobody sees a slice half replaced. All other rows stay
    /// as they are; a file that holds none of the slices is not touched.
    ///
    /// Positions fence as in [`LakeTable::publish`], but may go back: `next` is
    /// whatever the rows were made of. Where the table has other columns than
    /// [`schemas::columns`], the same commit gives it those, which takes
    /// [`Slices::All`].
    ///
    /// # Errors
    /// As [`LakeTable::publish`]. When the table has moved on for another
    /// reason, what is returned is [`PublishError::NotPublished`] again and
    /// again: refresh the table before the next try.
    pub async fn replace(
        &mut self,
        slices: &Slices,
        rows: Vec<Rows>,
        advances: &[Advance],
    ) -> Result<Published, PublishError> {
        self.check(advances).await?;
        let metadata = self.new_metadata(slices);
        let metadata = metadata.map_err(PublishError::NotPublished)?;
        let rewrite = self.rewrite(slices).await;
        let rewrite = rewrite.map_err(PublishError::NotPublished)?;

        let kept = rewrite.kept.into_iter().map(|(term, batches)| Rows {
            term: Some(term),
            batches,
        });
        let has_rows = |rows: &Rows| rows.batches.iter().any(|batch| batch.num_rows() > 0);
        let rows = rows.into_iter().chain(kept).filter(has_rows).collect();
        let files = self.write_files(rows, &[]).await;
        let files = files.map_err(PublishError::NotPublished)?;

        let removes = rewrite.removes.into_iter().map(Action::Remove);
        let actions = metadata.into_iter().chain(removes).collect();
        self.commit_files(files, actions, SaveMode::Overwrite, advances)
            .await
    }

    /// Whether the table has the columns that are written to it now.
    ///
    /// # Errors
    /// [`LakeError::Table`] when our columns cannot be said in Delta's words.
    pub fn has_columns(&self) -> Result<bool, LakeError> {
        let ours = delta_columns(&self.name, self.kind)?;
        Ok(self.state().schema().fields().eq(ours.iter()))
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
        let columns = StructType::try_new(delta_columns(&self.name, self.kind)?);
        let columns = columns.map_err(|e| self.error(e.into()))?;
        let statistics = statistics_columns(self.kind).join(",");
        let metadata = self.state().metadata().clone();
        let metadata = metadata
            .with_schema(&columns)
            .and_then(|metadata| metadata.add_config_key(STATISTICS.to_owned(), statistics))
            .map_err(|e| self.error(e.into()))?;
        Ok(Some(Action::Metadata(metadata)))
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
                remove: file.remove_action(true),
            })
            .collect();
        files.into_iter()
    }

    /// Which files have to go, and what of them stays.
    async fn rewrite(&self, slices: &Slices) -> Result<Rewrite, LakeError> {
        let mut rewrite = Rewrite::default();
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
                    terms
                        .entry(term)
                        .or_insert((values, Vec::new()))
                        .1
                        .push(file);
                }
                Some(_) => rewrite.removes.push(file.remove),
            }
        }
        for (term, (values, files)) in terms {
            self.rewrite_term(term, values, files, &mut rewrite).await?;
        }
        Ok(rewrite)
    }

    async fn rewrite_term(
        &self,
        term: &Term,
        values: &RecordBatch,
        files: Vec<HeldFile>,
        rewrite: &mut Rewrite,
    ) -> Result<(), LakeError> {
        let matcher = Matcher::new(values).map_err(LakeError::Rows)?;
        let mut kept = Vec::new();
        let mut untouched = Vec::new();
        for file in files {
            match self.others(&file, &matcher).await? {
                Others::All => untouched.push(file),
                Others::None => rewrite.removes.push(file.remove),
                Others::Some => {
                    let mut rows = self.read_file(&file.path, None).await?;
                    while let Some(batch) = rows.try_next().await? {
                        let others = matcher.others(&batch);
                        let others = others.and_then(|others| filter_record_batch(&batch, &others));
                        kept.push(others.map_err(LakeError::Rows)?);
                    }
                    rewrite.removes.push(file.remove);
                }
            }
        }
        if untouched.len() >= MAX_FILES_PER_TERM {
            for file in untouched {
                let rows = self.read_file(&file.path, None).await?;
                kept.extend(rows.try_collect::<Vec<_>>().await?);
                rewrite.removes.push(file.remove);
            }
        }
        if !kept.is_empty() {
            rewrite.kept.insert(term.clone(), kept);
        }
        Ok(())
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
