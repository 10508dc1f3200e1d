//! The ledger tells when a row is missing, or one too many.

use serde_json::{Value, json};

use crate::school::{CLICKSTREAM, School, event};
use schemas::Table;

fn counted(accepted: u64, end: u64) -> Value {
    json!({
        "hour": "2026-09-14T10:00:00Z", "family": "clickstream", "accepted": accepted,
        "log_id": "log-1", "log_partition": 0, "first_position": 0, "end_position": end,
    })
}

async fn balanced(stored: &[u64], accepted: u64) -> Value {
    let school = School::empty(query::Config::default()).await;
    let rows: Vec<Value> = stored
        .iter()
        .map(|position| event(*position, "2026-09-14T10:05:00Z", "page.viewed", json!({})))
        .collect();
    school
        .publish("new", CLICKSTREAM, Some("2026-27"), &rows)
        .await;
    school
        .publish("new", Table::LogCounts, None, &[counted(accepted, 3)])
        .await;
    let sql = "SELECT accepted, stored, balanced FROM ledger";
    school.ask("new", sql).await.rows()
}

#[tokio::test]
async fn every_counted_record_has_one_row_or_it_is_not_balanced() {
    let row = |stored: u64, balanced: bool| json!([{"accepted": 3, "stored": stored, "balanced": balanced}]);
    assert_eq!(balanced(&[0, 1, 2], 3).await, row(3, true));
    // Position 1 has gone.
    assert_eq!(balanced(&[0, 2], 3).await, row(2, false));
    // Position 1 is there twice.
    assert_eq!(balanced(&[0, 1, 1, 2], 3).await, row(4, false));
    // Position 3 is not counted yet.
    assert_eq!(balanced(&[0, 1, 2, 3], 3).await, row(3, true));
}

#[tokio::test]
async fn what_the_front_door_did_not_note_is_no_number() {
    let school = School::empty(query::Config::default()).await;
    school
        .publish("new", Table::LogCounts, None, &[counted(3, 3)])
        .await;
    let sql = "SELECT received, rejected, accepted FROM ledger";
    let noted = |outcome: &str, events: u64| {
        json!({
            "minute": "2026-09-14T10:05:00Z", "node": "one", "family": "clickstream", "outcome": outcome,
            "events": events, "log_id": "log-1", "log_partition": 0, "log_position": 3,
        })
    };
    // Killed within a minute: two of three were noted, with one that was rejected.
    let rows = [noted("accepted", 2), noted("rejected", 1)];
    school.publish("new", Table::Tallies, None, &rows).await;
    let row = json!([{"received": null, "rejected": 1, "accepted": 3}]);
    assert_eq!(school.ask("new", sql).await.rows(), row);

    school
        .publish("new", Table::Tallies, None, &[noted("accepted", 1)])
        .await;
    let row = json!([{"received": 4, "rejected": 1, "accepted": 3}]);
    assert_eq!(school.ask("new", sql).await.rows(), row);
}

#[tokio::test]
async fn an_hour_with_no_rows_left_is_shown() {
    let school = School::empty(query::Config::default()).await;
    school
        .publish("new", Table::LogCounts, None, &[counted(2, 3)])
        .await;
    let sql = "SELECT accepted, stored, balanced FROM ledger";
    assert_eq!(
        school.ask("new", sql).await.rows(),
        json!([{"accepted": 2, "stored": 0, "balanced": false}])
    );
}

#[tokio::test]
async fn what_cannot_be_read_is_counted_where_the_log_counts_it() {
    let school = School::empty(query::Config::default()).await;
    let unread = |position: u64, headers: &str| {
        json!({
            "stage": "route", "reason": "no time", "attempt": 1, "headers": headers,
            "original": "00", "log_id": "log-1", "log_partition": 0, "log_position": position,
        })
    };
    let rows = [
        unread(0, r#"{"kind":"event"}"#),
        unread(1, r#"{"kind":"tally","tenant":"new"}"#),
    ];
    school.publish("new", Table::Quarantine, None, &rows).await;
    let count = json!({
        "hour": "1970-01-01T00:00:00Z", "accepted": 1, "log_id": "log-1",
        "log_partition": 0, "first_position": 0, "end_position": 2,
    });
    school
        .publish("new", Table::LogCounts, None, &[count])
        .await;
    let sql = "SELECT hour, family, accepted, quarantined, balanced FROM ledger";
    assert_eq!(
        school.ask("new", sql).await.rows(),
        json!([{
            "hour": "1970-01-01T00:00:00Z", "family": null,
            "accepted": 1, "quarantined": 1, "balanced": true,
        }])
    );
}

#[tokio::test]
async fn what_was_entered_again_is_counted_apart() {
    let school = School::empty(query::Config::default()).await;
    let family = Some("clickstream");
    let set_aside = json!({
        "stage": "decode", "reason": "no JSON", "attempt": 1, "family": family,
        "received_at": "2026-09-14T10:05:00Z", "headers": r#"{"kind":"event"}"#,
        "original": "00", "log_id": "log-1", "log_partition": 0, "log_position": 0,
    });
    school
        .publish("new", Table::Quarantine, None, &[set_aside])
        .await;
    // It became an event at the second try; a third was one too many, and failed
    // before anybody could read whose it was.
    let stored = event(1, "2026-09-14T10:05:00Z", "page.viewed", json!({}));
    school
        .publish("new", CLICKSTREAM, Some("2026-27"), &[stored])
        .await;
    let repeated = json!({
        "family": family, "received_at": "2026-09-14T10:05:00Z", "same_content": true,
        "log_id": "log-1", "log_partition": 0, "log_position": 2,
    });
    school
        .publish("new", Table::Duplicates, None, &[repeated])
        .await;
    let mut count = counted(1, 3);
    count["replayed"] = json!(2);
    school
        .publish("new", Table::LogCounts, None, &[count])
        .await;
    let sql =
        "SELECT accepted, replayed, stored, table_duplicate, quarantined, balanced FROM ledger";
    assert_eq!(
        school.ask("new", sql).await.rows(),
        json!([{
            "accepted": 1, "replayed": 2, "stored": 1, "table_duplicate": 1, "quarantined": 1,
            "balanced": true,
        }])
    );
}
