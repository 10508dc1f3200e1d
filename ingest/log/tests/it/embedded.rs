use std::sync::Arc;
use std::time::Duration;

use eventlog::{
    AppendError, EmbeddedConfig, EmbeddedLog, EventLog, Headers, OpenError, Record, conformance,
};

use crate::position;

fn config(path: &std::path::Path, partitions: u32) -> EmbeddedConfig {
    EmbeddedConfig {
        partitions,
        ..EmbeddedConfig::new(path)
    }
}

fn record(value: &[u8]) -> Record {
    Record {
        key: "key".into(),
        headers: Headers::default(),
        value: value.to_vec().into(),
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn conforms() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path();
    conformance::run_all(|name| async move {
        Arc::new(
            EmbeddedLog::open(config(&path.join(name), 4))
                .await
                .unwrap(),
        ) as Arc<dyn EventLog>
    })
    .await;
}

#[tokio::test]
async fn partitions_may_be_added_but_not_taken_away() {
    let folder = tempfile::tempdir().unwrap();
    let first = EmbeddedLog::open(config(folder.path(), 2)).await.unwrap();
    let id = first.id().clone();
    let position = position(first.append(vec![record(b"kept")]).await.remove(0));
    drop(first);

    let more = EmbeddedLog::open(config(folder.path(), 5)).await.unwrap();
    assert_eq!((more.id(), more.partitions()), (&id, 5));
    let mut reader = more
        .read(position.partition, position.offset)
        .await
        .unwrap();
    assert_eq!(
        reader.next(1, Duration::from_secs(5)).await.unwrap()[0].record,
        record(b"kept")
    );
    drop(reader);
    drop(more);

    let fewer = EmbeddedLog::open(config(folder.path(), 4)).await.err();
    assert!(
        matches!(
            fewer,
            Some(OpenError::FewerPartitions {
                stored: 5,
                asked: 4,
                ..
            })
        ),
        "{fewer:?}"
    );
}

#[tokio::test]
async fn one_owner_at_a_time() {
    let folder = tempfile::tempdir().unwrap();
    let _log = EmbeddedLog::open(config(folder.path(), 1)).await.unwrap();
    let second = EmbeddedLog::open(config(folder.path(), 1)).await.err();
    assert!(
        matches!(second, Some(OpenError::InUse { .. })),
        "{second:?}"
    );
}

#[tokio::test]
async fn a_full_queue_refuses_the_rest_and_stores_what_fits() {
    let folder = tempfile::tempdir().unwrap();
    let small = EmbeddedConfig {
        queue_bytes: 10_000,
        max_record_bytes: 5_000,
        ..config(folder.path(), 1)
    };
    let log = EmbeddedLog::open(small).await.unwrap();
    let answers = log.append(vec![record(&[7; 3_000]); 6]).await;
    let stored = answers.iter().filter(|a| a.is_ok()).count();
    assert_eq!(stored, 3);
    for refused in &answers[3..] {
        let refused = refused.as_ref().unwrap_err();
        assert!(matches!(refused, AppendError::Full), "{refused:?}");
        assert!(refused.is_retryable() && !refused.may_still_arrive());
    }
    assert_eq!(log.tail(0).await.unwrap(), 3);
    // The room is free again.
    assert!(log.append(vec![record(&[7; 3_000])]).await[0].is_ok());
}
