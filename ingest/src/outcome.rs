//! What became of each event: exactly one outcome, in the order of the request.

use std::borrow::Cow;

use schemas::Family;
use serde::Serialize;
use uuid::Uuid;

/// What became of one event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// It is durable: in the log, or in the spool before it.
    Accepted,
    /// The same event, by id and content, stands earlier in the request and is
    /// accepted.
    Duplicate,
    /// It is valid and makes no row.
    Ignored,
    /// It will never be taken as it is.
    Rejected(Rejection),
    /// The log did not take it now: send it again with the same id.
    Retry,
}

impl Outcome {
    /// The outcome's name in answers, tallies and metrics.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Accepted => "accepted",
            Self::Duplicate => "duplicate",
            Self::Ignored => "ignored",
            Self::Rejected(_) => "rejected",
            Self::Retry => "retry",
        }
    }

    /// The code of a rejection.
    pub fn reason(&self) -> Option<Reason> {
        match self {
            Self::Rejected(rejection) => Some(rejection.reason),
            _ => None,
        }
    }
}

/// The longest pointer, in bytes: a longer one points to what stands around.
const POINTER: usize = 1024;

/// Why an event will never be taken as it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rejection {
    /// Why, for programs.
    pub reason: Reason,
    /// RFC 6901, from the event until [`Rejection::within`] makes it from the
    /// body. Of one that is too long to tell only the first steps.
    pub pointer: String,
    /// One sentence that says what to do. It never repeats a value of the
    /// event, which may name a person.
    pub detail: String,
    /// What else is wrong with the event, in a dialect that tells all at once.
    pub also: Vec<Rejection>,
}

impl Rejection {
    /// A rejection that points to a member of the event.
    pub fn new(reason: Reason, pointer: impl Into<String>, detail: impl Into<String>) -> Self {
        Self {
            reason,
            pointer: short(pointer.into()),
            detail: detail.into(),
            also: Vec::new(),
        }
    }

    /// All of these as one, if there is any.
    pub fn all(mut problems: Vec<Self>) -> Option<Self> {
        if problems.is_empty() {
            return None;
        }
        let mut first = problems.remove(0);
        first.also.append(&mut problems);
        Some(first)
    }

    /// The same, pointing into the body in which the event stands at `place`.
    #[must_use]
    pub fn within(mut self, place: &str) -> Self {
        self.pointer.insert_str(0, place);
        for other in &mut self.also {
            other.pointer.insert_str(0, place);
        }
        self
    }
}

/// A pointer or its first steps.
fn short(mut pointer: String) -> String {
    if pointer.len() > POINTER {
        let end = pointer.as_bytes()[..=POINTER]
            .iter()
            .rposition(|byte| *byte == b'/');
        pointer.truncate(end.unwrap_or_default());
        pointer.shrink_to_fit();
    }
    pointer
}

impl Reason {
    /// Whether another key may post the event.
    pub fn is_of_key(self) -> bool {
        matches!(self, Self::FamilyNotAllowed | Self::SecretKeyNeeded)
    }
}

macro_rules! reasons {
    ($($(#[doc = $doc:literal])* $name:ident = $code:literal,)*) => {
        /// Why an event was rejected; the code is never renamed.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum Reason {
            $($(#[doc = $doc])* $name,)*
        }

        impl Reason {
            /// All reasons.
            pub const ALL: &'static [Self] = &[$(Self::$name,)*];

            /// The code in answers, tallies and metrics.
            pub fn code(self) -> &'static str {
                match self {
                    $(Self::$name => $code,)*
                }
            }

            /// What it means, in a sentence, for who sends events.
            pub(crate) fn about(self) -> &'static str {
                match self {
                    $(Self::$name => concat!($($doc),*).trim_ascii(),)*
                }
            }
        }
    };
}

reasons! {
    /// A line of NDJSON is not JSON, or a text holds half a surrogate pair.
    InvalidJson = "invalid_json",
    /// A line of NDJSON is not UTF-8.
    InvalidUtf8 = "invalid_utf8",
    /// The event is not a JSON object.
    NotAnObject = "not_an_object",
    /// Arrays and objects are nested too deeply.
    TooDeep = "too_deep",
    /// A number is too large for its column or for a double.
    NumberOutOfRange = "number_out_of_range",
    /// A member stands twice in one object.
    DuplicateMember = "duplicate_member",
    /// A member that the type needs is absent.
    MissingMember = "missing_member",
    /// A member has another JSON type than its column.
    WrongType = "wrong_type",
    /// The id is not a UUID.
    InvalidId = "invalid_id",
    /// An event earlier in the request has the same id but other content.
    IdReused = "id_reused",
    /// There is no such type.
    UnknownType = "unknown_type",
    /// The tenant has not registered this type of its own.
    UnregisteredType = "unregistered_type",
    /// The data does not keep to the schema that the tenant registered for the type.
    SchemaViolation = "schema_violation",
    /// A time is not RFC 3339.
    InvalidTime = "invalid_time",
    /// A time does not say its offset from UTC.
    TimeWithoutOffset = "time_without_offset",
    /// The event happens more than a day from now.
    TimeInFuture = "time_in_future",
    /// The event happened before 1990.
    TimeTooOld = "time_too_old",
    /// A number has the right type but makes no sense in its place.
    OutOfRange = "out_of_range",
    /// A text is longer than its column takes.
    TextTooLong = "text_too_long",
    /// The member is ours to set.
    ReservedMember = "reserved_member",
    /// There is no such member here.
    UnknownMember = "unknown_member",
    /// Two members exclude each other, or one is not allowed beside another.
    ConflictingMembers = "conflicting_members",
    /// A text is not in the format of its member: an IRI, a language tag.
    InvalidFormat = "invalid_format",
    /// Another event of a request that is taken whole or not at all is refused.
    BatchRefused = "batch_refused",
    /// The members beyond the schema are too large together.
    ExtraTooLarge = "extra_too_large",
    /// The key may not post this family.
    FamilyNotAllowed = "family_not_allowed",
    /// Events of this type come from servers: the key is public.
    SecretKeyNeeded = "secret_key_needed",
    /// The event is larger than `ingest.max_event_bytes`, or its record than the log
    /// takes.
    EventTooLarge = "event_too_large",
}

/// One event of a request and what became of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answered {
    /// Its id: the sender's, or the one we gave it. `None` when it has none that can be read.
    pub id: Option<Uuid>,
    /// Its type, when it is known.
    pub event_type: Option<Cow<'static, str>>,
    /// Its family, when its type is known.
    pub family: Option<Family>,
    /// What became of it.
    pub outcome: Outcome,
    /// Accepted by this machine's disk: it comes into the log when that can be
    /// reached.
    pub spooled: bool,
}

/// How many events had which outcome; `received` is the sum of the five.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Counts {
    /// Events in the request.
    pub received: u64,
    /// [`Outcome::Accepted`].
    pub accepted: u64,
    /// [`Outcome::Duplicate`].
    pub duplicate: u64,
    /// [`Outcome::Ignored`].
    pub ignored: u64,
    /// [`Outcome::Rejected`].
    pub rejected: u64,
    /// [`Outcome::Retry`].
    pub retry: u64,
    /// Those of `accepted` that only a spool has yet.
    #[serde(skip_serializing_if = "is_zero")]
    pub spooled: u64,
}

fn is_zero(count: &u64) -> bool {
    *count == 0
}

impl Counts {
    /// Counts the outcomes of a request.
    pub fn of(events: &[Answered]) -> Self {
        let mut counts = Self::default();
        for event in events {
            counts.received += 1;
            *match event.outcome {
                Outcome::Accepted => &mut counts.accepted,
                Outcome::Duplicate => &mut counts.duplicate,
                Outcome::Ignored => &mut counts.ignored,
                Outcome::Rejected(_) => &mut counts.rejected,
                Outcome::Retry => &mut counts.retry,
            } += 1;
            counts.spooled += u64::from(event.spooled);
        }
        counts
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case("/a/b~1c".to_owned(), "/a/b~1c".to_owned())]
    #[case(format!("/a/{}", "b".repeat(POINTER)), "/a".to_owned())]
    #[case(format!("/a{}", "/bc".repeat(POINTER)), format!("/a{}", "/bc".repeat(340)))]
    #[case("é".repeat(POINTER), String::new())]
    #[case(format!("/{}/b", "a".repeat(POINTER - 1)), format!("/{}", "a".repeat(POINTER - 1)))]
    fn pointers_are_short(#[case] pointer: String, #[case] told: String) {
        let rejection = Rejection::new(Reason::WrongType, pointer, "");
        assert_eq!(rejection.pointer, told);
    }
}
