//! `kill -9` at every moment between reading a record and being done with it.
//!
//! What a transformer leaves behind when it dies lies in the store. So the moments
//! that differ are those before and after each kind of write to it, and whoever
//! stands between the two can choose one.

use std::process::Command;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::sync_channel;
use std::sync::{Arc, Mutex, PoisonError};

use e2e::{Load, Sandbox, Trial, each_once, event, ids, until};
use eventlog::testing::KafkaBroker;
use rstest::rstest;
use seaweed::{Fate, Moment, Proxy, Request, Server};

use crate::group::{Member, PARTITIONS, SESSION_MS, until_shared};
use crate::kill::CONNECTIONS;

/// The writes of a round, in their order, by what their paths contain.
const WRITES: [(&str, [&str; 2]); 7] = [
    ("a file of repetitions", ["/duplicates/", ".parquet"]),
    (
        "the commit of repetitions",
        ["/duplicates/_delta_log/", ".json"],
    ),
    ("a file of events", ["/clickstream/", ".parquet"]),
    (
        "the commit of one event table",
        ["/clickstream/_delta_log/", ".json"],
    ),
    ("the commit of another", ["/video/_delta_log/", ".json"]),
    ("a floor", ["/_log/", ".json"]),
    ("the commit of counts", ["/log_counts/_delta_log/", ".json"]),
];

/// Who is to die, and when.
#[derive(Clone)]
struct Plan {
    process: u32,
    moment: Moment,
    write: [&'static str; 2],
}

impl Plan {
    fn is_now(&self, moment: Moment, request: &Request) -> bool {
        let path = request.path.as_str();
        let is_it = self.write.iter().all(|part| path.contains(part));
        request.method == "PUT" && moment == self.moment && is_it
    }
}

#[rstest]
#[case::not_yet_written(Moment::Asked)]
#[case::just_written(Moment::Answered)]
#[tokio::test(flavor = "multi_thread")]
async fn transform_is_killed_at_every_write(#[case] moment: Moment) {
    let fault = match moment {
        Moment::Asked => "kill -9 before each kind of write",
        Moment::Answered => "kill -9 after each kind of write",
    };
    let trial = Trial::begin(fault, "Kafka, S3");
    let plan: Arc<Mutex<Option<Plan>>> = Arc::default();
    let planned = Arc::clone(&plan);
    let proxy = Proxy::start(Server::shared(), move |moment, request| {
        let mut plan = planned.lock().unwrap_or_else(PoisonError::into_inner);
        match plan.take_if(|plan| plan.is_now(moment, request)) {
            Some(plan) => {
                kill(plan.process);
                Fate::Lost
            }
            None => Fate::Passed,
        }
    });
    let kafka = KafkaBroker::start().await;
    let settings = [
        ("CHALKLINE_LAKE_OPTIONS_AWS_ENDPOINT_URL", proxy.endpoint()),
        // Whoever comes back has its partitions at once.
        ("CHALKLINE_KAFKA_GROUP_INSTANCE_ID", "transform-1"),
    ];
    let address = kafka.address();
    let roles = ["ingest", "transform", "query"];
    let mut sandbox = Sandbox::roles_on_s3(&address, Server::shared(), &roles, &settings).await;
    let share = ids() / WRITES.len() as u64;
    let mut acked = e2e::Acked::new();
    for (number, (name, write)) in (0..).zip(WRITES) {
        let process = sandbox.process("transform").id();
        let armed = Plan {
            process,
            moment,
            write,
        };
        *plan.lock().unwrap_or_else(PoisonError::into_inner) = Some(armed);
        let load = Load::start(&sandbox, number * share..(number + 1) * share, CONNECTIONS);
        // Of the share before, and of this one.
        let repeated = (number * share).saturating_sub(40)..number * share + 40;
        let repeated: Vec<_> = repeated.map(event::nth).collect();
        sandbox.post(&repeated).await.expect_status(202);
        until(&format!("killed at {name}"), || {
            plan.lock()
                .unwrap_or_else(PoisonError::into_inner)
                .is_none()
        })
        .await;
        trial.injected();
        sandbox.crash_one("transform");
        sandbox.restart().await;
        acked.extend(load.finish().await);
    }
    assert_eq!(acked.len() as u64, share * WRITES.len() as u64);
    trial.prove(&sandbox, &acked).await;
}

/// A transformer sends a commit and stands still, and so does the commit on its
/// way, until others have long published the same records.
#[tokio::test(flavor = "multi_thread")]
async fn a_commit_that_comes_after_the_new_owners_is_refused() {
    let trial = Trial::begin("SIGSTOP with a commit on its way", "Kafka, S3");
    let (go, held) = sync_channel::<()>(0);
    let held = Mutex::new(held);
    let armed = Arc::new(AtomicBool::new(false));
    let hold = Arc::clone(&armed);
    let proxy = Proxy::start(Server::shared(), move |moment, request| {
        let is_commit = request.path.contains("/clickstream/_delta_log/");
        let is_it = is_commit && request.method == "PUT" && moment == Moment::Asked;
        if is_it && hold.swap(false, Ordering::SeqCst) {
            let held = held.lock().unwrap_or_else(PoisonError::into_inner);
            // Also when the test has failed.
            let _ = held.recv();
        }
        Fate::Passed
    });
    let kafka = KafkaBroker::start().await;
    let settings = [
        ("CHALKLINE_LAKE_OPTIONS_AWS_ENDPOINT_URL", proxy.endpoint()),
        ("CHALKLINE_KAFKA_PARTITIONS", "4"),
        ("CHALKLINE_KAFKA_SESSION_TIMEOUT_MS", SESSION_MS),
    ];
    let roles = ["ingest", "query"];
    let address = kafka.address();
    let sandbox = Sandbox::roles_on_s3(&address, Server::shared(), &roles, &settings).await;
    let zombie = Member::join(&sandbox, "zombie");
    until_shared(&[&zombie], &[PARTITIONS]).await;
    let mut acked = Load::start(&sandbox, 0..ids() / 4, CONNECTIONS)
        .finish()
        .await;
    each_once(&sandbox, &acked).await;

    armed.store(true, Ordering::SeqCst);
    let load = Load::start(&sandbox, ids() / 4..ids() / 2, CONNECTIONS);
    until("a commit is on its way", || !armed.load(Ordering::SeqCst)).await;
    zombie.process.signal("STOP");
    let heir = Member::join(&sandbox, "heir");
    until_shared(&[&heir], &[PARTITIONS]).await;
    acked.extend(load.finish().await);
    each_once(&sandbox, &acked).await;

    trial.injected();
    drop(go);
    zombie.process.signal("CONT");
    until_shared(&[&zombie, &heir], &[2, 2]).await;
    let last = Load::start(&sandbox, ids() / 2..ids(), CONNECTIONS);
    acked.extend(last.finish().await);
    assert_eq!(acked.len() as u64, ids());
    trial.prove(&sandbox, &acked).await;
}

/// SIGKILL, and not before the process is gone is anything answered.
fn kill(process: u32) {
    let killed = Command::new("sh")
        .args(["-c", "kill -s KILL \"$1\"", "sh"])
        .arg(process.to_string())
        .status();
    killed.expect("sh is installed");
}
