//! `freshness` tells how soon the events of each minute could be read.

use serde_json::{Value, json};

use crate::school::{ASSESSMENT, CLICKSTREAM, School, event};

/// Events of one minute, the n-th published n seconds after it was received, and
/// received that long after it happened.
fn later_and_later(count: u64) -> Vec<Value> {
    let second = |n: u64| format!("2026-09-14T10:{:02}:{:02}Z", 5 + n / 60, n % 60);
    let rows = (0..count).map(|n| {
        let own = json!({"occurred_at": "2026-09-14T10:05:00Z", "published_at": second(2 * n)});
        event(n, &second(n), "page.viewed", own)
    });
    rows.collect()
}

#[tokio::test]
async fn a_minute_is_measured_by_family() {
    let school = School::empty(query::Config::default()).await;
    school
        .publish("new", CLICKSTREAM, Some("2026-27"), &later_and_later(60))
        .await;
    let slow = json!({"published_at": "2026-09-14T10:15:59Z"});
    let slow = [event(60, "2026-09-14T10:05:59Z", "item.answered", slow)];
    school
        .publish("new", ASSESSMENT, Some("2026-27"), &slow)
        .await;
    let sql = "SELECT * FROM freshness ORDER BY family";
    let answer = school.ask("new", sql).await.rows();
    let rows = answer.as_array().expect("rows");
    assert_eq!(rows.len(), 2, "{answer}");
    assert_eq!(rows[0]["published_seconds_p50"], json!(600.0));
    assert_eq!(rows[1]["events"], json!(60));
    for (column, expected) in [("p50", 29.5), ("p95", 56.5), ("p99", 58.5)] {
        for step in ["accepted", "published"] {
            let column = format!("{step}_seconds_{column}");
            let seconds = rows[1][&column].as_f64().expect("a number");
            assert!((seconds - expected).abs() <= 1.0, "{column}: {seconds}");
        }
    }
}

#[tokio::test]
async fn nothing_received_is_no_row() {
    let school = School::empty(query::Config::default()).await;
    let answer = school.ask("new", "SELECT * FROM freshness").await;
    assert_eq!(answer.rows(), json!([]));
}
