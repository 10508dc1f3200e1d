//! How often a tenant's tables move, and when it has fallen silent.

use std::time::Duration;

use tokio::time::Instant;

/// How long nothing must come at least.
const SHORTEST: Duration = Duration::from_secs(2);

/// A gap as long as this says nothing about the next flood.
const LONGEST: Duration = Duration::from_secs(60);

/// When a tenant's tables moved last, and how far apart that is as a rule.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Pulse {
    last: Instant,
    gap: Duration,
}

impl Pulse {
    /// Of a tenant whose tables have moved once.
    pub fn new(now: Instant) -> Self {
        Self {
            last: now,
            gap: Duration::ZERO,
        }
    }

    /// The tables have moved again.
    pub fn beat(&mut self, now: Instant) {
        let gap = now.saturating_duration_since(self.last);
        self.last = now;
        // Commits of several tables come close together, and then for long none.
        self.gap = self.gap * 7 / 8;
        if gap < LONGEST {
            self.gap = self.gap.max(gap);
        }
    }

    /// From when on nothing more is expected, if nothing comes until then: a tenant
    /// whose rows are published every ten seconds is not silent after five.
    pub fn silent_at(&self) -> Instant {
        self.last + SHORTEST.max(self.gap * 2)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Seconds at which tables move, and after how many more there is silence.
    const CASES: [(&str, &[u64], u64); 6] = [
        ("once", &[0], 2),
        ("a flood", &[0, 1, 2, 3], 2),
        ("every ten seconds", &[0, 10, 20, 30], 20),
        ("two tables every ten seconds", &[0, 1, 10, 11, 20, 21], 15),
        ("a flood a day later", &[0, 86_400, 86_401, 86_402], 2),
        ("never less than a minute", &[0, 70, 140], 2),
    ];

    #[test]
    fn silence_is_twice_as_long_as_the_tables_rest_as_a_rule() {
        let begin = Instant::now();
        let at = |seconds| begin + Duration::from_secs(seconds);
        for (name, beats, silent) in CASES {
            let mut pulse = Pulse::new(at(beats[0]));
            for beat in &beats[1..] {
                pulse.beat(at(*beat));
            }
            let after = pulse.silent_at() - at(*beats.last().expect("one"));
            assert_eq!(after.as_secs(), silent, "{name}");
        }
    }
}
