//! When a sender that is refused for now should come back: not when all the others do.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::time::Duration;

/// Marks a response whose receiver is to send some of the request again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ComeBack {
    /// When what is under way now is likely to be done.
    WhenDone,
    /// After so long at the earliest.
    After(Duration),
}

/// At least so many seconds, and at least one.
pub fn whole_seconds(wait: Duration) -> u64 {
    (wait.as_secs() + u64::from(wait.subsec_nanos() > 0)).max(1)
}

/// Seconds from `least` on, up to half as many more, but two at least and sixty at most:
/// those that are refused at once do not come at once. The same `seed` gives the same.
pub fn spread(least: u64, seed: &str) -> u64 {
    let most = (least / 2).clamp(2, 60);
    let mut hasher = DefaultHasher::new();
    seed.hash(&mut hasher);
    least.saturating_add(hasher.finish() % (most + 1))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case::nothing(Duration::ZERO, 1)]
    #[case::a_moment(Duration::from_nanos(1), 1)]
    #[case::a_second(Duration::from_secs(1), 1)]
    #[case::more_than_that(Duration::from_millis(1_001), 2)]
    #[case::a_day(Duration::from_secs(86_400), 86_400)]
    fn a_wait_is_never_cut_short(#[case] wait: Duration, #[case] seconds: u64) {
        assert_eq!(whole_seconds(wait), seconds);
    }

    #[rstest]
    #[case::at_once(0, 2)]
    #[case::a_second(1, 3)]
    #[case::the_default(2, 4)]
    #[case::proportional(10, 15)]
    #[case::odd(11, 16)]
    #[case::a_while(120, 180)]
    #[case::midnight(43_200, 43_260)]
    fn those_that_are_refused_at_once_come_one_after_the_other(
        #[case] least: u64,
        #[case] most: u64,
    ) {
        let mut came: BTreeMap<u64, u64> = BTreeMap::new();
        for request in 0..10_000 {
            let seconds = spread(least, &format!("{request:032x}"));
            *came.entry(seconds).or_default() += 1;
        }
        let all: Vec<_> = came.keys().copied().collect();
        assert_eq!(all, (least..=most).collect::<Vec<_>>());
        let even = 10_000 / (most - least + 1);
        let crowd = came.values().max().copied();
        assert!(crowd.is_some_and(|crowd| crowd < 2 * even), "{came:?}");
    }

    #[test]
    fn forever_has_no_later() {
        assert_eq!(spread(u64::MAX, "seed"), u64::MAX);
    }
}
