use schemas::Table;

use crate::support::{Sandbox, event, family, record};

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
