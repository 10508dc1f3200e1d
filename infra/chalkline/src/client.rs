//! Talks to a running Chalkline over HTTP, as any client would.

use std::io::Write as _;
use std::time::Duration;

use flate2::Compression;
use flate2::write::GzEncoder;
use reqwest::header::{CONTENT_ENCODING, CONTENT_TYPE, RETRY_AFTER};
use reqwest::{Response, StatusCode};
use serde::Deserialize;
use serde_json::{Map, Value, json};

/// How long one request may take.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(60);
/// The wait after the first failure; it doubles with each further one.
const FIRST_WAIT: Duration = Duration::from_millis(200);
/// The longest wait, also when the server asks for more.
const LONGEST_WAIT: Duration = Duration::from_secs(30);

/// Why a request was not answered as hoped.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// Nobody answers at the address, or the connection broke.
    #[error("{url} does not answer: is Chalkline running there?")]
    Unreachable {
        /// Where it was sent.
        url: String,
        /// Why.
        #[source]
        source: reqwest::Error,
    },
    /// The service is overloaded or not ready.
    #[error("the service cannot take this now ({status}): {detail}")]
    Busy {
        /// The HTTP status.
        status: StatusCode,
        /// What the service says.
        detail: String,
        /// How long it asks to wait.
        retry_after: Option<Duration>,
    },
    /// The service refuses the request; sending it again changes nothing.
    #[error("the service refused the request ({status}): {detail}")]
    Refused {
        /// The HTTP status.
        status: StatusCode,
        /// What happened, for programs.
        code: String,
        /// What the service says.
        detail: String,
        /// What is wrong with each event, if the request was one of events.
        errors: Vec<EventResult>,
    },
    /// The answer is not what this version of Chalkline sends.
    #[error("{url} answered something else than Chalkline does")]
    Answer {
        /// Where the request was sent.
        url: String,
        /// Why.
        #[source]
        source: reqwest::Error,
    },
}

impl ClientError {
    /// Whether the same request may succeed later.
    pub fn is_retryable(&self) -> bool {
        matches!(self, Self::Unreachable { .. } | Self::Busy { .. })
    }

    /// How long to wait before the `failures`-th next try: what the service
    /// asks for, else twice as long each time.
    pub fn wait(&self, failures: u32) -> Duration {
        let doubled = FIRST_WAIT.saturating_mul(1 << failures.min(10));
        match self {
            Self::Busy {
                retry_after: Some(wait),
                ..
            } => *wait,
            _ => doubled,
        }
        .min(LONGEST_WAIT)
    }
}

/// What the front door answered to a batch: one outcome per event, in order.
#[derive(Debug, Default, Deserialize)]
pub struct Receipt {
    /// What became of the events, in their order.
    pub results: Vec<EventResult>,
}

/// What became of one event.
#[derive(Debug, Clone, Deserialize)]
pub struct EventResult {
    /// Its outcome.
    #[serde(default = "rejected")]
    pub outcome: Outcome,
    /// Why it was rejected, for programs.
    #[serde(default)]
    pub code: String,
    /// Why it was rejected, for people.
    #[serde(default)]
    pub detail: String,
}

/// The outcomes of an event.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// It is durable.
    Accepted,
    /// It stands earlier in the same request.
    Duplicate,
    /// It is valid and makes no row.
    Ignored,
    /// It will never be taken as it is.
    Rejected,
    /// It has to be sent again.
    Retry,
}

fn rejected() -> Outcome {
    Outcome::Rejected
}

/// An error body, as far as it is used here.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Problem {
    code: String,
    detail: String,
    errors: Vec<EventResult>,
}

/// The code of an answer that rejects every event, each with its reason.
const NO_EVENT_TAKEN: &str = "no_event_taken";

/// The answer to a question.
#[derive(Debug, Clone, PartialEq, Deserialize, serde::Serialize)]
pub struct Answer {
    /// The columns, in order.
    pub columns: Vec<Column>,
    /// The rows, by column name.
    pub rows: Vec<Map<String, Value>>,
}

/// A column of an answer.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, serde::Serialize)]
pub struct Column {
    /// Its name.
    pub name: String,
}

/// A client of one service; cheap to clone.
#[derive(Debug, Clone)]
pub struct Client {
    http: reqwest::Client,
    url: String,
    credential: String,
}

impl Client {
    /// A client of the service at `url` that shows `credential`, a write key
    /// or a query token.
    ///
    /// # Panics
    /// When no TLS provider was installed: see [`crate::install_crypto`].
    pub fn new(url: &str, credential: &str) -> Self {
        let mut http = reqwest::Client::builder()
            .timeout(REQUEST_TIMEOUT)
            .user_agent(concat!("chalkline/", env!("CARGO_PKG_VERSION")));
        if is_loopback(url) {
            // What runs on this machine is not reached through a proxy.
            http = http.no_proxy();
        }
        Self {
            http: http.build().expect("a TLS provider is installed"),
            url: url.trim_end_matches('/').to_owned(),
            credential: credential.to_owned(),
        }
    }

    /// The address of the service.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Posts events, one JSON text each, once.
    ///
    /// # Errors
    /// [`ClientError`] when there is no outcome per event.
    pub async fn post_events<'a>(
        &self,
        events: impl IntoIterator<Item = &'a str>,
    ) -> Result<Receipt, ClientError> {
        let url = format!("{}/v1/events", self.url);
        let request = self
            .http
            .post(&url)
            .bearer_auth(&self.credential)
            .header(CONTENT_TYPE, "application/x-ndjson")
            .header(CONTENT_ENCODING, "gzip")
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

    /// Asks a question in SQL.
    ///
    /// # Errors
    /// [`ClientError`] when it is not answered.
    pub async fn sql(&self, sql: &str) -> Result<Answer, ClientError> {
        let url = format!("{}/v1/sql", self.url);
        let request = self
            .http
            .post(&url)
            .bearer_auth(&self.credential)
            .json(&json!({ "sql": sql }));
        let response = self.send(&url, request).await?;
        response
            .json()
            .await
            .map_err(|source| ClientError::Answer { url, source })
    }

    async fn send(
        &self,
        url: &str,
        request: reqwest::RequestBuilder,
    ) -> Result<Response, ClientError> {
        let response = request
            .send()
            .await
            .map_err(|source| ClientError::Unreachable {
                url: url.to_owned(),
                source,
            })?;
        let status = response.status();
        if status.is_success() {
            return Ok(response);
        }
        let retry_after = retry_after(&response);
        let problem: Problem = response.json().await.unwrap_or_default();
        Err(if is_busy(status) {
            ClientError::Busy {
                status,
                detail: problem.detail,
                retry_after,
            }
        } else {
            ClientError::Refused {
                status,
                code: problem.code,
                detail: problem.detail,
                errors: problem.errors,
            }
        })
    }
}

fn is_busy(status: StatusCode) -> bool {
    matches!(
        status,
        StatusCode::REQUEST_TIMEOUT | StatusCode::TOO_MANY_REQUESTS
    ) || status.is_server_error()
}

fn retry_after(response: &Response) -> Option<Duration> {
    let seconds = response.headers().get(RETRY_AFTER)?.to_str().ok()?;
    seconds.trim().parse().ok().map(Duration::from_secs)
}

fn is_loopback(url: &str) -> bool {
    reqwest::Url::parse(url).is_ok_and(|url| match url.host_str() {
        Some("localhost" | "[::1]") => true,
        Some(host) => host
            .parse::<std::net::Ipv4Addr>()
            .is_ok_and(|address| address.is_loopback()),
        None => false,
    })
}

fn gzip_lines<'a>(lines: impl IntoIterator<Item = &'a str>) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    for line in lines {
        encoder
            .write_all(line.as_bytes())
            .and_then(|()| encoder.write_all(b"\n"))
            .expect("memory takes every byte");
    }
    encoder.finish().expect("memory takes every byte")
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case(0, Duration::from_millis(200))]
    #[case(3, Duration::from_millis(1_600))]
    #[case(40, LONGEST_WAIT)]
    fn waits_double_up_to_a_limit(#[case] failures: u32, #[case] expected: Duration) {
        let mut error = ClientError::Busy {
            status: StatusCode::SERVICE_UNAVAILABLE,
            detail: String::new(),
            retry_after: None,
        };
        assert_eq!(error.wait(failures), expected);
        if let ClientError::Busy { retry_after, .. } = &mut error {
            *retry_after = Some(Duration::from_secs(7));
        }
        assert_eq!(error.wait(failures), Duration::from_secs(7));
    }

    #[rstest]
    #[case("http://127.0.0.1:8080", true)]
    #[case("http://localhost", true)]
    #[case("http://[::1]:80", true)]
    #[case("https://127.example", false)]
    #[case("https://events.school.example", false)]
    fn only_this_machine_is_reached_without_a_proxy(#[case] url: &str, #[case] expected: bool) {
        assert_eq!(is_loopback(url), expected);
    }
}
