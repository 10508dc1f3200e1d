//! One tenant's broken tables are that tenant's trouble alone.

use std::path::{Path, PathBuf};
use std::time::Duration;

use rstest::rstest;
use schemas::Table;

use crate::support::{Running, Sandbox, event, family, ids, looking_everywhere, record};

const PATIENCE: Duration = Duration::from_secs(120);

#[derive(Debug, Clone, Copy)]
enum Damage {
    /// A commit that is no JSON.
    Commit,
    /// A file of rows that is gone.
    File,
    /// Columns of another table.
    Columns,
    /// A tenant's document that is no JSON.
    Document,
}

impl Damage {
    /// Damages the tenant's things; answers what to move where to mend it.
    fn done_to(self, sandbox: &Sandbox, tenant: &str) -> (PathBuf, PathBuf) {
        let lake = sandbox.folder.path().join("lake");
        let tables = lake.join(tenant);
        let video = tables.join("video");
        let moved = sandbox.folder.path().join("moved");
        let damaged = match self {
            Self::Commit => newest(&video.join("_delta_log")),
            Self::File => newest(&newest_folder(&video)),
            Self::Columns => video.clone(),
            Self::Document => newest(&lake.join(format!("_tenants/{tenant}/versions"))),
        };
        std::fs::rename(&damaged, &moved).expect("moves");
        match self {
            Self::Commit | Self::Document => std::fs::write(&damaged, "{ torn").expect("writes"),
            Self::File => {}
            Self::Columns => {
                let from = tables.join("clickstream");
                let copied = std::process::Command::new("cp")
                    .arg("-r")
                    .args([&from, &damaged])
                    .status();
                assert!(copied.expect("cp starts").success());
            }
        }
        (moved, damaged)
    }
}

fn newest(folder: &Path) -> PathBuf {
    let entries = std::fs::read_dir(folder).expect("a folder");
    let files = entries.map(|entry| entry.expect("an entry").path());
    files.filter(|path| path.is_file()).max().expect("a file")
}

fn newest_folder(folder: &Path) -> PathBuf {
    let entries = std::fs::read_dir(folder).expect("a folder");
    let paths = entries.map(|entry| entry.expect("an entry").path());
    let terms = paths.filter(|path| path.to_string_lossy().contains("term="));
    terms.max().expect("a term")
}

fn mend((moved, damaged): (PathBuf, PathBuf)) {
    if damaged.is_dir() {
        std::fs::remove_dir_all(&damaged).expect("removes");
    }
    std::fs::rename(moved, damaged).expect("moves");
}

async fn append(sandbox: &Sandbox, tenant: &str, numbers: std::ops::Range<u128>) {
    let records = numbers.map(|number| record(tenant, &event(number, family(number))));
    sandbox.append(records.collect()).await;
}

/// Waits until all events of the tenant are stored.
async fn wait_for(sandbox: &Sandbox, tenant: &str, count: usize) {
    let stored = async {
        while sandbox.stored(tenant).await.len() < count {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    let stored = tokio::time::timeout(PATIENCE, stored).await;
    stored.unwrap_or_else(|_| panic!("{tenant} has not {count} events"));
}

async fn wait_until_degraded(running: &Running) -> String {
    let degraded = async {
        loop {
            if let Some(reason) = running.health.degraded().remove("transform") {
                return reason;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    let degraded = tokio::time::timeout(PATIENCE, degraded).await;
    degraded.expect("the trouble is reported")
}

#[rstest]
#[case::a_torn_commit(Damage::Commit, "broken/video")]
#[case::a_missing_file(Damage::File, "broken/video")]
#[case::other_columns(Damage::Columns, "other columns")]
#[case::a_torn_document(Damage::Document, "the tenant broken cannot be read")]
#[tokio::test(flavor = "multi_thread")]
async fn a_tenant_who_cannot_be_served_at_a_start_waits_alone(
    #[case] damage: Damage,
    #[case] named: &str,
) {
    let mut sandbox = two_tenants().await;
    sandbox.run_to_the_end().await;
    sandbox.know_nothing();
    let damaged = damage.done_to(&sandbox, "broken");
    let running = sandbox.start();
    everybody_else_goes_on(&sandbox, &running, named).await;
    // Another start finds the same.
    running.stop().await.expect("stops");
    let running = sandbox.start();
    append(&sandbox, "well", 90..110).await;
    wait_for(&sandbox, "well", 110).await;
    mend(damaged);
    everything_is_there_once(&sandbox, running).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_tenant_whose_table_breaks_while_it_runs_waits_alone() {
    let sandbox = two_tenants().await;
    let running = sandbox.start();
    sandbox.wait_for_the_end().await;
    // The version that comes next, by somebody who did not finish it.
    let log = sandbox.folder.path().join("lake/broken/video/_delta_log");
    let last = newest(&log);
    let version: u64 = last
        .file_stem()
        .and_then(|stem| stem.to_str()?.parse().ok())
        .expect("a version");
    let torn = log.join(format!("{:020}.json", version + 1));
    std::fs::write(&torn, "{ torn").expect("writes");
    everybody_else_goes_on(&sandbox, &running, "broken/video").await;
    append(&sandbox, "well", 90..110).await;
    std::fs::remove_file(torn).expect("removes");
    everything_is_there_once(&sandbox, running).await;
}

/// Rows that were judged before and are published after the tenant began to wait
/// would carry its tables over the records that wait.
#[tokio::test(flavor = "multi_thread")]
async fn rows_from_before_a_tenant_waits_do_not_pass_what_waits() {
    let mut sandbox = Sandbox::new().await;
    sandbox.tenant("broken").await;
    // So old that they are looked for in their files.
    let old = (0..30).map(|number| {
        let mut event = event(number, family(number));
        event.received_at -= chrono::TimeDelta::days(30);
        record("broken", &event)
    });
    sandbox.append(old.collect()).await;
    sandbox.run_to_the_end().await;
    let video = sandbox.folder.path().join("lake/broken/video");
    let (damaged, moved) = (
        newest(&newest_folder(&video)),
        sandbox.folder.path().join("moved"),
    );
    sandbox.config.interval_ms = 1_000;
    // A merge would read the file in time, and nobody miss it.
    sandbox.config.maintenance.enabled = false;
    let running = sandbox.start();
    // It has loaded what it has to know.
    append(&sandbox, "broken", 30..40).await;
    wait_for(&sandbox, "broken", 40).await;
    std::fs::rename(&damaged, &moved).expect("moves");
    append(&sandbox, "broken", 40..60).await;
    let asked = (60..90).map(|number| record("broken", &event(number, family(number))));
    sandbox
        .append(asked.map(looking_everywhere).collect())
        .await;
    wait_until_degraded(&running).await;
    tokio::time::sleep(Duration::from_millis(1_500)).await;
    mend((moved, damaged));
    wait_for(&sandbox, "broken", 90).await;
    running.stop().await.expect("stops");
    assert_eq!(sandbox.stored("broken").await, ids(0..90));
}

/// Records of a tenant who does not exist wait when the tables of `_system` cannot be
/// used. Once the tenant is made, its own tables must not pass them.
#[tokio::test(flavor = "multi_thread")]
async fn what_waits_with_the_system_is_not_passed_by_those_whose_it_is() {
    let sandbox = Sandbox::new().await;
    sandbox.tenant("well").await;
    append(&sandbox, "later", 0..5).await;
    sandbox.run_to_the_end().await;
    let quarantine = sandbox.folder.path().join("lake/_system/quarantine");
    let commit = newest(&quarantine.join("_delta_log"));
    let text = std::fs::read(&commit).expect("a commit");
    std::fs::write(&commit, "{ torn").expect("writes");
    let running = sandbox.start();
    append(&sandbox, "later", 5..30).await;
    // In all partitions, behind those.
    append(&sandbox, "well", 0..30).await;
    wait_for(&sandbox, "well", 30).await;
    let reason = wait_until_degraded(&running).await;
    assert!(reason.contains("_system/quarantine"), "{reason}");

    sandbox.tenant("later").await;
    append(&sandbox, "later", 30..60).await;
    append(&sandbox, "well", 30..60).await;
    wait_for(&sandbox, "well", 60).await;
    // `_system` is not needed for that.
    wait_for(&sandbox, "later", 55).await;
    std::fs::write(&commit, text).expect("writes");
    sandbox.wait_for_the_end().await;
    running.stop().await.expect("stops");
    assert_eq!(sandbox.stored("later").await, ids(5..60));
    assert_eq!(sandbox.stored("well").await, ids(0..60));
    let places = ["log_partition", "log_position"];
    let set_aside = sandbox.rows("_system", Table::Quarantine, &places).await;
    assert_eq!(set_aside.len(), 5);
}

async fn two_tenants() -> Sandbox {
    let sandbox = Sandbox::new().await;
    for tenant in ["broken", "well"] {
        sandbox.tenant(tenant).await;
        append(&sandbox, tenant, 0..30).await;
    }
    sandbox
}

/// Over many rounds, while the trouble is named and floors stand.
async fn everybody_else_goes_on(sandbox: &Sandbox, running: &Running, named: &str) {
    for first in [30, 50, 70] {
        append(sandbox, "broken", first..first + 20).await;
        append(sandbox, "well", first..first + 20).await;
        let count = usize::try_from(first).expect("small") + 20;
        wait_for(sandbox, "well", count).await;
    }
    let reason = wait_until_degraded(running).await;
    for part in [named, "events are kept in the log"] {
        assert!(reason.contains(part), "{reason}");
    }
    assert!(running.health.is_ready(), "{:?}", running.health.unready());
    let quarantine = sandbox.rows("well", Table::Quarantine, &["stage"]).await;
    assert!(quarantine.is_empty());
}

async fn everything_is_there_once(sandbox: &Sandbox, running: Running) {
    wait_for(sandbox, "broken", 90).await;
    wait_for(sandbox, "well", 110).await;
    sandbox.wait_for_the_end().await;
    wait_for_counts(sandbox, "broken", 90).await;
    wait_for_counts(sandbox, "well", 110).await;
    running.stop().await.expect("stops");
    assert_eq!(sandbox.stored("broken").await, ids(0..90));
    assert_eq!(sandbox.stored("well").await, ids(0..110));
    let mut places = sandbox.places(&["broken", "well"]).await;
    let all = places.len();
    places.dedup();
    assert_eq!((places.len(), all), (200, 200));
    assert_eq!(sandbox.counted("broken").await, 90);
    assert_eq!(sandbox.counted("well").await, 110);
}

/// The second reader has a table of its own, which may be broken alone.
#[tokio::test(flavor = "multi_thread")]
async fn counting_waits_for_one_tenant_alone() {
    let sandbox = two_tenants().await;
    sandbox.run_to_the_end().await;
    let log = "lake/broken/log_counts/_delta_log";
    let commit = newest(&sandbox.folder.path().join(log));
    let text = std::fs::read(&commit).expect("a commit");
    std::fs::write(&commit, "{ torn").expect("writes");
    let running = sandbox.start();
    for tenant in ["broken", "well"] {
        append(&sandbox, tenant, 30..60).await;
        wait_for(&sandbox, tenant, 60).await;
    }
    wait_for_counts(&sandbox, "well", 60).await;
    running.stop().await.expect("stops");
    std::fs::write(&commit, text).expect("writes");
    let running = sandbox.start();
    wait_for_counts(&sandbox, "broken", 60).await;
    running.stop().await.expect("stops");
    assert_eq!(sandbox.counted("well").await, 60);
}

async fn wait_for_counts(sandbox: &Sandbox, tenant: &str, count: i64) {
    let counted = async {
        while sandbox.counted(tenant).await < count {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    let counted = tokio::time::timeout(PATIENCE, counted).await;
    counted.unwrap_or_else(|_| panic!("{count} of {tenant} are not counted"));
}
