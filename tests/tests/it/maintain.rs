//! Tables stay few files, and upkeep changes nothing that can be asked for.

use e2e::{
    Load, Process, Sandbox, Trial, balanced, each_once, event, eventually, ids, on_s3, python,
};
use seaweed::Server;
use serde_json::{Value, json};

use crate::kill::CONNECTIONS;

/// A commit whenever it can be, and upkeep that has never enough: what takes an
/// hour elsewhere takes seconds.
const RESTLESS: [(&str, &str); 8] = [
    ("CHALKLINE_TRANSFORM_INTERVAL_MS", "50"),
    ("CHALKLINE_TRANSFORM_MAINTENANCE_INTERVAL_MS", "200"),
    ("CHALKLINE_TRANSFORM_MAINTENANCE_LEASE_MS", "3000"),
    ("CHALKLINE_TRANSFORM_MAINTENANCE_LEAST_FILES", "3"),
    ("CHALKLINE_TRANSFORM_MAINTENANCE_CHECKPOINT_VERSIONS", "5"),
    ("CHALKLINE_TRANSFORM_MAINTENANCE_CLEAN_INTERVAL_S", "1"),
    ("CHALKLINE_TRANSFORM_MAINTENANCE_LOG_RETENTION_S", "20"),
    ("CHALKLINE_TRANSFORM_MAINTENANCE_REMOVED_RETENTION_S", "20"),
];

/// Files of a table that may be left: 2 of each of some sizes.
const FEW: u64 = 16;

async fn files(sandbox: &Sandbox, table: &str) -> u64 {
    let plan = sandbox.cli(&["compact", "--dry-run", "--table", table]);
    let of = |line: &&Value| line["tenant"] == json!(sandbox.tenant.id);
    let lines = plan["tables"].as_array().expect("lines");
    let line = lines.iter().find(of).expect("the tenant's table");
    line["files_before"].as_u64().expect("a number")
}

/// A metric's value, over all its labels.
async fn metric(sandbox: &Sandbox, name: &str) -> f64 {
    let text = sandbox.get("/metrics").await.text();
    let lines = text.lines().filter(|line| line.starts_with(name));
    let values = lines.filter_map(|line| line.rsplit(' ').next()?.parse::<f64>().ok());
    values.sum()
}

async fn assert_few_files(sandbox: &Sandbox) {
    for table in event::TABLES {
        eventually("the files are few", || async {
            let files = files(sandbox, table).await;
            let few = (files <= FEW).then_some(());
            few.ok_or_else(|| format!("{table}: {files} files"))
        })
        .await;
    }
}

fn counted_by_others(table: &[&str], ours: &Value) {
    for (engine, theirs) in python::run("count.py", table).as_object().expect("engines") {
        assert_eq!(theirs, ours, "{engine}");
    }
}

async fn count(sandbox: &Sandbox, table: &str) -> Value {
    let sql = format!(
        "select count(*) as n, count(distinct event_id) as ids, \
         min(event_id) as first, max(event_id) as last from {table}"
    );
    json!(sandbox.sql(&sql).await[0])
}

#[tokio::test(flavor = "multi_thread")]
async fn under_load_and_kills_files_stay_few_and_every_event_is_there_once() {
    let trial = Trial::begin("kill -9 of `up` amid upkeep", "embedded, folder");
    let mut sandbox = Sandbox::up_with(&RESTLESS).await;
    let load = Load::start(&sandbox, 0..ids(), CONNECTIONS);
    for third in 1..3 {
        load.wait_for_acked(ids() / 3 * third).await;
        sandbox.crash();
        trial.injected();
        sandbox.restart().await;
    }
    let acked = load.finish().await;
    assert_eq!(acked.len() as u64, ids());
    each_once(&sandbox, &acked).await;
    assert_few_files(&sandbox).await;
    assert!(metric(&sandbox, "chalkline_maintenance_merged_files_total").await > 0.0);
    assert!(metric(&sandbox, "chalkline_maintenance_checkpoints_total").await > 0.0);
    trial.prove(&sandbox, &acked).await;
    sandbox.wait_for_reports().await;
    for table in event::TABLES {
        let ours = count(&sandbox, table).await;
        let path = sandbox.table(table).display().to_string();
        counted_by_others(&[&path], &ours);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn by_hand_and_service_take_turns_on_s3() {
    let server = Server::shared();
    let mut settings: Vec<_> = on_s3(server);
    settings.extend(RESTLESS.map(|(name, value)| (name, value.to_owned())));
    let settings: Vec<_> = settings.iter().map(|(k, v)| (*k, v.as_str())).collect();
    let mut sandbox = Sandbox::up_with(&settings).await;
    let events = ids() / 4;
    let load = Load::start(&sandbox, 0..events, CONNECTIONS);
    load.wait_for_acked(events / 2).await;
    sandbox.crash();
    sandbox.restart().await;
    // By hand beside the service, which stands back.
    sandbox.cli(&["compact"]);
    let acked = load.finish().await;
    each_once(&sandbox, &acked).await;
    sandbox.cli(&["compact"]);
    each_once(&sandbox, &acked).await;
    balanced(&sandbox).await;
    assert_few_files(&sandbox).await;
    let options = json!(server.options()).to_string();
    let root = sandbox.setting("CHALKLINE_LAKE_URL");
    for table in event::TABLES {
        let ours = count(&sandbox, table).await;
        let url = format!("{root}/{}/{table}", sandbox.tenant.id);
        counted_by_others(&[&url, &options], &ours);
    }
}

/// Two services on one lake, each with a log of its own; the one that has the
/// lease, and merges nothing, dies.
#[tokio::test(flavor = "multi_thread")]
async fn when_the_holder_is_killed_another_service_takes_over() {
    let mut lake: Vec<_> = on_s3(Server::shared());
    lake.extend(RESTLESS.map(|(name, value)| (name, value.to_owned())));
    let mut idle: Vec<_> = lake.iter().map(|(k, v)| (*k, v.as_str())).collect();
    idle.push(("CHALKLINE_TRANSFORM_MAINTENANCE_LEAST_FILES", "1000"));
    let mut holder = Sandbox::up_with(&idle).await;
    let data = holder.path("other");
    for name in [
        "CHALKLINE_INGEST_LISTEN",
        "CHALKLINE_QUERY_LISTEN",
        "CHALKLINE_TRANSFORM_LISTEN",
    ] {
        lake.push((name, "127.0.0.1:0".to_owned()));
    }
    let folder = std::path::Path::new(&data);
    std::fs::create_dir(folder).expect("the folder can be written");
    let other = Process::start(folder, "other", &["up", "--data-dir", &data], &lake);
    for round in 0..6 {
        let events = event::range(round * 90..round * 90 + 90);
        holder.post(&events).await.expect_status(202);
        let videos = event::count(0..round * 90 + 90, "video");
        holder.wait_for_count("video", videos).await;
    }
    let before = count(&holder, "video").await;
    let many = files(&holder, "video").await;
    assert!(many >= 6, "{many}");
    holder.crash();
    eventually("the other merges them", || async {
        let left = files(&holder, "video").await;
        let fewer = (left < many).then_some(());
        fewer.ok_or_else(|| format!("{left} files: {}", other.log()))
    })
    .await;
    drop(other);
    holder.restart().await;
    assert_eq!(count(&holder, "video").await, before);
    balanced(&holder).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn compact_merges_by_hand_what_no_service_does() {
    let sandbox = Sandbox::up_with(&[("CHALKLINE_TRANSFORM_MAINTENANCE_ENABLED", "false")]).await;
    for start in [0, 300, 600] {
        let events = event::range(start..start + 300);
        sandbox.post(&events).await.expect_status(202);
        let videos = event::count(0..start + 300, "video");
        sandbox.wait_for_count("video", videos).await;
    }
    let before = count(&sandbox, "video").await;
    let many = files(&sandbox, "video").await;
    assert!(many >= 3, "{many}");
    let one = [
        "compact",
        "--tenant",
        &sandbox.tenant.id,
        "--table",
        "video",
    ];
    let done = sandbox.cli(&one);
    let line = &done["tables"][0];
    assert_eq!(line["table"], "video");
    assert_eq!(line["files_before"], json!(many));
    let (after, bytes) = (&line["files_after"], &line["bytes_after"]);
    assert!(after.as_u64() < Some(many), "{line}");
    assert!(bytes.as_u64() < line["bytes_before"].as_u64(), "{line}");
    assert_eq!(count(&sandbox, "video").await, before);
    let path = sandbox.table("video").display().to_string();
    counted_by_others(&[&path], &before);
    let again = sandbox.cli(&one);
    assert_eq!(
        again["tables"][0]["files_after"], *after,
        "nothing is left to do"
    );
    // Publishing goes on.
    let events = event::range(900..1200);
    sandbox.post(&events).await.expect_status(202);
    sandbox
        .wait_for_count("video", event::count(0..1200, "video"))
        .await;
}
