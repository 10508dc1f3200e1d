//! `chalkline roster sync postgres`: what the views show is what is stored.

mod every;
mod mapping;
mod race;
mod restarts;
mod rows;
mod told;
mod trouble;

use std::time::Duration;

use e2e::{Database, Sandbox};
use serde_json::{Value, json};

/// The arguments that read a database as the reader does.
fn arguments<'a>(url: &'a str, tenant: &'a str, more: &[&'a str]) -> Vec<&'a str> {
    let sync = ["roster", "sync", "postgres", "--url", url];
    [&sync[..], &["--tenant", tenant], more].concat()
}

/// Reads the database, and answers what is known of it then.
fn sync(sandbox: &Sandbox, database: &Database, more: &[&str]) -> Value {
    let url = database.url("chalkline_reader");
    sandbox.cli(&arguments(&url, &sandbox.tenant.id, more))
}

/// Reads it with success, and answers how that went: the state, and whether all was read.
fn synced(sandbox: &Sandbox, database: &Database, more: &[&str]) -> (String, bool) {
    let source = sync(sandbox, database, more);
    let state = source["last"]["state"].as_str().expect("a state");
    let full = source["last"]["full"]
        .as_bool()
        .expect("whether it is full");
    (state.to_owned(), full)
}

fn done() -> String {
    "done".to_owned()
}

fn unchanged() -> String {
    "unchanged".to_owned()
}

/// Reading all of it anew changes nothing: what is stored is what the views show.
#[track_caller]
fn assert_stored(sandbox: &Sandbox, database: &Database) {
    let preview = sync(sandbox, database, &["--full", "--dry-run"]);
    let tables = preview["tables"].as_object().expect("tables");
    assert!(tables.len() >= 5, "{preview}");
    for (name, table) in tables {
        let counts = &table["counts"];
        for what in ["added", "changed", "ended"] {
            assert_eq!(counts[what], 0, "{name}: {table}");
        }
    }
}

/// Runs a sync that fails, and answers what it prints.
async fn fails(sandbox: &Sandbox, name: &str, url: &str, more: &[&str]) -> String {
    let arguments = arguments(url, &sandbox.tenant.id, more);
    let mut process = sandbox.spawn(name, &arguments);
    let ended = process.exit_within(Duration::from_secs(120)).await;
    assert_eq!(ended.expect("it ends").code(), Some(1), "{}", process.log());
    process.log()
}

/// What is listed of the only database.
fn source(sandbox: &Sandbox) -> Value {
    let sources = sandbox.cli(&["roster", "sources", "--tenant", &sandbox.tenant.id]);
    assert_eq!(sources.as_array().map(Vec::len), Some(1), "{sources}");
    sources[0].clone()
}

fn jobs(sandbox: &Sandbox) -> Vec<Value> {
    let jobs = [
        "roster",
        "jobs",
        "--last",
        "100",
        "--tenant",
        &sandbox.tenant.id,
    ];
    sandbox.cli(&jobs).as_array().expect("a list").clone()
}

/// What changed in a table: added, changed, ended.
fn changes(source: &Value, table: &str) -> Value {
    let counts = &source["last"]["tables"][table];
    json!([counts["added"], counts["changed"], counts["ended"]])
}
