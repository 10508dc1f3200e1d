//! All problems that the service tells, taken from where they are made.

use std::io;

use runtime::openapi::Problems;
use schemas::Problem;

use crate::error::{Error, Unauthorised};

/// Operations that refuse the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Set {
    /// That which takes SQL.
    Sql,
    /// That which lists tables.
    Tables,
    /// That which lists reports.
    Reports,
    /// Those that show a report.
    Report,
    /// That which shows any.
    AnyReport,
    /// That which makes tokens for pages.
    EmbedTokens,
    /// That which takes a code.
    Session,
    /// That which gives one.
    Codes,
    /// All other paths and methods.
    Elsewhere,
}

impl Set {
    /// All sets.
    pub(super) const ALL: [Self; 9] = [
        Self::Sql,
        Self::Tables,
        Self::Reports,
        Self::Report,
        Self::AnyReport,
        Self::EmbedTokens,
        Self::Session,
        Self::Codes,
        Self::Elsewhere,
    ];

    /// The beginning of the names of its responses.
    fn name(self) -> &'static str {
        match self {
            Self::Sql => "Sql",
            Self::Tables => "Tables",
            Self::Reports => "Reports",
            Self::Report => "Report",
            Self::AnyReport => "AnyReport",
            Self::EmbedTokens => "EmbedTokens",
            Self::Session => "Session",
            Self::Codes => "Codes",
            Self::Elsewhere => "Elsewhere",
        }
    }

    /// A problem for each code and status.
    pub(super) fn problems(self) -> Vec<Problem> {
        let errors = self.errors();
        errors.iter().map(Error::problem).collect()
    }

    fn errors(self) -> Vec<Error> {
        match self {
            Self::Sql => joined([
                credentials(),
                bodies("{\"sql\": \"…\", \"params\": […]}"),
                vec![Error::NotAcceptable],
                statements(),
                sights(),
                work(),
            ]),
            Self::Tables => credentials(),
            Self::Reports => joined([credentials(), work()]),
            Self::Report => joined([
                credentials(),
                vec![Error::NotAcceptable],
                addresses(),
                sights(),
                work(),
            ]),
            Self::AnyReport => {
                let mut errors = Self::Report.errors();
                errors.push(Error::UnknownReport {
                    detail: "There is no such report; there are ledger, student_day, ….".into(),
                });
                errors
            }
            Self::EmbedTokens => joined([
                credentials(),
                bodies("{\"filters\": {…}, \"tables\": […]}"),
                vec![
                    forbidden(
                        "embed_not_allowed",
                        "Make embed tokens with a query token (ct_…) of the role steward, \
                         district_admin or service.",
                    ),
                    forbidden(
                        "grant_too_wide",
                        "The query token shows other tables than these.",
                    ),
                ],
            ]),
            Self::Session => {
                use Unauthorised::{Code, Expired, Revoked, Unknown};
                let refused = [Code, Unknown, Revoked, Expired].map(Error::Unauthorised);
                let mut errors = bodies("{\"code\": \"…\"}");
                errors.extend(refused);
                errors.push(unavailable());
                errors
            }
            Self::Codes => {
                let mut errors = credentials();
                errors.push(forbidden(
                    "code_not_allowed",
                    "Codes stand in for query tokens (ct_…) alone.",
                ));
                errors
            }
            Self::Elsewhere => vec![Error::NotFound, Error::Method],
        }
    }
}

impl From<Set> for Problems {
    fn from(set: Set) -> Self {
        Self::new(set.name(), set.problems())
    }
}

fn joined<const N: usize>(errors: [Vec<Error>; N]) -> Vec<Error> {
    errors.into_iter().flatten().collect()
}

fn forbidden(code: &'static str, detail: &str) -> Error {
    Error::Forbidden {
        code,
        detail: detail.into(),
    }
}

fn unavailable() -> Error {
    Error::Unavailable(io::Error::other("an example").into())
}

/// What is wrong with who asks.
fn credentials() -> Vec<Error> {
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

/// What is wrong with a body, which should have that shape.
fn bodies(shape: &str) -> Vec<Error> {
    vec![
        Error::ContentType,
        Error::BodyTimeout,
        Error::BodyTooLong { limit: 2_097_152 },
        Error::Body {
            pointer: String::new(),
            detail: format!("Send {shape}: the body is not JSON, line 1, column 1."),
        },
    ]
}

/// What is wrong with a statement or its parameters.
fn statements() -> Vec<Error> {
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
fn addresses() -> Vec<Error> {
    let wrong = [
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
    ];
    let wrong = wrong.map(|(code, detail)| Error::Address {
        code,
        detail: detail.into(),
    });
    wrong.into()
}

/// What is not shown to who asks, or not yet.
fn sights() -> Vec<Error> {
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

/// What may happen to a query at work.
fn work() -> Vec<Error> {
    vec![
        Error::Timeout { seconds: 30 },
        Error::OutOfMemory,
        Error::TooLarge {
            detail: "The answer has more than 100000 rows; aggregate, add LIMIT or ask for CSV."
                .into(),
        },
        Error::TooMany,
        Error::Busy,
        Error::internal("an example"),
    ]
}

/// All reasons not to let a request in.
const REASONS: [Unauthorised; 21] = [
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
    Unauthorised::Role,
    Unauthorised::Roles,
    Unauthorised::Parent,
];

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    /// The place of an error among all kinds. Whoever adds a kind comes by here.
    fn kind(error: &Error) -> usize {
        match error {
            Error::Unauthorised(_) => 0,
            Error::ContentType => 1,
            Error::BodyTimeout => 2,
            Error::BodyTooLong { .. } => 3,
            Error::Body { .. } => 4,
            Error::NotAcceptable => 5,
            Error::TooComplex { .. } => 6,
            Error::NotAllowed { .. } => 7,
            Error::Invalid { .. } => 8,
            Error::Forbidden { .. } => 9,
            Error::UnknownReport { .. } => 10,
            Error::Address { .. } => 11,
            Error::Parameter { .. } => 12,
            Error::Failed { .. } => 13,
            Error::Timeout { .. } => 14,
            Error::OutOfMemory => 15,
            Error::TooLarge { .. } => 16,
            Error::TooMany => 17,
            Error::Busy => 18,
            Error::NotFound => 19,
            Error::Method => 20,
            Error::Recomputing { .. } => 21,
            Error::IdentityProvider { .. } => 22,
            Error::Unavailable(_) => 23,
            Error::Internal(_) => 24,
        }
    }

    fn kind_of_reason(reason: Unauthorised) -> usize {
        match reason {
            Unauthorised::Missing => 0,
            Unauthorised::Malformed => 1,
            Unauthorised::WriteKey => 2,
            Unauthorised::Unknown => 3,
            Unauthorised::Revoked => 4,
            Unauthorised::Expired => 5,
            Unauthorised::Code => 6,
            Unauthorised::TooLong => 7,
            Unauthorised::Tenant => 8,
            Unauthorised::Issuer => 9,
            Unauthorised::Audience => 10,
            Unauthorised::Algorithm => 11,
            Unauthorised::Key => 12,
            Unauthorised::Signature => 13,
            Unauthorised::Endless => 14,
            Unauthorised::Over => 15,
            Unauthorised::Early => 16,
            Unauthorised::Subject => 17,
            Unauthorised::Role => 18,
            Unauthorised::Roles => 19,
            Unauthorised::Parent => 20,
        }
    }

    #[test]
    fn every_kind_of_error_is_told_somewhere() {
        let told: Vec<Error> = Set::ALL.iter().flat_map(|set| set.errors()).collect();
        let kinds: BTreeSet<_> = told.iter().map(kind).collect();
        assert_eq!(kinds, (0..=24).collect());
        let reasons: BTreeSet<_> = REASONS.into_iter().map(kind_of_reason).collect();
        assert_eq!(reasons, (0..=20).collect());
    }
}
