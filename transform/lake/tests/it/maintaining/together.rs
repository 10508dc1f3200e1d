//! All of it at once, in any order, and killed anywhere.

use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use chrono::Utc;
use lake::{AppId, Fate, LakeTable, PublishError, Retention};
use proptest::prelude::*;
use proptest::test_runner::TestCaseError;
use rstest::rstest;

use super::{
    AT_ONCE, TERM, by_position, compact, files, how, moved_if, other_reader, publish, replaced,
};
use crate::support::{LOG, Place, TestLake, advance, positions, rows};

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
                // Whoever meets others at each of its tries tries again.
                loop {
                    let new = vec![rows(TERM, from..from + 5)];
                    match table.publish(new, &step).await {
                        Ok(_) => break,
                        Err(PublishError::NotPublished(_)) => {}
                        Err(error) => panic!("{error:?}"),
                    }
                }
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

/// The writer was opened by commits that a checkpoint has made dispensable.
#[rstest]
#[case(Place::Folder)]
#[case(Place::S3)]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_writer_whose_commits_were_cleaned_away_goes_on(#[case] place: Place) {
    use Step::{Checkpoint, Clean, Merge, Publish, Reopen};
    let steps = [
        Publish(1),
        Publish(1),
        Merge,
        Reopen,
        Checkpoint,
        Clean,
        Publish(1),
    ];
    let done = interleaved(place, steps.to_vec()).await;
    done.expect("rows and positions stay");
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
