//! Rows on their way to the asker, kept when all of them have passed.

use std::sync::Arc;

use datafusion::arrow::array::RecordBatch;
use datafusion::execution::SendableRecordBatchStream;
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use futures::{StreamExt, stream};

use super::{Held, Key, Results};

/// What has passed so far.
struct Passing {
    results: Arc<Results>,
    key: Key,
    rows: SendableRecordBatchStream,
    /// `None` once they are too many, or one has failed.
    kept: Option<Vec<RecordBatch>>,
    bytes: usize,
}

impl Results {
    /// The same rows, which are held for the next asker after the last has passed. Those of
    /// an answer that fails, that nobody reads to its end or that is large are not.
    pub(crate) fn keep(
        self: &Arc<Self>,
        key: Key,
        rows: SendableRecordBatchStream,
    ) -> SendableRecordBatchStream {
        if self.most == 0 {
            return rows;
        }
        let columns = rows.schema();
        let passing = Passing {
            results: Arc::clone(self),
            key,
            rows,
            kept: Some(Vec::new()),
            bytes: 0,
        };
        let rows = stream::unfold(passing, async |mut passing| {
            match passing.rows.next().await {
                Some(Ok(batch)) => {
                    passing.take(&batch);
                    Some((Ok(batch), passing))
                }
                Some(failed) => {
                    passing.kept = None;
                    Some((failed, passing))
                }
                None => {
                    passing.end().await;
                    None
                }
            }
        });
        Box::pin(RecordBatchStreamAdapter::new(columns, rows))
    }
}

impl Passing {
    fn take(&mut self, batch: &RecordBatch) {
        // Whole buffers, also where the batch is a part of them: they stay with it.
        self.bytes += batch.get_array_memory_size();
        if self.bytes > self.results.most {
            self.kept = None;
        }
        if let Some(kept) = &mut self.kept {
            kept.push(batch.clone());
        }
    }

    async fn end(self) {
        if let Some(batches) = self.kept {
            let held = Held {
                columns: self.rows.schema(),
                batches: batches.into(),
                // An empty answer takes something too.
                bytes: self.bytes.max(1024),
            };
            self.results.put(self.key, held).await;
        }
    }
}

#[cfg(test)]
mod tests {
    use datafusion::arrow::array::{ArrayRef, Int64Array};
    use datafusion::error::DataFusionError;
    use serde_json::json;

    use super::*;

    fn batch(values: impl IntoIterator<Item = i64>) -> RecordBatch {
        let values: ArrayRef = Arc::new(Int64Array::from_iter_values(values));
        RecordBatch::try_from_iter([("n", values)]).expect("a batch")
    }

    fn rows(batches: Vec<Result<RecordBatch, DataFusionError>>) -> SendableRecordBatchStream {
        let columns = batch([]).schema();
        Box::pin(RecordBatchStreamAdapter::new(
            columns,
            stream::iter(batches),
        ))
    }

    async fn held(results: &Results, key: &Key) -> Option<Vec<RecordBatch>> {
        let rows = results.get(key).await?;
        Some(rows.map(|batch| batch.expect("no failure")).collect().await)
    }

    #[tokio::test]
    async fn whole_answers_are_held() {
        let results = Arc::new(Results::new(1 << 20));
        let key = Key::digest(&json!(["whole"]));
        let batches = || vec![Ok(batch(0..3)), Ok(batch(3..4))];
        let mut passing = results.keep(key, rows(batches()));
        passing.next().await.expect("a batch").expect("of rows");
        assert_eq!(held(&results, &key).await, None, "not yet at its end");
        while passing.next().await.is_some() {}
        let expected = vec![batch(0..3), batch(3..4)];
        assert_eq!(held(&results, &key).await, Some(expected));
        assert_eq!(held(&results, &Key::digest(&json!(["other"]))).await, None);
    }

    #[tokio::test]
    async fn what_fails_what_is_left_and_what_is_large_is_not_held() {
        let results = Arc::new(Results::new(1 << 16));
        let key = |name: &str| Key::digest(&json!([name]));
        let failed = || Err(DataFusionError::Internal("no".to_owned()));
        let all = |rows: SendableRecordBatchStream| rows.collect::<Vec<_>>();
        all(results.keep(key("failed"), rows(vec![Ok(batch(0..3)), failed()]))).await;
        all(results.keep(key("large"), rows(vec![Ok(batch(0..10_000))]))).await;
        drop(results.keep(key("left"), rows(vec![Ok(batch(0..3))])));
        all(Arc::new(Results::new(0)).keep(key("off"), rows(vec![Ok(batch(0..3))]))).await;
        for name in ["failed", "large", "left", "off"] {
            assert_eq!(held(&results, &key(name)).await, None, "{name}");
        }
    }
}
