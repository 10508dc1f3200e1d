//! Everything that can go wrong, and the one table of statuses and codes.

mod unauthorised;

use std::fmt;

use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use schemas::{Problem, ProblemDetail};

use crate::authenticate::TooWide;
use crate::interrupt::Reason;

pub(crate) use self::unauthorised::Unauthorised;

/// An error from outside whose text is for our logs only.
type Source = Box<dyn std::error::Error + Send + Sync>;

/// Why a query was not answered.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    #[error("the request shows no valid query token")]
    Unauthorised(#[from] Unauthorised),
    #[error("the request's body is of another type")]
    ContentType,
    #[error("the request's body did not arrive in time")]
    BodyTimeout,
    #[error("the request's body is too long")]
    BodyTooLong { limit: usize },
    #[error("the request's body cannot be read")]
    Body { pointer: String, detail: String },
    #[error("none of the formats asked for can be made")]
    NotAcceptable,
    #[error("the statement is too long or too complex")]
    TooComplex { detail: String },
    #[error("the statement is not allowed")]
    NotAllowed { detail: String },
    #[error("the statement cannot be answered as it stands")]
    Invalid { code: &'static str, detail: String },
    #[error("the credential does not allow it")]
    Forbidden { code: &'static str, detail: String },
    #[error("there is no such report")]
    UnknownReport { detail: String },
    #[error("the address asks for what the report does not have")]
    Address { code: &'static str, detail: String },
    #[error("a parameter does not fit")]
    Parameter { index: usize, detail: String },
    #[error("the query met a value it cannot work with")]
    Failed { detail: String },
    #[error("the query took too long")]
    Timeout { seconds: u64 },
    #[error("the query ran out of memory")]
    OutOfMemory,
    #[error("the process has too little memory left")]
    Pressure,
    #[error("the query was cancelled")]
    Cancelled,
    #[error("there is no such query")]
    UnknownQuery { detail: String },
    #[error("the query has not finished")]
    Unfinished,
    #[error("the result is not shown any more")]
    Expired { detail: String },
    #[error("the key names another query")]
    Reused,
    #[error("too many queries of this tenant were submitted")]
    TooManySubmitted { whose: &'static str, most: usize },
    #[error("the answer is too long")]
    TooLarge { detail: String },
    #[error("too many queries of this tenant are waiting")]
    TooMany,
    #[error("the query did not get its turn in time")]
    Busy,
    #[error("nothing is at this path")]
    NotFound,
    #[error("this path does not take that method")]
    Method,
    #[error("report {report} is being computed by a new definition")]
    Recomputing { report: &'static str },
    #[error("the keys of identity provider {issuer} cannot be read")]
    IdentityProvider { issuer: String },
    #[error("the query could not be recorded")]
    NotRecorded(#[source] Source),
    #[error("the lake or the tenants' documents cannot be read")]
    Unavailable(#[source] Source),
    #[error("the query failed for a reason of ours")]
    Internal(#[source] Source),
}

impl Error {
    /// An internal error that is a sentence of ours.
    pub(crate) fn internal(text: impl fmt::Display) -> Self {
        Self::Internal(text.to_string().into())
    }

    fn status(&self) -> StatusCode {
        match self {
            Self::Unauthorised(_) => StatusCode::UNAUTHORIZED,
            Self::ContentType => StatusCode::UNSUPPORTED_MEDIA_TYPE,
            Self::BodyTimeout => StatusCode::REQUEST_TIMEOUT,
            Self::BodyTooLong { .. } | Self::TooLarge { .. } => StatusCode::PAYLOAD_TOO_LARGE,
            Self::Body { .. }
            | Self::TooComplex { .. }
            | Self::Invalid { .. }
            | Self::Address { .. }
            | Self::Parameter { .. }
            | Self::Failed { .. } => StatusCode::BAD_REQUEST,
            Self::NotAcceptable => StatusCode::NOT_ACCEPTABLE,
            Self::NotAllowed { .. } | Self::Forbidden { .. } => StatusCode::FORBIDDEN,
            Self::Timeout { .. } => StatusCode::GATEWAY_TIMEOUT,
            Self::OutOfMemory => StatusCode::INSUFFICIENT_STORAGE,
            Self::TooMany | Self::TooManySubmitted { .. } => StatusCode::TOO_MANY_REQUESTS,
            Self::NotFound | Self::UnknownReport { .. } | Self::UnknownQuery { .. } => {
                StatusCode::NOT_FOUND
            }
            Self::Unfinished | Self::Reused => StatusCode::CONFLICT,
            Self::Cancelled | Self::Expired { .. } => StatusCode::GONE,
            Self::Method => StatusCode::METHOD_NOT_ALLOWED,
            Self::Busy
            | Self::NotRecorded(_)
            | Self::Pressure
            | Self::Unavailable(_)
            | Self::IdentityProvider { .. }
            | Self::Recomputing { .. } => StatusCode::SERVICE_UNAVAILABLE,
            Self::Internal(_) => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }

    /// What happened, for programs: never renamed.
    pub(crate) fn code(&self) -> &'static str {
        match self {
            Self::Unauthorised(reason) => reason.code_and_detail().0,
            Self::ContentType => "unsupported_media_type",
            Self::BodyTimeout => "body_timeout",
            Self::BodyTooLong { .. } => "body_too_long",
            Self::Body { .. } => "invalid_body",
            Self::NotAcceptable => "not_acceptable",
            Self::TooComplex { .. } => "sql_too_complex",
            Self::NotAllowed { .. } => "statement_not_allowed",
            Self::Invalid { code, .. }
            | Self::Address { code, .. }
            | Self::Forbidden { code, .. } => code,
            Self::UnknownReport { .. } => "unknown_report",
            Self::Parameter { .. } => "invalid_parameter",
            Self::Failed { .. } => "query_failed",
            Self::Timeout { .. } => "query_timeout",
            Self::OutOfMemory => "query_out_of_memory",
            Self::TooLarge { .. } => "result_too_large",
            Self::TooMany | Self::TooManySubmitted { .. } => "too_many_queries",
            Self::Pressure => "memory_pressure",
            Self::Cancelled => "query_cancelled",
            Self::UnknownQuery { .. } => "unknown_query",
            Self::Unfinished => "query_not_finished",
            Self::Expired { .. } => "result_expired",
            Self::Reused => "idempotency_key_reused",
            Self::Busy => "query_queue_timeout",
            Self::NotFound => "not_found",
            Self::Method => "method_not_allowed",
            Self::Recomputing { .. } => "report_recomputing",
            Self::IdentityProvider { .. } => "identity_provider_unavailable",
            Self::NotRecorded(_) => "audit_unavailable",
            Self::Unavailable(_) => "lake_unavailable",
            Self::Internal(_) => "internal_error",
        }
    }

    /// One sentence that says what to do.
    fn detail(&self) -> String {
        match self {
            Self::Unauthorised(reason) => reason.code_and_detail().1.to_owned(),
            Self::ContentType => {
                "Send the body as JSON with the header `Content-Type: application/json`.".to_owned()
            }
            Self::BodyTimeout => "The body came too slowly; send it again.".to_owned(),
            Self::BodyTooLong { limit } => format!("Send a body of at most {limit} bytes."),
            Self::NotAcceptable => "Ask with `Accept` for application/json, text/csv, \
                 application/x-ndjson or application/vnd.apache.arrow.stream."
                .to_owned(),
            Self::Body { detail, .. }
            | Self::TooComplex { detail }
            | Self::NotAllowed { detail }
            | Self::Forbidden { detail, .. }
            | Self::Invalid { detail, .. }
            | Self::UnknownReport { detail }
            | Self::UnknownQuery { detail }
            | Self::Expired { detail }
            | Self::Address { detail, .. }
            | Self::Parameter { detail, .. }
            | Self::Failed { detail }
            | Self::TooLarge { detail } => detail.clone(),
            Self::Timeout { seconds } => format!(
                "The query worked for {seconds} seconds without an end; ask about fewer terms \
                 or aggregate earlier."
            ),
            Self::OutOfMemory => "The query needs more memory or spill space than it may use; \
                 ask for fewer columns or rows, or aggregate earlier."
                .to_owned(),
            Self::TooMany => {
                "Too many queries of this tenant are waiting; send it again later.".to_owned()
            }
            Self::TooManySubmitted { whose, most } => format!(
                "{whose} may have {most} submitted queries that wait, work or are kept; delete \
                 some with DELETE /v1/queries/{{id}}, or wait until they expire."
            ),
            Self::Pressure => "The service is short of memory while other queries work; send \
                 it again later."
                .to_owned(),
            Self::Cancelled => "The query was cancelled before it had finished; submit it again \
                 if it is still wanted."
                .to_owned(),
            Self::Unfinished => "The query has not finished; ask GET /v1/queries/{id} until its \
                 status is `finished`."
                .to_owned(),
            Self::Reused => "This Idempotency-Key came before with another query; send each \
                 query with a key of its own."
                .to_owned(),
            Self::Busy => "The query did not get its turn in time; send it again.".to_owned(),
            Self::NotFound => {
                "Nothing is here; send queries with POST to /v1/sql, list tables with GET \
                 /v1/tables and reports with GET /v1/reports."
                    .to_owned()
            }
            Self::Method => {
                "Send queries with POST to /v1/sql; ask for tables and reports with GET.".to_owned()
            }
            Self::Recomputing { report } => format!(
                "The definition of {report} or the tenant's time zone has changed, and its rows \
                 are being computed anew; send the request again later."
            ),
            Self::IdentityProvider { .. } => {
                "The identity provider does not answer, so that nobody's token can be verified; \
                 send the request again later."
                    .to_owned()
            }
            Self::NotRecorded(_) => {
                "What is asked has to be recorded before it is answered, and cannot be at the \
                 moment; send the query again."
                    .to_owned()
            }
            Self::Unavailable(_) => {
                "The data cannot be read at the moment; send the query again.".to_owned()
            }
            Self::Internal(_) => {
                "The query failed for a reason of ours; report it with the trace_id.".to_owned()
            }
        }
    }

    fn details(&self) -> Vec<ProblemDetail> {
        let pointer = match self {
            Self::Body { pointer, .. } => pointer.clone(),
            Self::Parameter { index, .. } => format!("/params/{index}"),
            Self::TooComplex { .. } | Self::NotAllowed { .. } | Self::Invalid { .. } => {
                "/sql".to_owned()
            }
            _ => return Vec::new(),
        };
        vec![ProblemDetail {
            index: None,
            pointer,
            code: self.code(),
            detail: self.detail(),
        }]
    }

    /// After how many seconds to ask again, where that helps.
    pub(crate) fn retry_after(&self) -> Option<HeaderValue> {
        match self {
            Self::TooMany
            | Self::Busy
            | Self::Unfinished
            | Self::Pressure
            | Self::NotRecorded(_)
            | Self::Unavailable(_) => Some(HeaderValue::from_static("1")),
            Self::Recomputing { .. } | Self::IdentityProvider { .. } => {
                Some(HeaderValue::from_static("5"))
            }
            Self::TooManySubmitted { .. } => Some(HeaderValue::from_static("60")),
            _ => None,
        }
    }

    /// All that is known of it beside its code, for the audit; `None` where that quotes
    /// what was asked, or says no more.
    pub(crate) fn in_full(&self) -> Option<String> {
        match self {
            Self::NotRecorded(source) | Self::Unavailable(source) | Self::Internal(source) => {
                Some(format!("{self}: {}", chain(source)))
            }
            // It quotes what was asked, whose values are nobody's to keep.
            Self::Forbidden {
                code: "aggregates_only" | "grant_too_wide",
                ..
            } => None,
            Self::Failed { .. } | Self::Forbidden { .. } => Some(self.detail()),
            _ => None,
        }
    }

    /// Writes to our log what the asker is not told.
    pub(crate) fn log(&self, trace_id: &str) {
        match self {
            Self::NotRecorded(source) | Self::Unavailable(source) | Self::Internal(source) => {
                tracing::error!(trace_id, code = self.code(), error = %chain(source), "{self}");
            }
            _ => tracing::debug!(trace_id, code = self.code(), "{self}"),
        }
    }

    /// The body of the answer, of no request yet.
    pub(crate) fn problem(&self) -> Problem {
        let mut title = self.to_string();
        if let Some(first) = title.get_mut(..1) {
            first.make_ascii_uppercase();
        }
        let status = self.status().as_u16();
        let mut problem = Problem::new(status, self.code(), title, self.detail());
        problem.errors = self.details();
        problem
    }

    /// What is said of it to the request with this trace id.
    pub(crate) fn problem_of(&self, trace_id: &str) -> Problem {
        let mut problem = self.problem();
        problem.trace_id = Some(trace_id.to_owned());
        problem
    }

    /// The answer to a request with this trace id.
    pub(crate) fn respond(&self, trace_id: &str) -> Response {
        self.log(trace_id);
        let status = self.status();
        let problem = self.problem_of(trace_id);
        let body = serde_json::to_vec(&problem).expect("a problem is made of text");

        let mut response = (status, body).into_response();
        let headers = response.headers_mut();
        headers.insert(
            header::CONTENT_TYPE,
            HeaderValue::from_static(Problem::MEDIA_TYPE),
        );
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        if let Some(seconds) = self.retry_after() {
            headers.insert(header::RETRY_AFTER, seconds);
        }
        if status == StatusCode::UNAUTHORIZED {
            headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        response
    }
}

impl From<Reason> for Error {
    fn from(reason: Reason) -> Self {
        match reason {
            Reason::Cancelled => Self::Cancelled,
            Reason::Memory => Self::OutOfMemory,
        }
    }
}

impl From<TooWide> for Error {
    fn from(refused: TooWide) -> Self {
        let mut detail = refused.to_string();
        if let Some(first) = detail.get_mut(..1) {
            first.make_ascii_uppercase();
        }
        detail.push('.');
        match refused {
            TooWide::Problem(_) => Self::Body {
                pointer: String::new(),
                detail,
            },
            TooWide::Issuer(_) => Self::Forbidden {
                code: "embed_not_allowed",
                detail,
            },
            _ => Self::Forbidden {
                code: "grant_too_wide",
                detail,
            },
        }
    }
}

/// An error with everything that caused it.
fn chain(error: &Source) -> String {
    let mut text = error.to_string();
    let mut next = error.source();
    while let Some(cause) = next {
        text.push_str(": ");
        text.push_str(&cause.to_string());
        next = cause.source();
    }
    text
}
