//! What is measured, stage by stage of an event's path.

use std::time::{Duration, Instant};

use e2e::{Process, Sandbox, cpu_seconds};
use eventlog::testing::KafkaBroker;
use serde_json::json;

use crate::lake;
use crate::latency::Latencies;
use crate::load::{CONNECTIONS, Load, Sent};
use crate::report::{Floor, Report, thousands};

/// Events a second beside which the time until they are visible is measured.
pub const STEADY: f64 = 5_000.0;

/// Processor time of a process and of this one (the generator), over a load.
pub async fn measured(load: &Load, process: &Process) -> (Sent, f64, f64, f64) {
    measured_by(load, || process.cpu_seconds()).await
}

/// As [`measured`], of whatever used that much processor time so far.
pub async fn measured_by(load: &Load, used: impl Fn() -> f64) -> (Sent, f64, f64, f64) {
    let own = std::process::id();
    let (before, own_before, start) = (used(), cpu_seconds(own), Instant::now());
    let sent = load.run().await;
    let seconds = start.elapsed().as_secs_f64();
    let own_cpu = cpu_seconds(own) - own_before;
    (sent, seconds, used() - before, own_cpu)
}

/// HTTP → Kafka with transform idle; then log → Parquet with ingest idle.
pub async fn kafka(seconds: u64, report: &mut Report) {
    let kafka = KafkaBroker::start().await;
    let mut sandbox = Sandbox::roles(&kafka.address(), &["ingest"]).await;
    Load::of(&sandbox, 3, 0).run().await;
    let full = Load::of(&sandbox, seconds, 1);
    let (sent, elapsed, cpu, own_cpu) = measured(&full, sandbox.process("ingest")).await;
    let events = sent.events as f64;
    let how = format!(
        "{CONNECTIONS} connections for {seconds} s, 8 partitions, one broker, acks=all, transform \
         not running; generator {:.2} cores",
        own_cpu / elapsed
    );
    report.add(
        "HTTP → Kafka acked, per ingest core",
        format!("{} events/s", thousands(events / cpu)),
        events / cpu,
        Floor::AtLeast(100_000.0),
        format!("{:.2} µs of processor time an event", cpu / events * 1e6),
    );
    report.add(
        "HTTP → Kafka acked, whole machine",
        format!("{} events/s", thousands(events / elapsed)),
        events / elapsed,
        Floor::AtLeast(60_000.0),
        how,
    );
    report.add(
        "HTTP → Kafka acked, answer time",
        sent.latencies.summary(),
        sent.latencies.p99().as_secs_f64(),
        Floor::None,
        "at that load".to_owned(),
    );
    sandbox.terminate(Duration::from_secs(60)).await;

    let records = lake::records(&kafka).await;
    // From its first moment: it reads before it says that it is ready.
    let start = Instant::now();
    sandbox.replace(&["transform"]).await;
    let transform = sandbox.process("transform");
    lake::published(&sandbox, records).await;
    let elapsed = start.elapsed().as_secs_f64();
    let cpu = transform.cpu_seconds();
    let beside = |thread| transform.cpu_seconds_of(thread) / cpu * 100.0;
    let (reports, upkeep) = (beside("report"), beside("maintenance"));
    report.add(
        "log → Parquet published, per transform core",
        format!("{} events/s", thousands(records as f64 / cpu)),
        records as f64 / cpu,
        Floor::AtLeast(100_000.0),
        format!(
            "backlog of {} records in Kafka; {:.2} µs of processor time an event, of which \
             reports {reports:.0} %, upkeep {upkeep:.0} %",
            thousands(records as f64),
            cpu / records as f64 * 1e6
        ),
    );
    report.add(
        "log → Parquet published, whole machine",
        format!("{} events/s", thousands(records as f64 / elapsed)),
        records as f64 / elapsed,
        Floor::AtLeast(80_000.0),
        format!("until every floor had reached its tail, {:.1} s", elapsed),
    );
    report.add(
        "log → Parquet published, peak memory",
        format!("{} MiB", transform.peak_memory() >> 20),
        (transform.peak_memory() >> 20) as f64,
        Floor::AtMost(768.0),
        "at that rate, 8 partitions".to_owned(),
    );
    let files = e2e::files::all(&sandbox.lake());
    let parquet = files
        .iter()
        .filter(|f| f.extension().is_some_and(|e| e == "parquet"));
    let clicks = parquet.filter(|f| f.to_string_lossy().contains("/clickstream/"));
    let bytes: u64 = clicks
        .map(|f| f.metadata().map_or(0, |file| file.len()))
        .sum();
    report.add(
        "log → Parquet, bytes per event",
        format!("{:.1}", bytes as f64 / records as f64),
        bytes as f64 / records as f64,
        Floor::AtMost(60.0),
        "clickstream files, replaced ones too".to_owned(),
    );
}

/// Everything in one process: memory at full load, then how soon an acked
/// event is visible at a steady one.
pub async fn up(seconds: u64, report: &mut Report) {
    let sandbox = Sandbox::up().await;
    let full = Load::of(&sandbox, seconds, 2);
    let (sent, elapsed, ..) = measured(&full, sandbox.process("up")).await;
    sandbox.wait_for_count("clickstream", sent.events).await;
    report.add(
        "`up` under full load, peak memory",
        format!("{} MiB", sandbox.process("up").peak_memory() >> 20),
        (sandbox.process("up").peak_memory() >> 20) as f64,
        Floor::AtMost(1024.0),
        format!(
            "{CONNECTIONS} connections for {seconds} s, {} events/s acked, embedded log, until \
             all were visible",
            thousands(sent.events as f64 / elapsed)
        ),
    );

    let steady = Load::of(&sandbox, seconds, 3).steady(STEADY);
    let (_, visible) = tokio::join!(steady.run(), visible(&sandbox, seconds));
    report.add(
        "acked → visible in `/v1/sql`",
        visible.summary(),
        visible.p99().as_secs_f64(),
        Floor::AtMost(5.0),
        format!("one process, beside {} events/s", thousands(STEADY)),
    );
}

/// Posts one event after the other and asks until it is there.
async fn visible(sandbox: &Sandbox, seconds: u64) -> Latencies {
    let mut latencies = Latencies::default();
    let start = Instant::now();
    for number in 0_u64.. {
        if start.elapsed().as_secs() >= seconds {
            break;
        }
        let session = format!("probe-{number}");
        let probe = json!({
            "type": "session.started", "time": "2025-09-14T10:00:00Z", "actor": "stu-of-the-bench",
            "session": session,
        });
        sandbox.post(&[probe]).await.expect_status(202);
        let acked = Instant::now();
        let sql = format!(
            "select count(*) as n from clickstream \
             where event_type = 'session.started' and session_id = '{session}'"
        );
        sandbox.wait_for_value(&sql, 1).await;
        latencies.add(acked.elapsed());
    }
    latencies
}
