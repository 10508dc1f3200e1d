//! The same events over and over, years late and in no order at all.

use std::time::Duration;

use e2e::{Load, Sandbox, Trial, event, ids};
use rand::seq::SliceRandom;
use serde_json::{Value, json};

use super::{Own, broker};
use crate::kill::CONNECTIONS;

/// How often each event is sent.
const COPIES: u64 = 3;

/// Of so many events one happened years before the others.
const LATE: u64 = 5;

fn sometimes_late(number: u64) -> Value {
    let mut event = event::nth(number);
    if number.is_multiple_of(LATE) {
        event["time"] = json!("2019-10-01T12:00:00Z");
    }
    event
}

#[tokio::test(flavor = "multi_thread")]
async fn a_flood_of_repeated_late_and_shuffled_events() {
    let trial = Trial::begin(
        "a flood: each id three times, shuffled, a fifth years late; kill -9 amid it",
        "Kafka, folder",
    );
    let own = Own::new();
    let settings = own.with(&[("CHALKLINE_KAFKA_PARTITIONS", "4")]);
    let address = broker().await.address();
    let roles = ["ingest", "transform", "query"];
    let mut sandbox = Sandbox::roles_with(&address, &roles, &settings).await;
    let mut numbers: Vec<u64> = (0..COPIES).flat_map(|_| 0..ids()).collect();
    numbers.shuffle(&mut rand::rng());
    let load = Load::start_of(
        &sandbox,
        numbers,
        sometimes_late,
        CONNECTIONS,
        Duration::ZERO,
    );
    for third in 1..3 {
        load.wait_for_acked(ids() / 3 * third).await;
        sandbox.crash_one("transform");
        sandbox.restart().await;
    }
    let acked = load.finish().await;
    assert_eq!(acked.len() as u64, ids());
    // Every id may be there while copies of it are still on their way.
    sandbox.wait_for_reports().await;
    // A copy in the same request as another does not reach the log.
    let duplicates = sandbox.count("duplicates").await;
    assert!(duplicates > ids(), "{duplicates}");
    let accepted = "select sum(accepted) as n from ledger";
    sandbox.wait_for_value(accepted, ids() + duplicates).await;
    let mut trial = trial;
    trial.expect_duplicates(duplicates);
    for _ in 0..duplicates {
        trial.injected();
    }
    let late =
        (0..ids()).filter(|number| number.is_multiple_of(LATE) && event::table(*number) == "video");
    sandbox
        .wait_for_value(
            "select count(*) as n from video where term = '2019-20'",
            late.count() as u64,
        )
        .await;
    trial.prove(&sandbox, &acked).await;
}
