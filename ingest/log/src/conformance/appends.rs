//! What is appended: answered for itself, in order, as it was.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures::future::join_all;

use super::{append, at, places, read_all, record};
use crate::{AppendError, EventLog, Headers, Record, partition_for};

/// One answer per record, in request order; positions increase in a partition.
pub(super) async fn answers_in_request_order(log: &dyn EventLog) {
    let mut last = BTreeMap::new();
    for call in 0..5 {
        let records: Vec<_> = (0..40).map(|n| record(n, &format!("{call}/{n}"))).collect();
        let positions = append(log, records.clone()).await;
        assert_eq!(positions.len(), records.len());
        for (position, record) in positions.iter().zip(&records) {
            assert_eq!(
                position.partition,
                partition_for(&record.key, log.partitions())
            );
            if let Some(before) = last.insert(position.partition, position.offset) {
                assert!(position.offset > before, "{position:?} after {before}");
            }
            assert_eq!(at(log, *position).await, *record);
        }
    }
}

/// An empty request has an empty answer.
pub(super) async fn appending_nothing_answers_nothing(log: &dyn EventLog) {
    assert!(log.append(Vec::new()).await.is_empty());
}

/// Equal keys go to one partition and keep the order of the calls.
pub(super) async fn equal_keys_meet_in_order(log: &dyn EventLog) {
    for call in 0..10 {
        append(
            log,
            (0..50)
                .map(|n| record(n % 5, &format!("{:04}", call * 50 + n)))
                .collect(),
        )
        .await;
    }
    let mut values: BTreeMap<Bytes, Vec<Bytes>> = BTreeMap::new();
    let mut homes: BTreeMap<Bytes, BTreeSet<u32>> = BTreeMap::new();
    for entry in read_all(log).await {
        homes
            .entry(entry.record.key.clone())
            .or_default()
            .insert(entry.position.partition);
        values
            .entry(entry.record.key)
            .or_default()
            .push(entry.record.value);
    }
    assert_eq!(values.len(), 5);
    assert!(homes.values().all(|h| h.len() == 1), "{homes:?}");
    assert!(
        values.values().all(|v| v.len() == 100 && v.is_sorted()),
        "{values:?}"
    );
}

/// Many tasks at once: every answer is right, nothing is lost or doubled.
pub(super) async fn concurrent_appends_lose_nothing(log: Arc<dyn EventLog>) {
    let tasks = (0..16).map(|task| {
        let log = Arc::clone(&log);
        tokio::spawn(async move {
            let mut acked = BTreeMap::new();
            for call in 0..20 {
                let records: Vec<_> = (0..10)
                    .map(|n| record(task * 7 + n, &format!("{task}/{call}/{n}")))
                    .collect();
                let positions = append(&*log, records.clone()).await;
                acked.extend(positions.into_iter().zip(records));
            }
            acked
        })
    });
    let mut acked = BTreeMap::new();
    for task in join_all(tasks).await {
        acked.extend(task.unwrap());
    }
    assert_eq!(acked.len(), 16 * 20 * 10, "a position was given twice");
    let read: BTreeMap<_, _> = read_all(&*log)
        .await
        .into_iter()
        .map(|e| (e.position, e.record))
        .collect();
    assert!(
        read == acked,
        "{} read, {} acknowledged",
        read.len(),
        acked.len()
    );
}

/// Keys, headers and values of any bytes come back as they were.
pub(super) async fn every_byte_survives(log: &dyn EventLog) {
    let all_bytes = Bytes::from((0..=255u8).collect::<Vec<_>>());
    let headers = Headers::from_iter([
        ("empty", &b""[..]),
        ("bytes", &all_bytes),
        ("twice", b"1"),
        ("twice", b"2"),
        ("ünïcode", b"x"),
    ]);
    let noise: Vec<u8> = (0..700_000u32)
        .map(|n| (n.wrapping_mul(2_654_435_761) >> 13) as u8)
        .collect();
    let records = vec![
        Record {
            key: Bytes::from_static(b"k"),
            headers: Headers::default(),
            value: Bytes::new(),
        },
        Record {
            key: Bytes::new(),
            headers: Headers::default(),
            value: Bytes::from_static(b"no key"),
        },
        Record {
            key: all_bytes.clone(),
            headers,
            value: all_bytes,
        },
        Record {
            key: Bytes::from_static(b"large"),
            headers: Headers::default(),
            value: noise.into(),
        },
    ];
    let positions = append(log, records.clone()).await;
    for (position, record) in positions.into_iter().zip(records) {
        let read = at(log, position).await;
        assert!(read == record, "{position:?}: {:?}", record.key);
    }
}

/// A record over the limit is refused for good; its neighbours are stored.
pub(super) async fn too_large_leaves_neighbours_alone(log: &dyn EventLog) {
    let large = Record {
        value: vec![0; 4 << 20].into(),
        ..record(1, "")
    };
    let size = large.size();
    let neighbours = [record(1, "before"), record(1, "after")];
    let [before, after] = neighbours.clone();
    let mut answers = log.append(vec![before, large, after]).await;
    let error = answers.remove(1).unwrap_err();
    let places = places(log, &neighbours, answers).await;
    assert!(
        matches!(error, AppendError::TooLarge { size: s, limit } if s == size && limit < size),
        "{error:?}"
    );
    assert!(!error.is_retryable() && !error.may_still_arrive());
    assert_eq!(at(log, places[0]).await.value, "before");
    assert_eq!(at(log, places[1]).await.value, "after");
}

/// An `append` that is dropped stores a prefix or nothing, and the log goes on.
pub(super) async fn a_dropped_append_harms_nothing(log: &dyn EventLog) {
    for n in 0..20u64 {
        let brief = Duration::from_micros(n * 50);
        let _ = tokio::time::timeout(brief, log.append(vec![record(1, "dropped"); 10])).await;
    }
    let position = append(log, vec![record(1, "kept")]).await[0];
    assert_eq!(at(log, position).await.value, "kept");
}
