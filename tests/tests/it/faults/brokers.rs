//! Three brokers, of which any one may be missing.

use std::time::Duration;

use e2e::{Load, Sandbox, Trial, eventually, ids};
use eventlog::testing::KafkaBroker;

use crate::group::{Member, SESSION_MS, until_shared};

#[tokio::test(flavor = "multi_thread")]
async fn one_of_three_brokers_is_killed_and_then_another() {
    let trial = Trial::begin(
        "three brokers, one killed, then another",
        "Kafka ×3, folder",
    );
    let brokers = KafkaBroker::start_three().await;
    let address = brokers.each_ref().map(KafkaBroker::address).join(",");
    let settings = [
        ("CHALKLINE_KAFKA_REPLICATION_FACTOR", "3"),
        ("CHALKLINE_KAFKA_PARTITIONS", "6"),
        ("CHALKLINE_KAFKA_SESSION_TIMEOUT_MS", SESSION_MS),
    ];
    let sandbox = Sandbox::roles_with(&address, &["ingest", "query"], &settings).await;
    let members = ["one", "two"].map(|name| Member::join(&sandbox, name));
    until_shared(&members.each_ref(), &[3, 3]).await;
    let load = Load::start_resting(&sandbox, 0..ids(), 4, Duration::from_millis(100));

    for (third, mut broker) in (1..).zip(brokers).take(2) {
        load.wait_for_acked(ids() / 3 * third - ids() / 6).await;
        broker.kill();
        trial.injected();
        // With one away everything goes on: answers, and rounds.
        load.wait_for_acked(load.acked() + ids() / 10).await;
        let before = rounds(&members).await;
        eventually("rounds go on", || async {
            let now = rounds(&members).await;
            (now > before).then_some(()).ok_or(format!("{now}"))
        })
        .await;
        // It stays up until the end of the test.
        std::mem::forget(broker.restart().await);
    }
    let acked = load.finish().await;
    assert_eq!(acked.len() as u64, ids());
    trial.prove(&sandbox, &acked).await;
}

async fn rounds(members: &[Member]) -> f64 {
    let mut sum = 0.0;
    for member in members {
        let rounds = member.metric("chalkline_transform_rounds_total ").await;
        sum += rounds.unwrap_or_default();
    }
    sum
}
