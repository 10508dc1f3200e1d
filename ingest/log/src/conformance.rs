//! What every [`EventLog`] does, as one suite that each implementation runs.
//!
//! A behaviour that is not here is not promised. `open(name)` opens the log of
//! that name: the same name again is the same storage, another name is a fresh
//! one. It is to be opened with four partitions and the default limits.
//!
//! The functions panic on the first behaviour that is missing.

use std::collections::{BTreeMap, BTreeSet};
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures::FutureExt;
use futures::future::join_all;

use crate::{AppendError, Entry, EventLog, Headers, Position, ReadError, Record, partition_for};

/// Long enough for any answer; only a failure waits it out.
const PATIENCE: Duration = Duration::from_secs(20);
/// The wait of a reader that is to find nothing.
const GLANCE: Duration = Duration::from_millis(300);
/// Room for everything the suite appends.
const PLENTY: usize = 64 << 20;

/// Runs every check, each against a log of its own.
pub async fn run_all<F, Opened>(open: F)
where
    F: Fn(&'static str) -> Opened,
    Opened: Future<Output = Arc<dyn EventLog>>,
{
    starts_empty(&*open("starts-empty").await).await;
    answers_in_request_order(&*open("answers-in-request-order").await).await;
    appending_nothing_answers_nothing(&*open("appending-nothing").await).await;
    equal_keys_meet_in_order(&*open("equal-keys-meet").await).await;
    reads_from_inclusive(&*open("reads-from-inclusive").await).await;
    reading_at_the_tail_waits_and_wakes(&*open("reading-at-the-tail").await).await;
    readers_do_not_disturb_each_other(&*open("readers").await).await;
    positions_out_of_range_are_errors(&*open("positions-out-of-range").await).await;
    concurrent_appends_lose_nothing(open("concurrent-appends").await).await;
    every_byte_survives(&*open("every-byte-survives").await).await;
    batches_keep_to_max_bytes(&*open("max-bytes").await).await;
    too_large_leaves_neighbours_alone(&*open("too-large").await).await;
    a_dropped_next_loses_nothing(&*open("dropped-next").await).await;
    a_dropped_append_harms_nothing(&*open("dropped-append").await).await;
    close_flushes_and_refuses(&*open("close").await).await;
    reopening_keeps_identity_and_records(&open).await;
    a_fresh_log_has_another_id(&*open("identity-a").await, &*open("identity-b").await).await;
}

/// Head and tail of an empty partition are equal, and there is nothing to read.
pub async fn starts_empty(log: &dyn EventLog) {
    assert_eq!(log.partitions(), 4, "open the log with four partitions");
    for partition in 0..log.partitions() {
        let tail = log.tail(partition).await.unwrap();
        assert_eq!(log.head(partition).await.unwrap(), tail);
        let mut reader = log.read(partition, tail).await.unwrap();
        assert_eq!(reader.next(PLENTY, Duration::ZERO).await.unwrap(), []);
    }
}

/// One answer per record, in request order; positions increase in a partition.
pub async fn answers_in_request_order(log: &dyn EventLog) {
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
pub async fn appending_nothing_answers_nothing(log: &dyn EventLog) {
    assert!(log.append(Vec::new()).await.is_empty());
}

/// Equal keys go to one partition and keep the order of the calls.
pub async fn equal_keys_meet_in_order(log: &dyn EventLog) {
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

/// `read` starts at the position given, whichever it is; the tail is above all.
pub async fn reads_from_inclusive(log: &dyn EventLog) {
    let positions = append(log, (0..20).map(|n| record(1, &n.to_string())).collect()).await;
    let partition = positions[0].partition;
    for (n, position) in positions.iter().enumerate() {
        let mut reader = log.read(partition, position.offset).await.unwrap();
        let first = &reader.next(1, PATIENCE).await.unwrap()[0];
        assert_eq!(
            (first.position, &first.record.value),
            (*position, &Bytes::from(n.to_string()))
        );
    }
    let (head, tail) = (
        log.head(partition).await.unwrap(),
        log.tail(partition).await.unwrap(),
    );
    assert!(
        head <= positions[0].offset && positions[19].offset < tail,
        "{head} {tail} {positions:?}"
    );
}

/// A reader at the tail finds nothing, then gets what is appended.
pub async fn reading_at_the_tail_waits_and_wakes(log: &dyn EventLog) {
    let partition = append(log, vec![record(1, "old")]).await[0].partition;
    let mut reader = log
        .read(partition, log.tail(partition).await.unwrap())
        .await
        .unwrap();
    assert_eq!(reader.next(PLENTY, GLANCE).await.unwrap(), []);
    for value in ["new", "newer"] {
        let (read, written) = futures::join!(
            reader.next(PLENTY, PATIENCE),
            append(log, vec![record(1, value)])
        );
        let read = read.unwrap();
        assert_eq!(read.len(), 1);
        assert_eq!(
            (read[0].position, read[0].record.clone()),
            (written[0], record(1, value))
        );
    }
}

/// Each reader has its own place.
pub async fn readers_do_not_disturb_each_other(log: &dyn EventLog) {
    let positions = append(log, (0..30).map(|n| record(1, &n.to_string())).collect()).await;
    let (partition, from) = (positions[0].partition, positions[0].offset);
    let mut one = log.read(partition, from).await.unwrap();
    let mut other = log.read(partition, from).await.unwrap();
    for position in &positions {
        assert_eq!(one.next(1, PATIENCE).await.unwrap()[0].position, *position);
    }
    assert_eq!(
        other.next(1, PATIENCE).await.unwrap()[0].position,
        positions[0]
    );
}

/// Above the tail, and in a partition that does not exist, nothing is read.
pub async fn positions_out_of_range_are_errors(log: &dyn EventLog) {
    append(log, vec![record(1, "one")]).await;
    let tail = log.tail(0).await.unwrap();
    let beyond = log.read(0, tail + 1).await.err();
    assert!(
        matches!(beyond, Some(ReadError::BeyondTail { partition: 0, from, tail: t }) if from == tail + 1 && t == tail),
        "{beyond:?}"
    );
    let absent = log.partitions();
    for error in [
        log.read(absent, 0).await.err(),
        log.head(absent).await.err(),
        log.tail(absent).await.err(),
    ] {
        assert!(
            matches!(error, Some(ReadError::NoPartition(p)) if p == absent),
            "{error:?}"
        );
    }
}

/// Many tasks at once: every answer is right, nothing is lost or doubled.
pub async fn concurrent_appends_lose_nothing(log: Arc<dyn EventLog>) {
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
pub async fn every_byte_survives(log: &dyn EventLog) {
    let all_bytes = Bytes::from((0..=255u8).collect::<Vec<_>>());
    let headers = Headers::new(vec![
        ("empty".into(), Bytes::new()),
        ("bytes".into(), all_bytes.clone()),
        ("twice".into(), Bytes::from_static(b"1")),
        ("twice".into(), Bytes::from_static(b"2")),
        ("ünïcode".into(), Bytes::from_static(b"x")),
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

/// A batch stays near `max_bytes`, but has at least one record; none is skipped.
pub async fn batches_keep_to_max_bytes(log: &dyn EventLog) {
    let value = "v".repeat(1000);
    let positions = append(log, (0..50).map(|_| record(1, &value)).collect()).await;
    let mut reader = log
        .read(positions[0].partition, positions[0].offset)
        .await
        .unwrap();
    let mut read = Vec::new();
    for max_bytes in [1, 10_000, 500, 5_000].into_iter().cycle() {
        let batch = reader.next(max_bytes, PATIENCE).await.unwrap();
        let bytes: usize = batch.iter().map(|e| e.record.size()).sum();
        assert!(!batch.is_empty());
        assert!(
            batch.len() == 1 || bytes <= max_bytes,
            "{bytes} bytes, {max_bytes} asked"
        );
        read.extend(batch.iter().map(|e| e.position));
        if read.len() >= positions.len() {
            break;
        }
    }
    assert_eq!(read, positions);
}

/// A record over the limit is refused for good; its neighbours are stored.
pub async fn too_large_leaves_neighbours_alone(log: &dyn EventLog) {
    let large = Record {
        value: vec![0; 4 << 20].into(),
        ..record(1, "")
    };
    let size = large.size();
    let mut answers = log
        .append(vec![record(1, "before"), large, record(1, "after")])
        .await;
    let after = answers.pop().unwrap().unwrap();
    let error = answers.pop().unwrap().unwrap_err();
    let before = answers.pop().unwrap().unwrap();
    assert!(
        matches!(error, AppendError::TooLarge { size: s, limit } if s == size && limit < size),
        "{error:?}"
    );
    assert!(!error.is_retryable() && !error.may_still_arrive());
    assert_eq!(at(log, before).await.value, "before");
    assert_eq!(at(log, after).await.value, "after");
}

/// A `next` that is dropped, whenever that is, loses no record.
pub async fn a_dropped_next_loses_nothing(log: &dyn EventLog) {
    let positions = append(log, (0..200).map(|n| record(1, &n.to_string())).collect()).await;
    let mut reader = log
        .read(positions[0].partition, positions[0].offset)
        .await
        .unwrap();
    let mut read: Vec<Position> = Vec::new();
    for n in 0.. {
        if read.len() >= positions.len() {
            break;
        }
        // Polled once and dropped; then dropped after a while; then awaited.
        if let Some(batch) = reader.next(100, PATIENCE).now_or_never() {
            read.extend(batch.unwrap().iter().map(|e| e.position));
        }
        let brief = Duration::from_micros(n % 40 * 25);
        if let Ok(batch) = tokio::time::timeout(brief, reader.next(100, PATIENCE)).await {
            read.extend(batch.unwrap().iter().map(|e| e.position));
        }
        if n % 3 == 0 && read.len() < positions.len() {
            read.extend(
                reader
                    .next(100, PATIENCE)
                    .await
                    .unwrap()
                    .iter()
                    .map(|e| e.position),
            );
        }
    }
    assert_eq!(read, positions);
}

/// An `append` that is dropped stores a prefix or nothing, and the log goes on.
pub async fn a_dropped_append_harms_nothing(log: &dyn EventLog) {
    for n in 0..20u64 {
        let brief = Duration::from_micros(n * 50);
        let _ = tokio::time::timeout(brief, log.append(vec![record(1, "dropped"); 10])).await;
    }
    let position = append(log, vec![record(1, "kept")]).await[0];
    assert_eq!(at(log, position).await.value, "kept");
}

/// `close` answers what was handed over, then nothing more is taken; what is
/// stored can still be read.
pub async fn close_flushes_and_refuses(log: &dyn EventLog) {
    let (acked, ()) = futures::join!(append(log, vec![record(1, "in time"); 100]), log.close());
    let late = log.append(vec![record(1, "late"), record(2, "late")]).await;
    assert_eq!(late.len(), 2);
    for error in late {
        let error = error.unwrap_err();
        assert!(matches!(error, AppendError::Closed), "{error:?}");
        assert!(error.is_retryable() && !error.may_still_arrive());
    }
    log.close().await;
    let read = read_all(log).await;
    assert_eq!(read.iter().map(|e| e.position).collect::<Vec<_>>(), acked);
}

/// Opened again it is the same log: id, records, and positions go on.
pub async fn reopening_keeps_identity_and_records<F, Opened>(open: &F)
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
pub async fn a_fresh_log_has_another_id(one: &dyn EventLog, other: &dyn EventLog) {
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

/// A record of the key `n` with a header.
fn record(n: usize, value: &str) -> Record {
    Record {
        key: format!("key-{n}").into(),
        headers: Headers::new(vec![("n".into(), n.to_string().into())]),
        value: value.to_owned().into(),
    }
}

async fn append(log: &dyn EventLog, records: Vec<Record>) -> Vec<Position> {
    log.append(records)
        .await
        .into_iter()
        .map(|answer| answer.expect("the record is stored"))
        .collect()
}

async fn at(log: &dyn EventLog, position: Position) -> Record {
    let mut reader = log.read(position.partition, position.offset).await.unwrap();
    let entry = reader.next(1, PATIENCE).await.unwrap().remove(0);
    assert_eq!(entry.position, position);
    entry.record
}

/// Everything from head to tail, partition by partition, checked to increase.
async fn read_all(log: &dyn EventLog) -> Vec<Entry> {
    let mut all: Vec<Entry> = Vec::new();
    for partition in 0..log.partitions() {
        let (head, tail) = (
            log.head(partition).await.unwrap(),
            log.tail(partition).await.unwrap(),
        );
        let mut reader = log.read(partition, head).await.unwrap();
        let mut next = head;
        while next < tail {
            let batch = reader.next(PLENTY, PATIENCE).await.unwrap();
            assert!(
                !batch.is_empty(),
                "partition {partition} ends at {tail}, read to {next}"
            );
            for entry in batch {
                assert_eq!(entry.position.partition, partition);
                assert!(entry.position.offset >= next, "{:?} again", entry.position);
                next = entry.position.offset + 1;
                all.push(entry);
            }
        }
    }
    all
}
