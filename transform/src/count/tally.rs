//! What is counted between two publications.

use std::collections::{BTreeMap, HashMap};
use std::ops::Range;

use chrono::DateTime;
use eventlog::Headers;
use schemas::{Family, TenantId, headers};

use crate::decode::{family, is_beside, received_at, text};
use crate::replay::Cause;

/// All that was read between two publications.
#[derive(Debug, Default)]
pub(super) struct Tally {
    pub stretches: BTreeMap<u32, Range<u64>>,
    pub counts: HashMap<Key, Counted>,
    /// Below which position a tenant's records of a partition were counted
    /// before a crash that came before the last commit.
    pub counted: HashMap<(TenantId, u32), u64>,
    /// Tenants that records name, and in whose tables those records are.
    pub homes: HashMap<TenantId, TenantId>,
    run: Option<Run>,
}

/// What is counted apart.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct Key {
    pub tenant: TenantId,
    pub partition: u32,
    pub family: Option<Family>,
    /// Seconds since 1970.
    pub hour: i64,
}

/// What is counted.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Counted {
    /// Records that ingest took.
    pub accepted: u64,
    /// Records of the quarantine that were entered again.
    pub replayed: u64,
}

/// Records of one partition that follow each other and are counted alike: most do.
#[derive(Debug)]
struct Run {
    /// Whose they say they are.
    named: TenantId,
    key: Key,
    accepted: u64,
}

impl Key {
    /// Of a record that is in the tables of `tenant`.
    pub fn of(tenant: TenantId, partition: u32, headers: &Headers) -> Self {
        Self {
            tenant,
            partition,
            family: family(headers),
            hour: hour(headers),
        }
    }
}

impl Tally {
    /// Counts the next record of a partition if it is like the one before.
    pub fn repeat(&mut self, headers: &Headers) -> bool {
        let is_like = |run: &&mut Run| {
            text(headers, headers::TENANT) == Some(run.named.as_str())
                && family(headers) == run.key.family
                && hour(headers) == run.key.hour
                && headers.get(headers::REPLAY).is_none()
                && !is_beside(headers)
        };
        let run = self.run.as_mut().filter(is_like);
        run.map(|run| run.accepted += 1).is_some()
    }

    /// Counts a record.
    pub fn count(&mut self, named: TenantId, key: Key, again: Option<Cause>) {
        self.end_run();
        match again {
            None => {
                self.run = Some(Run {
                    named,
                    key,
                    accepted: 1,
                });
            }
            Some(Cause::Quarantined) => self.counts.entry(key).or_default().replayed += 1,
            // It takes the place of a record that was counted. That all is counted
            // up to here is to be said all the same: the ledger leaves out rows
            // that lie above.
            Some(Cause::Missing) => {
                self.counts.entry(key).or_default();
            }
        }
    }

    /// A stretch of a partition is counted.
    pub fn end(&mut self, partition: u32, stretch: Range<u64>) {
        self.end_run();
        self.stretches.insert(partition, stretch);
    }

    fn end_run(&mut self) {
        if let Some(run) = self.run.take() {
            self.counts.entry(run.key).or_default().accepted += run.accepted;
        }
    }
}

/// When ingest took the record, in hours.
fn hour(headers: &Headers) -> i64 {
    let received_at = received_at(headers).unwrap_or(DateTime::UNIX_EPOCH);
    received_at.timestamp().div_euclid(3600) * 3600
}

#[cfg(test)]
mod tests {
    use super::*;

    const AT: u64 = 1_757_844_000_000_000;
    const HOUR: u64 = 3_600_000_000;

    fn headers(tenant: &str, family: &str, at: u64, rest: &[(&str, &str)]) -> Headers {
        let at = at.to_string();
        let usual = [
            (headers::TENANT, tenant),
            (headers::FAMILY, family),
            (headers::RECEIVED_AT, at.as_str()),
        ];
        usual.iter().chain(rest).copied().collect()
    }

    #[test]
    fn only_records_that_are_counted_alike_are_a_run() {
        let first = headers("demo", "video", AT, &[]);
        let named: TenantId = "demo".parse().expect("a tenant");
        let key = Key::of(named.clone(), 3, &first);
        let mut tally = Tally::default();
        assert!(!tally.repeat(&first), "nothing was counted before");
        tally.count(named.clone(), key.clone(), None);
        assert!(tally.repeat(&first));
        assert!(tally.repeat(&headers("demo", "video", AT + HOUR - 1, &[])));
        let tally_kind = (headers::KIND, headers::kind::TALLY);
        let notice_kind = (headers::KIND, headers::kind::ROSTER_UPLOADED);
        for other in [
            headers("demos", "video", AT, &[]),
            headers("demo", "clickstream", AT, &[]),
            headers("demo", "video", AT + HOUR, &[]),
            headers("demo", "video", AT, &[(headers::REPLAY, "quarantined")]),
            headers("demo", "video", AT, &[tally_kind]),
            headers("demo", "video", AT, &[notice_kind]),
            Headers::default(),
        ] {
            assert!(!tally.repeat(&other), "{other:?}");
        }
        tally.count(named.clone(), key.clone(), Some(Cause::Quarantined));
        assert!(!tally.repeat(&first), "the run has ended");
        tally.count(named.clone(), key.clone(), Some(Cause::Missing));
        tally.count(named.clone(), key.clone(), None);
        tally.end(3, 5..11);
        let counted = Counted {
            accepted: 4,
            replayed: 1,
        };
        assert_eq!(tally.counts, HashMap::from([(key, counted)]));
        // What follows stands in another partition.
        assert!(!tally.repeat(&first));
    }
}
