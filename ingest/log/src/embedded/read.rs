//! Reading one partition of the folder in order.

use std::ops::Range;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use fjall::UserValue;
use tokio::sync::watch;
use tokio::time::Instant;

use super::database::Database;
use super::store::Store;
use crate::{Entry, Position, ReadError, Reader, encode};

/// The database stayed closed for as long as the reader wanted to wait.
#[derive(Debug, thiserror::Error)]
#[error("the log is being opened again after a commit that failed")]
pub(super) struct Closed;

pub(super) struct EmbeddedReader {
    store: Arc<Store>,
    partition: u32,
    next: u64,
    tail: watch::Receiver<u64>,
}

impl EmbeddedReader {
    pub(super) fn new(store: Arc<Store>, partition: u32, from: u64) -> Self {
        let tail = store.watch_tail(partition);
        Self {
            store,
            partition,
            next: from,
            tail,
        }
    }

    /// Whether what comes next is still there.
    fn check_head(&self) -> Result<(), ReadError> {
        let (partition, from) = (self.partition, self.next);
        let head = self.store.head(partition);
        if from < head {
            return Err(ReadError::Truncated {
                partition,
                from,
                head,
            });
        }
        Ok(())
    }
}

#[async_trait]
impl Reader for EmbeddedReader {
    async fn next(&mut self, max_bytes: usize, wait: Duration) -> Result<Vec<Entry>, ReadError> {
        let (next, deadline) = (self.next, Instant::now() + wait);
        self.check_head()?;
        let more = async {
            // The store holds the sender, so only the time can run out.
            let tail = self.tail.wait_for(|tail| *tail > next).await.map(|t| *t);
            tail.ok()
        };
        let Ok(Some(tail)) = tokio::time::timeout_at(deadline, more).await else {
            return Ok(Vec::new());
        };
        let database = tokio::time::timeout_at(deadline, self.store.database()).await;
        let database = database.map_err(|_| ReadError::Unavailable(Closed.into()))?;
        let partition = self.partition;
        let read =
            tokio::task::spawn_blocking(move || scan(&database, partition, next..tail, max_bytes));
        let entries = read.await.map_err(|e| ReadError::Unavailable(e.into()))??;
        // Some may have been on their way out.
        self.check_head()?;
        // Only now: a caller that dropped the future before reads these again.
        self.next = entries.last().map_or(tail, |last| last.position.offset + 1);
        Ok(entries)
    }
}

fn scan(
    database: &Database,
    partition: u32,
    positions: Range<u64>,
    max_bytes: usize,
) -> Result<Vec<Entry>, ReadError> {
    let entry = |(offset, value): (u64, UserValue)| {
        let record = encode::record(&value).map_err(|e| ReadError::Unavailable(e.into()))?;
        let position = Position { partition, offset };
        Ok(Entry { position, record })
    };
    let values = values(database, partition, positions, max_bytes)?;
    values.into_iter().map(entry).collect()
}

/// The values at the positions, at most about `max_bytes` of them but one at
/// least.
pub(super) fn values(
    database: &Database,
    partition: u32,
    positions: Range<u64>,
    max_bytes: usize,
) -> Result<Vec<(u64, UserValue)>, ReadError> {
    let mut values = Vec::new();
    let mut bytes = 0;
    for entry in database
        .entries(partition)
        .range(encode::key(positions.start)..encode::key(positions.end))
    {
        let (key, value) = entry
            .into_inner()
            .map_err(|e| ReadError::Unavailable(e.into()))?;
        bytes += value.len();
        if bytes > max_bytes && !values.is_empty() {
            break;
        }
        let offset = encode::position(&key).map_err(|e| ReadError::Unavailable(e.into()))?;
        values.push((offset, value));
    }
    Ok(values)
}
