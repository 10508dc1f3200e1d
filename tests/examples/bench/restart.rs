//! How long nothing is published when a transformer dies.

use std::path::Path;
use std::time::{Duration, Instant};

use e2e::{Process, Sandbox, until};
use eventlog::testing::KafkaBroker;

use crate::lake;
use crate::latency::Latencies;
use crate::load::Load;
use crate::metrics;
use crate::report::{Floor, Report, thousands};
use crate::stages::STEADY;

/// Ids in the window of deduplication before the first start.
const IDS: u64 = 1_000_000;
const RESTARTS: usize = 5;

/// kill -9, start again at once, until the first new version of a table; beside a
/// steady load.
pub async fn measure(report: &mut Report) {
    let kafka = KafkaBroker::start().await;
    let sandbox = Sandbox::roles(&kafka.address(), &["ingest"]).await;
    let table = sandbox.table("clickstream");
    let mut fill = Load::of(&sandbox, 600, 0);
    fill.most = IDS;
    fill.run().await;
    let records = lake::records(&kafka).await;
    let (first, _) = sandbox.another_transform("first");
    lake::published(&sandbox, records).await;
    drop(first);

    let load = Load::of(&sandbox, 600, 1).steady(STEADY);
    let load = tokio::spawn(async move { load.run().await });
    let instance = (
        "CHALKLINE_KAFKA_GROUP_INSTANCE_ID",
        "transform-1".to_owned(),
    );
    for (settings, what, floor) in [
        (
            vec![instance],
            "restart to first commit, with `group_instance_id`",
            Floor::AtMost(10.0),
        ),
        (vec![], "restart to first commit, without it", Floor::None),
    ] {
        // Of whoever was there before, and of itself.
        let mut process = sandbox.another_transform_with("transform", &settings).0;
        grown(&table).await;
        let (mut took, mut used) = (Latencies::default(), 0.0);
        let mut url = String::new();
        for _ in 0..RESTARTS {
            process.kill();
            let begun = Instant::now();
            (process, url) = sandbox.another_transform_with("transform", &settings);
            grown(&table).await;
            took.add(begun.elapsed());
            used += process.cpu_seconds() / RESTARTS as f64;
            settled(&process).await;
        }
        let ids = metrics::read(&url, "chalkline_transform_index_events").await;
        report.add(
            what,
            format!("{:.1} s", took.at(0.5).as_secs_f64()),
            took.at(0.5).as_secs_f64(),
            floor,
            format!(
                "median of {RESTARTS} times kill -9 beside {} events/s, the slowest {:.1} s; {used:.1} \
                 s of processor time by then; {} ids known at the end",
                thousands(STEADY),
                took.at(1.0).as_secs_f64(),
                thousands(ids.iter().sum()),
            ),
        );
    }
    load.abort();
}

/// Waits until the table has a new version.
async fn grown(table: &Path) {
    let before = lake::version(table);
    let begun = Instant::now();
    while lake::version(table) <= before {
        assert!(begun.elapsed() < Duration::from_secs(120), "no new version");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

/// Waits until it has made up for what it missed.
async fn settled(process: &Process) {
    let mut before = process.cpu_seconds();
    let mut at = Instant::now();
    until("the backlog is gone", || {
        if at.elapsed() < Duration::from_secs(2) {
            return false;
        }
        let now = process.cpu_seconds();
        let cores = (now - before) / at.elapsed().as_secs_f64();
        (before, at) = (now, Instant::now());
        cores < 0.5
    })
    .await;
}
