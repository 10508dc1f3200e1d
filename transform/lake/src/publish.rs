//! Rows and positions, visible together or not at all.

use std::collections::HashSet;

use arrow::array::RecordBatch;
use chrono::{TimeDelta, Utc};
use deltalake::DeltaTableError;
use deltalake::kernel::transaction::{CommitBuilder, CommitProperties, TransactionError};
use deltalake::kernel::{Action, Add, Transaction};
use deltalake::protocol::{DeltaOperation, SaveMode};
use futures::{StreamExt, TryStreamExt};
use object_store::ObjectStoreExt;
use object_store::path::Path;
use schemas::Term;
use serde::Deserialize;
use uuid::Uuid;

use crate::{Advance, AppId, LakeError, LakeTable, PublishError};

/// How many files of one commit are written at once.
const CONCURRENT_FILES: usize = 2;

/// How long a commit may take. The entry of a process that was stopped for longer
/// could lie where maintenance has cleaned the log away meanwhile, and be seen by
/// nobody: entries are kept for longer than this.
const LONGEST_COMMIT: TimeDelta = TimeDelta::minutes(10);

/// How often a commit that only adds files is tried while others take files out of
/// the table.
const APPEND_ATTEMPTS: usize = 8;

/// The member of a commit's info that says whose commit it is.
const COMMIT_ID: &str = "commitId";

/// New rows of one term; they become one file.
#[derive(Debug, Clone)]
pub struct Rows {
    /// The term, exactly when the table is partitioned by it.
    pub term: Option<Term>,
    /// The rows, in any order, with the columns of [`crate::file_columns`]; texts may
    /// be dictionaries, in all batches or none.
    pub batches: Vec<RecordBatch>,
}

/// What [`LakeTable::publish`] or [`LakeTable::replace`] made visible.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Published {
    /// The version that holds it.
    pub version: u64,
    /// How many files.
    pub files: usize,
    /// How large they are together.
    pub bytes: u64,
}

impl LakeTable {
    /// Adds rows to the table and moves its positions on, in one commit.
    ///
    /// The table must stand where `advances` expect it, and must not have been
    /// moved on by another writer since: both end in
    /// [`PublishError::Conflict`], with nothing visible. Commits of others that
    /// touch no position of ours do not matter. After success the table is held
    /// at the new version, and all of it outlives a loss of power.
    ///
    /// # Errors
    /// [`PublishError`] says for each what to do. Files that were written for a
    /// commit that failed stay behind, unseen, until maintenance removes them.
    pub async fn publish(
        &mut self,
        rows: Vec<Rows>,
        advances: &[Advance],
    ) -> Result<Published, PublishError> {
        self.check(advances).await?;
        for advance in advances {
            // Delta takes any version for a transaction, also a lower one: that
            // the positions only move on is checked here and nowhere else.
            if advance.expected > Some(advance.next) {
                return Err(PublishError::Conflict(advance.app.clone()));
            }
        }
        let files = self.write_files(rows, advances).await;
        let files = files.map_err(PublishError::NotPublished)?;
        let operation = self.write_operation(SaveMode::Append);
        self.commit_files(files, Vec::new(), operation, advances)
            .await
    }

    /// Whether the table stands where the writer believes.
    pub(crate) async fn check(&mut self, advances: &[Advance]) -> Result<(), PublishError> {
        for advance in advances {
            let stands = self.next_position(&advance.app).await;
            if stands.map_err(PublishError::NotPublished)? != advance.expected {
                return Err(PublishError::Conflict(advance.app.clone()));
            }
        }
        Ok(())
    }

    /// The step of whoever takes files out of the table.
    pub(crate) async fn rewrite_advance(&mut self) -> Result<Advance, PublishError> {
        let app = AppId::rewrites();
        let expected = self.next_position(&app).await;
        let expected = expected.map_err(PublishError::NotPublished)?;
        let next = expected.map_or(1, |count| count + 1);
        Ok(Advance {
            app,
            expected,
            next,
        })
    }

    /// What the log says of a commit that writes rows.
    pub(crate) fn write_operation(&self, mode: SaveMode) -> DeltaOperation {
        DeltaOperation::Write {
            mode,
            partition_by: self.kind.is_by_term().then(|| vec!["term".to_owned()]),
            predicate: None,
        }
    }

    /// Writes and syncs files, which nobody sees until they are committed.
    pub(crate) async fn write_files(
        &self,
        rows: Vec<Rows>,
        advances: &[Advance],
    ) -> Result<Vec<Add>, LakeError> {
        let files: Vec<Add> = futures::stream::iter(rows)
            .map(|rows| self.write_file(rows, advances))
            .buffered(CONCURRENT_FILES)
            .try_collect()
            .await?;
        // A commit must not outlive its files, nor a floor the commit.
        let paths = files.iter().map(|file| file.path.clone()).collect();
        self.sync(paths).await?;
        Ok(files)
    }

    /// Commits files with other actions and the positions, and syncs the commit.
    pub(crate) async fn commit_files(
        &mut self,
        files: Vec<Add>,
        mut actions: Vec<Action>,
        operation: DeltaOperation,
        advances: &[Advance],
    ) -> Result<Published, PublishError> {
        let before = self.version();
        let published = Published {
            version: before,
            files: files.len(),
            bytes: files.iter().map(|f| f.size.unsigned_abs()).sum(),
        };
        let dated = self.date_removals(&files, &mut actions).await;
        dated.map_err(PublishError::NotPublished)?;
        actions.extend(files.into_iter().map(Action::Add));
        let version = self.commit(actions, operation, advances).await?;
        let commits = before + 1..=version;
        let synced = self.sync(commits.map(commit_path).collect()).await;
        synced.map_err(PublishError::Unknown)?;
        Ok(Published {
            version,
            ..published
        })
    }

    /// Says of files that are taken out when that is by the store's clock, which
    /// tells their ages later; clocks of processes may be anything.
    async fn date_removals(&self, files: &[Add], actions: &mut [Action]) -> Result<(), LakeError> {
        let is_remove = |action: &Action| matches!(action, Action::Remove(_));
        let Some(newest) = files.last().filter(|_| actions.iter().any(is_remove)) else {
            return Ok(());
        };
        let newest = Path::from(newest.path.as_str());
        let now = self.delta.object_store().head(&newest).await?.last_modified;
        for action in actions {
            if let Action::Remove(remove) = action {
                remove.deletion_timestamp = Some(now.timestamp_millis());
            }
        }
        Ok(())
    }

    async fn commit(
        &mut self,
        actions: Vec<Action>,
        operation: DeltaOperation,
        advances: &[Advance],
    ) -> Result<u64, PublishError> {
        let commit_id = Uuid::now_v7().to_string();
        let is_append = actions
            .iter()
            .all(|action| matches!(action, Action::Add(_)));
        let mut attempts = if is_append { APPEND_ATTEMPTS } else { 1 };
        loop {
            attempts -= 1;
            let attempt = self.try_commit(&commit_id, actions.clone(), &operation, advances);
            let error = match attempt.await {
                Ok(version) => return version,
                Err(error) => error,
            };
            if let Some(version) = self.settle(&commit_id, advances).await? {
                self.refresh().await.map_err(PublishError::Unknown)?;
                return Ok(version);
            }
            if has_moved(&error) {
                self.refresh().await.map_err(PublishError::NotPublished)?;
            }
            if attempts == 0 || !is_conflict(&error) {
                return Err(PublishError::NotPublished(self.error(error)));
            }
            // Somebody took files out of the table. Who only adds some does not
            // mind, but Delta does: once more, against the table as it is now.
            self.check(advances).await?;
        }
    }

    /// One attempt; the version, if that is certain.
    async fn try_commit(
        &mut self,
        commit_id: &str,
        actions: Vec<Action>,
        operation: &DeltaOperation,
        advances: &[Advance],
    ) -> Result<Result<u64, PublishError>, DeltaTableError> {
        let transactions = advances
            .iter()
            .map(|advance| {
                let next = i64::try_from(advance.next).expect("a position fits in 63 bits");
                Transaction::new(advance.app.as_str(), next)
            })
            .collect();
        let properties = CommitProperties::default()
            .with_metadata([(COMMIT_ID.to_owned(), commit_id.into())])
            .with_application_transactions(transactions)
            .with_create_checkpoint(false)
            .with_cleanup_expired_logs(Some(false));
        let begun = Utc::now();
        // Against the very state on which the positions were checked: a commit
        // by another writer of these positions, however recent, fails this one.
        let done = CommitBuilder::from(properties)
            .with_actions(actions)
            .build(
                Some(self.reference()),
                self.delta.log_store(),
                operation.clone(),
            )
            .await?;
        if (Utc::now() - begun).abs() > LONGEST_COMMIT {
            let version = done.version();
            let late = DeltaTableError::Generic(format!("version {version} came too late"));
            return Ok(Err(PublishError::Unknown(self.error(late))));
        }
        if done.version() != self.version() + 1 {
            self.positions.clear();
        }
        self.delta.state = Some(done.snapshot());
        for advance in advances {
            self.positions
                .insert(advance.app.clone(), Some(advance.next));
        }
        Ok(Ok(done.version()))
    }

    /// Finds out what became of a commit that ended in an error, which may be
    /// one of the network on the way back: the version it got, if it got one.
    ///
    /// Where maintenance has cleaned the log behind this table, that cannot be
    /// told: whether the positions are still those is asked by the next try.
    async fn settle(
        &self,
        commit_id: &str,
        advances: &[Advance],
    ) -> Result<Option<u64>, PublishError> {
        let log = self.delta.log_store();
        let mut conflict = None;
        for version in self.version() + 1.. {
            let entry = log.read_commit_entry(version).await;
            let Some(bytes) = entry.map_err(|e| PublishError::Unknown(self.error(e)))? else {
                break;
            };
            let entry = Entry::parse(&bytes);
            if entry.commit_id.as_deref() == Some(commit_id) {
                return Ok(Some(version));
            }
            if conflict.is_none() {
                conflict = advances
                    .iter()
                    .find(|advance| entry.apps.contains(advance.app.as_str()));
            }
        }
        match conflict {
            Some(advance) => Err(PublishError::Conflict(advance.app.clone())),
            None => Ok(None),
        }
    }
}

/// Whether a commit failed because the table is no longer what it was: the next
/// one against the same version would fail, too.
fn has_moved(error: &DeltaTableError) -> bool {
    matches!(error, DeltaTableError::InvalidVersion(_)) || is_conflict(error)
}

/// Whether Delta takes what somebody else did meanwhile for a hindrance.
fn is_conflict(error: &DeltaTableError) -> bool {
    let DeltaTableError::Transaction { source } = error else {
        return false;
    };
    matches!(source, TransactionError::CommitConflict(_))
}

/// The path of a commit below its table.
pub(crate) fn commit_path(version: u64) -> String {
    format!("_delta_log/{version:020}.json")
}

/// What [`LakeTable::settle`] needs to know of a commit.
#[derive(Debug, Default)]
struct Entry {
    commit_id: Option<String>,
    apps: HashSet<String>,
}

/// One line of a commit; all other actions are passed over.
#[derive(Deserialize)]
struct Line {
    #[serde(rename = "commitInfo")]
    info: Option<Info>,
    txn: Option<Txn>,
}

#[derive(Deserialize)]
struct Info {
    #[serde(rename = "commitId")]
    commit_id: Option<String>,
}

#[derive(Deserialize)]
struct Txn {
    #[serde(rename = "appId")]
    app_id: String,
}

impl Entry {
    fn parse(bytes: &[u8]) -> Self {
        let mut entry = Self::default();
        for line in bytes.split(|b| *b == b'\n') {
            let Ok(line) = serde_json::from_slice::<Line>(line) else {
                continue;
            };
            if let Some(info) = line.info {
                entry.commit_id = info.commit_id;
            }
            if let Some(txn) = line.txn {
                entry.apps.insert(txn.app_id);
            }
        }
        entry
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_commit_names_its_writer_and_its_readers() {
        let bytes = br#"{"commitInfo":{"operation":"WRITE","commitId":"c-1"}}
{"add":{"path":"a.parquet"}}
{"txn":{"appId":"log/0","version":7}}
{"txn":{"appId":"log/1","version":9}}"#;
        let entry = Entry::parse(bytes);
        assert_eq!(entry.commit_id.as_deref(), Some("c-1"));
        assert_eq!(entry.apps.len(), 2);
        assert!(entry.apps.contains("log/1"));
    }
}
