//! The books balance, and notice a row that went missing.

use std::time::Duration;

use bytes::Bytes;
use e2e::{Client, Sandbox, event, eventually, python};
use eventlog::testing::KafkaBroker;
use eventlog::{EventLog as _, KafkaConfig, KafkaLog, Record};
use serde_json::{Value, json};

use crate::group::Member;

/// A record as some other program could put it into the topic.
fn record(key: &str, headers: &[(&str, &str)], value: &'static [u8]) -> Record {
    Record {
        key: Bytes::from(key.to_owned()),
        headers: headers.iter().copied().collect(),
        value: Bytes::from_static(value),
    }
}

/// Records that no reader can make an event of.
fn poison(tenant: &str) -> Vec<Record> {
    let key = format!("{tenant}/00112233445566778899aabbccddeeff");
    let of = |version| {
        vec![
            ("tenant", tenant),
            ("kind", "event"),
            ("family", "video"),
            ("type_version", version),
            ("received_at", "1790000000000000"),
            ("student_key", "00112233445566778899aabbccddeeff"),
        ]
    };
    vec![
        record(&key, &of("1"), b"{ this is no JSON"),
        record(&key, &of("1"), b"\xff\xfe"),
        record(&key, &of("99"), b"{}"),
        // Nobody's: these go to the system's own tenant.
        record("", &[], b"hello"),
        record("x", &[("tenant", "Not A Slug"), ("kind", "event")], b"{}"),
    ]
}

async fn sums(client: &Client) -> Value {
    let sql = "select sum(received) as received, sum(rejected) as rejected, \
        sum(request_duplicate) as request_duplicate, sum(accepted) as accepted, \
        sum(stored) as stored, sum(table_duplicate) as table_duplicate, \
        sum(quarantined) as quarantined, bool_and(balanced) as balanced from ledger";
    Value::Object(client.sql(sql).await.remove(0))
}

/// Waits until the metric that raises the alarm says so many hours.
async fn until_told(transform: &Member, tenant: &str, hours: f64) {
    let metric = format!("chalkline_ledger_unbalanced_hours{{tenant=\"{tenant}\"}} ");
    eventually(&format!("{hours} hours of {tenant} are told"), || async {
        let told = transform.metric(&metric).await;
        (told == Some(hours))
            .then_some(())
            .ok_or(format!("{told:?}"))
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_ledger_balances_until_a_row_goes_missing() {
    let kafka = KafkaBroker::start().await;
    let settings = [("CHALKLINE_TRANSFORM_AUDIT_INTERVAL_SECONDS", "1")];
    let roles = ["ingest", "query"];
    let mut sandbox = Sandbox::roles_with(&kafka.address(), &roles, &settings).await;
    let transform = Member::join(&sandbox, "transform");

    sandbox.post(&event::range(0..600)).await.expect_status(202);
    // Sent again by a client that saw no answer.
    sandbox.post(&event::range(0..100)).await.expect_status(202);
    // Twice in one request, and one that can never be taken.
    let mut mixed = event::range(600..603);
    mixed.push(event::nth(600));
    mixed.push(json!({"type": "page.viewed"}));
    let reply = sandbox.post(&mixed).await.expect_status(200);
    let outcomes = ["accepted", "accepted", "accepted", "duplicate", "rejected"];
    assert_eq!(reply.outcomes(), outcomes);

    let config = KafkaConfig {
        brokers: kafka.address(),
        ..KafkaConfig::default()
    };
    let log = KafkaLog::open(config).await.expect("the broker runs");
    for answer in log.append(poison(&sandbox.tenant.id)).await {
        answer.expect("the broker takes anything");
    }
    log.close().await;
    // The poison stops nothing behind it, in any partition.
    sandbox
        .post(&event::range(603..900))
        .await
        .expect_status(202);

    for table in event::TABLES {
        let expected = (0..900).filter(|n| event::table(*n) == table).count() as u64;
        sandbox.wait_for_count(table, expected).await;
    }
    sandbox.wait_for_count("duplicates", 100).await;
    sandbox.wait_for_count("quarantine", 3).await;
    let reasons = sandbox
        .sql("select stage, reason, attempt, original from quarantine")
        .await;
    assert!(
        reasons
            .iter()
            .all(|row| !row["reason"].as_str().unwrap_or_default().is_empty()),
        "{reasons:?}"
    );
    let system = sandbox
        .lake()
        .join("_system/quarantine")
        .display()
        .to_string();
    assert_eq!(python::run("rows.py", &[&system]), json!({"rows": 2}));

    // Stopping makes ingest append the minute that has begun.
    sandbox.terminate(Duration::from_secs(30)).await;
    sandbox.restart().await;
    sandbox
        .wait_for_value("select sum(accepted) as n from ledger", 1_003)
        .await;
    sandbox
        .wait_for_value("select sum(received) as n from ledger", 1_002)
        .await;
    let expected = json!({
        "received": 1_002, "rejected": 1, "request_duplicate": 1, "accepted": 1_003,
        "stored": 900, "table_duplicate": 100, "quarantined": 3, "balanced": true,
    });
    assert_eq!(sums(&sandbox).await, expected);
    until_told(&transform, &sandbox.tenant.id, 0.0).await;
    until_told(&transform, "_system", 0.0).await;

    let video = sandbox.table("video").display().to_string();
    let victim = (0..).find(|n| event::table(*n) == "video").expect("one");
    let deleted = python::run("delete.py", &[&video, &event::id(victim)]);
    assert_eq!(deleted, json!({"deleted": 1}));
    sandbox
        .wait_for_value("select count(*) as n from ledger where not balanced", 1)
        .await;
    let unbalanced = sandbox
        .sql("select family, stored from ledger where not balanced")
        .await;
    assert_eq!(unbalanced[0]["family"], json!("video"));
    until_told(&transform, &sandbox.tenant.id, 1.0).await;
    let told = transform.process.log();
    assert!(told.contains("does not balance"), "{told}");
    assert!(told.contains(" video: -1"), "{told}");
}

/// A version that could not enter records again made tables without the columns that
/// this needs.
#[tokio::test(flavor = "multi_thread")]
async fn books_that_an_earlier_version_began_go_on() {
    let mut sandbox = Sandbox::up().await;
    sandbox.post(&event::range(0..300)).await.expect_status(202);
    sandbox.post(&event::range(0..30)).await.expect_status(202);
    sandbox.wait_for_count("duplicates", 30).await;
    let accepted = "select sum(accepted) as n from ledger";
    sandbox.wait_for_value(accepted, 330).await;
    sandbox.terminate(Duration::from_secs(30)).await;
    let folder = sandbox.lake().join(&sandbox.tenant.id);
    let path = |table: &str| folder.join(table).display().to_string();
    let not_null = "event_id,event_type,family,occurred_at,received_at,student_key";
    let tables = [("log_counts", "replayed", ""), ("duplicates", "", not_null)];
    for (table, without, not_null) in tables {
        let made = python::run("earlier.py", &[&path(table), without, not_null]);
        assert_ne!(made, json!({"rows": 0}), "{table}");
    }
    let sums = "select sum(accepted) as accepted, sum(replayed) as replayed, \
        sum(stored) as stored, sum(table_duplicate) as duplicate, \
        bool_and(balanced) as balanced from ledger";
    let expected = |stored: u64, duplicate: u64| {
        json!([{
            "accepted": stored + duplicate, "replayed": 0, "stored": stored,
            "duplicate": duplicate, "balanced": true,
        }])
    };
    sandbox.restart().await;
    // Nothing was counted since.
    assert_eq!(json!(sandbox.sql(sums).await), expected(300, 30));

    sandbox
        .post(&event::range(300..400))
        .await
        .expect_status(202);
    sandbox
        .post(&event::range(100..150))
        .await
        .expect_status(202);
    sandbox.wait_for_count("duplicates", 80).await;
    sandbox.wait_for_value(accepted, 480).await;
    assert_eq!(json!(sandbox.sql(sums).await), expected(400, 80));
    // Another engine finds the column, and NULL where it was not yet.
    let replayed = python::run("sum.py", &[&path("log_counts"), "coalesce(replayed, 7)"]);
    let sevens = replayed["sum"].as_u64().expect("a number");
    assert!(sevens > 0 && sevens.is_multiple_of(7), "{replayed}");
    let accepted = python::run("sum.py", &[&path("log_counts"), "accepted"]);
    assert_eq!(accepted, json!({"sum": 480}));
}
