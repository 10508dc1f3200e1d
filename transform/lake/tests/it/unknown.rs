//! Commits of which the writer does not learn what became of them.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use lake::{AppId, PublishError};
use rstest::rstest;
use seaweed::{Fate, Moment, Proxy, Server};

use crate::support::{LOG, TestLake, advance, positions, rows};

/// A lake on S3, and what has to be set for the next commit to be lost at this
/// moment.
fn lake(lost: Moment) -> (TestLake, Arc<AtomicBool>) {
    let armed = Arc::new(AtomicBool::new(false));
    let spoil = Arc::clone(&armed);
    let proxy = Proxy::start(Server::shared(), move |moment, request| {
        let is_commit = request.method == "PUT" && request.path.contains("/_delta_log/");
        if is_commit && moment == lost && spoil.swap(false, Ordering::SeqCst) {
            return Fate::Lost;
        }
        Fate::Passed
    });
    (TestLake::behind(proxy.endpoint()), armed)
}

#[rstest]
#[tokio::test(flavor = "multi_thread")]
async fn a_commit_is_there_once_whether_it_landed_or_not(
    #[values(Moment::Asked, Moment::Answered)] lost: Moment,
) {
    let (test, armed) = lake(lost);
    let mut table = test.video().await;
    armed.store(true, Ordering::SeqCst);
    let published = table
        .publish(vec![rows("2026-27", 0..5)], &[advance(0, None, 5)])
        .await;
    assert!(!armed.load(Ordering::SeqCst), "a commit was lost");
    match published {
        Ok(published) => assert_eq!(published.version, 1),
        Err(PublishError::NotPublished(error)) => {
            assert_eq!(lost, Moment::Asked, "{error}");
            table
                .publish(vec![rows("2026-27", 0..5)], &[advance(0, None, 5)])
                .await
                .expect("publishes");
        }
        Err(error) => panic!("{error}"),
    }
    // It goes on from there, as does everybody else.
    table
        .publish(vec![rows("2026-27", 5..9)], &[advance(0, Some(5), 9)])
        .await
        .expect("publishes");
    let mut other = test.video().await;
    let next = other.next_position(&AppId::rows(LOG, 0)).await;
    assert_eq!(next.expect("a position"), Some(9));
    assert_eq!(positions(&other).await, (0..9).collect::<Vec<_>>());
    assert_eq!(other.version(), 2, "no commit twice");
}

/// A write that was not carried out, whatever the store said, is not taken for
/// one; what was to be written is still to be written.
#[rstest]
#[tokio::test(flavor = "multi_thread")]
async fn a_write_that_was_only_pretended_is_noticed(
    #[values("/_delta_log/", ".parquet")] written: &'static str,
) {
    let armed = Arc::new(AtomicBool::new(false));
    let spoil = Arc::clone(&armed);
    let proxy = Proxy::start(Server::shared(), move |moment, request| {
        let is_it = request.method == "PUT" && request.path.contains(written);
        if is_it && moment == Moment::Asked && spoil.swap(false, Ordering::SeqCst) {
            return Fate::Pretended;
        }
        Fate::Passed
    });
    let test = TestLake::behind(proxy.endpoint());
    let mut table = test.video().await;
    armed.store(true, Ordering::SeqCst);
    let published = table
        .publish(vec![rows("2026-27", 0..5)], &[advance(0, None, 5)])
        .await;
    assert!(!armed.load(Ordering::SeqCst), "a write was pretended");
    published.expect_err("it is noticed");
    let mut table = test.video().await;
    let next = table.next_position(&AppId::rows(LOG, 0)).await;
    assert_eq!(next.expect("a position"), None);
    table
        .publish(vec![rows("2026-27", 0..5)], &[advance(0, None, 5)])
        .await
        .expect("publishes");
    assert_eq!(positions(&table).await, (0..5).collect::<Vec<_>>());
}

/// The commit that is in the way is another writer's, and not taken for ours.
#[rstest]
#[tokio::test(flavor = "multi_thread")]
async fn anothers_commit_is_not_taken_for_ours(
    #[values(Moment::Asked, Moment::Answered)] lost: Moment,
) {
    let (test, armed) = lake(lost);
    let mut table = test.video().await;
    let mut winner = test.video().await;
    winner
        .publish(vec![rows("2026-27", 0..5)], &[advance(0, None, 5)])
        .await
        .expect("publishes");
    armed.store(true, Ordering::SeqCst);
    let refused = table
        .publish(vec![rows("2026-27", 0..5)], &[advance(0, None, 5)])
        .await;
    assert!(
        matches!(refused, Err(PublishError::Conflict(_))),
        "{refused:?}"
    );
    winner.refresh().await.expect("refreshes");
    assert_eq!(positions(&winner).await, [0, 1, 2, 3, 4]);
}
