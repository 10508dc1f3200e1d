//! How syncs go is told by SQL at once, and by `/metrics` of the service.

use e2e::{Client, Postgres, Sandbox, eventually};
use serde_json::json;

use super::{done, fails, synced};

#[tokio::test(flavor = "multi_thread")]
async fn sql_and_metrics_tell_of_every_source() {
    let mut sandbox = Sandbox::up().await;
    let database = Postgres::shared().school();
    assert_eq!(
        synced(&sandbox, &database, &["--name", "lms"]),
        (done(), true)
    );
    let nowhere = "postgresql://me@127.0.0.1:1/sis";
    fails(&sandbox, "nowhere", nowhere, &["--name", "sis"]).await;
    let sql = "SELECT source, state, import, error LIKE 'cannot connect%' AS is_away, \
               last_success_at IS NOT NULL AS went_well FROM import_sources ORDER BY source";
    assert_eq!(
        json!(sandbox.sql(sql).await),
        json!([
            { "source": "lms", "state": "done", "import": 1, "is_away": null, "went_well": true },
            { "source": "sis", "state": "failed", "import": null, "is_away": true, "went_well": false },
        ])
    );

    // A process tells of what it finds at its start.
    sandbox.crash();
    sandbox.restart().await;
    let gauge = |name: &str, source: &str, value: &str| {
        let tenant = &sandbox.tenant.id;
        format!("chalkline_roster_source_{name}{{tenant=\"{tenant}\",source=\"{source}\"}} {value}")
    };
    let expected = [
        gauge("last_sync_successful", "lms", "1\n"),
        gauge("last_sync_successful", "sis", "0\n"),
        gauge("last_sync_timestamp_seconds", "sis", ""),
        gauge("last_sync_duration_seconds", "sis", ""),
        // Later than the year 2001, in seconds.
        gauge("last_success_timestamp_seconds", "lms", "1"),
        gauge("last_success_timestamp_seconds", "sis", "0\n"),
    ];
    eventually("it is told", || async {
        let metrics = Client::send(sandbox.ingest_get("/metrics")).await;
        let metrics = metrics.map_err(|error| error.to_string())?.text();
        let missing = expected.iter().find(|line| !metrics.contains(*line));
        missing.map_or(Ok(()), |line| Err(format!("{line} is not in {metrics}")))
    })
    .await;
}
