//! How far the lake has come.

use std::path::Path;

use e2e::{Sandbox, eventually, files};
use eventlog::testing::KafkaBroker;
use eventlog::{EventLog as _, KafkaConfig, KafkaLog};
use serde_json::Value;

/// How many records the topic holds.
pub async fn records(kafka: &KafkaBroker) -> u64 {
    let config = KafkaConfig {
        brokers: kafka.address(),
        ..KafkaConfig::default()
    };
    let log = KafkaLog::open(config).await.expect("the broker runs");
    let mut records = 0;
    for partition in 0..log.partitions() {
        records += log.tail(partition).await.expect("the broker answers");
    }
    log.close().await;
    records
}

/// Waits until so many records are published.
pub async fn published(sandbox: &Sandbox, records: u64) {
    eventually("the backlog is published", || async {
        let floor = floors(sandbox);
        (floor >= records)
            .then_some(())
            .ok_or(format!("{floor} of {records}"))
    })
    .await;
}

/// The sum of all floors: how many records are published.
pub fn floors(sandbox: &Sandbox) -> u64 {
    files::all(&sandbox.lake().join("_log"))
        .into_iter()
        .filter_map(|file| std::fs::read(file).ok())
        .filter_map(|bytes| serde_json::from_slice::<Value>(&bytes).ok())
        .filter_map(|floor| floor["position"].as_u64())
        .sum()
}

/// The newest version of the table in a folder.
pub fn version(table: &Path) -> Option<u64> {
    let entries = std::fs::read_dir(table.join("_delta_log")).ok()?;
    let names = entries.filter_map(|entry| entry.ok()?.file_name().into_string().ok());
    names
        .filter_map(|name| name.strip_suffix(".json")?.parse().ok())
        .max()
}

/// What `tests/python/commits.py` finds in a lake from one time to another, in
/// microseconds since 1970.
pub fn commits(sandbox: &Sandbox, from: i64, until: i64) -> Value {
    let lake = sandbox.lake().display().to_string();
    let (from, until) = (from.to_string(), until.to_string());
    e2e::python::run("commits.py", &[&lake, &from, &until])
}
