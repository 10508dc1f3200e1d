//! A submitted query's turn, its work, and its end.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use datafusion::arrow::error::ArrowError;
use futures::StreamExt;
use tokio::sync::mpsc::{self, Receiver, Sender};
use tokio::sync::oneshot;

use super::disk::Room;
use super::entry::{Entry, State};
use super::kept::{Kept, Writer};
use super::owner::Right;
use crate::Principal;
use crate::answer::{self, Message};
use crate::error::Error;
use crate::failure;
use crate::request::Question;
use crate::server::Parts;
use crate::session::Running;

/// How long a query waits before it looks again whether there is memory.
const PAUSE: Duration = Duration::from_secs(1);

/// Has a query carried out, in its turn.
pub(super) fn begin(
    parts: &Arc<Parts>,
    entry: &Arc<Entry>,
    principal: Principal,
    question: Question,
) {
    let carried = carry(Arc::clone(parts), Arc::clone(entry), principal, question);
    entry.carried_by(tokio::spawn(carried).abort_handle());
}

async fn carry(parts: Arc<Parts>, entry: Arc<Entry>, principal: Principal, question: Question) {
    let carried = carried(&parts, &entry, principal, question);
    let state = match entry.ask.watched(carried).await {
        Ok(kept) => {
            entry.ask.answered();
            State::Finished(Arc::new(kept))
        }
        Err(Error::Cancelled) => State::Cancelled,
        Err(error) => {
            error.log(&entry.id);
            State::Failed(Arc::new(error))
        }
    };
    parts.queries.end(&entry, state, parts.clock.now());
}

async fn carried(
    parts: &Parts,
    entry: &Entry,
    principal: Principal,
    question: Question,
) -> Result<Kept, Error> {
    let turns = parts.queries.turns(&principal.tenant);
    let _turn = turns
        .acquire_owned()
        .await
        .map_err(|closed| Error::Internal(Box::new(closed)))?;
    while parts.pressure.check().is_err() {
        tokio::time::sleep(PAUSE).await;
    }
    let permit = parts.admission.wait(&principal.tenant).await?;
    entry.ask.enters(&parts.sessions, permit.runtime_env());
    // Known before anything is read: what changes from now on is another right.
    let decided = parts.sessions.decided(&principal).await?;
    entry.start(Right::new(&principal, decided), parts.clock.now());

    let (sender, messages) = mpsc::channel(1);
    let (give, kept) = oneshot::channel();
    let folder = parts.queries.folder.clone();
    let room = parts.queries.disk.room(&principal.tenant);
    let bounds = parts.bounds(answer::Format::Arrow);
    let limits = parts.limits();
    let asker = principal.clone();
    let task = parts.begin(
        permit,
        &entry.ask,
        bounds,
        sender,
        &entry.id,
        |desk| async move {
            let (running, explains) = desk.run(&asker, question, limits).await?;
            let keeping = Keeping {
                folder,
                room,
                explains,
            };
            let kept = keeping.keep(running, &desk.sender).await?;
            give.send(kept).map_err(|_| nobody())?;
            desk.sender.send(Message::End).await.map_err(|_| nobody())
        },
    )?;
    let seconds = parts.config.submitted_timeout_seconds;
    let ended = tokio::time::timeout(Duration::from_secs(seconds), followed(messages, entry));
    let ended = ended.await;
    drop(task);
    // Nobody may know what came of it before it is recorded that it was asked.
    entry.ask.durable().await?;
    ended.map_err(|_| Error::Timeout { seconds })??;
    kept.await.map_err(|_| without_end())
}

/// Counts the rows of a query until it has ended.
async fn followed(mut messages: Receiver<Message>, entry: &Entry) -> Result<(), Error> {
    loop {
        match messages.recv().await {
            Some(Message::Begin { .. } | Message::Unchanged { .. }) => {}
            Some(Message::Chunk { rows, .. }) => {
                entry.ask.durable().await?;
                entry.count(rows);
                entry.ask.sends(rows, 0);
            }
            Some(Message::End) => return Ok(()),
            Some(Message::Failed(error)) => return Err(error),
            None => return Err(without_end()),
        }
    }
}

/// Where rows are kept, and how.
struct Keeping {
    folder: PathBuf,
    room: Room,
    explains: bool,
}

impl Keeping {
    async fn keep(self, running: Running, sender: &Sender<Message>) -> Result<Kept, Error> {
        let mut rows = running.rows;
        let columns = answer::unique(&rows.schema());
        let mut writer = Writer::new(&self.folder, self.room, &columns)?;
        while let Some(batch) = rows.next().await {
            let batch = batch.map_err(failure::explain)?;
            let batch = answer::shown(batch, &columns, self.explains).map_err(ours)?;
            let rows = batch.num_rows();
            if rows > 0 {
                writer.add(&batch)?;
                let bytes = Bytes::new();
                let sent = sender.send(Message::Chunk { bytes, rows }).await;
                sent.map_err(|_| nobody())?;
            }
        }
        writer.finish(running.data_as_of)
    }
}

fn ours(error: ArrowError) -> Error {
    Error::Internal(Box::new(error))
}

fn nobody() -> Error {
    Error::internal("nobody waits for the query any more")
}

fn without_end() -> Error {
    Error::internal("the query ended without an end")
}
