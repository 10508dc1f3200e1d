//! Other readers of the tables count what we count.

use e2e::{Sandbox, event, python};
use serde_json::json;

#[tokio::test]
async fn deltalake_and_duckdb_count_the_same_rows() {
    let sandbox = Sandbox::up().await;
    for start in [0, 300, 600] {
        // Each overlaps the one before it, so that there are duplicates.
        let events = event::range(start..start + 330);
        sandbox.post(&events).await.expect_status(202);
        let videos = event::count(0..start + 330, "video");
        sandbox.wait_for_count("video", videos).await;
    }
    sandbox.wait_for_count("duplicates", 60).await;

    for table in ["clickstream", "video", "assessment", "duplicates"] {
        let ours = sandbox
            .sql(&format!(
                "select count(*) as n, count(distinct event_id) as ids, \
                 min(event_id) as first, max(event_id) as last from {table}"
            ))
            .await;
        let path = sandbox.table(table).display().to_string();
        let theirs = python::run("count.py", &[&path]);
        assert_eq!(theirs["deltalake"], json!(ours[0]), "{table}");
        assert_eq!(theirs["duckdb"], json!(ours[0]), "{table}");
    }
}
