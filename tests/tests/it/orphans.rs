//! What the tests started does not outlive them.

use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};
use std::time::Duration;

use e2e::{Process, until};

/// Where the process below works.
const FOLDER: &str = "E2E_ORPHANS_FOLDER";

#[tokio::test]
async fn a_killed_test_leaves_no_process_behind() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let mut test = Command::new(std::env::current_exe().expect("a test has a path"))
        .args(["--exact", "--ignored", "--nocapture"])
        .arg("orphans::starts_a_process_and_waits")
        .env(FOLDER, folder.path())
        .stdout(Stdio::piped())
        .spawn()
        .expect("this program starts");
    let out = BufReader::new(test.stdout.take().expect("its output is piped"));
    let process: u32 = out
        .lines()
        .map(|line| line.expect("text"))
        .find_map(|line| line.split_once("started ")?.1.parse().ok())
        .expect("it says what it started");
    assert!(runs(process));
    test.kill().expect("it is our child");
    test.wait().expect("it is our child");
    until("the process is gone", || !runs(process)).await;
}

/// A process that ended and that nobody waited for does not run.
fn runs(process: u32) -> bool {
    let stat = std::fs::read_to_string(format!("/proc/{process}/stat")).unwrap_or_default();
    let state = stat.rsplit_once(") ").map(|(_, rest)| rest.as_bytes()[0]);
    !matches!(state, None | Some(b'Z'))
}

#[test]
#[ignore = "run by the test above, which kills it"]
fn starts_a_process_and_waits() {
    let Some(folder) = std::env::var_os(FOLDER) else {
        return;
    };
    let any = || "127.0.0.1:0".to_owned();
    let settings = [
        ("CHALKLINE_INGEST_LISTEN", any()),
        ("CHALKLINE_QUERY_LISTEN", any()),
        ("CHALKLINE_TRANSFORM_LISTEN", any()),
    ];
    let process = Process::start(folder.as_ref(), "up", &["up"], &settings);
    println!("started {}", process.id());
    std::thread::sleep(Duration::from_secs(600));
}
