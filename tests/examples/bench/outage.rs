//! The front door while Kafka is away: what it takes, and in how much memory.

use std::time::{Duration, Instant};

use e2e::Sandbox;
use eventlog::testing::KafkaBroker;

use crate::load::Load;
use crate::metrics;
use crate::report::{Floor, Report, thousands};
use crate::stages::{STEADY, measured};

/// Full load on a front door with a spool and without a broker, for `seconds`; then
/// the broker comes back, beside a steady load.
pub async fn measure(seconds: u64, report: &mut Report) {
    let kafka = KafkaBroker::start().await;
    let folder = tempfile::tempdir().expect("a folder");
    let spool = folder.path().join("spool").display().to_string();
    let settings = [
        ("CHALKLINE_SPOOL_DIR", spool.as_str()),
        ("CHALKLINE_SPOOL_MAX_BYTES", "8589934592"),
    ];
    let sandbox = Sandbox::roles_with(&kafka.address(), &["ingest"], &settings).await;
    let load = |seconds, series| Load {
        persistent: true,
        ..Load::of(&sandbox, seconds, series)
    };
    load(3, 0).run().await;
    let mut kafka = kafka;
    kafka.kill();
    let away = load(seconds, 1);
    let ingest = sandbox.process("ingest");
    let (sent, elapsed, cpu, _) = measured(&away, ingest).await;
    let events = sent.events as f64;
    report.add(
        "Kafka away: spooled, per core",
        format!("{} events/s", thousands(events / cpu)),
        events / cpu,
        Floor::None,
        format!("{:.2} µs of processor time an event", cpu / events * 1e6),
    );
    report.add(
        "Kafka away: spooled, whole machine",
        format!("{} events/s", thousands(events / elapsed)),
        events / elapsed,
        Floor::None,
        format!("full load for {seconds} s, {}", sent.latencies.summary()),
    );
    report.add(
        "Kafka away: peak memory",
        format!("{} MiB", ingest.peak_memory() >> 20),
        (ingest.peak_memory() >> 20) as f64,
        Floor::AtMost(256.0),
        format!("{} events in the spool", thousands(events)),
    );

    let begun = Instant::now();
    let kafka = kafka.restart().await;
    let steady = Load {
        persistent: true,
        ..Load::of(&sandbox, 3_600, 2).steady(STEADY)
    };
    let steady = tokio::spawn(async move { steady.run().await });
    let url = sandbox.address().ingest;
    while metrics::read(&url, "chalkline_spool_records ").await != [0.0] {
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    steady.abort();
    let elapsed = begun.elapsed().as_secs_f64();
    report.add(
        "Kafka back: drained",
        format!("{} events/s", thousands(events / elapsed)),
        events / elapsed,
        Floor::None,
        format!(
            "{elapsed:.0} s from the broker's start, beside {} live events/s",
            thousands(STEADY)
        ),
    );
    drop(kafka);
}
