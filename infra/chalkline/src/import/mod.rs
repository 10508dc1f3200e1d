//! Brings a folder of tables in through the front door, batch by batch.
//!
//! Batches are answered in the order of the rows, and the state file follows
//! the answers: an import that was stopped goes on where it was. Sending a
//! batch twice stores nothing twice, because a row always has the same ids.

mod batch;
mod progress;
mod send;
mod source;
mod state;

use std::sync::Arc;

use anyhow::Context as _;
use futures::StreamExt as _;
use serde::Serialize;

use crate::client::Client;

use batch::Batch;
pub use progress::Progress;
pub use source::{Events, RowEvents, Source, Table};
pub(crate) use source::{HashingReader, open};
pub use state::{State, TableState};

/// Requests on their way at once: one is written while others are answered.
const IN_FLIGHT: usize = 4;

/// What an import did.
#[derive(Debug, Default, PartialEq, Eq, Serialize)]
pub struct Summary {
    /// Rows that an earlier run had already brought in.
    pub skipped_rows: u64,
    /// Rows brought in by this run.
    pub rows: u64,
    /// Events they became.
    pub events: u64,
    /// Events that are now durable.
    pub accepted: u64,
    /// Events that came twice in one request.
    pub duplicate: u64,
    /// Events that make no row.
    pub ignored: u64,
    /// Events that were not taken.
    pub rejected: u64,
    /// Why, for the first of them.
    pub rejections: Vec<Rejection>,
}

/// An event that was not taken.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Rejection {
    /// The table it comes from.
    pub table: String,
    /// The row, from 1, without the header.
    pub row: u64,
    /// Why, for programs.
    pub code: String,
    /// Why, for people.
    pub detail: String,
}

/// How many rejections a summary describes.
const REJECTIONS_SHOWN: usize = 10;

impl Summary {
    fn add(&mut self, sent: send::Sent) {
        self.rows += sent.rows;
        self.events += sent.events;
        self.accepted += sent.accepted;
        self.duplicate += sent.duplicate;
        self.ignored += sent.ignored;
        self.rejected += sent.rejected.len() as u64;
        let room = REJECTIONS_SHOWN.saturating_sub(self.rejections.len());
        self.rejections.extend(sent.rejected.into_iter().take(room));
    }
}

/// Sends what `state` does not hold yet and keeps `state` up to date.
///
/// # Errors
/// When a table cannot be read, the state file cannot be written, or the front
/// door refuses a whole request or stays away for minutes.
pub async fn run(
    source: Arc<dyn Source>,
    client: &Client,
    state: &mut State,
    progress: &Progress,
) -> anyhow::Result<Summary> {
    let mut summary = Summary::default();
    for (index, table) in source.tables().into_iter().enumerate() {
        let done = state.rows_done(table);
        summary.skipped_rows += done;
        progress.begin(table.name(), "rows", table.row_count(), done);
        let mut answers = Batch::stream(Arc::clone(&source), index, done)
            .map(|batch| async {
                let batch = batch?;
                anyhow::Ok(send::until_answered(client, &batch).await?)
            })
            .buffered(IN_FLIGHT);
        while let Some(sent) = answers.next().await {
            let sent = sent.with_context(|| format!("cannot import {}", table.name()))?;
            state.advance(table, &sent)?;
            progress.advance(sent.rows);
            summary.add(sent);
        }
        progress.end();
    }
    Ok(summary)
}

#[cfg(test)]
mod tests;
