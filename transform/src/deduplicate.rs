//! deduplicate: whether an event was already stored.

use std::collections::HashMap;

use chrono::{DateTime, TimeDelta, Utc};
use schemas::TenantId;
use uuid::Uuid;

/// How far received times of one moment lie apart: what is forgotten is older
/// than the window by this much, so that forgetting decides nothing.
const SLACK: TimeDelta = TimeDelta::hours(1);

/// Which events were stored, and when each was received: all that lie within
/// the window, for every tenant.
///
/// Its answers depend on the events alone, never on the wall clock and never on
/// when something was forgotten.
#[derive(Debug)]
pub(crate) struct Index {
    window_seconds: u32,
    /// Seconds since 1970 are exact enough for a window of days, and together
    /// with the bytes of the id small enough to keep millions.
    tenants: HashMap<TenantId, HashMap<[u8; 16], u32>>,
    forgotten_before: u32,
}

impl Index {
    /// Knows nothing yet.
    pub fn new(window: TimeDelta) -> Self {
        Self {
            window_seconds: u32::try_from(window.num_seconds()).unwrap_or(u32::MAX),
            tenants: HashMap::new(),
            forgotten_before: 0,
        }
    }

    /// Whether an event of that id was stored that was received within the
    /// window of `received_at`, earlier or later.
    pub fn is_duplicate(&self, tenant: &TenantId, id: Uuid, received_at: DateTime<Utc>) -> bool {
        self.tenants
            .get(tenant)
            .and_then(|events| events.get(id.as_bytes()))
            .is_some_and(|stored| seconds(received_at).abs_diff(*stored) <= self.window_seconds)
    }

    /// Remembers an event that is stored.
    pub fn remember(&mut self, tenant: &TenantId, id: Uuid, received_at: DateTime<Utc>) {
        let received_at = seconds(received_at);
        if !self.tenants.contains_key(tenant) {
            self.tenants.insert(tenant.clone(), HashMap::new());
        }
        let events = self.tenants.get_mut(tenant).expect("just inserted");
        let stored = events.entry(*id.as_bytes()).or_insert(received_at);
        *stored = received_at.max(*stored);
    }

    /// Forgets what no event received at `watermark` or later can repeat.
    ///
    /// Looks at everything it knows, but only once the watermark has moved by
    /// an hour.
    pub fn forget_before(&mut self, watermark: DateTime<Utc>) {
        let limit = seconds(watermark - SLACK).saturating_sub(self.window_seconds);
        if limit < self.forgotten_before.saturating_add(3600) {
            return;
        }
        self.forgotten_before = limit;
        self.tenants.retain(|_, events| {
            events.retain(|_, stored| *stored >= limit);
            events.shrink_to_fit();
            !events.is_empty()
        });
    }

    /// The earliest received time that has to be known for deciding about
    /// events received at `watermark` or later.
    pub fn horizon(watermark: DateTime<Utc>, window: TimeDelta) -> DateTime<Utc> {
        watermark - window - SLACK
    }

    /// How many events it knows.
    pub fn len(&self) -> usize {
        self.tenants.values().map(HashMap::len).sum()
    }
}

fn seconds(time: DateTime<Utc>) -> u32 {
    u32::try_from(time.timestamp().max(0)).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    const DAY: i64 = 86_400;

    fn at(seconds: i64) -> DateTime<Utc> {
        DateTime::from_timestamp(1_789_000_000 + seconds, 0).expect("a time")
    }

    fn demo() -> TenantId {
        "demo".parse().expect("a tenant")
    }

    #[rstest]
    #[case::same_moment(0, true)]
    #[case::last_second(7 * DAY, true)]
    #[case::second_after(7 * DAY + 1, false)]
    #[case::read_late_but_received_before(-7 * DAY, true)]
    #[case::received_long_before(-7 * DAY - 1, false)]
    fn an_id_repeats_within_the_window(#[case] after: i64, #[case] expected: bool) {
        let mut index = Index::new(TimeDelta::days(7));
        index.remember(&demo(), Uuid::nil(), at(0));
        assert_eq!(
            index.is_duplicate(&demo(), Uuid::nil(), at(after)),
            expected
        );
        let other = "other".parse().expect("a tenant");
        assert!(!index.is_duplicate(&other, Uuid::nil(), at(after)));
        assert!(!index.is_duplicate(&demo(), Uuid::max(), at(after)));
    }

    #[test]
    fn forgetting_decides_nothing() {
        let mut index = Index::new(TimeDelta::days(7));
        index.remember(&demo(), Uuid::nil(), at(0));
        index.remember(&demo(), Uuid::max(), at(DAY));
        index.forget_before(at(7 * DAY));
        assert_eq!(
            index.len(),
            2,
            "an event of this very time repeats the first"
        );
        index.forget_before(at(7 * DAY + 7200));
        assert_eq!(index.len(), 1);
        index.forget_before(at(0));
        assert!(index.is_duplicate(&demo(), Uuid::max(), at(7 * DAY + 7200)));
    }
}
