//! Partitions go from one member of a group to another, in good order or not:
//! every record is published once, also where a former owner publishes late.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use eventlog::{
    AppendError, EventLog, GroupError, LogId, Member, ReadError, Reader, Rebalance, Receipt,
    Record, Revocation,
};
use proptest::prelude::*;
use proptest::test_runner::TestRunner;
use tokio::sync::mpsc;
use tokio::time::Instant;

use crate::support::{PARTITIONS, Running, Sandbox, event, family, ids, record};

const MEMBERS: usize = 3;
/// Rounds of the members are of different age, so that one that lost its
/// partitions publishes some of them before and some after the new owner.
const INTERVALS_MS: [u64; MEMBERS] = [5, 60, 250];
/// Only a failure waits it out.
const PATIENCE: Duration = Duration::from_secs(60);

/// A log as one member sees it, who is given partitions by the test.
struct Seat {
    log: Arc<dyn EventLog>,
    changes: Mutex<Option<mpsc::Receiver<Rebalance>>>,
}

struct Seated(mpsc::Receiver<Rebalance>);

#[async_trait]
impl Member for Seated {
    async fn next(&mut self) -> Result<Rebalance, GroupError> {
        match self.0.recv().await {
            Some(change) => Ok(change),
            None => std::future::pending().await,
        }
    }

    fn commit(&self, _next: &BTreeMap<u32, u64>) {}

    async fn leave(self: Box<Self>) {}
}

#[async_trait]
impl EventLog for Seat {
    fn id(&self) -> &LogId {
        self.log.id()
    }

    fn partitions(&self) -> u32 {
        self.log.partitions()
    }

    async fn append(&self, records: Vec<Record>) -> Vec<Result<Receipt, AppendError>> {
        self.log.append(records).await
    }

    async fn read(&self, partition: u32, from: u64) -> Result<Box<dyn Reader>, ReadError> {
        self.log.read(partition, from).await
    }

    async fn head(&self, partition: u32) -> Result<u64, ReadError> {
        self.log.head(partition).await
    }

    async fn tail(&self, partition: u32) -> Result<u64, ReadError> {
        self.log.tail(partition).await
    }

    async fn join(&self) -> Result<Box<dyn Member>, GroupError> {
        let changes = self.changes.lock().expect("no panic").take();
        Ok(Box::new(Seated(changes.expect("a member joins once"))))
    }

    async fn close(&self) {}
}

/// A service that is told what it has.
struct Service {
    running: Running,
    changes: mpsc::Sender<Rebalance>,
}

impl Service {
    fn start(sandbox: &mut Sandbox, interval_ms: u64) -> Self {
        let (changes, told) = mpsc::channel(64);
        let log = Arc::clone(&sandbox.log);
        sandbox.log = Arc::new(Seat {
            log: Arc::clone(&log),
            changes: Mutex::new(Some(told)),
        });
        sandbox.config.interval_ms = interval_ms;
        let running = sandbox.start();
        sandbox.log = log;
        Self { running, changes }
    }

    async fn tell(&self, change: Rebalance) {
        self.changes.send(change).await.expect("it listens");
    }

    async fn assign(&self, partition: u32) {
        self.tell(Rebalance::Assigned([partition].into())).await;
    }

    async fn revoke(&self, partitions: BTreeSet<u32>, limit: Duration) {
        let (revocation, released) = Revocation::new(partitions, Instant::now() + limit);
        self.tell(Rebalance::Revoked(revocation)).await;
        wait_for(released).await;
    }
}

async fn wait_for(released: Receiver<()>) {
    let waiting = tokio::task::spawn_blocking(move || released.recv_timeout(PATIENCE));
    let ended = waiting.await.expect("it does not panic");
    assert_eq!(ended, Err(RecvTimeoutError::Disconnected), "it is released");
}

/// What happens next.
#[derive(Debug, Clone)]
enum Step {
    /// Events come, the last few of them twice.
    Append(u8),
    /// A partition goes to this member, and its owner has time to finish.
    Hand(u32, usize),
    /// It goes there while its owner believes that it still has it.
    Steal(u32, usize),
    /// All former owners learn that they are.
    Wake,
    /// A member dies at once, and comes back with nothing.
    Kill(usize),
    Rest(u8),
}

fn step() -> impl Strategy<Value = Step> {
    let partition = 0..PARTITIONS;
    let member = 0..MEMBERS;
    prop_oneof![
        4 => (1..30_u8).prop_map(Step::Append),
        2 => (partition.clone(), member.clone()).prop_map(|(p, m)| Step::Hand(p, m)),
        3 => (partition, member.clone()).prop_map(|(p, m)| Step::Steal(p, m)),
        1 => Just(Step::Wake),
        1 => member.prop_map(Step::Kill),
        4 => (1..200_u8).prop_map(Step::Rest),
    ]
}

/// Members and what the group knows of them.
struct Group {
    sandbox: Sandbox,
    services: Vec<Service>,
    owners: BTreeMap<u32, usize>,
    /// Who believes to have what others have.
    zombies: BTreeSet<(usize, u32)>,
    /// How many events there are, and how many records.
    events: u128,
    records: usize,
}

impl Group {
    async fn new() -> Self {
        let mut sandbox = Sandbox::new().await;
        sandbox.config.max_rows = 40;
        let services = INTERVALS_MS.map(|interval| Service::start(&mut sandbox, interval));
        let mut group = Self {
            sandbox,
            services: services.into(),
            owners: BTreeMap::new(),
            zombies: BTreeSet::new(),
            events: 0,
            records: 0,
        };
        for partition in 0..PARTITIONS {
            group.give(partition, 0).await;
        }
        group
    }

    async fn give(&mut self, partition: u32, member: usize) {
        if self.zombies.remove(&(member, partition)) {
            let lost = Rebalance::Lost([partition].into());
            self.services[member].tell(lost).await;
        }
        self.owners.insert(partition, member);
        self.services[member].assign(partition).await;
    }

    async fn take(&mut self, step: Step) {
        match step {
            Step::Append(count) => self.append(count).await,
            Step::Hand(partition, to) => {
                let owner = self.owners[&partition];
                if owner != to {
                    let partitions = [partition].into();
                    self.services[owner].revoke(partitions, PATIENCE).await;
                    self.give(partition, to).await;
                }
            }
            Step::Steal(partition, to) => {
                let owner = self.owners[&partition];
                if owner != to {
                    self.zombies.insert((owner, partition));
                    self.give(partition, to).await;
                }
            }
            Step::Wake => {
                for (member, partition) in std::mem::take(&mut self.zombies) {
                    let lost = Rebalance::Lost([partition].into());
                    self.services[member].tell(lost).await;
                }
            }
            Step::Kill(member) => {
                let interval = INTERVALS_MS[member];
                self.services[member] = Service::start(&mut self.sandbox, interval);
                self.zombies.retain(|(zombie, _)| *zombie != member);
                let owned = self.owners.iter().filter(|(_, owner)| **owner == member);
                let owned: Vec<u32> = owned.map(|(partition, _)| *partition).collect();
                for partition in owned {
                    self.give(partition, (member + 1) % MEMBERS).await;
                }
            }
            Step::Rest(ms) => tokio::time::sleep(Duration::from_millis(ms.into())).await,
        }
    }

    async fn append(&mut self, count: u8) {
        let first = self.events;
        self.events += u128::from(count);
        let again = self.events.saturating_sub(5)..self.events;
        let numbers = (first..self.events).chain(again);
        let records: Vec<Record> = numbers
            .map(|number| record("demo", &event(number, family(number))))
            .collect();
        self.records += records.len();
        self.sandbox.append(records).await;
    }

    /// Everything is published, each record once.
    async fn check(mut self) {
        self.take(Step::Wake).await;
        self.sandbox.wait_for_the_end().await;
        for service in self.services {
            service.running.stop().await.expect("stops");
        }
        let last = self.sandbox.start();
        self.sandbox.wait_for_the_end().await;
        self.sandbox.wait_for_the_counts().await;
        last.stop().await.expect("stops");
        assert_eq!(self.sandbox.stored("demo").await, ids(0..self.events));
        let places = self.sandbox.places(&["demo"]).await;
        let distinct: BTreeSet<_> = places.iter().collect();
        let found = (places.len(), distinct.len());
        assert_eq!(found, (self.records, self.records));
        let counted = self.sandbox.counted("demo").await;
        assert_eq!(usize::try_from(counted).expect("small"), self.records);
    }
}

#[test]
fn whoever_owns_what_and_believes_what_every_record_is_published_once() {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .expect("a runtime");
    let config = ProptestConfig {
        failure_persistence: None,
        max_shrink_iters: 0,
        ..ProptestConfig::with_cases(4)
    };
    let schedules = prop::collection::vec(step(), 10..40);
    let mut runner = TestRunner::new(config);
    let checked = runner.run(&schedules, |steps| {
        runtime.block_on(async {
            let mut group = Group::new().await;
            for step in steps {
                group.take(step).await;
            }
            group.check().await;
        });
        Ok(())
    });
    checked.expect("each once");
}

/// The order that matters most: the new owner has begun, and the old one, who
/// does not know of it, is first to publish, or second.
#[rstest::rstest]
#[case::the_old_owner_is_late(0, 2)]
#[case::the_new_owner_is_late(2, 0)]
#[tokio::test(flavor = "multi_thread")]
async fn of_two_owners_one_publishes(#[case] new: usize, #[case] old: usize) {
    let mut group = Group::new().await;
    for partition in 0..PARTITIONS {
        group.take(Step::Hand(partition, old)).await;
    }
    group.append(29).await;
    group.sandbox.wait_for_the_end().await;
    for partition in 0..PARTITIONS {
        group.take(Step::Steal(partition, new)).await;
    }
    for _ in 0..5 {
        group.append(25).await;
        group.take(Step::Rest(150)).await;
    }
    group.check().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_published_in_time_is_left_to_the_next_owner() {
    let mut sandbox = Sandbox::new().await;
    let records = (0..60).map(|number| record("demo", &event(number, family(number))));
    sandbox.append(records.collect()).await;
    let slow = Service::start(&mut sandbox, PATIENCE.as_millis() as u64);
    for partition in 0..PARTITIONS {
        slow.assign(partition).await;
    }
    while sandbox.floors().await.len() < PARTITIONS as usize {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    slow.revoke((0..PARTITIONS).collect(), Duration::ZERO).await;
    let nothing: BTreeMap<u32, u64> = (0..PARTITIONS).map(|p| (p, 0)).collect();
    assert_eq!(sandbox.floors().await, nothing);
    assert_eq!(sandbox.stored("demo").await, [] as [String; 0]);

    let heir = Service::start(&mut sandbox, 5);
    for partition in 0..PARTITIONS {
        heir.assign(partition).await;
    }
    sandbox.wait_for_the_end().await;
    assert_eq!(sandbox.stored("demo").await, ids(0..60));
}
