use std::time::Duration;

use super::*;
use crate::{EmbeddedConfig, EmbeddedLog, Headers};

const HOUR: u64 = 3_600_000;

fn record(value: &str) -> Record {
    Record {
        key: "key".into(),
        headers: Headers::from_iter([("tenant", "demo")]),
        value: value.to_owned().into(),
    }
}

fn config(folder: &Path) -> SpoolConfig {
    SpoolConfig {
        dir: Some(folder.join("spool")),
        ..SpoolConfig::default()
    }
}

/// Puts entries into the spool as an earlier process left them.
async fn leave(folder: &Path, entries: Vec<Vec<u8>>) {
    let config = EmbeddedConfig {
        partitions: 1,
        ..EmbeddedConfig::new(folder.join("spool/entries"))
    };
    let log = EmbeddedLog::open(config).await.unwrap();
    for written in log.append_values(0, entries).await {
        written.unwrap();
    }
    log.close().await;
}

/// A spool before a log in the folder that takes so many bytes a record.
async fn open(folder: &Path, limit: usize) -> Spooled<EmbeddedLog> {
    let mut primary = EmbeddedConfig::new(folder.join("log"));
    primary.partitions = 1;
    primary.max_record_bytes = limit;
    let open = move || EmbeddedLog::open(primary.clone());
    Spooled::open(&config(folder), limit, open).await.unwrap()
}

async fn until_empty(log: &Spooled<EmbeddedLog>) {
    while !log.spool.is_empty() {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

async fn values(log: &Spooled<EmbeddedLog>) -> Vec<String> {
    let mut reader = log.read(0, 0).await.unwrap();
    let entries = reader
        .next(1 << 20, Duration::ZERO)
        .await
        .unwrap()
        .into_iter();
    let value = |value: &[u8]| String::from_utf8_lossy(value).into_owned();
    entries.map(|entry| value(&entry.record.value)).collect()
}

#[tokio::test]
async fn an_entry_that_cannot_be_read_is_set_aside_and_stops_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let good = |value| frame::encode(&[record(value)], spool::now()).unwrap();
    let mut torn = good("torn");
    torn.truncate(torn.len() - 5);
    let foreign = b"of another program".to_vec();
    let entries = vec![good("one"), torn.clone(), foreign.clone(), good("two")];
    leave(folder.path(), entries).await;

    let log = open(folder.path(), 1_000_000).await;
    until_empty(&log).await;
    assert_eq!(values(&log).await, ["one", "two"]);
    let aside = |name| std::fs::read(folder.path().join("spool/aside").join(name)).unwrap();
    assert_eq!((aside("1.entry"), aside("2.entry")), (torn, foreign));
    assert_eq!(log.spool.held(), bounds::Held::default());
}

#[tokio::test]
async fn a_record_that_has_become_too_large_is_set_aside() {
    let folder = tempfile::tempdir().unwrap();
    let large = record(&"x".repeat(2_000));
    let records = [record("one"), large.clone(), large.clone(), record("two")];
    let entry = frame::encode(&records, spool::now()).unwrap();
    leave(folder.path(), vec![entry]).await;

    let log = open(folder.path(), 1_000).await;
    until_empty(&log).await;
    assert_eq!(values(&log).await, ["one", "two"]);
    for name in ["0-1.entry", "0-2.entry"] {
        let kept = std::fs::read(folder.path().join("spool/aside").join(name)).unwrap();
        assert_eq!(frame::decode(&kept).unwrap(), std::slice::from_ref(&large));
    }
}

#[tokio::test]
async fn beside_events_that_wait_for_too_long_nothing_new_is_taken() {
    let folder = tempfile::tempdir().unwrap();
    let config = config(folder.path());
    let old = frame::encode(&[record("old")], spool::now() - 25 * HOUR).unwrap();
    let young = frame::encode(&[record("young")], spool::now()).unwrap();
    leave(folder.path(), vec![old, young]).await;

    let dir = config.dir.clone().unwrap();
    let spool = Spool::open(&dir, &config, 1_000_000).await.unwrap();
    let held = spool.held();
    assert_eq!(
        (held.records, held.age(spool::now()).as_secs() / 3600),
        (2, 25)
    );
    let error = spool.take(vec![record("new")]).await.remove(0).unwrap_err();
    assert!(
        error.is_retryable() && !error.may_still_arrive(),
        "{error:?}"
    );
    let trouble = spool.trouble().unwrap();
    assert!(trouble.contains("spool.max_age_hours is 24"), "{trouble}");
    // What was taken stays, however old.
    let entries = spool.read(0, 1 << 20).await.unwrap();
    assert_eq!(entries.len(), 2);

    // When the old one is gone it goes on.
    let header = frame::header(&entries[1].1).unwrap();
    let bytes = entries[0].1.len() as u64;
    spool.remove(1, bytes, 1, Some(header.at)).await.unwrap();
    assert_eq!(spool.trouble(), None);
    assert_eq!(spool.held().records, 1);
    assert!(spool.take(vec![record("new")]).await[0].is_ok());
}

#[tokio::test]
async fn a_batch_is_one_entry_or_a_few() {
    let folder = tempfile::tempdir().unwrap();
    let dir = folder.path().join("spool");
    let spool = Spool::open(&dir, &config(folder.path()), 1_000_000)
        .await
        .unwrap();
    let records = vec![record(&"x".repeat(1_000)); 1_000];
    let answers = spool.take(records).await;
    assert!(answers.iter().all(Result::is_ok) && answers.len() == 1_000);
    let entries = spool.read(0, 1 << 30).await.unwrap();
    assert_eq!(entries.len(), 2);
    let held = spool.held();
    let bytes = entries.iter().map(|(_, entry)| entry.len() as u64).sum();
    assert_eq!((held.records, held.bytes), (1_000, bytes));
    assert!(held.bytes < 50_000, "{} bytes of a megabyte", held.bytes);

    // Opened again it counts the same.
    drop(spool);
    let spool = Spool::open(&dir, &config(folder.path()), 1_000_000)
        .await
        .unwrap();
    assert_eq!(spool.held(), held);
}

#[tokio::test]
async fn it_says_what_keeps_events_from_the_log() {
    let folder = tempfile::tempdir().unwrap();
    let log = open(folder.path(), 1_000).await;
    assert_eq!((log.trouble(), log.backlog()), (None, None));
    log.close().await;
    drop(log);

    let away = || async {
        Err::<EmbeddedLog, _>(OpenError::Topic {
            topic: "events".to_owned(),
            source: "no answer".into(),
        })
    };
    let log = Spooled::open(&config(folder.path()), 1_000, away)
        .await
        .unwrap();
    let why = "the topic events could be neither found nor created";
    let nothing_yet = format!("{why}: events go to the spool");
    assert_eq!((log.trouble(), log.backlog()), (None, Some(nothing_yet)));
    assert!(log.append(vec![record("one")]).await[0].is_ok());
    let backlog = log.backlog().unwrap();
    let expected = format!("{why}: 1 wait in the spool, the oldest for ");
    assert!(backlog.starts_with(&expected), "{backlog}");
    assert_eq!(log.trouble(), None);
}

#[tokio::test]
async fn what_was_set_aside_is_listed_and_sent_again() {
    let folder = tempfile::tempdir().unwrap();
    let large = record(&"x".repeat(2_000));
    let entry = frame::encode(&[record("one"), large.clone()], spool::now()).unwrap();
    let noise = |n: u32| -> String {
        let byte = |m: u32| {
            char::from(b'a' + (n.wrapping_mul(31) ^ m.wrapping_mul(2_654_435_761) >> 13) as u8 % 26)
        };
        (0..900).map(byte).collect()
    };
    let records: Vec<_> = (0..400).map(|n| record(&noise(n))).collect();
    let mut torn = frame::encode(&records, spool::now()).unwrap();
    torn.truncate(torn.len() - 5);
    let foreign = b"of another program".to_vec();
    leave(folder.path(), vec![entry, torn.clone(), foreign]).await;
    let log = open(folder.path(), 1_000).await;
    until_empty(&log).await;
    log.close().await;
    drop(log);

    let config = config(folder.path());
    let aside = Aside::of(&config).unwrap();
    assert_eq!(aside.names().unwrap(), ["1.entry", "2.entry", "0-1.entry"]);
    let [cut, unreadable, refused] =
        ["1.entry", "2.entry", "0-1.entry"].map(|name| aside.look(name).unwrap());
    assert!((1..400).contains(&cut.records), "{cut:?}");
    assert!(cut.problem.is_some() && cut.spooled_at.is_some() && cut.bytes == torn.len() as u64);
    assert!(unreadable.problem.is_some() && unreadable.spooled_at.is_none());
    assert_eq!((unreadable.records, refused.records), (0, 1));
    assert_eq!(refused.problem, None);

    // The log is as it was.
    let log = open(folder.path(), 1_000).await;
    let stays = |retried| matches!(retried, Retried::Stays { records: 0, .. });
    for name in ["0-1.entry", "2.entry"] {
        assert!(stays(aside.retry(name, &log).await.unwrap()), "{name}");
    }
    log.close().await;
    drop(log);
    assert_eq!(aside.names().unwrap().len(), 3);

    // It takes larger records now.
    let log = open(folder.path(), 10_000).await;
    let sent = aside.retry("0-1.entry", &log).await.unwrap();
    assert_eq!(sent, Retried::Sent { records: 1 });
    let partly = aside.retry("1.entry", &log).await.unwrap();
    let (records, problem) = (cut.records, cut.problem.unwrap_or_default());
    let rest = "1.rest".to_owned();
    assert_eq!(
        partly,
        Retried::Partly {
            records,
            rest,
            problem
        }
    );
    let kept = values(&log).await;
    assert_eq!(kept.len(), 2 + records);
    assert_eq!(kept[0], "one");
    assert!(
        kept[1].len() == 2_000 && kept[2..] == (0..400).map(noise).collect::<Vec<_>>()[..records]
    );

    // What is left of it is not sent again.
    assert_eq!(aside.names().unwrap(), ["1.rest", "2.entry"]);
    assert_eq!(aside.look("1.rest").unwrap().records, 0);
    assert!(stays(aside.retry("1.rest", &log).await.unwrap()));
    for name in ["3.entry", "../primary.json", ""] {
        let error = aside.retry(name, &log).await.unwrap_err();
        assert!(matches!(error, AsideError::NoFile { .. }), "{error:?}");
    }
}

#[test]
fn what_is_set_aside_replaces_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let aside = Aside::below(folder.path());
    assert_eq!(aside.names().unwrap(), [""; 0]);
    let name = |path: io::Result<std::path::PathBuf>| {
        let path = path.unwrap();
        path.file_name().unwrap().to_str().unwrap().to_owned()
    };
    assert_eq!(name(aside.keep_entry(7, b"one")), "7.entry");
    // The same once more, as after a crash; and another, of a spool that began anew.
    assert_eq!(name(aside.keep_entry(7, b"one")), "7.entry");
    assert_eq!(name(aside.keep_entry(7, b"other")), "7-1.entry");
    assert_eq!(name(aside.keep_record(7, &record("x"))), "7-2.entry");
    assert_eq!(name(aside.keep_record(7, &record("x"))), "7-3.entry");
    assert_eq!(aside.names().unwrap().len(), 4);
}
