//! The same topic to Parquet by another engine: Apache Flink.

use std::process::Command;
use std::time::{Duration, Instant};

use e2e::{Sandbox, children_cpu_seconds, files, peak_memory};
use eventlog::testing::KafkaBroker;

use crate::lake;
use crate::load::Load;
use crate::report::{Floor, Report, thousands};

/// What a run took and left behind.
struct Run {
    /// Seconds by the clock, start included.
    elapsed: f64,
    /// Seconds of processor time, start included.
    used: f64,
    /// Bytes of memory at most.
    memory: u64,
    files: u64,
    bytes: u64,
}

impl Run {
    fn report(&self, who: &str, records: u64, how: &str, report: &mut Report) {
        let events = records as f64;
        report.add(
            &format!("{who}, per core"),
            format!("{} events/s", thousands(events / self.used)),
            events / self.used,
            Floor::None,
            format!(
                "{:.1} µs of processor time an event; {how}",
                self.used / events * 1e6
            ),
        );
        report.add(
            &format!("{who}, whole machine"),
            format!("{} events/s", thousands(events / self.elapsed)),
            events / self.elapsed,
            Floor::None,
            format!(
                "{:.1} s, start included; {:.1} bytes an event in {} files; peak memory {} MiB",
                self.elapsed,
                self.bytes as f64 / events,
                self.files,
                self.memory >> 20,
            ),
        );
    }
}

/// What `seconds` of load left in a topic, by Chalkline and by the peer, one after
/// the other.
pub async fn measure(seconds: u64, report: &mut Report) {
    let class_path = class_path();
    let kafka = KafkaBroker::start().await;
    let mut sandbox = Sandbox::roles(&kafka.address(), &["ingest"]).await;
    Load::of(&sandbox, seconds, 0).run().await;
    sandbox.terminate(Duration::from_secs(60)).await;
    let records = lake::records(&kafka).await;

    let begun = Instant::now();
    sandbox.replace(&["transform"]).await;
    lake::published(&sandbox, records).await;
    let transform = sandbox.process("transform");
    let (elapsed, used) = (begun.elapsed().as_secs_f64(), transform.cpu_seconds());
    let beside = transform.cpu_seconds_of("report") + transform.cpu_seconds_of("maintenance");
    let found = &lake::commits(&sandbox, 0, 0)["events"];
    let ours = Run {
        elapsed,
        used,
        memory: transform.peak_memory(),
        files: found["standing"].as_u64().expect("a count"),
        bytes: found["standing_bytes"].as_u64().expect("bytes"),
    };
    let how = format!(
        "backlog of {} records; {:.1} µs without its reports and its upkeep",
        thousands(records as f64),
        (used - beside) / records as f64 * 1e6
    );
    ours.report("Chalkline", records, &how, report);
    sandbox.terminate(Duration::from_secs(60)).await;

    for interval in ["1s", "10s"] {
        let folder = sandbox.path(&format!("peer-{interval}"));
        let (theirs, rows) = run(&class_path, &kafka, &folder, interval);
        assert_eq!(rows, records, "the peer's rows");
        let how = format!("a checkpoint each {interval}, no deduplication, not sorted");
        theirs.report(&format!("Flink SQL, {interval}"), records, &how, report);
    }
}

/// What `infra/bench/peer/setup.sh` prints.
fn class_path() -> String {
    let setup = files::workspace().join("infra/bench/peer/setup.sh");
    let output = Command::new(setup).output().expect("bash is installed");
    let problems = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{problems}");
    let path = String::from_utf8(output.stdout).expect("a class path in UTF-8");
    path.trim().to_owned()
}

/// Runs the peer until it has read the topic.
fn run(class_path: &str, kafka: &KafkaBroker, folder: &str, interval: &str) -> (Run, u64) {
    std::fs::create_dir_all(folder).expect("the folder can be written");
    let log = std::fs::File::create(format!("{folder}/log")).expect("the folder can be written");
    let (begun, before) = (Instant::now(), children_cpu_seconds());
    let mut child = Command::new("java")
        // What Flink's own start scripts open.
        .args(["util", "lang"].map(|part| format!("--add-opens=java.base/java.{part}=ALL-UNNAMED")))
        .args(["-Xmx1g", "-cp", class_path, "Peer"])
        .args([&kafka.address(), "chalkline-events", folder, interval])
        .stdout(log.try_clone().expect("a file can be shared"))
        .stderr(log)
        .spawn()
        .expect("java starts");
    let mut memory = 0;
    let ended = loop {
        memory = peak_memory(child.id()).unwrap_or(memory);
        if let Some(ended) = child.try_wait().expect("a child can be waited for") {
            break ended;
        }
        std::thread::sleep(Duration::from_millis(20));
    };
    let elapsed = begun.elapsed().as_secs_f64();
    let used = children_cpu_seconds() - before;
    let said = std::fs::read_to_string(format!("{folder}/log")).unwrap_or_default();
    assert!(ended.success(), "{said}");
    let found = e2e::python::run("parquet.py", &[&format!("{folder}/table")]);
    let number = |name: &str| found[name].as_u64().expect("a count");
    let run = Run {
        elapsed,
        used,
        memory,
        files: number("files"),
        bytes: number("bytes"),
    };
    (run, number("rows"))
}
