//! All problems that the front door tells, taken from where they are made.

use std::io;
use std::num::{NonZeroU32, NonZeroU64};
use std::time::Duration;

use runtime::openapi::Problems;
use schemas::Problem;

use crate::answer::Answer;
use crate::dialect::xapi;
use crate::error::{Error, KeyError, Limit};
use crate::outcome::{Answered, Outcome, Reason, Rejection};
use crate::tail::LISTENERS;
use crate::{Config, Refusal};

/// Operations that answer the same problems.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Set {
    /// Those that take events.
    Events,
    /// Those that take envelopes of Caliper.
    Caliper,
    /// Those that take statements.
    Statements,
    /// That which answers no statements.
    Retrieval,
    /// That which tells what becomes of events.
    Tail,
    /// That which takes rosters.
    Rosters,
    /// That which takes catalogues.
    Catalogs,
    /// That which tells of the jobs that import them.
    Jobs,
    /// Those that tell of one such job.
    Job,
    /// Those that tell a tenant's own types to who has a key of it.
    Schemas,
    /// Those that are there only if they are asked for.
    Named,
    /// All other paths and methods.
    Elsewhere,
}

impl Set {
    /// All sets.
    pub const ALL: [Self; 12] = [
        Self::Events,
        Self::Caliper,
        Self::Statements,
        Self::Retrieval,
        Self::Tail,
        Self::Rosters,
        Self::Catalogs,
        Self::Jobs,
        Self::Job,
        Self::Schemas,
        Self::Named,
        Self::Elsewhere,
    ];

    /// The beginning of the names of its responses.
    pub fn name(self) -> &'static str {
        match self {
            Self::Events => "Events",
            Self::Caliper => "Caliper",
            Self::Statements => "Statements",
            Self::Retrieval => "Retrieval",
            Self::Tail => "Tail",
            Self::Rosters => "Rosters",
            Self::Catalogs => "Catalogs",
            Self::Jobs => "Jobs",
            Self::Job => "Job",
            Self::Schemas => "Schemas",
            Self::Named => "Named",
            Self::Elsewhere => "Elsewhere",
        }
    }

    /// A problem for each code and status, and perhaps several.
    pub fn problems(self) -> Vec<Problem> {
        let own = |error: &Error| error.problem();
        match self {
            Self::Events => {
                let refused = errors()
                    .iter()
                    .filter(|e| is_of_events(e))
                    .map(own)
                    .collect();
                [refused, answers(|events| Answer::new(events).problem())].concat()
            }
            Self::Caliper => {
                let envelope = errors();
                let envelope = envelope.iter().filter(|e| matches!(e, Error::Envelope(_)));
                [envelope.map(own).collect(), Self::Events.problems()].concat()
            }
            Self::Statements => {
                let is_other = |e: &Error| matches!(e, Error::MediaType | Error::SentAt(_));
                let door = errors().into_iter().filter(is_of_events);
                let door = door.filter(|e| !is_other(e)).map(xapi::in_terms);
                let refused = refusals().into_iter().filter(|r| *r != Refusal::Retrieval);
                let refused = refused.map(Refusal::problem);
                let mut problems: Vec<_> = door.map(|error| own(&error)).chain(refused).collect();
                problems.extend(answers(|events| xapi::problem(&events)));
                problems
            }
            Self::Retrieval => vec![Refusal::Retrieval.problem()],
            Self::Tail => {
                let is_told = |e: &Error| match e {
                    Error::Key(key) => is_of_bearers(*key) && !is_of_rosters(*key),
                    Error::Registry(_) | Error::Parameter(_) | Error::TooManyListeners(_) => true,
                    _ => false,
                };
                errors().iter().filter(|e| is_told(e)).map(own).collect()
            }
            Self::Rosters | Self::Catalogs => {
                let limit = match self {
                    Self::Rosters => Limit::roster,
                    _ => Limit::catalog,
                };
                let is_told = |e: &Error| match e {
                    Error::Key(key) => is_of_bearers(*key) && *key != KeyError::PublicListens,
                    Error::TooLarge(told) => *told == limit(told.bytes as u64),
                    Error::NotZipType | Error::NotZip => self == Self::Rosters,
                    Error::NotCatalogType
                    | Error::NotCatalog
                    | Error::NoTable
                    | Error::Compression(_) => self == Self::Catalogs,
                    Error::Registry(_)
                    | Error::Parameter(_)
                    | Error::BodyTimeout
                    | Error::BodyCutShort(_)
                    | Error::TooManyUploads
                    | Error::Store(_)
                    | Error::Internal => true,
                    _ => false,
                };
                errors().iter().filter(|e| is_told(e)).map(own).collect()
            }
            Self::Jobs | Self::Job => {
                let is_told = |e: &Error| match e {
                    Error::Key(key) => is_of_bearers(*key) && *key != KeyError::PublicListens,
                    Error::Registry(_) | Error::Store(_) => true,
                    Error::NoJob | Error::NoDiagnostics => self == Self::Job,
                    _ => false,
                };
                errors().iter().filter(|e| is_told(e)).map(own).collect()
            }
            Self::Schemas => {
                let is_told = |e: &Error| match e {
                    Error::Key(key) => *key != KeyError::PublicListens && !is_of_rosters(*key),
                    Error::Registry(_) | Error::NotFound => true,
                    _ => false,
                };
                errors().iter().filter(|e| is_told(e)).map(own).collect()
            }
            Self::Named => vec![Error::NotFound.problem()],
            Self::Elsewhere => vec![Error::NotFound.problem(), Error::MethodNotAllowed.problem()],
        }
    }
}

impl From<Set> for Problems {
    fn from(set: Set) -> Self {
        Self::new(set.name(), set.problems())
    }
}

/// Whether a key that stands in a header may be told this.
fn is_of_bearers(key: KeyError) -> bool {
    use KeyError::{NoOrigin, OtherOrigin, SecretInAddress};
    !matches!(key, NoOrigin | OtherOrigin | SecretInAddress)
}

/// Whether only who sends rosters may be told this.
fn is_of_rosters(key: KeyError) -> bool {
    matches!(key, KeyError::PublicRoster | KeyError::FamiliesOnly)
}

/// Whether it is the cap on a roster or a catalogue.
fn is_of_uploads(limit: Limit) -> bool {
    let bytes = limit.bytes as u64;
    [Limit::roster(bytes), Limit::catalog(bytes)].contains(&limit)
}

/// Whether who posts events may be told this.
fn is_of_events(error: &Error) -> bool {
    match error {
        Error::Key(key) if is_of_rosters(*key) => return false,
        Error::TooLarge(limit) if is_of_uploads(*limit) => return false,
        _ => {}
    }
    !matches!(
        error,
        Error::Key(KeyError::PublicListens)
            | Error::NotZipType
            | Error::NotZip
            | Error::NotCatalogType
            | Error::NotCatalog
            | Error::NoTable
            | Error::TooManyUploads
            | Error::Store(_)
            | Error::NoJob
            | Error::NoDiagnostics
            | Error::Envelope(_)
            | Error::Xapi(_)
            | Error::Parameter(_)
            | Error::TooManyListeners(_)
            | Error::NotFound
            | Error::MethodNotAllowed
    )
}

/// The problems of requests whose events were judged.
fn answers(problem: impl Fn(Vec<Answered>) -> Option<Problem>) -> Vec<Problem> {
    let most = Config::default().max_event_bytes;
    let rejected = |reason, pointer: &str, detail: &str| {
        Outcome::Rejected(Rejection::new(reason, pointer, detail))
    };
    let outcomes = [
        rejected(Reason::WrongType, "/data/url", "Send it as text."),
        rejected(
            Reason::FamilyNotAllowed,
            "/type",
            "Use a write key that may post events of the family video.",
        ),
        rejected(
            Reason::EventTooLarge,
            "",
            &format!(
                "Send a smaller event: it has {} bytes and may have {most}.",
                most + 1
            ),
        ),
        Outcome::Retry,
    ];
    let one = |outcome| {
        problem(vec![Answered {
            id: None,
            event_type: None,
            family: None,
            outcome,
            spooled: false,
        }])
    };
    outcomes.into_iter().filter_map(one).collect()
}

/// An error of each kind; of those that have several codes one of each.
fn errors() -> Vec<Error> {
    let config = Config::default();
    let unavailable = || Box::new(io::Error::other("an example"));
    let rejection = |reason, pointer: &str, detail: &str| Rejection::new(reason, pointer, detail);
    let time = "Write it as 2026-09-14T10:00:00.123Z.";
    let sent_at = |reason| Error::SentAt(rejection(reason, "/sent_at", time));
    let envelope = |reason, pointer, detail| Error::Envelope(rejection(reason, pointer, detail));
    let mut errors: Vec<_> = key_errors().into_iter().map(Error::Key).collect();
    errors.extend([
        Error::Registry(unavailable()),
        Error::MediaType,
        Error::ContentEncoding,
        Error::TooLarge(Limit::body(config.max_body_bytes)),
        Error::TooLarge(Limit::compressed(config.max_compressed_bytes)),
        Error::TooLarge(Limit::inflated(config.max_body_bytes)),
        Error::TooLarge(Limit::roster(config.roster.max_bytes)),
        Error::TooLarge(Limit::catalog(config.roster.max_bytes)),
        Error::TooManyEvents {
            count: config.max_events + 1,
            limit: config.max_events,
        },
        Error::BodyTimeout,
        Error::BodyCutShort(unavailable()),
        Error::Compression(io::Error::other("an example")),
        Error::Overloaded,
        Error::RateExceeded {
            rate: NonZeroU32::new(200).unwrap_or(NonZeroU32::MIN),
            wait: Duration::from_secs(3),
        },
        Error::QuotaExceeded {
            quota: NonZeroU64::new(1_000_000).unwrap_or(NonZeroU64::MIN),
            left: 12,
            wait: Duration::from_secs(7_200),
        },
        Error::Utf8(17),
        Error::Json("Send JSON: at line 2 column 1 of the body a comma is missing.".to_owned()),
        Error::NotEvents {
            pointer: "",
            detail: "Send an event as a JSON object, or an array of events.",
        },
        Error::NoEvents,
        sent_at(Reason::InvalidTime),
        sent_at(Reason::TimeWithoutOffset),
        sent_at(Reason::WrongType),
        envelope(Reason::MissingMember, "/sendTime", "Send sendTime."),
        envelope(Reason::DuplicateMember, "/data", "Send data once."),
        envelope(
            Reason::InvalidFormat,
            "/dataVersion",
            "Send the version of Caliper as dataVersion.",
        ),
        envelope(Reason::WrongType, "/data", "Send data as an array."),
        envelope(Reason::InvalidTime, "/sendTime", time),
    ]);
    errors.extend(refusals().into_iter().map(Error::Xapi));
    errors.extend([
        Error::Parameter("The parameters are key, outcome, type, family and sample."),
        Error::TooManyListeners(LISTENERS),
        Error::NotZipType,
        Error::NotZip,
        Error::NotCatalogType,
        Error::NotCatalog,
        Error::NoTable,
        Error::TooManyUploads,
        Error::Store(unavailable()),
        Error::NoJob,
        Error::NoDiagnostics,
        Error::NotFound,
        Error::MethodNotAllowed,
        Error::Internal,
    ]);
    errors
}

fn key_errors() -> [KeyError; 13] {
    [
        KeyError::Missing,
        KeyError::Malformed,
        KeyError::Unknown,
        KeyError::Revoked,
        KeyError::Expired,
        KeyError::QueryToken,
        KeyError::SecretInAddress,
        KeyError::SecretInPage,
        KeyError::NoOrigin,
        KeyError::PublicListens,
        KeyError::OtherOrigin,
        KeyError::PublicRoster,
        KeyError::FamiliesOnly,
    ]
}

/// The rules of xAPI that a request can break, but for those of the key.
fn refusals() -> [Refusal; 12] {
    [
        Refusal::NoVersion,
        Refusal::UnknownVersion,
        Refusal::Retrieval,
        Refusal::UnknownParameter,
        Refusal::NoStatementId,
        Refusal::StatementId,
        Refusal::AlternateSyntax,
        Refusal::NoStatements,
        Refusal::NotStatements,
        Refusal::PutOfMany,
        Refusal::MediaType,
        Refusal::Multipart("Name the boundary in the Content-Type."),
    ]
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    /// The place of an error among all kinds. Whoever adds a kind comes by here.
    fn kind(error: &Error) -> usize {
        match error {
            Error::Key(_) => 0,
            Error::Registry(_) => 1,
            Error::MediaType => 2,
            Error::ContentEncoding => 3,
            Error::TooLarge(_) => 4,
            Error::TooManyEvents { .. } => 5,
            Error::BodyTimeout => 6,
            Error::BodyCutShort(_) => 7,
            Error::Compression(_) => 8,
            Error::Overloaded => 9,
            Error::RateExceeded { .. } => 10,
            Error::QuotaExceeded { .. } => 11,
            Error::Utf8(_) => 12,
            Error::Json(_) => 13,
            Error::NotEvents { .. } => 14,
            Error::NoEvents => 15,
            Error::SentAt(_) => 16,
            Error::Envelope(_) => 17,
            Error::Xapi(_) => 18,
            Error::Parameter(_) => 19,
            Error::TooManyListeners(_) => 20,
            Error::NotFound => 21,
            Error::MethodNotAllowed => 22,
            Error::Internal => 23,
            Error::NotZipType => 24,
            Error::NotZip => 25,
            Error::TooManyUploads => 26,
            Error::Store(_) => 27,
            Error::NoJob => 28,
            Error::NoDiagnostics => 29,
            Error::NotCatalogType => 30,
            Error::NotCatalog => 31,
            Error::NoTable => 32,
        }
    }

    fn kind_of_key(error: KeyError) -> usize {
        match error {
            KeyError::Missing => 0,
            KeyError::Malformed => 1,
            KeyError::Unknown => 2,
            KeyError::Revoked => 3,
            KeyError::Expired => 4,
            KeyError::QueryToken => 5,
            KeyError::SecretInAddress => 6,
            KeyError::SecretInPage => 7,
            KeyError::NoOrigin => 8,
            KeyError::PublicListens => 9,
            KeyError::OtherOrigin => 10,
            KeyError::PublicRoster => 11,
            KeyError::FamiliesOnly => 12,
        }
    }

    fn kind_of_refusal(refusal: Refusal) -> usize {
        match refusal {
            Refusal::Key(_) => 0,
            Refusal::NoVersion => 1,
            Refusal::UnknownVersion => 2,
            Refusal::Retrieval => 3,
            Refusal::UnknownParameter => 4,
            Refusal::NoStatementId => 5,
            Refusal::StatementId => 6,
            Refusal::AlternateSyntax => 7,
            Refusal::NoStatements => 8,
            Refusal::NotStatements => 9,
            Refusal::PutOfMany => 10,
            Refusal::MediaType => 11,
            Refusal::Multipart(_) => 12,
        }
    }

    #[test]
    fn there_is_an_error_of_each_kind() {
        let kinds: BTreeSet<_> = errors().iter().map(kind).collect();
        assert_eq!(kinds, (0..=32).collect());
        let keys: BTreeSet<_> = key_errors().into_iter().map(kind_of_key).collect();
        assert_eq!(keys, (0..=12).collect());
        let refusals: BTreeSet<_> = refusals().into_iter().map(kind_of_refusal).collect();
        assert_eq!(refusals, (1..=12).collect());
    }

    #[test]
    fn every_error_is_told_somewhere() {
        let all: Vec<_> = Set::ALL.iter().flat_map(|set| set.problems()).collect();
        for error in errors() {
            let (code, status) = (error.problem().code, error.problem().status);
            let told = |problem: &Problem| (problem.code, problem.status) == (code, status);
            assert!(all.iter().any(told), "{status} {code}");
        }
    }
}
