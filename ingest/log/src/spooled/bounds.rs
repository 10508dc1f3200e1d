//! What the spool may hold, decided from what it holds.

use std::time::Duration;

/// The limits of a spool.
#[derive(Debug, Clone, Copy)]
pub(super) struct Bounds {
    /// Compressed bytes that may wait.
    pub(super) max_bytes: u64,
    /// How old the oldest may be while more is taken.
    pub(super) max_age: Duration,
    /// Bytes that stay free on the disk, for what is needed to empty it.
    pub(super) reserve: u64,
}

/// What a spool holds.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Held {
    /// Compressed bytes.
    pub(super) bytes: u64,
    /// Records.
    pub(super) records: u64,
    /// When the oldest was spooled, in milliseconds since 1970.
    pub(super) oldest: Option<u64>,
}

impl Held {
    /// How long the oldest has waited at `now`; not at all if the clock was set back.
    pub(super) fn age(&self, now: u64) -> Duration {
        let waited = self.oldest.map(|oldest| now.saturating_sub(oldest));
        Duration::from_millis(waited.unwrap_or(0))
    }
}

/// Why a spool takes no more.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(super) enum Refusal {
    #[error("the spool is full: it holds {held} of the {max} bytes of spool.max_bytes")]
    Full { held: u64, max: u64 },
    #[error(
        "the spool takes no more: its oldest event has waited for {} h, spool.max_age_hours is {}",
        waited.as_secs() / 3600,
        max.as_secs() / 3600
    )]
    Old { waited: Duration, max: Duration },
    #[error("the spool takes no more: its disk has {free} bytes left, and {reserve} stay free")]
    Disk { free: u64, reserve: u64 },
}

impl Bounds {
    /// Why `more` bytes are not taken at `now`, on a disk with `free` bytes; none
    /// when they are.
    pub(super) fn refusal(&self, held: &Held, more: u64, now: u64, free: u64) -> Option<Refusal> {
        let (max, reserve) = (self.max_bytes, self.reserve);
        let waited = held.age(now);
        if held.bytes.saturating_add(more) > max {
            let held = held.bytes;
            Some(Refusal::Full { held, max })
        } else if waited > self.max_age {
            let max = self.max_age;
            Some(Refusal::Old { waited, max })
        } else if free < more.saturating_add(reserve) {
            Some(Refusal::Disk { free, reserve })
        } else {
            None
        }
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    const HOUR: u64 = 3_600_000;

    #[rstest]
    #[case::empty(0, None, 1_000, "")]
    #[case::fits_exactly(900, Some(0), 1_000, "")]
    #[case::a_byte_too_many(901, Some(0), 1_000, "full")]
    #[case::old_enough(0, Some(24), 1_000, "")]
    #[case::too_old(0, Some(25), 1_000, "waited for 25 h")]
    #[case::spooled_in_the_future(0, Some(-1), 1_000, "")]
    #[case::the_disk_just_has_room(0, None, 150, "")]
    #[case::the_disk_has_not(0, None, 149, "disk has 149")]
    fn each_bound_refuses(
        #[case] bytes: u64,
        #[case] hours_ago: Option<i64>,
        #[case] free: u64,
        #[case] why: &str,
    ) {
        let bounds = Bounds {
            max_bytes: 1_000,
            max_age: Duration::from_millis(24 * HOUR),
            reserve: 50,
        };
        let now = 100 * HOUR;
        let ago = |hours: i64| now.saturating_add_signed(-hours * HOUR as i64);
        let held = Held {
            bytes,
            records: 1,
            oldest: hours_ago.map(ago),
        };
        let refusal = bounds.refusal(&held, 100, now, free);
        let told = refusal
            .map(|refusal| refusal.to_string())
            .unwrap_or_default();
        assert!(
            told.contains(why) && told.is_empty() == why.is_empty(),
            "{told}"
        );
    }
}
