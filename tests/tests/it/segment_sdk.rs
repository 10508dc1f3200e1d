//! Segment's own SDK for Node posts to the front door, unchanged.

use std::path::PathBuf;
use std::process::Command;

use e2e::{Sandbox, files};
use serde_json::{Value, json};

/// Runs a script of `tests/node` with the packages that `infra/setup.sh --test`
/// installed, and reads the JSON that it prints.
fn node(script: &str, arguments: &[&str]) -> Value {
    let home = std::env::var_os("HOME").expect("HOME is set");
    let packages = PathBuf::from(home).join(".cache/chalkline/node/node_modules");
    assert!(
        packages.is_dir(),
        "{} is missing: run `infra/setup.sh --test`",
        packages.display()
    );
    let output = Command::new("node")
        .arg(files::workspace().join("tests/node").join(script))
        .args(arguments)
        .output()
        .expect("Node starts");
    assert!(
        output.status.success(),
        "{script} failed: {}",
        String::from_utf8_lossy(&output.stderr)
    );
    serde_json::from_slice(&output.stdout).expect("the script prints JSON")
}

#[tokio::test(flavor = "multi_thread")]
async fn the_sdk_for_node_posts_unchanged() {
    let sandbox = Sandbox::up().await;
    let host = sandbox.address().ingest.clone();
    let key = sandbox.tenant.key.clone();
    let posted = tokio::task::spawn_blocking(move || node("segment.mjs", &[&host, &key]));
    let posted = posted.await.expect("it ran");
    assert_eq!(posted["delivered"], json!(8), "{posted}");
    assert_eq!(posted["errors"], json!([]), "{posted}");
    assert_eq!(posted["refused"], json!([401]), "{posted}");

    sandbox.wait_for_count("video", 2).await;
    sandbox.wait_for_count("clickstream", 2).await;
    let sql = "select dialect, event_type, content_id, from_seconds, position_seconds from video \
               order by event_type";
    let rows = sandbox.sql(sql).await;
    let expected = json!([
        {"dialect": "segment", "event_type": "video.paused", "content_id": "bio-101/cells",
         "from_seconds": null, "position_seconds": 76.5},
        {"dialect": "segment", "event_type": "video.progressed", "content_id": "bio-101/cells",
         "from_seconds": 61.0, "position_seconds": null},
    ]);
    assert_eq!(json!(rows), expected);
    let rows = sandbox
        .sql("select event_type, course_id, url from clickstream order by event_type")
        .await;
    let expected = json!([
        {"event_type": "page.viewed", "course_id": null, "url": "https://lms.example/home"},
        {"event_type": "segment.lesson_bookmarked", "course_id": "bio-101", "url": null},
    ]);
    assert_eq!(json!(rows), expected);
    for table in ["video", "clickstream"] {
        for name in ["stu-1041", "visitor-9", "Anna", "anna@school.example"] {
            let sql = format!("select count(*) as n from {table} where extra like '%{name}%'");
            assert_eq!(sandbox.value(&sql).await, json!(0), "{name}");
        }
    }
}
