//! Whether an event is there twice. Deduplication looks back some days: an event
//! that was sent again later is stored again. It hardly ever happens, and to ask
//! is cheaper than to take every row for one of several.

use std::collections::HashSet;
use std::hash::{BuildHasherDefault, Hasher};

use arrow::array::{Array, AsArray, StringArray};
use datafusion::error::Result;
use datafusion::execution::memory_pool::{MemoryConsumer, MemoryReservation};
use datafusion::prelude::DataFrame;
use futures::TryStreamExt;
use xxhash_rust::xxh3::xxh3_64;

/// What the set takes for an event at most: it doubles when seven eighths of its
/// slots of nine bytes are taken, and then holds both sizes for a moment.
const ID_BYTES: usize = 32;

/// Whether two of the rows may be of one event: `false` is certain. Two events of
/// one hash, or more events than there is memory for, are taken for repetitions;
/// then the rows are looked at one by one, with the disk if need be.
pub(crate) async fn has_repetitions(rows: &DataFrame) -> Result<bool> {
    let context = rows.task_ctx();
    let consumer = MemoryConsumer::new("event ids");
    let reserved = consumer.register(context.memory_pool());
    let mut ids = rows
        .clone()
        .select_columns(&["event_id"])?
        .execute_stream()
        .await?;
    let mut seen = Seen::new(reserved);
    while let Some(batch) = ids.try_next().await? {
        if !seen.add(batch.column(0).as_string()) {
            return Ok(true);
        }
    }
    Ok(false)
}

/// The ids so far, as their hashes.
struct Seen {
    hashes: HashSet<u64, BuildHasherDefault<IsHash>>,
    reserved: MemoryReservation,
}

impl Seen {
    fn new(reserved: MemoryReservation) -> Self {
        Self {
            hashes: HashSet::default(),
            reserved,
        }
    }

    /// Whether all of them are new, and there is memory for them.
    fn add(&mut self, ids: &StringArray) -> bool {
        let reserved = self.reserved.try_grow(ids.len() * ID_BYTES);
        let mut ids = ids.iter().flatten();
        reserved.is_ok() && ids.all(|id| self.hashes.insert(xxh3_64(id.as_bytes())))
    }
}

/// The hash of what is a hash already.
#[derive(Default)]
struct IsHash(u64);

impl Hasher for IsHash {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, _: &[u8]) {
        unreachable!("only hashes are hashed")
    }

    fn write_u64(&mut self, hash: u64) {
        self.0 = hash;
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow::array::{ArrayRef, RecordBatch};
    use datafusion::execution::memory_pool::FairSpillPool;
    use datafusion::execution::runtime_env::RuntimeEnvBuilder;
    use datafusion::prelude::{SessionConfig, SessionContext};

    use super::*;

    async fn has(ids: impl Iterator<Item = usize>, memory_bytes: usize) -> (bool, usize) {
        let pool = Arc::new(FairSpillPool::new(memory_bytes));
        let runtime_env = RuntimeEnvBuilder::new().with_memory_pool(pool);
        let runtime_env = runtime_env.build_arc().expect("a runtime");
        let config = SessionConfig::new().with_batch_size(100);
        let session = SessionContext::new_with_config_rt(config, Arc::clone(&runtime_env));
        let ids = StringArray::from_iter_values(ids.map(|id| format!("event {id}")));
        let ids = RecordBatch::try_from_iter([("event_id", Arc::new(ids) as ArrayRef)]);
        let rows = session.read_batch(ids.expect("rows")).expect("a table");
        let answer = has_repetitions(&rows).await.expect("an answer");
        (answer, runtime_env.memory_pool.reserved())
    }

    #[tokio::test]
    async fn rows_of_one_event_are_found_wherever_they_are() {
        const ENOUGH: usize = 10 << 20;
        assert_eq!(has(0..0, ENOUGH).await, (false, 0));
        assert_eq!(has(0..10_000, ENOUGH).await, (false, 0));
        assert_eq!(has((0..10_000).chain([0]), ENOUGH).await, (true, 0));
        assert_eq!(has([7, 7].into_iter(), ENOUGH).await, (true, 0));
    }

    #[tokio::test]
    async fn without_memory_to_tell_there_may_be_repetitions() {
        assert_eq!(has(0..10_000, 10_000 * ID_BYTES / 2).await, (true, 0));
    }
}
