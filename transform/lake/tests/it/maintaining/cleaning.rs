//! What nobody needs any more goes.

use std::time::Duration;

use lake::{AppId, PublishError, Retention};
use rstest::rstest;

use super::{AT_ONCE, TERM, compact, files, how, publish};
use crate::support::{LOG, Place, TestLake, advance, positions, rows};

/// Everything after the last checkpoint and nothing before it is needed.
#[rstest]
#[tokio::test(flavor = "multi_thread")]
async fn positions_outlive_the_log(#[values(Place::Folder, Place::S3)] place: Place) {
    let test = TestLake::at(place);
    let mut writer = test.video().await;
    let mut idle = test.video().await;
    idle.publish(Vec::new(), &[advance(1, None, 77)])
        .await
        .expect("publishes");
    writer.refresh().await.expect("refreshes");
    let long_ago = writer.version();
    for _ in 0..5 {
        publish(&mut writer, 3).await;
    }
    assert!(!writer.checkpoint(50).await.expect("checks"), "too early");
    compact(&mut writer, &how()).await;
    assert!(writer.checkpoint(1).await.expect("checkpoints"));
    assert!(!writer.checkpoint(1).await.expect("checks"), "it is there");
    let now = test.lake.store_time().await.expect("a time");
    let kept = writer.clean_log(Duration::from_secs(3600), now).await;
    assert_eq!(kept.expect("cleans"), 0);
    let later = now + Duration::from_secs(2);
    let cleaned = writer.clean_log(Duration::from_secs(1), later).await;
    assert_eq!(cleaned.expect("cleans"), 7, "all but the newest");

    let mut fresh = test.video().await;
    assert_eq!(positions(&fresh).await, (0..15).collect::<Vec<_>>());
    for (partition, stands) in [(0, Some(15)), (1, Some(77)), (2, None)] {
        let app = AppId::rows(LOG, partition);
        assert_eq!(fresh.next_position(&app).await.expect("asks"), stands);
    }
    // Reports compute everything again.
    assert_eq!(fresh.changes(Some(long_ago)).await.expect("reads"), None);

    // Who slept through all that finds its place: first it is told that nothing
    // was published, then it publishes.
    let mut reader = idle.clone();
    reader.refresh().await.expect("refreshes");
    assert_eq!(reader.version(), fresh.version());
    assert_eq!(positions(&reader).await, (0..15).collect::<Vec<_>>());
    let again = [advance(1, Some(77), 78)];
    let new = || vec![rows(TERM, 100..101)];
    let slept = idle.publish(new(), &again).await;
    assert!(
        matches!(slept, Err(PublishError::NotPublished(_))),
        "{slept:?}"
    );
    idle.publish(new(), &again).await.expect("publishes");
    let mut expected: Vec<_> = (0..15).collect();
    expected.push(100);
    assert_eq!(positions(&test.video().await).await, expected);

    // And who slept while another took over does not.
    let mut zombie = reader;
    for _ in 0..2 {
        let lost = zombie.publish(new(), &again).await;
        assert!(matches!(lost, Err(PublishError::Conflict(_))), "{lost:?}");
    }
}

#[rstest]
#[tokio::test(flavor = "multi_thread")]
async fn only_files_that_nobody_needs_are_deleted(
    #[values(Place::Folder, Place::S3)] place: Place,
) {
    let test = TestLake::at(place);
    let mut table = test.video().await;
    for _ in 0..3 {
        publish(&mut table, 5).await;
    }
    let old = table.clone();
    compact(&mut table, &how()).await;
    let orphan = object_store::path::Path::from("demo/video/term=2026-27/orphan.parquet");
    let bytes = b"of a writer who was killed".to_vec();
    object_store::ObjectStoreExt::put(&test.store, &orphan, bytes.into())
        .await
        .expect("puts");

    let hour = Duration::from_secs(3600);
    let now = test.lake.store_time().await.expect("a time") + Duration::from_secs(2);
    let careful = Retention {
        removed: hour,
        unnamed: hour,
    };
    let done = table.vacuum(&careful, now).await.expect("vacuums");
    assert_eq!(done, lake::Vacuumed::default());
    assert_eq!(positions(&old).await.len(), 15, "a query goes on");

    let removed = Retention {
        removed: Duration::ZERO,
        ..careful
    };
    let done = table.vacuum(&removed, now).await.expect("vacuums");
    assert_eq!(
        (done.removed, done.unnamed),
        (3, 0),
        "a slow writer may still commit"
    );
    let found = table.vacuumable(&AT_ONCE, now).await.expect("looks");
    assert_eq!((found.removed, found.unnamed), (0, 1));
    assert_eq!(table.vacuum(&AT_ONCE, now).await.expect("vacuums"), found);
    assert_eq!(files(&test).await, 1);
    assert_eq!(
        positions(&test.video().await).await,
        (0..15).collect::<Vec<_>>()
    );
}
