//! A disk that is full for a while: the log takes nothing, says so, and goes on
//! by itself when there is room, with everything it acknowledged.
//!
//! The child is this test binary again, told by an environment variable to
//! append and to read. Its files may grow to a limit only, which `prlimit` sets
//! and lifts while it runs: a write beyond fails half-way, as on a full disk.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use eventlog::{EmbeddedConfig, EmbeddedLog, EventLog, Headers, Position, Record};

const FOLDER: &str = "CHALKLINE_TEST_FULL_DISK_FOLDER";
/// Times that the disk is full.
const ROUNDS: usize = 3;
/// Only a failure waits this out: then the child ends.
const PATIENCE: Duration = Duration::from_secs(120);

fn config(path: &Path) -> EmbeddedConfig {
    EmbeddedConfig {
        partitions: 2,
        ..EmbeddedConfig::new(path)
    }
}

/// Not a test of its own: the process whose disk is full.
#[test]
fn child() {
    let Some(folder) = std::env::var_os(FOLDER) else {
        return;
    };
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(async {
        let log = EmbeddedLog::open(config(Path::new(&folder))).await.unwrap();
        let log = Arc::new(log);
        for task in 0..3 {
            tokio::spawn(append(Arc::clone(&log), task));
        }
        for partition in 0..log.partitions() {
            tokio::spawn(read(Arc::clone(&log), partition));
        }
        tokio::spawn(watch(log));
        tokio::time::sleep(PATIENCE).await;
    });
    std::process::exit(1);
}

async fn append(log: Arc<EmbeddedLog>, task: usize) {
    for n in 0u64.. {
        let values: Vec<_> = (0..5).map(|i| format!("{task}-{n}-{i}")).collect();
        let records = values.iter().map(|value| Record {
            key: value.clone().into(),
            headers: Headers::default(),
            value: "x".repeat(3_000).into(),
        });
        for (answer, value) in log.append(records.collect()).await.iter().zip(&values) {
            match answer {
                Ok(receipt) => {
                    let at = receipt.position().unwrap();
                    print_line(&format!("acked {} {} {value}", at.partition, at.offset));
                }
                Err(error) if error.may_still_arrive() => print_line(&format!("unknown {value}")),
                Err(error) => {
                    assert!(error.is_retryable(), "{error:?}");
                    print_line(&format!("refused {value}"));
                }
            }
        }
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
}

/// One reader for the whole time; it may be told to wait, never to stop.
async fn read(log: Arc<EmbeddedLog>, partition: u32) {
    let mut reader = log.read(partition, 0).await.unwrap();
    loop {
        match reader.next(1 << 20, Duration::from_secs(1)).await {
            Ok(entries) => {
                for entry in entries {
                    let value = String::from_utf8_lossy(&entry.record.key).into_owned();
                    print_line(&format!(
                        "read {partition} {} {value}",
                        entry.position.offset
                    ));
                }
            }
            Err(eventlog::ReadError::Unavailable(_)) => {}
            Err(error) => panic!("{error:?}"),
        }
    }
}

async fn watch(log: Arc<EmbeddedLog>) {
    let mut before = None;
    loop {
        let now = log.trouble();
        if now.is_some() != before.is_some() {
            print_line(if now.is_some() { "unready" } else { "ready" });
        }
        before = now;
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

/// One write per line, so that a kill tears at most the last one.
fn print_line(line: &str) {
    std::io::stdout()
        .lock()
        .write_all(format!("\n{line}\n").as_bytes())
        .unwrap();
}

/// Lets the child's files grow to `bytes`, or without limit.
fn limit_files(child: &Child, bytes: &str) {
    let limited = Command::new("prlimit")
        .args(["--pid", &child.id().to_string()])
        // The soft limit alone: the hard one could not be raised again.
        .arg(format!("--fsize={bytes}:"))
        .status();
    assert!(limited.expect("util-linux is installed").success());
}

#[derive(Default)]
struct Seen {
    acked: BTreeMap<Position, String>,
    read: BTreeMap<Position, String>,
    unknown: BTreeSet<String>,
    refused: BTreeSet<String>,
}

#[tokio::test]
async fn a_full_disk_is_survived_without_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let mut child = Command::new("sh")
        // The limit's signal would end the process; ignoring it is inherited.
        .args(["-c", r#"trap '' XFSZ; exec "$@""#, "sh"])
        .arg(std::env::current_exe().unwrap())
        .args(["--exact", "full_disk::child", "--nocapture"])
        .env(FOLDER, folder.path())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();

    let mut seen = Seen::default();
    let mut healed = 0;
    let (mut is_full, mut since, mut last) = (false, 0, None);
    for line in BufReader::new(child.stdout.take().unwrap()).split(b'\n') {
        let line = String::from_utf8(line.unwrap()).unwrap();
        let words: Vec<_> = line.split(' ').collect();
        let position = |partition: &str, offset: &str| Position {
            partition: partition.parse().unwrap(),
            offset: offset.parse().unwrap(),
        };
        match words[..] {
            ["acked", partition, offset, value] => {
                let at = position(partition, offset);
                let before = seen.acked.insert(at, value.to_owned());
                assert_eq!(before, None, "{at:?} was given twice");
                since += 1;
                if healed == ROUNDS && since == 200 {
                    last = Some(at);
                }
                // Full in the midst of appending, each time at another point.
                if !is_full && healed < ROUNDS && since == 60 + 35 * healed {
                    let written = 3_100 * seen.acked.len() + 8_000;
                    limit_files(&child, &written.to_string());
                    is_full = true;
                }
            }
            ["read", partition, offset, value] => {
                let at = position(partition, offset);
                let before = seen.read.insert(at, value.to_owned());
                assert_eq!(before, None, "{at:?} was read twice");
            }
            ["unknown", value] => drop(seen.unknown.insert(value.to_owned())),
            ["refused", value] => {
                seen.refused.insert(value.to_owned());
                // It has been full for a few tries.
                if is_full && seen.refused.len() % 400 == 0 {
                    limit_files(&child, "unlimited");
                }
            }
            ["unready"] => assert!(is_full, "not ready on a working disk"),
            ["ready"] => {
                healed += 1;
                (is_full, since) = (false, 0);
            }
            _ => {}
        }
        // The readers have come by themselves to what was appended at the end.
        if last.is_some_and(|last| seen.read.contains_key(&last)) {
            child.kill().unwrap();
        }
    }
    child.wait().unwrap();
    assert_eq!(healed, ROUNDS, "the log did not go on");
    assert!(!seen.unknown.is_empty() && !seen.refused.is_empty());

    let log = EmbeddedLog::open(config(folder.path())).await.unwrap();
    let mut stored: BTreeMap<Position, String> = BTreeMap::new();
    for partition in 0..log.partitions() {
        let mut reader = log.read(partition, 0).await.unwrap();
        while stored.keys().filter(|p| p.partition == partition).count() as u64
            != log.tail(partition).await.unwrap()
        {
            let batch = reader.next(1 << 20, Duration::from_secs(1)).await.unwrap();
            assert!(!batch.is_empty(), "a hole before the tail");
            stored.extend(batch.into_iter().map(|e| {
                let value = String::from_utf8_lossy(&e.record.key).into_owned();
                (e.position, value)
            }));
        }
    }
    // Acknowledged or read before: still there, at its place.
    for (position, value) in seen.acked.iter().chain(&seen.read) {
        assert_eq!(stored.get(position), Some(value), "{position:?}");
    }
    // Refused: never stored.
    let refused = stored.values().find(|value| seen.refused.contains(*value));
    assert_eq!(refused, None);
}
