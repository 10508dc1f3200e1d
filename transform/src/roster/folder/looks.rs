//! Which files are complete: those that were the same for a while.

use std::collections::BTreeMap;
use std::time::Duration;

use chrono::{DateTime, Utc};
use object_store::ObjectMeta;
use tokio::time::Instant;

/// How a file was at a look.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Seen {
    bytes: u64,
    changed_at: DateTime<Utc>,
}

impl Seen {
    pub fn of(file: &ObjectMeta) -> Self {
        Self {
            bytes: file.size,
            changed_at: file.last_modified,
        }
    }
}

/// What was seen of a tenant's files, and since when they are so.
#[derive(Debug, Default)]
pub struct Looks(BTreeMap<String, (Seen, Instant)>);

impl Looks {
    /// The files that are complete, by name: of the same size and time in two looks that
    /// are at least `settle` apart, and in all between.
    pub fn complete(
        &mut self,
        files: BTreeMap<String, Seen>,
        now: Instant,
        settle: Duration,
    ) -> Vec<String> {
        let known = |name: &str, seen: &Seen| {
            let (before, since) = self.0.get(name)?;
            (before == seen).then_some(*since)
        };
        let files = files.into_iter().map(|(name, seen)| {
            let since = known(&name, &seen).unwrap_or(now);
            (name, (seen, since))
        });
        let files: BTreeMap<_, _> = files.collect();
        let is_complete = |since: &Instant| *since < now && now - *since >= settle;
        let (complete, rest) = files
            .into_iter()
            .partition(|(_, (_, since))| is_complete(since));
        self.0 = rest;
        let complete: BTreeMap<String, (Seen, Instant)> = complete;
        complete.into_keys().collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SETTLE: Duration = Duration::from_secs(30);

    #[test]
    fn a_file_is_complete_when_it_was_the_same_for_a_while() {
        let start = Instant::now();
        let mut looks = Looks::default();
        let mut look = |second: u64, files: &[(&str, u64, i64)]| {
            let files = files.iter().map(|(name, bytes, at)| {
                let seen = Seen {
                    bytes: *bytes,
                    changed_at: DateTime::from_timestamp(*at, 0).expect("a time"),
                };
                ((*name).to_owned(), seen)
            });
            let now = start + Duration::from_secs(second);
            looks.complete(files.collect(), now, SETTLE)
        };
        let none: [&str; 0] = [];
        assert_eq!(look(0, &[("a.zip", 5, 1), ("b.zip", 5, 1)]), none);
        // One grows, as if half of it had come.
        assert_eq!(look(29, &[("a.zip", 5, 1), ("b.zip", 9, 1)]), none);
        assert_eq!(look(30, &[("a.zip", 5, 1), ("b.zip", 9, 1)]), ["a.zip"]);
        // It is written anew, as long as before.
        assert_eq!(look(58, &[("b.zip", 9, 2)]), none);
        assert_eq!(look(87, &[("b.zip", 9, 2)]), none);
        // It was gone between, so what is there is another.
        assert_eq!(look(88, &[]), none);
        assert_eq!(look(89, &[("b.zip", 9, 2)]), none);
        assert_eq!(look(119, &[("b.zip", 9, 2)]), ["b.zip"]);
        assert_eq!(look(120, &[]), none);
    }

    #[test]
    fn without_a_time_to_settle_two_looks_are_needed_all_the_same() {
        let start = Instant::now();
        let mut looks = Looks::default();
        let seen = Seen {
            bytes: 1,
            changed_at: DateTime::UNIX_EPOCH,
        };
        let files = BTreeMap::from([("a.zip".to_owned(), seen)]);
        let none: [&str; 0] = [];
        assert_eq!(looks.complete(files.clone(), start, Duration::ZERO), none);
        let later = start + Duration::from_millis(1);
        assert_eq!(looks.complete(files, later, Duration::ZERO), ["a.zip"]);
    }
}
