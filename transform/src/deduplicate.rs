//! deduplicate: whether an event was already stored.
//!
//! The newest ids are known exactly. Of older ones, for which there is no room, a
//! filter knows that most events are none of them; which of the others are is to
//! be looked up in the lake.

mod filter;
mod forget;

use std::collections::{BTreeMap, HashMap};
use std::hash::{BuildHasher, RandomState};
use std::num::NonZeroU32;
use std::ops::RangeInclusive;

use chrono::{DateTime, TimeDelta, Utc};
use schemas::TenantId;
use uuid::Uuid;
use xxhash_rust::xxh3::xxh3_64_with_seed;

use crate::digest::Digest;
use filter::Filter;

/// How far received times of one moment lie apart: what is forgotten is older
/// than the window by this much, so that forgetting decides nothing.
const SLACK: TimeDelta = TimeDelta::hours(1);

/// Whose event it is, as a number, and its id.
type Key = (u32, [u8; 16]);

/// Bytes of an id and what is kept of its event, and the byte that a map has for
/// each slot.
const SLOT_BYTES: usize = size_of::<(Key, Stored)>() + 1;

/// Slots of a part of the index. Parts grow one by one, so that the index never
/// needs the memory of a second one.
const PART_SLOTS: usize = 4096;

/// Which part of the memory is the filters', and how many they are.
const FILTERS_SHARE: usize = 4;
const FILTERS: usize = 8;

/// One event that was stored.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Stored {
    /// Seconds since 1970 are exact enough for a window of days, and together
    /// with the bytes of the id small enough to keep millions.
    received_at: u32,
    digest: Option<NonZeroU32>,
}

impl Stored {
    /// Whether the event has the content of that digest; `None` for one that
    /// was stored before the last start, of which only the row is left.
    pub fn has_content(&self, digest: Digest) -> Option<bool> {
        self.digest.map(|stored| stored == digest.short())
    }
}

/// Which events one can repeat.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Reach {
    /// Those that were received within the window of it, earlier or later.
    Window,
    /// All.
    Ever,
}

/// Which events were stored, and when each was received: for some partitions of
/// a log all that lie within the window, of every tenant.
///
/// A partition is asked about its own events only. An event and its repetition
/// have one key, so they meet in one partition, and what is decided there does
/// not depend on who else reads which others, nor how far.
///
/// Its answers depend on the events alone, never on the wall clock and never on
/// what was forgotten: where it does not know, it says so.
#[derive(Debug)]
pub(crate) struct Index {
    window_seconds: u32,
    /// The numbers of the partitions of tenants.
    owners: HashMap<TenantId, HashMap<u32, u32>>,
    next_owner: u32,
    parts: Vec<HashMap<Key, Stored>>,
    part_slots: usize,
    /// Of ids that are stored more than once, further apart than the window, all
    /// but one.
    more: BTreeMap<Key, Vec<Stored>>,
    filters: Vec<Filter>,
    filter_bytes: usize,
    /// Everything received since then is known.
    known_since: u32,
    /// Everything received since then is known or in a filter.
    filtered_since: u32,
    forgotten_before: u32,
    /// Of hashes: nobody can choose ids that meet in one part.
    seed: u64,
    len: usize,
}

impl Index {
    /// Knows of nothing that was stored. It takes about so many bytes of memory
    /// at most, once [`Index::make_room`] was called.
    pub fn new(window: TimeDelta, limit_bytes: usize) -> Self {
        let slots = (limit_bytes - limit_bytes / FILTERS_SHARE) / SLOT_BYTES;
        let parts = (slots / PART_SLOTS).max(1);
        Self {
            window_seconds: u32::try_from(window.num_seconds()).unwrap_or(u32::MAX),
            owners: HashMap::new(),
            next_owner: 0,
            parts: vec![HashMap::new(); parts],
            part_slots: slots.min(PART_SLOTS),
            more: BTreeMap::new(),
            filters: Vec::new(),
            filter_bytes: limit_bytes / FILTERS_SHARE / FILTERS,
            known_since: 0,
            filtered_since: 0,
            forgotten_before: 0,
            seed: RandomState::new().hash_one(0),
            len: 0,
        }
    }

    /// Nothing that was received before that time will be loaded.
    pub fn begin_at(&mut self, since: DateTime<Utc>) {
        self.known_since = self.known_since.max(seconds(since));
        self.filtered_since = self.filtered_since.max(seconds(since));
    }

    /// The partition's event of that id that was stored and is within reach.
    /// That there is none is certain only if nothing is [`Index::unknown`].
    pub fn stored(
        &self,
        partition: u32,
        tenant: &TenantId,
        id: Uuid,
        received_at: DateTime<Utc>,
        reach: Reach,
    ) -> Option<&Stored> {
        let key = self.key(partition, tenant, id)?;
        let one = self.parts[self.part(self.hash(&key))].get(&key);
        let more = || self.more.get(&key).into_iter().flatten();
        let received_at = seconds(received_at);
        one.into_iter()
            .chain(more())
            .find(|stored| self.reaches(reach, received_at, stored.received_at))
    }

    /// When the events were received that this one may repeat and of which the
    /// index does not know whether there are any; `None` when it knows. A filter that
    /// says "perhaps" says it of its own time only.
    pub fn unknown(
        &self,
        partition: u32,
        tenant: &TenantId,
        id: Uuid,
        received_at: DateTime<Utc>,
        reach: Reach,
    ) -> Option<RangeInclusive<DateTime<Utc>>> {
        let (first, last) = self.reached(received_at, reach);
        if first >= self.known_since {
            return None;
        }
        let times = first..=last.min(self.known_since);
        let unfiltered = first < self.filtered_since;
        let unfiltered = unfiltered.then(|| (first, self.filtered_since.min(*times.end())));
        let filtered = self.key(partition, tenant, id).map(|key| self.hash(&key));
        let filtered = filtered.into_iter().flat_map(|hash| {
            let times = times.clone();
            let filters = self.filters.iter();
            filters.filter_map(move |filter| filter.perhaps(hash, &times))
        });
        let (first, last) = unfiltered
            .into_iter()
            .chain(filtered)
            .reduce(|one, other| (one.0.min(other.0), one.1.max(other.1)))?;
        let stored = self.stored(partition, tenant, id, received_at, reach);
        // To the end of the last second.
        let times = time(first)..=time(last.saturating_add(1));
        stored.is_none().then_some(times)
    }

    /// When events were received that one can repeat.
    pub fn times(&self, received_at: DateTime<Utc>, reach: Reach) -> RangeInclusive<DateTime<Utc>> {
        let (first, last) = self.reached(received_at, reach);
        time(first)..=time(last.saturating_add(1))
    }

    fn reached(&self, received_at: DateTime<Utc>, reach: Reach) -> (u32, u32) {
        let at = seconds(received_at);
        match reach {
            Reach::Ever => (0, u32::MAX),
            Reach::Window => (
                at.saturating_sub(self.window_seconds),
                at.saturating_add(self.window_seconds),
            ),
        }
    }

    /// Whether an event received at one time reaches one received at another.
    pub fn is_within(
        &self,
        reach: Reach,
        received_at: DateTime<Utc>,
        other: DateTime<Utc>,
    ) -> bool {
        self.reaches(reach, seconds(received_at), seconds(other))
    }

    fn reaches(&self, reach: Reach, received_at: u32, other: u32) -> bool {
        reach == Reach::Ever || received_at.abs_diff(other) <= self.window_seconds
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
        let key = self.new_key(partition, tenant, id);
        let received_at = seconds(received_at);
        let event = Stored {
            received_at,
            digest: digest.map(Digest::short),
        };
        let part = self.part(self.hash(&key));
        let len = self.parts[part].len();
        let stored = *self.parts[part].entry(key).or_insert(event);
        if self.parts[part].len() > len {
            self.len += 1;
        } else if stored.received_at != received_at {
            let more = self.more.entry(key).or_default();
            if !more.iter().any(|s| s.received_at == received_at) {
                more.push(event);
            }
        }
    }

    /// Remembers an event that is in the lake, exactly or by a filter.
    pub fn load(
        &mut self,
        partition: u32,
        tenant: &TenantId,
        id: Uuid,
        received_at: DateTime<Utc>,
    ) {
        let at = seconds(received_at);
        if at >= self.known_since {
            self.remember(partition, tenant, id, received_at, None);
            // It looks at everything, but makes room for many.
            if self.len.is_multiple_of(PART_SLOTS) {
                self.make_room();
            }
        } else if at >= self.filtered_since {
            let key = self.new_key(partition, tenant, id);
            self.filter(&key, at);
        }
    }

    /// The earliest received time that has to be known for deciding about
    /// events received at `watermark` or later.
    pub fn horizon(watermark: DateTime<Utc>, window: TimeDelta) -> DateTime<Utc> {
        watermark - window - SLACK
    }

    /// Since when everything is known, or in a filter.
    pub fn since(&self) -> DateTime<Utc> {
        time(self.filtered_since)
    }

    /// How many events it knows, those in filters not counted.
    pub fn len(&self) -> usize {
        self.len
    }

    /// How many bytes of memory it takes, about.
    pub fn size_bytes(&self) -> usize {
        let filters = self.filters.iter().map(Filter::size_bytes);
        self.slots() * SLOT_BYTES + filters.sum::<usize>()
    }

    fn slots(&self) -> usize {
        // A map leaves an eighth of them free, but for the smallest.
        let slots = |part: &HashMap<Key, Stored>| match part.capacity() {
            0 => 0,
            few @ 1..=7 => few + 1,
            many => many / 7 * 8,
        };
        self.parts.iter().map(slots).sum()
    }

    fn key(&self, partition: u32, tenant: &TenantId, id: Uuid) -> Option<Key> {
        let owner = *self.owners.get(tenant)?.get(&partition)?;
        Some((owner, *id.as_bytes()))
    }

    fn new_key(&mut self, partition: u32, tenant: &TenantId, id: Uuid) -> Key {
        if let Some(key) = self.key(partition, tenant, id) {
            return key;
        }
        let number = self.next_owner;
        self.next_owner += 1;
        let partitions = self.owners.entry(tenant.clone()).or_default();
        partitions.insert(partition, number);
        (number, *id.as_bytes())
    }

    fn hash(&self, (owner, id): &Key) -> u64 {
        xxh3_64_with_seed(id, self.seed ^ u64::from(*owner))
    }

    fn part(&self, hash: u64) -> usize {
        (hash % self.parts.len() as u64) as usize
    }
}

fn seconds(time: DateTime<Utc>) -> u32 {
    u32::try_from(time.timestamp().max(0)).unwrap_or(u32::MAX)
}

fn time(seconds: u32) -> DateTime<Utc> {
    DateTime::from_timestamp(seconds.into(), 0).expect("it fits")
}

#[cfg(test)]
mod tests;
