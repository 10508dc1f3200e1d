//! Why a request is refused by a rule of xAPI, before its statements are read.

use schemas::Problem;

/// A rule of xAPI that a request breaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// It does not name its version.
    #[error("the request names no xAPI version")]
    NoVersion,
    /// It names a version that is none of ours.
    #[error("the request names another xAPI version")]
    UnknownVersion,
    /// It asks for statements.
    #[error("the request asks for statements")]
    Retrieval,
    /// It has a parameter that the method does not know.
    #[error("the request has another parameter")]
    UnknownParameter,
    /// It puts a statement without naming it.
    #[error("the request names no statement")]
    NoStatementId,
    /// It puts more than one statement.
    #[error("the request puts many statements")]
    PutOfMany,
    /// The content type is none of xAPI's.
    #[error("the content type is not supported")]
    MediaType,
    /// The parts of a body with attachments are not as they should be; what to
    /// do.
    #[error("the parts of the body are refused")]
    Multipart(&'static str),
}

impl Refusal {
    /// The problem as its receiver reads it.
    pub fn problem(self) -> Problem {
        let (status, code, title, detail) = match self {
            Self::NoVersion => (
                400,
                "missing_version",
                "The request names no xAPI version",
                "Send the header X-Experience-API-Version, with 1.0.3 or 2.0.0.",
            ),
            Self::UnknownVersion => (
                400,
                "unknown_version",
                "The xAPI version is not supported",
                "Send the header X-Experience-API-Version with 1.0.3 or 2.0.0.",
            ),
            Self::Retrieval => (
                405,
                "retrieval_is_sql",
                "Statements are not read here",
                "Ask in SQL, with a query token at the query service: statements are rows of the \
                 event tables, those with dialect = 'xapi'.",
            ),
            Self::UnknownParameter => (
                400,
                "unknown_parameter",
                "The request has a parameter that this method does not know",
                "Send no parameter but statementId, once, and that with PUT only.",
            ),
            Self::NoStatementId => (
                400,
                "missing_statement_id",
                "The request does not name its statement",
                "Send the parameter statementId, a UUID.",
            ),
            Self::PutOfMany => (
                400,
                "put_of_many",
                "One request puts one statement",
                "Send one statement as an object, or POST the array.",
            ),
            Self::MediaType => (
                400,
                "unsupported_media_type",
                "The content type is not supported",
                "Send `Content-Type: application/json`, or multipart/mixed with attachments.",
            ),
            Self::Multipart(detail) => (
                400,
                "invalid_multipart",
                "The parts of the body cannot be read",
                detail,
            ),
        };
        Problem::new(status, code, title, detail)
    }
}
