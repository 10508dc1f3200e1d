use std::collections::BTreeMap;
use std::sync::Arc;

use arrow::array::{ArrayRef, Int64Array, RecordBatch, StringArray};
use lake::{Advance, AppId, LakeError, LakeTable, PublishError, Rows, Slices, TermSlices};
use schemas::{Table, Term};

use crate::support::{TestLake, VIDEO, advance, positions, rows, tenant};

const DEFINITION: &str = "01234567";

/// A refresher that has read its source from one version to another.
fn read(from: Option<u64>, to: u64) -> Vec<Advance> {
    let source = Table::Events(schemas::Family::Clickstream);
    vec![Advance {
        app: AppId::report("test", DEFINITION, source),
        expected: from,
        next: to,
    }]
}

fn term(text: &str) -> Term {
    text.parse().expect("a term")
}

/// The slices of one term with these positions, one slice each.
fn slices(of: &str, positions: &[i64]) -> Slices {
    let values: ArrayRef = Arc::new(Int64Array::from(positions.to_vec()));
    let values = RecordBatch::try_from_iter([("log_position", values)]).expect("values");
    Slices::Of(BTreeMap::from([(term(of), TermSlices::Of(values))]))
}

/// Rows whose content is NULL for even positions, `odd` for others.
fn with_contents(of: &str, positions: std::ops::Range<i64>) -> Rows {
    let rows = rows(of, positions.clone());
    let batch = &rows.batches[0];
    let mut columns = batch.columns().to_vec();
    let content = batch.schema().index_of("content_id").expect("a column");
    let contents = positions.map(|position| (position % 2 == 1).then_some("odd"));
    columns[content] = Arc::new(contents.collect::<StringArray>());
    Rows {
        term: rows.term,
        batches: vec![RecordBatch::try_new(batch.schema(), columns).expect("rows")],
    }
}

async fn filled(test: &TestLake) -> LakeTable {
    let mut table = test.video().await;
    table
        .publish(
            vec![rows("2026-27", 0..10), rows("2025-26", 10..13)],
            &[advance(0, None, 10)],
        )
        .await
        .expect("publishes");
    table
}

async fn adds_and_removes(table: &LakeTable, since: u64) -> usize {
    let changes = table.changes(Some(since)).await.expect("reads");
    changes.expect("known").files.len()
}

#[tokio::test(flavor = "multi_thread")]
async fn only_the_rows_of_the_slices_are_replaced() {
    let test = TestLake::new();
    let mut table = filled(&test).await;
    let published = table
        .replace(
            &slices("2026-27", &[3, 4, 99]),
            vec![rows("2026-27", 100..102)],
            &read(None, 7),
        )
        .await
        .expect("replaces");
    assert_eq!(published.version, 2);
    // What was kept of the old file, and the new rows.
    assert_eq!(published.files, 2);
    let expected = [0, 1, 2, 5, 6, 7, 8, 9, 10, 11, 12, 100, 101];
    assert_eq!(positions(&table).await, expected);
    assert_eq!(positions(&test.video().await).await, expected);
    let app = read(None, 0).remove(0).app;
    assert_eq!(table.next_position(&app).await.expect("asks"), Some(7));
    // The other reader's place is kept.
    let app = AppId::rows(crate::support::LOG, 0);
    assert_eq!(table.next_position(&app).await.expect("asks"), Some(10));
    assert_eq!(table.terms(), [term("2025-26"), term("2026-27")]);

    // Slices of which there are no rows any more.
    table
        .replace(
            &slices("2026-27", &[100, 101]),
            Vec::new(),
            &read(Some(7), 7),
        )
        .await
        .expect("replaces");
    assert_eq!(positions(&table).await, expected[..11]);
    // A file that is dropped whole and none that is written.
    assert_eq!(adds_and_removes(&table, 2).await, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn files_that_hold_none_of_the_slices_are_not_touched() {
    let test = TestLake::new();
    let mut table = filled(&test).await;
    table
        .replace(&slices("2026-27", &[5]), Vec::new(), &[])
        .await
        .expect("replaces");
    // Between the bounds of the file's statistics, beyond them, and in a term
    // of which there is nothing.
    for (of, position) in [("2026-27", 5), ("2026-27", 50), ("2024-25", 1)] {
        let before = table.version();
        let published = table
            .replace(&slices(of, &[position]), Vec::new(), &[])
            .await;
        assert_eq!(published.expect("nothing").files, 0);
        assert_eq!(adds_and_removes(&table, before).await, 0, "{of} {position}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn null_is_a_slice() {
    let test = TestLake::new();
    let mut table = test.video().await;
    table
        .publish(vec![with_contents("2026-27", 0..6)], &[advance(0, None, 6)])
        .await
        .expect("publishes");
    let none: ArrayRef = Arc::new(StringArray::from(vec![None::<&str>]));
    let values = RecordBatch::try_from_iter_with_nullable([("content_id", none, true)]);
    let dirty = TermSlices::Of(values.expect("values"));
    let dirty = Slices::Of(BTreeMap::from([(term("2026-27"), dirty)]));
    table
        .replace(&dirty, vec![rows("2026-27", 20..21)], &read(None, 1))
        .await
        .expect("replaces");
    assert_eq!(positions(&table).await, [1, 3, 5, 20]);
}

#[tokio::test(flavor = "multi_thread")]
async fn whole_terms_and_everything_are_dropped_unread() {
    let test = TestLake::new();
    let mut table = filled(&test).await;
    for entry in
        std::fs::read_dir(test.folder.path().join("demo/video/term=2026-27")).expect("a folder")
    {
        std::fs::remove_file(entry.expect("an entry").path()).expect("removes");
    }
    let whole = Slices::Of(BTreeMap::from([(term("2026-27"), TermSlices::All)]));
    table
        .replace(&whole, vec![rows("2026-27", 20..22)], &read(None, 1))
        .await
        .expect("replaces");
    assert_eq!(positions(&table).await, [10, 11, 12, 20, 21]);
    table
        .replace(
            &Slices::All,
            vec![rows("2024-25", 30..31)],
            &read(Some(1), 2),
        )
        .await
        .expect("replaces");
    assert_eq!(positions(&table).await, [30]);
}

#[tokio::test(flavor = "multi_thread")]
async fn of_two_refreshers_one_loses_and_leaves_nothing_to_see() {
    let test = TestLake::new();
    let mut winner = filled(&test).await;
    let mut loser = test.video().await;
    let dirty = slices("2026-27", &[3]);
    winner
        .replace(&dirty, vec![rows("2026-27", 100..101)], &read(None, 7))
        .await
        .expect("replaces");
    for _ in 0..2 {
        let lost = loser
            .replace(&dirty, vec![rows("2026-27", 200..201)], &read(None, 6))
            .await;
        assert!(matches!(lost, Err(PublishError::Conflict(_))), "{lost:?}");
        // Having seen the winner's version, it still expects the wrong place.
        loser.refresh().await.expect("refreshes");
    }
    let expected = [0, 1, 2, 4, 5, 6, 7, 8, 9, 10, 11, 12, 100];
    assert_eq!(positions(&test.video().await).await, expected);
    // Its files lie in the folder, and nobody sees them.
    let files = std::fs::read_dir(test.folder.path().join("demo/video/term=2026-27"));
    assert!(files.expect("a folder").count() > 3);

    // A source that was restored may stand lower than before.
    loser
        .replace(&Slices::All, vec![rows("2026-27", 0..1)], &read(Some(7), 2))
        .await
        .expect("replaces");
    assert_eq!(positions(&loser).await, [0]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_somebody_else_rewrote_is_not_lost() {
    let test = TestLake::new();
    let mut table = filled(&test).await;
    let mut other = test.video().await;
    other
        .replace(&slices("2026-27", &[0]), Vec::new(), &[])
        .await
        .expect("replaces");
    let lost = table
        .replace(&slices("2026-27", &[1]), Vec::new(), &read(None, 1))
        .await;
    assert!(matches!(lost, Err(PublishError::Conflict(_))), "{lost:?}");
    table.refresh().await.expect("refreshes");
    table
        .replace(&slices("2026-27", &[1]), Vec::new(), &read(None, 1))
        .await
        .expect("replaces");
    assert_eq!(positions(&table).await, (2..13).collect::<Vec<_>>());
}

#[tokio::test(flavor = "multi_thread")]
async fn many_small_files_of_a_term_become_one() {
    let test = TestLake::new();
    let mut table = test.video().await;
    for position in 0..40_i64 {
        let before = (position > 0).then_some(position.unsigned_abs());
        table
            .replace(
                &slices("2026-27", &[position]),
                vec![rows("2026-27", position..position + 1)],
                &read(before, position.unsigned_abs() + 1),
            )
            .await
            .expect("replaces");
        assert!(table.files() <= 26, "{}", table.files());
    }
    assert_eq!(positions(&table).await, (0..40).collect::<Vec<_>>());
}

#[tokio::test(flavor = "multi_thread")]
async fn changes_are_told_by_file_and_what_cannot_be_told_is_not() {
    let test = TestLake::new();
    let mut table = filled(&test).await;
    let all = table.changes(None).await.expect("reads").expect("known");
    let terms: Vec<_> = all.files.iter().map(|file| file.term.as_str()).collect();
    assert_eq!(terms, ["2025-26", "2026-27"]);
    assert_eq!(all.version, 1);
    let file = &all.files[1];
    let rows_of = async |table: &LakeTable| {
        let rows = table.read(file, &["log_position"]).await.expect("opens")?;
        let batches: Vec<RecordBatch> = futures::TryStreamExt::try_collect(rows)
            .await
            .expect("reads");
        assert_eq!(batches[0].num_columns(), 1);
        Some(batches.iter().map(RecordBatch::num_rows).sum::<usize>())
    };
    assert_eq!(rows_of(&table).await, Some(10));

    table
        .publish(Vec::new(), &[advance(0, Some(10), 11)])
        .await
        .expect("publishes");
    assert_eq!(adds_and_removes(&table, 1).await, 0);
    assert_eq!(table.changes(Some(3)).await.expect("reads"), None);
    table
        .replace(&Slices::All, Vec::new(), &[])
        .await
        .expect("replaces");
    assert_eq!(adds_and_removes(&table, 2).await, 2);
    // What was removed can be read until somebody cleans up.
    assert_eq!(rows_of(&table).await, Some(10));
    let folder = test.folder.path().join("demo/video");
    std::fs::remove_dir_all(folder.join("term=2026-27")).expect("removes");
    assert_eq!(rows_of(&table).await, None);

    let first = folder.join("_delta_log/00000000000000000001.json");
    std::fs::remove_file(first).expect("removes");
    assert_eq!(table.changes(Some(0)).await.expect("reads"), None);
    assert!(table.changes(Some(1)).await.expect("reads").is_some());
}

#[tokio::test(flavor = "multi_thread")]
async fn other_columns_come_with_a_replacement_of_everything() {
    let test = TestLake::new();
    filled(&test).await;
    let folder = test.folder.path();
    std::fs::rename(folder.join("demo/video"), folder.join("demo/assessment")).expect("moves");
    let assessment = Table::Events(schemas::Family::Assessment);
    let mut table = test
        .lake
        .open(&tenant(), assessment)
        .await
        .expect("opens")
        .expect("is there");
    assert!(!table.has_columns().expect("compares"));

    let part = table
        .replace(&slices("2026-27", &[3]), Vec::new(), &read(None, 1))
        .await;
    assert!(
        matches!(
            part,
            Err(PublishError::NotPublished(LakeError::Columns { .. }))
        ),
        "{part:?}"
    );
    let columns = lake::file_columns(assessment);
    let rows = RecordBatch::new_empty(columns);
    table
        .replace(
            &Slices::All,
            vec![Rows {
                term: Some(term("2026-27")),
                batches: vec![rows],
            }],
            &read(None, 1),
        )
        .await
        .expect("replaces");
    assert!(table.has_columns().expect("compares"));
    assert_eq!(table.files(), 0);
    test.lake
        .open_for_writing(&tenant(), assessment)
        .await
        .expect("has our columns");
    assert_eq!(table.changes(Some(1)).await.expect("reads"), None);
    assert_ne!(table.kind(), VIDEO);
}
