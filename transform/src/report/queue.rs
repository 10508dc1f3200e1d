//! Whose turn it is: who has waited longest and does not rest.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use schemas::TenantId;
use tokio::time::Instant;

/// Tenants whose reports are behind their tables. A tenant is served by one at a
/// time, and never two times within the interval.
#[derive(Debug)]
pub(crate) struct Queue {
    interval: Duration,
    /// Since when each waits.
    waiting: BTreeMap<TenantId, Instant>,
    /// Before when each is left alone.
    resting: BTreeMap<TenantId, Instant>,
    served: BTreeSet<TenantId>,
}

impl Queue {
    /// Nobody waits.
    pub fn new(interval: Duration) -> Self {
        Self {
            interval,
            waiting: BTreeMap::new(),
            resting: BTreeMap::new(),
            served: BTreeSet::new(),
        }
    }

    /// A tenant waits, if it did not.
    pub fn add(&mut self, tenant: TenantId, now: Instant) {
        self.waiting.entry(tenant).or_insert(now);
    }

    /// Who is served next, from now on: of those that may be, who has waited
    /// longest.
    pub fn next(&mut self, now: Instant) -> Option<TenantId> {
        self.resting.retain(|_, until| *until > now);
        let ready = self.waiting.iter().filter(|(tenant, _)| {
            !self.served.contains(*tenant) && !self.resting.contains_key(*tenant)
        });
        let (tenant, _) = ready.min_by_key(|(_, since)| **since)?;
        let tenant = tenant.clone();
        self.waiting.remove(&tenant);
        self.served.insert(tenant.clone());
        self.resting.insert(tenant.clone(), now + self.interval);
        Some(tenant)
    }

    /// A tenant was served; it is to be left alone until a time, if one is
    /// given.
    pub fn done(&mut self, tenant: &TenantId, rest: Option<Instant>) {
        self.served.remove(tenant);
        if let Some(until) = rest {
            let rest = self.resting.entry(tenant.clone()).or_insert(until);
            *rest = until.max(*rest);
        }
    }

    /// Whether a tenant is being served.
    pub fn is_served(&self, tenant: &TenantId) -> bool {
        self.served.contains(tenant)
    }

    /// When somebody who waits has rested; `None` when nobody does both.
    pub fn next_at(&self) -> Option<Instant> {
        let waiting = self.waiting.keys();
        let resting = waiting.filter(|tenant| !self.served.contains(*tenant));
        resting
            .filter_map(|tenant| self.resting.get(tenant).copied())
            .min()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(name: &str) -> TenantId {
        name.parse().expect("a tenant")
    }

    #[test]
    fn who_has_waited_longest_is_served_and_nobody_twice_at_once() {
        let (begin, second) = (Instant::now(), Duration::from_secs(1));
        let mut queue = Queue::new(2 * second);
        queue.add(id("slow"), begin);
        queue.add(id("a"), begin + second);
        queue.add(id("slow"), begin + second);
        let now = begin + second;
        assert_eq!(queue.next(now), Some(id("slow")));
        assert_eq!(queue.next(now), Some(id("a")));

        // It is being served: nobody else does, however long it takes.
        queue.add(id("slow"), now);
        let later = now + 10 * second;
        assert_eq!(queue.next(later), None);
        assert_eq!(queue.next_at(), None);
        queue.add(id("b"), later);
        assert_eq!(queue.next(later), Some(id("b")));
        queue.done(&id("slow"), None);
        assert_eq!(queue.next(later), Some(id("slow")));
    }

    #[test]
    fn who_rests_is_left_alone_and_not_forgotten() {
        let (begin, second) = (Instant::now(), Duration::from_secs(1));
        let mut queue = Queue::new(2 * second);
        queue.add(id("a"), begin);
        assert_eq!(queue.next(begin), Some(id("a")));
        queue.done(&id("a"), None);
        queue.add(id("a"), begin);
        assert_eq!(queue.next(begin + second), None, "within the interval");
        assert_eq!(queue.next_at(), Some(begin + 2 * second));
        assert_eq!(queue.next(begin + 2 * second), Some(id("a")));

        queue.done(&id("a"), Some(begin + 60 * second));
        queue.add(id("a"), begin + 3 * second);
        assert_eq!(queue.next(begin + 59 * second), None, "its tables fail");
        assert_eq!(queue.next(begin + 60 * second), Some(id("a")));
    }
}
