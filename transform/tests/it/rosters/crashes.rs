use std::sync::Arc;

use rstest::rstest;
use transform::roster::{JobState, Request};

use super::faulty::{Faulty, Last};
use super::lake::{Stored, in_memory, silent};
use super::school::School;

/// Before and after: rows that come, change, go and move to another term.
fn schools() -> (School, School) {
    let before = School::of(12);
    let mut after = before.clone();
    after.users.insert(20, 20);
    after.users.insert(3, 77);
    after.enrollments.remove(&5);
    after.enrollments.insert(6, (1, 6, 20));
    after.enrollments.insert(20, (0, 20, 0));
    after.sections.insert(2, (2, 0));
    (before, after)
}

#[rstest]
#[case(Last::Lost, false)]
#[case(Last::Done, false)]
#[case(Last::Lost, true)]
#[case(Last::Done, true)]
#[tokio::test(flavor = "multi_thread")]
async fn at_whatever_write_it_dies_all_or_nothing_is_seen_and_the_next_import_goes_well(
    #[case] last: Last,
    #[case] is_first: bool,
) {
    let (before, after) = schools();
    let (before, after) = (before.bulk(), after.bulk());
    // How it is to be.
    let whole = Stored::new().await;
    if !is_first {
        whole.import(&before).await;
    }
    let (values_before, history_before) = (whole.current().await, whole.history().await);
    whole.import(&after).await;
    let (values_after, history_after) = (whole.current().await, whole.history().await);
    assert_ne!(values_before, values_after);

    let mut seen = [0, 0];
    for writes in 0.. {
        let stored = Stored::new().await;
        if !is_first {
            stored.import(&before).await;
        }
        let faulty = Arc::new(Faulty::new(Arc::clone(&stored.store), writes, last));
        let dying = stored.another("dying", in_memory(Arc::clone(&faulty) as _));
        let request = Request::new(after.path(), "tests");
        let died = dying.import(&stored.tenant, request, silent()).await;
        if !faulty.is_dead() {
            assert_eq!(died.expect("nothing was in its way").state, JobState::Done);
            break;
        }
        let (values, history) = (stored.current().await, stored.history().await);
        let is_seen = values == values_after;
        if !is_seen {
            assert!(died.is_err(), "write {writes}");
            assert_eq!(values, values_before, "write {writes}");
            assert_eq!(history, history_before, "write {writes}");
        }
        seen[usize::from(is_seen)] += 1;

        // The next one neither sees nor keeps anything of it.
        let next = stored.import(&after).await;
        let expected = if is_seen {
            JobState::Unchanged
        } else {
            JobState::Done
        };
        assert_eq!(next.state, expected, "write {writes}");
        assert_eq!(stored.current().await, values_after, "write {writes}");
        assert_eq!(stored.history().await, history_after, "write {writes}");
    }
    // It died before the document and after it.
    assert!(seen[0] > 10 && seen[1] > 0, "{seen:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_dead_import_left_is_taken_out_of_tables_that_the_next_one_does_not_change() {
    let stored = Stored::new().await;
    let before = School::of(12);
    stored.import(&before.bulk()).await;
    let mut other = before.clone();
    other.enrollments.remove(&1);
    other.users.insert(50, 50);
    // It dies when the users are written, before the document is.
    let bundle = other.bulk();
    for writes in 2..12 {
        let faulty = Arc::new(Faulty::new(Arc::clone(&stored.store), writes, Last::Done));
        let dying = stored.another("dying", in_memory(faulty));
        let request = Request::new(bundle.path(), "tests");
        let died = dying.import(&stored.tenant, request, silent()).await;
        died.expect_err("the store is dead");
    }
    let mut after = before.clone();
    after.sections.insert(0, (9, 0));
    stored.import(&after.bulk()).await;
    // Who reads the newest versions sees the same as who reads by the document.
    for table in schemas::Table::rosters() {
        let newest = stored.newest().await.expect("an import");
        let held = stored
            .lake
            .open(&stored.tenant.id, table)
            .await
            .expect("opens");
        let named = newest.version(table);
        assert_eq!(held.map(|held| held.version()), named, "{table}");
    }
}
