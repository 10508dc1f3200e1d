//! Upkeep loses no row and no position, whatever else is done at once.

mod cleaning;
mod merging;
mod moving;
mod together;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use arrow::array::{ArrayRef, AsArray, Int64Array, RecordBatch};
use arrow::datatypes::Int64Type;
use arrow::error::ArrowError;
use chrono::DateTime;
use futures::TryStreamExt;
use lake::{Advance, AppId, Compaction, Fate, LakeTable, Merged, Retention, Slices, TermSlices};

use crate::support::{LOG, TestLake, advance, rows};

const TERM: &str = "2026-27";

/// Everything that can go, goes at once.
const AT_ONCE: Retention = Retention {
    removed: Duration::ZERO,
    unnamed: Duration::ZERO,
};

const OTHER_TERM: &str = "2027-28";

fn how() -> Compaction {
    Compaction {
        target_bytes: 1 << 20,
        memory_bytes: 16 << 20,
        least_files: 2,
        closed_before: DateTime::UNIX_EPOCH,
    }
}

/// Merges until nothing is left to merge.
async fn compact(table: &mut LakeTable, how: &Compaction) -> Merged {
    let mut all = Merged::default();
    loop {
        table.refresh().await.expect("refreshes");
        let Some(merge) = table.merges(how).into_iter().next() else {
            return all;
        };
        all += table.merge(&merge, how).await.expect("merges");
    }
}

/// Publishes some rows of partition 0, from where it stands.
async fn publish(table: &mut LakeTable, count: u64) {
    let app = AppId::rows(LOG, 0);
    let stands = table.next_position(&app).await.expect("asks");
    let from = stands.unwrap_or(0);
    let new = rows(TERM, from.cast_signed()..(from + count).cast_signed());
    let advances = [advance(0, stands, from + count)];
    let published = table.publish(vec![new], &advances).await;
    published.expect("publishes");
}

/// How many data files lie in the table's folder.
async fn files(test: &TestLake) -> usize {
    let prefix = object_store::path::Path::from("demo/video");
    let files: Vec<_> = test
        .store
        .list(Some(&prefix))
        .try_collect()
        .await
        .expect("lists");
    let data = files
        .iter()
        .filter(|f| !f.location.as_ref().contains("_delta_log"));
    data.count()
}

fn replaced(position: i64) -> (Slices, lake::Rows) {
    let values: ArrayRef = Arc::new(Int64Array::from(vec![position]));
    let values = RecordBatch::try_from_iter([("log_position", values)]).expect("values");
    let slices = BTreeMap::from([(TERM.parse().expect("a term"), TermSlices::Of(values))]);
    (Slices::Of(slices), rows(TERM, position..position + 1))
}

fn other_reader(expected: Option<u64>, next: u64) -> Advance {
    Advance {
        app: AppId::counts("other", 0),
        expected,
        next,
    }
}

/// What becomes of rows, by their position.
fn by_position(
    fate: impl Fn(i64) -> Fate,
) -> impl FnMut(&RecordBatch) -> Result<Vec<Fate>, ArrowError> {
    move |rows| {
        let positions = rows["log_position"].as_primitive::<Int64Type>().values();
        Ok(positions.iter().map(|position| fate(*position)).collect())
    }
}

fn moved_if(is_moved: bool) -> Fate {
    match is_moved {
        true => Fate::Moves(OTHER_TERM.parse().expect("a term")),
        false => Fate::Stays,
    }
}
