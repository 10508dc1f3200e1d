//! Uploading rosters, and waiting for what becomes of them.

use std::time::Duration;

use reqwest::header::CONTENT_TYPE;
use serde::{Deserialize, Serialize};

use super::{Client, ClientError};

/// How often it is asked how far an import is.
const ASK_EVERY: Duration = Duration::from_millis(200);

/// The answer to an upload.
#[derive(Debug, Deserialize)]
struct Uploaded {
    url: String,
}

/// How an import went, as far as it is used here.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct RosterJob {
    /// `done`, `unchanged`, `refused` or `failed`, in the end.
    pub state: String,
    /// Its number, if it changed something.
    #[serde(default)]
    pub import: Option<u64>,
    /// Why it was refused or has failed.
    #[serde(default)]
    pub error: Option<String>,
}

impl RosterJob {
    fn is_open(&self) -> bool {
        matches!(self.state.as_str(), "waiting" | "running")
    }

    /// Whether the roster is what was uploaded.
    pub fn is_imported(&self) -> bool {
        matches!(self.state.as_str(), "done" | "unchanged")
    }
}

impl Client {
    /// Uploads a bundle and waits until it is imported, or is not. `source` is what
    /// people know it by, one word.
    ///
    /// # Errors
    /// [`ClientError`] when it is not taken, or nobody says how it goes on.
    pub async fn import_roster(
        &self,
        bundle: Vec<u8>,
        source: &str,
    ) -> Result<RosterJob, ClientError> {
        let url = format!("{}/v1/roster?source={source}", self.url);
        let request = self
            .http
            .post(&url)
            .bearer_auth(&self.credential)
            .header(CONTENT_TYPE, "application/zip")
            .body(bundle);
        let response = self.send(&url, request).await?;
        let uploaded: Uploaded = response
            .json()
            .await
            .map_err(|source| ClientError::Answer { url, source })?;
        let url = format!("{}{}", self.url, uploaded.url);
        loop {
            let request = self.http.get(&url).bearer_auth(&self.credential);
            let response = self.send(&url, request).await?;
            let job: RosterJob = response
                .json()
                .await
                .map_err(|source| ClientError::Answer {
                    url: url.clone(),
                    source,
                })?;
            if !job.is_open() {
                return Ok(job);
            }
            tokio::time::sleep(ASK_EVERY).await;
        }
    }
}
