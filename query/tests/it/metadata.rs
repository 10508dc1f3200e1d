//! What is known of a table's log and of its files' footers is not read again.

use std::collections::{BTreeSet, HashMap};
use std::fmt;
use std::ops::Range;
use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use datafusion::object_store::memory::InMemory;
use datafusion::object_store::path::Path;
use datafusion::object_store::{
    CopyOptions, GetOptions, GetResult, ListResult, MultipartUpload, ObjectMeta, ObjectStore,
    PutMultipartOptions, PutOptions, PutPayload, PutResult, Result,
};
use futures::stream::BoxStream;
use lake::Lake;
use query::Config;
use rstest::rstest;
use schemas::{Role, Tenant};
use serde_json::{Value, json};
use url::Url;

use crate::school::{CLICKSTREAM, School, event, held, id, question, token};

/// A store in memory that notes what is read of it.
#[derive(Debug, Default)]
struct Noting {
    inner: InMemory,
    reads: Mutex<Reads>,
}

/// Paths of objects of which something was read.
#[derive(Debug, Default)]
struct Reads {
    /// Commits and checkpoints.
    log: BTreeSet<String>,
    /// Data files, their last bytes: there the footer is.
    footers: BTreeSet<String>,
    /// Data files, any others.
    data: BTreeSet<String>,
}

impl Noting {
    /// What was read since this was asked last.
    fn take(&self) -> Reads {
        let mut reads = self.reads.lock().unwrap_or_else(PoisonError::into_inner);
        std::mem::take(&mut *reads)
    }

    fn note(&self, path: &Path, range: &Range<u64>, size: u64) {
        let mut reads = self.reads.lock().unwrap_or_else(PoisonError::into_inner);
        let name = path.filename().unwrap_or_default();
        // That there is no checkpoint is asked each time; it is not the log.
        if name == "_last_checkpoint" {
            return;
        }
        let is_log = path.as_ref().contains("/_delta_log/");
        let paths = match (is_log, name.ends_with(".parquet"), range.end == size) {
            (true, ..) => &mut reads.log,
            (false, true, true) => &mut reads.footers,
            (false, true, false) => &mut reads.data,
            _ => return,
        };
        paths.insert(path.to_string());
    }
}

impl fmt::Display for Noting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Noting")
    }
}

#[async_trait]
impl ObjectStore for Noting {
    async fn put_opts(
        &self,
        location: &Path,
        payload: PutPayload,
        options: PutOptions,
    ) -> Result<PutResult> {
        self.inner.put_opts(location, payload, options).await
    }

    async fn put_multipart_opts(
        &self,
        location: &Path,
        options: PutMultipartOptions,
    ) -> Result<Box<dyn MultipartUpload>> {
        self.inner.put_multipart_opts(location, options).await
    }

    async fn get_opts(&self, location: &Path, options: GetOptions) -> Result<GetResult> {
        let is_look_up = options.head;
        let got = self.inner.get_opts(location, options).await?;
        if !is_look_up {
            self.note(location, &got.range, got.meta.size);
        }
        Ok(got)
    }

    fn delete_stream(
        &self,
        locations: BoxStream<'static, Result<Path>>,
    ) -> BoxStream<'static, Result<Path>> {
        self.inner.delete_stream(locations)
    }

    fn list(&self, prefix: Option<&Path>) -> BoxStream<'static, Result<ObjectMeta>> {
        self.inner.list(prefix)
    }

    async fn list_with_delimiter(&self, prefix: Option<&Path>) -> Result<ListResult> {
        self.inner.list_with_delimiter(prefix).await
    }

    async fn copy_opts(&self, from: &Path, to: &Path, options: CopyOptions) -> Result<()> {
        self.inner.copy_opts(from, to, options).await
    }
}

/// A school that keeps no answers, over a lake in the store.
async fn over(store: &Arc<Noting>) -> School {
    let root = Url::parse("memory:///").expect("a URL");
    let lake = Lake::new(root, Arc::clone(store) as _, HashMap::new());
    let mut north = Tenant::new(id("north"), "north");
    north.tokens = ["steward", "researcher"]
        .map(|name| {
            let role = match name {
                "steward" => Role::Steward,
                _ => Role::Researcher,
            };
            held(token("north", name), role)
        })
        .into();
    let config = Config {
        threads: 2,
        results_bytes: 0,
        ..Config::default()
    };
    School::over(config, vec![north], lake).await
}

/// Publishes one file of clicks, a student each.
async fn publish(school: &School, positions: Range<u64>) {
    let rows: Vec<Value> = positions
        .map(|position| {
            let own = json!({"student_key": format!("k-{position}"), "count": 2});
            event(position, "2026-09-14T10:05:00Z", "page.viewed", own)
        })
        .collect();
    school
        .publish("north", CLICKSTREAM, Some("2026-27"), &rows)
        .await;
}

async fn number(school: &School, who: &str, sql: &str) -> Value {
    let body = json!({ "sql": sql });
    let request = question(&token("north", who), &body, "application/json");
    school.answer(request).await.rows()[0]["n"].take()
}

#[rstest]
#[case::no_barrier("steward")]
#[case::behind_a_barrier("researcher")]
#[tokio::test]
async fn a_version_is_read_once_and_a_newer_one_only_from_there(#[case] who: &str) {
    let store = Arc::new(Noting::default());
    let school = over(&store).await;
    publish(&school, 0..3).await;
    publish(&school, 3..5).await;
    store.take();

    let students = "SELECT count(DISTINCT student_key) AS n FROM clickstream";
    assert_eq!(number(&school, who, students).await, json!(5));
    let first = store.take();
    assert!(first.log.len() >= 2, "{first:?}");
    assert_eq!(first.footers.len(), 2, "{first:?}");

    // Other columns, other rows: of the files only these are read.
    for sql in [
        "SELECT count(DISTINCT event_id) AS n FROM clickstream",
        "SELECT sum(\"count\") / 2 AS n FROM clickstream WHERE event_type = 'page.viewed'",
    ] {
        assert_eq!(number(&school, who, sql).await, json!(5), "{sql}");
        let again = store.take();
        assert_eq!(again.log, BTreeSet::new(), "{sql}");
        assert_eq!(again.footers, BTreeSet::new(), "{sql}");
        assert_eq!(again.data.len(), 2, "{sql}: {again:?}");
    }

    publish(&school, 5..6).await;
    store.take();
    assert_eq!(number(&school, who, students).await, json!(6));
    let newer = store.take();
    assert_eq!(newer.log.len(), 1, "{newer:?}");
    assert!(newer.log.is_disjoint(&first.log), "{newer:?}");
    assert_eq!(newer.footers.len(), 1, "{newer:?}");
    assert!(newer.footers.is_disjoint(&first.footers), "{newer:?}");
    assert_eq!(newer.data.len(), 3, "{newer:?}");
}
