use std::time::Duration;

use schemas::{Family, Table};

use crate::outcomes::asked;
use crate::support::{Sandbox, event, family, ids, record};

#[tokio::test(flavor = "multi_thread")]
async fn killed_again_and_again_it_stores_every_event_once() {
    let mut sandbox = Sandbox::new().await;
    sandbox.config.interval_ms = 5;
    sandbox.config.max_rows = 40;
    let mut total = 0;
    for life in 0..40_u64 {
        let first = u128::from(life) * 25;
        // A fifth of them come a second time, some from a former life.
        let numbers = (first..first + 25).chain((first.saturating_sub(10)..first + 25).step_by(7));
        let records: Vec<_> = numbers
            .map(|number| record("demo", &event(number, family(number))))
            .collect();
        total += records.len();
        let running = sandbox.start();
        sandbox.append(records).await;
        tokio::time::sleep(Duration::from_millis(life * 7 % 90)).await;
        drop(running);
    }
    sandbox.run_to_the_end().await;

    assert_eq!(sandbox.stored("demo").await, ids(0..1000));
    let places = sandbox.places(&["demo"]).await;
    let mut distinct = places.clone();
    distinct.dedup();
    assert_eq!((places.len(), distinct.len()), (total, total));
    assert_eq!(
        sandbox.counted("demo").await,
        i64::try_from(total).expect("small")
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn two_services_on_one_log_store_every_event_once() {
    let mut sandbox = Sandbox::new().await;
    sandbox.config.interval_ms = 5;
    sandbox.config.max_rows = 30;
    let (one, two) = (sandbox.start(), sandbox.start());
    for first in (0..300).step_by(20) {
        let numbers = (first..first + 20).chain(first..first + 3);
        let records = numbers.map(|number| record("demo", &event(number, family(number))));
        sandbox.append(records.collect()).await;
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    sandbox.wait_for_the_end().await;
    one.stop().await.expect("stops");
    two.stop().await.expect("stops");
    sandbox.run_to_the_end().await;
    assert_eq!(sandbox.stored("demo").await, ids(0..300));
    let duplicates = sandbox.rows("demo", Table::Duplicates, &["event_id"]).await;
    assert_eq!(duplicates.len(), 45);
}

#[tokio::test(flavor = "multi_thread")]
async fn reading_the_same_positions_again_adds_nothing() {
    let sandbox = Sandbox::new().await;
    let mut records: Vec<_> = (0..50)
        .map(|number| record("demo", &event(number, family(number))))
        .collect();
    records.push(record("demo", &event(7, family(7))));
    let mut bad = record("demo", &event(99, Family::Video));
    bad.value = bytes::Bytes::from_static(b"no event");
    records.push(bad);
    records.push(asked("demo"));
    sandbox.append(records).await;
    sandbox.run_to_the_end().await;
    let before = sandbox.places(&["demo"]).await;

    for mut floor in sandbox.lake.floors().await.expect("floors") {
        floor.position = 0;
        sandbox.lake.set_floor(&floor).await.expect("stores");
    }
    sandbox.run_to_the_end().await;
    assert_eq!(sandbox.places(&["demo"]).await, before);
    assert_eq!(sandbox.stored("demo").await, ids(0..50));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_restart_remembers_what_was_stored() {
    let mut sandbox = Sandbox::new().await;
    // Which would find what comes after the window.
    sandbox.config.maintenance.enabled = false;
    sandbox
        .append(vec![record("demo", &event(1, Family::Video))])
        .await;
    sandbox.run_to_the_end().await;

    let mut again = event(1, Family::Video);
    again.received_at += chrono::TimeDelta::days(7);
    let mut much_later = event(1, Family::Assessment);
    much_later.received_at += chrono::TimeDelta::days(7) + chrono::TimeDelta::seconds(1);
    sandbox
        .append(vec![record("demo", &again), record("demo", &much_later)])
        .await;
    sandbox.run_to_the_end().await;
    let columns = ["family", "same_content"];
    let duplicates = sandbox.rows("demo", Table::Duplicates, &columns).await;
    assert_eq!(duplicates, [["video", "∅"]], "its content is not known");
    assert_eq!(sandbox.stored("demo").await.len(), 2);
}
