//! Errors as they are told, one for each code and status.

use std::io;

use crate::config::Config;
use crate::error::{Error, Unauthorised};
use crate::request::BEYOND_SQL;

pub(super) fn joined<const N: usize>(errors: [Vec<Error>; N]) -> Vec<Error> {
    errors.into_iter().flatten().collect()
}

/// The shape of a question.
pub(super) const QUESTION: &str = "{\"sql\": \"…\", \"params\": […]}";

pub(super) fn forbidden(code: &'static str, detail: &str) -> Error {
    Error::Forbidden {
        code,
        detail: detail.into(),
    }
}

pub(super) fn unavailable() -> Error {
    Error::Unavailable(io::Error::other("an example").into())
}

pub(super) fn unrecorded() -> Error {
    Error::NotRecorded(io::Error::other("an example").into())
}

pub(super) fn unknown_query() -> Error {
    Error::UnknownQuery {
        detail: "There is no such query of this credential; it may have expired or been deleted."
            .into(),
    }
}

/// What is wrong with an address or a header, each by its code.
pub(super) fn wrong<const N: usize>(parts: [(&'static str, &str); N]) -> Vec<Error> {
    let wrong = parts.map(|(code, detail)| Error::Address {
        code,
        detail: detail.into(),
    });
    wrong.into()
}

/// What is wrong with who asks.
pub(super) fn credentials() -> Vec<Error> {
    let is_shown = |reason: &Unauthorised| *reason != Unauthorised::Code;
    let reasons = REASONS.into_iter().filter(is_shown);
    let mut errors: Vec<Error> = reasons.map(Error::Unauthorised).collect();
    errors.extend([
        forbidden(
            "origin_not_allowed",
            "Pages of this site may not use embed tokens of this tenant; allow it with \
             `chalkline tenant set --embed-origin`.",
        ),
        Error::IdentityProvider {
            issuer: "https://login.north.example/realms/staff".into(),
        },
        unavailable(),
    ]);
    errors
}

/// The longest body of a question, unless it is set.
pub(super) fn question_bytes() -> usize {
    Config::default().sql_bytes + BEYOND_SQL
}

/// What is wrong with a body, which should have that shape and so many bytes at most.
pub(super) fn bodies(shape: &str, limit: usize) -> Vec<Error> {
    vec![
        Error::ContentType,
        Error::BodyTimeout,
        Error::BodyTooLong { limit },
        Error::Body {
            pointer: String::new(),
            detail: format!("Send {shape}: the body is not JSON, line 1, column 1."),
        },
    ]
}

/// What is wrong with a statement or its parameters.
pub(super) fn statements() -> Vec<Error> {
    let invalid = [
        (
            "sql_syntax",
            "Expected: an expression, found: FROM at line 1, column 8.",
        ),
        (
            "unknown_table",
            "There is no table 'clicks'; there are clickstream, video, ….",
        ),
        (
            "unknown_column",
            "No field named clicks. Valid fields are clickstream.term, ….",
        ),
        (
            "ambiguous_column",
            "Ambiguous reference to unqualified field term.",
        ),
        ("unknown_function", "Invalid function 'json_get'."),
        (
            "unknown_parameter",
            "Name parameters $1, $2 and so on, not $name.",
        ),
        (
            "invalid_query",
            "Cannot coerce arithmetic expression Boolean + Int64 to valid types.",
        ),
        ("not_supported", "TABLESAMPLE is not supported."),
    ];
    let invalid = invalid.map(|(code, detail)| Error::Invalid {
        code,
        detail: detail.into(),
    });
    let mut errors: Vec<Error> = invalid.into();
    errors.extend([
        Error::TooComplex {
            detail: "The statement nests too deeply; use WITH to flatten it.".into(),
        },
        Error::NotAllowed {
            detail: "DELETE is not allowed; only statements that read are.".into(),
        },
        Error::Parameter {
            index: 0,
            detail: "The statement has 1 parameters, but \"params\" holds 0 values.".into(),
        },
        Error::Failed {
            detail: "Divide by zero error.".into(),
        },
    ]);
    errors
}

/// What is wrong with the address of a report.
pub(super) fn addresses() -> Vec<Error> {
    wrong([
        (
            "unknown_column",
            "The report student_day has no column `dai`; the nearest is day.",
        ),
        (
            "invalid_value",
            "day_from takes a date such as 2026-09-14, not `14.9.`.",
        ),
        (
            "invalid_cursor",
            "This cursor belongs to another report, order or filter; send the next_cursor of the \
             page before with the same parameters, or ask for the first page without one.",
        ),
    ])
}

/// What is not shown to who asks, or not yet.
pub(super) fn sights() -> Vec<Error> {
    vec![
        forbidden(
            "table_not_shown",
            "The credential does not show quarantine.",
        ),
        forbidden(
            "aggregates_only",
            "Rows about people are shown in aggregates: group them, and count.",
        ),
        Error::Recomputing {
            report: "student_day",
        },
    ]
}

/// Why the rows of a submitted query are not shown, or not yet.
pub(super) fn withheld() -> Vec<Error> {
    vec![
        Error::Unfinished,
        Error::Cancelled,
        Error::Expired {
            detail: "What this credential sees has changed since the query ran: there is a newer \
                     roster; submit it again."
                .into(),
        },
    ]
}

/// What may happen to a query at work, each of which is recorded.
pub(super) fn work() -> Vec<Error> {
    let config = Config::default();
    vec![
        unrecorded(),
        Error::Pressure,
        Error::Timeout {
            seconds: config.timeout_seconds,
        },
        Error::OutOfMemory,
        Error::TooLarge {
            detail: format!(
                "The answer has more than {} rows; aggregate, add LIMIT or ask for CSV.",
                config.json_rows
            ),
        },
        Error::TooMany,
        Error::Busy,
        Error::internal("an example"),
    ]
}

/// All reasons not to let a request in.
pub(super) const REASONS: [Unauthorised; 24] = [
    Unauthorised::Missing,
    Unauthorised::Malformed,
    Unauthorised::WriteKey,
    Unauthorised::Unknown,
    Unauthorised::Revoked,
    Unauthorised::Expired,
    Unauthorised::Code,
    Unauthorised::TooLong,
    Unauthorised::Tenant,
    Unauthorised::Issuer,
    Unauthorised::Audience,
    Unauthorised::Algorithm,
    Unauthorised::Key,
    Unauthorised::Signature,
    Unauthorised::Endless,
    Unauthorised::Over,
    Unauthorised::Early,
    Unauthorised::Subject,
    Unauthorised::Unverified,
    Unauthorised::Unlisted,
    Unauthorised::Ambiguous,
    Unauthorised::Role,
    Unauthorised::Roles,
    Unauthorised::Parent,
];
