//! The part of a query that runs on the workers: rows become chunks of bytes,
//! as fast as they are taken and no faster.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use datafusion::arrow::array::{ArrayRef, AsArray, RecordBatch, StringArray};
use datafusion::arrow::datatypes::{DataType, SchemaRef};
use datafusion::arrow::error::ArrowError;
use datafusion::execution::SendableRecordBatchStream;
use futures::StreamExt;
use serde_json::Value;
use tokio::sync::mpsc::Sender;

use super::about::About;
use super::columns::{rename, unique};
use super::format::Format;
use crate::error::Error;
use crate::failure;
use crate::secure::BARRIER;

/// About how much is written at once.
const PART_BYTES: f64 = 1024.0 * 1024.0;

/// How many rows are written at once whose values may lie in one place.
const SHARED_ROWS: usize = 256;

/// What the workers tell the one who answers.
#[derive(Debug)]
pub(crate) enum Message {
    /// The query runs.
    Begin { about: About },
    /// More of the answer.
    Chunk { bytes: Bytes, rows: usize },
    /// The asker holds the answer already.
    Unchanged { about: About },
    /// The answer is whole.
    End,
    /// There will be no answer, or no more of it.
    Failed(Error),
}

/// How long an answer may be, and how long it may lie.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Bounds {
    pub(crate) rows: usize,
    pub(crate) bytes: usize,
    pub(crate) stall: Duration,
}

/// Sends the rows of a running query as its answer.
pub(crate) async fn produce(
    mut rows: SendableRecordBatchStream,
    about: About,
    explains: bool,
    format: Format,
    bounds: Bounds,
    sender: &Sender<Message>,
) -> Result<(), Error> {
    let columns = unique(&rows.schema());
    let mut encoder = format.encoder(columns.clone(), &about);
    let mut sent = Sent {
        sender,
        bounds,
        rows: 0,
        bytes: 0,
    };
    sent.send(Message::Begin { about }).await?;
    sent.chunk(encoder.begin().map_err(ours)?, 0).await?;
    while let Some(batch) = rows.next().await {
        let batch = batch.map_err(failure::explain)?;
        if batch.num_rows() == 0 {
            continue;
        }
        let batch = shown(batch, &columns, explains).map_err(ours)?;
        // Checked before encoding: a batch too many costs no more memory.
        sent.count(batch.num_rows())?;
        for part in parts(&batch) {
            let part = part.map_err(ours)?;
            if size(&part).map_err(ours)? > bounds.bytes {
                return Err(too_large(format!("more than {} bytes", bounds.bytes)));
            }
            let bytes = encoder.rows(&part).map_err(ours)?;
            sent.chunk(bytes, part.num_rows()).await?;
        }
    }
    sent.chunk(encoder.end().map_err(ours)?, 0).await?;
    sent.send(Message::End).await
}

/// Rows as their asker may read them, under columns of these names; `explains` says that
/// they are a plan.
pub(crate) fn shown(
    batch: RecordBatch,
    columns: &SchemaRef,
    explains: bool,
) -> Result<RecordBatch, ArrowError> {
    let batch = rename(batch, columns)?;
    match explains {
        true => readable(&batch),
        false => Ok(batch),
    }
}

/// Says that the asker holds the answer already.
pub(crate) async fn unchanged(about: About, sender: &Sender<Message>) -> Result<(), Error> {
    let sent = sender.send(Message::Unchanged { about }).await;
    sent.map_err(|_| Error::internal("nobody reads the answer any more"))
}

/// Sends a JSON document that is already whole, and how much it lists.
pub(crate) async fn whole(
    body: &Value,
    rows: usize,
    sender: &Sender<Message>,
) -> Result<(), Error> {
    let about = About::default();
    let bytes = body.to_string().into();
    for message in [
        Message::Begin { about },
        Message::Chunk { bytes, rows },
        Message::End,
    ] {
        let sent = sender.send(message).await;
        sent.map_err(|_| Error::internal("nobody reads the answer any more"))?;
    }
    Ok(())
}

/// The rows in parts that are short once written: a value that stands in many
/// rows or columns lies in memory once, and is written each time.
fn parts(batch: &RecordBatch) -> impl Iterator<Item = Result<RecordBatch, ArrowError>> {
    let shares = |column: &ArrayRef| {
        matches!(
            column.data_type(),
            DataType::Utf8View | DataType::BinaryView | DataType::Dictionary(..)
        )
    };
    let most = match batch.columns().iter().any(shares) {
        true => SHARED_ROWS,
        false => usize::MAX,
    };
    let rows = batch.num_rows();
    let step = size(batch).map(|bytes| {
        let fitting = (rows as f64 * PART_BYTES / bytes.max(1) as f64) as usize;
        fitting.clamp(1, most.min(rows.max(1)))
    });
    let (step, error) = match step {
        Ok(step) => (step, None),
        Err(error) => (rows.max(1), Some(Err(error))),
    };
    let parts = (0..rows)
        .step_by(step)
        .map(move |first| Ok(batch.slice(first, step.min(rows - first))));
    error.into_iter().chain(parts)
}

/// The bytes of all values, each counted where it stands.
pub(crate) fn size(batch: &RecordBatch) -> Result<usize, ArrowError> {
    let columns = batch.columns().iter();
    columns
        .map(|column| column.to_data().get_slice_memory_size())
        .sum()
}

fn ours(error: ArrowError) -> Error {
    Error::Internal(Box::new(error))
}

struct Sent<'a> {
    sender: &'a Sender<Message>,
    bounds: Bounds,
    rows: usize,
    bytes: usize,
}

impl Sent<'_> {
    fn count(&mut self, rows: usize) -> Result<(), Error> {
        self.rows += rows;
        if self.rows <= self.bounds.rows {
            return Ok(());
        }
        Err(too_large(format!("more than {} rows", self.bounds.rows)))
    }

    async fn chunk(&mut self, bytes: Vec<u8>, rows: usize) -> Result<(), Error> {
        if bytes.is_empty() {
            return Ok(());
        }
        self.bytes += bytes.len();
        if self.bytes > self.bounds.bytes {
            return Err(too_large(format!("more than {} bytes", self.bounds.bytes)));
        }
        let bytes = bytes.into();
        self.send(Message::Chunk { bytes, rows }).await
    }

    /// Waits until there is room, but not for a reader that has stopped reading.
    async fn send(&self, message: Message) -> Result<(), Error> {
        match tokio::time::timeout(self.bounds.stall, self.sender.send(message)).await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(_)) => Err(Error::internal("nobody reads the answer any more")),
            Err(_) => Err(Error::internal("the answer's reader has stopped reading")),
        }
    }
}

fn too_large(what: String) -> Error {
    Error::TooLarge {
        detail: format!(
            "The answer has {what}; ask for fewer rows (LIMIT) or columns, aggregate, or ask for \
             text/csv, application/x-ndjson or application/vnd.apache.arrow.stream, which may be \
             longer."
        ),
    }
}

/// A plan as it may be read: without the names of files, which say where the lake lies,
/// and without what stands below a barrier, which says by what rows are chosen.
fn readable(batch: &RecordBatch) -> Result<RecordBatch, ArrowError> {
    let arrays = batch.columns().iter().map(|array| -> ArrayRef {
        match array.as_string_opt::<i32>() {
            Some(texts) => {
                let shown = texts
                    .iter()
                    .map(|text| text.map(|plan| scrub(&above(plan))));
                let texts: StringArray = shown.collect();
                Arc::new(texts)
            }
            None => Arc::clone(array),
        }
    });
    RecordBatch::try_new(batch.schema(), arrays.collect())
}

/// The lines of a plan but those below a barrier: these are further in.
fn above(plan: &str) -> String {
    let depth = |line: &str| line.len() - line.trim_start().len();
    let mut barrier = None;
    let mut shown = String::with_capacity(plan.len());
    for line in plan.split_inclusive('\n') {
        if barrier.is_some_and(|barrier| depth(line) > barrier) {
            continue;
        }
        barrier = line.trim_start().starts_with(BARRIER).then(|| depth(line));
        shown.push_str(line);
    }
    shown
}

/// Empties every `file_groups={…}`.
fn scrub(plan: &str) -> String {
    const MARK: &str = "file_groups={";
    let mut scrubbed = String::with_capacity(plan.len());
    let mut rest = plan;
    while let Some(at) = rest.find(MARK) {
        let (before, after) = rest.split_at(at + MARK.len());
        scrubbed.push_str(before);
        let mut depth = 1_usize;
        let end = after.find(|c| {
            match c {
                '{' => depth += 1,
                '}' => depth -= 1,
                _ => {}
            }
            depth == 0
        });
        scrubbed.push('…');
        rest = end.map_or("", |end| &after[end..]);
    }
    scrubbed.push_str(rest);
    scrubbed
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use datafusion::arrow::array::Int64Array;
    use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
    use futures::stream;
    use tokio::sync::mpsc;

    use super::*;

    /// Batches without end, and how many of them were asked for.
    fn endless() -> (SendableRecordBatchStream, Arc<AtomicUsize>) {
        let numbers: ArrayRef = Arc::new(Int64Array::from_iter_values(0..10));
        let batch = RecordBatch::try_from_iter([("n", numbers)]).expect("a batch");
        let (schema, asked) = (batch.schema(), Arc::new(AtomicUsize::new(0)));
        let counted = Arc::clone(&asked);
        let batches = stream::repeat_with(move || -> datafusion::error::Result<RecordBatch> {
            counted.fetch_add(1, Ordering::Relaxed);
            Ok(batch.clone())
        });
        let rows = RecordBatchStreamAdapter::new(schema, batches);
        (Box::pin(rows), asked)
    }

    #[tokio::test]
    async fn no_more_is_produced_than_is_read_and_then_it_is_cut() {
        const AHEAD: usize = 2;
        const READ: usize = 50;
        let (rows, asked) = endless();
        let bounds = Bounds {
            rows: usize::MAX,
            bytes: usize::MAX,
            stall: Duration::from_millis(200),
        };
        let (sender, mut messages) = mpsc::channel(AHEAD);
        let producing = tokio::spawn(async move {
            let about = About::default();
            produce(rows, about, false, Format::Csv, bounds, &sender).await
        });

        let mut read = 0;
        while read < READ {
            match messages.recv().await.expect("there is more") {
                Message::Chunk { rows, .. } if rows > 0 => read += 1,
                Message::Chunk { .. } | Message::Begin { .. } => {}
                other => panic!("{other:?}"),
            }
        }
        // From now on nobody reads, and nobody goes away.
        let produced = producing.await.expect("no panic");
        let error = produced.expect_err("it is cut");
        let Error::Internal(reason) = &error else {
            panic!("{error:?}");
        };
        assert!(reason.to_string().contains("stopped reading"), "{reason}");
        // Those that were read, those that wait, and the one that found no room.
        let asked = asked.load(Ordering::Relaxed);
        assert!((READ + 1..=READ + AHEAD + 1).contains(&asked), "{asked}");
    }

    #[test]
    fn plans_end_at_barriers() {
        let plan = "Join\n  SecurityBarrierExec\n    FilterExec: school = high\n      A\n  B\n   SecurityBarrierExec\n";
        assert_eq!(
            above(plan),
            "Join\n  SecurityBarrierExec\n  B\n   SecurityBarrierExec\n"
        );
    }

    #[test]
    fn plans_name_no_files() {
        let plan = "A\n  B: file_groups={2 groups: [[a/{x}.parquet], [b]]}, projection=[c]\n C";
        assert_eq!(scrub(plan), "A\n  B: file_groups={…}, projection=[c]\n C");
    }
}
