use std::sync::Arc;

use bytes::Bytes;
use eventlog::{Entry, Headers, Position, Record};
use object_store::local::LocalFileSystem;
use runtime::Health;
use tokio_util::sync::CancellationToken;

use super::*;
use crate::backlog::Backlog;
use crate::decode::Decoded;
use crate::judge::Outcome;
use crate::quarantine::Unreadable;

/// A round of one partition with one row of `quarantine`.
fn round(partition: u32, offset: u64) -> Vec<(Round, Stretches)> {
    let record = Record {
        key: Bytes::new(),
        headers: Headers::default(),
        value: Bytes::from_static(b"no event"),
    };
    let position = Position { partition, offset };
    let decoded = Decoded::new(Entry { position, record });
    let outcome = Outcome::Quarantined(demo(), Unreadable::place("a test"));
    let mut backlog = Backlog::new("log-1");
    backlog.add(partition, &decoded, &outcome, None, None);
    backlog.take_all()
}

fn lake(folder: &tempfile::TempDir) -> Lake {
    let url = url::Url::from_directory_path(folder.path()).expect("an absolute path");
    let store = LocalFileSystem::new_with_prefix(folder.path()).expect("a store");
    Lake::new(url, Arc::new(store), HashMap::new())
}

fn demo() -> TenantId {
    "demo".parse().expect("a tenant")
}

fn writer(lake: &Lake) -> Publisher {
    let homes = Homes {
        log_id: "log-1".to_owned(),
        partitions: 3,
    };
    Publisher::new(lake.clone(), homes, BTreeSet::new(), HashMap::new(), 4)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_table_that_was_closed_is_opened_again_where_it_stood() {
    let folder = tempfile::tempdir().expect("a folder");
    let lake = lake(&folder);
    let patience = Patience::new(Health::new().check("test"), CancellationToken::new());
    let mut one = writer(&lake);
    one.open_tables = 0;
    for offset in 0..3 {
        let done = one
            .publish(round(0, offset), DateTime::UNIX_EPOCH, &patience)
            .await;
        assert!(done.expect("publishes").is_empty());
        assert!(one.tables.values().all(|held| held.table.is_none()));
    }
    let table = lake.open(&demo(), Table::Quarantine).await.expect("opens");
    let mut table = table.expect("it was made");
    let stands = table.next_position(&AppId::rows("log-1", 0)).await;
    assert_eq!(stands.expect("a position"), Some(3));
}

/// A commit over another's of other partitions brings this writer's table to
/// a version in which those partitions are further than it knows.
#[tokio::test(flavor = "multi_thread")]
async fn what_another_published_is_not_published_again_after_a_merge() {
    let folder = tempfile::tempdir().expect("a folder");
    let lake = lake(&folder);
    let patience = Patience::new(Health::new().check("test"), CancellationToken::new());
    let (mut one, mut two) = (writer(&lake), writer(&lake));
    for (writer, partition) in [(&mut one, 2), (&mut two, 0)] {
        let done = writer
            .publish(round(partition, 0), DateTime::UNIX_EPOCH, &patience)
            .await;
        assert!(done.expect("publishes").is_empty());
    }
    let merged = one
        .publish(round(1, 0), DateTime::UNIX_EPOCH, &patience)
        .await;
    assert!(merged.expect("publishes").is_empty());
    let again = one
        .publish(round(0, 0), DateTime::UNIX_EPOCH, &patience)
        .await;
    let error = again.expect_err("it was published by the other");
    let Error::Publish { source, .. } = error else {
        panic!("{error}");
    };
    assert!(matches!(source, PublishError::Conflict(_)), "{source}");
}
