//! Rows come to lie where they belong, and no other row is touched.

use std::collections::{BTreeMap, HashMap};
use std::sync::Mutex;
use std::time::Duration;

use chrono::TimeDelta;
use lake::LakeTable;
use proptest::prelude::*;
use proptest::test_runner::TestRunner;
use runtime::{Clock, Leases, Root};
use schemas::event::Event;
use schemas::{Calendar, Family, Table, TermDates};
use transform::maintenance::{LEASE, MaintenanceConfig, Searched, Upkeep};

use crate::support::{Sandbox, event, family, ids, record, tenant_id, time};

/// A sandbox whose service leaves upkeep to the test.
async fn quiet() -> Sandbox {
    let mut sandbox = Sandbox::new().await;
    sandbox.config.maintenance.enabled = false;
    sandbox
}

fn upkeep(sandbox: &Sandbox) -> Upkeep {
    let config = MaintenanceConfig {
        least_files: 2,
        ..MaintenanceConfig::default()
    };
    let (lake, registry) = (sandbox.lake.clone(), sandbox.registry.clone());
    Upkeep::new(config, lake, registry, Clock::system())
}

async fn tend(upkeep: &Upkeep) -> u64 {
    let mut moved = 0;
    for table in Table::all() {
        let tended = upkeep.tend(&tenant_id("demo"), table, true).await;
        moved += tended.expect("maintains").moved;
    }
    moved
}

fn term(id: &str, start: &str, end: &str) -> TermDates {
    TermDates {
        id: id.parse().expect("a term"),
        name: None,
        start: start.parse().expect("a date"),
        end: end.parse().expect("a date"),
    }
}

async fn set_calendar(sandbox: &Sandbox, terms: Vec<TermDates>, zone: &str) {
    let change = |tenant: &mut schemas::Tenant| {
        tenant.calendar = Calendar {
            terms: terms.clone(),
        };
        tenant.time_zone = zone.parse().expect("a time zone");
        Ok::<_, std::convert::Infallible>(())
    };
    let changed = sandbox.registry.update(&tenant_id("demo"), change).await;
    changed.expect("changes");
}

/// The ids of the rows of each term of all event tables.
async fn by_term(sandbox: &Sandbox) -> BTreeMap<String, Vec<String>> {
    let mut terms: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for family in Family::ALL {
        let rows = sandbox.rows("demo", Table::Events(family), &["term", "event_id"]);
        for row in rows.await {
            terms
                .entry(row[0].clone())
                .or_default()
                .push(row[1].clone());
        }
    }
    for ids in terms.values_mut() {
        ids.sort();
    }
    terms
}

/// An event of a day in autumn, some of them by clocks that are wrong.
fn autumn(number: u128) -> Event {
    let mut event = event(number, family(number));
    let day = i64::try_from(number % 60).expect("small");
    event.time +=
        TimeDelta::days(day) + TimeDelta::hours(i64::try_from(number % 24).expect("small"));
    event.received_at = event.time + TimeDelta::seconds(2);
    event.sent_at = match number % 7 {
        0 => Some(event.time - TimeDelta::hours(3)),
        1 => Some(event.time + TimeDelta::days(40)),
        2 => Some(event.time),
        _ => None,
    };
    event
}

async fn publish(sandbox: &Sandbox, events: impl Iterator<Item = Event>) {
    let records = events.map(|event| record("demo", &event)).collect();
    sandbox.append(records).await;
    sandbox.run_to_the_end().await;
}

/// Publishing by a new calendar and moving to it later come to the same.
async fn assert_as_if_published_so(terms: Vec<TermDates>, zone: &str, rounds: &[u128]) {
    let fresh = quiet().await;
    set_calendar(&fresh, terms.clone(), zone).await;
    publish(&fresh, (1..121).map(autumn)).await;
    let expected = by_term(&fresh).await;

    let sandbox = quiet().await;
    let upkeep = upkeep(&sandbox);
    let mut from = 1;
    for until in rounds.iter().copied().chain([121]) {
        publish(&sandbox, (from..until).map(autumn)).await;
        tend(&upkeep).await;
        from = until;
    }
    set_calendar(&sandbox, terms, zone).await;
    tend(&upkeep).await;
    assert_eq!(by_term(&sandbox).await, expected);
    assert_eq!(sandbox.stored("demo").await, ids(1..121));
    assert_eq!(tend(&upkeep).await, 0, "once");
}

#[test]
fn rows_follow_the_calendar_as_if_they_had_been_published_by_it() {
    let runtime = tokio::runtime::Builder::new_multi_thread();
    let runtime = { runtime }.enable_all().build().expect("a runtime");
    let starts = prop::collection::btree_set(0..75_i64, 0..4);
    let zones = prop::sample::select(vec!["UTC", "America/New_York", "Pacific/Kiritimati"]);
    let rounds = prop::collection::btree_set(2..120_u128, 0..3);
    let config = ProptestConfig {
        cases: 4,
        failure_persistence: None,
        max_shrink_iters: 20,
        ..ProptestConfig::default()
    };
    let changes = (starts, zones, rounds);
    let ran = TestRunner::new(config).run(&changes, |(starts, zone, rounds)| {
        let first = time("2026-09-01T00:00:00Z").date_naive();
        let terms = starts.iter().zip(starts.iter().skip(1));
        let terms = terms.map(|(start, next)| TermDates {
            id: format!("from-{start}").parse().expect("a term"),
            name: None,
            start: first + TimeDelta::days(*start),
            end: first + TimeDelta::days(next - 1),
        });
        let rounds: Vec<_> = rounds.into_iter().collect();
        runtime.block_on(assert_as_if_published_so(terms.collect(), zone, &rounds));
        Ok(())
    });
    ran.unwrap_or_else(|error| panic!("{error}"));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_published_by_an_older_calendar_is_found_later_and_reports_follow() {
    let sandbox = quiet().await;
    let upkeep = upkeep(&sandbox);
    let halves = vec![
        // Clocks that are wrong by forty days included.
        term("first", "2026-07-01", "2026-10-09"),
        term("second", "2026-10-10", "2026-12-24"),
    ];
    publish(&sandbox, (1..61).map(autumn)).await;
    set_calendar(&sandbox, halves.clone(), "UTC").await;
    assert_eq!(tend(&upkeep).await, 60);
    // Somebody still has the calendar of before.
    set_calendar(&sandbox, Vec::new(), "UTC").await;
    publish(&sandbox, (61..121).map(autumn)).await;
    sandbox
        .reports()
        .refresh(&tenant_id("demo"))
        .await
        .expect("refreshes");
    set_calendar(&sandbox, halves, "UTC").await;
    assert_eq!(tend(&upkeep).await, 60);
    let terms: Vec<_> = by_term(&sandbox).await.into_keys().collect();
    assert_eq!(terms, ["first", "second"]);

    sandbox
        .reports()
        .refresh(&tenant_id("demo"))
        .await
        .expect("refreshes");
    for report in Table::all().filter(|table| matches!(table, Table::Report(_))) {
        let rows = sandbox.rows("demo", report, &["term"]).await;
        let known = ["first", "second"];
        assert!(
            rows.iter().all(|row| known.contains(&row[0].as_str())),
            "{report}: {rows:?}"
        );
    }
}

/// Event 5 again, so many days later, with other content.
fn again(days: i64) -> Event {
    let mut again = event(5, Family::Clickstream);
    again.received_at += TimeDelta::days(days);
    again.section = Some(format!("again-{days}"));
    again
}

const SECTION: [&str; 2] = ["section_id", "event_id"];

async fn assert_repeated_once(sandbox: &Sandbox, duplicates: usize) {
    assert_eq!(sandbox.stored("demo").await, ids(1..13), "each once");
    let rows = sandbox.rows("demo", Table::Events(Family::Clickstream), &SECTION);
    let rows = rows.await;
    assert!(
        rows.iter().all(|row| !row[0].starts_with("again")),
        "{rows:?}"
    );
    let columns = ["event_id", "family", "same_content"];
    let rows = sandbox.rows("demo", Table::Duplicates, &columns).await;
    assert_eq!(rows.len(), duplicates, "{rows:?}");
    // Every record of the log has exactly one row.
    let places = sandbox.places(&["demo"]).await;
    let mut once = places.clone();
    once.dedup();
    assert_eq!(once, places);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_repeated_after_the_window_leaves_the_event_tables() {
    let sandbox = quiet().await;
    let upkeep = upkeep(&sandbox);
    publish(&sandbox, (1..13).map(|n| event(n, Family::Clickstream))).await;
    // Within the window, and then each beyond that of the one before.
    for days in [3, 8, 16] {
        publish(&sandbox, [again(days)].into_iter()).await;
    }
    assert_eq!(sandbox.stored("demo").await.len(), 14);
    let demo = tenant_id("demo");
    let put_right = || async {
        upkeep
            .put_repeated_right(&demo, false, &|_| {})
            .await
            .expect("looks")
    };
    assert_eq!(put_right().await, Some(2));
    assert_repeated_once(&sandbox, 3).await;
    assert_eq!(put_right().await, None, "it is not time");

    // Of another family, so of another table; and the service begins again.
    let mut other = again(30);
    other.data = event(5, Family::Video).data;
    other.event_type = "video.progressed".to_owned();
    publish(&sandbox, [other].into_iter()).await;
    assert_eq!(sandbox.stored("demo").await.len(), 13);
    let told = Mutex::new(Vec::new());
    let tell = |searched: Searched| told.lock().expect("no panic").push(searched);
    let look = upkeep.put_repeated_right(&demo, true, &tell).await;
    assert_eq!(look.expect("looks"), Some(1));
    let told = told.into_inner().expect("no panic");
    assert!(told.is_sorted_by_key(|searched| searched.rows), "{told:?}");
    // Twelve rows and that of the other family, three times.
    let end = Searched { rows: 39, of: 39 };
    assert_eq!(told.last(), Some(&end));
    assert_repeated_once(&sandbox, 4).await;
    let look = upkeep.put_repeated_right(&demo, true, &|_| {}).await;
    assert_eq!(look.expect("looks"), Some(0));
}

/// Between its two commits, and anywhere else.
#[tokio::test(flavor = "multi_thread")]
async fn who_looks_for_repetitions_may_be_killed() {
    let demo = tenant_id("demo");
    let mut kills = 0;
    for after_ms in [0, 1, 2, 4, 6, 8, 12, 16, 24, 32, 48] {
        let sandbox = quiet().await;
        let events = (1..13).map(|n| event(n, Family::Clickstream));
        publish(&sandbox, events.chain([again(8), again(16)])).await;
        let first = upkeep(&sandbox);
        let limit = Duration::from_millis(after_ms);
        let looked =
            tokio::time::timeout(limit, first.put_repeated_right(&demo, true, &|_| {})).await;
        kills += usize::from(looked.is_err());
        let second = upkeep(&sandbox)
            .put_repeated_right(&demo, true, &|_| {})
            .await;
        second.expect("looks");
        assert_repeated_once(&sandbox, 2).await;
    }
    assert!(kills > 0);
}

async fn video(sandbox: &Sandbox) -> LakeTable {
    let (demo, kind) = (tenant_id("demo"), Table::Events(Family::Video));
    let opened = sandbox.lake.open(&demo, kind).await;
    opened.expect("opens").expect("there")
}

/// Publishes a few videos, one round after the other, and waits until somebody
/// has merged their files.
async fn publish_until_merged(sandbox: &Sandbox, next: &mut u128) {
    let merged = async {
        for round in 1.. {
            let events = (*next..*next + 3).map(|n| event(n, Family::Video));
            let records = events.map(|event| record("demo", &event)).collect();
            *next += 3;
            sandbox.append(records).await;
            sandbox.wait_for_the_end().await;
            let table = video(sandbox).await;
            if round > 3 && table.files() < 3 {
                return;
            }
        }
    };
    let limit = Duration::from_secs(120);
    let merged = tokio::time::timeout(limit, merged).await;
    merged.expect("somebody merges them");
}

#[tokio::test(flavor = "multi_thread")]
async fn when_the_holder_is_killed_another_service_takes_over() {
    let mut sandbox = quiet().await;
    sandbox.config.maintenance = MaintenanceConfig {
        interval_ms: 20,
        lease_ms: 500,
        least_files: 2,
        ..MaintenanceConfig::default()
    };
    let location = sandbox.folder.path().join("lake").display().to_string();
    let root = Root::open(&location, HashMap::new()).expect("a root");
    let time = sandbox.config.maintenance.lease();
    let leases = |holder: &str| Leases::new(root.clone(), LEASE, holder.to_owned(), time);
    let demo = tenant_id("demo");

    // Whoever dies with the lease, and without a word, is waited for.
    let dead = leases("dead");
    assert!(dead.hold(&demo).await.expect("answers"));
    let mut next = 1;
    let one = sandbox.start_with(leases("one"));
    publish_until_merged(&sandbox, &mut next).await;
    assert!(!dead.hold(&demo).await.expect("answers"), "it is too late");
    drop(one);
    let two = sandbox.start_with(leases("two"));
    publish_until_merged(&sandbox, &mut next).await;
    two.stop().await.expect("stops");
    assert_eq!(sandbox.stored("demo").await, ids(1..next));
}
