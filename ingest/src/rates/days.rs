//! The quota of a key: how many events it has posted on this day of UTC.

use std::collections::HashMap;
use std::num::NonZeroU64;
use std::time::Duration;

use chrono::{DateTime, Days as Span, NaiveDate, NaiveTime, Utc};

use super::KeyName;
use crate::error::Error;

/// What was counted of each key that has a quota, on the last day it posted.
#[derive(Debug, Default)]
pub(super) struct Days(HashMap<KeyName, (NaiveDate, u64)>);

impl Days {
    /// Whether so many events fit into what is left of the day.
    ///
    /// # Errors
    /// [`Error::TooManyEvents`] when they fit into no day, [`Error::QuotaExceeded`] when
    /// not into this one.
    pub fn check(
        &self,
        key: &KeyName,
        quota: NonZeroU64,
        events: usize,
        now: DateTime<Utc>,
    ) -> Result<(), Error> {
        if events as u64 > quota.get() {
            return Err(Error::TooManyEvents {
                count: events,
                limit: usize::try_from(quota.get()).unwrap_or(usize::MAX),
            });
        }
        let left = quota.get().saturating_sub(self.posted(key, now));
        if events as u64 > left {
            return Err(Error::QuotaExceeded {
                quota,
                left,
                wait: until_midnight(now),
            });
        }
        Ok(())
    }

    pub fn add(&mut self, key: &KeyName, events: usize, now: DateTime<Utc>) {
        let posted = self.posted(key, now).saturating_add(events as u64);
        self.0.insert(key.clone(), (now.date_naive(), posted));
    }

    pub fn give_back(&mut self, key: &KeyName, events: u64, now: DateTime<Utc>) {
        if let Some((day, posted)) = self.0.get_mut(key)
            && *day == now.date_naive()
        {
            *posted = posted.saturating_sub(events);
        }
    }

    /// Forgets all days but that of `now`.
    pub fn forget_before(&mut self, now: DateTime<Utc>) {
        let today = now.date_naive();
        self.0.retain(|_, (day, _)| *day == today);
    }

    /// Of how many keys something is known.
    #[cfg(test)]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    fn posted(&self, key: &KeyName, now: DateTime<Utc>) -> u64 {
        match self.0.get(key) {
            Some((day, posted)) if *day == now.date_naive() => *posted,
            _ => 0,
        }
    }
}

fn until_midnight(now: DateTime<Utc>) -> Duration {
    let tomorrow = now.date_naive().checked_add_days(Span::new(1));
    let midnight = tomorrow.map(|day| day.and_time(NaiveTime::MIN).and_utc());
    let wait = midnight.and_then(|midnight| (midnight - now).to_std().ok());
    wait.unwrap_or_default()
}
