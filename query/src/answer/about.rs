//! What an answer says besides its rows.

use axum::http::{HeaderMap, HeaderName, HeaderValue, header};
use chrono::{DateTime, Utc};

use super::rfc3339;

const DATA_AS_OF: HeaderName = HeaderName::from_static("chalkline-data-as-of");
const LAG_SECONDS: HeaderName = HeaderName::from_static("chalkline-lag-seconds");

/// Members of a JSON document, headers of every format.
#[derive(Debug, Clone, Default)]
pub(crate) struct About {
    /// Up to when the rows are complete.
    pub(crate) data_as_of: Option<DateTime<Utc>>,
    /// Tells these rows from any others of the same address.
    pub(crate) tag: Option<String>,
    /// Of a page of a report, or of a submitted query's rows.
    pub(crate) paging: Option<Paging>,
}

/// What a page says of itself.
#[derive(Debug, Clone)]
pub(crate) struct Paging {
    /// The report that it is of.
    pub(crate) report: Option<&'static str>,
    pub(crate) next_cursor: Option<String>,
    /// Where the next page is: a path with its query.
    pub(crate) next_address: Option<String>,
    /// By how much the rows may be behind.
    pub(crate) lag_seconds: Option<f64>,
}

impl About {
    pub(crate) fn write(&self, headers: &mut HeaderMap) {
        let paging = self.paging.as_ref();
        let next = paging.and_then(|paging| paging.next_address.as_ref());
        let lag = paging.and_then(|paging| paging.lag_seconds);
        let values = [
            (DATA_AS_OF, self.data_as_of.map(rfc3339)),
            (LAG_SECONDS, lag.map(|lag| lag.to_string())),
            (header::ETAG, self.tag.clone()),
            (
                header::LINK,
                next.map(|next| format!("<{next}>; rel=\"next\"")),
            ),
        ];
        for (name, value) in values {
            if let Some(value) = value.and_then(|value| HeaderValue::try_from(value).ok()) {
                headers.insert(name, value);
            }
        }
    }
}
