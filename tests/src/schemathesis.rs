//! Schemathesis: asks all that a service's document tells of, in ways that fit the document
//! and in ways that do not, and judges each answer by it.

use std::collections::BTreeSet;
use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Command, Output};

use serde_json::Value;

use crate::{files, python};

/// The methods that a document can tell of.
const METHODS: [&str; 8] = [
    "get", "put", "post", "delete", "options", "head", "patch", "trace",
];

/// How much is asked: of each operation `CHALKLINE_TORTURE_EXAMPLES` ways by chance and all
/// ways to miss what the document says; else a few ways. No time is set, at whose end some
/// would not have been asked.
fn extent() -> Vec<String> {
    match std::env::var("CHALKLINE_TORTURE_EXAMPLES") {
        Ok(examples) => vec!["--max-examples".to_owned(), examples],
        Err(_) => ["--max-examples=16", "--phases=examples,fuzzing"]
            .map(str::to_owned)
            .into(),
    }
}

/// Who asks for what; the same for the same document, whoever runs it.
#[derive(Debug, Clone, Copy)]
pub struct Schemathesis<'a> {
    /// The address of the service.
    pub address: &'a str,
    /// What is sent as `Authorization: Bearer`.
    pub credential: Option<&'a str>,
    /// What it says of itself.
    pub document: &'a Value,
    /// Paths that are not asked for.
    pub without: &'a [&'a str],
    /// Checks that do not hold here.
    pub unjudged: &'a [&'a str],
}

/// The document with bodies of JSON alone: others Schemathesis cannot make.
fn askable(document: &Value) -> Value {
    let mut document = document.clone();
    let paths = document["paths"].as_object_mut().into_iter().flatten();
    for (_, path) in paths {
        let Some(operations) = path.as_object_mut() else {
            continue;
        };
        operations.retain(|_, operation| {
            let bodies = operation.pointer_mut("/requestBody/content");
            let Some(bodies) = bodies.and_then(Value::as_object_mut) else {
                return true;
            };
            bodies.retain(|media_type, _| media_type == "application/json");
            !bodies.is_empty()
        });
    }
    document
}

/// The operations of a document but those of some paths, as Schemathesis calls them:
/// `GET /v1/tables`.
fn operations(document: &Value, without: &[&str]) -> BTreeSet<String> {
    let paths = document["paths"].as_object().into_iter().flatten();
    let paths = paths.filter(|(path, _)| !without.contains(&path.as_str()));
    paths
        .flat_map(|(path, told)| {
            let methods = METHODS.into_iter();
            let methods = methods.filter(move |method| told.get(*method).is_some());
            methods.map(move |method| format!("{} {path}", method.to_uppercase()))
        })
        .collect()
}

/// The operations that were asked and have answered, by a report of lines of JSON.
fn asked(report: &Path) -> BTreeSet<String> {
    let report = BufReader::new(File::open(report).expect("a report"));
    let mut asked = BTreeSet::new();
    for line in report.lines() {
        let event: Value = serde_json::from_str(&line.expect("text")).expect("JSON");
        let scenario = &event["ScenarioFinished"]["recorder"];
        let mut exchanges = scenario["interactions"].as_object().into_iter().flatten();
        if exchanges.any(|(_, exchange)| exchange["response"].is_object()) {
            let operation = scenario["label"].as_str().expect("an operation");
            asked.insert(operation.to_owned());
        }
    }
    asked
}

impl Schemathesis<'_> {
    /// Asks, and insists that every answer is one of which the document tells, and that
    /// every operation has given one.
    ///
    /// # Panics
    /// When an answer is not, or a server error: with what Schemathesis says of it, among
    /// which is a line for `curl`. When operations were not asked: with their names. Also
    /// when it is not installed.
    pub fn run(&self) {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let configuration = files::workspace().join("tests/python/schemathesis.toml");
        let document = askable(self.document).to_string();
        std::fs::write(folder.path().join("openapi.json"), document).expect("a file");
        let mut command = Command::new(python::program("schemathesis"));
        command
            .current_dir(folder.path())
            .arg("--config-file")
            .arg(configuration)
            .args(["run", "openapi.json", "--url", self.address])
            .args(["--report=ndjson", "--report-ndjson-path=asked.ndjson"])
            .args(extent());
        if !self.unjudged.is_empty() {
            command.args(["--exclude-checks", &self.unjudged.join(",")]);
        }
        for path in self.without {
            command.args(["--exclude-path", path]);
        }
        if let Some(credential) = self.credential {
            command.args(["--header", &format!("Authorization: Bearer {credential}")]);
        }
        let Output { status, stdout, .. } = command.output().expect("Schemathesis starts");
        let said = String::from_utf8_lossy(&stdout);
        assert!(status.success(), "{self:?}: {said}");
        let told = operations(self.document, self.without);
        assert!(!told.is_empty(), "{self:?}");
        let asked = asked(&folder.path().join("asked.ndjson"));
        let missed: Vec<&String> = told.difference(&asked).collect();
        assert!(missed.is_empty(), "not asked: {missed:?}: {said}");
    }
}
