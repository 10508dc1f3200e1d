//! Why a request as a whole was refused.

mod key;
mod problem;

use std::num::{NonZeroU32, NonZeroU64};
use std::time::Duration;

use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse, Response};

use crate::answer::Unsigned;
use crate::come_back::ComeBack;
use crate::dialect::xapi::Refusal;
use crate::outcome::Rejection;

pub use self::key::KeyError;

/// A request that was refused before any of its events was judged.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The key opens nothing.
    #[error("the write key is refused")]
    Key(#[from] KeyError),
    /// Tenant documents cannot be read now.
    #[error("the tenant registry does not answer")]
    Registry(#[source] Source),
    /// The content type is none of ours.
    #[error("the content type is not supported")]
    MediaType,
    /// The content encoding is none of ours.
    #[error("the content encoding is not supported")]
    ContentEncoding,
    /// More than a cap allows.
    #[error("the {} is over {}", .0.what, .0.bytes)]
    TooLarge(Limit),
    /// More events than a request may hold.
    #[error("the request holds {count} events, over {limit}")]
    TooManyEvents {
        /// How many it holds.
        count: usize,
        /// How many it may hold.
        limit: usize,
    },
    /// The client took too long to send the body.
    #[error("the body did not arrive in time")]
    BodyTimeout,
    /// The body ended before its time.
    #[error("the body ended early")]
    BodyCutShort(#[source] Source),
    /// The body does not inflate.
    #[error("the body does not inflate")]
    Compression(#[source] std::io::Error),
    /// The memory for bodies is full, or the tenant's share of it is.
    #[error("the memory for bodies is full")]
    Overloaded,
    /// The key posts faster than it may.
    #[error("the key posts more than {rate} events a second")]
    RateExceeded {
        /// What it may post in a second.
        rate: NonZeroU32,
        /// After how long so many events come in.
        wait: Duration,
    },
    /// The key has posted what it may on this day.
    #[error("the key posts more than {quota} events a day")]
    QuotaExceeded {
        /// What it may post on a day.
        quota: NonZeroU64,
        /// What is left of that.
        left: u64,
        /// How long the day lasts.
        wait: Duration,
    },
    /// The body is not UTF-8.
    #[error("the body is not UTF-8 from byte {0} on")]
    Utf8(usize),
    /// The body is not JSON.
    #[error("the body is not JSON: {0}")]
    Json(String),
    /// The body is JSON that cannot hold events.
    #[error("the body holds no events: {detail}")]
    NotEvents {
        /// Where, RFC 6901.
        pointer: &'static str,
        /// One sentence that says what to do.
        detail: &'static str,
    },
    /// The body is empty, or its array is.
    #[error("the body holds no event")]
    NoEvents,
    /// The batch's `sent_at` is no time.
    #[error("the batch's sent_at is refused")]
    SentAt(Rejection),
    /// The envelope around the events is not as its dialect has it.
    #[error("the envelope is refused")]
    Envelope(Rejection),
    /// The request breaks a rule of xAPI.
    #[error("the request is none of xAPI")]
    Xapi(#[from] Refusal),
    /// A parameter of the address is none of ours; the detail says what to write.
    #[error("a parameter of the address is refused")]
    Parameter(&'static str),
    /// So many listen already.
    #[error("{0} listen already")]
    TooManyListeners(usize),
    /// What was posted as a roster is none by its type.
    #[error("the content type is not that of a zip file")]
    NotZipType,
    /// What was posted as a roster is no zip file.
    #[error("the body is no zip file")]
    NotZip,
    /// What was posted as a catalogue is none by its type or encoding.
    #[error("the content type is not that of a catalogue")]
    NotCatalogType,
    /// What was posted as a catalogue is not in the form that was said, or in none.
    #[error("the body is no catalogue")]
    NotCatalog,
    /// Of which table the rows are is not said.
    #[error("the table of the rows is not said")]
    NoTable,
    /// So many uploads are on their way already, or one of this tenant.
    #[error("too many uploads are on their way")]
    TooManyUploads,
    /// The store does not take an upload now, or cannot say what became of one.
    #[error("the store of uploads does not answer")]
    Store(#[source] Source),
    /// No such job, or none of this tenant.
    #[error("no such job")]
    NoJob,
    /// The job has not read its bundle.
    #[error("the job has read no bundle")]
    NoDiagnostics,
    /// No such path.
    #[error("no such path")]
    NotFound,
    /// The path takes another method.
    #[error("the path takes another method")]
    MethodNotAllowed,
    /// A defect of ours.
    #[error("a defect of the service")]
    Internal,
}

/// What lies beneath an [`Error`].
type Source = Box<dyn std::error::Error + Send + Sync>;

/// A cap on bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limit {
    /// The most bytes.
    pub bytes: usize,
    code: &'static str,
    what: &'static str,
}

impl Limit {
    /// The cap on a body that came as it is.
    pub(crate) fn body(bytes: usize) -> Self {
        Self {
            bytes,
            code: "body_too_large",
            what: "body",
        }
    }

    /// The cap on a roster.
    pub(crate) fn roster(bytes: u64) -> Self {
        Self {
            bytes: usize::try_from(bytes).unwrap_or(usize::MAX),
            code: "roster_too_large",
            what: "zip file",
        }
    }

    /// The cap on a catalogue.
    pub(crate) fn catalog(bytes: u64) -> Self {
        Self {
            code: "catalog_too_large",
            what: "catalogue",
            ..Self::roster(bytes)
        }
    }

    /// The cap on a compressed body.
    pub(crate) fn compressed(bytes: usize) -> Self {
        Self {
            bytes,
            code: "compressed_body_too_large",
            what: "compressed body",
        }
    }

    /// What to do.
    fn advice(self) -> String {
        let Self { bytes, code, what } = self;
        let how = match code {
            "catalog_too_large" => "Send less at once, or ask the operator to raise the limit",
            "roster_too_large" => "Send fewer files, or ask the operator to raise the limit",
            _ => "Split the request",
        };
        format!("{how}: the {what} may have at most {bytes} bytes.")
    }

    /// The cap on what a compressed body inflates to.
    pub(crate) fn inflated(bytes: usize) -> Self {
        Self {
            bytes,
            code: "inflated_body_too_large",
            what: "inflated body",
        }
    }
}

impl Error {
    /// Whether the same request can succeed later.
    pub fn is_retryable(&self) -> bool {
        matches!(
            self,
            Self::Registry(_)
                | Self::Overloaded
                | Self::RateExceeded { .. }
                | Self::QuotaExceeded { .. }
                | Self::BodyTimeout
                | Self::TooManyListeners(_)
                | Self::TooManyUploads
                | Self::Store(_)
                | Self::Internal
        )
    }
}

impl IntoResponse for Error {
    fn into_response(self) -> Response {
        let unsigned = Unsigned::new(self.problem());
        if unsigned.status().is_server_error() {
            tracing::error!(error = &self as &dyn std::error::Error, "request failed");
        } else {
            tracing::debug!(error = &self as &dyn std::error::Error, "request refused");
        }
        let mut response = unsigned.into_response();
        let headers = response.headers_mut();
        match &self {
            Self::Key(KeyError::Missing) | Self::Xapi(Refusal::Key(KeyError::Missing)) => {
                let challenge = HeaderValue::from_static(r#"Bearer realm="chalkline""#);
                headers.insert(header::WWW_AUTHENTICATE, challenge);
            }
            Self::Key(key) | Self::Xapi(Refusal::Key(key)) if key.status() == 401 => {
                let challenge =
                    HeaderValue::from_static(r#"Bearer realm="chalkline", error="invalid_token""#);
                headers.insert(header::WWW_AUTHENTICATE, challenge);
            }
            Self::MediaType => {
                let types = HeaderValue::from_static("application/json, application/x-ndjson");
                headers.insert(header::ACCEPT, types);
            }
            Self::NotZipType => {
                let types = HeaderValue::from_static("application/zip");
                headers.insert(header::ACCEPT, types);
            }
            Self::NotCatalogType => {
                let types = "application/zip, text/csv, application/json, application/x-ndjson";
                headers.insert(header::ACCEPT, HeaderValue::from_static(types));
                let encodings = HeaderValue::from_static("gzip, identity");
                headers.insert(header::ACCEPT_ENCODING, encodings);
            }
            Self::ContentEncoding => {
                let encodings = HeaderValue::from_static("gzip, zstd, identity");
                headers.insert(header::ACCEPT_ENCODING, encodings);
            }
            Self::RateExceeded { wait, .. } | Self::QuotaExceeded { wait, .. } => {
                response.extensions_mut().insert(ComeBack::After(*wait));
            }
            Self::Xapi(Refusal::Retrieval) => {
                headers.insert(header::ALLOW, HeaderValue::from_static("POST, PUT"));
            }
            // The rest of the body is still on its way: no request can follow it.
            Self::BodyTimeout
            | Self::Overloaded
            | Self::TooLarge(_)
            | Self::TooManyUploads
            | Self::Store(_) => {
                headers.insert(header::CONNECTION, HeaderValue::from_static("close"));
            }
            _ => {}
        }
        response
    }
}

impl Error {
    /// The error of a request whose handler panicked.
    pub(crate) fn of_panic(_: Box<dyn std::any::Any + Send>) -> Response {
        Self::Internal.into_response()
    }
}
