//! Asking in SQL, with answers that are read as they come.

use std::error::Error as _;
use std::time::Duration;

use reqwest::header::{ACCEPT, HeaderMap};
use reqwest::{RequestBuilder, Response, StatusCode};
use schemas::TenantId;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use super::{Client, retry_after};

/// An answer may go on for long: the service says when it is too long, and whoever waits
/// can go away.
const ANSWER_TIME: Duration = Duration::from_secs(24 * 3600);
/// Listings are short.
const LISTING_TIME: Duration = Duration::from_secs(30);
/// Whose data a token of an identity provider asks about, where it does not say so itself.
const TENANT: &str = "x-chalkline-tenant";

/// Why a question was not answered.
#[derive(Debug, thiserror::Error)]
pub enum AskError {
    /// Nobody answers at the address.
    #[error("{url} does not answer: is Chalkline running there?")]
    Unreachable {
        /// Where it was sent.
        url: String,
        /// Why.
        #[source]
        source: reqwest::Error,
    },
    /// The service answered with an error.
    #[error("{0}")]
    Refused(Box<Refusal>),
    /// The connection broke while the answer came, or the query failed then.
    #[error("the answer broke off: what came of it is not all of it")]
    BrokeOff {
        /// Why.
        #[source]
        source: reqwest::Error,
    },
    /// The answer is not what this version of Chalkline sends.
    #[error("{url} answered something else than a query service does ({status})")]
    Foreign {
        /// Where it was sent.
        url: String,
        /// The HTTP status.
        status: StatusCode,
    },
}

/// What a query service says of a question that it does not answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{code} ({}): {detail}", .status.as_u16())]
pub struct Refusal {
    /// The HTTP status.
    pub status: StatusCode,
    /// What happened, for programs.
    pub code: String,
    /// What to do about it.
    pub detail: String,
    /// By which the service's logs name the request.
    pub trace_id: String,
    /// How long it asks to wait.
    pub retry_after: Option<Duration>,
}

/// An error body, as far as it is used here.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Problem {
    code: String,
    detail: String,
    trace_id: String,
}

/// A client of a query service; cheap to clone.
#[derive(Debug, Clone)]
pub struct Asker {
    client: Client,
    tenant: Option<TenantId>,
}

/// An answer whose rows are still to be read. Dropping it ends the query.
#[derive(Debug)]
pub struct Stream {
    response: Response,
    /// The rows are complete up to this moment (RFC 3339), if there is any.
    pub data_as_of: Option<String>,
    /// How many rows there are, where the service knew before it began to send.
    pub rows: Option<u64>,
}

impl Asker {
    /// Asks with this client, about the data of `tenant` where the token itself does not
    /// say whose.
    pub fn new(client: Client, tenant: Option<TenantId>) -> Self {
        Self { client, tenant }
    }

    /// The address of the service.
    pub fn url(&self) -> &str {
        self.client.url()
    }

    /// Asks in SQL for an answer of this media type.
    ///
    /// # Errors
    /// [`AskError`] when there is no answer.
    pub async fn ask(
        &self,
        sql: &str,
        params: &[Value],
        media_type: &'static str,
    ) -> Result<Stream, AskError> {
        let url = format!("{}/v1/sql", self.client.url());
        let request = self
            .client
            .http
            .post(&url)
            .timeout(ANSWER_TIME)
            .header(ACCEPT, media_type)
            .json(&json!({ "sql": sql, "params": params }));
        let response = self.send(url, request).await?;
        let text = |name: &str| header(response.headers(), name);
        Ok(Stream {
            data_as_of: text("chalkline-data-as-of"),
            rows: text("chalkline-row-count").and_then(|rows| rows.parse().ok()),
            response,
        })
    }

    /// What the service says at a path, `/v1/tables`.
    ///
    /// # Errors
    /// [`AskError`] when it says nothing, or something else than `T`.
    pub async fn get<T: DeserializeOwned>(&self, path: &str) -> Result<T, AskError> {
        let url = format!("{}{path}", self.client.url());
        let request = self.client.http.get(&url).timeout(LISTING_TIME);
        let response = self.send(url.clone(), request).await?;
        let status = response.status();
        response.json().await.map_err(|source| {
            if source.is_decode() {
                AskError::Foreign { url, status }
            } else {
                AskError::BrokeOff { source }
            }
        })
    }

    async fn send(&self, url: String, mut request: RequestBuilder) -> Result<Response, AskError> {
        if let Some(tenant) = &self.tenant {
            request = request.header(TENANT, tenant.as_str());
        }
        let sent = request.bearer_auth(&self.client.credential).send().await;
        let response = match sent {
            Ok(response) => response,
            Err(source) => return Err(AskError::Unreachable { url, source }),
        };
        let status = response.status();
        if status.is_success() {
            return Ok(response);
        }
        let retry_after = retry_after(&response);
        let problem: Problem = response.json().await.unwrap_or_default();
        if problem.code.is_empty() {
            return Err(AskError::Foreign { url, status });
        }
        Err(AskError::Refused(Box::new(Refusal {
            status,
            code: problem.code,
            detail: problem.detail,
            trace_id: problem.trace_id,
            retry_after,
        })))
    }
}

impl Stream {
    /// What comes next of the answer; `None` at its end.
    ///
    /// # Errors
    /// [`AskError::BrokeOff`] when there is more that does not come.
    pub async fn chunk(&mut self) -> Result<Option<Vec<u8>>, AskError> {
        match self.response.chunk().await {
            Ok(chunk) => Ok(chunk.map(Vec::from)),
            Err(source) => Err(AskError::BrokeOff { source }),
        }
    }
}

impl AskError {
    /// What the service said, if it answered.
    pub fn refusal(&self) -> Option<&Refusal> {
        match self {
            Self::Refused(refusal) => Some(refusal),
            _ => None,
        }
    }

    /// Everything that led to it, the nearest first; the error itself is left out.
    pub fn causes(&self) -> Vec<String> {
        let mut causes = Vec::new();
        let mut next = self.source();
        while let Some(error) = next {
            causes.push(error.to_string());
            next = error.source();
        }
        causes
    }
}

fn header(headers: &HeaderMap, name: &str) -> Option<String> {
    headers.get(name)?.to_str().ok().map(str::to_owned)
}
