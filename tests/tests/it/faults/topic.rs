//! The topic is deleted and made anew under running services.

use e2e::{Load, Sandbox, Trial, eventually, ids};
use eventlog::testing::KafkaBroker;

use super::{Own, broker};
use crate::group::{Member, SESSION_MS, until_shared};
use crate::kill::CONNECTIONS;

/// Deletes the topic and makes another one of its name.
async fn recreate(kafka: &KafkaBroker, topic: &str) {
    kafka.tool("topics", &["--delete", "--topic", topic]).await;
    eventually("the topic is gone", || async {
        let left = kafka.tool("topics", &["--list"]).await;
        (!left.lines().any(|line| line == topic))
            .then_some(())
            .ok_or(left)
    })
    .await;
    let create = ["--create", "--topic", topic, "--partitions", "4"];
    kafka.tool("topics", &create).await;
}

/// What was answered and published before stays; what is answered afterwards is
/// in the new topic, and nobody takes the one for the other.
#[tokio::test(flavor = "multi_thread")]
async fn a_recreated_topic_is_not_read_on_as_if_it_were_the_former() {
    let trial = Trial::begin("the topic is recreated", "Kafka, folder");
    let kafka = broker().await;
    let own = Own::new();
    let settings = own.with(&[
        ("CHALKLINE_KAFKA_PARTITIONS", "4"),
        ("CHALKLINE_KAFKA_SESSION_TIMEOUT_MS", SESSION_MS),
    ]);
    let roles = ["ingest", "query"];
    let sandbox = Sandbox::roles_with(&kafka.address(), &roles, &settings).await;
    let mut member = Member::join(&sandbox, "before");
    until_shared(&[&member], &[4]).await;
    let mut acked = Load::start(&sandbox, 0..ids() / 2, CONNECTIONS)
        .finish()
        .await;
    e2e::each_once(&sandbox, &acked).await;
    // What the second reader has not counted goes with the topic.
    e2e::balanced(&sandbox).await;

    recreate(kafka, &own.topic).await;
    let load = Load::start(&sandbox, ids() / 2..ids(), CONNECTIONS);
    // Or ends, if that is how it notices.
    eventually("it says that this is another topic", || async {
        let log = member.process.log();
        let stopped = log.contains("was replaced by") && log.contains("restart to go on");
        let ended = log.contains("it is another log under the same name");
        (stopped || ended).then_some(()).ok_or(log)
    })
    .await;
    trial.injected();
    acked.extend(load.finish().await);
    assert_eq!(acked.len() as u64, ids());
    assert!(!member.is_ready().await);

    // Whoever restarts it has looked.
    member.process.kill();
    let member = Member::join(&sandbox, "after");
    until_shared(&[&member], &[4]).await;
    trial.prove(&sandbox, &acked).await;
    let log = member.process.log();
    assert!(log.contains("filled from another log"), "{log}");
    assert!(member.is_ready().await);
}
