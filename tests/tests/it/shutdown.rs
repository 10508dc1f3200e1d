//! A polite stop under load ends in time and loses nothing.

use std::time::Duration;

use e2e::{Load, Sandbox, event};
use eventlog::testing::KafkaBroker;

/// What an orchestrator grants before it kills.
const LIMIT: Duration = Duration::from_secs(10);

async fn stop_under_load(mut sandbox: Sandbox) {
    let load = Load::start(&sandbox, 0..1_000_000, 8);
    load.wait_for_acked(3_000).await;
    for end in sandbox.terminate(LIMIT).await {
        let end = end.expect("it ended within 10 s");
        assert!(end.success(), "{end}");
    }
    let acked = load.abandon().await;
    // Late parts would be named there.
    let logs = sandbox.logs();
    assert!(!logs.contains("within the grace period"), "{logs}");

    sandbox.restart().await;
    for table in event::TABLES {
        let promised: Vec<String> = acked
            .iter()
            .filter(|number| event::table(**number) == table)
            .map(|number| event::id(*number))
            .collect();
        // What was taken but not answered may be there too.
        e2e::eventually("everything acked is stored once", || async {
            let found = sandbox.copies(table).await;
            assert!(found.values().all(|copies| *copies == 1), "{table}");
            let missing = promised
                .iter()
                .filter(|id| !found.contains_key(*id))
                .count();
            (missing == 0)
                .then_some(())
                .ok_or(format!("{table}: {missing} missing"))
        })
        .await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn up_stops_politely_under_load() {
    stop_under_load(Sandbox::up().await).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn roles_stop_politely_under_load() {
    let kafka = KafkaBroker::start().await;
    stop_under_load(Sandbox::cluster(&kafka.address()).await).await;
}
