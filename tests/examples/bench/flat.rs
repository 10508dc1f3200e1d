//! Whether an event costs the same however many are stored already.

use std::time::Duration;

use e2e::{Process, Sandbox};
use eventlog::testing::KafkaBroker;

use crate::lake;
use crate::load::Load;
use crate::report::{Floor, Report, thousands};

/// Events a second of the load whose cost is measured.
const PACE: f64 = 40_000.0;
/// Events that are sent before transform is waited for.
const PORTION: u64 = 5_000_000;

/// Bytes for ids, as transform takes it from the environment, too. With so many 22
/// million are known exactly, and 100 million more by filters.
const MEMORY: &str = "CHALKLINE_TRANSFORM_DEDUPLICATION_MEMORY_BYTES";
const ROOM: &str = "1073741824";

/// Processor time of a process and of its threads that are not on an event's path.
#[derive(Debug, Clone, Copy)]
struct Used {
    all: f64,
    reports: f64,
    upkeep: f64,
}

impl Used {
    fn by(process: &Process) -> Self {
        Self {
            all: process.cpu_seconds(),
            reports: process.cpu_seconds_of("report"),
            upkeep: process.cpu_seconds_of("maintenance"),
        }
    }
}

/// The same load whenever so many millions of rows are stored; all of them within
/// the days of deduplication.
pub async fn measure(millions: &[u64], seconds: u64, report: &mut Report) {
    let kafka = KafkaBroker::start().await;
    let memory = std::env::var(MEMORY).unwrap_or_else(|_| ROOM.to_owned());
    let settings = [
        (MEMORY, memory.as_str()),
        // What was merged would fill the disk.
        ("CHALKLINE_TRANSFORM_MAINTENANCE_REMOVED_RETENTION_S", "60"),
        ("CHALKLINE_TRANSFORM_MAINTENANCE_CLEAN_INTERVAL_S", "60"),
    ];
    let roles = ["ingest", "transform"];
    let sandbox = Sandbox::roles_with(&kafka.address(), &roles, &settings).await;
    let (mut stored, mut series) = (0, 0);
    for millions in millions {
        while stored < millions * 1_000_000 {
            let mut fill = Load::of(&sandbox, 3_600, series);
            fill.most = PORTION.min(millions * 1_000_000 - stored);
            stored += fill.run().await.events;
            series += 1;
            lake::published(&sandbox, lake::records(&kafka).await).await;
        }
        let transform = sandbox.process("transform");
        rested(transform).await;
        let before = Used::by(transform);
        let step = Load::of(&sandbox, seconds, series).steady(PACE);
        series += 1;
        let events = step.run().await.events;
        lake::published(&sandbox, lake::records(&kafka).await).await;
        let after = Used::by(transform);
        let micros = |of: fn(&Used) -> f64| (of(&after) - of(&before)) / events as f64 * 1e6;
        let path = micros(|used| used.all - used.reports - used.upkeep);
        report.add(
            &format!(
                "an event's cost with {} rows stored",
                thousands(stored as f64)
            ),
            format!("{path:.1} µs"),
            path,
            Floor::None,
            format!(
                "processor time of transform from log to published table, {} events at {} a \
                 second; beside it reports {:.1} µs, upkeep {:.1} µs; peak memory so far {} MiB",
                thousands(events as f64),
                thousands(PACE),
                micros(|used| used.reports),
                micros(|used| used.upkeep),
                transform.peak_memory() >> 20,
            ),
        );
        stored += events;
    }
}

/// Waits until reports and upkeep are done with what was stored, or half a minute.
async fn rested(process: &Process) {
    for _ in 0..15 {
        let before = process.cpu_seconds();
        tokio::time::sleep(Duration::from_secs(2)).await;
        if process.cpu_seconds() - before < 0.2 {
            return;
        }
    }
}
