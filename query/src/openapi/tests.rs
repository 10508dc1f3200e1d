use std::collections::{BTreeMap, BTreeSet};

use runtime::openapi::page;

use super::*;

const README: &str = include_str!("../../README.md");

/// All values of an object's member of this name, however deep.
fn members<'a>(value: &'a Value, name: &str, found: &mut Vec<&'a Value>) {
    match value {
        Value::Object(object) => {
            for (member, value) in object {
                if member == name {
                    found.push(value);
                }
                members(value, name, found);
            }
        }
        Value::Array(values) => values.iter().for_each(|value| members(value, name, found)),
        _ => {}
    }
}

#[test]
fn every_reference_leads_somewhere_and_every_component_is_referred_to() {
    let document = document();
    let mut references = Vec::new();
    members(&document, "$ref", &mut references);
    let mut named = BTreeSet::new();
    for reference in references {
        let name = reference.as_str().expect("text");
        let pointer = name.strip_prefix('#').expect("within the document");
        assert!(document.pointer(pointer).is_some(), "{name}");
        named.insert(name);
    }
    for kind in ["schemas", "headers", "responses"] {
        let components = document["components"][kind].as_object();
        let names = components.expect("components").keys();
        for name in names.filter(|name| !name.starts_with("Elsewhere")) {
            let name = format!("#/components/{kind}/{name}");
            assert!(named.contains(name.as_str()), "{name}");
        }
    }
}

#[test]
fn operations_have_names_of_their_own_and_groups_that_are_told() {
    let operations = operations();
    let ids: BTreeSet<_> = operations.iter().map(|operation| &operation.id).collect();
    assert_eq!(ids.len(), operations.len());
    let places: BTreeSet<_> = operations.iter().map(|o| (&o.path, o.method)).collect();
    assert_eq!(places.len(), operations.len());
    for operation in &operations {
        let tags = TAGS.iter().any(|(name, _)| *name == operation.tag);
        assert!(tags, "{operation:?}");
        let mut parameters = BTreeSet::new();
        for parameter in &operation.parameters {
            let place = [&parameter["in"], &parameter["name"]];
            assert!(parameters.insert(place.map(Value::to_string)), "{place:?}");
        }
    }
}

#[test]
fn every_report_has_its_filters() {
    let document = document();
    for report in schemas::reports() {
        let place = format!("/v1/reports/{}", report.name);
        let told = &document["paths"][&place]["get"]["parameters"];
        let told = told.as_array().expect("parameters").iter();
        let told: BTreeSet<_> = told.filter_map(|one| one["name"].as_str()).collect();
        for column in &report.columns {
            assert!(told.contains(column.name), "{place} {}", column.name);
        }
    }
}

/// The codes of the README's table, each with the statuses that it may have.
fn readme() -> BTreeMap<&'static str, BTreeSet<u16>> {
    let (_, table) = README.split_once("| status | code | |").expect("a table");
    let mut codes: BTreeMap<_, BTreeSet<u16>> = BTreeMap::new();
    for row in table.lines().skip(2).take_while(|row| row.starts_with('|')) {
        let cells: Vec<&str> = row.split('|').map(str::trim).collect();
        let statuses = cells[1]
            .split(", ")
            .map(|status| status.parse().expect("a status"));
        let statuses: Vec<u16> = statuses.collect();
        for code in cells[2].split('`').skip(1).step_by(2) {
            codes.entry(code).or_default().extend(&statuses);
        }
    }
    codes
}

#[test]
fn what_may_be_asked_again_says_when() {
    let document = document();
    let responses = &document["components"]["responses"];
    for (name, is_told) in [
        ("Rows409", true),
        ("Submit409", false),
        ("Submit429", true),
        ("Sql503", true),
        ("Sql504", false),
    ] {
        assert!(responses[name].is_object(), "{name}");
        let header = &responses[name]["headers"]["Retry-After"];
        assert_eq!(header.is_object(), is_told, "{name}");
    }
}

#[test]
fn the_codes_are_those_of_the_readme() {
    let readme = readme();
    let page = page::render(&document());
    let problems: Vec<_> = Set::ALL.iter().flat_map(|set| set.problems()).collect();
    for problem in &problems {
        let (code, status) = (problem.code, problem.status);
        let statuses = readme.get(code);
        let is_told = statuses.is_some_and(|statuses| statuses.contains(&status));
        assert!(is_told, "{status} {code} is not in the README");
        assert!(page.contains(&format!("<code>{code}</code>")), "{code}");
    }
    let told: BTreeSet<_> = problems.iter().map(|problem| problem.code).collect();
    assert_eq!(readme.into_keys().collect::<BTreeSet<_>>(), told);
}

#[test]
fn the_examples_are_those_of_the_readme() {
    let document = document();
    let blocks = README.split("```").skip(1).step_by(2);
    let blocks = blocks.filter_map(|block| block.strip_prefix("json\n"));
    let blocks: Vec<Value> = blocks
        .map(|block| serde_json::from_str(block).expect("JSON"))
        .collect();
    for (path, method) in [
        ("/v1/sql", "post"),
        ("/v1/reports/{name}", "get"),
        ("/v1/embed-tokens", "post"),
    ] {
        let asked = &document["paths"][path][method];
        let answer = &asked["responses"]["200"]["content"]["application/json"]["example"];
        assert!(blocks.contains(answer), "{path}: {answer}");
        let body = &asked["requestBody"]["content"]["application/json"]["example"];
        let body = body.as_object().into_iter().flatten();
        for (member, value) in body {
            // The README breaks lines, where JSON may have them.
            let value = format!("\"{member}\": {}", value.to_string().replace(':', ": "));
            let is_there = README.contains(&value) || README.contains(&value.replace(": ", ":"));
            assert!(is_there, "{path}: {value}");
        }
    }
}

#[test]
fn the_page_loads_and_runs_nothing() {
    let document = document();
    let page = page::render(&document);
    for forbidden in [
        "<script",
        " onclick=",
        " style=",
        "src=\"http",
        "url(",
        "@import",
    ] {
        assert!(!page.contains(forbidden), "{forbidden}");
    }
    for (path, _) in document["paths"].as_object().expect("paths") {
        assert!(page.contains(&format!("<code>{path}</code>")), "{path}");
    }
    // What is linked to is there.
    for link in page.split("href=\"#").skip(1) {
        let id = link.split('"').next().expect("an id");
        assert_eq!(page.matches(&format!(" id=\"{id}\"")).count(), 1, "{id}");
    }
}
