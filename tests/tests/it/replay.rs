//! What could not become a row, or lost its row, comes in later, exactly once.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use e2e::{Client, Process, Sandbox, balanced, event, eventually, python};
use eventlog::testing::KafkaBroker;
use eventlog::{EmbeddedConfig, EmbeddedLog, EventLog, KafkaConfig, KafkaLog, Record};
use rstest::rstest;
use serde_json::{Value, json};

const EVENTS: u64 = 600;
const LATER: &str = "later";

/// Where the records go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Log {
    Embedded,
    Kafka,
}

/// A system, and the broker if it has one.
struct System {
    sandbox: Sandbox,
    kafka: Option<KafkaBroker>,
}

impl System {
    async fn start(log: Log) -> Self {
        match log {
            Log::Embedded => Self {
                sandbox: Sandbox::up().await,
                kafka: None,
            },
            Log::Kafka => {
                let kafka = KafkaBroker::start().await;
                Self {
                    sandbox: Sandbox::cluster(&kafka.address()).await,
                    kafka: Some(kafka),
                }
            }
        }
    }

    /// Has the log to itself, and everything at rest, until [`System::close`].
    async fn open(&mut self) -> Arc<dyn EventLog> {
        self.sandbox.terminate(Duration::from_secs(60)).await;
        match &self.kafka {
            None => {
                let config = EmbeddedConfig {
                    partitions: 8,
                    ..EmbeddedConfig::new(self.sandbox.data().join("log"))
                };
                Arc::new(EmbeddedLog::open(config).await.expect("nobody has it"))
            }
            Some(kafka) => {
                let config = KafkaConfig {
                    brokers: kafka.address(),
                    ..KafkaConfig::default()
                };
                Arc::new(KafkaLog::open(config).await.expect("the broker runs"))
            }
        }
    }

    async fn close(&mut self, log: Arc<dyn EventLog>) {
        log.close().await;
        drop(log);
        self.sandbox.restart().await;
    }

    /// Starts `chalkline replay` without waiting for it.
    fn begin(&self, name: &str, arguments: &[&str]) -> Process {
        self.sandbox.spawn(name, &[&["replay"], arguments].concat())
    }

    /// Runs `chalkline replay` to its end: whether all went well, and what it says.
    async fn replay(&self, name: &str, arguments: &[&str]) -> (bool, Value) {
        let mut process = self.begin(name, arguments);
        let ended = process.exit_within(Duration::from_secs(120)).await;
        let log = process.log();
        let said = log.lines().rev().find(|line| line.starts_with('{'));
        let said = said.unwrap_or_else(|| panic!("{ended:?}: {log}"));
        let said = serde_json::from_str(said).expect("JSON");
        (ended.is_some_and(|ended| ended.success()), said)
    }

    /// Kills whatever reads the log, and lets it begin again.
    async fn crash(&mut self) {
        match self.kafka {
            None => self.sandbox.crash(),
            Some(_) => self.sandbox.crash_one("transform"),
        }
        self.sandbox.restart().await;
    }
}

/// Every event in the log, for another tenant.
async fn for_another(log: &dyn EventLog, tenant: &str) -> Vec<Record> {
    let mut records = Vec::new();
    for partition in 0..log.partitions() {
        let head = log.head(partition).await.expect("a head");
        let tail = log.tail(partition).await.expect("a tail");
        let mut reader = log.read(partition, head).await.expect("opens");
        let mut next = head;
        while next < tail {
            let entries = reader.next(1 << 20, Duration::from_secs(1)).await;
            for entry in entries.expect("reads") {
                next = entry.position.offset + 1;
                let headers = &entry.record.headers;
                let Some(student) = headers.get("student_key") else {
                    continue;
                };
                let student = String::from_utf8_lossy(student);
                let renamed = headers.iter().map(|(name, value)| match name {
                    "tenant" => (name, tenant.as_bytes()),
                    _ => (name, value),
                });
                records.push(Record {
                    key: format!("{tenant}/{student}").into(),
                    headers: renamed.collect(),
                    value: entry.record.value.clone(),
                });
            }
        }
    }
    records
}

/// Records that no version reads.
fn poison(tenant: &str) -> Vec<Record> {
    let student = "00112233445566778899aabbccddeeff";
    let headers = [
        ("tenant", tenant),
        ("kind", "event"),
        ("family", "video"),
        ("type_version", "1"),
        ("received_at", "1790000000000000"),
        ("student_key", student),
    ];
    let of = |value: &'static [u8]| Record {
        key: Bytes::from(format!("{tenant}/{student}")),
        headers: headers.iter().copied().collect(),
        value: Bytes::from_static(value),
    };
    vec![of(b"{ this is no JSON"), of(b"\xff\xfe"), of(b"{}")]
}

async fn append(log: &dyn EventLog, records: Vec<Record>) {
    for answer in log.append(records).await {
        answer.expect("the log takes anything");
    }
}

async fn wait_for_system(sandbox: &Sandbox, table: &str, count: impl Fn(&str) -> Value, n: u64) {
    let folder = sandbox.lake().join("_system").join(table);
    eventually(&format!("{n} in {table} of _system"), || async {
        if !folder.join("_delta_log").exists() {
            return Err("it is not there".to_owned());
        }
        let found = count(&folder.display().to_string());
        (found == json!(n)).then_some(()).ok_or(found.to_string())
    })
    .await;
}

/// Every event is stored, once.
async fn assert_whole(client: &Client) {
    for table in event::TABLES {
        let numbers = (0..EVENTS).filter(|number| event::table(*number) == table);
        let expected: BTreeMap<String, u64> = numbers.map(|n| (event::id(n), 1)).collect();
        client.wait_for_count(table, expected.len() as u64).await;
        assert_eq!(client.copies(table).await, expected, "{table}");
    }
}

#[rstest]
#[case::embedded(Log::Embedded)]
#[case::kafka(Log::Kafka)]
#[tokio::test(flavor = "multi_thread")]
async fn a_tenant_who_is_made_gets_what_came_before_exactly_once(#[case] log: Log) {
    let mut system = System::start(log).await;
    let tenant = system.sandbox.tenant.id.clone();
    system
        .sandbox
        .post(&event::range(0..EVENTS))
        .await
        .expect_status(202);
    let log = system.open().await;
    let theirs = for_another(log.as_ref(), LATER).await;
    assert_eq!(theirs.len() as u64, EVENTS);
    append(log.as_ref(), theirs).await;
    append(log.as_ref(), poison(&tenant)).await;
    system.close(log).await;
    let rows = |table: &str| python::run("rows.py", &[table])["rows"].clone();
    wait_for_system(&system.sandbox, "quarantine", rows, EVENTS).await;
    // By then the second reader has counted them where they are.
    let counted = |table: &str| python::run("sum.py", &[table, "accepted"])["sum"].clone();
    wait_for_system(&system.sandbox, "log_counts", counted, EVENTS).await;
    let whole = [tenant.as_str(), LATER];

    // Nobody whose they are: nothing is stored by entering them again.
    let later = system.sandbox.tenant("Later", &["--id", LATER]);
    eventually("query knows the tenant", || async {
        let reply = later.ask("select 1 as n", json!([])).await;
        let reply = reply.map_err(|error| error.to_string())?;
        (reply.status == 200).then_some(()).ok_or(reply.text())
    })
    .await;
    let (done, plan) = system
        .replay("plan", &["--quarantine", "--tenant", LATER, "--dry-run"])
        .await;
    assert!(done, "{plan}");
    assert_eq!(
        (&plan["entered"], &plan["dry_run"]),
        (&json!(EVENTS), &json!(true))
    );
    for found in plan["found"].as_array().expect("a list") {
        assert_eq!(found["reason"], json!("there is no such tenant"));
        assert!(whole.contains(&found["tenant"].as_str().expect("a tenant")));
    }

    // The command dies, then transform does, then both go on.
    let of_later = ["--quarantine", "--tenant", LATER];
    let slowly = [&of_later[..], &["--rate", "100"]].concat();
    let mut killed = system.begin("killed", &slowly);
    let some = || async {
        let stored = later.count("clickstream").await;
        (stored > 20).then_some(()).ok_or(format!("{stored}"))
    };
    eventually("some are stored", some).await;
    killed.kill();
    let mut second = system.begin("second", &slowly);
    system.crash().await;
    second.exit_within(Duration::from_secs(120)).await;
    let (done, rest) = system.replay("rest", &of_later).await;
    assert!(done, "{rest}");
    let (done, none) = system.replay("none", &of_later).await;
    assert!(done && none["entered"] == 0, "{none}");
    assert_eq!(none["stored_before"], EVENTS);
    assert_whole(&later).await;

    // What fails again says how often.
    for attempts in 1..3 {
        let name = format!("attempt-{attempts}");
        let poison = ["--quarantine", "--stage", "decode"];
        let (done, said) = system.replay(&name, &poison).await;
        assert!(!done, "{said}");
        assert_eq!(
            (&said["entered"], &said["quarantined"]),
            (&json!(3), &json!(3))
        );
        assert_eq!(said["found"][0]["attempts"], json!(attempts));
    }
    let by_attempt = "select attempt, count(*) as n from quarantine group by 1 order by 1";
    let rows = system.sandbox.sql(by_attempt).await;
    let expected = json!([
        {"attempt": 1, "n": 3}, {"attempt": 2, "n": 3}, {"attempt": 3, "n": 3},
    ]);
    assert_eq!(json!(rows), expected);

    balanced(&later).await;
    balanced(&system.sandbox).await;
    let sums = "select sum(accepted) as accepted, sum(stored) as stored, \
                sum(replayed - table_duplicate) as replayed from ledger";
    let of_later = json!([{"accepted": 0, "stored": EVENTS, "replayed": EVENTS}]);
    assert_eq!(json!(later.sql(sums).await), of_later);
    let ours = json!([{"accepted": EVENTS + 3, "stored": EVENTS, "replayed": 6}]);
    system
        .sandbox
        .wait_for_value("select sum(replayed) as n from ledger", 6)
        .await;
    assert_eq!(json!(system.sandbox.sql(sums).await), ours);
}

#[rstest]
#[case::embedded(Log::Embedded)]
#[case::kafka(Log::Kafka)]
#[tokio::test(flavor = "multi_thread")]
async fn rows_that_were_deleted_come_back_exactly_once(#[case] log: Log) {
    let mut system = System::start(log).await;
    system
        .sandbox
        .post(&event::range(0..EVENTS))
        .await
        .expect_status(202);
    let again: Vec<_> = (0..50).map(event::nth).collect();
    system.sandbox.post(&again).await.expect_status(202);
    assert_whole(&system.sandbox).await;
    system.sandbox.wait_for_count("duplicates", 50).await;
    balanced(&system.sandbox).await;
    let ledger = "select sum(accepted) as accepted, sum(replayed) as replayed, \
                  sum(stored) as stored, sum(table_duplicate) as duplicate from ledger";
    let before = system.sandbox.sql(ledger).await;
    let (done, none) = system.replay("before", &["--from", "2020-01-01"]).await;
    assert!(done && none["entered"] == 0, "{none}");

    // Some rows, one of them of an event that came twice, and a whole table's.
    let mut gone = 0;
    for number in [3, 61, 62, 400, 401, 402] {
        let table = system.sandbox.table(event::table(number));
        let arguments = [&table.display().to_string(), &event::id(number)];
        let deleted = python::run("delete.py", &arguments.map(String::as_str));
        gone += deleted["deleted"].as_u64().expect("a number");
    }
    assert_eq!(gone, 6);
    let absent = "select sum(accepted + replayed - stored - table_duplicate - quarantined) as n \
                  from ledger where not balanced";
    system.sandbox.wait_for_value(absent, gone).await;

    let (done, plan) = system
        .replay("plan", &["--from", "2020-01-01", "--dry-run"])
        .await;
    assert!(done && plan["entered"] == gone, "{plan}");
    let (done, early) = system
        .replay("early", &["--from", "2020-01-01", "--to", "2020-02-01"])
        .await;
    assert!(done && early["entered"] == 0, "{early}");
    // The command dies in the middle, and so does transform.
    let mut killed = system.begin("killed", &["--from", "2020-01-01", "--rate", "2"]);
    let some = || async {
        let mut stored = 0;
        for table in event::TABLES {
            stored += system.sandbox.count(table).await;
        }
        (stored > EVENTS - gone)
            .then_some(())
            .ok_or(format!("{stored}"))
    };
    eventually("some are back", some).await;
    killed.kill();
    system.crash().await;
    let (done, rest) = system.replay("rest", &["--from", "2020-01-01"]).await;
    assert!(done, "{rest}");
    assert_whole(&system.sandbox).await;
    let (done, none) = system.replay("none", &["--from", "2020-01-01"]).await;
    assert!(done && none["entered"] == 0, "{none}");
    balanced(&system.sandbox).await;
    assert_eq!(system.sandbox.sql(ledger).await, before);
}
