//! How far reports are behind, for operators.

use std::collections::{BTreeMap, HashMap};

use chrono::{DateTime, Utc};
use schemas::TenantId;

/// Up to when every report of every tenant is complete, and which of them have
/// something to catch up with.
#[derive(Debug, Default)]
pub(crate) struct Lags(HashMap<TenantId, BTreeMap<&'static str, Lag>>);

#[derive(Debug)]
struct Lag {
    complete_to: DateTime<Utc>,
    /// When it was caught up; `None` while it is behind.
    caught_up: Option<DateTime<Utc>>,
}

impl Lags {
    /// The tenant's tables have moved on: its reports are behind.
    pub fn behind(
        &mut self,
        tenant: &TenantId,
        reports: impl Iterator<Item = &'static str>,
        now: DateTime<Utc>,
    ) {
        let lags = self.0.entry(tenant.clone()).or_default();
        for report in reports {
            let lag = lags.entry(report).or_insert(Lag {
                // Nothing is known of before: it counts from now on.
                complete_to: now,
                caught_up: None,
            });
            lag.caught_up = None;
        }
    }

    /// A report has caught up with its sources, which were complete up to
    /// `as_of`.
    pub fn caught_up(
        &mut self,
        tenant: &TenantId,
        report: &'static str,
        as_of: Option<DateTime<Utc>>,
        now: DateTime<Utc>,
    ) {
        let lags = self.0.entry(tenant.clone()).or_default();
        let lag = Lag {
            complete_to: as_of.unwrap_or(now),
            caught_up: Some(now),
        };
        lags.insert(report, lag);
    }

    /// A tenant has no reports.
    pub fn forget(&mut self, tenant: &TenantId) {
        self.0.remove(tenant);
    }

    /// For each report the seconds by which the tenant furthest behind is behind
    /// now; where all have caught up, by which the one that was furthest was
    /// then.
    pub fn seconds(&self, now: DateTime<Utc>) -> BTreeMap<&'static str, f64> {
        let mut worst: BTreeMap<&'static str, (bool, f64)> = BTreeMap::new();
        for (report, lag) in self.0.values().flatten() {
            let until = lag.caught_up.unwrap_or(now);
            let seconds = (until - lag.complete_to).as_seconds_f64().max(0.0);
            let this = (lag.caught_up.is_none(), seconds);
            let worst = worst.entry(report).or_insert(this);
            if this > *worst {
                *worst = this;
            }
        }
        let seconds = worst.into_iter();
        seconds
            .map(|(report, (_, seconds))| (report, seconds))
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_report_that_fails_is_ever_further_behind() {
        let at = |second| DateTime::from_timestamp(second, 0).expect("a time");
        let (one, two): (TenantId, TenantId) = (
            "one".parse().expect("a tenant"),
            "two".parse().expect("a tenant"),
        );
        let mut lags = Lags::default();
        assert!(lags.seconds(at(0)).is_empty());

        lags.behind(&one, ["a", "b"].into_iter(), at(100));
        assert_eq!(lags.seconds(at(103))["a"], 3.0);
        lags.caught_up(&one, "a", Some(at(99)), at(104));
        assert_eq!(lags.seconds(at(160))["a"], 5.0, "nothing has moved since");
        assert_eq!(lags.seconds(at(160))["b"], 60.0, "it fails");

        // It counts from what it holds, not from when it began to fail.
        lags.behind(&one, ["a", "b"].into_iter(), at(170));
        assert_eq!(lags.seconds(at(199))["a"], 100.0);
        // Who is behind counts before who was.
        lags.behind(&two, ["a"].into_iter(), at(198));
        lags.caught_up(&one, "a", Some(at(100)), at(199));
        assert_eq!(lags.seconds(at(200))["a"], 2.0);
        lags.forget(&two);
        assert_eq!(lags.seconds(at(200))["a"], 99.0);
    }
}
