//! deduplicate: whether an event was already stored.

use std::collections::HashMap;

use chrono::{DateTime, TimeDelta, Utc};
use schemas::TenantId;
use uuid::Uuid;

use crate::digest::Digest;

/// How far received times of one moment lie apart: what is forgotten is older
/// than the window by this much, so that forgetting decides nothing.
const SLACK: TimeDelta = TimeDelta::hours(1);

/// Bytes of an id and what is kept of its event.
const ENTRY_BYTES: usize = size_of::<([u8; 16], Stored)>();

/// One event that was stored.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Stored {
    /// Seconds since 1970 are exact enough for a window of days, and together
    /// with the bytes of the id small enough to keep millions.
    received_at: u32,
    digest: Option<Digest>,
}

impl Stored {
    /// Whether the event has the content of that digest; `None` for one that
    /// was stored before the last start, of which only the row is left.
    pub fn has_content(&self, digest: Digest) -> Option<bool> {
        self.digest.map(|stored| stored == digest)
    }
}

/// Which events were stored, and when each was received: for some partitions of
/// a log all that lie within the window, of every tenant.
///
/// A partition is asked about its own events only. An event and its repetition
/// have one key, so they meet in one partition, and what is decided there does
/// not depend on who else reads which others, nor how far.
///
/// Its answers depend on the events alone, never on the wall clock and never on
/// when something was forgotten.
#[derive(Debug)]
pub(crate) struct Index {
    window_seconds: u32,
    partitions: HashMap<u32, Partition>,
    forgotten_before: u32,
}

/// The events of one partition.
type Partition = HashMap<TenantId, HashMap<[u8; 16], Stored>>;

impl Index {
    /// Knows nothing yet.
    pub fn new(window: TimeDelta) -> Self {
        Self {
            window_seconds: u32::try_from(window.num_seconds()).unwrap_or(u32::MAX),
            partitions: HashMap::new(),
            forgotten_before: 0,
        }
    }

    /// The partition's event of that id that was stored and was received within the window
    /// of `received_at`, earlier or later.
    pub fn stored(
        &self,
        partition: u32,
        tenant: &TenantId,
        id: Uuid,
        received_at: DateTime<Utc>,
    ) -> Option<&Stored> {
        let received_at = seconds(received_at);
        self.partitions
            .get(&partition)
            .and_then(|tenants| tenants.get(tenant))
            .and_then(|events| events.get(id.as_bytes()))
            .filter(|stored| received_at.abs_diff(stored.received_at) <= self.window_seconds)
    }

    /// Remembers an event that is stored, with its content's digest if that is
    /// known.
    pub fn remember(
        &mut self,
        partition: u32,
        tenant: &TenantId,
        id: Uuid,
        received_at: DateTime<Utc>,
        digest: Option<Digest>,
    ) {
        let event = Stored {
            received_at: seconds(received_at),
            digest,
        };
        let tenants = self.partitions.entry(partition).or_default();
        if !tenants.contains_key(tenant) {
            tenants.insert(tenant.clone(), HashMap::new());
        }
        let events = tenants.get_mut(tenant).expect("just inserted");
        let stored = events.entry(*id.as_bytes()).or_insert(event);
        if event.received_at > stored.received_at {
            *stored = event;
        }
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
        for tenants in self.partitions.values_mut() {
            tenants.retain(|_, events| {
                events.retain(|_, stored| stored.received_at >= limit);
                events.shrink_to_fit();
                !events.is_empty()
            });
        }
    }

    /// The earliest received time that has to be known for deciding about
    /// events received at `watermark` or later.
    pub fn horizon(watermark: DateTime<Utc>, window: TimeDelta) -> DateTime<Utc> {
        watermark - window - SLACK
    }

    /// How many events it knows.
    pub fn len(&self) -> usize {
        self.events().map(HashMap::len).sum()
    }

    /// How many bytes of memory it takes, about.
    pub fn size_bytes(&self) -> usize {
        // A map has a byte for each slot, and leaves an eighth of them free.
        let slots = self.events().map(|e| e.capacity() / 7 * 8);
        slots.sum::<usize>() * (ENTRY_BYTES + 1)
    }

    fn events(&self) -> impl Iterator<Item = &HashMap<[u8; 16], Stored>> {
        self.partitions.values().flat_map(HashMap::values)
    }
}

fn seconds(time: DateTime<Utc>) -> u32 {
    u32::try_from(time.timestamp().max(0)).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use rstest::rstest;
    use schemas::Family;
    use schemas::event::Event;

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
        index.remember(0, &demo(), Uuid::nil(), at(0), None);
        let is_stored = |tenant, id| index.stored(0, &tenant, id, at(after)).is_some();
        assert_eq!(is_stored(demo(), Uuid::nil()), expected);
        assert!(!is_stored("other".parse().expect("a tenant"), Uuid::nil()));
        assert!(!is_stored(demo(), Uuid::max()));
        let elsewhere = index.stored(1, &demo(), Uuid::nil(), at(after));
        assert!(elsewhere.is_none(), "a partition knows its own");
    }

    #[test]
    fn of_two_with_one_id_the_later_received_is_kept() {
        let mut index = Index::new(TimeDelta::days(7));
        let [early, late] = ["early", "late"].map(digest);
        index.remember(0, &demo(), Uuid::nil(), at(8 * DAY), Some(late));
        index.remember(0, &demo(), Uuid::nil(), at(0), Some(early));
        let stored = index.stored(0, &demo(), Uuid::nil(), at(9 * DAY));
        let stored = stored.expect("is stored");
        assert_eq!(stored.has_content(late), Some(true));
        assert_eq!(stored.has_content(early), Some(false));
    }

    /// The README says how much memory the index takes.
    #[test]
    fn an_event_takes_28_bytes_and_its_share_of_the_map() {
        assert_eq!(ENTRY_BYTES, 28);
        let mut index = Index::new(TimeDelta::days(7));
        for number in 0..100_000 {
            index.remember(0, &demo(), Uuid::from_u128(number), at(0), None);
        }
        let bytes = index.size_bytes() / index.len();
        assert!((33..=67).contains(&bytes), "{bytes}");
    }

    fn digest(url: &str) -> Digest {
        let json = format!(
            r#"{{"id":"0197c3b2-8a5e-7c10-9d55-3f1f6f0c1a02","type":"page.viewed","dialect":"native","time":"2026-09-14T10:00:00Z","received_at":"2026-09-14T10:00:01Z","student_key":"6f1d0c8be1fbb0a7a2d4c5f60718293a","data":{{"url":"{url}"}}}}"#
        );
        let event = Event::decode(Family::Clickstream, 1, json.as_bytes());
        Digest::of(&event.expect("an event"))
    }

    #[test]
    fn forgetting_decides_nothing() {
        let mut index = Index::new(TimeDelta::days(7));
        index.remember(0, &demo(), Uuid::nil(), at(0), None);
        index.remember(0, &demo(), Uuid::max(), at(DAY), None);
        index.forget_before(at(7 * DAY));
        assert_eq!(
            index.len(),
            2,
            "an event of this very time repeats the first"
        );
        index.forget_before(at(7 * DAY + 7200));
        assert_eq!(index.len(), 1);
        index.forget_before(at(0));
        let stored = index.stored(0, &demo(), Uuid::max(), at(7 * DAY + 7200));
        assert!(stored.is_some());
    }
}
