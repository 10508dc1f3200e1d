//! How many events a write key may post to this process: its rate and its quota.

mod days;

use std::collections::HashMap;
use std::num::{NonZeroU32, NonZeroU64};
use std::sync::{Mutex, MutexGuard, PoisonError};

use chrono::{DateTime, Utc};
use governor::clock::{Clock, MonotonicClock};
use governor::middleware::NoOpMiddleware;
use governor::state::keyed::HashMapStateStore;
use governor::{InsufficientCapacity, Quota, RateLimiter};
use schemas::{KeyKind, TenantId};

use self::days::Days;
use crate::authenticate::Sender;
use crate::error::Error;

/// How many seconds' worth of events may come at once.
const BURST_SECONDS: u32 = 10;

/// How many events a key may post.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Limits {
    /// In a second, on average.
    pub per_second: Option<NonZeroU32>,
    /// On a day of UTC.
    pub per_day: Option<NonZeroU64>,
}

/// Which key: its tenant's and its own id.
type KeyName = (TenantId, String);

/// Counts the events of the keys that may not post as many as they like. What it holds
/// is bounded by how many of them have posted lately.
pub struct Rates<C: Clock = MonotonicClock> {
    /// What a public key may post in a second when it does not say.
    public: NonZeroU32,
    clock: C,
    counted: Mutex<Counted<C>>,
}

struct Counted<C: Clock> {
    /// One limiter for all keys of the same rate.
    limiters: HashMap<NonZeroU32, Limiter<C>>,
    days: Days,
}

type Limiter<C> =
    RateLimiter<KeyName, HashMapStateStore<KeyName>, C, NoOpMiddleware<<C as Clock>::Instant>>;

impl Rates {
    /// Nothing is counted yet; `public` is the rate of public keys that have none of
    /// their own, in events a second.
    pub fn new(public: NonZeroU32) -> Self {
        Self::with_clock(public, MonotonicClock)
    }
}

impl<C: Clock + Clone> Rates<C> {
    fn with_clock(public: NonZeroU32, clock: C) -> Self {
        Self {
            public,
            clock,
            counted: Mutex::new(Counted {
                limiters: HashMap::new(),
                days: Days::default(),
            }),
        }
    }

    /// Counts the events of a request that came at `now`: all of them, or none when
    /// they are refused.
    ///
    /// # Errors
    /// [`Error::TooManyEvents`] when so many never come in at once,
    /// [`Error::RateExceeded`] and [`Error::QuotaExceeded`] when they do later.
    pub fn admit(&self, sender: &Sender, events: usize, now: DateTime<Utc>) -> Result<(), Error> {
        let limits = self.limits(sender);
        if limits == Limits::default() {
            return Ok(());
        }
        let admitted = self.count(&name(sender), limits, events, now);
        if let Err(error) = &admitted {
            metrics::counter!(
                "chalkline_ingest_refused_events_total",
                "code" => error.problem().code,
            )
            .increment(events as u64);
        }
        admitted
    }

    /// Takes back from the day's quota what was counted at `now` and did not come in
    /// for a reason of ours.
    pub fn give_back(&self, sender: &Sender, events: u64, now: DateTime<Utc>) {
        if events > 0 && self.limits(sender).per_day.is_some() {
            self.counted().days.give_back(&name(sender), events, now);
        }
    }

    /// Forgets keys of which nothing has to be known at `now`: those that may post as
    /// much as if they had never posted.
    pub fn forget_idle(&self, now: DateTime<Utc>) {
        let mut counted = self.counted();
        counted.limiters.retain(|_, limiter| {
            limiter.retain_recent();
            !limiter.is_empty()
        });
        counted.days.forget_before(now);
    }

    fn limits(&self, sender: &Sender) -> Limits {
        let Limits {
            per_second,
            per_day,
        } = sender.scope.limits;
        let is_public = sender.scope.kind == KeyKind::Public;
        Limits {
            per_second: per_second.or(is_public.then_some(self.public)),
            per_day,
        }
    }

    fn count(
        &self,
        key: &KeyName,
        limits: Limits,
        events: usize,
        now: DateTime<Utc>,
    ) -> Result<(), Error> {
        let mut counted = self.counted();
        // The quota is asked first and counted last: what the rate refuses is not counted.
        if let Some(quota) = limits.per_day {
            counted.days.check(key, quota, events, now)?;
        }
        if let Some(rate) = limits.per_second {
            let limiter = counted
                .limiters
                .entry(rate)
                .or_insert_with(|| limiter(rate, self.clock.clone()));
            self.check_rate(limiter, key, rate, events)?;
        }
        if limits.per_day.is_some() {
            counted.days.add(key, events, now);
        }
        Ok(())
    }

    fn check_rate(
        &self,
        limiter: &Limiter<C>,
        key: &KeyName,
        rate: NonZeroU32,
        events: usize,
    ) -> Result<(), Error> {
        let Some(cells) = NonZeroU32::new(u32::try_from(events).unwrap_or(u32::MAX)) else {
            return Ok(());
        };
        match limiter.check_key_n(key, cells) {
            Ok(Ok(())) => Ok(()),
            Ok(Err(not_until)) => Err(Error::RateExceeded {
                rate,
                wait: not_until.wait_time_from(self.clock.now()),
            }),
            Err(InsufficientCapacity(most)) => Err(Error::TooManyEvents {
                count: events,
                limit: usize::try_from(most).unwrap_or(usize::MAX),
            }),
        }
    }

    fn counted(&self) -> MutexGuard<'_, Counted<C>> {
        self.counted.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn name(sender: &Sender) -> KeyName {
    (sender.tenant.id.clone(), sender.scope.key_id.clone())
}

fn limiter<C: Clock>(rate: NonZeroU32, clock: C) -> Limiter<C> {
    let burst = rate.saturating_mul(NonZeroU32::new(BURST_SECONDS).unwrap_or(NonZeroU32::MIN));
    RateLimiter::hashmap_with_clock(Quota::per_second(rate).allow_burst(burst), clock)
}

#[cfg(test)]
mod tests;
