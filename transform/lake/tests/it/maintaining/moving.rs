//! Rows move to the term that they are in now.

use std::collections::BTreeMap;

use lake::{Amended, Fate, LakeTable, PublishError};
use rstest::rstest;

use super::{OTHER_TERM, TERM, by_position, how, moved_if, publish};
use crate::support::{Place, TestLake, positions};

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
    assert_eq!(
        done,
        Amended {
            moved: 5,
            changed: 0,
            gone: 1
        }
    );
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
