use std::cell::Cell;
use std::collections::BTreeMap;

use datafusion::arrow::array::{
    Array, ArrayRef, AsArray, Int64Array, RecordBatch, StringArray, new_null_array,
};
use datafusion::common::exec_err;
use datafusion::datasource::MemTable;
use datafusion::execution::memory_pool::{GreedyMemoryPool, MemoryPool};
use datafusion::execution::runtime_env::RuntimeEnvBuilder;
use datafusion::execution::session_state::SessionStateBuilder;
use datafusion::prelude::{SessionConfig, SessionContext};
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use tokio::runtime::Builder;

use super::*;
use crate::catalog::{CATALOG, SCHEMA};

/// Reports that have totals, each with the columns that tell apart groups here, and the
/// cells of one.
const REPORTS: [(&str, &str, &str); 2] = [
    ("section_day", "course_id", "section_id"),
    ("answer_distribution", "item_id", "response"),
];

/// How many students each count of a cell has; a report of one count has the first.
type Counts = [i64; 2];

/// A report with some groups of cells, and what a test asks of it.
struct Sample<'a> {
    report: &'static Report,
    group_by: &'a str,
    cell_by: &'a str,
    groups: &'a [Vec<Counts>],
    least: i64,
}

/// Groups whose cells are small more often than not. Both counts of a group have the same
/// total, as the first and the last answers to an item have.
fn groups() -> impl Strategy<Value = Vec<Vec<Counts>>> {
    let count = prop_oneof![0..=30_i64, 0..=6_i64];
    let group = prop::collection::vec(count, 1..8).prop_map(|counts| {
        let mut others = counts.clone();
        others.rotate_left(1);
        let both = counts.into_iter().zip(others);
        both.map(|(one, other)| [one, other])
            .collect::<Vec<Counts>>()
    });
    prop::collection::vec(group, 1..24)
}

fn template() -> SessionState {
    let config = SessionConfig::new()
        .with_default_catalog_and_schema(CATALOG, SCHEMA)
        .with_create_default_catalog_and_schema(false);
    SessionStateBuilder::new()
        .with_config(config)
        .with_default_features()
        .build()
}

impl Sample<'_> {
    fn cell(&self) -> &'static MinimumCell<'static> {
        let cell = self.report.minimum_cell.as_ref();
        cell.expect("a minimum cell")
    }

    fn rows(&self) -> RecordBatch {
        let mut cells: Vec<(usize, usize, Counts)> = Vec::new();
        for (group, counts) in self.groups.iter().enumerate() {
            let counts = counts.iter().enumerate();
            cells.extend(counts.map(|(cell, counts)| (group, cell, *counts)));
        }
        let texts = |text: &dyn Fn(usize, usize) -> String| -> ArrayRef {
            let texts = cells.iter().map(|(group, cell, _)| text(*group, *cell));
            Arc::new(texts.map(Some).collect::<StringArray>())
        };
        let columns = self.report.schema().fields().iter().map(|column| {
            let name = column.name().as_str();
            if let Some(place) = self.cell().students.iter().position(|of| *of == name) {
                // Where nobody is counted there may be no count.
                let counts = cells.iter().map(|(_, cell, counts)| {
                    let is_there = counts[place] > 0 || cell % 2 == 0;
                    is_there.then_some(counts[place])
                });
                return Arc::new(counts.collect::<Int64Array>()) as ArrayRef;
            }
            match name {
                "term" => texts(&|_, _| "2026-27".to_owned()),
                _ if name == self.group_by => texts(&|group, _| group.to_string()),
                _ if name == self.cell_by => texts(&|group, cell| format!("{group} {cell}")),
                _ => new_null_array(column.data_type(), cells.len()),
            }
        });
        let columns = columns.collect();
        RecordBatch::try_new(Arc::clone(self.report.schema()), columns).expect("rows")
    }

    fn table(&self) -> Rows<'static> {
        let rows = MemTable::try_new(Arc::clone(self.report.schema()), vec![vec![self.rows()]]);
        Rows {
            report: self.report,
            cell: self.cell(),
            rows: Arc::new(rows.expect("a table")),
        }
    }

    async fn groups(&self, state: &SessionState) -> Result<Groups> {
        let least = u32::try_from(self.least).expect("a small number");
        Groups::of(&self.table(), least, state, &Interrupt::default()).await
    }

    /// Of each cell, by its name, whether it may be shown.
    async fn kept(&self) -> BTreeMap<String, bool> {
        let groups = self.groups(&template()).await.expect("groups");
        let judged = self.table().judged_by(Arc::new(groups));
        let config = SessionConfig::new().with_target_partitions(1);
        let frame = SessionContext::new_with_config(config).read_table(judged.expect("a view"));
        let batches = frame.expect("a plan").collect().await.expect("rows");
        let mut kept = BTreeMap::new();
        for batch in &batches {
            let names = batch.column_by_name(self.cell_by).expect("the cells");
            let told = batch.column_by_name(KEPT).expect("a decision");
            assert_eq!(told.null_count(), 0);
            let names = names.as_string::<i32>().iter().flatten();
            let told = told.as_boolean().iter().flatten();
            kept.extend(names.map(str::to_owned).zip(told));
        }
        kept
    }
}

/// A cell of a group as it was judged: its counts, and whether it is shown.
type Judged<'a> = (&'a [i64], bool);

fn size((counts, _): &Judged<'_>) -> i64 {
    counts.iter().copied().min().expect("a count")
}

/// Whoever knows the total of each count, where that is of enough students itself, and all
/// that is shown, can tell what is hidden of no cell: there are two or more, of enough
/// students together, and one may have what another has.
fn nothing_can_be_solved_for(cells: &[Judged<'_>], least: i64) -> bool {
    let places = cells.first().map_or(0, |(counts, _)| counts.len());
    (0..places).all(|place| {
        let total: i64 = cells.iter().map(|(counts, _)| counts[place]).sum();
        let hidden = cells.iter().filter(|(_, is_shown)| !is_shown);
        let hidden: Vec<i64> = hidden.map(|(counts, _)| counts[place]).collect();
        let are_covered = hidden.len() >= 2 && hidden.iter().sum::<i64>() >= least;
        total < least || hidden.is_empty() || are_covered
    })
}

/// Whether a cell that is large enough could be shown as well.
fn is_hidden_for_nothing(cells: &[Judged<'_>], place: usize, least: i64) -> bool {
    if cells.iter().all(|cell| size(cell) >= least) {
        return true;
    }
    let hidden = cells.iter().enumerate();
    let rest = hidden.filter(|(other, (_, is_shown))| *other != place && !is_shown);
    let rest: Vec<i64> = rest.map(|(_, cell)| size(cell)).collect();
    rest.len() >= 2 && rest.iter().sum::<i64>() >= least
}

#[test]
fn what_is_hidden_cannot_be_reckoned_and_nothing_is_hidden_for_nothing() {
    let config = Config {
        cases: 64,
        failure_persistence: None,
        ..Config::default()
    };
    let runtime = Builder::new_current_thread().build().expect("a runtime");
    // Cells that are large enough and hidden, and cells that are shown beside hidden ones.
    let (covers, beside) = (Cell::new(0), Cell::new(0));
    let outcome = TestRunner::new(config).run(&(groups(), 2..=12_i64), |(groups, least)| {
        for (name, group_by, cell_by) in REPORTS {
            let asked = Sample {
                report: schemas::report(name).expect("a report"),
                group_by,
                cell_by,
                groups: &groups,
                least,
            };
            let kept = runtime.block_on(asked.kept());
            prop_assert_eq!(kept.len(), groups.iter().map(Vec::len).sum::<usize>());
            let counted = asked.cell().students.len();
            for (group, cells) in groups.iter().enumerate() {
                let cells = cells.iter().enumerate();
                let cells: Vec<Judged<'_>> = cells
                    .map(|(cell, counts)| (&counts[..counted], kept[&format!("{group} {cell}")]))
                    .collect();
                let has_hidden = cells.iter().any(|(_, is_shown)| !is_shown);
                for (place, cell) in cells.iter().enumerate() {
                    let (is_small, is_shown) = (size(cell) < least, cell.1);
                    prop_assert!(!(is_small && is_shown), "{name} {least} {cells:?}");
                    if !is_small && !is_shown {
                        covers.set(covers.get() + 1);
                        let is_needless = is_hidden_for_nothing(&cells, place, least);
                        prop_assert!(!is_needless, "{name} {least} {cells:?}");
                    }
                    beside.set(beside.get() + usize::from(is_shown && has_hidden));
                }
                let is_safe = nothing_can_be_solved_for(&cells, least);
                prop_assert!(is_safe, "{name} {least} {cells:?}");
            }
        }
        Ok(())
    });
    outcome.expect("neither too little nor too much is hidden");
    assert!(covers.get() > 100, "{covers:?}");
    assert!(beside.get() > 100, "{beside:?}");
}

/// A version of what is judged in these tests.
fn version(version: u64) -> Version {
    Version {
        tenant: "north".parse().expect("a tenant"),
        report: "section_day",
        sources: vec![("section_day", 7, version)],
        least: 5,
    }
}

/// Two groups: of one all is shown, of the other the third cell.
fn sample(groups: &[Vec<Counts>]) -> Sample<'_> {
    let (name, group_by, cell_by) = REPORTS[0];
    Sample {
        report: schemas::report(name).expect("a report"),
        group_by,
        cell_by,
        groups,
        least: 5,
    }
}

#[tokio::test]
async fn groups_are_reckoned_once_for_each_version_of_a_report() {
    let counts = vec![vec![[6, 6], [7, 7]], vec![[1, 1], [5, 5], [8, 8]]];
    let sample = sample(&counts);
    let (cells, times) = (Cells::new(1 << 20), Cell::new(0));
    let state = template();
    let reckon = async || {
        times.set(times.get() + 1);
        sample.groups(&state).await
    };
    for (number, expected) in [(0, 1), (0, 1), (1, 2), (0, 2)] {
        let groups = cells.get(version(number), reckon).await;
        assert!(groups.expect("groups").bytes() > 0);
        assert_eq!(times.get(), expected);
    }
    // What is held is nobody's memory.
    assert_eq!(state.runtime_env().memory_pool.reserved(), 0);
    let others = Version {
        tenant: "south".parse().expect("a tenant"),
        ..version(0)
    };
    let stricter = Version {
        least: 6,
        ..version(0)
    };
    for (other, expected) in [(others, 3), (stricter, 4)] {
        cells.get(other, reckon).await.expect("groups");
        assert_eq!(times.get(), expected);
    }
}

#[tokio::test]
async fn what_is_too_large_to_be_held_is_the_memory_of_who_asked() {
    let counts = vec![vec![[6, 6], [7, 7]]];
    let sample = sample(&counts);
    let config = SessionConfig::new();
    let pool: Arc<dyn MemoryPool> = Arc::new(GreedyMemoryPool::new(64 << 20));
    let runtime = RuntimeEnvBuilder::new().with_memory_pool(Arc::clone(&pool));
    let state = SessionStateBuilder::new()
        .with_config(config)
        .with_runtime_env(runtime.build_arc().expect("an environment"))
        .with_default_features()
        .build();
    let (cells, times) = (Cells::new(16), Cell::new(0));
    for expected in 1..=2 {
        let groups = cells.get(version(0), async || {
            times.set(times.get() + 1);
            sample.groups(&state).await
        });
        let groups = groups.await.expect("groups");
        assert_eq!(pool.reserved(), groups.bytes());
        drop(groups);
        assert_eq!(pool.reserved(), 0);
        assert_eq!(times.get(), expected);
    }
}

#[tokio::test]
async fn who_waits_for_a_query_that_fails_reckons_for_itself() {
    let counts = vec![vec![[6, 6], [7, 7]]];
    let sample = sample(&counts);
    let state = template();
    let cells = Cells::new(1 << 20);
    let failing = cells.get(version(0), async || {
        // The other is waiting by now.
        tokio::task::yield_now().await;
        exec_err!("not enough memory")
    });
    let other = cells.get(version(0), async || sample.groups(&state).await);
    let (failed, other) = tokio::join!(failing, other);
    let failed = failed.expect_err("no groups").to_string();
    assert!(failed.contains("not enough memory"), "{failed}");
    other.expect("groups");
    // What failed is not held.
    let again = cells.get(version(0), async || sample.groups(&state).await);
    again.await.expect("groups");
}
