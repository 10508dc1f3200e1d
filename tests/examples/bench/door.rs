//! The front door alone, by how many events come in a request and over how many
//! connections.

use std::time::Duration;

use e2e::Sandbox;
use eventlog::testing::KafkaBroker;

use crate::load::Load;
use crate::report::{Floor, Report, thousands};
use crate::stages::measured;

/// Events in a request.
const SIZES: [usize; 3] = [1, 20, 100];
/// Connections, each with one request under way at a time.
const CONNECTIONS: [u64; 3] = [1, 64, 512];

/// All connections use one key, to which the usual 256 MiB leave 32 MB of bodies: 512
/// requests of 100 events are 40 MB.
const MEMORY: &str = "536870912";

/// HTTP → Kafka for each of them, `seconds` each.
pub async fn measure(seconds: u64, report: &mut Report) {
    let kafka = KafkaBroker::start().await;
    let settings = [("CHALKLINE_INGEST_MEMORY_LIMIT_BYTES", MEMORY)];
    let mut sandbox = Sandbox::roles_with(&kafka.address(), &["ingest"], &settings).await;
    Load::of(&sandbox, 3, 0).run().await;
    let mut series = 0;
    for size in SIZES {
        for connections in CONNECTIONS {
            series += 1;
            let load = Load {
                size,
                connections,
                ..Load::of(&sandbox, seconds, series)
            };
            let (sent, elapsed, cpu, own_cpu) = measured(&load, sandbox.process("ingest")).await;
            let events = sent.events as f64;
            let what = format!("front door, {size} a request, {connections} connections");
            // Stated for 20 a request, and for single events.
            let stated = connections == 64 && size == 20;
            let floor = |stated: bool, floor| if stated { floor } else { Floor::None };
            report.add(
                &format!("{what}: per core"),
                format!("{} events/s", thousands(events / cpu)),
                events / cpu,
                floor(stated, Floor::AtLeast(100_000.0)),
                format!("{:.2} µs of processor time an event", cpu / events * 1e6),
            );
            report.add(
                &format!("{what}: whole machine"),
                format!("{} events/s", thousands(events / elapsed)),
                events / elapsed,
                match (size, connections) {
                    (20, 64) => Floor::AtLeast(60_000.0),
                    (1, 64) => Floor::AtLeast(12_000.0),
                    _ => Floor::None,
                },
                format!("generator {:.2} cores", own_cpu / elapsed),
            );
            report.add(
                &format!("{what}: answer time"),
                sent.latencies.summary(),
                sent.latencies.p99().as_secs_f64() * 1e3,
                floor(stated, Floor::AtMost(25.0)),
                format!("{} requests", thousands(events / size as f64)),
            );
        }
    }
    report.add(
        "front door, peak memory",
        format!("{} MiB", sandbox.process("ingest").peak_memory() >> 20),
        (sandbox.process("ingest").peak_memory() >> 20) as f64,
        Floor::None,
        "over all of these, allowed 512 MiB for bodies".to_owned(),
    );
    sandbox.terminate(Duration::from_secs(60)).await;
}
