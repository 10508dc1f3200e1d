//! Clocks that leap: the ages of files are told by the store's clock, and are
//! wrong for a while once it was set.

use std::time::{Duration, Instant};

use chrono::{DateTime, TimeDelta, Utc};

/// How far the store's clock may go from ours between two looks.
const DRIFT: Duration = Duration::from_secs(60);

/// Watches the store's clock by one of our own that cannot be set.
#[derive(Debug, Default)]
pub(super) struct Leaps {
    last: Option<(Instant, DateTime<Utc>)>,
    /// After a leap: when files are as old again as they seem.
    believed_from: Option<Instant>,
}

impl Leaps {
    /// Whether files may be deleted for their age. Once the store's clock has
    /// leapt forward, not before everything written since is as old as `waits`;
    /// backward, files only seem younger.
    pub fn may_delete(&mut self, ours: Instant, store: DateTime<Utc>, waits: Duration) -> bool {
        if let Some((then, stood)) = self.last.replace((ours, store)) {
            let passed = TimeDelta::from_std(ours.saturating_duration_since(then) + DRIFT);
            if passed.is_ok_and(|passed| store - stood > passed) {
                tracing::warn!("the store's clock was set forward: nothing is deleted for a while");
                self.believed_from = Some(ours + waits);
            }
        }
        self.believed_from.is_none_or(|from| ours >= from)
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case::steady(&[(0, 0, true), (3600, 3600, true), (7200, 7230, true)])]
    #[case::set_back(&[(0, 0, true), (10, -86_400, true), (20, -86_390, true)])]
    #[case::set_forward(&[(0, 0, true), (10, 86_400, false), (999, 87_380, false), (1010, 87_400, true)])]
    fn nothing_is_deleted_after_a_leap_forward(#[case] looks: &[(u64, i64, bool)]) {
        let start = Instant::now();
        let mut leaps = Leaps::default();
        for (ours, store, expected) in looks {
            let ours = start + Duration::from_secs(*ours);
            let store = DateTime::UNIX_EPOCH + TimeDelta::seconds(*store);
            let may = leaps.may_delete(ours, store, Duration::from_secs(1000));
            assert_eq!(may, *expected);
        }
    }
}
