//! `kill -9` at every kind of write to a lake in a folder.
//!
//! The kernel tells of each name that comes into a folder, at once; the process
//! that made it is killed some ten microseconds later.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{ChildStdin, Command, Stdio};
use std::thread::JoinHandle;

use e2e::{Load, Sandbox, Trial, event, ids};
use eventlog::EventLog as _;
use rstest::rstest;
use rustix::fs::inotify;

use super::{Own, broker};
use crate::kill::CONNECTIONS;

/// The writes of a round, in their order: the table's folder and what it writes.
const WRITES: [(&str, &str); 6] = [
    ("duplicates", ".parquet"),
    ("duplicates/_delta_log", ".json"),
    ("quarantine", ".parquet"),
    ("quarantine/_delta_log", ".json"),
    ("clickstream/_delta_log", ".json"),
    ("_log", ".json"),
];

/// How far a write has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stage {
    /// There is a file under a name of its own, perhaps with all that belongs in it.
    Begun,
    /// It has its name.
    Done,
}

impl Stage {
    fn is_of(self, name: &str, ending: &str) -> bool {
        match self {
            Self::Begun => name.contains(&format!("{ending}#")),
            Self::Done => name.ends_with(ending),
        }
    }
}

#[rstest]
#[case::begun(Stage::Begun)]
#[case::done(Stage::Done)]
#[tokio::test(flavor = "multi_thread")]
async fn transform_is_killed_at_every_write_to_a_folder(#[case] stage: Stage) {
    let fault = match stage {
        Stage::Begun => "kill -9 amid each kind of write",
        Stage::Done => "kill -9 after each kind of write",
    };
    let mut trial = Trial::begin(fault, "Kafka, folder");
    let own = Own::new();
    let settings = own.with(&[
        ("CHALKLINE_KAFKA_PARTITIONS", "2"),
        // Whoever comes back has its partitions at once.
        ("CHALKLINE_KAFKA_GROUP_INSTANCE_ID", "transform-1"),
    ]);
    let address = broker().await.address();
    let roles = ["ingest", "transform", "query"];
    let mut sandbox = Sandbox::roles_with(&address, &roles, &settings).await;
    let log = super::poison::log(address, &own.topic).await;
    let share = ids() / (WRITES.len() as u64 + 1);
    // Every table and every folder of a floor is there.
    let mut acked = Load::start(&sandbox, 0..share, CONNECTIONS).finish().await;
    let repeated = |end: u64| event::range(end.saturating_sub(40)..end);
    sandbox.post(&repeated(share)).await.expect_status(202);
    super::poison::poison(&log, &sandbox.tenant.id).await;
    sandbox.wait_for_count("quarantine", 1).await;
    e2e::each_once(&sandbox, &acked).await;
    sandbox.wait_for_count("duplicates", 40).await;

    for (number, (folder, ending)) in (1..).zip(WRITES) {
        let folder = match folder {
            "_log" => only_folder(&sandbox.lake().join(folder)),
            table => sandbox.table(table),
        };
        let trap = trap(&folder, ending, stage, sandbox.process("transform").id());
        let load = Load::start(&sandbox, number * share..(number + 1) * share, CONNECTIONS);
        sandbox
            .post(&repeated(number * share))
            .await
            .expect_status(202);
        super::poison::poison(&log, &sandbox.tenant.id).await;
        let caught = tokio::task::spawn_blocking(|| trap.join());
        let caught = caught.await.expect("it waits").expect("it watches");
        assert!(stage.is_of(&caught, ending), "{caught}");
        trial.injected();
        sandbox.crash_one("transform");
        sandbox.restart().await;
        acked.extend(load.finish().await);
    }
    log.close().await;
    trial.expect_quarantined(WRITES.len() as u64 + 1);
    trial.prove(&sandbox, &acked).await;
}

fn only_folder(folder: &Path) -> PathBuf {
    let mut entries = std::fs::read_dir(folder).expect("a folder");
    let first = entries.find_map(|entry| Some(entry.ok()?.path()).filter(|path| path.is_dir()));
    first.expect("the log's folder")
}

/// Kills the process as soon as the write has come so far; says by which file.
fn trap(folder: &Path, ending: &'static str, stage: Stage, process: u32) -> JoinHandle<String> {
    let watch = inotify::init(inotify::CreateFlags::CLOEXEC).expect("Linux has inotify");
    let what = inotify::WatchFlags::CREATE | inotify::WatchFlags::MOVED_TO;
    inotify::add_watch(&watch, folder, what).expect("the folder is there");
    let mut executioner = executioner(process);
    std::thread::spawn(move || {
        let mut buffer = [std::mem::MaybeUninit::uninit(); 4_096];
        let mut events = inotify::Reader::new(watch, &mut buffer);
        loop {
            let event = events.next().expect("inotify can be read");
            let name = event.file_name().map(|name| name.to_string_lossy());
            if let Some(name) = name.filter(|name| stage.is_of(name, ending)) {
                executioner.write_all(b"\n").expect("sh reads");
                return name.into_owned();
            }
        }
    })
}

/// Starts what kills the process when it is given a line: starting it then would
/// take a while.
fn executioner(process: u32) -> ChildStdin {
    let sh = Command::new("sh")
        .args(["-c", "read -r _ && kill -s KILL \"$1\"", "sh"])
        .arg(process.to_string())
        .stdin(Stdio::piped())
        .spawn();
    sh.expect("sh is installed").stdin.expect("it is piped")
}
