//! The spool before a real broker that goes away and comes back.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use eventlog::testing::KafkaBroker;
use eventlog::{EventLog, Headers, KafkaConfig, KafkaLog, ReadError, Record, SpoolConfig, Spooled};

use crate::kafka::{config, topic};

/// Senders at a time.
const SENDERS: usize = 4;

async fn open(folder: &Path, kafka: &KafkaConfig) -> Spooled<KafkaLog> {
    let spool = SpoolConfig {
        dir: Some(folder.to_owned()),
        patience_ms: 1_000,
        ..SpoolConfig::default()
    };
    let kafka = kafka.clone();
    let limit = kafka.max_record_bytes;
    Spooled::open(&spool, limit, move || KafkaLog::open(kafka.clone()))
        .await
        .unwrap()
}

/// What senders were told.
#[derive(Default)]
struct Told {
    stored: AtomicUsize,
    spooled: AtomicUsize,
    stop: AtomicBool,
}

/// Appends, one batch after the other, until it is told to stop; every record is
/// taken. Returns how many.
async fn send(log: Arc<Spooled<KafkaLog>>, told: Arc<Told>, sender: usize) -> usize {
    let mut n = 0;
    while !told.stop.load(Ordering::Relaxed) {
        let records = (n..n + 20).map(|n| Record {
            key: format!("{sender}-{n}").into(),
            headers: Headers::default(),
            value: "x".repeat(800).into(),
        });
        for answer in log.append(records.collect()).await {
            let count = match answer.expect("the record is taken").is_spooled() {
                true => &told.spooled,
                false => &told.stored,
            };
            count.fetch_add(1, Ordering::Relaxed);
        }
        n += 20;
        // No more than the disk of a small machine can take.
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
    n
}

/// Waits for this many more; only a failure never ends.
async fn more(count: &AtomicUsize, by: usize) {
    let goal = count.load(Ordering::Relaxed) + by;
    while count.load(Ordering::Relaxed) < goal {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_broker_that_goes_and_comes_costs_no_record() {
    let mut broker = KafkaBroker::start().await;
    let folder = tempfile::tempdir().unwrap();
    let kafka = KafkaConfig {
        request_deadline_ms: 8_000,
        produce_timeout_ms: 6_000,
        delivery_timeout_ms: 4_000,
        queue_bytes: 8 << 20,
        ..config(&broker.address(), &topic())
    };
    let log = Arc::new(open(folder.path(), &kafka).await);
    let told = Arc::new(Told::default());
    let senders: Vec<_> = (0..SENDERS)
        .map(|sender| tokio::spawn(send(Arc::clone(&log), Arc::clone(&told), sender)))
        .collect();
    more(&told.stored, 2_000).await;

    // Frozen: connections stand, and nothing answers.
    broker.pause();
    more(&told.spooled, 5_000).await;
    assert_eq!(log.trouble(), None);
    broker.resume();
    more(&told.stored, 2_000).await;

    // Killed: nothing is there.
    broker.kill();
    more(&told.spooled, 5_000).await;
    assert_eq!(log.trouble(), None);
    let broker = broker.restart().await;
    more(&told.stored, 2_000).await;

    told.stop.store(true, Ordering::Relaxed);
    let mut expected = BTreeSet::new();
    for (sender, task) in senders.into_iter().enumerate() {
        let count = task.await.unwrap();
        expected.extend((0..count).map(|n| format!("{sender}-{n}")));
    }
    complete(&*log, &expected).await;
    log.close().await;
    drop(log);
    drop(broker);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn it_starts_without_a_broker_and_goes_on_when_there_is_one() {
    let mut broker = KafkaBroker::start().await;
    let folder = tempfile::tempdir().unwrap();
    let kafka = KafkaConfig {
        open_timeout_ms: 3_000,
        ..config(&broker.address(), &topic())
    };
    let log = open(folder.path(), &kafka).await;
    let id = log.id().clone();
    log.close().await;
    drop(log);

    broker.kill();
    let log = Arc::new(open(folder.path(), &kafka).await);
    assert_eq!((log.id(), log.partitions(), log.trouble()), (&id, 4, None));
    let told = Arc::new(Told::default());
    let sender = tokio::spawn(send(Arc::clone(&log), Arc::clone(&told), 0));
    more(&told.spooled, 1_000).await;
    let broker = broker.restart().await;
    more(&told.stored, 1_000).await;
    told.stop.store(true, Ordering::Relaxed);
    let count = sender.await.unwrap();
    let expected = (0..count).map(|n| format!("0-{n}")).collect();
    complete(&*log, &expected).await;
    log.close().await;
    drop(log);
    drop(broker);
}

/// Waits until every one of them is in the topic, at least once; only a failure
/// never ends.
async fn complete(log: &dyn EventLog, expected: &BTreeSet<String>) {
    for partition in 0..log.partitions() {
        let mut reader = loop {
            match log.read(partition, 0).await {
                Ok(reader) => break reader,
                // The broker may take a moment to lead again.
                Err(error) => assert!(matches!(error, ReadError::Unavailable(_)), "{error:?}"),
            }
        };
        let is_here =
            |key: &&String| eventlog::partition_for(key.as_bytes(), log.partitions()) == partition;
        let mut missing: BTreeSet<&String> = expected.iter().filter(is_here).collect();
        while !missing.is_empty() {
            for entry in reader.next(1 << 20, Duration::from_secs(1)).await.unwrap() {
                let key = String::from_utf8_lossy(&entry.record.key).into_owned();
                assert!(expected.contains(&key), "{key} was never sent");
                missing.remove(&key);
            }
        }
    }
}
