//! From the embedded log to Kafka, over the same lake.

use std::time::Duration;

use e2e::{Load, Sandbox, Trial, event, eventually, ids};

use super::{Own, broker};
use crate::kill::CONNECTIONS;

#[tokio::test(flavor = "multi_thread")]
async fn from_the_embedded_log_to_kafka_amid_retries() {
    let trial = Trial::begin(
        "embedded → Kafka, with the same ids on both sides",
        "embedded, then Kafka; folder",
    );
    let own = Own::new();
    let address = broker().await.address();
    let settings = own.with(&[
        ("CHALKLINE_KAFKA_BROKERS", address.as_str()),
        ("CHALKLINE_KAFKA_PARTITIONS", "4"),
    ]);
    let mut sandbox = Sandbox::up_with(&settings).await;
    let load = Load::start(&sandbox, 0..ids(), CONNECTIONS);
    load.wait_for_acked(ids() / 4).await;
    sandbox.crash();
    sandbox.restart().await;
    load.wait_for_acked(ids() / 2).await;

    // What is on its way is answered by nobody, and sent again to the other side.
    sandbox.divert();
    drained(&sandbox, &load).await;
    // In good order: the second reader counts to the end of the log.
    for ended in sandbox.terminate(Duration::from_secs(60)).await {
        assert!(ended.is_some_and(|status| status.success()), "{ended:?}");
    }
    sandbox.replace(&["ingest", "transform", "query"]).await;
    trial.injected();
    let again: Vec<_> = (0..ids() / 8).collect();
    for numbers in again.chunks(500) {
        let events: Vec<_> = numbers.iter().map(|number| event::nth(*number)).collect();
        sandbox.post(&events).await.expect_status(202);
    }
    sandbox.crash_one("transform");
    sandbox.restart().await;
    let acked = load.finish().await;
    assert_eq!(acked.len() as u64, ids());
    let logs = "select count(distinct log_id) as n from video";
    sandbox.wait_for_value(logs, 2).await;
    let last = event::id(again.len() as u64 - 1);
    let known =
        format!("select count(distinct event_id) as n from duplicates where event_id <= '{last}'");
    sandbox.wait_for_value(&known, again.len() as u64).await;
    trial.prove(&sandbox, &acked).await;
}

/// Waits until the tables hold all that is in the log.
async fn drained(sandbox: &Sandbox, load: &Load) {
    eventually("all is published", || async {
        let mut stored = 0;
        for table in event::TABLES {
            stored += sandbox.count(table).await;
        }
        let acked = load.acked();
        (stored >= acked)
            .then_some(())
            .ok_or(format!("{stored} of {acked}"))
    })
    .await;
}
