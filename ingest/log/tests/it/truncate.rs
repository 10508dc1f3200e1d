//! An embedded log that is shortened.

use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::time::Duration;

use eventlog::{EmbeddedConfig, EmbeddedLog, EventLog, Headers, ReadError, Record, TruncateError};

use crate::position;

/// Only a failure waits it out.
const PATIENCE: Duration = Duration::from_secs(60);

async fn open(path: &Path) -> EmbeddedLog {
    let config = EmbeddedConfig {
        partitions: 2,
        ..EmbeddedConfig::new(path)
    };
    EmbeddedLog::open(config).await.unwrap()
}

/// A record of partition 0 (of two) or 1.
fn record(partition: u32, value: Vec<u8>) -> Record {
    let keys = (0..).map(|n: u32| n.to_string());
    let key = keys
        .into_iter()
        .find(|key| eventlog::partition_for(key.as_bytes(), 2) == partition);
    Record {
        key: key.unwrap().into(),
        headers: Headers::default(),
        value: value.into(),
    }
}

async fn append(log: &EmbeddedLog, partition: u32, values: std::ops::Range<u8>) -> Vec<u64> {
    let records = values.map(|n| record(partition, vec![n; 100]));
    let answers = log.append(records.collect()).await.into_iter();
    answers.map(|answer| position(answer).offset).collect()
}

async fn values(log: &EmbeddedLog, partition: u32) -> Vec<u8> {
    let head = log.head(partition).await.unwrap();
    let mut reader = log.read(partition, head).await.unwrap();
    let mut values = Vec::new();
    loop {
        let entries = reader.next(1 << 20, Duration::ZERO).await.unwrap();
        if entries.is_empty() {
            return values;
        }
        values.extend(entries.iter().map(|entry| entry.record.value[0]));
    }
}

#[tokio::test]
async fn the_head_follows_and_the_other_partition_does_not() {
    let folder = tempfile::tempdir().unwrap();
    let log = open(folder.path()).await;
    append(&log, 0, 0..10).await;
    append(&log, 1, 0..3).await;
    let mut behind = log.read(0, 2).await.unwrap();
    let mut ahead = log.read(0, 7).await.unwrap();
    log.truncate(0, 6).await.unwrap();

    assert_eq!(
        (log.head(0).await.unwrap(), log.tail(0).await.unwrap()),
        (6, 10)
    );
    assert_eq!(values(&log, 0).await, [6, 7, 8, 9]);
    assert_eq!(values(&log, 1).await, [0, 1, 2]);
    let gone = |error: ReadError| {
        matches!(
            error,
            ReadError::Truncated {
                partition: 0,
                head: 6,
                ..
            }
        )
    };
    assert!(gone(log.read(0, 5).await.err().unwrap()));
    assert!(gone(behind.next(1, PATIENCE).await.unwrap_err()));
    assert_eq!(ahead.next(1, PATIENCE).await.unwrap()[0].record.value[0], 7);
    // Going back changes nothing.
    log.truncate(0, 3).await.unwrap();
    assert_eq!(log.head(0).await.unwrap(), 6);

    drop((behind, ahead));
    drop(log);
    let log = open(folder.path()).await;
    assert_eq!(
        (log.head(0).await.unwrap(), log.tail(0).await.unwrap()),
        (6, 10)
    );
    assert_eq!(values(&log, 0).await, [6, 7, 8, 9]);
}

#[tokio::test]
async fn positions_are_not_given_again_when_nothing_is_left() {
    let folder = tempfile::tempdir().unwrap();
    let mut expected = 0;
    for round in 0..4 {
        let log = open(folder.path()).await;
        assert_eq!(
            (log.head(0).await.unwrap(), log.tail(0).await.unwrap()),
            (expected, expected)
        );
        let positions = append(&log, 0, 0..5).await;
        assert_eq!(positions, (expected..expected + 5).collect::<Vec<_>>());
        expected += 5;
        log.truncate(0, expected).await.unwrap();
        assert_eq!(values(&log, 0).await, [0; 0], "round {round}");
        // A reader at the end gets what comes.
        if round == 3 {
            let mut reader = log.read(0, expected).await.unwrap();
            append(&log, 0, 7..8).await;
            let next = reader.next(1, PATIENCE).await.unwrap();
            assert_eq!(
                (next[0].position.offset, next[0].record.value[0]),
                (expected, 7)
            );
        }
    }
}

#[tokio::test]
async fn what_is_still_to_come_cannot_be_given_up() {
    let folder = tempfile::tempdir().unwrap();
    let log = open(folder.path()).await;
    append(&log, 0, 0..3).await;
    let beyond = log.truncate(0, 4).await.unwrap_err();
    assert!(
        matches!(
            beyond,
            TruncateError::BeyondTail {
                partition: 0,
                before: 4,
                tail: 3
            }
        ),
        "{beyond:?}"
    );
    let absent = log.truncate(2, 0).await.unwrap_err();
    assert!(
        matches!(absent, TruncateError::NoPartition(2)),
        "{absent:?}"
    );
    assert_eq!(values(&log, 0).await, [0, 1, 2]);
}

/// Bytes that the files of the folder take on the disk.
fn taken(folder: &Path) -> u64 {
    let entries = std::fs::read_dir(folder).unwrap();
    let sizes = entries.map(|entry| {
        let path = entry.unwrap().path();
        match std::fs::symlink_metadata(&path) {
            Ok(found) if found.is_dir() => taken(&path),
            Ok(found) => found.blocks() * 512,
            // Removed in this moment.
            Err(_) => 0,
        }
    });
    sizes.sum()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_folder_shrinks() {
    let folder = tempfile::tempdir().unwrap();
    let log = open(folder.path()).await;
    let mut state = 1u64;
    let mut noise = || {
        // xorshift: what does not compress.
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state.to_le_bytes()
    };
    for _ in 0..30 {
        let value = |_| (0..100_000).flat_map(|_| noise()).collect();
        let values: Vec<Vec<u8>> = (0..5).map(value).collect();
        let records = values.into_iter().map(|value| record(0, value));
        for answer in log.append(records.collect()).await {
            position(answer);
        }
    }
    let tables = folder.path().join("keyspaces");
    let until = async |is_so: &dyn Fn() -> bool, before: u64| {
        // Only a failure never ends.
        while !is_so() {
            log.truncate(0, before).await.unwrap();
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    // Written in the background.
    until(&|| taken(&tables) > 100_000_000, 0).await;
    until(&|| taken(&tables) < 70_000_000, 75).await;
    assert_eq!(log.head(0).await.unwrap(), 75);
    let mut reader = log.read(0, 75).await.unwrap();
    assert_eq!(
        reader.next(1, PATIENCE).await.unwrap()[0].position.offset,
        75
    );
    until(&|| taken(&tables) < 5_000_000, 150).await;
    // What remains is a journal and a little.
    until(&|| taken(folder.path()) < 80_000_000, 150).await;
    drop(reader);
    drop(log);
    let log = open(folder.path()).await;
    assert_eq!(
        (log.head(0).await.unwrap(), log.tail(0).await.unwrap()),
        (150, 150)
    );
    assert_eq!(append(&log, 0, 0..1).await, [150]);
}
