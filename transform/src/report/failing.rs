//! Reports that fail, each left alone for a while that grows.

use std::collections::{BTreeSet, HashMap};
use std::time::Duration;

use schemas::TenantId;
use tokio::time::Instant;

use crate::report::ReportError;
use crate::report::pause::jittered;

/// How long a report that failed is left alone, at first and at most.
const FIRST_PAUSE: Duration = Duration::from_secs(5);
const LONGEST_PAUSE: Duration = Duration::from_secs(600);

/// How long a report is left to another process that takes it for another. Both
/// would compute everything again and again.
const YIELD: Duration = Duration::from_secs(60);

/// The name of what keeps all reports of a tenant from being looked at.
pub(crate) const ALL: &str = "all";

/// What failed, and when it is tried again.
#[derive(Debug, Default)]
pub(crate) struct Failing(HashMap<(TenantId, &'static str), Rest>);

#[derive(Debug)]
struct Rest {
    until: Instant,
    pause: Duration,
}

impl Failing {
    /// A report of a tenant has failed, or [`ALL`] of them; how long it rests.
    pub fn add(
        &mut self,
        tenant: &TenantId,
        report: &'static str,
        error: &ReportError,
        now: Instant,
    ) -> Duration {
        let first = match error {
            ReportError::Superseded { .. } => YIELD,
            _ => FIRST_PAUSE,
        };
        let rest = self.0.entry((tenant.clone(), report));
        let rest = rest
            .and_modify(|rest| rest.pause = (rest.pause * 2).max(first).min(LONGEST_PAUSE))
            .or_insert(Rest {
                until: now,
                pause: first,
            });
        let pause = jittered(rest.pause);
        rest.until = now + pause;
        pause
    }

    /// A report of a tenant, or [`ALL`] of them, could be refreshed.
    pub fn forget(&mut self, tenant: &TenantId, report: &'static str) {
        self.0.remove(&(tenant.clone(), report));
    }

    /// A tenant has no reports.
    pub fn forget_all(&mut self, tenant: &TenantId) {
        self.0.retain(|(of, _), _| of != tenant);
    }

    /// The reports of a tenant that rest.
    pub fn resting(&self, tenant: &TenantId, now: Instant) -> BTreeSet<&'static str> {
        let of = self.0.iter().filter(|((of, _), _)| of == tenant);
        of.filter(|(_, rest)| rest.until > now)
            .map(|((_, report), _)| *report)
            .collect()
    }

    /// Whose reports, or some of them, have rested.
    pub fn rested(&self, now: Instant) -> BTreeSet<TenantId> {
        let rested = self.0.iter().filter(|(_, rest)| rest.until <= now);
        rested.map(|((tenant, _), _)| tenant.clone()).collect()
    }

    /// When the next one has.
    pub fn next_at(&self, now: Instant) -> Option<Instant> {
        let untils = self.0.values().map(|rest| rest.until);
        untils.filter(|until| *until > now).min()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_until_it_works() {
        let (mut failing, now) = (Failing::default(), Instant::now());
        let tenant: TenantId = "one".parse().expect("a tenant");
        let error = ReportError::Panicked {
            report: "a",
            message: String::new(),
        };
        let first = failing.add(&tenant, "a", &error, now);
        assert!(first <= FIRST_PAUSE * 5 / 4);
        assert_eq!(failing.resting(&tenant, now), BTreeSet::from(["a"]));
        assert_eq!(failing.next_at(now), Some(now + first));
        assert!(failing.resting(&tenant, now + first).is_empty());
        assert_eq!(
            failing.rested(now + first),
            BTreeSet::from([tenant.clone()])
        );
        let mut last = first;
        for _ in 0..20 {
            last = failing.add(&tenant, "a", &error, now);
        }
        assert!(last >= LONGEST_PAUSE * 3 / 4 && last <= LONGEST_PAUSE * 5 / 4);
        failing.forget(&tenant, "a");
        assert!(failing.add(&tenant, "a", &error, now) <= FIRST_PAUSE * 5 / 4);

        failing.forget_all(&tenant);
        assert!(failing.rested(now + 2 * LONGEST_PAUSE).is_empty());
        let superseded = ReportError::Superseded { report: "b" };
        assert!(failing.add(&tenant, "b", &superseded, now) >= YIELD * 3 / 4);
    }
}
