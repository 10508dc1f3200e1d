//! What becomes of the service when one of its readers does not go on.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use chrono::DateTime;
use eventlog::{AppendError, EventLog, LogId, ReadError, Reader, Receipt, Record};
use lake::Floor;

use crate::support::{PARTITIONS, Sandbox, event, family, ids, record};

/// A log of which one call, made for the first time, does something else.
struct Odd {
    log: Arc<dyn EventLog>,
    call: Call,
    called: Arc<AtomicBool>,
}

#[derive(Clone, Copy, PartialEq)]
enum Call {
    /// The first reader of partition 0 panics.
    PanicOnRead,
    /// Nobody ever learns where a partition begins.
    NeverAnswerHead,
}

impl Odd {
    /// Puts the odd log in the place of the sandbox's; also says whether the
    /// call was made.
    fn replace(sandbox: &mut Sandbox, call: Call) -> Arc<AtomicBool> {
        let called = Arc::new(AtomicBool::new(false));
        sandbox.log = Arc::new(Self {
            log: Arc::clone(&sandbox.log),
            call,
            called: Arc::clone(&called),
        });
        called
    }
}

#[async_trait]
impl EventLog for Odd {
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
        if self.call == Call::PanicOnRead && partition == 0 {
            let before = self.called.swap(true, Ordering::SeqCst);
            assert!(before, "the reader panics, as the test wants it");
        }
        self.log.read(partition, from).await
    }

    async fn head(&self, partition: u32) -> Result<u64, ReadError> {
        if self.call == Call::NeverAnswerHead {
            self.called.store(true, Ordering::SeqCst);
            std::future::pending::<()>().await;
        }
        self.log.head(partition).await
    }

    async fn tail(&self, partition: u32) -> Result<u64, ReadError> {
        self.log.tail(partition).await
    }

    async fn close(&self) {
        self.log.close().await;
    }
}

async fn append(sandbox: &Sandbox, numbers: std::ops::Range<u128>) {
    let records = numbers.map(|number| record("demo", &event(number, family(number))));
    sandbox.append(records.collect()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reader_that_panics_stops_nothing_for_good() {
    let mut sandbox = Sandbox::new().await;
    append(&sandbox, 0..60).await;
    let panicked = Odd::replace(&mut sandbox, Call::PanicOnRead);
    sandbox.run_to_the_end().await;
    assert!(panicked.load(Ordering::SeqCst));
    assert_eq!(sandbox.stored("demo").await, ids(0..60));
}

#[tokio::test(flavor = "multi_thread")]
async fn counting_that_does_not_end_does_not_hold_up_the_stop() {
    let mut sandbox = Sandbox::new().await;
    for partition in 0..PARTITIONS {
        let floor = Floor {
            log_id: sandbox.log.id().to_string(),
            partition,
            position: 0,
            as_of: DateTime::UNIX_EPOCH,
        };
        sandbox.lake.set_floor(&floor).await.expect("stores");
    }
    append(&sandbox, 0..30).await;
    let counting = Odd::replace(&mut sandbox, Call::NeverAnswerHead);
    let running = sandbox.start();
    sandbox.wait_for_the_end().await;
    while !counting.load(Ordering::SeqCst) {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    let stopped = tokio::time::timeout(Duration::from_secs(60), running.stop()).await;
    stopped.expect("it ends").expect("stops");
    assert_eq!(sandbox.stored("demo").await, ids(0..30));
}
