//! What can be asked for, and what comes of it: the words between a command and
//! the process that does it.

use chrono::{DateTime, Utc};
use schemas::{Family, TenantId};
use serde::{Deserialize, Serialize};

/// Which records are to be entered again, and how fast.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Request {
    /// Which records.
    pub of: Records,
    /// Whose; everybody's if absent.
    pub tenant: Option<TenantId>,
    /// Records that are entered in a second at most, at least 1.
    pub rate: u32,
    /// Only say what would be done.
    pub dry_run: bool,
}

/// Which records are to be entered again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Records {
    /// Those of the quarantine that are not stored by now.
    Quarantined(Quarantined),
    /// Those of the log whose events are in no table.
    Missing(Received),
}

/// Which records of the quarantine.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Quarantined {
    /// The step that failed.
    pub stage: Option<String>,
    /// What stands in the reason.
    pub reason: Option<String>,
    /// When they were received.
    pub received: Received,
}

/// A time in which records were received.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Received {
    /// Inclusive; the beginning if absent.
    pub from: Option<DateTime<Utc>>,
    /// Exclusive; the end if absent.
    pub to: Option<DateTime<Utc>>,
}

impl Received {
    /// Whether a record that was received then is meant; one that does not say
    /// when is meant only without bounds.
    pub(crate) fn holds(&self, at: Option<DateTime<Utc>>) -> bool {
        let Some(at) = at else {
            return *self == Self::default();
        };
        self.from.is_none_or(|from| from <= at) && self.to.is_none_or(|to| at < to)
    }
}

/// How far it is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Step {
    /// It waits, for this.
    Waits(String),
    /// It begins to go through so many records.
    Begins {
        /// Where they are.
        what: String,
        /// How many there are.
        total: u64,
    },
    /// It has gone through so many more.
    Advances(u64),
    /// It has gone through all of them.
    Ends,
}

/// What was done, or would be.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Summary {
    /// Whether nothing was changed.
    pub dry_run: bool,
    /// Records that were looked at.
    pub examined: u64,
    /// Of these, records of the quarantine whose event is stored by now.
    pub stored_before: u64,
    /// Records that were entered again, or would be.
    pub entered: u64,
    /// Of the records that were entered, those that became events.
    pub stored: u64,
    /// Those whose event was there, or that had been entered before.
    pub duplicate: u64,
    /// Those that failed again.
    pub quarantined: u64,
    /// Those that were not read by transform yet.
    pub unread: u64,
    /// Records that are too large for the log by the words that say that they
    /// are in it again.
    pub too_large: u64,
    /// What was found, by what it is.
    pub found: Vec<Found>,
}

/// Records that are alike.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Found {
    /// The tenant whose they say they are; `_system` if they do not.
    pub tenant: String,
    /// The family they say they have.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub family: Option<Family>,
    /// Of quarantined records, the step that failed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub stage: Option<String>,
    /// Of quarantined records, what was wrong the last time.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// Of quarantined records, how often it was tried.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub attempts: Option<u32>,
    /// How many there are.
    pub records: u64,
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case::no_bounds(None, None, Some(5), true)]
    #[case::no_time(None, None, None, true)]
    #[case::no_time_with_bounds(Some(1), None, None, false)]
    #[case::first(Some(5), None, Some(5), true)]
    #[case::before(Some(6), None, Some(5), false)]
    #[case::last(None, Some(6), Some(5), true)]
    #[case::end(None, Some(5), Some(5), false)]
    fn a_record_is_meant_by_when_it_was_received(
        #[case] from: Option<i64>,
        #[case] to: Option<i64>,
        #[case] at: Option<i64>,
        #[case] expected: bool,
    ) {
        let time = |seconds: Option<i64>| {
            seconds.map(|seconds| DateTime::from_timestamp(seconds, 0).expect("a time"))
        };
        let received = Received {
            from: time(from),
            to: time(to),
        };
        assert_eq!(received.holds(time(at)), expected);
    }
}
