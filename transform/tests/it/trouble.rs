use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use eventlog::{AppendError, EventLog, LogId, ReadError, Reader, Receipt, Record};
use lake::Floor;
use schemas::{Family, Table};
use transform::Error;

use crate::support::{Sandbox, event, family, ids, record};

#[tokio::test(flavor = "multi_thread")]
async fn a_log_that_ends_below_what_is_published_is_refused() {
    let sandbox = Sandbox::new().await;
    let floor = Floor {
        log_id: sandbox.log.id().to_string(),
        partition: 1,
        position: 1_000_000,
        as_of: Utc::now(),
    };
    sandbox.lake.set_floor(&floor).await.expect("stores");
    let error = sandbox.start().ended().await.expect_err("refused");
    assert!(matches!(error, Error::AnotherLog { .. }), "{error}");
    assert!(
        error
            .to_string()
            .contains("another log under the same name")
    );
}

/// A log that has dropped its first records.
struct Truncated {
    log: Arc<dyn EventLog>,
    head: u64,
}

#[async_trait]
impl EventLog for Truncated {
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
        let head = self.head(partition).await?;
        if from < head {
            return Err(ReadError::Truncated {
                partition,
                from,
                head,
            });
        }
        self.log.read(partition, from).await
    }

    async fn head(&self, partition: u32) -> Result<u64, ReadError> {
        let tail = self.log.tail(partition).await?;
        Ok(if partition == 0 {
            self.head.min(tail)
        } else {
            0
        })
    }

    async fn tail(&self, partition: u32) -> Result<u64, ReadError> {
        self.log.tail(partition).await
    }

    async fn close(&self) {
        self.log.close().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_partition_that_lost_records_stops_alone_and_says_so() {
    let (mut sandbox, whole) = truncated().await;
    let tail = |partition| {
        let log = Arc::clone(&whole);
        async move { log.tail(partition).await.expect("a tail") }
    };
    let running = sandbox.start();
    let others = [tail(1).await, tail(2).await];
    let published = async {
        loop {
            let floors = sandbox.floors().await;
            if [floors[&1], floors[&2]] == others && !running.health.is_ready() {
                break floors[&0];
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    let stuck = tokio::time::timeout(Duration::from_secs(60), published).await;
    assert_eq!(stuck.expect("in time"), 0);
    let reasons = running.health.unready();
    for part in ["records from 0 on are gone", "accept_truncated_log"] {
        assert!(reasons["transform"].contains(part), "{reasons:?}");
    }
    running.stop().await.expect("stops");

    // As the message says.
    sandbox.config.accept_truncated_log = true;
    sandbox.run_to_the_end().await;
    assert_eq!(sandbox.stored("demo").await.len(), 59);
    sandbox.config.accept_truncated_log = false;
    sandbox.run_to_the_end().await;
}

/// A sandbox of which partition 0 has lost its first record of 60 events before
/// it was published, and the log as it was.
async fn truncated() -> (Sandbox, Arc<dyn EventLog>) {
    let mut sandbox = Sandbox::new().await;
    for partition in 0..3 {
        let floor = Floor {
            log_id: sandbox.log.id().to_string(),
            partition,
            position: 0,
            as_of: DateTime::UNIX_EPOCH,
        };
        sandbox.lake.set_floor(&floor).await.expect("stores");
    }
    let records = (0..60).map(|number| record("demo", &event(number, family(number))));
    sandbox.append(records.collect()).await;
    let whole = Arc::clone(&sandbox.log);
    sandbox.log = Arc::new(Truncated {
        log: Arc::clone(&whole),
        head: 1,
    });
    (sandbox, whole)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_torn_floor_stops_no_start() {
    let sandbox = Sandbox::new().await;
    let records = |numbers: std::ops::Range<u128>| {
        let records = numbers.map(|number| record("demo", &event(number, family(number))));
        records.collect::<Vec<_>>()
    };
    sandbox.append(records(0..60)).await;
    sandbox.run_to_the_end().await;
    tear_floor(&sandbox, 0);
    sandbox.append(records(40..90)).await;
    sandbox.run_to_the_end().await;
    assert_eq!(sandbox.stored("demo").await, ids(0..90));
    let columns = ["event_id"];
    let duplicates = sandbox.rows("demo", Table::Duplicates, &columns).await;
    assert_eq!(duplicates.len(), 20);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_torn_floor_of_a_truncated_log_is_believed_only_if_tables_came_further() {
    let (mut sandbox, whole) = truncated().await;
    tear_floor(&sandbox, 0);
    let running = sandbox.start();
    let stopped = async {
        while !running.health.unready().contains_key("transform")
            || !running.health.unready()["transform"].contains("are gone")
        {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    let stopped = tokio::time::timeout(Duration::from_secs(60), stopped).await;
    stopped.expect("no table shows that what is missing was published");
    running.stop().await.expect("stops");

    let cut = std::mem::replace(&mut sandbox.log, whole);
    sandbox.run_to_the_end().await;
    sandbox.log = cut;
    tear_floor(&sandbox, 0);
    sandbox.run_to_the_end().await;
    assert_eq!(sandbox.stored("demo").await, ids(0..60));
}

/// What a loss of power leaves of a file that was not synced.
fn tear_floor(sandbox: &Sandbox, partition: u32) {
    let floor = format!("lake/_log/{}/{partition}.json", sandbox.log.id());
    let path = sandbox.folder.path().join(floor);
    let text = std::fs::read(&path).expect("a floor");
    std::fs::write(&path, &text[..text.len() / 2]).expect("writes");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_read_before_the_stop_is_published() {
    let mut sandbox = Sandbox::new().await;
    // A round that would stay open for an hour.
    sandbox.config.interval_ms = 3_600_000;
    let records = (0..50).map(|number| record("demo", &event(number, family(number))));
    sandbox.append(records.collect()).await;
    let running = sandbox.start();
    while !running.health.is_ready() {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    tokio::time::sleep(Duration::from_millis(500)).await;
    running.stop().await.expect("stops");
    assert_eq!(sandbox.stored("demo").await, ids(0..50));
}

#[tokio::test(flavor = "multi_thread")]
async fn time_passes_for_an_idle_log() {
    let sandbox = Sandbox::new().await;
    sandbox
        .append(vec![record("demo", &event(1, Family::Video))])
        .await;
    let begun = Utc::now();
    let running = sandbox.start();
    let passes = async {
        loop {
            let floors = sandbox.lake.floors().await.expect("floors");
            if floors.len() == 3 && floors.iter().all(|floor| floor.as_of >= begun) {
                break;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    let passed = tokio::time::timeout(Duration::from_secs(60), passes).await;
    passed.expect("in time");
    assert_eq!(sandbox.stored("demo").await, ids(1..2));
    running.stop().await.expect("stops");
}
