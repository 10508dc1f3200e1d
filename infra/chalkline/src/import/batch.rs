use std::sync::Arc;

use futures::{Stream, stream};
use tokio::sync::mpsc;

use crate::client::Dialect;

use super::Source;

/// Events of one request.
const EVENTS: usize = 1_000;
/// Bytes of one request from which on no more events are added: with the last
/// one it is still smaller than what the front door takes, inflated or not.
const BYTES: usize = 1 << 20;
/// Batches read ahead of those on their way.
const READ_AHEAD: usize = 4;

/// The events of some consecutive rows of one table.
#[derive(Debug)]
pub struct Batch {
    /// The table.
    pub table: String,
    /// How many rows it covers.
    pub rows: u64,
    /// The dialect of its events.
    pub dialect: Dialect,
    /// The events, each with its row.
    pub events: Vec<(u64, String)>,
}

impl Batch {
    /// The batches of a table's rows after the first `skip`, read by a thread
    /// of its own.
    pub fn stream(
        source: Arc<dyn Source>,
        table: usize,
        skip: u64,
    ) -> impl Stream<Item = anyhow::Result<Self>> + Unpin {
        let (sender, receiver) = mpsc::channel(READ_AHEAD);
        tokio::task::spawn_blocking(move || {
            if let Err(error) = read(&*source, table, skip, &sender) {
                // Nobody listens any more when this fails: nothing to tell.
                let _ = sender.blocking_send(Err(error));
            }
        });
        Box::pin(stream::unfold(receiver, |mut receiver| async {
            receiver.recv().await.map(|batch| (batch, receiver))
        }))
    }
}

fn read(
    source: &dyn Source,
    index: usize,
    skip: u64,
    sender: &mpsc::Sender<anyhow::Result<Batch>>,
) -> anyhow::Result<()> {
    let name = source.tables()[index].name().to_owned();
    let empty = || Batch {
        table: name.clone(),
        dialect: source.dialect(),
        rows: 0,
        events: Vec::with_capacity(EVENTS),
    };
    let mut batch = empty();
    let mut bytes = 0;
    for row in source.events(index, skip)? {
        let row = row?;
        batch.rows += 1;
        bytes += row.events.iter().map(String::len).sum::<usize>();
        let events = row.events.into_iter().map(|event| (row.row, event));
        batch.events.extend(events);
        if batch.events.len() >= EVENTS || bytes >= BYTES {
            bytes = 0;
            let full = std::mem::replace(&mut batch, empty());
            if sender.blocking_send(Ok(full)).is_err() {
                return Ok(());
            }
        }
    }
    if batch.rows > 0 {
        let _ = sender.blocking_send(Ok(batch));
    }
    Ok(())
}
