//! Whatever is killed, every acked event is in its table exactly once.

use e2e::{Load, Sandbox, Trial, ids};
use eventlog::testing::KafkaBroker;

pub const CONNECTIONS: usize = 8;

#[tokio::test(flavor = "multi_thread")]
async fn up_is_killed_again_and_again() {
    let trial = Trial::begin("kill -9 of `up`, again and again", "embedded, folder");
    let mut sandbox = Sandbox::up().await;
    let load = Load::start(&sandbox, 0..ids(), CONNECTIONS);
    for fifth in 1..5 {
        load.wait_for_acked(ids() / 5 * fifth).await;
        sandbox.crash();
        trial.injected();
        sandbox.restart().await;
    }
    let acked = load.finish().await;
    assert_eq!(acked.len() as u64, ids());
    // The last kill meets a log that is ahead of the tables.
    sandbox.crash();
    sandbox.restart().await;
    trial.prove(&sandbox, &acked).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn each_role_is_killed_over_kafka() {
    let trial = Trial::begin("kill -9 of each role in turn", "Kafka, folder");
    let kafka = KafkaBroker::start().await;
    let mut sandbox = Sandbox::cluster(&kafka.address()).await;
    let load = Load::start(&sandbox, 0..ids(), CONNECTIONS);
    let victims = ["transform", "ingest", "query", "ingest", "transform"];
    for (sixth, victim) in (1..).zip(victims) {
        load.wait_for_acked(ids() / 6 * sixth).await;
        sandbox.crash_one(victim);
        trial.injected();
        sandbox.restart().await;
    }
    let acked = load.finish().await;
    assert_eq!(acked.len() as u64, ids());
    sandbox.crash_one("transform");
    sandbox.restart().await;
    trial.prove(&sandbox, &acked).await;
}
