//! The README's list of events is the list of the types.

use std::collections::BTreeMap;
use std::path::Path;

use serde_json::{Map, Value, json};

use super::{Data, EVENT, EventType, Kind, Member, data_members, json_schema};
use crate::Family;

const README: &str = include_str!("../../README.md");

/// What the README says of a family.
fn section(family: Family) -> &'static str {
    let heading = format!("\n### {family}\n");
    let (_, rest) = README.split_once(&heading).expect("a section");
    rest.split("\n### ").next().unwrap_or_default()
}

/// The rows of the table with that heading: the name in the first cell, and the second.
fn rows(section: &'static str, heading: &str) -> Vec<(&'static str, &'static str)> {
    let (_, rest) = section.split_once(heading).expect("a table");
    let lines = rest
        .lines()
        .skip(2)
        .take_while(|line| line.starts_with('|'));
    let cells = |line: &'static str| {
        let mut cells = line.split('|').skip(1).map(|cell| cell.trim());
        let name = cells.next().unwrap_or_default().trim_matches('`');
        (name, cells.next().unwrap_or_default())
    };
    lines.map(cells).collect()
}

/// A value that the kind of member takes.
fn sample(kind: Kind) -> Value {
    match kind {
        Kind::Text(_) | Kind::Person => json!("x"),
        Kind::Word(words) => json!(words[0]),
        Kind::Any(_) => json!(["x"]),
        Kind::Id => json!("0197c3b2-8a5e-7c10-9d55-3f1f6f0c1a10"),
        Kind::Time => json!("2026-09-14T10:00:00Z"),
        Kind::Number(range) => json!(range.to),
        Kind::Whole(from, _) => json!(from),
        Kind::Boolean => json!(true),
        Kind::Object => json!({}),
        Kind::Segments => json!([[0, 1.5]]),
    }
}

/// The rows of the list for these members.
fn expected(members: &[Member]) -> Vec<String> {
    let row = |m: &Member| format!("| `{}` | {} | {} |", m.names[0], m.kind.name(), m.about);
    members.iter().map(row).collect()
}

/// The rows of the table of members in a part of the list.
fn listed(section: &str) -> Vec<String> {
    let (_, rest) = section.split_once("| member | type | |").expect("a table");
    let rows = rest.lines().skip(2).take_while(|l| l.starts_with('|'));
    rows.map(str::to_owned).collect()
}

#[test]
fn every_type_is_listed_with_what_it_requires() {
    for family in Family::ALL {
        let listed = rows(section(family), "| type | must carry |");
        let types = EventType::all().iter().filter(|t| t.family == family);
        let expected: Vec<_> = types
            .map(|event_type| {
                let one = |pointer: &&str| format!("`{}`", pointer[1..].replace('/', "."));
                let requires = event_type.requires.iter().map(|alternatives| {
                    let names: Vec<_> = alternatives.iter().map(one).collect();
                    names.join(" or ")
                });
                (event_type.name, requires.collect::<Vec<_>>().join(", "))
            })
            .collect();
        let listed: Vec<_> = listed
            .into_iter()
            .map(|(name, requires)| (name, requires.to_owned()))
            .collect();
        assert_eq!(listed, expected, "{family}");
    }
}

#[test]
fn what_only_servers_post_is_listed() {
    let (_, rest) = README
        .split_once("\nOnly a secret key posts ")
        .expect("a sentence");
    let (sentence, _) = rest.split_once(':').expect("its end");
    let listed: Vec<_> = sentence.split('`').skip(1).step_by(2).collect();
    let types = EventType::all().iter().filter(|t| t.server_only);
    assert_eq!(listed, types.map(|t| t.name).collect::<Vec<_>>());
}

#[test]
fn every_member_is_listed_with_its_type() {
    assert_eq!(listed(README), expected(EVENT));
    for family in Family::ALL {
        let members = data_members(family);
        assert_eq!(listed(section(family)), expected(members), "{family}");
    }
}

#[test]
fn every_member_of_data_is_read_under_each_of_its_names() {
    for family in Family::ALL {
        let people = |m: &&Member| m.kind == Kind::Person;
        let members = || data_members(family).iter().filter(|m| !people(m));
        let read = |members: &Map<String, Value>| {
            Data::from_json(family, &Value::Object(members.clone()).to_string())
        };
        for at in 0..2 {
            let name = |m: &Member| (*m.names.get(at).unwrap_or(&m.names[0])).to_owned();
            let all = members().map(|m| (name(m), sample(m.kind)));
            let all: Map<_, _> = all.collect();
            for member in members() {
                let mut other = all.clone();
                other.insert(name(member), json!({"neither": "of them"}));
                let any = matches!(member.kind, Kind::Any(_));
                assert_eq!(read(&other).is_ok(), any, "{family} {member:?}");
                if matches!(member.kind, Kind::Whole(..)) {
                    other.insert(name(member), json!(1.5));
                    assert!(read(&other).is_err(), "{family} {member:?}");
                }
            }
            let mut data = read(&all).expect("each has its type");
            assert_eq!(*data.unknown_mut(), Map::new(), "{family}");
            // Ingest makes the key of a person's name: the type has a member for that alone.
            let mut text = format!("{data:?}");
            for person in data_members(family).iter().filter(people) {
                let (column, key) = data.key_mut(person.names[0]).expect("a column for it");
                assert_eq!(*key, None);
                text = text.replace(&format!("{column}: None"), "");
            }
            assert!(!text.contains(": None"), "not listed: {text}");
        }
    }
}

/// The files in `events/` are what senders read without asking a server.
/// `UPDATE=1 cargo test --workspace` writes them anew.
#[test]
fn the_json_schemas_are_those_of_the_types() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("events");
    let mut files: BTreeMap<String, String> = EventType::all()
        .iter()
        .map(|event_type| {
            let json = serde_json::to_string_pretty(&json_schema(event_type));
            let name = format!("{}.json", event_type.name);
            (name, json.expect("JSON prints as JSON") + "\n")
        })
        .collect();
    if std::env::var_os("UPDATE").is_some() {
        std::fs::create_dir_all(&folder).expect("a folder");
        for (name, json) in &files {
            std::fs::write(folder.join(name), json).expect("a file");
        }
    }
    for file in std::fs::read_dir(&folder).expect("the folder") {
        let file = file.expect("a file");
        let name = file.file_name().into_string().expect("UTF-8");
        let json = std::fs::read_to_string(file.path()).expect("UTF-8");
        assert_eq!(
            files.remove(&name),
            Some(json),
            "{name}: is there such a type?"
        );
    }
    assert!(files.is_empty(), "run with UPDATE=1: {:?}", files.keys());
}

#[test]
fn the_examples_are_events_of_their_families() {
    for family in Family::ALL {
        let (_, rest) = section(family).split_once("```json").expect("an example");
        let example = rest.split("```").next().unwrap_or_default();
        let example: Value = serde_json::from_str(example).expect("JSON");
        let name = example["type"].as_str().expect("a type");
        let event_type = EventType::from_name(name).expect("a known type");
        assert_eq!(event_type.family, family);
        for alternatives in event_type.requires {
            let has = |pointer: &&str| example.pointer(pointer).is_some();
            assert!(
                alternatives.iter().any(has),
                "{name} needs {alternatives:?}"
            );
        }
        let mut data = Data::from_json(family, &example["data"].to_string()).expect("its data");
        let unknown: Vec<_> = data.unknown_mut().keys().collect();
        assert!(
            unknown
                .iter()
                .all(|name| ["by", "reply_to"].contains(&name.as_str())),
            "{unknown:?}"
        );
    }
}
