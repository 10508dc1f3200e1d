use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use eventlog::testing::KafkaBroker;
use eventlog::{
    AppendError, EventLog, Headers, KafkaConfig, KafkaLog, OpenError, ReadError, Record,
    conformance, partition_for,
};
use rdkafka::admin::{AdminClient, AdminOptions};
use rdkafka::client::DefaultClientContext;
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::producer::{FutureProducer, FutureRecord};
use rdkafka::{ClientConfig, Offset, TopicPartitionList};
use tokio::sync::OnceCell;

use crate::position;

/// One broker for all tests that do not stop it.
pub async fn broker() -> String {
    static BROKER: OnceCell<KafkaBroker> = OnceCell::const_new();
    BROKER.get_or_init(KafkaBroker::start).await.address()
}

pub fn topic() -> String {
    static COUNT: AtomicU32 = AtomicU32::new(0);
    format!("topic-{}", COUNT.fetch_add(1, Ordering::Relaxed))
}

pub fn config(brokers: &str, topic: &str) -> KafkaConfig {
    KafkaConfig {
        brokers: brokers.into(),
        topic: topic.into(),
        partitions: 4,
        ..KafkaConfig::default()
    }
}

pub fn client(brokers: &str) -> ClientConfig {
    let mut client = ClientConfig::new();
    client
        .set("bootstrap.servers", brokers)
        .set("group.id", "test");
    client
}

fn record(key: &str, value: &str) -> Record {
    Record {
        key: key.to_owned().into(),
        headers: Headers::default(),
        value: value.to_owned().into(),
    }
}

/// Looks again and again; only a failure never ends.
async fn until(condition: impl Fn() -> bool) {
    while !condition() {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn conforms() {
    let brokers = broker().await;
    let prefix = topic();
    conformance::run_all(|name| {
        let topic = format!("{prefix}-{name}");
        let config = KafkaConfig {
            group: topic.clone(),
            ..config(&brokers, &topic)
        };
        async move { Arc::new(KafkaLog::open(config).await.unwrap()) as Arc<dyn EventLog> }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_recreated_topic_is_another_log() {
    let brokers = broker().await;
    let config = config(&brokers, &topic());
    let first = KafkaLog::open(config.clone()).await.unwrap();
    first
        .append(vec![record("k", "v")])
        .await
        .remove(0)
        .unwrap();

    let mut reader = first.read(partition_for(b"k", 4), 1).await.unwrap();

    let admin: AdminClient<DefaultClientContext> = client(&brokers).create().unwrap();
    admin
        .delete_topics(&[&config.topic], &AdminOptions::new())
        .await
        .unwrap()[0]
        .as_ref()
        .unwrap();
    // For a moment the broker may still know the topic that it is to delete.
    let mut second = KafkaLog::open(config.clone()).await.unwrap();
    for _ in 0..300 {
        if second.id() != first.id() {
            break;
        }
        tokio::time::sleep(Duration::from_millis(200)).await;
        second = KafkaLog::open(config.clone()).await.unwrap();
    }
    assert_ne!(first.id(), second.id());
    // The broker may take a moment to lead what it has just made.
    let tail = loop {
        match second.tail(partition_for(b"k", 4)).await {
            Ok(tail) => break tail,
            Err(error) => assert!(matches!(error, ReadError::Unavailable(_)), "{error:?}"),
        }
    };
    assert_eq!(tail, 0);

    let is_replaced = |error: &ReadError| matches!(error, ReadError::Replaced { opened, found } if opened == first.id() && found == second.id());
    let error = first.read(0, 0).await.err().unwrap();
    assert!(is_replaced(&error), "{error:?}");

    // A reader of the old one learns it too, whatever it is offered meanwhile.
    let mut learnt = false;
    for _ in 0..60 {
        match reader.next(1 << 20, Duration::from_secs(1)).await {
            Err(error) if is_replaced(&error) => learnt = true,
            Err(error) => assert!(matches!(error, ReadError::Unavailable(_)), "{error:?}"),
            Ok(_) => continue,
        }
        if learnt {
            break;
        }
    }
    assert!(learnt, "the reader did not notice");

    // An append to the old one ends, and soon works again.
    let mut stored = false;
    for _ in 0..10 {
        match first.append(vec![record("k", "again")]).await.remove(0) {
            Ok(_) => stored = true,
            Err(error) => assert!(error.is_retryable(), "{error:?}"),
        }
        if stored {
            break;
        }
    }
    assert!(stored, "the producer did not recover");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_retention_dropped_is_truncated() {
    let brokers = broker().await;
    let config = config(&brokers, &topic());
    let log = KafkaLog::open(config.clone()).await.unwrap();
    let partition = partition_for(b"k", 4);
    for answer in log
        .append((0..10).map(|n| record("k", &n.to_string())).collect())
        .await
    {
        answer.unwrap();
    }
    let mut reader = log.read(partition, 2).await.unwrap();

    let admin: AdminClient<DefaultClientContext> = client(&brokers).create().unwrap();
    let mut before = TopicPartitionList::new();
    before
        .add_partition_offset(&config.topic, partition as i32, Offset::Offset(6))
        .unwrap();
    admin
        .delete_records(&before, &AdminOptions::new())
        .await
        .unwrap();

    assert_eq!(log.head(partition).await.unwrap(), 6);
    let gone = log.read(partition, 2).await.err();
    assert!(
        matches!(
            gone,
            Some(ReadError::Truncated {
                from: 2,
                head: 6,
                ..
            })
        ),
        "{gone:?}"
    );
    let mut rest = log.read(partition, 6).await.unwrap();
    assert_eq!(
        rest.next(1, Duration::from_secs(20)).await.unwrap()[0]
            .record
            .value,
        "6"
    );
    // A reader opened before either had fetched ahead or learns it too.
    match reader.next(1, Duration::from_secs(20)).await {
        Ok(entries) => assert_eq!(entries[0].record.value, "2"),
        Err(error) => assert!(
            matches!(
                error,
                ReadError::Truncated {
                    from: 2,
                    head: 6,
                    ..
                }
            ),
            "{error:?}"
        ),
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_topic_is_created_as_configured_and_outside_producers_agree() {
    let brokers = broker().await;
    let config = config(&brokers, &topic());
    let log = KafkaLog::open(KafkaConfig {
        partitions: 7,
        ..config.clone()
    })
    .await
    .unwrap();
    assert_eq!(log.partitions(), 7);
    // An existing topic keeps its partitions.
    assert_eq!(
        KafkaLog::open(config.clone()).await.unwrap().partitions(),
        7
    );

    let outside: FutureProducer = client(&brokers)
        .set("partitioner", "murmur2_random")
        .create()
        .unwrap();
    for n in 0..20 {
        let key = format!("student-{n}");
        let ours = position(log.append(vec![record(&key, "ours")]).await.remove(0));
        let message = FutureRecord::to(&config.topic).key(&key).payload("theirs");
        let theirs = outside
            .send(message, Duration::from_secs(10))
            .await
            .unwrap();
        assert_eq!(ours.partition as i32, theirs.partition);
    }
    // Whoever's clock is a day ahead is not refused for it.
    let ahead = SystemTime::now() + Duration::from_secs(24 * 60 * 60);
    let ahead = ahead.duration_since(UNIX_EPOCH).unwrap().as_millis() as i64;
    let message = FutureRecord::to(&config.topic).key("k").payload("early");
    let message = message.timestamp(ahead);
    let sent = outside.send(message, Duration::from_secs(10)).await;
    assert!(sent.unwrap().timestamp.to_millis() < Some(ahead));

    let metadata: BaseConsumer = client(&brokers).create().unwrap();
    let metadata = metadata
        .fetch_metadata(Some(&config.topic), Duration::from_secs(10))
        .unwrap();
    assert_eq!(metadata.topics()[0].partitions().len(), 7);
}

#[tokio::test]
async fn contradictory_deadlines_are_refused() {
    let short = KafkaConfig {
        request_deadline_ms: 5_000,
        ..KafkaConfig::default()
    };
    let error = KafkaLog::open(short).await.err();
    assert!(
        matches!(error, Some(OpenError::Deadlines { .. })),
        "{error:?}"
    );
}

#[tokio::test]
async fn without_a_broker_open_says_so() {
    let nobody = KafkaConfig {
        brokers: "127.0.0.1:1".into(),
        open_timeout_ms: 1_500,
        ..KafkaConfig::default()
    };
    let error = KafkaLog::open(nobody).await.err();
    assert!(
        matches!(error, Some(OpenError::Unreachable { .. })),
        "{error:?}"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_broker_that_is_away_is_survived() {
    let mut broker = KafkaBroker::start().await;
    let config = KafkaConfig {
        request_deadline_ms: 4_000,
        produce_timeout_ms: 3_000,
        delivery_timeout_ms: 2_000,
        ..config(&broker.address(), &topic())
    };
    let log = KafkaLog::open(config).await.unwrap();
    let before = position(log.append(vec![record("k", "before")]).await.remove(0));
    let mut reader = log.read(before.partition, before.offset).await.unwrap();
    assert_eq!(
        reader.next(1, Duration::from_secs(20)).await.unwrap()[0]
            .record
            .value,
        "before"
    );

    broker.kill();
    for answer in log.append(vec![record("k", "lost?"); 3]).await {
        let error = answer.unwrap_err();
        assert!(error.is_retryable(), "{error:?}");
        assert!(
            matches!(error, AppendError::Unknown(_) | AppendError::Refused(_)),
            "{error:?}"
        );
    }
    let tail = log.tail(before.partition).await.err();
    assert!(matches!(tail, Some(ReadError::Unavailable(_))), "{tail:?}");

    until(|| log.trouble().is_some()).await;

    let broker = broker.restart().await;
    until(|| log.trouble().is_none()).await;
    let mut after = None;
    for _ in 0..30 {
        match log.append(vec![record("k", "after")]).await.remove(0) {
            Ok(receipt) => {
                after = receipt.position();
                break;
            }
            Err(error) => assert!(error.is_retryable(), "{error:?}"),
        }
    }
    let after = after.expect("the log recovers when the broker does");
    let mut last = None;
    for _ in 0..60 {
        match reader.next(1 << 20, Duration::from_secs(1)).await {
            Ok(entries) => last = entries.last().map(|e| e.position).or(last),
            Err(error) => assert!(matches!(error, ReadError::Unavailable(_)), "{error:?}"),
        }
        if last >= Some(after) {
            break;
        }
    }
    assert_eq!(last, Some(after), "the reader goes on where it was");

    // Frozen: connections stand, nobody answers, the call ends in time.
    broker.pause();
    let error = log
        .append(vec![record("k", "frozen")])
        .await
        .remove(0)
        .unwrap_err();
    assert!(error.may_still_arrive(), "{error:?}");
    broker.resume();
    let again = log.append(vec![record("k", "thawed")]).await.remove(0);
    assert!(again.is_ok() || again.is_err_and(|e| e.is_retryable()));
}
