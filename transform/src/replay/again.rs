//! What a record says that is in the log again: why, and where it was before.

use std::fmt::{self, Display};
use std::str::FromStr;

use bytes::Bytes;
use eventlog::{Headers, Record};
use schemas::{StudentKey, headers, log_key};

use crate::decode::{tenant, text};

/// Which headers a record gets when it is entered again; all others it keeps.
const OURS: [&str; 4] = [
    headers::REPLAY,
    headers::ORIGIN,
    headers::ATTEMPT,
    headers::LOOK_UP,
];

/// Why a record was entered again, and where it comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Again {
    pub cause: Cause,
    pub origin: Origin,
    /// Which try to make a row of it this is; a sender's record was the first.
    pub attempt: u32,
}

/// Why a record was entered again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Cause {
    /// It was in the quarantine.
    Quarantined,
    /// Its row was gone.
    Missing,
}

/// Where a record stood when it was in a log for the first time.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Origin {
    pub log_id: String,
    pub partition: u32,
    pub position: u64,
}

impl Again {
    /// What the headers say; `None` for a record as a sender sent it.
    pub fn of(headers: &Headers) -> Option<Self> {
        let cause = text(headers, headers::REPLAY)?.parse().ok()?;
        Some(Self {
            cause,
            origin: text(headers, headers::ORIGIN)?.parse().ok()?,
            attempt: text(headers, headers::ATTEMPT)?.parse().ok()?,
        })
    }

    /// The record as it goes into the log again. All tries of one record have one
    /// key, so they meet in one partition, and those of an event have the
    /// event's, so it meets its repetitions.
    pub fn record(&self, original: &Headers, value: Bytes) -> Record {
        let key = text(original, headers::STUDENT_KEY).and_then(|key| key.parse().ok());
        let key = tenant(original)
            .zip(key)
            .map(|(tenant, key): (_, StudentKey)| log_key(&tenant, &key));
        let key = key.unwrap_or_else(|| self.origin.to_string().into_bytes());
        let (origin, attempt) = (self.origin.to_string(), self.attempt.to_string());
        let reach = headers::look_up::EVERYWHERE;
        let ours = [self.cause.as_str(), &origin, &attempt, reach];
        let ours = OURS.into_iter().zip(ours.map(str::as_bytes));
        let kept = original.iter().filter(|(name, _)| !OURS.contains(name));
        Record {
            key: key.into(),
            headers: kept.chain(ours).collect(),
            value,
        }
    }
}

impl Cause {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Quarantined => headers::replay::QUARANTINED,
            Self::Missing => headers::replay::MISSING,
        }
    }
}

impl FromStr for Cause {
    type Err = ();
    fn from_str(text: &str) -> Result<Self, ()> {
        let all = [Self::Quarantined, Self::Missing];
        all.into_iter()
            .find(|cause| cause.as_str() == text)
            .ok_or(())
    }
}

impl Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            log_id,
            partition,
            position,
        } = self;
        write!(f, "{log_id}/{partition}/{position}")
    }
}

impl FromStr for Origin {
    type Err = ();
    fn from_str(text: &str) -> Result<Self, ()> {
        let (rest, position) = text.rsplit_once('/').ok_or(())?;
        let (log_id, partition) = rest.rsplit_once('/').ok_or(())?;
        Ok(Self {
            log_id: log_id.to_owned(),
            partition: partition.parse().map_err(|_| ())?,
            position: position.parse().map_err(|_| ())?,
        })
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    fn again() -> Again {
        Again {
            cause: Cause::Quarantined,
            origin: Origin {
                log_id: "log-1".to_owned(),
                partition: 3,
                position: 41,
            },
            attempt: 2,
        }
    }

    #[test]
    fn a_record_that_is_entered_again_keeps_its_headers_and_says_so() {
        let student = "00112233445566778899aabbccddeeff";
        let original: Headers = [
            ("tenant", "demo"),
            ("student_key", student),
            ("colour", "blue"),
        ]
        .into_iter()
        .collect();
        let record = again().record(&original, Bytes::from_static(b"x"));
        assert_eq!(record.key, format!("demo/{student}"));
        assert_eq!(record.headers.get("colour"), Some(&b"blue"[..]));
        assert_eq!(Again::of(&record.headers), Some(again()));

        let third = Again {
            attempt: 3,
            ..again()
        };
        let record = third.record(&record.headers, record.value);
        assert_eq!(record.headers.len(), 7, "none of ours is there twice");
        assert_eq!(Again::of(&record.headers), Some(third));
    }

    #[test]
    fn what_is_nobodys_has_the_key_of_its_origin() {
        let record = again().record(&Headers::default(), Bytes::new());
        assert_eq!(record.key, "log-1/3/41");
    }

    #[rstest]
    #[case::nothing(&[])]
    #[case::no_such_cause(&[("replay", "fun"), ("origin", "log/0/1"), ("attempt", "2")])]
    #[case::no_origin(&[("replay", "missing"), ("origin", "0/1"), ("attempt", "2")])]
    #[case::no_attempt(&[("replay", "missing"), ("origin", "log/0/1")])]
    fn what_says_it_wrongly_is_a_record_like_any_other(#[case] headers: &[(&str, &str)]) {
        assert_eq!(Again::of(&headers.iter().copied().collect()), None);
    }
}
