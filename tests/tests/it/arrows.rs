//! The parts depend on each other only as designed.

use std::collections::{BTreeMap, BTreeSet};

use cargo_metadata::{DependencyKind, Metadata, MetadataCommand, Package};
use e2e::files;

/// What each package may build on, of our own.
const MAY_DEPEND_ON: [(&str, &[&str]); 12] = [
    ("schemas", &[]),
    ("runtime", &["schemas"]),
    ("simulate", &["schemas"]),
    ("eventlog", &["schemas"]),
    ("ingest", &["schemas", "runtime", "eventlog"]),
    ("lake", &["schemas"]),
    ("roster", &["schemas"]),
    (
        "transform",
        &["schemas", "runtime", "eventlog", "lake", "roster"],
    ),
    ("query", &["schemas", "runtime", "lake"]),
    (
        "chalkline",
        &[
            "schemas",
            "runtime",
            "simulate",
            "eventlog",
            "ingest",
            "lake",
            "transform",
            "query",
        ],
    ),
    ("seaweed", &[]),
    // From outside; the log's test broker and made-up schools are all that is taken from inside.
    ("e2e", &["chalkline", "eventlog", "seaweed", "simulate"]),
];

/// Libraries whose presence means I/O.
const IO: [&str; 11] = [
    "axum",
    "datafusion",
    "deltalake",
    "fjall",
    "hyper",
    "mio",
    "object_store",
    "rdkafka",
    "reqwest",
    "rustls",
    "tokio",
];

fn metadata() -> Metadata {
    let platform = format!("{}-unknown-linux-gnu", std::env::consts::ARCH);
    let options = ["--offline", "--filter-platform", &platform].map(str::to_owned);
    MetadataCommand::new()
        .manifest_path(files::workspace().join("Cargo.toml"))
        .other_options(options)
        .exec()
        .expect("cargo describes the workspace")
}

/// What the package names in its manifest, tests apart.
fn names(package: &Package) -> BTreeSet<&str> {
    package
        .dependencies
        .iter()
        .filter(|dependency| dependency.kind != DependencyKind::Development)
        .map(|dependency| dependency.name.as_str())
        .collect()
}

/// Everything that gets compiled into the package, tests apart.
fn reaches(metadata: &Metadata, name: &str) -> BTreeSet<String> {
    let resolve = metadata.resolve.as_ref().expect("cargo resolves");
    let edges: BTreeMap<_, _> = resolve.nodes.iter().map(|node| (&node.id, node)).collect();
    let mut open: Vec<_> = metadata
        .workspace_packages()
        .iter()
        .filter(|package| package.name.as_str() == name)
        .map(|package| &package.id)
        .collect();
    let mut reached = BTreeSet::new();
    while let Some(id) = open.pop() {
        for dependency in &edges[id].deps {
            let normal = dependency
                .dep_kinds
                .iter()
                .any(|kind| kind.kind == DependencyKind::Normal);
            if normal && reached.insert(metadata[&dependency.pkg].name.to_string()) {
                open.push(&dependency.pkg);
            }
        }
    }
    reached
}

#[test]
fn our_packages_build_on_each_other_as_designed() {
    let metadata = metadata();
    let packages = metadata.workspace_packages();
    let ours: BTreeSet<&str> = packages
        .iter()
        .map(|package| package.name.as_str())
        .collect();
    let designed: BTreeMap<&str, &[&str]> = MAY_DEPEND_ON.into_iter().collect();
    assert_eq!(ours, designed.keys().copied().collect(), "the packages");
    for package in packages {
        let allowed = designed[package.name.as_str()];
        let wrong: Vec<&str> = names(package)
            .into_iter()
            .filter(|name| ours.contains(name) && !allowed.contains(name))
            .collect();
        assert!(wrong.is_empty(), "{} depends on {wrong:?}", package.name);
    }
}

#[test]
fn one_package_alone_names_each_storage_library() {
    let metadata = metadata();
    for (library, owner) in [
        ("deltalake", "lake"),
        ("rdkafka", "eventlog"),
        ("fjall", "eventlog"),
    ] {
        let naming: Vec<_> = metadata
            .workspace_packages()
            .into_iter()
            // Tests too: what only one crate knows, only one crate tests.
            .filter(|package| package.dependencies.iter().any(|d| d.name == library))
            .map(|package| package.name.to_string())
            .collect();
        assert_eq!(naming, [owner], "{library}");
    }
}

#[test]
fn the_contracts_do_no_io_and_query_knows_no_log() {
    let metadata = metadata();
    let schemas = reaches(&metadata, "schemas");
    let io: Vec<_> = IO.iter().filter(|name| schemas.contains(**name)).collect();
    assert!(io.is_empty(), "schemas reaches {io:?}");
    let query = reaches(&metadata, "query");
    for name in ["eventlog", "transform", "rdkafka", "fjall"] {
        assert!(!query.contains(name), "query reaches {name}");
    }
    let ingest = reaches(&metadata, "ingest");
    for name in ["datafusion", "deltalake", "lake"] {
        assert!(!ingest.contains(name), "ingest reaches {name}");
    }
}

/// What the README says lies somewhere lies there.
#[test]
fn every_file_that_the_readme_names_is_there() {
    let workspace = e2e::files::workspace();
    let readme = std::fs::read_to_string(workspace.join("README.md")).expect("a README");
    let named: Vec<&str> = readme
        .split('`')
        .skip(1)
        .step_by(2)
        .filter(|text| text.contains('/') && !text.contains(|c: char| c.is_whitespace()))
        .filter(|text| text.ends_with(".rs") || text.ends_with(".md") || text.ends_with(".sh"))
        .collect();
    assert!(named.len() > 15, "only {named:?}");
    for path in named {
        assert!(workspace.join(path).is_file(), "README.md names {path}");
    }
}
