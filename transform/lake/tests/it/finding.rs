//! Events are found by id wherever upkeep has put them, and cost little where
//! they are not.

use std::collections::{BTreeSet, HashSet};
use std::ops::{Range, RangeInclusive};
use std::sync::Arc;
use std::time::Duration;

use arrow::array::{Array, ArrayRef, AsArray, RecordBatch, StringArray};
use chrono::{DateTime, Utc};
use futures::TryStreamExt;
use lake::{Compaction, Finding, LakeTable, Retention, Rows, Sought, StoredEvent};
use rstest::rstest;
use schemas::Term;
use uuid::Uuid;

use crate::support::{LOG, Place, TestLake, advance, rows};

const TERM: &str = "2026-27";

/// The id of the event at a position: as random as those of senders.
fn id(position: i64) -> Uuid {
    Uuid::new_v5(&Uuid::NAMESPACE_OID, &position.to_be_bytes())
}

fn ids(positions: impl IntoIterator<Item = i64>) -> HashSet<Uuid> {
    positions.into_iter().map(id).collect()
}

/// Rows with ids of their positions, which were received a second apart.
fn events(term: &str, positions: Range<i64>) -> Rows {
    let Rows { term, batches } = rows(term, positions.clone());
    let texts: ArrayRef = Arc::new(StringArray::from_iter_values(
        positions.map(|position| id(position).to_string()),
    ));
    let schema = batches[0].schema();
    let mut columns = batches[0].columns().to_vec();
    columns[schema.index_of("event_id").expect("a column")] = texts;
    let batch = RecordBatch::try_new(schema, columns).expect("rows");
    Rows {
        term,
        batches: vec![batch],
    }
}

/// Publishes the rows, of partition 0, from where it stands.
async fn publish(table: &mut LakeTable, rows: Vec<Rows>, end: i64) {
    let stands = table.next_position(&advance(0, None, 0).app).await;
    let advances = [advance(0, stands.expect("asks"), end.unsigned_abs())];
    table.publish(rows, &advances).await.expect("publishes");
}

/// When the event at a position was received.
fn at(position: i64) -> DateTime<Utc> {
    DateTime::from_timestamp(1_789_000_000 + position, 0).expect("a time")
}

fn ever() -> RangeInclusive<DateTime<Utc>> {
    DateTime::<Utc>::MIN_UTC..=DateTime::<Utc>::MAX_UTC
}

async fn find(table: &LakeTable, ids: &HashSet<Uuid>) -> Finding {
    let terms = BTreeSet::new();
    let sought = Sought {
        ids,
        received: ever(),
        terms: &terms,
    };
    let found = table.find(&sought, |_| false).await;
    found.expect("looks")
}

fn positions(finding: &Finding) -> Vec<u64> {
    let mut positions: Vec<u64> = finding.events.iter().map(|event| event.position).collect();
    positions.sort_unstable();
    positions
}

/// Merges each term into one run, of files large enough for filters.
async fn compact(table: &mut LakeTable) {
    let how = Compaction {
        target_bytes: 256 << 10,
        memory_bytes: 16 << 20,
        least_files: 2,
        closed_before: DateTime::<Utc>::MAX_UTC,
    };
    loop {
        table.refresh().await.expect("refreshes");
        let Some(merge) = table.merges(&how).into_iter().next() else {
            return;
        };
        table.merge(&merge, &how).await.expect("merges");
    }
}

#[rstest]
#[tokio::test(flavor = "multi_thread")]
async fn an_event_is_found_with_what_decides_about_it(
    #[values(Place::Folder, Place::S3)] place: Place,
) {
    let test = TestLake::at(place);
    let mut table = test.video().await;
    assert_eq!(find(&table, &ids([1])).await, Finding::default());
    publish(&mut table, vec![events(TERM, 0..50)], 50).await;
    publish(&mut table, vec![events("2025-26", 50..60)], 60).await;

    assert_eq!(find(&table, &HashSet::new()).await, Finding::default());
    let found = find(&table, &ids([7, 55, 99])).await;
    assert_eq!(positions(&found), [7, 55]);
    assert_eq!(found.files, 2);
    let expected = StoredEvent {
        id: id(55),
        event_type: "x".to_owned(),
        received_at: at(55),
        sent_key: format!("student-{}", 55 % 7),
        log_id: LOG.to_owned(),
        partition: 0,
        position: 55,
    };
    assert!(found.events.contains(&expected), "{found:?}");
}

#[rstest]
#[tokio::test(flavor = "multi_thread")]
async fn where_it_is_not_only_filters_are_read(#[values(Place::Folder, Place::S3)] place: Place) {
    let test = TestLake::at(place);
    let mut table = test.video().await;
    for step in 0..4 {
        let (first, end) = (step * 5_000, (step + 1) * 5_000);
        publish(&mut table, vec![events(TERM, first..end)], end).await;
    }
    let small = find(&table, &ids([-1])).await;
    compact(&mut table).await;
    let merged = table.files();
    let size = table.bytes();

    // One id after the other: a filter says perhaps for a few of them.
    let mut costs = BTreeSet::new();
    for absent in 1..=100 {
        let nothing = find(&table, &ids([-absent])).await;
        assert!(nothing.events.is_empty());
        assert_eq!(nothing.files, merged);
        costs.insert(nothing.bytes);
    }
    let cheapest = *costs.first().expect("looked");
    let dearest = *costs.last().expect("looked");
    assert!(cheapest < size / 4, "{cheapest} of {size}");
    assert!(cheapest < small.bytes / 4, "{cheapest}, {}", small.bytes);
    assert!(dearest > 2 * cheapest, "no filter has said perhaps");

    let many = find(&table, &ids(-2_000..0)).await;
    assert!(many.events.is_empty());
    let found = find(&table, &ids([0, 7, 19_999, 20_000])).await;
    assert_eq!(positions(&found), [0, 7, 19_999]);
    assert!(
        many.bytes < found.bytes,
        "other columns were read for nothing"
    );
}

#[rstest]
#[tokio::test(flavor = "multi_thread")]
async fn files_that_are_gone_meanwhile_are_looked_for_where_their_rows_are(
    #[values(Place::Folder, Place::S3)] place: Place,
) {
    let test = TestLake::at(place);
    let mut writer = test.video().await;
    for step in 0..4 {
        let (first, end) = (step * 10, (step + 1) * 10);
        publish(&mut writer, vec![events(TERM, first..end)], end).await;
    }
    let held = test.video().await;
    let mut upkeep = test.video().await;
    compact(&mut upkeep).await;
    let at_once = Retention {
        removed: Duration::ZERO,
        unnamed: Duration::ZERO,
    };
    let now = Utc::now() + Duration::from_secs(2);
    let vacuumed = upkeep.vacuum(&at_once, now).await.expect("deletes");
    assert_eq!(vacuumed.removed, 4, "{vacuumed:?}");
    assert_eq!(positions(&find(&held, &ids([3, 33, 77])).await), [3, 33]);

    // Nobody has put them elsewhere: they are lost, and that is an error.
    let mut upkeep = test.video().await;
    upkeep.refresh().await.expect("refreshes");
    for file in upkeep.data_files() {
        let path = format!("demo/video/{}", file.path());
        let path = object_store::path::Path::from(path);
        object_store::ObjectStoreExt::delete(&test.store, &path)
            .await
            .expect("deletes");
    }
    let (ids, terms) = (ids([3]), BTreeSet::new());
    let sought = Sought {
        ids: &ids,
        received: ever(),
        terms: &terms,
    };
    let lost = upkeep.find(&sought, |_| false).await;
    assert!(lost.expect_err("is lost").is_missing());
}

#[tokio::test(flavor = "multi_thread")]
async fn files_of_another_time_and_terms_after_the_first_are_not_opened() {
    let test = TestLake::new();
    let mut table = test.video().await;
    publish(&mut table, vec![events(TERM, 0..100)], 100).await;
    publish(&mut table, vec![events("2025-26", 100..200)], 200).await;
    // The same events once more, as a repetition after many days would be.
    publish(&mut table, vec![events("2024-25", 0..10)], 300).await;
    let (ids, none) = (ids([5, 150]), BTreeSet::new());
    let first = BTreeSet::from([TERM.parse::<Term>().expect("a term")]);
    let find = async |received, terms, enough: bool| {
        let sought = Sought {
            ids: &ids,
            received,
            terms,
        };
        let found = table.find(&sought, |_| enough).await;
        found.expect("looks")
    };

    let all = find(ever(), &none, false).await;
    assert_eq!((positions(&all), all.files), (vec![5, 5, 150], 3));
    let late = find(at(100)..=at(149), &none, false).await;
    assert_eq!((positions(&late), late.files), (vec![], 1));
    let exact = find(at(150)..=at(150), &none, false).await;
    assert_eq!((positions(&exact), exact.files), (vec![150], 1));
    let never = find(at(1_000)..=at(2_000), &none, false).await;
    assert_eq!((positions(&never), never.files), (vec![], 0));

    // Both are looked for in the first term, one of them in the others, too.
    let some = find(ever(), &first, true).await;
    assert_eq!(positions(&some), [5, 150]);
    let one = HashSet::from([id(5)]);
    let sought = Sought {
        ids: &one,
        received: ever(),
        terms: &first,
    };
    let found = table.find(&sought, |_| true).await.expect("looks");
    assert_eq!((positions(&found), found.files), (vec![5], 1));
}

/// They have other ideas of what text is in memory, and say so in their files.
#[tokio::test(flavor = "multi_thread")]
async fn files_that_other_engines_wrote_are_searched_read_and_merged() {
    let test = TestLake::new();
    let mut table = test.video().await;
    publish(&mut table, vec![events(TERM, 0..50)], 50).await;
    let url = test.url.join("demo/video/").expect("an address");
    let theirs = deltalake::open_table(url).await.expect("opens");
    let deleted = theirs.delete().with_predicate("log_position = 3").await;
    deleted.expect("deletes");

    table.refresh().await.expect("refreshes");
    let found = find(&table, &ids([2, 3, 4])).await;
    assert_eq!(positions(&found), [2, 4]);
    let files = table.data_files();
    let columns = ["event_id", "log_position"];
    let rows = table.read_data(&files[0], &columns).await.expect("opens");
    let batches: Vec<RecordBatch> = rows.try_collect().await.expect("reads");
    let texts = batches
        .iter()
        .map(|batch| batch.column(0).as_string::<i32>());
    assert_eq!(texts.map(|texts| texts.len()).sum::<usize>(), 49);

    publish(&mut table, vec![events(TERM, 50..60)], 60).await;
    compact(&mut table).await;
    assert_eq!(table.files(), 1);
    let found = find(&table, &ids([2, 3, 55])).await;
    assert_eq!(positions(&found), [2, 55]);
}
