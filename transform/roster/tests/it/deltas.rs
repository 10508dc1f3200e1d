//! Any sequence of deltas equals one bulk of the final state.

use std::collections::BTreeMap;

use proptest::prelude::*;
use roster::{Rules, TableSummary};

use crate::school::{Files, of};
use crate::store::{Store, check, today};

/// A school small enough that people, classes and sessions come, change and go often.
#[derive(Debug, Clone, Default)]
struct School {
    /// What session 1 is part of: session 0, or nothing.
    sessions: BTreeMap<u8, u8>,
    /// A title, and sessions as a set of bits.
    sections: BTreeMap<u8, (u8, u8)>,
    /// A role, a name, and whom the user names as agent.
    users: BTreeMap<u8, (u8, u8, u8)>,
    /// A section, a user, and a day on which it ends.
    enrollments: BTreeMap<u8, (u8, u8, u8)>,
}

/// One thing that happens in the school.
#[derive(Debug, Clone)]
enum Event {
    Session(u8, Option<u8>),
    Section(u8, Option<(u8, u8)>),
    User(u8, Option<(u8, u8, u8)>),
    Enrollment(u8, Option<(u8, u8, u8)>),
}

fn put<V: Copy>(table: &mut BTreeMap<u8, V>, key: u8, value: Option<V>) {
    match value {
        Some(value) => table.insert(key, value),
        None => table.remove(&key),
    };
}

impl School {
    fn happens(&mut self, event: &Event) {
        match event {
            Event::Session(key, value) => put(&mut self.sessions, *key, *value),
            Event::Section(key, value) => put(&mut self.sections, *key, *value),
            Event::User(key, value) => put(&mut self.users, *key, *value),
            Event::Enrollment(key, value) => put(&mut self.enrollments, *key, *value),
        }
        // Whoever deletes a class or a person deletes their enrollments as well.
        let Self {
            sections,
            users,
            enrollments,
            ..
        } = self;
        enrollments.retain(|_, (section, user, _)| {
            sections.contains_key(section) && users.contains_key(user)
        });
    }

    /// For each file its rows by id, without id, status and date.
    fn rows(&self, version: &str) -> BTreeMap<&'static str, BTreeMap<String, String>> {
        let mut files: BTreeMap<_, BTreeMap<String, String>> = BTreeMap::new();
        let mut add = |file, id: String, rest: String| {
            files.entry(file).or_default().insert(id, rest);
        };
        for (key, parent) in &self.sessions {
            let parent = if *key == 1 && *parent == 1 { "s0" } else { "" };
            let end = if *key == 0 {
                "2026-12-31"
            } else {
                "2026-10-31"
            };
            let rest = format!("Session,term,2026-08-01,{end},{parent},2027");
            add("academicSessions.csv", format!("s{key}"), rest);
        }
        for (key, (title, sessions)) in &self.sections {
            let ids = ["\"s0\"", "\"s1\"", "\"s0,s1\""][usize::from(*sessions)];
            let rest = format!("Class {title},,c,,scheduled,,high,{ids},,,");
            add("classes.csv", format!("c{key}"), rest);
        }
        for (key, (role, name, agent)) in &self.users {
            let role = ["student", "teacher", "parent"][usize::from(*role)];
            let names = format!("u{key},,N{name},Name,,,,,,u{agent},,");
            if version == "1.1" {
                let rest = format!("true,high,{role},{names}");
                add("users.csv", format!("u{key}"), rest);
            } else {
                add(
                    "users.csv",
                    format!("u{key}"),
                    format!("true,{names},,,,,,"),
                );
                let rest = format!("u{key},primary,{role},,,high,");
                add("roles.csv", format!("r{key}"), rest);
            }
        }
        for (key, (section, user, day)) in &self.enrollments {
            let end = if *day == 0 {
                String::new()
            } else {
                format!("2026-09-{day:02}")
            };
            let rest = format!("c{section},high,u{user},student,,,{end}");
            add("enrollments.csv", format!("e{key}"), rest);
        }
        files
    }
}

fn header(file: &str, version: &str) -> &'static str {
    match (file, version) {
        ("academicSessions.csv", _) => "title,type,startDate,endDate,parentSourcedId,schoolYear",
        ("classes.csv", _) => {
            "title,grades,courseSourcedId,classCode,classType,location,schoolSourcedId,termSourcedIds,subjects,subjectCodes,periods"
        }
        ("users.csv", "1.1") => {
            "enabledUser,orgSourcedIds,role,username,userIds,givenName,familyName,middleName,identifier,email,sms,phone,agentSourcedIds,grades,password"
        }
        ("users.csv", _) => {
            "enabledUser,username,userIds,givenName,familyName,middleName,identifier,email,sms,phone,agentSourcedIds,grades,password,userMasterIdentifier,preferredGivenName,preferredMiddleName,preferredFamilyName,primaryOrgSourcedId,pronouns"
        }
        ("roles.csv", _) => {
            "userSourcedId,roleType,role,beginDate,endDate,orgSourcedId,userProfileSourcedId"
        }
        _ => "classSourcedId,schoolSourcedId,userSourcedId,role,primary,beginDate,endDate",
    }
}

fn bundle(files: BTreeMap<&'static str, Vec<String>>, version: &str, mode: &str) -> Files {
    let texts: Vec<_> = files
        .into_iter()
        .map(|(file, rows)| {
            let header = header(file, version);
            let rows = rows.join("\n");
            (
                file,
                format!("sourcedId,status,dateLastModified,{header}\n{rows}\n"),
            )
        })
        .collect();
    let texts: Vec<_> = texts
        .iter()
        .map(|(file, text)| (*file, text.as_str()))
        .collect();
    of(version, mode, &texts)
}

/// What changed from one state to the next, as the source would send it on that day.
fn delta(before: &School, after: &School, step: usize, version: &str) -> Option<Files> {
    let time = format!("2026-09-{:02}T00:00:00.000Z", step + 1);
    let (before, after) = (before.rows(version), after.rows(version));
    let mut files: BTreeMap<_, Vec<String>> = BTreeMap::new();
    let nothing = BTreeMap::new();
    for file in before.keys().chain(after.keys()) {
        let old = before.get(file).unwrap_or(&nothing);
        let new = after.get(file).unwrap_or(&nothing);
        let mut rows = Vec::new();
        for (id, rest) in new {
            if old.get(id) != Some(rest) {
                rows.push(format!("{id},active,{time},{rest}"));
            }
        }
        for (id, rest) in old.iter().filter(|(id, _)| !new.contains_key(*id)) {
            rows.push(format!("{id},tobedeleted,{time},{rest}"));
        }
        if !rows.is_empty() {
            // Files are in no order.
            rows.reverse();
            files.insert(*file, rows);
        }
    }
    (!files.is_empty()).then(|| bundle(files, version, "delta"))
}

fn bulk(school: &School, version: &str) -> Option<Files> {
    let files: BTreeMap<_, Vec<String>> = school
        .rows(version)
        .into_iter()
        .map(|(file, rows)| {
            let rows = rows.iter().map(|(id, rest)| format!("{id},,,{rest}"));
            (file, rows.collect())
        })
        .collect();
    (!files.is_empty()).then(|| bundle(files, version, "bulk"))
}

fn event() -> impl Strategy<Value = Event> {
    let maybe = proptest::option::weighted::<std::ops::Range<u8>>;
    prop_oneof![
        (0..2_u8, maybe(0.8, 0..2)).prop_map(|(key, value)| Event::Session(key, value)),
        (0..3_u8, proptest::option::weighted(0.8, (0..3_u8, 0..3_u8)))
            .prop_map(|(key, value)| Event::Section(key, value)),
        (
            0..4_u8,
            proptest::option::weighted(0.8, (0..3_u8, 0..3_u8, 0..4_u8))
        )
            .prop_map(|(key, value)| Event::User(key, value)),
        (
            0..6_u8,
            proptest::option::weighted(0.8, (0..3_u8, 0..4_u8, 0..3_u8))
        )
            .prop_map(|(key, value)| Event::Enrollment(key, value)),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    #[test]
    fn any_sequence_of_deltas_equals_one_bulk(
        days in proptest::collection::vec(proptest::collection::vec(event(), 1..12), 1..6),
        version in prop_oneof![Just("1.1"), Just("1.2")],
    ) {
        let mut by_deltas = Store::default();
        let mut school = School::default();
        for (step, events) in days.iter().enumerate() {
            let before = school.clone();
            events.iter().for_each(|event| school.happens(event));
            if let Some(files) = delta(&before, &school, step, version) {
                by_deltas.import(files.bundle());
            }
        }
        let mut by_bulk = Store::default();
        let last = bulk(&school, version);
        if let Some(files) = &last {
            by_bulk.import(files.bundle());
        }
        prop_assert_eq!(by_deltas.values(), by_bulk.values());

        // So the bulk changes nothing where the deltas have been.
        if let Some(files) = &last {
            let checked = check(files.bundle(), &by_deltas);
            let rules = Rules::default();
            let comparison = checked.compare(&by_deltas, &rules, today()).expect("compared");
            prop_assert!(comparison.summary().values().all(TableSummary::is_unchanged));
        }
    }
}
