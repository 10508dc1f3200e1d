//! Kafka is away for a while: ingest takes events on a disk of its own, also after
//! it was killed, and hands them on when Kafka is back.

use e2e::{Load, Sandbox, Trial, event, eventually, ids};
use eventlog::testing::KafkaBroker;
use serde_json::json;
use tempfile::TempDir;

use crate::kill::CONNECTIONS;

#[tokio::test(flavor = "multi_thread")]
async fn events_wait_in_the_spool_while_kafka_is_away() {
    let trial = Trial::begin(
        "Kafka away, and `kill -9` of ingest meanwhile, with a spool",
        "Kafka, folder",
    );
    let mut kafka = KafkaBroker::start().await;
    let spool = TempDir::with_prefix("chalkline-spool-").expect("a temporary folder");
    let dir = spool.path().display().to_string();
    let settings = [("CHALKLINE_SPOOL_DIR", dir.as_str())];
    let roles = ["ingest", "query"];
    let mut sandbox = Sandbox::roles_with(&kafka.address(), &roles, &settings).await;
    let load = Load::start(&sandbox, 0..ids(), CONNECTIONS);

    load.wait_for_acked(ids() / 5).await;
    kafka.kill();
    trial.injected();
    load.wait_for_acked(ids() / 5 * 2).await;
    let last = ids();
    let reply = sandbox.post(&[event::nth(last)]).await.expect_status(202);
    let answer = reply.json();
    assert_eq!(answer["results"][0]["outcome"], json!("accepted"));
    assert_eq!(answer["results"][0]["spooled"], json!(true));
    assert_eq!(answer["spooled"], json!(1));

    // Ready without Kafka: there is a place for events.
    sandbox.crash_one("ingest");
    sandbox.restart().await;
    load.wait_for_acked(ids() / 5 * 3).await;
    assert!(metric(&sandbox, "chalkline_spool_records").await > 0.0);

    let kafka = kafka.restart().await;
    let (_transform, _) = sandbox.another_transform("transform");
    let mut acked = load.finish().await;
    acked.insert(last);
    assert_eq!(acked.len() as u64, ids() + 1);
    eventually("the spool is empty", || async {
        let waiting = metric(&sandbox, "chalkline_spool_records").await;
        (waiting == 0.0).then_some(()).ok_or(waiting.to_string())
    })
    .await;
    trial.prove(&sandbox, &acked).await;

    // Nothing was put aside; what is there is told of, and stays when it cannot be sent.
    let listed = sandbox.cli(&["spool", "list"]);
    assert_eq!(listed["files"], json!([]));
    let aside = spool.path().join("aside");
    std::fs::create_dir_all(&aside).expect("the folder can be written");
    std::fs::write(aside.join("7.entry"), "of another program").expect("written");
    let listed = sandbox.cli(&["spool", "list"]);
    let file = &listed["files"][0];
    assert_eq!(
        (&file["file"], &file["events"]),
        (&json!("7.entry"), &json!(0))
    );
    let (code, retried) = sandbox.cli_with_code(&["spool", "retry"]);
    let file = &retried["files"][0];
    assert_eq!((code, &file["outcome"]), (1, &json!("stays")), "{retried}");
    drop(kafka);
}

/// A figure of ingest's, once it is there.
async fn metric(sandbox: &Sandbox, name: &str) -> f64 {
    let url = format!("{}/metrics", sandbox.url("ingest"));
    eventually(name, || async {
        let answer = reqwest::get(&url)
            .await
            .map_err(|error| error.to_string())?;
        let text = answer.text().await.map_err(|error| error.to_string())?;
        let value = text
            .lines()
            .find_map(|line| line.strip_prefix(name)?.trim().parse().ok());
        value.ok_or(text)
    })
    .await
}
