//! How tenants share what the process has, be it memory or disk: some of it is kept for
//! those that hold little, so that one or two who take what they can leave the next enough.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Which part of the whole is kept for tenants that hold little: a quarter.
const KEPT: u64 = 4;

/// Which part of the whole is little: a sixteenth, so that four tenants find it kept.
const LITTLE: u64 = 16;

/// What all tenants share, in bytes.
#[derive(Debug)]
pub(crate) struct Whole {
    bytes: u64,
    /// The most that one tenant may hold.
    each: u64,
    held: Mutex<u64>,
}

/// What one tenant holds of it.
#[derive(Debug)]
pub(crate) struct Share {
    whole: Arc<Whole>,
    /// Changes only while the whole is locked.
    own: AtomicU64,
}

impl Whole {
    /// So much for all tenants, and for each of them.
    pub(crate) fn new(bytes: u64, each: u64) -> Arc<Self> {
        Arc::new(Self {
            bytes,
            each,
            held: Mutex::new(0),
        })
    }

    /// The share of one more tenant, who holds nothing yet.
    pub(crate) fn share(self: &Arc<Self>) -> Share {
        Share {
            whole: Arc::clone(self),
            own: AtomicU64::new(0),
        }
    }

    /// How much more a tenant may take that holds `own`, where all of them hold `held`.
    fn room(&self, own: u64, held: u64) -> u64 {
        let free = self.bytes.saturating_sub(held);
        let of_all = free.saturating_sub(self.bytes / KEPT);
        let of_little = free.min((self.bytes / LITTLE).saturating_sub(own));
        of_all.max(of_little).min(self.each.saturating_sub(own))
    }

    fn held(&self) -> MutexGuard<'_, u64> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Share {
    /// Takes so much more, all of it or nothing. Whether there was room.
    #[must_use]
    pub(crate) fn take(&self, bytes: u64) -> bool {
        let mut held = self.whole.held();
        let own = self.own.load(Ordering::Relaxed);
        if bytes > self.whole.room(own, *held) {
            return false;
        }
        *held += bytes;
        self.own.store(own + bytes, Ordering::Relaxed);
        true
    }

    /// Takes what is held already, whether there was room or not.
    pub(crate) fn take_anyway(&self, bytes: u64) {
        let mut held = self.whole.held();
        *held += bytes;
        self.own.fetch_add(bytes, Ordering::Relaxed);
    }

    /// Gives back what was taken.
    pub(crate) fn give_back(&self, bytes: u64) {
        let mut held = self.whole.held();
        *held -= bytes;
        self.own.fetch_sub(bytes, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    /// Of 160 bytes 40 are kept for those that hold no more than 10; each may have 100.
    #[rstest]
    #[case::the_first_has_its_bound(0, 0, 100)]
    #[case::and_no_more(100, 100, 0)]
    #[case::the_second_has_what_is_not_kept(0, 100, 20)]
    #[case::the_third_has_a_little(0, 120, 10)]
    #[case::as_long_as_it_is_little(4, 124, 6)]
    #[case::the_fourth_too(0, 130, 10)]
    #[case::no_more_than_there_is(0, 155, 5)]
    #[case::what_is_kept_is_for_no_large_one(50, 130, 0)]
    #[case::what_others_gave_back_is_for_it(50, 70, 50)]
    #[case::more_is_held_than_there_is(20, 170, 0)]
    fn some_is_kept_for_those_that_hold_little(
        #[case] own: u64,
        #[case] held: u64,
        #[case] expected: u64,
    ) {
        assert_eq!(Whole::new(160, 100).room(own, held), expected);
    }

    #[test]
    fn however_many_take_what_they_can_four_more_find_a_little() {
        let whole = Whole::new(1_600, 1_600);
        let greedy: Vec<Share> = (0..5).map(|_| whole.share()).collect();
        for share in &greedy {
            while share.take(101) {}
        }
        assert!(*whole.held() > 1_000, "they took what they could");
        let modest: Vec<Share> = (0..4).map(|_| whole.share()).collect();
        assert!(modest.iter().all(|share| share.take(100)));
        assert!(!whole.share().take(101));
    }

    #[test]
    fn what_is_given_back_is_there_again() {
        let whole = Whole::new(160, 100);
        let (one, two) = (whole.share(), whole.share());
        assert!(one.take(100));
        two.take_anyway(90);
        assert!(!two.take(1));
        two.give_back(90);
        one.give_back(100);
        assert!(two.take(100));
        assert_eq!(*whole.held(), 100);
    }
}
