//! The README's list of events is the list of the types.

use serde_json::{Map, Value, json};

use super::{Data, EventType};
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

/// A value of a type as the list names it.
fn sample(kind: &str) -> Value {
    match kind {
        "text" => json!("x"),
        "any JSON" => json!(["x"]),
        "number" => json!(1.5),
        "whole number" => json!(1),
        "boolean" => json!(true),
        "pairs of numbers" => json!([[0, 1.5]]),
        other => panic!("{other} is no type of a member"),
    }
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
fn every_member_is_listed_with_its_type() {
    for family in Family::ALL {
        let listed = rows(section(family), "| member | type | |");
        // Ingest makes the key of a person's name: the type has a member for that alone.
        let (people, listed): (Vec<_>, Vec<_>) =
            listed.into_iter().partition(|(_, kind)| *kind == "person");
        let read = |members: &Map<String, Value>| {
            Data::from_json(family, &Value::Object(members.clone()).to_string())
        };
        let mut members = Map::new();
        for (name, kind) in &listed {
            members.insert((*name).to_owned(), sample(kind));
            let mut other = members.clone();
            other.insert((*name).to_owned(), json!({"neither": "of them"}));
            assert_eq!(read(&other).is_ok(), *kind == "any JSON", "{family} {name}");
            if *kind == "whole number" {
                other.insert((*name).to_owned(), json!(1.5));
                assert!(read(&other).is_err(), "{family} {name}");
            }
        }
        let mut data = read(&members).expect("each has its type");
        assert_eq!(*data.unknown_mut(), Map::new(), "{family}");
        let keys = people.iter().map(|(name, _)| format!("{name}_key: None"));
        let text = keys.fold(format!("{data:?}"), |text, key| {
            assert!(text.contains(&key), "{family} has no {key}");
            text.replace(&key, "")
        });
        assert!(!text.contains(": None"), "not listed: {text}");
    }
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
