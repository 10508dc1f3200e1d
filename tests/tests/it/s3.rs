//! The promises hold with the lake in S3, too.

use std::collections::HashMap;

use e2e::{Load, Sandbox, Trial, chalkline, event, ids, on_s3, python};
use eventlog::testing::KafkaBroker;
use seaweed::Server;
use serde_json::json;

use crate::kill::CONNECTIONS;

#[tokio::test(flavor = "multi_thread")]
async fn up_on_s3_is_killed_and_every_event_is_there_once() {
    let trial = Trial::begin("kill -9 of `up`", "embedded, S3");
    let server = Server::shared();
    let mut sandbox = Sandbox::up_on_s3(server).await;
    let load = Load::start(&sandbox, 0..ids(), CONNECTIONS);
    for third in 1..3 {
        load.wait_for_acked(ids() / 3 * third).await;
        sandbox.crash();
        trial.injected();
        sandbox.restart().await;
    }
    let acked = load.finish().await;
    assert_eq!(acked.len() as u64, ids());
    trial.prove(&sandbox, &acked).await;
    assert!(
        !sandbox.lake().exists(),
        "nothing of the lake is in the folder"
    );
    another_engine_counts_the_same(&sandbox, server).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn transform_on_s3_over_kafka_is_killed_and_every_event_is_there_once() {
    let trial = Trial::begin("kill -9 of transform", "Kafka, S3");
    let kafka = KafkaBroker::start().await;
    let mut sandbox = Sandbox::cluster_on_s3(&kafka.address(), Server::shared()).await;
    let load = Load::start(&sandbox, 0..ids(), CONNECTIONS);
    for quarter in 1..4 {
        load.wait_for_acked(ids() / 4 * quarter).await;
        sandbox.crash_one("transform");
        trial.injected();
        sandbox.restart().await;
    }
    let acked = load.finish().await;
    assert_eq!(acked.len() as u64, ids());
    trial.prove(&sandbox, &acked).await;
}

async fn another_engine_counts_the_same(sandbox: &Sandbox, server: &Server) {
    let options = json!(server.options()).to_string();
    let root = sandbox.setting("CHALKLINE_LAKE_URL");
    for table in event::TABLES {
        let ours = sandbox
            .sql(&format!(
                "select count(*) as n, count(distinct event_id) as ids, \
                 min(event_id) as first, max(event_id) as last from {table}"
            ))
            .await;
        let table_url = format!("{root}/{}/{table}", sandbox.tenant.id);
        let theirs = python::run("count.py", &[&table_url, &options]);
        assert_eq!(theirs["deltalake"], json!(ours[0]), "{table}");
    }
}

#[test]
fn a_store_that_cannot_be_used_ends_the_start_with_what_to_check() {
    let right: HashMap<_, _> = on_s3(Server::shared()).into_iter().collect();
    let cases = [
        (
            "CHALKLINE_LAKE_OPTIONS_AWS_SECRET_ACCESS_KEY",
            "wrong",
            "AWS_SECRET_ACCESS_KEY",
        ),
        ("CHALKLINE_LAKE_URL", "s3://no-such-bucket", "no bucket"),
    ];
    for (name, value, named) in cases {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let output = chalkline()
            .arg("up")
            .envs(&right)
            .env("CHALKLINE_DATA_DIR", folder.path())
            .env(name, value)
            .output()
            .expect("chalkline starts");
        assert!(!output.status.success());
        let told = String::from_utf8_lossy(&output.stderr);
        assert!(told.contains(named), "{told}");
        assert!(!told.contains("chalkline-tests-secret"), "{told}");
    }
}
