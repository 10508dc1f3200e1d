//! Whose turn it is: who has waited longest and does not rest.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use schemas::TenantId;
use tokio::time::Instant;

use crate::report::pulse::Pulse;

/// Tenants whose reports are behind their tables. A tenant is served by one at a
/// time, and never two times within the interval.
#[derive(Debug)]
pub(crate) struct Queue {
    interval: Duration,
    /// Since when each waits.
    waiting: BTreeMap<TenantId, Instant>,
    /// Before when each is left alone.
    resting: BTreeMap<TenantId, Resting>,
    served: BTreeSet<TenantId>,
    pulses: BTreeMap<TenantId, Pulse>,
}

/// How long a tenant is left alone after it was served, beyond the interval.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Rest {
    None,
    /// Until then, or until nothing more is published for it.
    Busy(Instant),
    /// Until then, whatever comes or does not come.
    Strict(Instant),
}

#[derive(Debug, Clone, Copy)]
struct Resting {
    until: Instant,
    /// Not before then, even if it is silent.
    strict: Option<Instant>,
}

impl Queue {
    /// Nobody waits.
    pub fn new(interval: Duration) -> Self {
        Self {
            interval,
            waiting: BTreeMap::new(),
            resting: BTreeMap::new(),
            served: BTreeSet::new(),
            pulses: BTreeMap::new(),
        }
    }

    /// A tenant's tables have moved: it waits, if it did not.
    pub fn moved(&mut self, tenant: TenantId, now: Instant) {
        let pulse = self.pulses.entry(tenant.clone());
        pulse
            .and_modify(|pulse| pulse.beat(now))
            .or_insert_with(|| Pulse::new(now));
        self.add(tenant, now);
    }

    /// A tenant waits, if it did not, for another reason.
    pub fn add(&mut self, tenant: TenantId, now: Instant) {
        self.waiting.entry(tenant).or_insert(now);
    }

    /// A tenant that was served does not exist.
    pub fn forget(&mut self, tenant: &TenantId) {
        self.served.remove(tenant);
        self.resting.remove(tenant);
        self.pulses.remove(tenant);
    }

    /// Who is served next, from now on: of those that may be, who has waited
    /// longest.
    pub fn next(&mut self, now: Instant) -> Option<TenantId> {
        self.resting.retain(|_, rest| rest.until > now);
        let ready = self.waiting.iter().filter(|(tenant, _)| {
            !self.served.contains(*tenant) && self.rested_at(tenant).is_none_or(|at| at <= now)
        });
        let (tenant, _) = ready.min_by_key(|(_, since)| **since)?;
        let tenant = tenant.clone();
        self.waiting.remove(&tenant);
        self.served.insert(tenant.clone());
        self.rest(&tenant, Rest::Strict(now + self.interval));
        Some(tenant)
    }

    /// A tenant was served, and is to be left alone.
    pub fn done(&mut self, tenant: &TenantId, rest: Rest) {
        self.served.remove(tenant);
        self.rest(tenant, rest);
    }

    fn rest(&mut self, tenant: &TenantId, rest: Rest) {
        let (until, strict) = match rest {
            Rest::None => return,
            Rest::Busy(until) => (until, None),
            Rest::Strict(until) => (until, Some(until)),
        };
        let resting = self.resting.entry(tenant.clone());
        let resting = resting.or_insert(Resting { until, strict });
        resting.until = resting.until.max(until);
        resting.strict = resting.strict.max(strict);
    }

    /// Whether a tenant is being served.
    pub fn is_served(&self, tenant: &TenantId) -> bool {
        self.served.contains(tenant)
    }

    /// When somebody who waits has rested; `None` when nobody does both.
    pub fn next_at(&self) -> Option<Instant> {
        let waiting = self.waiting.keys();
        let resting = waiting.filter(|tenant| !self.served.contains(*tenant));
        resting.filter_map(|tenant| self.rested_at(tenant)).min()
    }

    /// When a tenant that rests has, if nothing comes until then.
    fn rested_at(&self, tenant: &TenantId) -> Option<Instant> {
        let rest = self.resting.get(tenant)?;
        let silent = self.pulses.get(tenant).map(Pulse::silent_at);
        let early = silent.map(|at| rest.strict.map_or(at, |strict| at.max(strict)));
        Some(early.map_or(rest.until, |at| at.min(rest.until)))
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
        queue.done(&id("slow"), Rest::None);
        assert_eq!(queue.next(later), Some(id("slow")));
    }

    #[test]
    fn who_rests_is_left_alone_and_not_forgotten() {
        let (begin, second) = (Instant::now(), Duration::from_secs(1));
        let mut queue = Queue::new(2 * second);
        queue.add(id("a"), begin);
        assert_eq!(queue.next(begin), Some(id("a")));
        queue.done(&id("a"), Rest::None);
        queue.add(id("a"), begin);
        assert_eq!(queue.next(begin + second), None, "within the interval");
        assert_eq!(queue.next_at(), Some(begin + 2 * second));
        assert_eq!(queue.next(begin + 2 * second), Some(id("a")));

        queue.done(&id("a"), Rest::Strict(begin + 60 * second));
        queue.add(id("a"), begin + 3 * second);
        assert_eq!(queue.next(begin + 59 * second), None, "its tables fail");
        assert_eq!(queue.next(begin + 60 * second), Some(id("a")));
    }

    #[test]
    fn who_has_fallen_silent_rests_no_longer() {
        let (begin, second) = (Instant::now(), Duration::from_secs(1));
        let mut queue = Queue::new(second);
        queue.moved(id("a"), begin);
        assert_eq!(queue.next(begin), Some(id("a")));
        for now in 1..=5 {
            queue.moved(id("a"), begin + now * second);
        }
        queue.done(&id("a"), Rest::Busy(begin + 60 * second));
        assert_eq!(queue.next(begin + 6 * second), None, "more may come");
        assert_eq!(queue.next_at(), Some(begin + 7 * second));
        queue.moved(id("a"), begin + 6 * second);
        assert_eq!(queue.next(begin + 7 * second), None, "more came");
        assert_eq!(queue.next(begin + 8 * second), Some(id("a")));

        // Silence does not shorten the rest of one whose tables fail.
        queue.moved(id("a"), begin + 9 * second);
        queue.done(&id("a"), Rest::Strict(begin + 30 * second));
        assert_eq!(queue.next(begin + 29 * second), None);
        assert_eq!(queue.next(begin + 30 * second), Some(id("a")));
    }

    #[test]
    fn who_is_published_now_and_then_rests_as_long_as_one_that_is_always() {
        let (begin, second) = (Instant::now(), Duration::from_secs(1));
        let mut queue = Queue::new(second);
        for now in [0, 10, 20] {
            queue.moved(id("a"), begin + now * second);
        }
        assert_eq!(queue.next(begin + 20 * second), Some(id("a")));
        queue.done(&id("a"), Rest::Busy(begin + 50 * second));
        queue.moved(id("a"), begin + 30 * second);
        queue.moved(id("a"), begin + 40 * second);
        assert_eq!(queue.next(begin + 49 * second), None);
        assert_eq!(queue.next(begin + 50 * second), Some(id("a")));
    }
}
