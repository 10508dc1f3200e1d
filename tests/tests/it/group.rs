//! Several transformers share the partitions of one topic: whoever comes, goes,
//! dies or stands still, every acked event is in its table exactly once.

use std::collections::BTreeSet;
use std::time::Duration;

use e2e::{Load, Process, Sandbox, Trial, each_once, eventually, ids};
use eventlog::testing::KafkaBroker;
use rstest::rstest;

pub const PARTITIONS: usize = 4;
const CONNECTIONS: usize = 4;
/// The shortest that a broker takes, as it is set up.
pub const SESSION_MS: &str = "6000";
const TOPIC: &str = "chalkline-events";
const GROUP: &str = "chalkline-transform";

/// A system whose transformers are [`Member`]s.
async fn cluster(kafka: &KafkaBroker, assignor: &str) -> Sandbox {
    let settings = [
        ("CHALKLINE_KAFKA_PARTITIONS", "4"),
        ("CHALKLINE_KAFKA_ASSIGNOR", assignor),
        ("CHALKLINE_KAFKA_SESSION_TIMEOUT_MS", SESSION_MS),
    ];
    Sandbox::roles_with(&kafka.address(), &["ingest", "query"], &settings).await
}

/// A load that lasts for half a minute or more.
fn load(sandbox: &Sandbox, numbers: std::ops::Range<u64>) -> Load {
    Load::start_resting(sandbox, numbers, CONNECTIONS, Duration::from_millis(150))
}

/// A `chalkline transform`.
pub struct Member {
    pub process: Process,
    url: String,
}

impl Member {
    pub fn join(sandbox: &Sandbox, name: &str) -> Self {
        Self::join_with(sandbox, name, &[])
    }

    pub fn join_with(sandbox: &Sandbox, name: &str, settings: &[(&'static str, String)]) -> Self {
        let (process, url) = sandbox.another_transform_with(name, settings);
        Self { process, url }
    }

    /// A number in its metrics, if it is there.
    pub async fn metric(&self, name: &str) -> Option<f64> {
        let answer = reqwest::get(format!("{}/metrics", self.url)).await.ok()?;
        let text = answer.text().await.ok()?;
        let found = text.lines().find_map(|line| line.strip_prefix(name))?;
        found.trim().parse().ok()
    }

    async fn assigned(&self) -> Option<f64> {
        self.metric("chalkline_transform_assigned_partitions ")
            .await
    }

    pub async fn is_ready(&self) -> bool {
        self.trouble().await.is_none()
    }

    /// Why it is not ready.
    pub async fn trouble(&self) -> Option<String> {
        match reqwest::get(format!("{}/readyz", self.url)).await {
            Ok(answer) if answer.status().is_success() => None,
            Ok(answer) => Some(answer.text().await.unwrap_or_default()),
            Err(error) => Some(error.to_string()),
        }
    }
}

/// Waits until each member has its share.
pub async fn until_shared(members: &[&Member], shares: &[usize]) {
    eventually(&format!("shares of {shares:?}"), || async {
        let mut found = Vec::new();
        for member in members {
            found.push(member.assigned().await.unwrap_or(-1.0) as i64);
        }
        found.sort_unstable();
        let expected: Vec<i64> = shares.iter().map(|n| *n as i64).collect();
        (found == expected)
            .then_some(())
            .ok_or(format!("{found:?}"))
    })
    .await;
}

#[rstest]
#[case::cooperative("cooperative-sticky")]
#[case::eager("range")]
#[tokio::test(flavor = "multi_thread")]
async fn members_come_and_go_under_load(#[case] assignor: &str) {
    let fault = format!("members come and go, one by kill -9; the broker restarts ({assignor})");
    let trial = Trial::begin(fault, "Kafka, folder");
    let mut kafka = KafkaBroker::start().await;
    let sandbox = cluster(&kafka, assignor).await;
    let load = load(&sandbox, 0..ids());

    let mut one = Member::join(&sandbox, "one");
    until_shared(&[&one], &[PARTITIONS]).await;
    let two = Member::join(&sandbox, "two");
    until_shared(&[&one, &two], &[2, 2]).await;
    let mut three = Member::join(&sandbox, "three");
    until_shared(&[&one, &two, &three], &[1, 1, 2]).await;
    load.wait_for_acked(ids() / 4).await;

    trial.injected();
    one.process.signal("TERM");
    let ended = one.process.exit_within(Duration::from_secs(60)).await;
    assert!(ended.is_some_and(|status| status.success()), "{ended:?}");
    until_shared(&[&two, &three], &[2, 2]).await;
    load.wait_for_acked(ids() / 2).await;

    trial.injected();
    three.process.kill();
    until_shared(&[&two], &[PARTITIONS]).await;
    let four = Member::join(&sandbox, "four");
    until_shared(&[&two, &four], &[2, 2]).await;
    load.wait_for_acked(ids() / 4 * 3).await;

    kafka = kafka.restart().await;
    trial.injected();
    let acked = load.finish().await;
    assert_eq!(acked.len() as u64, ids());
    trial.prove(&sandbox, &acked).await;
    assert_no_lag(&kafka).await;
    assert!(two.is_ready().await && four.is_ready().await);
}

/// What Kafka's own tool shows: every partition has an owner, and none a lag.
async fn assert_no_lag(kafka: &KafkaBroker) {
    let describe = ["--describe", "--group", GROUP];
    eventually("the group has no lag", || async {
        let told = kafka.tool("consumer-groups", &describe).await;
        let rows = told.lines().map(|line| line.split_whitespace().collect());
        let rows: Vec<Vec<&str>> = rows
            .filter(|row: &Vec<_>| row.get(1) == Some(&TOPIC))
            .collect();
        // GROUP TOPIC PARTITION CURRENT-OFFSET LOG-END-OFFSET LAG CONSUMER-ID …
        let fine =
            |row: &Vec<&str>| row[0] == GROUP && row[3] == row[4] && row[5] == "0" && row[6] != "-";
        let all = rows.len() >= PARTITIONS && rows.iter().all(fine);
        all.then_some(()).ok_or(told.clone())
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_member_that_stood_still_is_fenced_and_joins_again() {
    let fault = "SIGSTOP past the session timeout, and SIGCONT";
    let trial = Trial::begin(fault, "Kafka, folder");
    let kafka = KafkaBroker::start().await;
    let sandbox = cluster(&kafka, "cooperative-sticky").await;
    let load = load(&sandbox, 0..ids());
    let zombie = Member::join(&sandbox, "zombie");
    let heir = Member::join(&sandbox, "heir");
    until_shared(&[&zombie, &heir], &[2, 2]).await;
    load.wait_for_acked(ids() / 4).await;

    zombie.process.signal("STOP");
    until_shared(&[&heir], &[PARTITIONS]).await;
    load.wait_for_acked(ids() / 2).await;
    let before = heir.metric("chalkline_transform_rounds_total ").await;
    eventually("the heir has published", || async {
        let now = heir.metric("chalkline_transform_rounds_total ").await;
        (now > before).then_some(()).ok_or(format!("{now:?}"))
    })
    .await;
    zombie.process.signal("CONT");
    until_shared(&[&zombie, &heir], &[2, 2]).await;

    let acked = load.finish().await;
    assert_eq!(acked.len() as u64, ids());
    let log = zombie.process.log();
    assert!(log.contains("lost: the session has expired"), "{log}");
    trial.injected();
    trial.prove(&sandbox, &acked).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn more_members_than_partitions_wait_in_good_health() {
    let kafka = KafkaBroker::start().await;
    let sandbox = cluster(&kafka, "cooperative-sticky").await;
    let load = load(&sandbox, 0..ids() / 10);
    let mut members: Vec<Member> = Vec::new();
    for number in 0..=PARTITIONS {
        members.push(Member::join(&sandbox, &format!("member-{number}")));
    }
    let all: Vec<&Member> = members.iter().collect();
    until_shared(&all, &[0, 1, 1, 1, 1]).await;
    eventually("all are ready", || async {
        for member in &all {
            if !member.is_ready().await {
                return Err(member.url.clone());
            }
        }
        Ok(())
    })
    .await;
    let acked = load.finish().await;
    each_once(&sandbox, &acked).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn partitions_are_added_under_load() {
    let trial = Trial::begin("partitions are added", "Kafka, folder");
    let kafka = KafkaBroker::start().await;
    let mut sandbox = cluster(&kafka, "cooperative-sticky").await;
    let load = load(&sandbox, 0..ids());
    let one = Member::join(&sandbox, "one");
    let two = Member::join(&sandbox, "two");
    until_shared(&[&one, &two], &[2, 2]).await;
    load.wait_for_acked(ids() / 4).await;

    let alter = ["--alter", "--topic", TOPIC, "--partitions", "6"];
    kafka.tool("topics", &alter).await;
    load.wait_for_acked(ids() / 2).await;
    // Keys move to other partitions when ingest comes back; those of before still
    // have records, some of which come a second time to others.
    sandbox.stop_one("ingest").await;
    sandbox.restart().await;
    let recent = ids() / 2 - 400..ids() / 2;
    let again: Vec<_> = recent.map(e2e::event::nth).collect();
    sandbox.post(&again).await.expect_status(202);
    until_shared(&[&one, &two], &[3, 3]).await;

    let acked = load.finish().await;
    assert_eq!(acked.len() as u64, ids());
    each_once(&sandbox, &acked).await;
    let used = "select distinct log_partition from clickstream";
    let used: BTreeSet<u64> = sandbox
        .sql(used)
        .await
        .iter()
        .filter_map(|row| row["log_partition"].as_u64())
        .collect();
    assert_eq!(used, (0..6).collect());
    trial.injected();
    // What was stored from another partition long ago is known in the new one.
    let again: Vec<_> = (0..400).map(e2e::event::nth).collect();
    sandbox.post(&again).await.expect_status(202);
    let last = e2e::event::id(399);
    let known =
        format!("select count(distinct event_id) as n from duplicates where event_id <= '{last}'");
    sandbox.wait_for_value(&known, 400).await;
    trial.prove(&sandbox, &acked).await;
}
