//! Whatever is killed, every acked event is in its table exactly once.

use std::collections::BTreeMap;

use e2e::{Acked, Client, Load, Sandbox, event};
use eventlog::testing::KafkaBroker;
use serde_json::json;

pub const CONNECTIONS: usize = 8;

/// How many events a test sends.
pub fn ids() -> u64 {
    std::env::var("CHALKLINE_TORTURE_IDS").map_or(20_000, |text| {
        text.parse().expect("CHALKLINE_TORTURE_IDS is a number")
    })
}

/// Waits until all is published, then compares every id of every table.
pub async fn assert_each_once(client: &Client, acked: &Acked) {
    for table in event::TABLES {
        let expected: BTreeMap<String, u64> = acked
            .iter()
            .filter(|number| event::table(**number) == table)
            .map(|number| (event::id(*number), 1))
            .collect();
        client.wait_for_count(table, expected.len() as u64).await;
        let found = client.copies(table).await;
        let wrong: Vec<_> = expected
            .keys()
            .chain(found.keys())
            .filter(|id| expected.get(*id) != found.get(*id))
            .take(5)
            .map(|id| (id, found.get(id)))
            .collect();
        assert_eq!(wrong, [], "{table}: ids that are not there once");
    }
    assert_eq!(client.count("quarantine").await, 0);
}

/// Every ledger row agrees, over all events and what came twice.
pub async fn assert_balanced(client: &Client) {
    let stored: u64 = {
        let mut sum = 0;
        for table in event::TABLES {
            sum += client.count(table).await;
        }
        sum
    };
    client
        .wait_for_value("select sum(stored) as n from ledger", stored)
        .await;
    let unbalanced = client.sql("select * from ledger where not balanced").await;
    assert_eq!(json!(unbalanced), json!([]));
}

#[tokio::test(flavor = "multi_thread")]
async fn up_is_killed_again_and_again() {
    let mut sandbox = Sandbox::up().await;
    let load = Load::start(&sandbox, 0..ids(), CONNECTIONS);
    for fifth in 1..5 {
        load.wait_for_acked(ids() / 5 * fifth).await;
        sandbox.crash();
        sandbox.restart().await;
    }
    let acked = load.finish().await;
    assert_eq!(acked.len() as u64, ids());
    // The last kill meets a log that is ahead of the tables.
    sandbox.crash();
    sandbox.restart().await;
    assert_each_once(&sandbox, &acked).await;
    assert_balanced(&sandbox).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn each_role_is_killed_over_kafka() {
    let kafka = KafkaBroker::start().await;
    let mut sandbox = Sandbox::cluster(&kafka.address()).await;
    let load = Load::start(&sandbox, 0..ids(), CONNECTIONS);
    let victims = ["transform", "ingest", "query", "ingest", "transform"];
    for (sixth, victim) in (1..).zip(victims) {
        load.wait_for_acked(ids() / 6 * sixth).await;
        sandbox.crash_one(victim);
        sandbox.restart().await;
    }
    let acked = load.finish().await;
    assert_eq!(acked.len() as u64, ids());
    sandbox.crash_one("transform");
    sandbox.restart().await;
    assert_each_once(&sandbox, &acked).await;
    assert_balanced(&sandbox).await;
}
