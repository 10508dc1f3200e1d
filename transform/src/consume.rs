//! consume: one task per partition reads the log and decodes, ahead of the
//! round that is being put together.

use std::sync::Arc;
use std::time::Duration;

use eventlog::{EventLog, ReadError, Reader};
use tokio::sync::mpsc;
use tokio::task::JoinSet;

use crate::decode::Decoded;
use crate::error::Error;

/// Pieces that each reader may be ahead of the round.
const PIECES_AHEAD: usize = 2;

/// How long one read waits for the first record.
const WAIT: Duration = Duration::from_millis(250);

/// How long to wait before asking a log again that did not answer.
const RETRY: Duration = Duration::from_millis(500);

/// A part of one partition that is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Stretch {
    pub partition: u32,
    /// The first position, inclusive.
    pub from: u64,
    /// Where to stop, exclusive; never when `None`.
    pub until: Option<u64>,
}

/// What a reader sends.
#[derive(Debug)]
pub(crate) enum Message {
    /// The next records of a partition, in order, at least one.
    Records {
        partition: u32,
        records: Vec<Decoded>,
    },
    /// The partition cannot be read on.
    Stopped { partition: u32, error: ReadError },
}

/// The tasks that read some stretches; they end with the value.
#[derive(Debug)]
pub(crate) struct Readers {
    tasks: JoinSet<()>,
    messages: mpsc::Receiver<Message>,
}

impl Readers {
    /// Begins to read.
    pub fn start(log: &Arc<dyn EventLog>, stretches: &[Stretch], read_bytes: usize) -> Self {
        let capacity = (stretches.len() * PIECES_AHEAD).max(1);
        let (sender, messages) = mpsc::channel(capacity);
        let mut tasks = JoinSet::new();
        for stretch in stretches {
            let log = Arc::clone(log);
            tasks.spawn(consume(log, *stretch, read_bytes, sender.clone()));
        }
        Self { tasks, messages }
    }

    /// What comes next of any partition; `None` when everything was read. A
    /// call that is dropped loses nothing.
    ///
    /// # Errors
    /// [`Error::Reader`] when a task has panicked: what it would have read will
    /// never come.
    pub async fn next(&mut self) -> Result<Option<Message>, Error> {
        loop {
            tokio::select! {
                message = self.messages.recv() => match message {
                    Some(message) => return Ok(Some(message)),
                    None => break,
                },
                Some(ended) = self.tasks.join_next() => ended.map_err(Error::Reader)?,
            }
        }
        while let Some(ended) = self.tasks.join_next().await {
            ended.map_err(Error::Reader)?;
        }
        Ok(None)
    }
}

/// Reads a stretch to its end, or until nobody listens any more.
///
/// A log that does not answer is asked again; every other error is sent and
/// ends the reading.
async fn consume(
    log: Arc<dyn EventLog>,
    stretch: Stretch,
    read_bytes: usize,
    messages: mpsc::Sender<Message>,
) {
    let Stretch {
        partition,
        mut from,
        until,
    } = stretch;
    let mut reader: Option<Box<dyn Reader>> = None;
    while until.is_none_or(|until| from < until) {
        let records = match read(log.as_ref(), &mut reader, partition, from, read_bytes).await {
            Ok(records) => records,
            Err(error @ ReadError::Unavailable(_)) => {
                tracing::warn!(
                    log.partition = partition,
                    error = crate::error::chain(&error),
                    "the log cannot be read now"
                );
                reader = None;
                tokio::select! {
                    () = tokio::time::sleep(RETRY) => continue,
                    () = messages.closed() => return,
                }
            }
            Err(error) => {
                let _ = messages.send(Message::Stopped { partition, error }).await;
                return;
            }
        };
        let Some(last) = records.last() else {
            if messages.is_closed() {
                return;
            }
            continue;
        };
        from = last.position + 1;
        let mut records = records;
        if let Some(until) = until {
            records.retain(|record| record.position < until);
        }
        if records.is_empty() {
            continue;
        }
        let message = Message::Records { partition, records };
        if messages.send(message).await.is_err() {
            return;
        }
    }
}

async fn read(
    log: &dyn EventLog,
    reader: &mut Option<Box<dyn Reader>>,
    partition: u32,
    from: u64,
    read_bytes: usize,
) -> Result<Vec<Decoded>, ReadError> {
    let reader = match reader {
        Some(reader) => reader,
        None => reader.insert(log.read(partition, from).await?),
    };
    let entries = reader.next(read_bytes, WAIT).await?;
    Ok(entries.into_iter().map(Decoded::new).collect())
}
