//! The table's own log: checkpoints, so that nobody reads it from the beginning,
//! and the end of entries that a checkpoint has made superfluous.

use std::time::Duration;

use chrono::{DateTime, Utc};
use deltalake::protocol::checkpoints::{cleanup_expired_logs_for, create_checkpoint};
use futures::TryStreamExt;
use object_store::ObjectStoreExt;
use object_store::path::Path;
use serde::Deserialize;

use crate::{LakeError, LakeTable};

const LOG: &str = "_delta_log";

/// What says where the newest checkpoint is.
const HINT: &str = "_delta_log/_last_checkpoint";

#[derive(Deserialize)]
struct Hint {
    version: u64,
}

impl LakeTable {
    /// Writes a checkpoint of the version that is held if there is none within
    /// `every` versions; says whether it did. It holds all positions: those never
    /// expire.
    ///
    /// Several may do so at once: what they write for a version is the same.
    ///
    /// # Errors
    /// [`LakeError::Store`] or [`LakeError::Table`].
    pub async fn checkpoint(&self, every: u64) -> Result<bool, LakeError> {
        let version = self.version();
        let newest = self.newest_checkpoint().await?;
        if version
            < newest
                .map_or(0, |newest| newest + 1)
                .saturating_add(every.max(1) - 1)
        {
            return Ok(false);
        }
        let written = create_checkpoint(&self.delta, None).await;
        written.map_err(|e| self.error(e))?;
        let file = format!("{LOG}/{version:020}.checkpoint.parquet");
        self.sync(vec![file, HINT.to_owned()]).await?;
        Ok(true)
    }

    /// Deletes entries of the log that are older than `retention` and that the
    /// checkpoint makes superfluous; says how many. `now` is the store's time.
    ///
    /// Who has held the table since before them finds it again from the
    /// checkpoint; who asks what changed since then is told that it is not known.
    ///
    /// # Errors
    /// [`LakeError::Store`] or [`LakeError::Table`].
    pub async fn clean_log(
        &self,
        retention: Duration,
        now: DateTime<Utc>,
    ) -> Result<usize, LakeError> {
        // The hint is what readers follow: what it does not know is not used.
        let Some(newest) = self.newest_checkpoint().await? else {
            return Ok(0);
        };
        // Written by somebody who was killed before it was synced, perhaps.
        self.sync(self.checkpoints().await?).await?;
        let log = self.delta.log_store();
        let kept_from = now - retention;
        let cleaned = cleanup_expired_logs_for(
            newest.min(self.version()),
            log.as_ref(),
            kept_from.timestamp_millis(),
            None,
        );
        cleaned.await.map_err(|e| self.error(e))
    }

    /// How many versions the held one is ahead of the newest checkpoint.
    ///
    /// # Errors
    /// [`LakeError::Store`].
    pub async fn versions_since_checkpoint(&self) -> Result<u64, LakeError> {
        let newest = self.newest_checkpoint().await?;
        Ok(self.version() - newest.unwrap_or(0).min(self.version()))
    }

    async fn newest_checkpoint(&self) -> Result<Option<u64>, LakeError> {
        let store = self.delta.object_store();
        let hint = match store.get(&Path::from(HINT)).await {
            Ok(hint) => hint.bytes().await?,
            Err(object_store::Error::NotFound { .. }) => return Ok(None),
            Err(error) => return Err(error.into()),
        };
        let hint: Option<Hint> = serde_json::from_slice(&hint).ok();
        Ok(hint.map(|hint| hint.version))
    }

    /// The files of all checkpoints, as paths below the table.
    async fn checkpoints(&self) -> Result<Vec<String>, LakeError> {
        let store = self.delta.object_store();
        let objects = store.list(Some(&Path::from(LOG)));
        let paths = objects.map_ok(|object| object.location.to_string());
        let mut paths: Vec<String> = paths.try_collect().await?;
        paths.retain(|path| path.ends_with(".checkpoint.parquet"));
        Ok(paths)
    }
}
