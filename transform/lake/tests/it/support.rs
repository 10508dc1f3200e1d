use std::collections::HashMap;
use std::sync::Arc;

use arrow::array::{
    ArrayRef, BinaryArray, Int32Array, Int64Array, RecordBatch, StringArray,
    TimestampMicrosecondArray, new_null_array,
};
use arrow::datatypes::DataType;
use futures::TryStreamExt;
use lake::{Advance, AppId, Lake, LakeTable, RowFilter, Rows, file_columns};
use object_store::ObjectStore;
use object_store::aws::{AmazonS3Builder, AmazonS3ConfigKey};
use object_store::local::LocalFileSystem;
use object_store::prefix::PrefixStore;
use schemas::{Family, Table, TenantId, Term};
use tempfile::TempDir;
use url::Url;

pub const VIDEO: Table = Table::Events(Family::Video);
pub const LOG: &str = "log-1";

/// Where a lake can be.
#[derive(Debug, Clone, Copy)]
pub enum Place {
    Folder,
    S3,
}

/// A lake of its own; one in a folder is gone with the value.
pub struct TestLake {
    pub lake: Lake,
    pub store: Arc<dyn ObjectStore>,
    pub folder: TempDir,
    /// Where it lies, and how deltalake gets there.
    pub url: Url,
    pub options: HashMap<String, String>,
}

impl TestLake {
    pub fn new() -> Self {
        Self::at(Place::Folder)
    }

    pub fn at(place: Place) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let opened = match place {
            Place::Folder => local(&folder),
            Place::S3 => s3(seaweed::Server::shared().endpoint()),
        };
        Self::of(opened, folder)
    }

    /// A lake on the S3 server that is reached at that address.
    pub fn behind(endpoint: &str) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        Self::of(s3(endpoint.to_owned()), folder)
    }

    fn of((url, store, options): Opened, folder: TempDir) -> Self {
        let lake = Lake::new(url.clone(), Arc::clone(&store), options.clone());
        Self {
            lake,
            store,
            folder,
            url,
            options,
        }
    }

    pub async fn video(&self) -> LakeTable {
        let table = self.lake.open_or_create(&tenant(), VIDEO).await;
        table.expect("opens")
    }
}

type Opened = (Url, Arc<dyn ObjectStore>, HashMap<String, String>);

fn local(folder: &TempDir) -> Opened {
    let url = Url::from_directory_path(folder.path()).expect("an absolute path");
    let store = LocalFileSystem::new_with_prefix(folder.path()).expect("a store");
    (url, Arc::new(store), HashMap::new())
}

fn s3(endpoint: String) -> Opened {
    let server = seaweed::Server::shared();
    let mut options = server.options();
    options.insert("AWS_ENDPOINT_URL".to_owned(), endpoint);
    let url = Url::parse(&server.new_root()).expect("a URL");
    let builder = options
        .iter()
        .fold(AmazonS3Builder::new(), |s3, (key, value)| {
            let key: AmazonS3ConfigKey = key.to_ascii_lowercase().parse().expect("an option");
            s3.with_config(key, value)
        });
    let bucket = builder.with_bucket_name(seaweed::BUCKET).build();
    let prefix = url.path().trim_matches('/').to_owned();
    let store = PrefixStore::new(bucket.expect("a store"), prefix);
    (url, Arc::new(store), options)
}

pub fn tenant() -> TenantId {
    "demo".parse().expect("a tenant")
}

pub fn advance(partition: u32, expected: Option<u64>, next: u64) -> Advance {
    Advance {
        app: AppId::rows(LOG, partition),
        expected,
        next,
    }
}

/// Video rows of one term: one per position, which is also the event's id.
pub fn rows(term: &str, positions: std::ops::Range<i64>) -> Rows {
    let positions: Vec<i64> = positions.collect();
    let count = positions.len();
    let columns = file_columns(VIDEO);
    let column = |field: &arrow::datatypes::Field| -> ArrayRef {
        match (field.name().as_str(), field.data_type()) {
            ("event_id", _) => Arc::new(StringArray::from_iter_values(
                positions.iter().map(|p| format!("event-{p:05}")),
            )),
            ("log_id", _) => Arc::new(StringArray::from(vec![LOG; count])),
            ("log_position", _) => Arc::new(Int64Array::from(positions.clone())),
            ("student_key", _) => Arc::new(StringArray::from_iter_values(
                positions.iter().map(|p| format!("student-{}", p % 7)),
            )),
            ("course_id", _) => Arc::new(StringArray::from(vec!["bio"; count])),
            (_, DataType::Timestamp(..)) => Arc::new(
                TimestampMicrosecondArray::from_iter_values(
                    positions
                        .iter()
                        .map(|p| 1_789_000_000_000_000 + p * 1_000_000),
                )
                .with_timezone("UTC"),
            ),
            (_, other) if field.is_nullable() => new_null_array(other, count),
            (_, DataType::Int32) => Arc::new(Int32Array::from(vec![0; count])),
            (_, DataType::Binary) => Arc::new(BinaryArray::from(vec![b"x".as_slice(); count])),
            _ => Arc::new(StringArray::from(vec!["x"; count])),
        }
    };
    let arrays = columns.fields().iter().map(|field| column(field)).collect();
    Rows {
        term: Some(term.parse::<Term>().expect("a term")),
        batches: vec![RecordBatch::try_new(columns, arrays).expect("rows")],
    }
}

/// The positions of all visible rows, sorted.
pub async fn positions(table: &LakeTable) -> Vec<i64> {
    scan(table, RowFilter::All).await
}

pub async fn scan(table: &LakeTable, filter: RowFilter) -> Vec<i64> {
    let stream = table.scan(&["log_position"], filter).await.expect("scans");
    let batches: Vec<RecordBatch> = stream.try_collect().await.expect("reads");
    let mut positions: Vec<i64> = batches
        .iter()
        .flat_map(|batch| {
            let column = batch.column(0).as_any().downcast_ref::<Int64Array>();
            column.expect("positions").values().to_vec()
        })
        .collect();
    positions.sort_unstable();
    positions
}
