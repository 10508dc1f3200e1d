//! Why a request is refused by a rule of xAPI, before its statements are read.

use schemas::Problem;

use crate::error::{Error, KeyError};

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
    /// It names a statement by what is no UUID.
    #[error("the request names a statement by no UUID")]
    StatementId,
    /// It comes as a form, or names its method in a parameter.
    #[error("the request is written in the alternate syntax")]
    AlternateSyntax,
    /// The key opens nothing.
    #[error("the write key is refused")]
    Key(#[source] KeyError),
    /// The body is empty, or its array is.
    #[error("the body holds no statement")]
    NoStatements,
    /// The body is JSON that cannot hold statements.
    #[error("the body cannot hold statements")]
    NotStatements,
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
            Self::StatementId => (
                400,
                "invalid_statement_id",
                "The parameter statementId is not a UUID",
                "Send the statement's own id as statementId, a UUID such as \
                 0197c3b2-8a5e-7c10-9d55-3f1f6f0c1a01.",
            ),
            Self::AlternateSyntax => (
                400,
                "alternate_syntax",
                "The alternate request syntax is not supported",
                "Send the request itself, without a form and without the parameter method: with \
                 its own method and headers, and its statements as application/json.",
            ),
            Self::Key(key) => {
                let (code, detail) = key.code_and_detail();
                (
                    key.status(),
                    code,
                    "The write key is refused",
                    in_fields(key).unwrap_or(detail),
                )
            }
            Self::NoStatements => (
                400,
                "no_statements",
                "The body holds no statement",
                "Send a statement, or an array of at least one.",
            ),
            Self::NotStatements => (
                400,
                "not_statements",
                "The body cannot hold statements",
                "Send a statement as a JSON object, or an array of statements.",
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

/// What to do about the key, for senders that have fields for a user and a password.
fn in_fields(key: KeyError) -> Option<&'static str> {
    match key {
        KeyError::Missing => Some(
            "Send a write key with Basic authentication: the whole key (ck_…) as user, and no \
             password. `Authorization: Bearer ck_…` does as well.",
        ),
        KeyError::Malformed => Some(
            "Send the whole write key, ck_<tenant>_<id>_<secret>, as user or as password of Basic \
             authentication; or its part before the last _ as user, and the rest as password.",
        ),
        _ => None,
    }
}

/// An error of the front door, in words of xAPI where there are some.
pub(crate) fn in_terms(error: Error) -> Error {
    match error {
        Error::Key(key) => Refusal::Key(key).into(),
        Error::NoEvents => Refusal::NoStatements.into(),
        Error::NotEvents { .. } => Refusal::NotStatements.into(),
        other => other,
    }
}
