//! Posting events, and what the front door answers.

use std::io::Write as _;

use flate2::Compression;
use flate2::write::GzEncoder;
use reqwest::StatusCode;
use reqwest::header::{CONTENT_ENCODING, CONTENT_TYPE};
use serde::Deserialize;

use super::{Client, ClientError};

/// Asks for repetitions to be looked for among all that is stored: files may be
/// imported again after any time.
const LOOK_UP: (&str, &str) = ("Chalkline-Look-Up", "everywhere");

/// How events are written, and so which door takes them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Dialect {
    /// Chalkline's own: `/v1/events`.
    Native,
    /// xAPI 1.0.3 statements: `/xapi/statements`.
    Xapi,
    /// Tracking events of Open edX: `/v1/edx/tracking`.
    Edx,
}

/// What the front door answered to a batch: one outcome per event, in order.
#[derive(Debug, Default, Deserialize)]
pub struct Receipt {
    /// What became of the events, in their order.
    pub results: Vec<EventResult>,
}

/// What became of one event.
#[derive(Debug, Clone, Default, Deserialize)]
pub struct EventResult {
    /// Its place in the request; only where not every event has a result.
    #[serde(default)]
    pub index: usize,
    /// Its outcome.
    #[serde(default)]
    pub outcome: Outcome,
    /// Why it was rejected, for programs.
    #[serde(default)]
    pub code: String,
    /// Why it was rejected, for people.
    #[serde(default)]
    pub detail: String,
}

/// The outcomes of an event.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// It is durable.
    Accepted,
    /// It stands earlier in the same request.
    Duplicate,
    /// It is valid and makes no row.
    Ignored,
    /// It will never be taken as it is.
    #[default]
    Rejected,
    /// It has to be sent again.
    Retry,
}

/// The code of an answer that rejects every event, each with its reason.
const NO_EVENT_TAKEN: &str = "no_event_taken";

impl Client {
    /// Posts events of a dialect, one JSON text each, once.
    ///
    /// # Errors
    /// [`ClientError`] when there is no outcome per event.
    pub async fn post<'a>(
        &self,
        dialect: Dialect,
        events: impl IntoIterator<Item = &'a str>,
    ) -> Result<Receipt, ClientError> {
        match dialect {
            Dialect::Native => self.post_lines("/v1/events", events).await,
            Dialect::Edx => self.post_lines("/v1/edx/tracking", events).await,
            Dialect::Xapi => self.post_statements(events).await,
        }
    }

    async fn post_lines<'a>(
        &self,
        path: &str,
        events: impl IntoIterator<Item = &'a str>,
    ) -> Result<Receipt, ClientError> {
        let url = format!("{}{path}", self.url);
        let request = self
            .http
            .post(&url)
            .bearer_auth(&self.credential)
            .header(CONTENT_TYPE, "application/x-ndjson")
            .header(CONTENT_ENCODING, "gzip")
            .header(LOOK_UP.0, LOOK_UP.1)
            .body(gzip_lines(events));
        let response = match self.send(&url, request).await {
            Ok(response) => response,
            Err(ClientError::Refused { code, errors, .. }) if code == NO_EVENT_TAKEN => {
                return Ok(Receipt { results: errors });
            }
            Err(error) => return Err(error),
        };
        response
            .json()
            .await
            .map_err(|source| ClientError::Answer { url, source })
    }

    /// One invalid statement refuses the whole request, with the reasons of
    /// all that are invalid; the others are then to be sent again.
    async fn post_statements<'a>(
        &self,
        statements: impl IntoIterator<Item = &'a str>,
    ) -> Result<Receipt, ClientError> {
        let statements: Vec<&str> = statements.into_iter().collect();
        let url = format!("{}/xapi/statements", self.url);
        let request = self
            .http
            .post(&url)
            .bearer_auth(&self.credential)
            .header("X-Experience-API-Version", "1.0.3")
            .header(CONTENT_TYPE, "application/json")
            .header(CONTENT_ENCODING, "gzip")
            .header(LOOK_UP.0, LOOK_UP.1)
            .body(gzip_array(&statements));
        let outcome = |outcome| EventResult {
            outcome,
            ..EventResult::default()
        };
        match self.send(&url, request).await {
            Ok(_) => Ok(Receipt {
                results: vec![outcome(Outcome::Accepted); statements.len()],
            }),
            Err(ClientError::Refused { status, errors, .. })
                if status == StatusCode::BAD_REQUEST && !errors.is_empty() =>
            {
                let mut results = vec![outcome(Outcome::Retry); statements.len()];
                for error in errors {
                    if let Some(result) = results.get_mut(error.index) {
                        *result = error;
                    }
                }
                Ok(Receipt { results })
            }
            Err(error) => Err(error),
        }
    }
}

fn gzip_lines<'a>(lines: impl IntoIterator<Item = &'a str>) -> Vec<u8> {
    gzip(lines.into_iter().flat_map(|line| [line, "\n"]))
}

/// JSON texts as one array.
fn gzip_array(texts: &[&str]) -> Vec<u8> {
    let items = texts.iter().enumerate();
    let items = items.flat_map(|(index, text)| [if index == 0 { "" } else { "," }, text]);
    gzip(["["].into_iter().chain(items).chain(["]"]))
}

fn gzip<'a>(pieces: impl IntoIterator<Item = &'a str>) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    for piece in pieces {
        let written = encoder.write_all(piece.as_bytes());
        written.expect("memory takes every byte");
    }
    encoder.finish().expect("memory takes every byte")
}
