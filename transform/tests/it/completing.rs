//! Events are whose the roster says they are, and where it says they were, whether it
//! came before them or after.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use chrono::TimeDelta;
use runtime::Clock;
use schemas::event::Event;
use schemas::{Family, StudentHasher, StudentKey, Table};
use transform::maintenance::{MaintenanceConfig, Upkeep};
use transform::roster::JobState;

use crate::reports::ask;
use crate::rosters::school::{Bundle, School};
use crate::support::{Sandbox, event, family, record, tenant_id, time};

/// Users of the school.
const USERS: u32 = 12;

/// A service that leaves upkeep to the test, and who imports rosters into its lake.
struct Test {
    sandbox: Sandbox,
    hasher: StudentHasher,
    /// By what each key is called.
    names: HashMap<String, String>,
}

impl Test {
    async fn new() -> Self {
        let mut sandbox = Sandbox::new().await;
        sandbox.config.maintenance.enabled = false;
        let hasher = sandbox.hasher("demo").await;
        let ids = (0..USERS + 3).flat_map(|user| [format!("u{user:04}"), format!("user{user}")]);
        let names = ids.map(|name| (hasher.key(&name).to_string(), name));
        Self {
            sandbox,
            names: names.collect(),
            hasher,
        }
    }

    async fn import(&self, bundle: &Bundle) {
        self.sandbox.import("demo", bundle).await;
    }

    async fn roll_back(&self) {
        let tenant = self.sandbox.registry.tenant(&tenant_id("demo")).await;
        let tenant = tenant.expect("reads").expect("a tenant");
        let importer = self.sandbox.importer();
        let back = importer.rollback(&tenant, None, "tests", Arc::new(|_| {}));
        assert_eq!(back.await.expect("goes back").state, JobState::Done);
    }

    async fn publish(&self, numbers: impl Iterator<Item = u128>) {
        let records = numbers.map(|number| record("demo", &self.event(number)));
        self.sandbox.append(records.collect()).await;
        self.sandbox.run_to_the_end().await;
    }

    /// What upkeep of a new process has put right.
    async fn tend(&self) -> u64 {
        let config = MaintenanceConfig {
            least_files: 2,
            ..MaintenanceConfig::default()
        };
        let (lake, registry) = (self.sandbox.lake.clone(), self.sandbox.registry.clone());
        let upkeep = Upkeep::new(config, lake, registry, Clock::system());
        let mut moved = 0;
        for table in Table::all() {
            let tended = upkeep.tend(&tenant_id("demo"), table, true).await;
            moved += tended.expect("maintains").moved;
        }
        moved
    }

    /// An event of the school year, of somebody who is called by the id or by the name,
    /// and who may be a stranger; in a section, in a course, or in neither.
    fn event(&self, number: u128) -> Event {
        let mut event = event(number, family(number));
        let user = number % u128::from(USERS + 2);
        let name = match number % 3 {
            0 => format!("u{user:04}"),
            _ => format!("user{user}"),
        };
        event.student_key = self.key(&name);
        event.time += TimeDelta::days(i64::try_from(number % 150).expect("small") - 40);
        event.received_at = event.time + TimeDelta::seconds(1);
        // Half of those who are named beside are called by the name, too.
        let other = (number + 1) % u128::from(USERS + 2);
        let other = match number % 2 {
            0 => self.key(&format!("u{other:04}")),
            _ => self.key(&format!("user{other}")),
        };
        for member in ["by", "reply_to"] {
            if let Some((_, key)) = event.data.key_mut(member) {
                *key = Some(other);
            }
        }
        event.course = (!number.is_multiple_of(5)).then(|| "c".to_owned());
        event.section = number
            .is_multiple_of(4)
            .then(|| format!("c{}", number / 4 % 5));
        event
    }

    fn key(&self, name: &str) -> StudentKey {
        self.hasher.key(name)
    }

    /// All rows, with names in the place of keys.
    async fn rows(&self) -> Vec<Vec<String>> {
        const COLUMNS: [&str; 9] = [
            "event_id",
            "term",
            "student_key",
            "sent_key",
            "course_id",
            "section_id",
            "school_id",
            "completed",
            "unknown",
        ];
        let mut all = Vec::new();
        for family in Family::ALL {
            let other = family.other_person();
            let other = other.map(|other| [other.key, other.sent_key]);
            let columns: Vec<_> = COLUMNS
                .into_iter()
                .chain(other.into_iter().flatten())
                .collect();
            let rows = self.sandbox.rows("demo", Table::Events(family), &columns);
            all.extend(rows.await);
        }
        for word in all.iter_mut().flatten() {
            if let Some(name) = self.names.get(word) {
                word.clone_from(name);
            }
        }
        all.sort();
        all
    }

    /// What `data_quality` says by now: of each check how many events it found, and in how
    /// many.
    async fn quality(&self) -> BTreeMap<String, (u64, u64)> {
        let tenant = tenant_id("demo");
        let refreshed = self.sandbox.reports().refresh(&tenant).await;
        refreshed.expect("refreshes");
        let sql = "SELECT check_name, sum(events), sum(checked_events) FROM data_quality \
                   GROUP BY check_name ORDER BY check_name";
        let rows = ask(&self.sandbox, &tenant, sql).await.expect("rows");
        let rows = rows.iter().map(|row| {
            let [name, events, checked] = row.split(' ').collect::<Vec<_>>()[..] else {
                panic!("{row}");
            };
            let count = |text: &str| text.parse().expect("a count");
            (name.to_owned(), (count(events), count(checked)))
        });
        rows.collect()
    }
}

/// Somebody has moved to another section, somebody has left, and somebody is called
/// otherwise.
fn later(school: &School) -> School {
    let mut later = school.clone();
    later.enrollments.insert(1, (2, 1, 0));
    later.enrollments.remove(&2);
    later.users.insert(USERS, USERS);
    later.enrollments.insert(USERS, (0, USERS, 20));
    later
}

/// How many rows have each of a column's words.
fn count(rows: &[Vec<String>], column: usize) -> BTreeMap<&str, usize> {
    let mut counts = BTreeMap::new();
    for row in rows {
        *counts.entry(row[column].as_str()).or_default() += 1;
    }
    counts
}

#[tokio::test(flavor = "multi_thread")]
async fn a_late_roster_makes_rows_what_an_early_one_would_have() {
    let school = School::of(USERS);
    let early = Test::new().await;
    early.import(&school.bulk()).await;
    early.publish(1..181).await;
    let expected = early.rows().await;
    assert_eq!(expected.len(), 180);
    assert_eq!(early.tend().await, 0, "nothing is to be put right");
    // All that there is to say is said of some.
    let completed = count(&expected, 7);
    assert!(completed.len() >= 4, "{completed:?}");
    let unknown = count(&expected, 8);
    assert!(unknown.len() >= 5, "{unknown:?}");
    let of_others = expected
        .iter()
        .filter(|row| row.len() > 10 && row[10] != "∅");
    assert!(of_others.count() > 30, "others have their own keys, too");
    assert!(count(&expected, 1).len() >= 2, "{:?}", count(&expected, 1));

    let late = Test::new().await;
    for (from, until) in [(1, 60), (60, 61), (61, 181)] {
        late.publish(from..until).await;
        late.tend().await;
    }
    let before = late.rows().await;
    assert_eq!(count(&before, 8).len(), 1, "nobody is unknown as yet");
    late.import(&school.bulk()).await;
    assert!(late.tend().await > 100);
    assert_eq!(late.rows().await, expected);
    assert_eq!(late.tend().await, 0);

    // A newer roster changes what it says of, and going back all of that.
    let newer = later(&school);
    early.import(&newer.bulk()).await;
    assert!(early.tend().await > 0);
    let changed = early.rows().await;
    assert_ne!(changed, expected);
    late.import(&newer.bulk()).await;
    late.tend().await;
    assert_eq!(late.rows().await, changed);
    early.roll_back().await;
    assert!(early.tend().await > 0);
    assert_eq!(early.rows().await, expected);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_event_is_known_again_whatever_its_student_is_called_by_now() {
    let test = Test::new().await;
    test.publish(1..61).await;
    test.import(&School::of(USERS).bulk()).await;
    assert!(test.tend().await > 0);
    let rows = test.rows().await;
    assert!(rows.iter().any(|row| row[3] != "∅"));
    // By a process that has to read the ids from the tables.
    test.publish(1..61).await;
    assert_eq!(test.rows().await, rows);
    let repeated = test.sandbox.rows("demo", Table::Duplicates, &["event_id"]);
    assert_eq!(repeated.await.len(), 60);
}

#[tokio::test(flavor = "multi_thread")]
async fn who_has_moved_was_where_he_was() {
    let test = Test::new().await;
    let school = School::of(USERS);
    test.import(&school.bulk()).await;
    // The source says on the 10th of September that somebody is in another section.
    let mut moved = school.clone();
    moved.enrollments.insert(0, (1, 0, 0));
    test.import(&moved.delta(&school, 10).expect("a change"))
        .await;
    let on = |number: u128, day: &str| {
        let mut event = event(number, Family::Video);
        event.student_key = test.key("user0");
        event.time = time(&format!("2026-{day}T12:00:00Z"));
        event.received_at = event.time;
        (event.course, event.section) = (Some("c".to_owned()), None);
        record("demo", &event)
    };
    let days = ["09-09", "09-10", "07-31", "08-01"];
    let records = days.iter().zip(1..).map(|(day, number)| on(number, day));
    test.sandbox.append(records.collect()).await;
    test.sandbox.run_to_the_end().await;
    let sections: Vec<_> = test
        .rows()
        .await
        .into_iter()
        .map(|row| row[5].clone())
        .collect();
    // c0 meets in the fall, c1 in the spring: but who is in it since September was.
    assert_eq!(sections, ["c0", "c1", "∅", "c0"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_late_roster_knows_is_not_unknown_any_more() {
    let mut school = School::of(USERS + 2);
    school.sections.insert(4, (4, 0));
    let early = Test::new().await;
    early.import(&school.bulk()).await;
    early.publish(1..61).await;
    let expected = early.quality().await;

    // A roster of one student, then all of them.
    let late = Test::new().await;
    let mut small = School::of(1);
    small.sections.remove(&3);
    late.import(&small.bulk()).await;
    late.publish(1..61).await;
    let before = late.quality().await;
    assert_eq!(before["unknown_student"], (56, 60));
    assert_eq!(before["unknown_section"], (6, 15));
    late.import(&school.bulk()).await;
    assert_eq!(late.quality().await, before, "rows are as they were");
    assert!(late.tend().await > 0);
    let after = late.quality().await;
    assert_eq!(after["unknown_student"], (0, 60));
    assert_eq!(after["unknown_section"], (0, 15));
    assert!(after["completed_section"] > before["completed_section"]);
    assert_eq!(after, expected);
}
