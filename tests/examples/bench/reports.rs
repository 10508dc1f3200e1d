//! What it costs to keep the reports: all of them at once, and after one event.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::time::Duration;

use e2e::{Sandbox, eventually, files};
use serde_json::json;

use crate::metrics;
use crate::report::{Floor, Report, thousands};

/// All reports' refreshes together.
#[derive(Debug, Clone, Copy, Default)]
struct Refreshes {
    count: f64,
    seconds: f64,
}

/// The real presentations if they are at hand, else the slice of the demo.
fn data() -> PathBuf {
    let full = files::shared_data().map(|folder| folder.join("oulad"));
    full.filter(|folder| folder.is_dir())
        .unwrap_or_else(|| files::workspace().join("infra/chalkline/demo/oulad"))
}

/// The folders of the reports that are tables.
fn tables(sandbox: &Sandbox) -> Vec<PathBuf> {
    let reports = files::all(&files::workspace().join("schemas/reports"));
    let names: BTreeSet<_> = reports
        .iter()
        .filter_map(|path| path.file_stem()?.to_str())
        .collect();
    let folders = names.into_iter().map(|name| sandbox.table(name));
    folders.filter(|folder| folder.is_dir()).collect()
}

/// How many refreshes the running process has made, and how long they took.
async fn refreshes(sandbox: &Sandbox) -> Refreshes {
    let url = sandbox.address().ingest;
    let sum = async |series| metrics::read(&url, series).await.iter().sum();
    Refreshes {
        count: sum("chalkline_report_refresh_seconds_count").await,
        seconds: sum("chalkline_report_refresh_seconds_sum").await,
    }
}

/// The refreshes once none was made for a while.
async fn settled(sandbox: &Sandbox, at_least: f64) -> Refreshes {
    let mut last = Refreshes::default();
    let mut quiet = 0;
    while quiet < 5 || last.count < at_least {
        tokio::time::sleep(Duration::from_secs(1)).await;
        let now = refreshes(sandbox).await;
        quiet = if now.count > last.count { 0 } else { quiet + 1 };
        last = now;
    }
    last
}

/// Reports of real click data in one process.
pub async fn measure(report: &mut Report) {
    let mut sandbox = Sandbox::up().await;
    let folder = data();
    let (tenant, key) = (sandbox.tenant.id.clone(), sandbox.tenant.key.clone());
    let (url, state) = (sandbox.address().ingest, sandbox.path("import.json"));
    let folder = folder.to_str().expect("a path in UTF-8");
    let arguments = [
        "import", "oulad", folder, "--tenant", &tenant, "--key", &key, "--url", &url, "--state",
        &state,
    ];
    let mut import = sandbox.spawn("import", &arguments);
    let ended = import.exit_within(Duration::from_secs(3600)).await;
    assert!(
        ended.is_some_and(|status| status.success()),
        "{}",
        import.log()
    );
    let meanwhile = settled(&sandbox, 1.0).await;
    let events = sandbox.count("clickstream").await + sandbox.count("assessment").await;

    sandbox.terminate(Duration::from_secs(60)).await;
    let tables = tables(&sandbox);
    for folder in &tables {
        std::fs::remove_dir_all(folder).expect("removes");
    }
    sandbox.restart().await;
    let all = settled(&sandbox, tables.len() as f64).await;
    let memory = sandbox.process("up").peak_memory() >> 20;
    report.add(
        "reports, computed from nothing",
        format!("{:.1} s", all.seconds),
        all.seconds,
        Floor::None,
        format!(
            "{} reports over {} events of OULAD; {memory} MiB peak memory of `up`, started for it; \
             {:.1} s in {} refreshes while they were imported",
            tables.len(),
            thousands(events as f64),
            meanwhile.seconds,
            meanwhile.count,
        ),
    );

    let click = json!({
        "type": "page.viewed", "time": "2013-11-20T10:00:00Z", "actor": "stu-of-the-bench",
        "course": "AAA", "section": "AAA-2013J", "data": {"url": "https://lms.example/"},
    });
    sandbox.post(&[click]).await.expect_status(202);
    eventually("the reports show the click", || async {
        let now = refreshes(&sandbox).await;
        (now.count > all.count)
            .then_some(())
            .ok_or(now.count.to_string())
    })
    .await;
    let after = settled(&sandbox, all.count + 1.0).await;
    report.add(
        "reports, after one event more",
        format!("{:.0} ms", (after.seconds - all.seconds) * 1e3),
        after.seconds - all.seconds,
        Floor::None,
        format!("{} of them refreshed", after.count - all.count),
    );
}
