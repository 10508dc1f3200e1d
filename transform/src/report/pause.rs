//! How long to wait before the next try.

use std::collections::hash_map::RandomState;
use std::hash::BuildHasher;
use std::time::Duration;

/// A pause that differs each time, from three to five quarters of `pause`: two
/// who were in each other's way are not again at once.
pub(crate) fn jittered(pause: Duration) -> Duration {
    // A hasher's keys are random; nothing else here needs to be.
    let random = RandomState::new().hash_one(()) % 1_024;
    pause * 3 / 4 + (pause / 2).mul_f64(random as f64 / 1_024.0)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn pauses_differ_and_stay_near() {
        let pause = Duration::from_secs(8);
        let pauses: BTreeSet<Duration> = (0..100).map(|_| jittered(pause)).collect();
        assert!(pauses.len() > 10, "{pauses:?}");
        assert!(pauses.first() >= Some(&Duration::from_secs(6)));
        assert!(pauses.last() <= Some(&Duration::from_secs(10)));
    }
}
