//! Tables that were made before they had all columns of now.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, Int32Array, Int64Array, RecordBatch, StringArray};
use arrow::array::{TimestampMicrosecondArray, new_null_array};
use arrow::datatypes::{DataType, Field, Int64Type, Schema};
use chrono::{TimeDelta, Utc};
use deltalake::kernel::StructType;
use deltalake::kernel::engine::arrow_conversion::TryIntoKernel;
use deltalake::{DeltaTable, DeltaTableBuilder};
use futures::TryStreamExt;
use lake::{Compaction, Lake, LakeError, LakeTable, RowFilter, Rows, file_columns};
use object_store::ObjectStoreExt;
use object_store::path::Path;
use rstest::rstest;
use schemas::Table;
use serde_json::Value;
use url::Url;

use crate::support::{LOG, Place, TestLake, advance, tenant};

const KIND: Table = Table::LogCounts;

/// The columns without those that were added since, and with one that might not be
/// NULL then.
fn earlier() -> Schema {
    let ours = schemas::columns(KIND);
    let fields = ours.fields().iter();
    let kept = fields.filter(|field| field.name() != "replayed");
    let kept = kept.map(|field| match field.name().as_str() {
        "family" => field.as_ref().clone().with_nullable(false),
        _ => field.as_ref().clone(),
    });
    Schema::new(kept.collect::<Vec<Field>>())
}

/// Rows with these columns, one for each position.
fn rows(columns: &Schema, positions: std::ops::Range<i64>) -> RecordBatch {
    let positions: Vec<i64> = positions.collect();
    let count = positions.len();
    let column = |field: &Field| -> ArrayRef {
        match (field.name().as_str(), field.data_type()) {
            ("log_id", _) => Arc::new(StringArray::from(vec![LOG; count])),
            ("first_position" | "replayed", _) => Arc::new(Int64Array::from(positions.clone())),
            (_, DataType::Timestamp(..)) => {
                let times = TimestampMicrosecondArray::from(vec![1_789_000_000_000_000; count]);
                Arc::new(times.with_timezone("UTC"))
            }
            (_, DataType::Int32) => Arc::new(Int32Array::from(vec![0; count])),
            (_, DataType::Int64) => Arc::new(Int64Array::from(vec![1; count])),
            (_, other) if field.is_nullable() => new_null_array(other, count),
            _ => Arc::new(StringArray::from(vec!["video"; count])),
        }
    };
    let arrays = columns.fields().iter().map(|field| column(field)).collect();
    RecordBatch::try_new(Arc::new(columns.clone()), arrays).expect("rows")
}

fn new_rows(positions: std::ops::Range<i64>) -> Vec<Rows> {
    let batches = vec![rows(&file_columns(KIND), positions)];
    vec![Rows {
        term: None,
        batches,
    }]
}

/// Makes the table with other columns than now's, and five rows.
async fn make(test: &TestLake, columns: &Schema) -> DeltaTable {
    let delta: StructType = columns.try_into_kernel().expect("Delta's words");
    let name = schemas::layout::table(&tenant(), KIND);
    let root = test.url.as_str().trim_end_matches('/');
    let url = Url::parse(&format!("{root}/{name}/")).expect("an address");
    let table = DeltaTableBuilder::from_url(url)
        .map(|builder| builder.with_storage_options(test.options.clone()))
        .and_then(DeltaTableBuilder::build)
        .expect("a table");
    let made = table
        .create()
        .with_columns(delta.fields().cloned())
        .with_configuration_property(
            deltalake::TableProperty::LogRetentionDuration,
            Some("interval 7 days"),
        )
        .await
        .expect("makes it");
    made.write(vec![rows(columns, 0..5)]).await.expect("writes")
}

async fn open(lake: &Lake) -> LakeTable {
    let opened = lake.open_for_writing(&tenant(), KIND).await;
    opened.expect("opens").expect("is there")
}

/// The position and the new column of each row.
async fn read(table: &LakeTable) -> Vec<(i64, Option<i64>)> {
    let columns = ["first_position", "replayed"];
    let rows = table.scan(&columns, RowFilter::All).await.expect("scans");
    let batches: Vec<RecordBatch> = rows.try_collect().await.expect("reads");
    let mut read: Vec<(i64, Option<i64>)> = batches
        .iter()
        .flat_map(|batch| {
            let positions = batch.column(0).as_primitive::<Int64Type>();
            let values = batch.column(1).as_primitive::<Int64Type>();
            assert_eq!(positions.null_count(), 0);
            positions.values().iter().copied().zip(values.iter())
        })
        .collect();
    read.sort_unstable();
    read
}

/// The five rows that were there, and those that came since.
fn expected(new: std::ops::Range<i64>) -> Vec<(i64, Option<i64>)> {
    let earlier = (0..5).map(|position| (position, None));
    earlier.chain(new.map(|p| (p, Some(p)))).collect()
}

/// What each commit says of the table itself, if it does.
async fn metadata(test: &TestLake) -> Vec<Value> {
    let name = schemas::layout::table(&tenant(), KIND);
    let mut found = Vec::new();
    for version in 0.. {
        let path = Path::from(format!("{name}/_delta_log/{version:020}.json"));
        let Ok(commit) = test.store.get(&path).await else {
            break;
        };
        let bytes = commit.bytes().await.expect("reads");
        let lines = bytes.split(|byte| *byte == b'\n');
        let actions = lines.filter_map(|line| serde_json::from_slice::<Value>(line).ok());
        found.extend(actions.filter_map(|action| action.get("metaData").cloned()));
    }
    found
}

#[rstest]
#[tokio::test(flavor = "multi_thread")]
async fn a_table_gets_the_columns_that_it_lacks(#[values(Place::Folder, Place::S3)] place: Place) {
    let test = TestLake::at(place);
    make(&test, &earlier()).await;

    // Who only reads changes nothing, and sees them.
    let before = test.lake.open(&tenant(), KIND).await.expect("opens");
    let mut before = before.expect("is there");
    assert!(!before.has_columns().expect("compares"));
    assert_eq!(read(&before).await, expected(0..0));
    assert_eq!(metadata(&test).await.len(), 1);

    let mut table = open(&test.lake).await;
    assert!(table.has_columns().expect("compares"));
    assert_eq!(read(&table).await, expected(0..0));
    let published = table.publish(new_rows(5..9), &[advance(0, None, 9)]).await;
    published.expect("publishes");
    assert_eq!(read(&table).await, expected(5..9));

    // Who held it from before goes on.
    let published = before
        .publish(new_rows(9..12), &[advance(1, None, 12)])
        .await;
    published.expect("publishes");
    let mut table = open(&test.lake).await;
    assert_eq!(read(&table).await, expected(5..12));

    // Rows from before and from now in one file.
    let how = Compaction {
        target_bytes: 48 << 20,
        memory_bytes: 64 << 20,
        least_files: 2,
        closed_before: Utc::now() - TimeDelta::days(7),
    };
    let merges = table.merges(&how);
    assert_eq!(merges.len(), 1);
    table.merge(&merges[0], &how).await.expect("merges");
    assert_eq!(table.files(), 1);
    assert_eq!(read(&table).await, expected(5..12));

    let metadata = metadata(&test).await;
    let [first, last] = metadata.as_slice() else {
        panic!("made once, changed once: {metadata:?}");
    };
    for same in ["id", "partitionColumns", "format", "createdTime"] {
        assert_eq!(first[same], last[same], "{same}");
    }
    assert_eq!(
        last["configuration"]["delta.logRetentionDuration"],
        "interval 7 days"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn of_several_who_add_columns_one_does() {
    for _ in 0..5 {
        let test = TestLake::new();
        make(&test, &earlier()).await;
        let writers = (0..6).map(|partition| {
            let lake = test.lake.clone();
            tokio::spawn(async move {
                let mut table = open(&lake).await;
                let first = 5 + i64::from(partition) * 10;
                let published = table
                    .publish(new_rows(first..first + 10), &[advance(partition, None, 10)])
                    .await;
                published.expect("publishes");
            })
        });
        for done in futures::future::join_all(writers).await {
            done.expect("it does not panic");
        }
        assert_eq!(metadata(&test).await.len(), 2, "made once, changed once");
        assert_eq!(read(&open(&test.lake).await).await, expected(5..65));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_table_with_other_columns_is_refused() {
    let test = TestLake::new();
    let mut fields = earlier().fields().to_vec();
    fields.push(Arc::new(Field::new("replays", DataType::Int64, true)));
    make(&test, &Schema::new(fields)).await;
    let opened = test.lake.open_for_writing(&tenant(), KIND).await;
    let error = opened.expect_err("it has a column that we do not know");
    assert!(matches!(error, LakeError::Columns { .. }), "{error}");
    assert_eq!(metadata(&test).await.len(), 1);
}
