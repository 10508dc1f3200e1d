//! What readers see, from where, and how much at a time.

use std::time::Duration;

use bytes::Bytes;
use futures::FutureExt;

use super::{GLANCE, PATIENCE, PLENTY, append, record};
use crate::{EventLog, Position, ReadError};

/// `read` starts at the position given, whichever it is; the tail is above all.
pub(super) async fn reads_from_inclusive(log: &dyn EventLog) {
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

/// Who reads headers only sees the same of them, at the same positions.
pub(super) async fn headers_can_be_read_alone(log: &dyn EventLog) {
    let positions = append(log, (0..20).map(|n| record(1, &n.to_string())).collect()).await;
    let (partition, from) = (positions[0].partition, positions[5].offset);
    let mut reader = log.read_headers(partition, from).await.unwrap();
    let mut read = Vec::new();
    while read.len() < 15 {
        let entries = reader.next(PLENTY, PATIENCE).await.unwrap();
        assert!(!entries.is_empty(), "{} of 15", read.len());
        read.extend(entries);
    }
    for (entry, position) in read.iter().zip(&positions[5..]) {
        assert_eq!(entry.position, *position);
        assert_eq!(entry.record.headers, record(1, "").headers);
    }
    let beyond = log.tail(partition).await.unwrap() + 1;
    let refused = log.read_headers(partition, beyond).await.err();
    assert!(matches!(refused, Some(ReadError::BeyondTail { .. })));
}

/// A reader at the tail finds nothing, then gets what is appended.
pub(super) async fn reading_at_the_tail_waits_and_wakes(log: &dyn EventLog) {
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
pub(super) async fn readers_do_not_disturb_each_other(log: &dyn EventLog) {
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
pub(super) async fn positions_out_of_range_are_errors(log: &dyn EventLog) {
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

/// A batch stays near `max_bytes`, but has at least one record; none is skipped.
pub(super) async fn batches_keep_to_max_bytes(log: &dyn EventLog) {
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

/// A `next` that is dropped, whenever that is, loses no record.
pub(super) async fn a_dropped_next_loses_nothing(log: &dyn EventLog) {
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
