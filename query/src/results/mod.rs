//! Answers that were given already: the rows of small ones are kept, for whoever sees the
//! same and asks the same of the same versions.
//!
//! | file | |
//! |---|---|
//! | `key.rs` | what decides the rows of an answer |
//! | `settled.rs` | which statements have the same rows whenever they are asked |
//! | `keep.rs` | rows on their way to the asker, kept when all have passed |
//!
//! A look-up comes after everything that may refuse: its key holds what the asker sees and
//! the version of each table, so nobody is answered with what was made for somebody who
//! sees more, nor with what has changed since.

mod keep;
mod key;
mod settled;

use std::sync::Arc;
use std::time::Duration;

use datafusion::arrow::array::RecordBatch;
use datafusion::arrow::datatypes::SchemaRef;
use datafusion::execution::SendableRecordBatchStream;
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use futures::stream;
use moka::future::Cache;

use crate::audit::{Reads, Seen};

pub(crate) use self::key::Key;
pub(crate) use self::settled::{is_settled, names_only_settled};

/// No answer takes more than this part of all.
const SHARE: usize = 16;

/// What was erased is out of memory after this time, though nobody could ask for it since.
const KEPT: Duration = Duration::from_secs(300);

/// The rows of an answer, and what is told of them.
#[derive(Debug, Clone)]
struct Held {
    columns: SchemaRef,
    batches: Arc<[RecordBatch]>,
    bytes: usize,
    reads: Reads,
    seen: Arc<Seen>,
}

/// What was answered before.
pub(crate) struct Known {
    pub(crate) rows: SendableRecordBatchStream,
    /// What it was made of, and by what right that is read.
    pub(crate) reads: Reads,
    /// Whose rows those were.
    pub(crate) seen: Arc<Seen>,
}

/// The rows of the answers that were given last.
pub(crate) struct Results {
    held: Cache<Key, Held>,
    /// The most that one answer may take.
    most: usize,
}

impl Results {
    /// Keeps so many bytes of rows; none with 0.
    pub(crate) fn new(bytes: usize) -> Self {
        let weight = |_: &Key, held: &Held| u32::try_from(held.bytes).unwrap_or(u32::MAX);
        Self {
            held: Cache::builder()
                .max_capacity(bytes as u64)
                .weigher(weight)
                .time_to_live(KEPT)
                .build(),
            most: bytes / SHARE,
        }
    }

    /// What a question of this key was answered with, if it is still held.
    pub(crate) async fn get(&self, key: &Key) -> Option<Known> {
        let held = self.held.get(key).await;
        let outcome = if held.is_some() { "hit" } else { "miss" };
        metrics::counter!("chalkline_query_results_total", "outcome" => outcome).increment(1);
        let held = held?;
        let batches: Vec<_> = held.batches.iter().cloned().map(Ok).collect();
        let rows = RecordBatchStreamAdapter::new(held.columns, stream::iter(batches));
        Some(Known {
            rows: Box::pin(rows),
            reads: held.reads,
            seen: held.seen,
        })
    }

    /// Gives back what is held no more; without it only the next answer would.
    pub(crate) async fn sweep(&self) {
        self.held.run_pending_tasks().await;
        self.tell();
    }

    async fn put(&self, key: Key, held: Held) {
        self.held.insert(key, held).await;
        self.tell();
    }

    fn tell(&self) {
        metrics::gauge!("chalkline_query_results_bytes").set(self.held.weighted_size() as f64);
    }
}
