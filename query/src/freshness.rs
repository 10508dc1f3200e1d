//! Up to when an answer is complete.

use std::time::Duration;

use chrono::{DateTime, Utc};
use lake::{Lake, LakeError};
use tokio::sync::Mutex;
use tokio::time::Instant;

/// How long the floors are not read again: an older answer is still true, only
/// more modest.
const KEEP: Duration = Duration::from_millis(500);

/// Reads the floors of the log.
#[derive(Default)]
pub(crate) struct Freshness {
    last: Mutex<Option<(Instant, Option<DateTime<Utc>>)>>,
}

impl Freshness {
    /// Every event answered before this moment, its batch with a 200, is in its
    /// table, if its table is read after this call. `None` until the first
    /// floor is known.
    pub(crate) async fn data_as_of(&self, lake: &Lake) -> Result<Option<DateTime<Utc>>, LakeError> {
        let mut last = self.last.lock().await;
        if let Some((read, as_of)) = *last
            && read.elapsed() < KEEP
        {
            return Ok(as_of);
        }
        let began = Instant::now();
        let as_of = lake.data_as_of().await?;
        *last = Some((began, as_of));
        Ok(as_of)
    }
}
