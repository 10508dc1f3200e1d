//! The spool before a log in another folder, which fails as told.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use bytes::Bytes;
use eventlog::{
    AppendError, EmbeddedConfig, EmbeddedLog, EventLog, Headers, OpenError, ReadError, Receipt,
    Record, SpoolConfig, Spooled, conformance,
};
use rstest::rstest;

use crate::moody::{Mood, Moody, Switch};

/// What the primary's log takes at most.
pub const LIMIT: usize = 1_000_000;

pub fn config(folder: &Path) -> SpoolConfig {
    SpoolConfig {
        dir: Some(folder.join("spool")),
        patience_ms: 50,
        ..SpoolConfig::default()
    }
}

fn primary(folder: &Path) -> EmbeddedConfig {
    EmbeddedConfig {
        partitions: 4,
        max_record_bytes: LIMIT,
        ..EmbeddedConfig::new(folder.join("log"))
    }
}

/// The spool of the folder, before its log, which obeys the switch.
pub async fn open(folder: &Path, config: &SpoolConfig, switch: &Arc<Switch>) -> Spooled<Moody> {
    let (folder, switch) = (folder.to_owned(), Arc::clone(switch));
    let open = move || {
        let (folder, switch) = (folder.clone(), Arc::clone(&switch));
        async move {
            let log = EmbeddedLog::open(primary(&folder)).await?;
            Ok(Moody { log, switch })
        }
    };
    Spooled::open(config, LIMIT, open).await.unwrap()
}

pub fn record(n: usize) -> Record {
    Record {
        key: "key".into(),
        headers: Headers::from_iter([("n", n.to_string())]),
        value: n.to_string().into(),
    }
}

/// Everything that the log has, by partition and in order.
pub async fn stored(log: &dyn EventLog) -> Vec<Record> {
    let mut all = Vec::new();
    for partition in 0..log.partitions() {
        let head = log.head(partition).await.unwrap();
        let mut reader = log.read(partition, head).await.unwrap();
        loop {
            let entries = reader.next(1 << 20, Duration::ZERO).await.unwrap();
            if entries.is_empty() {
                break;
            }
            all.extend(entries.into_iter().map(|entry| entry.record));
        }
    }
    all
}

/// Waits for this many; only a failure never ends.
pub async fn until_stored(log: &dyn EventLog, count: usize) -> Vec<Record> {
    loop {
        let stored = stored(log).await;
        if stored.len() >= count {
            return stored;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

fn is_spooled(answer: &Result<Receipt, AppendError>) -> bool {
    answer.as_ref().is_ok_and(|receipt| receipt.is_spooled())
}

#[rstest]
#[case(Mood::Works)]
#[case(Mood::RefusesFirst)]
#[case(Mood::HangsFirst)]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn conforms(#[case] mood: Mood) {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    conformance::run_all(|name| async move {
        let folder = folder.join(name);
        let mut config = config(&folder);
        if mood != Mood::HangsFirst {
            // It answers: on a busy machine later than others have patience for.
            config.patience_ms = 60_000;
        }
        let log = open(&folder, &config, &Switch::new(mood)).await;
        Arc::new(log) as Arc<dyn EventLog>
    })
    .await;
}

#[rstest]
#[case(Mood::Refuses)]
#[case(Mood::Hangs)]
#[tokio::test]
async fn while_the_log_is_away_it_is_not_asked_again_and_again(#[case] mood: Mood) {
    let folder = tempfile::tempdir().unwrap();
    let switch = Switch::new(mood);
    let log = open(folder.path(), &config(folder.path()), &switch).await;
    for n in 0..200 {
        let answer = log.append(vec![record(n)]).await.remove(0);
        assert!(is_spooled(&answer), "{answer:?}");
    }
    // The first append and the probes, which take turns.
    assert!(switch.asked() < 100, "{}", switch.asked());
    assert_eq!(log.trouble(), None);
    assert_eq!(stored(&log).await, []);

    switch.set(Mood::Works);
    let stored = until_stored(&log, 200).await;
    let expected: Vec<_> = (0..200).map(record).collect();
    // In the order in which they were answered.
    assert!(
        stored == expected,
        "{} records, or in another order",
        stored.len()
    );
    let live = log.append(vec![record(200)]).await.remove(0);
    assert!(!is_spooled(&live), "{live:?}");
}

#[tokio::test]
async fn of_unknown_outcome_is_spooled_and_too_large_is_not() {
    let folder = tempfile::tempdir().unwrap();
    let switch = Switch::new(Mood::Forgets);
    let log = open(folder.path(), &config(folder.path()), &switch).await;
    let large = Record {
        value: vec![0; LIMIT].into(),
        ..record(1)
    };
    // Once when it is asked first, and once when it is known to be away.
    for round in 0..2 {
        let (one, other) = (record(10 * round), record(10 * round + 1));
        let answers = log.append(vec![one, large.clone(), other]).await;
        assert!(
            is_spooled(&answers[0]) && is_spooled(&answers[2]),
            "{answers:?}"
        );
        let refused = answers[1].as_ref().unwrap_err();
        assert!(
            matches!(refused, AppendError::TooLarge { limit: LIMIT, .. }),
            "{refused:?}"
        );
    }
    switch.set(Mood::Works);
    // Some come twice: deduplication takes them out.
    loop {
        let values = stored(&log).await.into_iter().map(|record| record.value);
        let values: BTreeSet<Bytes> = values.collect();
        if values.iter().eq(["0", "1", "10", "11"]) {
            break;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

#[tokio::test]
async fn a_full_spool_says_so_and_takes_again_when_it_is_empty() {
    let folder = tempfile::tempdir().unwrap();
    let config = SpoolConfig {
        max_bytes: 20_000,
        ..config(folder.path())
    };
    let switch = Switch::new(Mood::Refuses);
    let log = open(folder.path(), &config, &switch).await;
    let mut taken = 0;
    let error = loop {
        match log.append(vec![record(taken)]).await.remove(0) {
            Ok(receipt) => assert!(receipt.is_spooled()),
            Err(error) => break error,
        }
        taken += 1;
    };
    assert!(
        error.is_retryable() && !error.may_still_arrive(),
        "{error:?}"
    );
    assert!((100..1_000).contains(&taken), "{taken}");
    let trouble = log.trouble().expect("nothing is taken anywhere");
    assert!(trouble.contains("spool.max_bytes"), "{trouble}");

    // Opened again it is as full.
    log.close().await;
    drop(log);
    let log = open(folder.path(), &config, &switch).await;
    assert!(log.append(vec![record(taken)]).await.remove(0).is_err());

    switch.set(Mood::Works);
    assert_eq!(until_stored(&log, taken).await.len(), taken);
    while log.trouble().is_some() {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    switch.set(Mood::Refuses);
    let answer = log.append(vec![record(taken)]).await.remove(0);
    assert!(is_spooled(&answer), "{answer:?}");
}

#[tokio::test]
async fn a_folder_has_one_spool() {
    let folder = tempfile::tempdir().unwrap();
    let switch = Switch::new(Mood::Works);
    let _log = open(folder.path(), &config(folder.path()), &switch).await;
    let other = || async { Err::<EmbeddedLog, _>(away()) };
    let second = Spooled::open(&config(folder.path()), LIMIT, other).await;
    let error = second.err().expect("in use");
    assert!(matches!(error, OpenError::SpoolInUse { .. }), "{error:?}");
    assert!(
        error.to_string().contains("spool.dir of its own"),
        "{error}"
    );
}

fn away() -> OpenError {
    OpenError::Unreachable {
        brokers: "nowhere".to_owned(),
        waited: Duration::ZERO,
        source: "away".into(),
    }
}

#[tokio::test]
async fn it_starts_while_a_log_that_was_there_before_is_away() {
    let folder = tempfile::tempdir().unwrap();
    let config = config(folder.path());
    // A log that was never there has no name to go by.
    let nowhere = || async { Err::<EmbeddedLog, _>(away()) };
    let never = Spooled::open(&config, LIMIT, nowhere).await;
    assert!(matches!(never.err(), Some(OpenError::Unreachable { .. })));

    let log = open(folder.path(), &config, &Switch::new(Mood::Works)).await;
    let id = log.id().clone();
    log.close().await;
    drop(log);

    let path = folder.path().to_owned();
    let is_back = Arc::new(AtomicUsize::new(0));
    let log = Spooled::open(&config, LIMIT, {
        let is_back = Arc::clone(&is_back);
        move || {
            let (path, is_back): (PathBuf, _) = (path.clone(), Arc::clone(&is_back));
            async move {
                match is_back.load(Ordering::Relaxed) {
                    0 => Err(away()),
                    _ => EmbeddedLog::open(primary(&path)).await,
                }
            }
        }
    });
    let log = log.await.unwrap();
    assert_eq!((log.id(), log.partitions()), (&id, 4));
    assert_eq!(log.trouble(), None);
    let answer = log.append(vec![record(0)]).await.remove(0);
    assert!(is_spooled(&answer), "{answer:?}");
    let unread = log.read(0, 0).await.err();
    assert!(
        matches!(unread, Some(ReadError::Unavailable(_))),
        "{unread:?}"
    );

    is_back.store(1, Ordering::Relaxed);
    while log.tail(0).await.is_err() {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    assert_eq!(until_stored(&log, 1).await, [record(0)]);
    assert_eq!(log.id(), &id);
}
