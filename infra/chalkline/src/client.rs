//! Talks to a running Chalkline over HTTP, as any client would.

mod asker;
mod authorities;
mod error;
mod post;
mod roster;
mod tail;

use std::path::Path;
use std::time::Duration;

use anyhow::Context as _;
use chrono::{DateTime, Utc};
use reqwest::header::RETRY_AFTER;
use reqwest::{Certificate, Response, StatusCode};
use serde::Deserialize;
use serde_json::{Map, Value, json};

pub use asker::{AskError, Asker, Refusal, Stream};
use authorities::authorities;
pub use error::ClientError;
pub use post::{Dialect, EventResult, Outcome, Receipt};
pub use roster::RosterJob;
pub use tail::{Line, Tail, Told};

/// How long one request may take.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(60);

/// An error body, as far as it is used here.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Problem {
    code: String,
    detail: String,
    errors: Vec<EventResult>,
}

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

/// The answer to the question which reports there are.
#[derive(Debug, Deserialize)]
struct ReportList {
    reports: Vec<ReportStatus>,
}

/// One report, as far as it is used here.
#[derive(Debug, Deserialize)]
pub struct ReportStatus {
    /// Its name.
    pub name: String,
    /// It holds every event that was answered before this moment.
    pub data_as_of: Option<DateTime<Utc>>,
}

/// What logs in at the page, once.
#[derive(Debug, Deserialize)]
pub struct LoginCode {
    /// The code, for the page's fragment.
    pub code: String,
    /// When it ends.
    pub expires_at: DateTime<Utc>,
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
        Self::build(url, credential, Vec::new()).expect("a TLS provider is installed")
    }

    /// The same, which also trusts the authorities in `ca_file` (PEM), for
    /// certificates that a school made itself.
    ///
    /// # Errors
    /// When there is no certificate in the file.
    ///
    /// # Panics
    /// When no TLS provider was installed: see [`crate::install_crypto`].
    pub fn trusting(url: &str, credential: &str, ca_file: Option<&Path>) -> anyhow::Result<Self> {
        match ca_file {
            None => Ok(Self::new(url, credential)),
            Some(file) => Self::build(url, credential, authorities(file)?)
                .with_context(|| format!("ca_file {} is damaged", file.display())),
        }
    }

    fn build(url: &str, credential: &str, authorities: Vec<Certificate>) -> reqwest::Result<Self> {
        let mut http = reqwest::Client::builder()
            .timeout(REQUEST_TIMEOUT)
            .user_agent(concat!("chalkline/", env!("CARGO_PKG_VERSION")));
        for authority in authorities {
            http = http.add_root_certificate(authority);
        }
        if is_loopback(url) {
            // What runs on this machine is not reached through a proxy.
            http = http.no_proxy();
        }
        Ok(Self {
            http: http.build()?,
            url: url.trim_end_matches('/').to_owned(),
            credential: credential.to_owned(),
        })
    }

    /// The same client of the same service at another address.
    #[must_use]
    pub fn at(&self, url: &str) -> Self {
        Self {
            url: url.trim_end_matches('/').to_owned(),
            ..self.clone()
        }
    }

    /// The address of the service.
    pub fn url(&self) -> &str {
        &self.url
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

    /// A code that logs in at the page with this client's token, once.
    ///
    /// # Errors
    /// [`ClientError`] when the service gives none.
    pub async fn login_code(&self) -> Result<LoginCode, ClientError> {
        let url = format!("{}/v1/session/codes", self.url);
        let request = self.http.post(&url).bearer_auth(&self.credential);
        let response = self.send(&url, request).await?;
        response
            .json()
            .await
            .map_err(|source| ClientError::Answer { url, source })
    }

    /// Which reports there are, and how far each has come.
    ///
    /// # Errors
    /// [`ClientError`] when the question is not answered.
    pub async fn reports(&self) -> Result<Vec<ReportStatus>, ClientError> {
        let url = format!("{}/v1/reports", self.url);
        let request = self.http.get(&url).bearer_auth(&self.credential);
        let response = self.send(&url, request).await?;
        let list: ReportList = response
            .json()
            .await
            .map_err(|source| ClientError::Answer { url, source })?;
        Ok(list.reports)
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

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

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
