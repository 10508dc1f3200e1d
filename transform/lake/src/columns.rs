//! The columns of a table, beside those that are written to it now: what a table
//! of an earlier version lacks is added to it when it is opened for writing.

use deltalake::kernel::{Action, MetadataExt, StructField, StructType};
use deltalake::protocol::DeltaOperation;

use crate::open::{STATISTICS, delta_columns};
use crate::stats::statistics_columns;
use crate::{LakeError, LakeTable, PublishError};

/// How often columns are added to a table that moves on meanwhile.
const ATTEMPTS: usize = 20;

/// How the columns of a table stand to those that are written to it now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fit {
    /// They are the same.
    Same,
    /// They were before some were added at the end that may be NULL, or before
    /// some of them might be NULL: every row of the table is a row by now's columns.
    Earlier,
    /// They are others.
    Other,
}

impl Fit {
    fn of(held: &[&StructField], ours: &[StructField]) -> Self {
        if held.iter().copied().eq(ours) {
            return Self::Same;
        }
        let is_ours = |(held, ours): (&&StructField, &StructField)| {
            held.name == ours.name
                && held.data_type == ours.data_type
                && held.metadata == ours.metadata
                && (held.nullable == ours.nullable || ours.nullable)
        };
        let Some(added) = ours.get(held.len()..) else {
            return Self::Other;
        };
        let fits = held.iter().zip(ours).all(is_ours) && added.iter().all(|new| new.nullable);
        match fits {
            true => Self::Earlier,
            false => Self::Other,
        }
    }
}

impl LakeTable {
    /// Whether the table has the columns that are written to it now.
    ///
    /// # Errors
    /// [`LakeError::Table`] when our columns cannot be said in Delta's words.
    pub fn has_columns(&self) -> Result<bool, LakeError> {
        Ok(self.fit()? == Fit::Same)
    }

    pub(crate) fn fit(&self) -> Result<Fit, LakeError> {
        let ours = delta_columns(&self.name, self.kind)?;
        let schema = self.state().schema();
        let held: Vec<&StructField> = schema.fields().collect();
        Ok(Fit::of(&held, &ours))
    }

    /// Gives a table of an earlier version the columns of this one, in a commit of
    /// its own, which changes no row and nothing else of the table. Of several
    /// writers who do so at once one commits, and the others find it done.
    ///
    /// # Errors
    /// [`LakeError::Columns`] when the table's columns are others; else
    /// [`LakeError::Table`].
    pub(crate) async fn add_columns(&mut self) -> Result<(), LakeError> {
        let mut attempts = ATTEMPTS;
        loop {
            match self.fit()? {
                Fit::Same => return Ok(()),
                Fit::Earlier => {}
                Fit::Other => {
                    let table = self.name.clone();
                    return Err(LakeError::Columns { table });
                }
            }
            let ours = delta_columns(&self.name, self.kind)?;
            let held = self.state().schema().fields().count();
            let fields = ours.into_iter().skip(held).collect();
            let operation = DeltaOperation::AddColumn { fields };
            let actions = vec![self.our_metadata()?];
            attempts -= 1;
            match self.commit_files(Vec::new(), actions, operation, &[]).await {
                Ok(done) => {
                    let (table, version) = (&self.name, done.version);
                    tracing::info!(table, version, "columns of this version added to the table");
                    return Ok(());
                }
                Err(PublishError::NotPublished(error) | PublishError::Unknown(error))
                    if attempts == 0 =>
                {
                    return Err(error);
                }
                // Others publish all the while, or have done it.
                Err(_) => self.refresh().await?,
            }
        }
    }

    /// The action that gives the table our columns.
    pub(crate) fn our_metadata(&self) -> Result<Action, LakeError> {
        let columns = StructType::try_new(delta_columns(&self.name, self.kind)?);
        let columns = columns.map_err(|e| self.error(e.into()))?;
        let statistics = statistics_columns(self.kind).join(",");
        let metadata = self.state().metadata().clone();
        let metadata = metadata
            .with_schema(&columns)
            .and_then(|metadata| metadata.add_config_key(STATISTICS.to_owned(), statistics))
            .map_err(|e| self.error(e.into()))?;
        Ok(Action::Metadata(metadata))
    }
}

#[cfg(test)]
mod tests {
    use deltalake::kernel::DataType;
    use rstest::rstest;

    use super::*;

    /// A column for each word: its name, and a `?` if it may be NULL.
    fn columns(words: &str) -> Vec<StructField> {
        let column = |word: &str| {
            let name = word.trim_end_matches('?');
            StructField::new(name, DataType::LONG, word.ends_with('?'))
        };
        words.split_whitespace().map(column).collect()
    }

    #[rstest]
    #[case::the_same("a b?", "a b?", Fit::Same)]
    #[case::one_was_added("a b?", "a b? c?", Fit::Earlier)]
    #[case::one_may_be_null_by_now("a b?", "a? b?", Fit::Earlier)]
    #[case::both("a b", "a b? c? d?", Fit::Earlier)]
    #[case::what_was_added_may_not_be_null("a", "a b", Fit::Other)]
    #[case::one_may_not_be_null_any_more("a?", "a b?", Fit::Other)]
    #[case::one_was_added_in_between("a c", "a b? c", Fit::Other)]
    #[case::one_is_gone("a b?", "a", Fit::Other)]
    #[case::another_name("a", "b c?", Fit::Other)]
    fn tables_of_earlier_versions_are_told_from_others(
        #[case] held: &str,
        #[case] ours: &str,
        #[case] expected: Fit,
    ) {
        let (held, ours) = (columns(held), columns(ours));
        assert_eq!(Fit::of(&held.iter().collect::<Vec<_>>(), &ours), expected);
    }

    #[test]
    fn a_column_of_another_type_is_another() {
        let held = StructField::new("a", DataType::INTEGER, true);
        let ours = columns("a? b?");
        assert_eq!(Fit::of(&[&held], &ours), Fit::Other);
    }
}
