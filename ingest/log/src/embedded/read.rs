//! Reading one partition of the folder in order.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use futures::TryFutureExt;
use tokio::sync::watch;

use super::encode;
use super::store::Store;
use crate::{Entry, Position, ReadError, Reader};

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
}

#[async_trait]
impl Reader for EmbeddedReader {
    async fn next(&mut self, max_bytes: usize, wait: Duration) -> Result<Vec<Entry>, ReadError> {
        let next = self.next;
        // The store holds the sender, so only the time can run out.
        let more = self.tail.wait_for(|tail| *tail > next).map_ok(|tail| *tail);
        let Ok(Ok(tail)) = tokio::time::timeout(wait, more).await else {
            return Ok(Vec::new());
        };
        let partition = self.partition;
        let store = Arc::clone(&self.store);
        let read =
            tokio::task::spawn_blocking(move || scan(&store, partition, next..tail, max_bytes));
        let entries = read.await.map_err(|e| ReadError::Unavailable(e.into()))??;
        // Only now: a caller that dropped the future before reads these again.
        self.next = entries.last().map_or(tail, |last| last.position.offset + 1);
        Ok(entries)
    }
}

fn scan(
    store: &Store,
    partition: u32,
    positions: std::ops::Range<u64>,
    max_bytes: usize,
) -> Result<Vec<Entry>, ReadError> {
    let mut entries = Vec::new();
    let mut bytes = 0;
    for entry in store
        .entries(partition)
        .range(encode::key(positions.start)..encode::key(positions.end))
    {
        let (key, value) = entry
            .into_inner()
            .map_err(|e| ReadError::Unavailable(e.into()))?;
        bytes += value.len();
        if bytes > max_bytes && !entries.is_empty() {
            break;
        }
        let offset = encode::position(&key).map_err(|e| ReadError::Unavailable(e.into()))?;
        let record = encode::record(&value).map_err(|e| ReadError::Unavailable(e.into()))?;
        entries.push(Entry {
            position: Position { partition, offset },
            record,
        });
    }
    Ok(entries)
}
