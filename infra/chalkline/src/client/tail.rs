//! Listening to what becomes of events.

use std::time::Duration;

use reqwest::Response;
use serde::{Deserialize, Serialize};

use super::{Client, ClientError};

/// The door says every ten seconds that it is still there.
const SILENCE: Duration = Duration::from_secs(30);

/// What a front door tells a listener.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Told {
    /// From now on it tells.
    Listening,
    /// What became of an event, or of a request.
    Outcome(Box<Line>),
    /// So many more events than are told in a second.
    Skipped(u64),
    /// The connection was too slow: some were left out.
    Missed,
}

/// What became of an event, or of a request.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Line {
    /// When it came.
    pub received_at: String,
    /// The id of the write key.
    pub key: String,
    /// The door's path.
    pub path: String,
    /// By which logs name the request.
    pub trace_id: String,
    /// The event's id.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// Its type.
    #[serde(rename = "type", skip_serializing_if = "Option::is_none")]
    pub event_type: Option<String>,
    /// Its family.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub family: Option<String>,
    /// Its outcome; `refused` of a request as a whole.
    pub outcome: String,
    /// The status that a refused request was answered.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub status: Option<u16>,
    /// Why it was not taken, for programs.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub code: Option<String>,
    /// Where in the body.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pointer: Option<String>,
    /// What to do about it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub detail: Option<String>,
}

/// A stream of what is told.
#[derive(Debug)]
pub struct Tail {
    response: Response,
    url: String,
    /// What has come of the next lines.
    unread: Vec<u8>,
    event: String,
    data: String,
}

impl Client {
    /// Listens with this client's write key to what becomes of events.
    ///
    /// # Errors
    /// [`ClientError`] when the service does not let us.
    pub async fn tail(&self, parameters: &[(&str, String)]) -> Result<Tail, ClientError> {
        let url = format!("{}/v1/tail", self.url);
        let request = self.http.get(&url).query(parameters);
        // It has no end.
        let request = request.timeout(Duration::from_secs(365 * 24 * 3600));
        let response = self
            .send(&url, request.bearer_auth(&self.credential))
            .await?;
        Ok(Tail {
            response,
            url,
            unread: Vec::new(),
            event: String::new(),
            data: String::new(),
        })
    }
}

impl Tail {
    /// What is told next; `None` when the service ends the stream.
    ///
    /// # Errors
    /// [`ClientError::Unreachable`] when the connection broke, and
    /// [`ClientError::Busy`] when nothing was heard for half a minute.
    pub async fn next(&mut self) -> Result<Option<Told>, ClientError> {
        loop {
            while let Some(end) = self.unread.iter().position(|byte| *byte == b'\n') {
                let line: Vec<u8> = self.unread.drain(..=end).collect();
                if let Some(told) = self.line(String::from_utf8_lossy(&line).trim_end()) {
                    return Ok(Some(told));
                }
            }
            let chunk = tokio::time::timeout(SILENCE, self.response.chunk()).await;
            let chunk = chunk.map_err(|_| ClientError::Busy {
                status: self.response.status(),
                detail: "nothing was heard for half a minute".to_owned(),
                retry_after: None,
            })?;
            let chunk = chunk.map_err(|source| ClientError::Unreachable {
                url: self.url.clone(),
                source,
            })?;
            match chunk {
                Some(chunk) => self.unread.extend_from_slice(&chunk),
                None => return Ok(None),
            }
        }
    }

    /// Takes one line of the stream in; an empty one ends an event.
    fn line(&mut self, line: &str) -> Option<Told> {
        if let Some(event) = line.strip_prefix("event: ") {
            event.clone_into(&mut self.event);
        } else if let Some(data) = line.strip_prefix("data: ") {
            self.data.push_str(data);
        } else if line.is_empty() {
            let (event, data) = (
                std::mem::take(&mut self.event),
                std::mem::take(&mut self.data),
            );
            return told(&event, &data);
        }
        None
    }
}

/// What an event of the stream says; nothing if it is one of a later version.
fn told(event: &str, data: &str) -> Option<Told> {
    #[derive(Deserialize)]
    struct Skipped {
        events: u64,
    }

    match event {
        "listening" => Some(Told::Listening),
        "missed" => Some(Told::Missed),
        "skipped" => {
            let skipped: Skipped = serde_json::from_str(data).ok()?;
            Some(Told::Skipped(skipped.events))
        }
        "outcome" | "refusal" => serde_json::from_str(data).ok().map(Told::Outcome),
        _ => None,
    }
}
