//! How the sender of a request that was refused reads why: the codes and their sentences.

use schemas::{Problem, ProblemDetail};

use super::Error;
use crate::come_back::whole_seconds;

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
            Self::TooLarge(limit) => (413, limit.code, "The body is too large", limit.advice()),
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
                    "Send the request again after at least {} seconds: the key may post {rate} \
                     events a second, and nothing of this was taken.",
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
            Self::NotZipType => (
                415,
                "unsupported_media_type",
                "The content type is not that of a zip file",
                "Send the zip file as it is, with `Content-Type: application/zip` and without \
                 Content-Encoding."
                    .into(),
            ),
            Self::NotZip => (
                400,
                "not_a_zip",
                "The body is no zip file",
                "Send a bundle of OneRoster as the body: a zip file of CSV files, not in a form."
                    .into(),
            ),
            Self::NotCatalogType => (
                415,
                "unsupported_media_type",
                "The content type is not that of a catalogue",
                "Send `Content-Type: application/zip`, `text/csv`, `application/json` or \
                 `application/x-ndjson`, as it is or with `Content-Encoding: gzip`."
                    .into(),
            ),
            Self::NotCatalog => (
                400,
                "not_a_catalog",
                "The body is no catalogue",
                "Send as the body what Content-Type says, not in a form: a zip file of CSV \
                 files, one CSV file, JSON in UTF-8, or a line of JSON for each row."
                    .into(),
            ),
            Self::NoTable => (
                400,
                "missing_table",
                "The table is not said",
                "Say in the address whose rows these are, as `?table=contents`; only a zip file \
                 or an object of JSON names its tables itself."
                    .into(),
            ),
            Self::TooManyUploads => (
                503,
                "too_many_uploads",
                "Other uploads are on their way",
                "Send it again after the seconds that Retry-After says: one roster or catalogue \
                 of a tenant is taken at a time."
                    .into(),
            ),
            Self::Store(_) => (
                503,
                "store_unavailable",
                "The store of uploads does not answer",
                "Send the request again later; what comes twice is imported once.".into(),
            ),
            Self::NoJob => (
                404,
                "unknown_job",
                "There is no such job",
                "Ask for a job that `GET /v1/roster/jobs` lists: this one is none of the key's \
                 tenant."
                    .into(),
            ),
            Self::NoDiagnostics => (
                404,
                "no_diagnostics",
                "The job has read no bundle",
                "Ask again when the job is done, unchanged or refused; what it says as error \
                 may be all that is wrong."
                    .into(),
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
            problem.errors.push(ProblemDetail {
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
}
