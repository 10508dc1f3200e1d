//! Upkeep loses no row and no position, whatever else is done at once.

use std::collections::BTreeMap;
use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use arrow::array::{ArrayRef, AsArray, Int64Array, RecordBatch};
use arrow::datatypes::Int64Type;
use arrow::error::ArrowError;
use chrono::{DateTime, Utc};
use futures::TryStreamExt;
use lake::{
    Advance, Amended, AppId, Compaction, Fate, LakeTable, Merged, PublishError, Retention, Slices,
    TermSlices,
};
use proptest::prelude::*;
use proptest::test_runner::TestCaseError;
use rstest::rstest;
use schemas::Table;

use crate::support::{LOG, Place, TestLake, VIDEO, advance, positions, rows, tenant};

const TERM: &str = "2026-27";

/// Everything that can go, goes at once.
const AT_ONCE: Retention = Retention {
    removed: Duration::ZERO,
    unnamed: Duration::ZERO,
};

fn how() -> Compaction {
    Compaction {
        target_bytes: 1 << 20,
        memory_bytes: 16 << 20,
        least_files: 2,
        closed_before: DateTime::UNIX_EPOCH,
    }
}

/// Merges until nothing is left to merge.
async fn compact(table: &mut LakeTable, how: &Compaction) -> Merged {
    let mut all = Merged::default();
    loop {
        table.refresh().await.expect("refreshes");
        let Some(merge) = table.merges(how).into_iter().next() else {
            return all;
        };
        all += table.merge(&merge, how).await.expect("merges");
    }
}

/// Publishes some rows of partition 0, from where it stands.
async fn publish(table: &mut LakeTable, count: u64) {
    let app = AppId::rows(LOG, 0);
    let stands = table.next_position(&app).await.expect("asks");
    let from = stands.unwrap_or(0);
    let new = rows(TERM, from.cast_signed()..(from + count).cast_signed());
    let advances = [advance(0, stands, from + count)];
    let published = table.publish(vec![new], &advances).await;
    published.expect("publishes");
}

/// How many data files lie in the table's folder.
async fn files(test: &TestLake) -> usize {
    let prefix = object_store::path::Path::from("demo/video");
    let files: Vec<_> = test
        .store
        .list(Some(&prefix))
        .try_collect()
        .await
        .expect("lists");
    let data = files
        .iter()
        .filter(|f| !f.location.as_ref().contains("_delta_log"));
    data.count()
}

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

fn replaced(position: i64) -> (Slices, lake::Rows) {
    let values: ArrayRef = Arc::new(Int64Array::from(vec![position]));
    let values = RecordBatch::try_from_iter([("log_position", values)]).expect("values");
    let slices = BTreeMap::from([(TERM.parse().expect("a term"), TermSlices::Of(values))]);
    (Slices::Of(slices), rows(TERM, position..position + 1))
}

fn other_reader(expected: Option<u64>, next: u64) -> Advance {
    Advance {
        app: AppId::counts("other", 0),
        expected,
        next,
    }
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

const OTHER_TERM: &str = "2027-28";

/// What becomes of rows, by their position.
fn by_position(
    fate: impl Fn(i64) -> Fate,
) -> impl FnMut(&RecordBatch) -> Result<Vec<Fate>, ArrowError> {
    move |rows| {
        let positions = rows["log_position"].as_primitive::<Int64Type>().values();
        Ok(positions.iter().map(|position| fate(*position)).collect())
    }
}

fn moved_if(is_moved: bool) -> Fate {
    match is_moved {
        true => Fate::Moves(OTHER_TERM.parse().expect("a term")),
        false => Fate::Stays,
    }
}

/// How many rows each term has, as the log says.
fn rows_by_term(table: &LakeTable) -> BTreeMap<String, u64> {
    let mut terms = BTreeMap::new();
    for file in table.data_files() {
        let term = file.term().expect("a term").to_string();
        *terms.entry(term).or_default() += file.rows();
    }
    terms
}

#[rstest]
#[tokio::test(flavor = "multi_thread")]
async fn rows_move_to_another_term_beside_a_writer_who_does_not_know(
    #[values(Place::Folder, Place::S3)] place: Place,
) {
    let test = TestLake::at(place);
    let mut writer = test.video().await;
    publish(&mut writer, 10).await;
    let before = writer.version();
    let mut maintainer = test.video().await;
    let file = maintainer.data_files().remove(0);
    let nothing = maintainer.amend(&file, by_position(|_| Fate::Stays)).await;
    assert_eq!(nothing.expect("looks"), Amended::default());
    assert_eq!(maintainer.version(), before, "nothing to commit");

    let fate = by_position(|position| match position {
        9 => Fate::Goes,
        other => moved_if(other % 2 == 0),
    });
    let done = maintainer.amend(&file, fate).await.expect("amends");
    assert_eq!(done, Amended { moved: 5, gone: 1 });
    let terms = [(OTHER_TERM.to_owned(), 5), (TERM.to_owned(), 4)];
    assert_eq!(rows_by_term(&maintainer), terms.into_iter().rev().collect());
    assert_eq!(positions(&maintainer).await, (0..9).collect::<Vec<_>>());
    let changes = maintainer.changes(Some(before)).await.expect("reads");
    assert_eq!(changes.expect("known").files.len(), 3, "reports see it");

    // Delta takes the removal for a hindrance; adding rows does not mind it.
    publish(&mut writer, 5).await;
    assert_eq!(writer.version(), before + 2);
    let mut expected: Vec<_> = (0..9).collect();
    expected.extend(10..15);
    assert_eq!(positions(&test.video().await).await, expected);
}

#[rstest]
#[case::the_merge_is_late(true)]
#[case::the_amendment_is_late(false)]
#[tokio::test(flavor = "multi_thread")]
async fn of_a_merge_and_an_amendment_one_commits(#[case] merge_is_late: bool) {
    let test = TestLake::new();
    let mut one = test.video().await;
    for _ in 0..4 {
        publish(&mut one, 5).await;
    }
    let mut two = test.video().await;
    let merge = one.merges(&how()).remove(0);
    let file = two.data_files().remove(0);
    let all = || by_position(|_| moved_if(true));
    let lost = if merge_is_late {
        two.amend(&file, all()).await.expect("amends");
        one.merge(&merge, &how()).await.expect_err("is late")
    } else {
        one.merge(&merge, &how()).await.expect("merges");
        two.amend(&file, all()).await.expect_err("is late")
    };
    assert!(matches!(lost, PublishError::Conflict(_)), "{lost}");
    let table = test.video().await;
    assert_eq!(positions(&table).await, (0..20).collect::<Vec<_>>());
}

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

/// Polls a future so often and no more, as if its process were killed then.
async fn killed_after<T>(polls: usize, work: impl Future<Output = T>) -> Option<T> {
    let mut work = pin!(work);
    let mut left = polls;
    std::future::poll_fn(|context| {
        if left == 0 {
            return Poll::Ready(None);
        }
        left -= 1;
        work.as_mut().poll(context).map(Some)
    })
    .await
}

/// A maintainer that is killed after so many polls; says whether it had ended.
async fn upkeep_killed_after(polls: usize) -> bool {
    let test = TestLake::new();
    let mut writer = test.video().await;
    for _ in 0..4 {
        publish(&mut writer, 5).await;
    }
    let upkeep = async {
        let mut table = test.video().await;
        compact(&mut table, &how()).await;
        table.checkpoint(1).await.expect("checkpoints");
        let now = Utc::now() + Duration::from_secs(2);
        table.clean_log(Duration::ZERO, now).await.expect("cleans");
        table.vacuum(&AT_ONCE, now).await.expect("vacuums");
    };
    let done = killed_after(polls, upkeep).await;
    // What was under way on another thread ends nevertheless.
    tokio::time::sleep(Duration::from_millis(10)).await;
    let expected = (0..20).collect::<Vec<_>>();
    let mut table = test.video().await;
    assert_eq!(positions(&table).await, expected);
    let app = AppId::rows(LOG, 0);
    assert_eq!(table.next_position(&app).await.expect("asks"), Some(20));

    // The next one finishes the work, and leaves nothing of the first behind.
    compact(&mut table, &how()).await;
    let now = Utc::now() + Duration::from_secs(2);
    table.vacuum(&AT_ONCE, now).await.expect("vacuums");
    assert_eq!(files(&test).await, 1);
    assert_eq!(positions(&test.video().await).await, expected);
    done.is_some()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_maintainer_may_be_killed_anywhere() {
    let mut polls = 1;
    while !upkeep_killed_after(polls).await {
        polls += 1;
    }
    assert!(polls > 10, "it was killed {polls} times");
}

/// Writers, maintainers and a refresher, all at once.
#[rstest]
#[tokio::test(flavor = "multi_thread")]
async fn all_at_once_keep_every_row(#[values(Place::Folder, Place::S3)] place: Place) {
    const ROUNDS: u64 = 12;
    let test = Arc::new(TestLake::at(place));
    let mut tasks = tokio::task::JoinSet::new();
    for partition in 0..2_u64 {
        let mut table = test.video().await;
        tasks.spawn(async move {
            for round in 0..ROUNDS {
                let from = (partition * 1000 + round * 5).cast_signed();
                let expected = (round > 0).then_some(round);
                let step = [advance(partition as u32, expected, round + 1)];
                let new = vec![rows(TERM, from..from + 5)];
                table.publish(new, &step).await.expect("publishes");
            }
        });
    }
    for _ in 0..2 {
        let test = Arc::clone(&test);
        tasks.spawn(async move {
            let mut table = test.video().await;
            for _ in 0..ROUNDS {
                table.refresh().await.expect("refreshes");
                if let Some(merge) = table.merges(&how()).first() {
                    match table.merge(merge, &how()).await {
                        Ok(_) | Err(PublishError::Conflict(_)) => {}
                        Err(error) => panic!("{error:?}"),
                    }
                }
                table.checkpoint(3).await.expect("checkpoints");
                let now = test.lake.store_time().await.expect("a time");
                let hour = Duration::from_secs(3600);
                table.clean_log(hour, now).await.expect("cleans");
                let kept = Retention {
                    removed: hour,
                    unnamed: hour,
                };
                table.vacuum(&kept, now).await.expect("vacuums");
            }
        });
    }
    let refresher = Arc::clone(&test);
    tasks.spawn(async move {
        let mut table = refresher.video().await;
        let mut version = None;
        for round in 0..ROUNDS {
            table.refresh().await.expect("refreshes");
            let (slices, _) = replaced(-1);
            let step = [other_reader(version, round)];
            match table.replace(&slices, Vec::new(), &step).await {
                Ok(_) => version = Some(round),
                Err(PublishError::Conflict(_)) => {}
                Err(error) => panic!("{error:?}"),
            }
        }
    });
    tasks.join_all().await;
    let mut table = test.video().await;
    let expected = (0..60).chain(1000..1060).collect::<Vec<_>>();
    assert_eq!(positions(&table).await, expected);
    compact(&mut table, &how()).await;
    assert_eq!(table.files(), 1);
    assert_eq!(positions(&table).await, expected);
}

#[derive(Debug, Clone, Copy)]
enum Step {
    Publish(u64),
    Merge,
    Checkpoint,
    Clean,
    Vacuum,
    Replace(i64),
    Amend(i64),
    Reopen,
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        4 => (1..9_u64).prop_map(Step::Publish),
        3 => Just(Step::Merge),
        2 => Just(Step::Checkpoint),
        2 => Just(Step::Clean),
        2 => Just(Step::Vacuum),
        1 => (0..30_i64).prop_map(Step::Replace),
        1 => (2..6_i64).prop_map(Step::Amend),
        1 => Just(Step::Reopen),
    ]
}

async fn amend_all(table: &mut LakeTable, fate: impl Fn(i64) -> Fate) {
    for file in table.data_files() {
        let amended = table.amend(&file, by_position(&fate)).await;
        amended.expect("amends");
    }
}

async fn interleaved(place: Place, steps: Vec<Step>) -> Result<(), TestCaseError> {
    let test = TestLake::at(place);
    let mut writer = test.video().await;
    let mut maintainer = test.video().await;
    let (mut count, mut refreshes) = (0, 0);
    for step in steps {
        let now = Utc::now() + Duration::from_secs(2);
        match step {
            Step::Publish(rows) => {
                // After a clean-up behind its back it is sent away once.
                let from: i64 = count;
                let stands = (count > 0).then_some(count.cast_unsigned());
                let next = stands.unwrap_or(0) + rows;
                let new = crate::support::rows(TERM, from..from + rows.cast_signed());
                let advances = [advance(0, stands, next)];
                let mut published = writer.publish(vec![new.clone()], &advances).await;
                if let Err(PublishError::NotPublished(_)) = published {
                    published = writer.publish(vec![new], &advances).await;
                }
                published.map_err(|e| TestCaseError::fail(format!("{e:?}")))?;
                count += rows.cast_signed();
            }
            Step::Merge => drop(compact(&mut maintainer, &how()).await),
            Step::Checkpoint => {
                maintainer.refresh().await.expect("refreshes");
                maintainer.checkpoint(1).await.expect("checkpoints");
            }
            Step::Clean => {
                maintainer.refresh().await.expect("refreshes");
                maintainer
                    .clean_log(Duration::ZERO, now)
                    .await
                    .expect("cleans");
            }
            Step::Vacuum => drop(maintainer.vacuum(&AT_ONCE, now).await.expect("vacuums")),
            Step::Amend(every) => {
                maintainer.refresh().await.expect("refreshes");
                amend_all(&mut maintainer, |position| moved_if(position % every == 0)).await;
            }
            Step::Replace(position) if position < count => {
                maintainer.refresh().await.expect("refreshes");
                // The slice that is replaced lies in this term.
                amend_all(&mut maintainer, |_| {
                    Fate::Moves(TERM.parse().expect("a term"))
                })
                .await;
                let expected = (refreshes > 0).then_some(refreshes);
                refreshes += 1;
                let (slices, new) = replaced(position);
                let step = [other_reader(expected, refreshes)];
                let done = maintainer.replace(&slices, vec![new], &step).await;
                done.expect("replaces");
            }
            Step::Replace(_) => {}
            Step::Reopen => writer = test.video().await,
        }
        let mut seen = test.video().await;
        prop_assert_eq!(positions(&seen).await, (0..count).collect::<Vec<_>>());
        let stands = seen
            .next_position(&AppId::rows(LOG, 0))
            .await
            .expect("asks");
        prop_assert_eq!(stands, (count > 0).then_some(count.cast_unsigned()));
    }
    Ok(())
}

fn run(place: Place, cases: u32) {
    let runtime = tokio::runtime::Builder::new_multi_thread();
    let runtime = { runtime }.enable_all().build().expect("a runtime");
    let steps = prop::collection::vec(step(), 1..14);
    let config = ProptestConfig::with_cases(cases);
    let mut runner = proptest::test_runner::TestRunner::new(config);
    let result = runner.run(&steps, |steps| runtime.block_on(interleaved(place, steps)));
    result.unwrap_or_else(|error| panic!("{error}"));
}

#[test]
fn any_order_of_steps_keeps_rows_and_positions() {
    run(Place::Folder, 40);
}

#[test]
fn any_order_of_steps_keeps_rows_and_positions_on_s3() {
    run(Place::S3, 8);
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
