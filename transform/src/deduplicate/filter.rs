//! A Bloom filter over hashes of ids, and over times.

use std::ops::RangeInclusive;

/// Bits for an id, and how many of them it sets: of ids that are not in a full
/// filter, one in 15,000 looks as if it were.
const BITS_PER_ID: usize = 20;
const BITS_SET: u64 = 11;

/// Ids that were received in some time; never forgets one.
#[derive(Debug)]
pub(crate) struct Filter {
    words: Vec<u64>,
    room: usize,
    first: u32,
    last: u32,
}

impl Filter {
    /// A filter that takes so many bytes.
    pub fn new(bytes: usize) -> Self {
        let words = (bytes / 8).max(1);
        Self {
            words: vec![0; words],
            room: (words * 64).div_ceil(BITS_PER_ID),
            first: u32::MAX,
            last: 0,
        }
    }

    /// Adds an id that was received at a time.
    pub fn add(&mut self, hash: u64, received_at: u32) {
        self.room = self.room.saturating_sub(1);
        self.first = self.first.min(received_at);
        self.last = self.last.max(received_at);
        for bit in self.bits(hash) {
            self.words[bit / 64] |= 1 << (bit % 64);
        }
    }

    /// Whether it says "perhaps" too often with more ids.
    pub fn is_full(&self) -> bool {
        self.room == 0
    }

    /// The latest time of its ids.
    pub fn last(&self) -> u32 {
        self.last
    }

    /// When in that time the id was received, first and last, if it is one of its
    /// own; `None` if it is not.
    pub fn perhaps(&self, hash: u64, times: &RangeInclusive<u32>) -> Option<(u32, u32)> {
        let (first, last) = (self.first.max(*times.start()), self.last.min(*times.end()));
        let is_set = |bit: usize| self.words[bit / 64] & (1 << (bit % 64)) != 0;
        (first <= last && self.bits(hash).all(is_set)).then_some((first, last))
    }

    /// How many bytes of memory it takes.
    pub fn size_bytes(&self) -> usize {
        self.words.len() * 8
    }

    fn bits(&self, hash: u64) -> impl Iterator<Item = usize> + use<> {
        let bits = self.words.len() as u64 * 64;
        // Two hashes make as many as are needed.
        let step = hash.rotate_left(32) | 1;
        (0..BITS_SET).map(move |n| (hash.wrapping_add(n.wrapping_mul(step)) % bits) as usize)
    }
}

#[cfg(test)]
mod tests {
    use xxhash_rust::xxh3::xxh3_64;

    use super::*;

    #[test]
    fn a_full_filter_knows_all_its_ids_and_hardly_another() {
        let hash = |n: u64| xxh3_64(&n.to_le_bytes());
        let mut filter = Filter::new(25_000);
        let mut ids = 0;
        while !filter.is_full() {
            filter.add(hash(ids), 1_000 + u32::try_from(ids).expect("small"));
            ids += 1;
        }
        assert_eq!(ids, 10_000);
        let perhaps = |id| filter.perhaps(hash(id), &(0..=u32::MAX));
        assert!((0..ids).all(|id| perhaps(id) == Some((1_000, 10_999))));
        let others = (ids..ids + 200_000).filter(|id| perhaps(*id).is_some());
        let wrong = others.count();
        assert!(wrong < 40, "{wrong} of 200,000");
        assert_eq!(filter.perhaps(hash(7), &(0..=999)), None);
        assert_eq!(filter.perhaps(hash(7), &(11_000..=u32::MAX)), None);
        let within = filter.perhaps(hash(7), &(500..=1_200));
        assert_eq!(within, Some((1_000, 1_200)));
        assert_eq!(filter.last(), 10_999);
    }
}
