use std::collections::BTreeMap;
use std::sync::Arc;

use arrow::array::{ArrayRef, Int64Array, RecordBatch, StringArray};
use lake::{
    Advance, AppId, LakeError, LakeTable, MadeOf, PublishError, Rows, Slices, SourceVersion,
    TermSlices,
};
use schemas::{Report, Table, Term};

use crate::support::{TestLake, VIDEO, advance, positions, rows, tenant};

fn report() -> &'static Report {
    schemas::report("section_day").expect("a report")
}

/// A refresher that has read its source from one version to another.
fn read(from: Option<u64>, to: u64) -> Vec<Advance> {
    let source = Table::Events(schemas::Family::Clickstream);
    let made_of = |version: Option<u64>| MadeOf {
        definition: version.map(|_| 4),
        sources: version
            .map(|version| (source, SourceVersion { id: 1, version }))
            .into_iter()
            .collect(),
        as_of: None,
    };
    made_of(Some(to)).advances(report(), &made_of(from))
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
    let made_of = table.made_of(report()).await.expect("asks");
    assert_eq!(made_of.definition, Some(4));
    assert_eq!(made_of.sources.len(), 1);
    assert!(made_of.sources.values().all(|source| source.version == 7));
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
        let rows = match table.read(file, &["log_position"]).await {
            Err(error) if error.is_missing() => return None,
            rows => rows.expect("opens"),
        };
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
    let begun = table.read(file, &["log_position"]).await.expect("opens");
    std::fs::remove_dir_all(folder.join("term=2026-27")).expect("removes");
    assert_eq!(rows_of(&table).await, None);
    // Gone while it is read: that is no damage either.
    let read: Result<Vec<RecordBatch>, _> = futures::TryStreamExt::try_collect(begun).await;
    assert!(read.expect_err("it is gone").is_missing());

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

#[tokio::test(flavor = "multi_thread")]
async fn refreshers_with_two_definitions_fence_each_other() {
    let test = TestLake::new();
    let mut winner = filled(&test).await;
    let mut loser = winner.clone();
    let made_of = |definition| MadeOf {
        definition: Some(definition),
        ..MadeOf::default()
    };
    let none = MadeOf::default();
    winner
        .replace(
            &Slices::All,
            vec![rows("2026-27", 0..1)],
            &made_of(9).advances(report(), &none),
        )
        .await
        .expect("replaces");
    // Not even one that reads other sources and has seen the table as it was.
    let ours = made_of(5).advances(report(), &none);
    let lost = loser
        .replace(&Slices::All, vec![rows("2026-27", 1..2)], &ours)
        .await;
    assert!(matches!(lost, Err(PublishError::Conflict(_))), "{lost:?}");
    loser.refresh().await.expect("refreshes");
    let theirs = loser.made_of(report()).await.expect("asks");
    assert_eq!(theirs, made_of(9));
    // Having seen what the winner made, it may replace all of it.
    let ours = made_of(5).advances(report(), &theirs);
    loser
        .replace(&Slices::All, vec![rows("2026-27", 1..2)], &ours)
        .await
        .expect("replaces");
    assert_eq!(positions(&loser).await, [1]);
}

#[tokio::test(flavor = "multi_thread")]
async fn rows_are_written_in_files_of_a_bounded_size() {
    let test = TestLake::new();
    let mut table = filled(&test).await;
    // All of the old file stays but for a row, and there are many new rows.
    let mut writer = table.writer(20_000);
    for start in (1_000..3_000).step_by(100) {
        let new = rows("2026-27", start..start + 100);
        for batch in new.batches {
            writer.add(&term("2026-27"), batch).await.expect("writes");
        }
    }
    assert_eq!(writer.rows(), 2_000);
    let published = table
        .replace_by(&slices("2026-27", &[3]), writer, &read(None, 1))
        .await
        .expect("replaces");
    assert!(published.files > 5, "{published:?}");
    assert_eq!(positions(&table).await.len(), 13 - 1 + 2_000);
    assert_eq!(table.rows_of(&term("2026-27")), Some(10 - 1 + 2_000));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_table_that_was_made_anew_is_another() {
    let test = TestLake::new();
    let known = filled(&test).await;
    let lake = &test.lake;
    let moved = async |table: &LakeTable| {
        let mark = table.mark();
        lake.has_moved(&tenant(), VIDEO, Some(&mark))
            .await
            .expect("looks")
    };
    assert!(lake.has_moved(&tenant(), VIDEO, None).await.expect("looks"));
    assert!(!moved(&known).await);
    std::fs::remove_dir_all(test.folder.path().join("demo/video")).expect("removes");
    assert!(moved(&known).await);
    let gone = lake.reopen(&tenant(), VIDEO, Some(known.clone())).await;
    assert!(gone.expect("looks").is_none());
    assert!(!lake.has_moved(&tenant(), VIDEO, None).await.expect("looks"));

    let anew = filled(&test).await;
    assert_eq!(anew.version(), known.version());
    assert_ne!(anew.source_version(), known.source_version());
    assert!(moved(&known).await);
    let reopened = lake.reopen(&tenant(), VIDEO, Some(known)).await;
    let mut reopened = reopened.expect("looks").expect("is there");
    assert_eq!(reopened.source_version(), anew.source_version());
    // One that has only moved on is the same.
    reopened
        .publish(Vec::new(), &[advance(0, Some(10), 11)])
        .await
        .expect("publishes");
    assert!(moved(&anew).await);
    let newer = lake.reopen(&tenant(), VIDEO, Some(anew.clone())).await;
    let newer = newer.expect("looks").expect("is there").source_version();
    assert_eq!(
        (newer.id, newer.version),
        (anew.source_version().id, anew.version() + 1)
    );
}
