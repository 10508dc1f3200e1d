//! Whose rows are published when: soon while few tables have any, later and
//! later as more do, and always those first that have waited longest.

use std::cmp::Reverse;
use std::time::Duration;

use tokio::time::Instant;

/// What a pace keeps to.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Limits {
    /// Rows wait at least this long for others.
    pub interval: Duration,
    /// And at most this long for their turn.
    pub longest: Duration,
    /// Commits that may be made in a second; more only for who has waited longest.
    pub commits_per_second: f64,
    /// Rows of all tenants that may wait.
    pub rows: usize,
    /// Bytes of their records.
    pub bytes: usize,
}

/// How much of a tenant waits to be published.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Waits {
    /// Since its first row.
    pub age: Duration,
    /// Tables that have rows: commits.
    pub tables: usize,
    pub rows: usize,
    pub bytes: usize,
}

/// A budget of commits, spent on who has waited longest.
#[derive(Debug)]
pub(crate) struct Pace {
    limits: Limits,
    /// Commits that may be made now; below zero, what was spent in advance.
    credit: f64,
    at: Instant,
}

impl Pace {
    /// A pace that may begin at once.
    pub fn new(limits: Limits, now: Instant) -> Self {
        Self {
            limits,
            credit: limits.most_credit(),
            at: now,
        }
    }

    /// Which of them are to be published now, and spends the budget on them.
    pub fn due<T>(&mut self, now: Instant, waits: Vec<(T, Waits)>) -> Vec<T> {
        let (limits, passed) = (self.limits, now.saturating_duration_since(self.at));
        self.at = now;
        let earned = passed.as_secs_f64() * limits.commits_per_second;
        self.credit = (self.credit + earned).min(limits.most_credit());
        let total = |of: fn(&Waits) -> usize| waits.iter().map(|(_, w)| of(w)).sum::<usize>();
        let (mut rows, mut bytes) = (total(|w| w.rows), total(|w| w.bytes));
        let is_full = rows >= limits.rows || bytes >= limits.bytes;

        let mut waits = waits;
        if is_full {
            // Few commits free the most room.
            waits.sort_by_key(|(_, w)| Reverse(w.bytes));
        } else {
            waits.sort_by_key(|(_, w)| Reverse(w.age));
        }
        let mut due = Vec::new();
        for (who, waits) in waits {
            let must = if is_full {
                rows > limits.rows / ROOM || bytes > limits.bytes / ROOM
            } else {
                waits.age >= limits.longest
            };
            let may = !is_full && waits.age >= limits.interval && self.credit > 0.0;
            if must || may {
                rows -= waits.rows;
                bytes -= waits.bytes;
                self.credit -= waits.tables as f64;
                due.push(who);
            }
        }
        // What had to be done is not made up for longer than it may wait.
        let most_debt = limits.commits_per_second * limits.longest.as_secs_f64();
        self.credit = self.credit.max(-most_debt);
        due
    }

    /// How long nothing becomes due if nothing comes; `oldest` is how long the
    /// first of them has waited.
    pub fn pause(&self, oldest: Duration) -> Duration {
        let limits = self.limits;
        let owed = Duration::from_secs_f64((-self.credit).max(0.0) / limits.commits_per_second);
        let ripe = limits.interval.saturating_sub(oldest);
        let soonest = limits.longest.saturating_sub(oldest);
        ripe.max(owed).min(soonest)
    }
}

/// When too much waits, as much is published as leaves this part of the room.
const ROOM: usize = 4;

impl Limits {
    /// What idle time saves up: enough for all tables of a few tenants.
    fn most_credit(&self) -> f64 {
        self.commits_per_second.max(1.0) * 2.0
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    const LIMITS: Limits = Limits {
        interval: Duration::from_secs(1),
        longest: Duration::from_secs(60),
        commits_per_second: 10.0,
        rows: 1_000,
        bytes: 100_000,
    };

    fn waits(millis: u64, tables: usize, rows: usize) -> Waits {
        Waits {
            age: Duration::from_millis(millis),
            tables,
            rows,
            bytes: rows * 10,
        }
    }

    #[rstest]
    #[case::too_young(&[waits(999, 2, 1)], &[])]
    #[case::ripe(&[waits(1_000, 2, 1)], &[0])]
    #[case::the_ripe_of_two(&[waits(500, 2, 1), waits(1_500, 2, 1)], &[1])]
    #[case::oldest_first_within_the_budget(
        &[waits(2_000, 15, 1), waits(4_000, 15, 1), waits(3_000, 15, 1)], &[1, 2])]
    #[case::whoever_waited_longest_in_any_case(
        &[waits(60_000, 15, 1), waits(61_000, 15, 1), waits(62_000, 15, 1)], &[2, 1, 0])]
    #[case::too_many_rows(&[waits(0, 1, 600), waits(10, 1, 100), waits(0, 1, 300)], &[0, 2])]
    #[case::one_with_too_many_rows(&[waits(0, 1, 1_000)], &[0])]
    #[case::nobody(&[], &[])]
    fn who_is_due(#[case] given: &[Waits], #[case] expected: &[usize]) {
        let now = Instant::now();
        let mut pace = Pace::new(LIMITS, now);
        let given = given.iter().copied().enumerate().collect();
        assert_eq!(pace.due(now, given), expected);
    }

    /// Tenants with rows in two tables each, all the time: how long they wait.
    #[rstest]
    #[case::one(1, 1)]
    #[case::five(5, 1)]
    #[case::fifty(50, 10)]
    #[case::two_hundred(200, 40)]
    #[case::more_than_the_budget(1_000, 60)]
    fn the_interval_stretches_with_the_tables(#[case] tenants: usize, #[case] seconds: u64) {
        let begin = Instant::now();
        let mut pace = Pace::new(LIMITS, begin);
        let mut since = vec![begin; tenants];
        let mut longest = Duration::ZERO;
        for step in 0..3_000 {
            let now = begin + Duration::from_millis(100 * step);
            let given = since.iter().enumerate();
            let given = given.map(|(who, since)| {
                let millis = (now - *since).as_millis();
                (who, waits(u64::try_from(millis).expect("small"), 2, 0))
            });
            for who in pace.due(now, given.collect()) {
                if step > 1_500 {
                    longest = longest.max(now - since[who]);
                }
                since[who] = now;
            }
        }
        let seconds = Duration::from_secs(seconds);
        let tolerance = Duration::from_secs(1);
        assert!(longest <= seconds + tolerance, "{longest:?}");
        assert!(longest + tolerance >= seconds, "{longest:?}");
    }

    #[test]
    fn it_sleeps_until_somebody_is_ripe_or_the_budget_allows() {
        let now = Instant::now();
        let mut pace = Pace::new(LIMITS, now);
        let half = Duration::from_millis(500);
        assert_eq!(pace.pause(half), half);
        assert_eq!(pace.due(now, vec![((), waits(2_000, 40, 1))]).len(), 1);
        assert_eq!(pace.pause(half), Duration::from_secs(2));
        assert_eq!(pace.pause(Duration::from_millis(59_900)), half / 5);
    }
}
