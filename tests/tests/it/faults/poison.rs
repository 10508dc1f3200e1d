//! Records that nobody can read, as the first and as the last of a commit.

use std::collections::BTreeSet;
use std::path::Path;
use std::time::Duration;

use bytes::Bytes;
use e2e::{Load, Sandbox, Trial, ids};
use eventlog::{EventLog as _, KafkaConfig, KafkaLog, Record};

use super::{Own, broker};
use crate::group::{Member, SESSION_MS};
use crate::kill::CONNECTIONS;

const ROUNDS: u64 = 4;

/// The topic, past ingest.
pub(super) async fn log(brokers: String, topic: &str) -> KafkaLog {
    let config = KafkaConfig {
        brokers,
        topic: topic.to_owned(),
        ..KafkaConfig::default()
    };
    KafkaLog::open(config).await.expect("the broker runs")
}

/// Appends a record that is no event, and says where it stands.
pub(super) async fn poison(log: &KafkaLog, tenant: &str) -> u64 {
    let headers = [
        ("tenant", tenant),
        ("kind", "event"),
        ("family", "video"),
        ("type_version", "1"),
        ("received_at", "1790000000000000"),
        ("student_key", "00112233445566778899aabbccddeeff"),
    ];
    let record = Record {
        key: Bytes::from(format!("{tenant}/00112233445566778899aabbccddeeff")),
        headers: headers.into_iter().collect(),
        value: Bytes::from_static(b"{ this is no JSON"),
    };
    let answer = log.append(vec![record]).await.remove(0);
    let receipt = answer.expect("the broker takes anything");
    receipt.position().expect("in the topic").offset
}

#[tokio::test(flavor = "multi_thread")]
async fn poison_is_the_first_and_the_last_of_a_commit() {
    let mut trial = Trial::begin(
        "poison as first and last record of a commit",
        "Kafka, folder",
    );
    let own = Own::new();
    let settings = own.with(&[
        ("CHALKLINE_KAFKA_PARTITIONS", "1"),
        ("CHALKLINE_KAFKA_SESSION_TIMEOUT_MS", SESSION_MS),
    ]);
    let address = broker().await.address();
    let sandbox = Sandbox::roles_with(&address, &["ingest", "query"], &settings).await;
    let log = log(address, &own.topic).await;
    let share = ids() / ROUNDS;
    let mut acked = e2e::Acked::new();
    let (mut first, mut last) = (BTreeSet::new(), BTreeSet::new());
    for round in 0..ROUNDS {
        // Nobody reads meanwhile: what lies there is one commit, or a few.
        first.insert(poison(&log, &sandbox.tenant.id).await);
        let load = Load::start(&sandbox, round * share..(round + 1) * share, CONNECTIONS);
        acked.extend(load.finish().await);
        last.insert(poison(&log, &sandbox.tenant.id).await);
        let mut member = Member::join(&sandbox, &format!("transform-{round}"));
        sandbox.wait_for_count("quarantine", 2 * (round + 1)).await;
        if round % 2 == 0 {
            e2e::each_once(&sandbox, &acked).await;
            member.process.signal("TERM");
            let ended = member.process.exit_within(Duration::from_secs(60)).await;
            assert!(ended.is_some_and(|status| status.success()), "{ended:?}");
        } else {
            // Its round may not have come further than quarantine.
            member.process.kill();
        }
    }
    let _member = Member::join(&sandbox, "transform");
    e2e::each_once(&sandbox, &acked).await;
    // Where commits of quarantine end tells where they began: there is no other
    // table that all records of a round move on.
    let ends = ends_of_commits(&sandbox.table("quarantine"));
    // What was asked meanwhile is in the topic as well.
    let asked = asked(&log).await;
    log.close().await;
    let begins = |position: &u64| {
        let mut begin = *position;
        while begin > 0 && asked.contains(&(begin - 1)) && !ends.contains(&begin) {
            begin -= 1;
        }
        begin == 0 || ends.contains(&begin)
    };
    let as_first = first.iter().filter(|position| begins(position)).count();
    let is_last = |position: &&u64| {
        let mut end = *position + 1;
        while asked.contains(&end) && !ends.contains(&end) {
            end += 1;
        }
        ends.contains(&end)
    };
    let as_last = last.iter().filter(is_last).count();
    assert!(as_first > 1 && as_last > 1, "{first:?} {last:?} {ends:?}");
    for _ in 0..as_first + as_last {
        trial.injected();
    }
    trial.expect_quarantined(2 * ROUNDS);
    trial.prove(&sandbox, &acked).await;
}

/// The positions of the records of who asked what.
async fn asked(log: &KafkaLog) -> BTreeSet<u64> {
    let tail = log.tail(0).await.expect("it can be read");
    let mut next = log.head(0).await.expect("it can be read");
    let mut reader = log.read_headers(0, next).await.expect("it can be read");
    let mut asked = BTreeSet::new();
    while next < tail {
        let entries = reader.next(1 << 20, Duration::from_secs(1)).await;
        for entry in entries.expect("it can be read") {
            next = entry.position.offset + 1;
            let mut headers = entry.record.headers.iter();
            if headers.any(|(name, value)| name == "kind" && value == b"audit") {
                asked.insert(entry.position.offset);
            }
        }
    }
    asked
}

/// The positions up to which the commits of a table have moved it.
fn ends_of_commits(table: &Path) -> BTreeSet<u64> {
    let entries = std::fs::read_dir(table.join("_delta_log")).expect("the table's log");
    let paths = entries.filter_map(Result::ok).map(|entry| entry.path());
    let texts = paths
        .filter(|path| path.extension().is_some_and(|end| end == "json"))
        .filter_map(|path| std::fs::read_to_string(path).ok());
    let mut ends = BTreeSet::new();
    for text in texts {
        for line in text.lines() {
            let action: serde_json::Value = serde_json::from_str(line).expect("an action");
            let app = action["txn"]["appId"].as_str().unwrap_or_default();
            if app.ends_with("/0") {
                ends.extend(action["txn"]["version"].as_u64());
            }
        }
    }
    ends
}
