//! Whatever rules a tenant has and whatever is asked, somebody is answered as a steward is
//! of a district in which there is nothing but what they see.
//!
//! `CHALKLINE_TORTURE_POLICIES` says how many times rules are drawn.

use std::collections::{BTreeMap, BTreeSet};

use rand::Rng;
use rand::rngs::StdRng;
use rand::seq::IndexedRandom;
use schemas::{Attribute, Condition, Effect, Policy, Role, Tenant};
use serde_json::Value;

use super::district::rows::{events, student_days};
use super::district::{district_made, district_of, document, told};
use super::expected::{ASKERS, Asker};
use super::grammar::{LONG, Source, one, seeded, statement};
use crate::school::{Answer, School};

/// How many statements everybody asks about each of their districts.
const STATEMENTS: usize = 15;

/// What rules are about, and what is asked of it. Of texts that senders wrote researchers
/// see nothing, and ask nothing.
const SOURCES: [Source; 4] = [
    Source {
        table: "clickstream",
        key: "@student_key",
        grain: "@student_key, @occurred_at",
        texts: &["@student_key", "@section_id", "@element", "@target_id"],
        numbers: &["@count"],
    },
    Source {
        table: "assessment",
        key: "@student_key",
        grain: "@student_key, @occurred_at",
        texts: &["@student_key", "@course_id", "@section_id"],
        numbers: &["@attempt"],
    },
    Source {
        table: "video",
        key: "@student_key",
        grain: "@student_key, @occurred_at",
        texts: &["@student_key", "@school_id"],
        numbers: &["@duration_seconds"],
    },
    Source {
        table: "student_day",
        key: "@student_key",
        grain: "@student_key, @day",
        texts: &["@student_key", "@section_id"],
        numbers: &["@posts"],
    },
];

/// The texts that senders wrote.
const WRITTEN: [Source; 2] = [
    Source {
        texts: &["@student_key", "@url", "@value"],
        ..SOURCES[0]
    },
    Source {
        texts: &["@student_key", "@response"],
        ..SOURCES[1]
    },
];

/// A column that rules go by, and values of it.
type Column = (&'static str, &'static [&'static str]);

const STUDENT: Column = (
    "student_key",
    &[
        "k-stu-1", "k-stu-2", "k-stu-3", "k-stu-4", "k-stu-5", "k-stu-6", "k-stu-7",
    ],
);
const SECTION: Column = ("section_id", &["art-1", "bio-1", "bio-2", "old-1"]);
const SCHOOL: Column = ("school_id", &["high", "west"]);
/// The moment of some rows is among them, written in two ways.
const TIME: Column = (
    "occurred_at",
    &[
        "2026-06-01T00:00:00Z",
        "2026-09-03T15:00:00Z",
        "2026-09-12T17:00:00+02:00",
    ],
);

/// Tables that have the same columns, and these.
const ABOUT: [(&[&str], &[Column]); 5] = [
    (
        &["clickstream", "assessment", "video", "student_day"],
        &[STUDENT, SECTION, SCHOOL],
    ),
    (
        &["clickstream", "assessment", "video"],
        &[STUDENT, SECTION, TIME],
    ),
    (
        &["clickstream"],
        &[
            SECTION,
            TIME,
            ("count", &["20", "31", "40", "60"]),
            // Every other student has none.
            ("target_id", &["t-10", "t-31", "t-51"]),
        ],
    ),
    (
        &["assessment"],
        &[STUDENT, SCHOOL, ("attempt", &["11", "31", "50"])],
    ),
    (
        &["student_day"],
        &[
            SECTION,
            ("day", &["2026-09-03", "2026-09-12"]),
            ("posts", &["11", "40", "50"]),
        ],
    ),
];

fn condition(random: &mut StdRng, (column, values): Column) -> Condition {
    let some = random.random_range(1..3);
    let texts = values.choose_multiple(random, some);
    let texts: BTreeSet<String> = texts.map(|text| (*text).to_owned()).collect();
    let bound = one(random, values).to_owned();
    let theirs = match column {
        "student_key" => one(random, &[Attribute::StudentKeys, Attribute::Users]),
        "school_id" => Attribute::Schools,
        "section_id" => Attribute::Sections,
        _ => {
            return match random.random_range(0..4) {
                0 => Condition::OneOf(texts),
                1 => Condition::NoneOf(texts),
                2 => Condition::AtLeast(bound),
                _ => Condition::LessThan(bound),
            };
        }
    };
    match random.random_range(0..6) {
        0 | 1 => Condition::OneOf(texts),
        2 => Condition::NoneOf(texts),
        3 => Condition::AtLeast(bound),
        4 => Condition::LessThan(bound),
        _ => Condition::Theirs(theirs),
    }
}

fn policy(random: &mut StdRng, role: Role, id: String) -> Policy {
    let (tables, columns) = one(random, &ABOUT);
    let many = random.random_range(1..3);
    let columns: Vec<Column> = columns.choose_multiple(random, many).copied().collect();
    let when = columns.into_iter().map(|column| {
        let condition = condition(random, column);
        (column.0.to_owned(), condition)
    });
    let when: BTreeMap<String, Condition> = when.collect();
    Policy {
        id,
        reason: "So it was drawn.".to_owned(),
        roles: [role].into(),
        tables: tables.iter().map(|table| (*table).to_owned()).collect(),
        effect: one(random, &[Effect::Grant, Effect::Restrict]),
        when,
    }
}

/// Rules for each of the roles, by which somebody sees more than without them and somebody
/// less.
fn policies(random: &mut StdRng, counts: &mut Counts) -> Vec<Policy> {
    let roles: BTreeSet<Role> = ASKERS.iter().map(|asker| asker.role).collect();
    for _ in 0..1_000 {
        let mut drawn = Vec::new();
        for role in &roles {
            for _ in 0..random.random_range(0..3) {
                let id = format!("rule-{}", drawn.len());
                drawn.push(policy(random, *role, id));
            }
        }
        let (mut more, mut less) = (0, 0);
        for (table, row) in all_rows() {
            for asker in &ASKERS {
                let seen = (asker.sees_by_role(&row), asker.sees(&drawn, table, &row));
                more += usize::from(seen == (false, true));
                less += usize::from(seen == (true, false));
            }
        }
        if more > 0 && less > 0 {
            counts.more += more;
            counts.less += less;
            return drawn;
        }
    }
    panic!("no rules show more and less");
}

fn all_rows() -> Vec<(&'static str, Value)> {
    let mut all = Vec::new();
    for Source { table, .. } in SOURCES {
        let rows = match table {
            "student_day" => student_days(),
            _ => [events(table, "2025-26"), events(table, "2026-27")].concat(),
        };
        all.extend(rows.into_iter().map(|row| (table, row)));
    }
    all
}

/// What came of drawn statements, and what rules showed: else all could be the same by being
/// nothing.
#[derive(Debug, Default)]
struct Counts {
    asked: usize,
    answered: usize,
    /// With rows.
    filled: usize,
    failed: usize,
    /// Rows that rules showed to somebody.
    more: usize,
    less: usize,
}

impl Counts {
    fn count(&mut self, answer: &Answer) {
        self.asked += 1;
        if answer.status.is_success() {
            self.answered += 1;
            let rows = answer.rows();
            self.filled += usize::from(rows.as_array().is_some_and(|rows| !rows.is_empty()));
        } else {
            self.failed += 1;
        }
    }
}

/// What one may learn of an answer: its rows, or why there are none. On which value it
/// failed only a steward is told.
fn learned(answer: &Answer) -> String {
    match answer.status.is_success() {
        true => {
            let body = answer.json();
            format!("{} {}", body["columns"], body["rows"])
        }
        false => {
            let (status, code, _) = answer.problem();
            format!("{status} {code}")
        }
    }
}

/// The district as somebody sees it: other rows of what rules are about do not exist.
async fn copy(document: &Tenant, asker: &Asker) -> School {
    let policies = &document.access.policies;
    let made = |table: &str, row: Value| {
        let is_asked = SOURCES.iter().any(|source| source.table == table);
        (!is_asked || asker.sees(policies, table, &row)).then_some(row)
    };
    district_made(document.clone(), &made).await
}

fn statements(random: &mut StdRng, asker: &Asker) -> Vec<String> {
    let mut sources = SOURCES.to_vec();
    if asker.role != Role::Researcher {
        sources.extend(WRITTEN);
    }
    // Whose rows are seen, by themselves first.
    let whose = SOURCES.iter().map(|source| {
        let (table, grain) = (source.table, source.grain.replace('@', ""));
        format!("SELECT {grain} FROM {table} ORDER BY {grain}")
    });
    let mut all: Vec<String> = whose.collect();
    all.extend((0..STATEMENTS).map(|_| statement(random, &sources)));
    all
}

fn rounds() -> usize {
    std::env::var(LONG).map_or(3, |text| {
        let rounds = text.parse();
        rounds.unwrap_or_else(|_| panic!("{LONG} is a number"))
    })
}

#[tokio::test]
async fn whoever_asks_is_answered_as_a_steward_of_what_they_see() {
    let mut random = seeded();
    let mut counts = Counts::default();
    for _ in 0..rounds() {
        let mut document = document();
        document.access.policies = policies(&mut random, &mut counts);
        let problems = document.access.problems();
        assert!(problems.is_empty(), "{problems:?}");
        let all = district_of(document.clone()).await;
        let mut asked = Vec::new();
        for asker in &ASKERS {
            let copy = copy(&document, asker).await;
            for (place, sql) in statements(&mut random, asker).into_iter().enumerate() {
                let what = format!("{} by {:?}: {sql}", asker.who, document.access.policies);
                let first = all.ask_as(asker.who, &sql).await;
                // A plan tells of barriers, which a steward has none of, and not of rows:
                // it is that of somebody with the same rights over what they see.
                let own = copy.ask_as(asker.who, &sql).await;
                assert_eq!(told(&first), told(&own), "{what}");
                if !sql.starts_with("EXPLAIN") {
                    let steward = copy.ask_as("steward", &sql).await;
                    assert_eq!(learned(&first), learned(&steward), "{what}");
                    if place >= SOURCES.len() {
                        counts.count(&steward);
                    }
                }
                // By now it may be answered from memory.
                let again = all.ask_as(asker.who, &sql).await;
                assert_eq!(told(&again), told(&first), "{what}");
                asked.push((asker, sql, told(&first)));
            }
        }
        assert!(all.merge_files().await >= 10);
        for (asker, sql, before) in asked {
            let merged = all.ask_as(asker.who, &sql).await;
            assert_eq!(told(&merged), before, "{}, merged: {sql}", asker.who);
        }
    }
    assert!(counts.answered * 2 >= counts.asked, "{counts:?}");
    assert!(counts.filled * 4 >= counts.asked, "{counts:?}");
    assert!(counts.failed * 10 >= counts.asked, "{counts:?}");
    assert!(counts.more > 0 && counts.less > 0, "{counts:?}");
}
