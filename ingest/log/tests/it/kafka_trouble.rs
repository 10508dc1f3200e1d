//! What the log says of itself while nothing is sent and its broker goes and comes.

use std::time::Duration;

use eventlog::testing::KafkaBroker;
use eventlog::{EventLog, Headers, KafkaLog, Record};

use crate::kafka::{config, topic};

fn record() -> Record {
    Record {
        key: "key".into(),
        headers: Headers::default(),
        value: "value".into(),
    }
}

/// Waits until there is trouble or not; only a failure never ends.
async fn until(log: &KafkaLog, is_in_trouble: bool) {
    while log.trouble().is_some() != is_in_trouble {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_broker_that_goes_is_noticed_while_nothing_is_sent() {
    let mut broker = KafkaBroker::start().await;
    let log = KafkaLog::open(config(&broker.address(), &topic()))
        .await
        .unwrap();
    assert_eq!((log.trouble(), log.backlog()), (None, None));

    // Stopped: its connections end.
    broker.stop();
    until(&log, true).await;
    let broker = broker.restart().await;
    until(&log, false).await;

    // Frozen: they stand, and nothing answers.
    broker.pause();
    until(&log, true).await;
    let trouble = log.trouble().unwrap_or_default();
    assert!(trouble.contains(&broker.address()), "{trouble}");
    broker.resume();
    until(&log, false).await;

    assert!(log.append(vec![record()]).await.remove(0).is_ok());
    assert_eq!(log.trouble(), None);
    log.close().await;
    drop(log);
    drop(broker);
}
