use std::collections::BTreeSet;

use runtime::openapi::page;

use super::*;
use crate::outcome::Reason;

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
fn every_reference_leads_somewhere_and_every_response_is_referred_to() {
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
    let responses = document["components"]["responses"]
        .as_object()
        .expect("responses");
    for name in responses
        .keys()
        .filter(|name| !name.starts_with("Elsewhere"))
    {
        let name = format!("#/components/responses/{name}");
        assert!(named.contains(name.as_str()), "{name}");
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
        assert!(
            TAGS.iter().any(|(name, _)| *name == operation.tag),
            "{operation:?}"
        );
        let in_path = operation.path.matches('{').count();
        let named = operation.parameters.iter().filter(|p| p["in"] == "path");
        assert_eq!(in_path, named.count(), "{operation:?}");
    }
}

#[test]
fn every_code_stands_in_the_document_in_the_page_and_in_the_readme() {
    let document = document();
    let readme = include_str!("../../README.md");
    let page = page::render(&document);
    let schemas = &document["components"]["schemas"];
    let of_events: Vec<_> = schemas["EventCode"]["oneOf"]
        .as_array()
        .expect("codes")
        .iter()
        .map(|code| code["const"].as_str().expect("text"))
        .collect();
    let reasons: Vec<_> = Reason::ALL.iter().map(|reason| reason.code()).collect();
    assert_eq!(of_events, reasons);
    let of_requests = schemas["Problem"]["properties"]["code"]["enum"].as_array();
    let of_requests = of_requests.expect("codes").iter().filter_map(Value::as_str);
    for code in of_requests.chain(reasons) {
        assert!(
            readme.contains(&format!("`{code}`")),
            "{code} is not in the README"
        );
        assert!(
            page.contains(&format!("<code>{code}</code>")),
            "{code} is not in the page"
        );
    }
}

#[test]
fn what_reasons_mean_is_said_in_sentences() {
    for reason in Reason::ALL {
        let about = reason.about();
        assert!(about.ends_with('.') && !about.contains("  "), "{about}");
        assert!(!about.contains('['), "{about}");
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
    assert_eq!(page.matches("<style>").count(), 1);
    assert!(!page::policy().contains("unsafe"));
    for (path, _) in document["paths"].as_object().expect("paths") {
        assert!(page.contains(&format!("<code>{path}</code>")), "{path}");
    }
    // What is linked to is there.
    for link in page.split("href=\"#").skip(1) {
        let id = link.split('"').next().expect("an id");
        assert_eq!(page.matches(&format!(" id=\"{id}\"")).count(), 1, "{id}");
    }
}
