//! Why a request as a whole was refused, and how its sender reads that.

use std::num::{NonZeroU32, NonZeroU64};
use std::time::Duration;

use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse, Response};
use schemas::Problem;

use crate::answer::Unsigned;
use crate::dialect::xapi::Refusal;
use crate::outcome::Rejection;

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

/// Why a write key opens nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum KeyError {
    /// There is no `Authorization` header.
    #[error("no key was sent")]
    Missing,
    /// The header is not `Bearer ck_…`.
    #[error("the key has another shape than ck_<tenant>_<id>_<secret>")]
    Malformed,
    /// No such tenant or key, or another secret.
    #[error("the key is not known")]
    Unknown,
    /// It was revoked.
    #[error("the key was revoked")]
    Revoked,
    /// Its time is over.
    #[error("the key has expired")]
    Expired,
    /// It is a query token.
    #[error("the credential is a query token")]
    QueryToken,
    /// A secret key stands in the address.
    #[error("a secret key stands in the address")]
    SecretInAddress,
    /// A page in a browser has a secret key.
    #[error("a page has a secret key")]
    SecretInPage,
    /// The request with a public key is no page's.
    #[error("a public key came from no page")]
    NoOrigin,
    /// Who listens has a public key.
    #[error("a public key listens")]
    PublicListens,
    /// The page with a public key is of another site.
    #[error("the page is of a site that the key is not for")]
    OtherOrigin,
}

impl KeyError {
    /// 401 where the key opens nothing, 403 where it does elsewhere.
    pub(crate) fn status(self) -> u16 {
        match self {
            Self::SecretInAddress
            | Self::SecretInPage
            | Self::NoOrigin
            | Self::OtherOrigin
            | Self::PublicListens => 403,
            _ => 401,
        }
    }

    /// Its code, and what to do.
    pub(crate) fn code_and_detail(self) -> (&'static str, &'static str) {
        match self {
            Self::Missing => (
                "missing_key",
                "Send a write key as `Authorization: Bearer ck_…`.",
            ),
            Self::Malformed => (
                "malformed_key",
                "Send the whole write key as `Authorization: Bearer ck_<tenant>_<id>_<secret>`.",
            ),
            Self::Unknown => (
                "unknown_key",
                "Ask the operator for a write key: this one is not known.",
            ),
            Self::Revoked => (
                "revoked_key",
                "Ask the operator for a new write key: this one was revoked.",
            ),
            Self::Expired => (
                "expired_key",
                "Ask the operator for a new write key: this one has expired.",
            ),
            Self::QueryToken => (
                "query_token",
                "Send a write key (ck_…): query tokens (ct_…) only read.",
            ),
            Self::SecretInAddress => (
                "secret_key_in_address",
                "Send a secret key as `Authorization: Bearer ck_…`, and rotate this one: addresses \
                 are written to logs. Only a public key may stand in `?key=`.",
            ),
            Self::SecretInPage => (
                "secret_key_in_page",
                "Use a public key in pages (`chalkline key issue --public`), and rotate this one: \
                 whoever opens the page can read it.",
            ),
            Self::NoOrigin => (
                "missing_origin",
                "Use a secret key on servers: a public key is for pages, whose browser sends the \
                 header Origin.",
            ),
            Self::PublicListens => (
                "secret_key_needed",
                "Listen with a secret key: everybody can read a public one.",
            ),
            Self::OtherOrigin => (
                "origin_not_allowed",
                "Ask the operator for a public key for the site of this page (`chalkline key issue \
                 --public --origin`), as the header Origin names it.",
            ),
        }
    }
}

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

    /// The cap on a compressed body.
    pub(crate) fn compressed(bytes: usize) -> Self {
        Self {
            bytes,
            code: "compressed_body_too_large",
            what: "compressed body",
        }
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
    /// The problem as its receiver reads it, without trace id.
    pub fn problem(&self) -> Problem {
        let (status, code, title, detail): (_, _, _, String) = match self {
            Self::Key(key) => {
                let (code, detail) = key.code_and_detail();
                (
                    key.status(),
                    code,
                    "The write key is refused",
                    detail.into(),
                )
            }
            Self::Registry(_) => (
                503,
                "registry_unavailable",
                "Keys cannot be checked now",
                "Send the request again later: nothing of it was taken.".into(),
            ),
            Self::MediaType => (
                415,
                "unsupported_media_type",
                "The content type is not supported",
                "Send `Content-Type: application/json` for one JSON body or \
                 `application/x-ndjson` for one event a line."
                    .into(),
            ),
            Self::ContentEncoding => (
                415,
                "unsupported_encoding",
                "The content encoding is not supported",
                "Send the body as it is or with `Content-Encoding: gzip` or `zstd`.".into(),
            ),
            Self::TooLarge(limit) => (
                413,
                limit.code,
                "The body is too large",
                format!(
                    "Split the request: the {} may have at most {} bytes.",
                    limit.what, limit.bytes
                ),
            ),
            Self::TooManyEvents { count, limit } => (
                413,
                "too_many_events",
                "The request holds too many events",
                format!("Split the request: it holds {count} events and may hold {limit}."),
            ),
            Self::BodyTimeout => (
                408,
                "body_timeout",
                "The body did not arrive in time",
                "Send the request again, smaller or over a faster connection.".into(),
            ),
            Self::BodyCutShort(_) => (
                400,
                "body_cut_short",
                "The body ended early",
                "Send the request again with its whole body.".into(),
            ),
            Self::Compression(_) => (
                400,
                "invalid_compression",
                "The body does not inflate",
                "Send a body that is what Content-Encoding says (zstd with a window of at most \
                 8 MiB), or send it uncompressed."
                    .into(),
            ),
            Self::Overloaded => (
                503,
                "overloaded",
                "Too much is under way",
                "Send the request again after the seconds that Retry-After says: nothing of it \
                 was taken."
                    .into(),
            ),
            Self::RateExceeded { rate, wait } => (
                429,
                "rate_exceeded",
                "The write key posts too fast",
                format!(
                    "Send the request again after {} seconds: the key may post {rate} events a \
                     second, and nothing of this was taken.",
                    whole_seconds(*wait)
                ),
            ),
            Self::QuotaExceeded { quota, left, .. } => (
                429,
                "quota_exceeded",
                "The write key has posted its quota",
                format!(
                    "Send at most {left} events more before midnight UTC, or the request again \
                     after that: the key may post {quota} events a day, and nothing of this was \
                     taken."
                ),
            ),
            Self::Utf8(byte) => (
                400,
                "invalid_utf8",
                "The body is not UTF-8",
                format!("Send the body as UTF-8: the bytes from {byte} on are not."),
            ),
            Self::Json(detail) => (400, "invalid_json", "The body is not JSON", detail.clone()),
            Self::NotEvents { detail, .. } => (
                400,
                "not_events",
                "The body cannot hold events",
                (*detail).into(),
            ),
            Self::NoEvents => (
                400,
                "no_events",
                "The body holds no event",
                "Send at least one event, or no request.".into(),
            ),
            Self::SentAt(rejection) => (
                400,
                rejection.reason.code(),
                "The batch's sent_at is not a time",
                rejection.detail.clone(),
            ),
            Self::Envelope(rejection) => (
                400,
                rejection.reason.code(),
                "The envelope of the events is refused",
                rejection.detail.clone(),
            ),
            Self::Xapi(refusal) => return refusal.problem(),
            Self::Parameter(detail) => (
                400,
                "unknown_parameter",
                "The address cannot be read",
                (*detail).into(),
            ),
            Self::TooManyListeners(most) => (
                503,
                "too_many_listeners",
                "Too many listen",
                format!("End one of the {most} that listen to this process, or come back later."),
            ),
            Self::NotFound => (
                404,
                "not_found",
                "There is nothing here",
                "Post events to /v1/events, statements to /xapi/statements, envelopes of Caliper \
                 to /caliper."
                    .into(),
            ),
            Self::MethodNotAllowed => (
                405,
                "method_not_allowed",
                "This path takes another method",
                "Use a method that the header Allow names.".into(),
            ),
            Self::Internal => (
                500,
                "internal",
                "The service has a defect",
                "Send the request again with the same event ids; if it fails again, tell the \
                 operator the trace id."
                    .into(),
            ),
        };
        let mut problem = Problem::new(status, code, title, detail);
        if let Some(pointer) = self.pointer() {
            problem.errors.push(schemas::ProblemDetail {
                index: None,
                pointer,
                code,
                detail: problem.detail.clone(),
            });
        }
        problem
    }

    /// Where in the body the reason stands, when it stands in the body.
    fn pointer(&self) -> Option<String> {
        match self {
            Self::Utf8(_) | Self::Json(_) | Self::NoEvents => Some(String::new()),
            Self::NotEvents { pointer, .. } => Some((*pointer).to_owned()),
            Self::SentAt(rejection) | Self::Envelope(rejection) => Some(rejection.pointer.clone()),
            _ => None,
        }
    }

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
            Self::ContentEncoding => {
                let encodings = HeaderValue::from_static("gzip, zstd, identity");
                headers.insert(header::ACCEPT_ENCODING, encodings);
            }
            Self::RateExceeded { wait, .. } | Self::QuotaExceeded { wait, .. } => {
                headers.insert(header::RETRY_AFTER, whole_seconds(*wait).into());
            }
            Self::Xapi(Refusal::Retrieval) => {
                headers.insert(header::ALLOW, HeaderValue::from_static("POST, PUT"));
            }
            // The rest of the body is still on its way: no request can follow it.
            Self::BodyTimeout | Self::Overloaded | Self::TooLarge(_) => {
                headers.insert(header::CONNECTION, HeaderValue::from_static("close"));
            }
            _ => {}
        }
        response
    }
}

/// At least so many seconds, and at least one.
fn whole_seconds(wait: Duration) -> u64 {
    (wait.as_secs() + u64::from(wait.subsec_nanos() > 0)).max(1)
}

impl Error {
    /// The error of a request whose handler panicked.
    pub(crate) fn of_panic(_: Box<dyn std::any::Any + Send>) -> Response {
        Self::Internal.into_response()
    }
}
