use std::collections::HashMap;
use std::sync::Arc;

use futures::StreamExt;
use lake::{AppId, Lake, PublishError};
use object_store::local::LocalFileSystem;
use rstest::rstest;
use schemas::Table;
use url::Url;

use crate::support::{LOG, Place, TestLake, VIDEO, advance, positions, rows, tenant};

#[rstest]
#[tokio::test(flavor = "multi_thread")]
async fn rows_and_positions_become_visible_together(
    #[values(Place::Folder, Place::S3)] place: Place,
) {
    let test = TestLake::at(place);
    let mut table = test.video().await;
    let published = table
        .publish(
            vec![rows("2026-27", 0..10), rows("2025-26", 10..13)],
            &[advance(0, None, 10), advance(1, None, 3)],
        )
        .await
        .expect("publishes");
    assert_eq!(published.files, 2);
    assert_eq!(published.version, table.version());

    let mut again = test.video().await;
    assert_eq!(positions(&again).await, (0..13).collect::<Vec<_>>());
    for (partition, expected) in [(0, Some(10)), (1, Some(3)), (2, None)] {
        let app = AppId::rows(LOG, partition);
        assert_eq!(again.next_position(&app).await.expect("asks"), expected);
        assert_eq!(table.next_position(&app).await.expect("asks"), expected);
    }
    let folder = object_store::path::Path::from("demo/video/term=2025-26");
    let mut files = test.store.list(Some(&folder));
    assert!(files.next().await.expect("a file").is_ok());
}

#[rstest]
#[tokio::test(flavor = "multi_thread")]
async fn a_zombie_publishes_nothing_however_late_it_wakes(
    #[values(Place::Folder, Place::S3)] place: Place,
) {
    let test = TestLake::at(place);
    let mut zombie = test.video().await;
    let mut winner = test.video().await;
    winner
        .publish(vec![rows("2026-27", 0..5)], &[advance(0, None, 5)])
        .await
        .expect("publishes");

    // It checked its positions on the version from before the winner's commit.
    let lost = zombie
        .publish(vec![rows("2026-27", 0..5)], &[advance(0, None, 5)])
        .await;
    assert!(matches!(lost, Err(PublishError::Conflict(_))), "{lost:?}");

    // And having seen the winner's version, it still expects the wrong place.
    zombie.refresh().await.expect("refreshes");
    let lost = zombie
        .publish(vec![rows("2026-27", 0..5)], &[advance(0, None, 5)])
        .await;
    assert!(matches!(lost, Err(PublishError::Conflict(_))), "{lost:?}");
    assert_eq!(positions(&zombie).await, [0, 1, 2, 3, 4]);

    // From where the winner stopped it may go on.
    zombie
        .publish(vec![rows("2026-27", 5..6)], &[advance(0, Some(5), 6)])
        .await
        .expect("publishes");
}

/// Of writers who wake at the same moment one publishes, and the others know it.
#[rstest]
#[tokio::test(flavor = "multi_thread")]
async fn of_many_publishers_with_one_identity_one_wins(
    #[values(Place::Folder, Place::S3)] place: Place,
) {
    let test = TestLake::at(place);
    let table = test.video().await;
    for round in 0..5_u64 {
        let expected = (round > 0).then_some(round);
        let row = i64::try_from(round).expect("small");
        let mut fresh = table.clone();
        fresh.refresh().await.expect("refreshes");
        let races = (0..4).map(|_| {
            let mut table = fresh.clone();
            tokio::spawn(async move {
                let rows = vec![rows("2026-27", row..row + 1)];
                table
                    .publish(rows, &[advance(0, expected, round + 1)])
                    .await
            })
        });
        let results = futures::future::join_all(races).await;
        let results: Vec<_> = results.into_iter().map(|r| r.expect("runs")).collect();
        assert_eq!(
            results.iter().filter(|r| r.is_ok()).count(),
            1,
            "{results:?}"
        );
        for lost in results.iter().filter_map(|r| r.as_ref().err()) {
            assert!(matches!(lost, PublishError::Conflict(_)), "{lost:?}");
        }
    }
    let mut table = table;
    table.refresh().await.expect("refreshes");
    assert_eq!(positions(&table).await, [0, 1, 2, 3, 4]);
}

#[rstest]
#[tokio::test(flavor = "multi_thread")]
async fn positions_never_go_back(#[values(Place::Folder, Place::S3)] place: Place) {
    let test = TestLake::at(place);
    let mut table = test.video().await;
    table
        .publish(Vec::new(), &[advance(0, None, 9)])
        .await
        .expect("publishes");
    let back = table.publish(Vec::new(), &[advance(0, Some(9), 5)]).await;
    assert!(matches!(back, Err(PublishError::Conflict(_))), "{back:?}");
}

#[rstest]
#[tokio::test(flavor = "multi_thread")]
async fn commits_of_other_partitions_do_not_disturb(
    #[values(Place::Folder, Place::S3)] place: Place,
) {
    let test = TestLake::at(place);
    let mut one = test.video().await;
    let mut two = test.video().await;
    one.publish(vec![rows("2026-27", 0..5)], &[advance(0, None, 5)])
        .await
        .expect("publishes");
    two.publish(vec![rows("2026-27", 5..9)], &[advance(1, None, 4)])
        .await
        .expect("publishes over another's commit");
    assert_eq!(positions(&two).await, (0..9).collect::<Vec<_>>());
    let other = two.next_position(&AppId::rows(LOG, 0)).await.expect("asks");
    assert_eq!(
        other,
        Some(5),
        "what was known before the merge is asked again"
    );
}

#[rstest]
#[tokio::test(flavor = "multi_thread")]
async fn of_many_writers_one_makes_the_table_and_all_open_it(
    #[values(Place::Folder, Place::S3)] place: Place,
) {
    let test = TestLake::at(place);
    let openings = (0..8).map(|_| {
        let lake = test.lake.clone();
        tokio::spawn(async move { lake.open_or_create(&tenant(), VIDEO).await })
    });
    for opened in futures::future::join_all(openings).await {
        let opened = opened.expect("runs").expect("opens");
        assert_eq!(opened.version(), 0, "losing writers leave no commit");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_table_can_be_made_and_nothing_personal_is_in_its_log() {
    let test = TestLake::new();
    for table in Table::all() {
        test.lake
            .open_or_create(&tenant(), table)
            .await
            .expect("opens");
    }
    let mut table = test.video().await;
    table
        .publish(vec![rows("2026-27", 0..5)], &[advance(0, None, 5)])
        .await
        .expect("publishes");
    let log = test.folder.path().join("demo/video/_delta_log");
    let commit = std::fs::read_to_string(log.join("00000000000000000001.json")).expect("a commit");
    assert!(commit.contains(r#"\"course_id\":\"bio\""#), "{commit}");
    assert!(!commit.contains("event-0000"), "{commit}");
    assert!(!commit.contains("student-"), "{commit}");

    let files = std::fs::read_dir(test.folder.path().join("demo/video/term=2026-27"));
    for file in files.expect("a folder") {
        let bytes = std::fs::read(file.expect("a file").path()).expect("bytes");
        // The footer is not compressed; the values are.
        let text = String::from_utf8_lossy(&bytes);
        assert!(text.contains("bio") && !text.contains("student-1"));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_table_with_other_columns_is_refused_for_writing() {
    let test = TestLake::new();
    test.video().await;
    let folder = test.folder.path();
    std::fs::rename(folder.join("demo/video"), folder.join("demo/assessment")).expect("moves");
    let url = Url::from_directory_path(folder).expect("an absolute path");
    let store = LocalFileSystem::new_with_prefix(folder).expect("a store");
    let lake = Lake::new(url, Arc::new(store), HashMap::new());
    let assessment = Table::Events(schemas::Family::Assessment);
    let refused = lake.open_or_create(&tenant(), assessment).await;
    let error = refused.expect_err("refused");
    assert!(!error.is_retryable(), "{error}");
}
