//! Of what a bulk speaks, and that deltas come to the same.

use std::collections::BTreeMap;

use proptest::prelude::*;
use roster::{Entity, Guard, Mode, Rules, TableSummary};

use super::tables::{Tables, school, tables};
use crate::store::{Store, today};

fn contents(rows: &[&str]) -> Tables {
    let text = format!("content_id,course_id,kind\n{}\n", rows.join("\n"));
    Tables::of(&[("contents", &text)])
}

fn ids(store: &Store, entity: Entity) -> Vec<String> {
    let keys = store.0.get(&entity).into_iter().flat_map(BTreeMap::keys);
    keys.map(|key| key.replace('\u{1}', " ").trim().to_owned())
        .collect()
}

#[test]
fn contents_of_courses_that_a_bulk_does_not_name_stay() {
    let mut store = school();
    let all = [
        "a1,a,page",
        "a2,a,page",
        "b1,b,page",
        "n1,,page",
        "n2,,page",
    ];
    contents(&all).import(Mode::Bulk, &mut store);
    contents(&["a1,a,page"]).import(Mode::Bulk, &mut store);
    assert_eq!(ids(&store, Entity::Contents), ["a1", "b1", "n1", "n2"]);
    // Those without a course are as if they had one.
    contents(&["n1,,page"]).import(Mode::Bulk, &mut store);
    assert_eq!(ids(&store, Entity::Contents), ["a1", "b1", "n1"]);
    // What moves to another course does not end.
    contents(&["a1,b,page", "b1,b,page"]).import(Mode::Bulk, &mut store);
    assert_eq!(ids(&store, Entity::Contents), ["a1", "b1", "n1"]);
}

#[test]
fn other_tables_are_all_that_a_bulk_says() {
    let mut store = school();
    tables().import(Mode::Bulk, &mut store);
    let programs = "program_id,title\nscience,Diploma with science\n";
    Tables::of(&[("programs", programs)]).import(Mode::Bulk, &mut store);
    assert_eq!(ids(&store, Entity::Programs), ["science"]);
    assert_eq!(ids(&store, Entity::Contents).len(), 4);
}

#[test]
fn a_calendar_speaks_of_the_days_from_its_first() {
    let mut store = school();
    let days = |days: &[&str]| {
        let text = format!("day,kind\n{}\n", days.join("\n"));
        Tables::of(&[("calendar_days", &text)])
    };
    days(&[
        "2025-12-25,holiday",
        "2026-09-07,holiday",
        "2026-11-26,holiday",
    ])
    .import(Mode::Bulk, &mut store);
    days(&["2026-09-07,holiday", "2027-01-01,holiday"]).import(Mode::Bulk, &mut store);
    let expected = ["2025-12-25", "2026-09-07", "2027-01-01"];
    assert_eq!(ids(&store, Entity::CalendarDays), expected);
}

#[test]
fn the_guard_looks_at_the_courses_that_are_named() {
    let mut store = school();
    let row = |course: &str, number: u32| format!("{course}{number:02},{course},page");
    let rows = |course: &str, count| (0..count).map(|n| row(course, n)).collect::<Vec<_>>();
    let all = [rows("a", 20), rows("b", 80)].concat();
    let all: Vec<_> = all.iter().map(String::as_str).collect();
    contents(&all).import(Mode::Bulk, &mut store);
    let half = rows("a", 10);
    let half: Vec<_> = half.iter().map(String::as_str).collect();
    let checked = contents(&half).check(Mode::Bulk, &store);
    let rules = Rules::default();
    let comparison = checked.compare(&store, &rules, today()).expect("compared");
    let vanished = comparison.vanished(&Guard::default());
    assert_eq!((vanished[0].ended, vanished[0].of), (10, 20));
    let summary = &comparison.summary()[&Entity::Contents];
    assert_eq!((summary.outside, summary.unchanged), (80, 90));
}

#[test]
fn a_delta_changes_only_what_it_names() {
    let mut store = school();
    tables().import(Mode::Bulk, &mut store);
    let text = "content_id,version,status,course_id,kind,due_on\n\
                film,2,,bio,video,2026-09-20\nfilm,1,tobedeleted,,,\n";
    Tables::of(&[("contents", text)]).import(Mode::Delta, &mut store);
    assert_eq!(ids(&store, Entity::Contents), ["film 2", "quiz", "unit"]);
    let film = &store.0[&Entity::Contents]["film\u{1}2"];
    let due = film.get(Entity::Contents, "due_on").as_date();
    assert_eq!(due, Some("2026-09-20".parse().expect("a day")));
    assert_eq!(ids(&store, Entity::Programs), ["arts"]);
}

#[test]
fn days_of_programs_are_those_from_which_they_are_so() {
    let store = school();
    let checked = tables().check(Mode::Bulk, &store);
    let rules = Rules::default();
    let comparison = checked.compare(&store, &rules, today()).expect("compared");
    let mut changes = comparison
        .changes(Entity::ProgramEnrollments)
        .expect("changes");
    let change = changes.next().expect("one").expect("a change");
    assert_eq!(
        change.valid_from,
        Some("2026-08-17".parse().expect("a day"))
    );
    assert_eq!(change.valid_to, None);
}

/// Courses with contents in versions, and standards that questions ask for. A course
/// always has one content: of a course without any a bulk would not speak.
#[derive(Debug, Clone, Default)]
struct Taught {
    /// A course and a day for each content and version.
    contents: BTreeMap<(u8, u8), (u8, u8)>,
    /// A course for each question and standard.
    alignments: BTreeMap<(u8, u8), u8>,
    /// What each day is.
    days: BTreeMap<u8, u8>,
}

#[derive(Debug, Clone)]
enum Event {
    Content((u8, u8), Option<(u8, u8)>),
    Alignment((u8, u8), Option<u8>),
    Day(u8, Option<u8>),
}

fn put<K: Ord + Copy, V: Copy>(table: &mut BTreeMap<K, V>, key: K, value: Option<V>) {
    match value {
        Some(value) => table.insert(key, value),
        None => table.remove(&key),
    };
}

impl Taught {
    fn happens(&mut self, event: &Event) {
        match event {
            Event::Content(key, value) => put(&mut self.contents, *key, *value),
            Event::Alignment(key, value) => put(&mut self.alignments, *key, *value),
            Event::Day(key, value) => put(&mut self.days, *key, *value),
        }
    }

    /// For each table its rows by key, each without status.
    fn rows(&self) -> BTreeMap<&'static str, BTreeMap<String, String>> {
        let mut tables: BTreeMap<_, BTreeMap<String, String>> = BTreeMap::new();
        let mut add = |table, key: String, rest: String| {
            tables.entry(table).or_default().insert(key, rest);
        };
        for ((content, version), (course, day)) in &self.contents {
            let version = ["", "1", "2"][usize::from(*version)];
            let rest = format!("course-{course},page,2026-09-{:02}", day + 1);
            add("contents", format!("c{content},{version}"), rest);
        }
        for course in 0..3 {
            let rest = format!("course-{course},module,");
            add("contents", format!("unit-{course},"), rest);
            let rest = format!("course-{course},Standard");
            add("standards", format!("s{course}"), rest);
            let rest = format!("course-{course}");
            add("alignments", format!("q-{course},s{course}"), rest);
        }
        for ((item, standard), course) in &self.alignments {
            let rest = format!("course-{course}");
            add("alignments", format!("q{item},s{standard}"), rest);
        }
        add(
            "calendar_days",
            ",2026-09-01".to_owned(),
            "holiday".to_owned(),
        );
        for (day, kind) in &self.days {
            let kind = ["holiday", "half_day"][usize::from(*kind)];
            add(
                "calendar_days",
                format!(",2026-09-{:02}", day + 2),
                kind.to_owned(),
            );
        }
        tables
    }
}

fn header(table: &str) -> &'static str {
    match table {
        "contents" => "content_id,version,course_id,kind,due_on",
        "standards" => "standard_id,course_id,title",
        "alignments" => "item_id,standard_id,course_id",
        _ => "org_id,day,kind",
    }
}

fn table(rows: &[String], name: &str, further: &str) -> String {
    format!("{}{further}\n{}\n", header(name), rows.join("\n"))
}

fn delta(before: &Taught, after: &Taught) -> Tables {
    let (before, after) = (before.rows(), after.rows());
    let mut tables = Tables::default();
    for (name, new) in &after {
        let old = &before[name];
        let mut rows = Vec::new();
        for (key, rest) in new.iter().filter(|(key, rest)| old.get(*key) != Some(rest)) {
            rows.push(format!("{key},{rest},"));
        }
        for (key, rest) in old.iter().filter(|(key, _)| !new.contains_key(*key)) {
            rows.push(format!("{key},{rest},tobedeleted"));
        }
        rows.reverse();
        if !rows.is_empty() {
            tables = tables.with(name, &table(&rows, name, ",status"));
        }
    }
    tables
}

fn bulk(taught: &Taught) -> Tables {
    let mut tables = Tables::default();
    for (name, rows) in taught.rows() {
        let rows: Vec<_> = rows
            .iter()
            .map(|(key, rest)| format!("{key},{rest}"))
            .collect();
        tables = tables.with(name, &table(&rows, name, ""));
    }
    tables
}

fn event() -> impl Strategy<Value = Event> {
    let maybe = |value| proptest::option::weighted(0.7, value);
    prop_oneof![
        ((0..3_u8, 0..3_u8), maybe((0..3_u8, 0..3_u8))).prop_map(|(k, v)| Event::Content(k, v)),
        ((0..3_u8, 0..3_u8), proptest::option::weighted(0.7, 0..3_u8))
            .prop_map(|(k, v)| Event::Alignment(k, v)),
        (0..3_u8, proptest::option::weighted(0.7, 0..2_u8)).prop_map(|(k, v)| Event::Day(k, v)),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]

    #[test]
    fn any_sequence_of_deltas_equals_one_bulk(
        steps in proptest::collection::vec(proptest::collection::vec(event(), 1..10), 1..6),
    ) {
        let mut taught = Taught::default();
        let mut by_deltas = Store::default();
        bulk(&taught).import(Mode::Bulk, &mut by_deltas);
        let mut by_bulks = by_deltas.clone();
        for events in &steps {
            let before = taught.clone();
            events.iter().for_each(|event| taught.happens(event));
            let delta = delta(&before, &taught);
            if !delta.0.is_empty() {
                delta.import(Mode::Delta, &mut by_deltas);
            }
        }
        bulk(&taught).import(Mode::Bulk, &mut by_bulks);
        prop_assert_eq!(by_deltas.values(), by_bulks.values());
        let mut anew = Store::default();
        bulk(&taught).import(Mode::Bulk, &mut anew);
        prop_assert_eq!(by_deltas.values(), anew.values());

        let checked = bulk(&taught).check(Mode::Bulk, &by_deltas);
        let rules = Rules::default();
        let comparison = checked.compare(&by_deltas, &rules, today()).expect("compared");
        prop_assert!(comparison.summary().values().all(TableSummary::is_unchanged));
    }
}
