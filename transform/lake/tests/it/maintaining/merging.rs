//! Small files become large ones, and nothing else changes.

use std::time::Duration;

use chrono::Utc;
use lake::{Compaction, PublishError};
use rstest::rstest;
use schemas::Table;

use super::{compact, how, other_reader, publish, replaced};
use crate::support::{Place, TestLake, VIDEO, positions, tenant};

#[rstest]
#[tokio::test(flavor = "multi_thread")]
async fn small_files_become_one_with_the_same_rows_and_nobody_sees_a_change(
    #[values(Place::Folder, Place::S3)] place: Place,
) {
    let test = TestLake::at(place);
    let mut writer = test.video().await;
    for _ in 0..9 {
        publish(&mut writer, 10).await;
    }
    let before = writer.version();
    let mut maintainer = test.video().await;
    let merged = compact(&mut maintainer, &how()).await;
    assert_eq!((merged.files_before, merged.files_after), (9, 1));
    assert_eq!(merged.rows, 90);
    assert!(merged.bytes_after < merged.bytes_before / 2, "{merged:?}");
    assert_eq!(maintainer.files(), 1);
    assert_eq!(positions(&maintainer).await, (0..90).collect::<Vec<_>>());

    let changes = maintainer.changes(Some(before)).await.expect("reads");
    assert_eq!(changes.expect("known").files, []);
    let newest = maintainer.newest_received();
    assert_eq!(newest, writer.newest_received(), "statistics stay");

    // The writer goes on where it was, not knowing of any of this.
    publish(&mut writer, 10).await;
    let again = test.video().await;
    assert_eq!(positions(&again).await, (0..100).collect::<Vec<_>>());
    assert_eq!(again.files(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_closed_term_is_sorted_as_a_whole_once_and_within_memory() {
    let test = TestLake::new();
    let mut table = test.video().await;
    for _ in 0..7 {
        publish(&mut table, 300).await;
    }
    let how = Compaction {
        target_bytes: 2000,
        // Two runs at a time, at least.
        memory_bytes: 4000,
        least_files: 100,
        closed_before: Utc::now() + Duration::from_secs(1_000_000_000),
    };
    let merged = compact(&mut table, &how).await;
    assert!(
        merged.files_before > 7,
        "it took several passes: {merged:?}"
    );
    assert_eq!(table.merges(&how), []);
    assert_eq!(positions(&table).await, (0..2100).collect::<Vec<_>>());
}

#[rstest]
#[tokio::test(flavor = "multi_thread")]
async fn of_two_who_merge_the_same_files_one_commits(
    #[values(Place::Folder, Place::S3)] place: Place,
) {
    let test = TestLake::at(place);
    let mut one = test.video().await;
    for _ in 0..4 {
        publish(&mut one, 5).await;
    }
    let mut two = test.video().await;
    let merge = one.merges(&how()).remove(0);
    let how = how();
    let (first, second) = tokio::join!(one.merge(&merge, &how), two.merge(&merge, &how));
    let lost = match (first, second) {
        (Ok(_), Err(lost)) | (Err(lost), Ok(_)) => lost,
        both => panic!("{both:?}"),
    };
    assert!(matches!(lost, PublishError::Conflict(_)), "{lost}");
    let table = test.video().await;
    assert_eq!(positions(&table).await, (0..20).collect::<Vec<_>>());
}

/// Delta alone would let both commit: a merge's removals count as no change.
#[rstest]
#[case::the_merge_is_late(true)]
#[case::the_replacement_is_late(false)]
#[tokio::test(flavor = "multi_thread")]
async fn of_a_merge_and_a_replacement_one_commits(#[case] merge_is_late: bool) {
    let test = TestLake::new();
    let mut one = test.video().await;
    for _ in 0..4 {
        publish(&mut one, 5).await;
    }
    let mut two = test.video().await;
    let (slices, new) = replaced(7);
    let merge = one.merges(&how()).remove(0);
    if merge_is_late {
        let done = two
            .replace(&slices, vec![new], &[other_reader(None, 1)])
            .await;
        done.expect("replaces");
        let lost = one.merge(&merge, &how()).await.expect_err("is late");
        assert!(matches!(lost, PublishError::Conflict(_)), "{lost}");
    } else {
        one.merge(&merge, &how()).await.expect("merges");
        let lost = two
            .replace(&slices, vec![new], &[other_reader(None, 1)])
            .await;
        let lost = lost.expect_err("is late");
        assert!(matches!(lost, PublishError::Conflict(_)), "{lost}");
    }
    let table = test.video().await;
    assert_eq!(positions(&table).await, (0..20).collect::<Vec<_>>());
}

#[tokio::test(flavor = "multi_thread")]
async fn reports_are_left_to_those_who_refresh_them() {
    let test = TestLake::new();
    let report = Table::all().find(|table| matches!(table, Table::Report(_)));
    let report = report.expect("a report");
    let table = test
        .lake
        .open_or_create(&tenant(), report)
        .await
        .expect("opens");
    assert_eq!(table.merges(&how()), []);
    assert_ne!(report, VIDEO);
}
