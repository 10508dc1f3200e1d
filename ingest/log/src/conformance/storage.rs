//! A log as a whole: new, closed, opened again, and told from others.

use std::collections::BTreeMap;
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use super::{PATIENCE, PLENTY, append, read_all, record};
use crate::{AppendError, EventLog, Position, Record};

/// Head and tail of an empty partition are equal, and there is nothing to read.
pub(super) async fn starts_empty(log: &dyn EventLog) {
    assert_eq!(log.partitions(), 4, "open the log with four partitions");
    for partition in 0..log.partitions() {
        let tail = log.tail(partition).await.unwrap();
        assert_eq!(log.head(partition).await.unwrap(), tail);
        let mut reader = log.read(partition, tail).await.unwrap();
        assert_eq!(reader.next(PLENTY, Duration::ZERO).await.unwrap(), []);
    }
}

/// `close` answers what was handed over, then nothing more is taken; what is
/// stored can still be read, and what was only spooled once it is opened again.
pub(super) async fn close_flushes_and_refuses<F, Opened>(open: &F)
where
    F: Fn(&'static str) -> Opened,
    Opened: Future<Output = Arc<dyn EventLog>>,
{
    let log = open("close").await;
    let records = vec![record(1, "in time"); 100];
    let (answers, ()) = futures::join!(log.append(records), log.close());
    let receipts = answers.into_iter().map(|answer| answer.unwrap().position());
    let receipts: Vec<_> = receipts.collect();
    let late = log.append(vec![record(1, "late"), record(2, "late")]).await;
    assert_eq!(late.len(), 2);
    for error in late {
        let error = error.unwrap_err();
        assert!(matches!(error, AppendError::Closed), "{error:?}");
        assert!(error.is_retryable() && !error.may_still_arrive());
    }
    log.close().await;
    let read = read_all(&*log).await;
    let read: Vec<_> = read.iter().map(|e| Some(e.position)).collect();
    if !receipts.contains(&None) {
        assert_eq!(read, receipts);
    } else {
        drop(log);
        let log = open("close").await;
        let spooled = tokio::time::timeout(PATIENCE, async {
            while read_all(&*log).await.len() < receipts.len() {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        });
        spooled.await.expect("what was spooled comes");
        assert_eq!(read_all(&*log).await.len(), receipts.len());
    }
}

/// Opened again it is the same log: id, records, and positions go on.
pub(super) async fn reopening_keeps_identity_and_records<F, Opened>(open: &F)
where
    F: Fn(&'static str) -> Opened,
    Opened: Future<Output = Arc<dyn EventLog>>,
{
    let mut id = None;
    let mut acked: BTreeMap<Position, Record> = BTreeMap::new();
    for round in 0..3 {
        let log = open("reopening").await;
        assert_eq!(id.get_or_insert_with(|| log.id().clone()), log.id());
        let read: BTreeMap<_, _> = read_all(&*log)
            .await
            .into_iter()
            .map(|e| (e.position, e.record))
            .collect();
        assert_eq!(read, acked);
        let records: Vec<_> = (0..20)
            .map(|n| record(n, &format!("{round}/{n}")))
            .collect();
        for (position, record) in append(&*log, records.clone())
            .await
            .into_iter()
            .zip(records)
        {
            assert!(
                acked.insert(position, record).is_none(),
                "{position:?} was given twice"
            );
        }
        log.close().await;
    }
}

/// The id of one log never names another.
pub(super) async fn a_fresh_log_has_another_id(one: &dyn EventLog, other: &dyn EventLog) {
    assert_ne!(one.id(), other.id());
    let letters = |id: &str| {
        id.bytes()
            .all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_')
    };
    assert!(
        letters(one.id().as_str()) && !one.id().as_str().is_empty(),
        "{}",
        one.id()
    );
}
