//! How fast many small files become few.

use std::time::Instant;

use e2e::{Sandbox, children_cpu_seconds};
use eventlog::testing::KafkaBroker;

use crate::lake;
use crate::load::Load;
use crate::report::{Floor, Report, thousands};

/// Events a second while the small files are made.
const PACE: f64 = 40_000.0;

/// `chalkline compact` on what three times `seconds` of load left in commits of a
/// tenth of a second, without upkeep.
pub async fn measure(seconds: u64, report: &mut Report) {
    let kafka = KafkaBroker::start().await;
    let settings = [
        ("CHALKLINE_TRANSFORM_INTERVAL_MS", "100"),
        ("CHALKLINE_TRANSFORM_COMMITS_PER_SECOND", "20"),
        ("CHALKLINE_TRANSFORM_MAINTENANCE_ENABLED", "false"),
    ];
    let roles = ["ingest", "transform"];
    let mut sandbox = Sandbox::roles_with(&kafka.address(), &roles, &settings).await;
    let load = Load::of(&sandbox, 3 * seconds, 0).steady(PACE);
    let rows = load.run().await.events;
    lake::published(&sandbox, lake::records(&kafka).await).await;
    sandbox.terminate(std::time::Duration::from_secs(60)).await;

    let tenant = sandbox.tenant.id.clone();
    let (begun, before) = (Instant::now(), children_cpu_seconds());
    let done = sandbox.cli(&["compact", "--tenant", &tenant, "--table", "clickstream"]);
    let (elapsed, used) = (
        begun.elapsed().as_secs_f64(),
        children_cpu_seconds() - before,
    );
    let line = &done["tables"][0];
    let number = |name: &str| line[name].as_f64().expect("a number");
    let megabytes = number("bytes_before") / 1e6;
    report.add(
        "compaction, per core",
        format!("{:.1} MB/s", megabytes / used),
        megabytes / used,
        Floor::None,
        format!(
            "Parquet read by `chalkline compact`, as a whole process, over its processor time; {} \
             rows/s",
            thousands(rows as f64 / used)
        ),
    );
    report.add(
        "compaction, by the clock",
        format!("{:.1} MB/s", megabytes / elapsed),
        megabytes / elapsed,
        Floor::None,
        format!(
            "{} files of {:.1} MB with {} rows became {} of {:.1} MB in {elapsed:.1} s",
            number("files_before"),
            megabytes,
            thousands(rows as f64),
            number("files_after"),
            number("bytes_after") / 1e6,
        ),
    );
}
