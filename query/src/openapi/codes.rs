//! All problems that the service tells, taken from where they are made.

mod kinds;

use runtime::openapi::Problems;
use schemas::Problem;

use self::kinds::{
    QUESTION, addresses, bodies, credentials, forbidden, joined, question_bytes, sights,
    statements, unavailable, unknown_query, unrecorded, withheld, work, wrong,
};
use crate::config::Config;
use crate::error::{Error, Unauthorised};
use crate::submitted::{KEY_BYTES, MOST_ROWS};
use crate::{embed, login};

/// Operations that refuse the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Set {
    /// That which takes SQL.
    Sql,
    /// Those that every holder of a credential may ask.
    Holder,
    /// That which lists reports.
    Reports,
    /// Those that show a report.
    Report,
    /// That which shows any.
    AnyReport,
    /// That which submits a query.
    Submit,
    /// Those that tell of a submitted query, or end it.
    Query,
    /// That which shows its rows.
    Rows,
    /// That which tells learners who saw them.
    WhoSawMe,
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
    pub(super) const ALL: [Self; 13] = [
        Self::Sql,
        Self::Holder,
        Self::Reports,
        Self::Report,
        Self::AnyReport,
        Self::Submit,
        Self::Query,
        Self::Rows,
        Self::WhoSawMe,
        Self::EmbedTokens,
        Self::Session,
        Self::Codes,
        Self::Elsewhere,
    ];

    /// The beginning of the names of its responses.
    fn name(self) -> &'static str {
        match self {
            Self::Sql => "Sql",
            Self::Holder => "Holder",
            Self::Reports => "Reports",
            Self::Report => "Report",
            Self::AnyReport => "AnyReport",
            Self::Submit => "Submit",
            Self::Query => "Query",
            Self::Rows => "Rows",
            Self::WhoSawMe => "WhoSawMe",
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
                bodies(QUESTION, question_bytes()),
                vec![Error::NotAcceptable],
                statements(),
                sights(),
                work(),
            ]),
            Self::Holder => credentials(),
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
            Self::Submit => joined([
                credentials(),
                bodies(QUESTION, question_bytes()),
                wrong([(
                    "invalid_value",
                    &format!("Send an Idempotency-Key of 1 to {KEY_BYTES} letters of ASCII."),
                )]),
                vec![
                    Error::Reused,
                    Error::TooManySubmitted {
                        whose: "One asker",
                        most: Config::default().submitted_asker_queries,
                    },
                    Error::Pressure,
                    unrecorded(),
                ],
            ]),
            Self::Query => joined([credentials(), vec![unknown_query()]]),
            Self::Rows => joined([
                credentials(),
                vec![Error::NotAcceptable, unknown_query()],
                withheld(),
                wrong([
                    (
                        "unknown_parameter",
                        "Rows are asked for with cursor, limit and format.",
                    ),
                    (
                        "invalid_value",
                        &format!("limit takes a whole number from 1 to {MOST_ROWS}."),
                    ),
                    (
                        "invalid_cursor",
                        "This cursor belongs to another query; send the next_cursor of the page \
                         before, or ask for the first page without one.",
                    ),
                ]),
                // What the query itself has failed with.
                statements(),
                sights(),
                work(),
            ]),
            Self::WhoSawMe => joined([
                credentials(),
                vec![
                    Error::NotAcceptable,
                    forbidden(
                        "not_a_learner",
                        "This is for students and guardians, not for the role teacher; stewards \
                         ask the table disclosures in SQL.",
                    ),
                ],
                wrong([
                    (
                        "unknown_parameter",
                        "Ask with student, limit, cursor and format.",
                    ),
                    (
                        "invalid_value",
                        "student is the user_id of a child of yours, or your own.",
                    ),
                    (
                        "invalid_cursor",
                        "Send the cursor as the page before had it in next_cursor.",
                    ),
                ]),
                work(),
            ]),
            Self::EmbedTokens => joined([
                credentials(),
                bodies("{\"filters\": {…}, \"tables\": […]}", embed::BODY_BYTES),
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
                    unrecorded(),
                ],
            ]),
            Self::Session => {
                use Unauthorised::{Code, Expired, Revoked, Unknown};
                let refused = [Code, Unknown, Revoked, Expired].map(Error::Unauthorised);
                let mut errors = bodies("{\"code\": \"…\"}", login::BODY_BYTES);
                errors.extend(refused);
                errors.push(unavailable());
                errors
            }
            Self::Codes => {
                let mut errors = credentials();
                errors.extend([
                    forbidden(
                        "code_not_allowed",
                        "Codes stand in for query tokens (ct_…) alone.",
                    ),
                    unrecorded(),
                ]);
                errors
            }
            Self::Elsewhere => vec![Error::NotFound, Error::Method],
        }
    }
}

impl From<Set> for Problems {
    fn from(set: Set) -> Self {
        let errors = set.errors();
        let later = errors.iter().filter(|error| error.retry_after().is_some());
        let statuses = later.map(|error| error.problem().status);
        Self::new(set.name(), set.problems()).later(statuses)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::kinds::REASONS;
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
            Error::Pressure => 25,
            Error::Cancelled => 26,
            Error::UnknownQuery { .. } => 27,
            Error::Unfinished => 28,
            Error::Expired { .. } => 29,
            Error::Reused => 30,
            Error::TooManySubmitted { .. } => 31,
            Error::NotRecorded(_) => 32,
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
            Unauthorised::Unverified => 21,
            Unauthorised::Unlisted => 22,
            Unauthorised::Ambiguous => 23,
        }
    }

    #[test]
    fn every_kind_of_error_is_told_somewhere() {
        let told: Vec<Error> = Set::ALL.iter().flat_map(|set| set.errors()).collect();
        let kinds: BTreeSet<_> = told.iter().map(kind).collect();
        assert_eq!(kinds, (0..=32).collect());
        let reasons: BTreeSet<_> = REASONS.into_iter().map(kind_of_reason).collect();
        assert_eq!(reasons, (0..=23).collect());
    }
}
