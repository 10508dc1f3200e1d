//! What is known and no longer needed, or for which there is no room.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use chrono::{DateTime, Utc};

use super::filter::Filter;
use super::{FILTERS, Index, Key, SLACK, seconds};

impl Index {
    /// Moves the oldest events into filters while all take more memory than they
    /// may. All of them must be in the lake.
    pub fn make_room(&mut self) {
        let limit = self.part_slots * self.parts.len();
        while self.len > 0 && self.slots() > limit {
            self.known_since = self.known_since.max(self.time_of_newest(self.len / 3 * 2));
            for (key, at) in self.take_before(self.known_since) {
                if at >= self.filtered_since {
                    self.filter(&key, at);
                }
            }
        }
    }

    /// Whether there is anything to forget, or to make room for.
    pub fn is_to_forget(&self, watermark: DateTime<Utc>) -> bool {
        self.slots() > self.part_slots * self.parts.len() || self.limit(watermark).is_some()
    }

    /// Before when what was received is to be forgotten, if it is time.
    fn limit(&self, watermark: DateTime<Utc>) -> Option<u32> {
        let limit = seconds(watermark - SLACK).saturating_sub(self.window_seconds);
        (limit >= self.forgotten_before.saturating_add(3600)).then_some(limit)
    }

    /// Forgets what no event received at `watermark` or later can repeat.
    ///
    /// Looks at everything it knows, but only once the watermark has moved by
    /// an hour.
    pub fn forget_before(&mut self, watermark: DateTime<Utc>) {
        let Some(limit) = self.limit(watermark) else {
            return;
        };
        self.forgotten_before = limit;
        self.filters.retain(|filter| filter.last() >= limit);
        self.filtered_since = self.filtered_since.max(limit);
        self.known_since = self.known_since.max(limit);
        self.take_before(limit);
    }

    /// Forgets all but the events of these partitions.
    pub fn keep(&mut self, partitions: &BTreeSet<u32>) {
        for numbers in self.owners.values_mut() {
            numbers.retain(|partition, _| partitions.contains(partition));
        }
        let numbers = self.owners.values().flat_map(HashMap::values);
        let kept: HashSet<u32> = numbers.copied().collect();
        for part in &mut self.parts {
            part.retain(|(owner, _), _| kept.contains(owner));
            part.shrink_to_fit();
        }
        self.more.retain(|(owner, _), _| kept.contains(owner));
        self.len = self.parts.iter().map(HashMap::len).sum();
    }

    /// The time from which on at most so many events were received.
    fn time_of_newest(&self, count: usize) -> u32 {
        let mut minutes: BTreeMap<u32, usize> = BTreeMap::new();
        for stored in self.parts.iter().flat_map(HashMap::values) {
            *minutes.entry(stored.received_at / 60).or_default() += 1;
        }
        let mut left = count;
        for (minute, events) in minutes.into_iter().rev() {
            if events > left {
                return (minute + 1).saturating_mul(60);
            }
            left -= events;
        }
        0
    }

    /// Takes out what was received before a time.
    fn take_before(&mut self, time: u32) -> Vec<(Key, u32)> {
        let mut gone = Vec::new();
        for part in &mut self.parts {
            part.retain(|key, stored| {
                let stays = stored.received_at >= time;
                if !stays {
                    gone.push((*key, stored.received_at));
                }
                stays
            });
            part.shrink_to_fit();
        }
        self.len -= gone.len();
        self.more.retain(|key, events| {
            events.retain(|stored| {
                let stays = stored.received_at >= time;
                if !stays {
                    gone.push((*key, stored.received_at));
                }
                stays
            });
            !events.is_empty()
        });
        gone
    }

    /// Adds an event to the filters; the one whose events are the oldest goes when
    /// there are too many.
    pub(super) fn filter(&mut self, key: &Key, received_at: u32) {
        let hash = self.hash(key);
        if self.filters.last().is_none_or(Filter::is_full) {
            self.filters.push(Filter::new(self.filter_bytes));
        }
        let last = self.filters.last_mut().expect("just pushed");
        last.add(hash, received_at);
        if self.filters.len() > FILTERS {
            let ages = self.filters.iter().enumerate();
            let oldest = ages.min_by_key(|(_, filter)| filter.last());
            let oldest = oldest.map_or(0, |(place, _)| place);
            let dropped = self.filters.remove(oldest);
            self.filtered_since = self.filtered_since.max(dropped.last() + 1);
        }
    }
}
