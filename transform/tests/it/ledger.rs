use schemas::{Family, Table};
use transform::{Books, Imbalance};

use crate::support::{Sandbox, event, family, record, tenant_id};

#[tokio::test(flavor = "multi_thread")]
async fn the_second_reader_counts_each_event_once_over_restarts() {
    let sandbox = Sandbox::new().await;
    sandbox.tenant("other").await;
    for first in [0, 40, 80] {
        let events = (first..first + 40).map(|number| event(number, family(number)));
        let records = events.flat_map(|event| [record("demo", &event), record("other", &event)]);
        sandbox.append(records.collect()).await;
        sandbox.run_to_the_end().await;
    }
    assert_eq!(sandbox.counted("demo").await, 120);
    assert_eq!(sandbox.counted("other").await, 120);

    // By hour and family, each stretch of a partition at most once.
    let columns = [
        "hour",
        "family",
        "log_partition",
        "first_position",
        "end_position",
    ];
    let rows = sandbox.rows("demo", Table::LogCounts, &columns).await;
    assert!(
        rows.iter().all(|row| row[0] == "2026-09-14T10:00:00Z"),
        "{rows:?}"
    );
    let mut distinct = rows.clone();
    distinct.dedup();
    assert_eq!(distinct, rows);
}

#[tokio::test(flavor = "multi_thread")]
async fn rows_that_went_missing_are_found_by_hour_and_family() {
    let sandbox = Sandbox::new().await;
    let events: Vec<_> = (0..30).map(|n| event(n, family(n))).collect();
    let records = events.iter().map(|event| record("demo", event));
    sandbox.append(records.collect()).await;
    sandbox.run_to_the_end().await;

    let books = Books::new(sandbox.lake.clone()).expect("a thread");
    let demo = tenant_id("demo");
    assert_eq!(books.imbalances(&demo).await.expect("adds up"), []);
    let nobody = tenant_id("nobody");
    assert_eq!(books.imbalances(&nobody).await.expect("adds up"), []);

    let table = sandbox.folder.path().join("lake/demo/video");
    std::fs::remove_dir_all(table).expect("the table's folder");
    let videos = (0..30).filter(|n| family(*n) == Family::Video).count();
    let expected = Imbalance {
        hour: "2026-09-14T10:00:00Z".parse().expect("a time"),
        family: Some("video".to_owned()),
        missing: i64::try_from(videos).expect("few"),
    };
    assert_eq!(books.imbalances(&demo).await.expect("adds up"), [expected]);
}
