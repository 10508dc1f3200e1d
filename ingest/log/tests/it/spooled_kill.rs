//! `kill -9` of a process between spooling and draining: everything that it
//! answered comes into the log of a later one.
//!
//! The child is this test binary again, told by an environment variable to
//! append and to print every acknowledged record until it is killed.

use std::collections::BTreeSet;
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use eventlog::{EventLog, Headers, Record};

use crate::moody::{Mood, Switch};
use crate::spooled::{config, open, stored};

const FOLDER: &str = "CHALKLINE_TEST_SPOOL_KILL_FOLDER";
const MOOD: &str = "CHALKLINE_TEST_SPOOL_KILL_MOOD";

/// Not a test of its own: the process that
/// [`what_was_spooled_survives_kill_9`] kills.
#[test]
fn child() {
    let Some(folder) = std::env::var_os(FOLDER) else {
        return;
    };
    let mood = match std::env::var(MOOD).as_deref() {
        Ok("away") => Mood::Refuses,
        _ => Mood::RefusesFirst,
    };
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(async {
        let folder = Path::new(&folder);
        let log = open(folder, &config(folder), &Switch::new(mood)).await;
        let log = Arc::new(log);
        let tasks = (0..4).map(|task| {
            let log = Arc::clone(&log);
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
                        let how = if answer.unwrap().is_spooled() {
                            "spooled"
                        } else {
                            "stored"
                        };
                        print_line(&format!("{how} {value}"));
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
async fn what_was_spooled_survives_kill_9() {
    let folder = tempfile::tempdir().unwrap();
    let mut acked = BTreeSet::new();
    let mut spooled = 0;
    // Away; then back, so that it is emptied while it fills; and both once more.
    for (round, mood) in ["away", "back", "away", "back"].into_iter().enumerate() {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "spooled_kill::child", "--nocapture"])
            .env(FOLDER, folder.path())
            .env(MOOD, mood)
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let kill_after = 500 + 700 * round;
        let mut seen = 0;
        for line in BufReader::new(child.stdout.take().unwrap()).split(b'\n') {
            let line = String::from_utf8(line.unwrap()).unwrap();
            let words: Vec<_> = line.split(' ').collect();
            let (how, value) = match words[..] {
                [how @ ("spooled" | "stored"), value] => (how, value),
                _ => continue,
            };
            spooled += usize::from(how == "spooled");
            acked.insert(value.to_owned());
            seen += 1;
            if seen == kill_after {
                child.kill().unwrap();
            }
        }
        child.wait().unwrap();
        assert!(
            seen >= kill_after,
            "the child ended by itself after {seen} records"
        );
    }
    assert!(spooled > 1_000, "{spooled} spooled");

    let log = open(
        folder.path(),
        &config(folder.path()),
        &Switch::new(Mood::Works),
    )
    .await;
    // Every one of them, at least once; only a failure never ends.
    loop {
        let found = stored(&log).await.into_iter();
        let found: BTreeSet<String> = found
            .map(|record| String::from_utf8_lossy(&record.key).into_owned())
            .collect();
        let missing = acked.iter().filter(|value| !found.contains(*value)).count();
        if missing == 0 {
            break;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}
