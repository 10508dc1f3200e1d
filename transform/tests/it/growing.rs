//! Partitions are added while events come in, and keys move to others: an event
//! and its repetition stand in two partitions, of two owners, in any order.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use eventlog::{
    AppendError, Entry, EventLog, GroupError, LogId, Member, Position, ReadError, Reader,
    Rebalance, Receipt, Record, partition_for,
};
use proptest::prelude::*;
use proptest::test_runner::TestRunner;
use schemas::Table;
use tokio::sync::mpsc;

use crate::support::{Running, Sandbox, event, family, ids, record};

const FEW: u32 = 2;
const MANY: u32 = 5;
/// Only a failure waits it out.
const PATIENCE: Duration = Duration::from_secs(120);

/// The partitions of a log in memory.
type Records = Arc<Mutex<Vec<Vec<Record>>>>;

/// The log as one process sees it, who learns late of partitions.
struct View {
    id: LogId,
    records: Records,
    partitions: Arc<AtomicU32>,
    changes: Mutex<Option<mpsc::Receiver<Rebalance>>>,
}

/// Appends by the partitions that a sender knows of.
fn append(records: &Records, partitions: u32, record: Record) {
    let partition = partition_for(&record.key, partitions);
    let mut records = records.lock().expect("no panic");
    records[partition as usize].push(record);
}

#[async_trait]
impl EventLog for View {
    fn id(&self) -> &LogId {
        &self.id
    }

    fn partitions(&self) -> u32 {
        self.partitions.load(Ordering::Relaxed)
    }

    async fn append(&self, _records: Vec<Record>) -> Vec<Result<Receipt, AppendError>> {
        unimplemented!("senders do")
    }

    async fn read(&self, partition: u32, from: u64) -> Result<Box<dyn Reader>, ReadError> {
        let records = Arc::clone(&self.records);
        Ok(Box::new(Cursor {
            records,
            partition,
            from,
        }))
    }

    async fn head(&self, _partition: u32) -> Result<u64, ReadError> {
        Ok(0)
    }

    async fn tail(&self, partition: u32) -> Result<u64, ReadError> {
        let records = self.records.lock().expect("no panic");
        Ok(records[partition as usize].len() as u64)
    }

    async fn join(&self) -> Result<Box<dyn Member>, GroupError> {
        let changes = self.changes.lock().expect("no panic").take();
        Ok(Box::new(Seat(changes.expect("a member joins once"))))
    }

    async fn close(&self) {}
}

struct Cursor {
    records: Records,
    partition: u32,
    from: u64,
}

#[async_trait]
impl Reader for Cursor {
    async fn next(&mut self, _max: usize, wait: Duration) -> Result<Vec<Entry>, ReadError> {
        for _ in 0..2 {
            let entries: Vec<Entry> = {
                let records = self.records.lock().expect("no panic");
                let records = (0_u64..).zip(&records[self.partition as usize]);
                let new = records.skip_while(|(offset, _)| *offset < self.from);
                let entry = |(offset, record): (u64, &Record)| Entry {
                    position: Position {
                        partition: self.partition,
                        offset,
                    },
                    record: record.clone(),
                };
                new.take(7).map(entry).collect()
            };
            if let Some(last) = entries.last() {
                self.from = last.position.offset + 1;
                return Ok(entries);
            }
            tokio::time::sleep(wait.min(Duration::from_millis(5))).await;
        }
        Ok(Vec::new())
    }
}

struct Seat(mpsc::Receiver<Rebalance>);

#[async_trait]
impl Member for Seat {
    async fn next(&mut self) -> Result<Rebalance, GroupError> {
        match self.0.recv().await {
            Some(change) => Ok(change),
            None => std::future::pending().await,
        }
    }

    fn commit(&self, _next: &BTreeMap<u32, u64>) {}

    async fn leave(self: Box<Self>) {}
}

/// A service with the partitions that it was given.
struct Service {
    running: Running,
    partitions: Arc<AtomicU32>,
    changes: mpsc::Sender<Rebalance>,
}

impl Service {
    async fn start(sandbox: &mut Sandbox, records: &Records, owned: &[u32], knows: u32) -> Self {
        let (changes, told) = mpsc::channel(8);
        let partitions = Arc::new(AtomicU32::new(knows));
        sandbox.log = Arc::new(View {
            id: LogId::new("growing"),
            records: Arc::clone(records),
            partitions: Arc::clone(&partitions),
            changes: Mutex::new(Some(told)),
        });
        let service = Self {
            running: sandbox.start(),
            partitions,
            changes,
        };
        service.assign(owned.iter().copied().collect()).await;
        service
    }

    async fn assign(&self, partitions: BTreeSet<u32>) {
        let change = Rebalance::Assigned(partitions);
        self.changes.send(change).await.expect("it listens");
    }
}

/// One step of those who send and those who read.
#[derive(Debug, Clone, Copy)]
enum Step {
    /// Events come to partitions as they were before, and again, perhaps first, as
    /// they are now.
    Send {
        count: u8,
        moved_first: bool,
    },
    /// The one who has the former partitions hears of the others.
    Hear,
    /// He dies, and comes back.
    Kill,
    Rest(u8),
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        6 => (1..12_u8, any::<bool>()).prop_map(|(count, moved_first)| Step::Send { count, moved_first }),
        1 => Just(Step::Hear),
        1 => Just(Step::Kill),
        4 => (0..120_u8).prop_map(Step::Rest),
    ]
}

async fn all_is_published(sandbox: &Sandbox, records: &Records) {
    let tails = || {
        let records = records.lock().expect("no panic");
        let tails = records.iter().map(|records| records.len() as u64);
        (0..).zip(tails).collect::<BTreeMap<u32, u64>>()
    };
    let reached = async {
        while sandbox.floors().await != tails() {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    tokio::time::timeout(PATIENCE, reached)
        .await
        .expect("in time");
}

async fn check(steps: &[Step], former_knows: u32) {
    let mut sandbox = Sandbox::new().await;
    sandbox.config.interval_ms = 15;
    // Which would find what was stored twice.
    sandbox.config.maintenance.enabled = false;
    let records: Records = Arc::new(Mutex::new(vec![Vec::new(); MANY as usize]));
    let all: Vec<u32> = (0..MANY).collect();
    let (former, added) = all.split_at(FEW as usize);
    let mut one = Service::start(&mut sandbox, &records, former, former_knows).await;
    let mut sent = 0_u128;
    let mut two = None;
    for (number, step) in steps.iter().enumerate() {
        match *step {
            Step::Send { count, moved_first } => {
                for event in (sent..sent + u128::from(count)).map(|n| event(n, family(n))) {
                    let mut sizes = [FEW, MANY];
                    if moved_first {
                        sizes.reverse();
                    }
                    for partitions in sizes {
                        append(&records, partitions, record("demo", &event));
                    }
                }
                sent += u128::from(count);
            }
            Step::Hear => one.partitions.store(MANY, Ordering::Relaxed),
            Step::Kill => {
                let knows = one.partitions.load(Ordering::Relaxed);
                drop(one);
                one = Service::start(&mut sandbox, &records, former, knows).await;
            }
            Step::Rest(ms) => tokio::time::sleep(Duration::from_millis(ms.into())).await,
        }
        if number == steps.len() / 4 {
            two = Some(Service::start(&mut sandbox, &records, added, MANY).await);
        }
    }
    all_is_published(&sandbox, &records).await;
    one.running.stop().await.expect("stops");
    two.expect("began").running.stop().await.expect("stops");

    assert_eq!(sandbox.stored("demo").await, ids(0..sent));
    let duplicates = sandbox.rows("demo", Table::Duplicates, &["event_id"]).await;
    assert_eq!(duplicates.len() as u128, sent);
    let places = sandbox.places(&["demo"]).await;
    let distinct: BTreeSet<_> = places.iter().collect();
    assert_eq!(
        (places.len(), distinct.len()),
        (2 * sent as usize, 2 * sent as usize)
    );
}

#[test]
fn an_event_and_its_repetition_may_come_to_two_partitions() {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .expect("a runtime");
    let config = ProptestConfig {
        failure_persistence: None,
        max_shrink_iters: 0,
        ..ProptestConfig::with_cases(6)
    };
    let schedules = (
        prop::collection::vec(step(), 8..30),
        prop::sample::select(vec![FEW, MANY]),
    );
    let checked = TestRunner::new(config).run(&schedules, |(steps, former_knows)| {
        runtime.block_on(check(&steps, former_knows));
        Ok(())
    });
    checked.expect("each once");
}
