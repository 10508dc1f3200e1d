use arrow::array::RecordBatch;
use arrow::datatypes::DataType;
use deltalake::datafusion::prelude::SessionContext;
use lake::RowFilter;
use rstest::rstest;

use crate::support::{LOG, Place, TestLake, advance, positions, rows, scan};

#[rstest]
#[tokio::test(flavor = "multi_thread")]
async fn a_query_sees_plain_text_and_only_the_version_it_asked(
    #[values(Place::Folder, Place::S3)] place: Place,
) {
    let test = TestLake::at(place);
    let mut table = test.video().await;
    table
        .publish(
            vec![rows("2026-27", 0..100), rows("2025-26", 100..150)],
            &[advance(0, None, 150)],
        )
        .await
        .expect("publishes");

    let context = SessionContext::new();
    let provider = table.provider(&context.state()).expect("a provider");
    assert_eq!(
        provider.schema().fields(),
        schemas::columns(table.kind()).fields()
    );
    context
        .register_table("video", provider)
        .expect("registers");
    table
        .publish(
            vec![rows("2026-27", 150..160)],
            &[advance(0, Some(150), 160)],
        )
        .await
        .expect("publishes");

    let sql = "SELECT term, count(*) AS n, count(DISTINCT student_key) AS students FROM video \
               WHERE term = '2026-27' AND student_key <> 'student-3' GROUP BY term";
    let answer: Vec<RecordBatch> = context
        .sql(sql)
        .await
        .expect("plans")
        .collect()
        .await
        .expect("runs");
    let text = arrow::util::pretty::pretty_format_batches(&answer).expect("prints");
    assert!(
        text.to_string().contains("| 2026-27 | 86 | 6        |"),
        "{text}"
    );
    assert_eq!(answer[0].schema().field(0).data_type(), &DataType::Utf8);
    assert_eq!(positions(&table).await.len(), 160);
}

#[rstest]
#[case::of_nothing("student_key = NULL", 0)]
#[case::beside_another("student_key = NULL AND event_type IS NOT NULL", 0)]
#[case::beside_a_partition("student_key = NULL AND term = '2026-27'", 0)]
#[case::of_a_partition("term = NULL AND event_type IS NOT NULL", 0)]
#[case::or_a_partition(
    "(student_key = NULL OR term = '2025-26') AND event_type IS NOT NULL",
    50
)]
#[case::not_a_partition("NOT (term = '2025-26' AND student_key = NULL)", 100)]
#[case::among_partitions("term NOT IN ('2025-26', NULL) AND event_type IS NOT NULL", 0)]
#[case::of_numbers("NULL > 1 AND log_position >= 100", 0)]
#[tokio::test(flavor = "multi_thread")]
async fn what_is_null_keeps_no_row(#[case] condition: &str, #[case] expected: usize) {
    let test = TestLake::at(Place::Folder);
    let mut table = test.video().await;
    let rows = vec![rows("2026-27", 0..100), rows("2025-26", 100..150)];
    table
        .publish(rows, &[advance(0, None, 150)])
        .await
        .expect("publishes");
    let context = SessionContext::new();
    let provider = table.provider(&context.state()).expect("a provider");
    context
        .register_table("video", provider)
        .expect("registers");
    let sql = format!("SELECT log_position FROM video WHERE {condition}");
    let rows = context.sql(&sql).await.expect("plans").count().await;
    assert_eq!(rows.expect("runs"), expected);
}

#[rstest]
#[tokio::test(flavor = "multi_thread")]
async fn scans_keep_what_the_filter_keeps(#[values(Place::Folder, Place::S3)] place: Place) {
    let test = TestLake::at(place);
    let mut table = test.video().await;
    assert_eq!(table.newest_received(), None);
    table
        .publish(vec![rows("2026-27", 0..100)], &[advance(0, None, 100)])
        .await
        .expect("publishes");
    let from = |log: &str| RowFilter::PositionFrom {
        log_id: log.to_owned(),
        partition: 0,
        position: 95,
    };
    assert_eq!(scan(&table, from(LOG)).await, [95, 96, 97, 98, 99]);
    assert!(scan(&table, from("another")).await.is_empty());

    let time = chrono::DateTime::from_timestamp_micros(1_789_000_000_000_000 + 98_000_000);
    let newest = chrono::DateTime::from_timestamp_micros(1_789_000_000_000_000 + 99_000_000);
    assert_eq!(table.newest_received(), newest);
    let since = RowFilter::ReceivedSince(time.expect("a time"));
    assert_eq!(scan(&table, since).await, [98, 99]);
}
