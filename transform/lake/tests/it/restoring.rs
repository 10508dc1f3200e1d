use std::collections::BTreeSet;

use arrow::array::{AsArray, RecordBatch};
use arrow::datatypes::Int64Type;
use bytes::Bytes;
use futures::TryStreamExt;
use lake::{LakeTable, PublishError, Slices};
use rstest::rstest;
use schemas::Term;

use crate::support::{Place, TestLake, VIDEO, advance, positions, rows, tenant};

#[rstest]
#[tokio::test(flavor = "multi_thread")]
async fn a_table_is_brought_back_and_written_upon(
    #[values(Place::Folder, Place::S3)] place: Place,
) {
    let test = TestLake::at(place);
    let mut table = test.video().await;
    let first = vec![rows("2026-27", 0..10), rows("2025-26", 10..20)];
    let published = table.publish(first, &[advance(0, None, 20)]).await;
    let version = published.expect("publishes").version;
    table
        .publish(vec![rows("2026-27", 20..25)], &[advance(0, Some(20), 25)])
        .await
        .expect("publishes");
    table
        .replace(&Slices::All, vec![rows("2025-26", 90..95)], &[])
        .await
        .expect("replaces");

    let then = test.lake.open_at(&tenant(), VIDEO, version).await;
    let then = then.expect("opens").expect("a table");
    assert_eq!(then.version(), version);
    let before: Vec<i64> = (0..20).collect();
    assert_eq!(positions(&then).await, before);

    assert!(table.restore_to(version).await.expect("goes back"));
    assert_eq!(positions(&table).await, before);
    let newest = test.lake.open(&tenant(), VIDEO).await.expect("opens");
    assert_eq!(positions(&newest.expect("a table")).await, before);
    // What is so already is left as it is.
    let restored = table.version();
    assert!(!table.restore_to(version).await.expect("is there"));
    assert!(!table.restore_to(restored).await.expect("is there"));
    assert_eq!(table.version(), restored);

    // Positions stay, and rows come upon it.
    table
        .publish(vec![rows("2026-27", 25..30)], &[advance(0, Some(25), 30)])
        .await
        .expect("publishes");
    assert_eq!(positions(&table).await.len(), 25);
    table.restore_to(0).await.expect("goes back");
    assert_eq!(positions(&table).await, Vec::<i64>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn of_two_who_bring_a_table_back_one_does() {
    let test = TestLake::new();
    let mut one = test.video().await;
    let first = vec![rows("2026-27", 0..10)];
    let published = one.publish(first, &[advance(0, None, 10)]).await;
    let version = published.expect("publishes").version;
    let more = vec![rows("2026-27", 10..20)];
    let published = one.publish(more, &[advance(0, Some(10), 20)]).await;
    published.expect("publishes");
    let mut two = one.clone();
    assert!(one.restore_to(version).await.expect("goes back"));
    let late = two.restore_to(version).await.expect_err("is late");
    assert!(matches!(late, PublishError::Conflict(_)), "{late}");
}

#[tokio::test(flavor = "multi_thread")]
async fn rows_are_written_and_streamed_term_by_term() {
    let test = TestLake::new();
    let mut table = test.video().await;
    let terms: Vec<Term> = ["2025-26", "2026-27"]
        .map(|term| term.parse().expect("a term"))
        .into();
    for (from, step) in [(0, 4), (2, 4)] {
        let before = table.clone();
        let mut writer = before.sorted_writer();
        // Terms come mixed, and each in its order.
        for first in (from..40).step_by(step) {
            for term in &terms {
                let rows = rows(term.as_str(), first..first + 2);
                let written = writer.write(Some(term), &rows.batches[0]).await;
                written.expect("writes");
            }
        }
        let written = writer.finish().await.expect("writes");
        assert!(!written.is_empty());
        table.append(written, &[]).await.expect("commits");
    }
    for term in &terms {
        let mut positions = streamed(&table, Some(term)).await;
        positions.sort_unstable();
        assert_eq!(positions, (0..40).collect::<Vec<_>>());
    }

    // One term goes, and the other stays as it is.
    let written = table
        .clone()
        .sorted_writer()
        .finish()
        .await
        .expect("nothing");
    let gone = BTreeSet::from([terms[0].clone()]);
    let replaced = table.replace_whole(Some(&gone), written, &[]).await;
    replaced.expect("replaces");
    assert_eq!(streamed(&table, Some(&terms[0])).await.len(), 0);
    assert_eq!(streamed(&table, Some(&terms[1])).await.len(), 40);
}

async fn streamed(table: &LakeTable, term: Option<&Term>) -> Vec<i64> {
    let rows = table.sorted_rows(term).expect("streams");
    let rows: Vec<RecordBatch> = rows.try_collect().await.expect("reads");
    rows.iter()
        .flat_map(|rows| {
            let column = rows.column_by_name("log_position").expect("a column");
            column.as_primitive::<Int64Type>().values().to_vec()
        })
        .collect()
}

#[rstest]
#[tokio::test(flavor = "multi_thread")]
async fn a_document_is_made_once(#[values(Place::Folder, Place::S3)] place: Place) {
    let test = TestLake::at(place);
    let create = |text: &'static str| {
        let content = Bytes::from_static(text.as_bytes());
        test.lake.create_document("demo/_notes/1.json", content)
    };
    assert_eq!(
        test.lake
            .document("demo/_notes/1.json")
            .await
            .expect("reads"),
        None
    );
    assert!(create("first").await.expect("writes"));
    assert!(!create("second").await.expect("answers"));
    let read = test.lake.document("demo/_notes/1.json").await;
    assert_eq!(read.expect("reads").as_deref(), Some(b"first".as_slice()));

    let put = |path: &'static str| test.lake.put_document(path, Bytes::from_static(b"x"));
    put("demo/_notes/0.json").await.expect("writes");
    put("demo/_notes/deeper/2.json").await.expect("writes");
    let found = test.lake.documents("demo/_notes").await.expect("lists");
    assert_eq!(found, ["0.json", "1.json"]);
    let none = test.lake.documents("demo/_nothing").await.expect("lists");
    assert!(none.is_empty());
}
