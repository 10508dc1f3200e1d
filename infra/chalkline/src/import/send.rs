use crate::client::{Client, ClientError, EventResult, Outcome};

use super::Rejection;
use super::batch::Batch;

/// Tries in a row that may bring nothing before an import gives up; with the
/// waits between them a few minutes.
const TRIES: u32 = 12;

/// What became of a batch.
#[derive(Debug, Default)]
pub struct Sent {
    /// The rows it covered.
    pub rows: u64,
    /// The events of these rows.
    pub events: u64,
    /// Events that are now durable.
    pub accepted: u64,
    /// Events that came twice in one request.
    pub duplicate: u64,
    /// Events that make no row.
    pub ignored: u64,
    /// Events that were not taken.
    pub rejected: Vec<Rejection>,
}

/// Sends a batch, and again what the front door could not take, until every
/// event has its outcome.
///
/// # Errors
/// [`ClientError`] when the request is refused, or when nothing was taken for
/// some minutes.
pub async fn until_answered(client: &Client, batch: &Batch) -> Result<Sent, ClientError> {
    let mut sent = Sent {
        rows: batch.rows,
        events: batch.events.len() as u64,
        ..Sent::default()
    };
    let mut open: Vec<&(u64, String)> = batch.events.iter().collect();
    let mut failures = 0;
    while !open.is_empty() {
        let before = open.len();
        let events = open.iter().map(|(_, event)| event.as_str());
        let error = match client.post(batch.dialect, events).await {
            Ok(receipt) => {
                open = sent.settle(&batch.table, open, &receipt.results);
                if open.len() < before {
                    failures = 0;
                    continue;
                }
                ClientError::Busy {
                    status: reqwest::StatusCode::OK,
                    detail: "every event is to be sent again".to_owned(),
                    retry_after: None,
                }
            }
            Err(error) => error,
        };
        failures += 1;
        if !error.is_retryable() || failures >= TRIES {
            return Err(error);
        }
        tokio::time::sleep(error.wait(failures)).await;
    }
    Ok(sent)
}

impl Sent {
    /// Counts the outcomes; what is left has to be sent again.
    fn settle<'a>(
        &mut self,
        table: &str,
        events: Vec<&'a (u64, String)>,
        results: &[EventResult],
    ) -> Vec<&'a (u64, String)> {
        let mut open = Vec::new();
        for (index, event) in events.into_iter().enumerate() {
            match results.get(index).map(|result| (result.outcome, result)) {
                Some((Outcome::Accepted, _)) => self.accepted += 1,
                Some((Outcome::Duplicate, _)) => self.duplicate += 1,
                Some((Outcome::Ignored, _)) => self.ignored += 1,
                Some((Outcome::Rejected, result)) => self.rejected.push(Rejection {
                    table: table.to_owned(),
                    row: event.0,
                    code: result.code.clone(),
                    detail: result.detail.clone(),
                }),
                Some((Outcome::Retry, _)) | None => open.push(event),
            }
        }
        open
    }
}
