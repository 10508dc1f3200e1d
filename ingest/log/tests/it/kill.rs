//! `kill -9` of a process that appends: what it acknowledged is there.
//!
//! The child is this test binary again, told by an environment variable to
//! append and to print every acknowledged record until it is killed.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use bytes::Bytes;
use eventlog::{EmbeddedConfig, EmbeddedLog, EventLog, Headers, Position, Record};

use crate::position;

const FOLDER: &str = "CHALKLINE_TEST_KILL_FOLDER";
const ROUNDS: usize = 6;

fn config(path: &Path) -> EmbeddedConfig {
    EmbeddedConfig {
        partitions: 3,
        ..EmbeddedConfig::new(path)
    }
}

/// Not a test of its own: the process that [`acknowledged_records_survive_kill_9`] kills.
#[test]
fn child() {
    let Some(folder) = std::env::var_os(FOLDER) else {
        return;
    };
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(async {
        let log = std::sync::Arc::new(EmbeddedLog::open(config(Path::new(&folder))).await.unwrap());
        print_line(&format!("id {}", log.id()));
        let tasks = (0..4).map(|task| {
            let log = std::sync::Arc::clone(&log);
            tokio::spawn(async move {
                for n in 0u64.. {
                    let values = (0..20).map(|i| format!("{}-{task}-{n}-{i}", std::process::id()));
                    let values: Vec<_> = values.collect();
                    let records = values.iter().map(|value| Record {
                        key: value.clone().into(),
                        headers: Headers::default(),
                        value: format!("{value}{}", "x".repeat(500)).into(),
                    });
                    let answers = log.append(records.collect()).await;
                    for (answer, value) in answers.into_iter().zip(&values) {
                        let position = position(answer);
                        print_line(&format!(
                            "ack {} {} {value}",
                            position.partition, position.offset
                        ));
                    }
                }
            })
        });
        futures::future::join_all(tasks).await;
    });
}

/// One write per line, so that a kill tears at most the last one.
fn print_line(line: &str) {
    std::io::stdout()
        .lock()
        .write_all(format!("\n{line}\n").as_bytes())
        .unwrap();
}

#[tokio::test]
async fn acknowledged_records_survive_kill_9() {
    let folder = tempfile::tempdir().unwrap();
    let mut id = None;
    let mut acked: BTreeMap<Position, String> = BTreeMap::new();
    for round in 0..ROUNDS {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "kill::child", "--nocapture"])
            .env(FOLDER, folder.path())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        // Killed in the midst of appending, each time at another point.
        let kill_after = 500 + 700 * round;
        let mut seen = 0;
        for line in BufReader::new(child.stdout.take().unwrap()).split(b'\n') {
            let line = String::from_utf8(line.unwrap()).unwrap();
            let words: Vec<_> = line.split(' ').collect();
            match words[..] {
                ["id", found] => assert_eq!(id.get_or_insert(found.to_owned()), found),
                ["ack", partition, offset, value] => {
                    let (Ok(partition), Ok(offset)) = (partition.parse(), offset.parse()) else {
                        continue;
                    };
                    let before = acked.insert(Position { partition, offset }, value.to_owned());
                    assert_eq!(before, None, "a position was given twice");
                    seen += 1;
                    if seen == kill_after {
                        child.kill().unwrap();
                    }
                }
                _ => {}
            }
        }
        child.wait().unwrap();
        assert!(
            seen >= kill_after,
            "the child ended by itself after {seen} records"
        );
    }

    let log = EmbeddedLog::open(config(folder.path())).await.unwrap();
    assert_eq!(Some(log.id().as_str()), id.as_deref());
    let mut stored: BTreeMap<Position, Bytes> = BTreeMap::new();
    for partition in 0..log.partitions() {
        let mut reader = log.read(partition, 0).await.unwrap();
        loop {
            let batch = reader.next(1 << 20, Duration::ZERO).await.unwrap();
            if batch.is_empty() {
                break;
            }
            stored.extend(batch.into_iter().map(|e| (e.position, e.record.key)));
        }
        assert_eq!(
            stored.keys().filter(|p| p.partition == partition).count() as u64,
            log.tail(partition).await.unwrap()
        );
    }
    for (position, value) in &acked {
        assert_eq!(
            stored.get(position).map(|b| b.as_ref()),
            Some(value.as_bytes()),
            "{position:?}"
        );
    }
}
