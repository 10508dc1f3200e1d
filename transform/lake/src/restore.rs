//! A table as it was at an earlier version, by a new one.

use std::collections::BTreeMap;

use deltalake::kernel::{Action, Add};
use deltalake::protocol::DeltaOperation;

use crate::{LakeError, LakeTable, PublishError};

impl LakeTable {
    /// Brings the table back to the rows that it had at `version`: one commit takes out
    /// the files that were added since, and adds those that were taken out. Where
    /// the files are the same there is none. Columns and positions stay. The version
    /// that is held afterwards has the rows of `version`; says whether it had others
    /// before.
    ///
    /// The files of `version` must still be there: [`LakeTable::vacuum`] deletes them.
    ///
    /// # Errors
    /// As [`LakeTable::replace_by`].
    pub async fn restore_to(&mut self, version: u64) -> Result<bool, PublishError> {
        if version == self.version() {
            return Ok(false);
        }
        let advance = self.rewrite_advance().await?;
        let then = self.at_version(version).await;
        let then = then.map_err(PublishError::NotPublished)?.files_by_path();
        let now = self.files_by_path();
        let removes = now.iter().filter(|(path, _)| !then.contains_key(*path));
        let adds = then.iter().filter(|(path, _)| !now.contains_key(*path));
        let actions: Vec<Action> = removes
            .map(|(_, file)| file.remove.clone())
            .chain(adds.map(|(_, file)| file.add.clone()))
            .collect();
        if actions.is_empty() {
            return Ok(false);
        }
        let operation = DeltaOperation::Restore {
            version: Some(version),
            datetime: None,
        };
        self.commit_files(Vec::new(), actions, operation, &[advance])
            .await?;
        Ok(true)
    }

    /// The table at another version than the one that is held.
    async fn at_version(&self, version: u64) -> Result<Self, LakeError> {
        let mut then = self.clone();
        let loaded = then.delta.load_version(version).await;
        loaded.map_err(|e| self.error(e))?;
        then.positions.clear();
        Ok(then)
    }

    fn files_by_path(&self) -> BTreeMap<String, Held> {
        let files = self.state().log_data();
        let files = files.iter().map(|file| {
            let add = Add {
                path: file.path().into_owned(),
                partition_values: file.partition_values_map(),
                size: file.size(),
                modification_time: file.modification_time(),
                data_change: true,
                stats: file.stats(),
                ..Add::default()
            };
            let held = Held {
                remove: Action::Remove(file.remove_action(true)),
                add: Action::Add(add),
            };
            (file.path().into_owned(), held)
        });
        files.collect()
    }
}

/// What adds a file to the table, and what takes it out.
struct Held {
    add: Action,
    remove: Action,
}
