//! Which files of a table are to become one: decided from what the log says of
//! them, without reading any.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use schemas::{Table, Term};

use crate::LakeTable;
use crate::encode::ROW_GROUP_ROWS;
use crate::scan::newest_received;

/// How files are merged.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Compaction {
    /// Files of this size are large enough, in bytes.
    pub target_bytes: u64,
    /// What a merge may take, in bytes: at least twice the target.
    pub memory_bytes: u64,
    /// Files of about one size from which on they are merged. The more, the less
    /// often a row is written again.
    pub least_files: usize,
    /// A term of which nothing was received since is sorted as a whole, once.
    pub closed_before: DateTime<Utc>,
}

/// Files of one term, or of a table without terms, that are to be merged.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Merge {
    pub(crate) term: Option<Term>,
    pub(crate) runs: Vec<Run>,
}

/// Files whose rows follow each other in the table's order: one that was
/// published, or those of one merge.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Run {
    pub files: Vec<RunFile>,
}

/// A file of the version that is held.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct RunFile {
    pub path: String,
    pub bytes: u64,
    pub rows: u64,
}

impl Merge {
    /// The term of the files; `None` where the table has none.
    pub fn term(&self) -> Option<&Term> {
        self.term.as_ref()
    }

    /// How many files are read.
    pub fn files(&self) -> usize {
        self.runs.iter().map(|run| run.files.len()).sum()
    }

    /// How large they are together.
    pub fn bytes(&self) -> u64 {
        self.runs.iter().map(Run::bytes).sum()
    }
}

impl Run {
    pub fn bytes(&self) -> u64 {
        self.files.iter().map(|file| file.bytes).sum()
    }

    /// What reading it takes: one row group as it is, and one batch unpacked.
    fn memory(&self) -> u64 {
        let file = |file: &RunFile| {
            let groups = file.rows.div_ceil(ROW_GROUP_ROWS as u64).max(1);
            file.bytes / groups + file.rows.clamp(64, BATCH_ROWS) * UNPACKED_ROW_BYTES
        };
        self.files.iter().map(file).max().unwrap_or(0)
    }
}

/// Rows of a file that are unpacked at a time, and what one of them takes: twice,
/// as the merge keeps the batch before.
const BATCH_ROWS: u64 = 1024;
const UNPACKED_ROW_BYTES: u64 = 2 * 600;

/// Files below this part of the target are all alike small.
const SMALL: u64 = 64;

impl LakeTable {
    /// The merges that the table needs at this version; none when it is as it
    /// should be. Tables of reports are left alone: whoever replaces their
    /// slices keeps their files few.
    pub fn merges(&self, how: &Compaction) -> Vec<Merge> {
        if matches!(self.kind(), Table::Report(_)) {
            return Vec::new();
        }
        let mut terms: BTreeMap<Option<Term>, Files> = BTreeMap::new();
        for file in self.state().log_data().iter() {
            let path = file.path().into_owned();
            let stats = file.stats();
            let term = file.partition_values_map().remove("term").flatten();
            let term = term.and_then(|term| term.parse().ok());
            let files = terms.entry(term).or_default();
            let newest = stats.as_deref().and_then(newest_received);
            files.newest = files.newest.max(newest);
            let run = run_of(&path).unwrap_or(&path).to_owned();
            files.runs.entry(run).or_default().push(RunFile {
                path,
                bytes: u64::try_from(file.size()).unwrap_or(0),
                rows: file.num_records().unwrap_or(0) as u64,
            });
        }
        let merges = terms.into_iter().flat_map(|(term, files)| {
            let closed = files.newest.is_some_and(|at| at < how.closed_before);
            let runs = files.runs.into_values().map(|mut files| {
                files.sort();
                Run { files }
            });
            let merges = if closed {
                whole(runs.collect(), how)
            } else {
                tiers(runs.collect(), how)
            };
            let merges = merges.into_iter().map(move |runs| Merge {
                term: term.clone(),
                runs,
            });
            merges.collect::<Vec<_>>()
        });
        merges.collect()
    }
}

impl LakeTable {
    /// The files of a term, or of a table without terms, as runs.
    pub(crate) fn runs(&self, term: Option<&Term>) -> Vec<Run> {
        let mut runs: BTreeMap<String, Vec<RunFile>> = BTreeMap::new();
        for file in self.state().log_data().iter() {
            let path = file.path().into_owned();
            let of = file.partition_values_map().remove("term").flatten();
            if of.as_deref() != term.map(Term::as_str) {
                continue;
            }
            let run = run_of(&path).unwrap_or(&path).to_owned();
            runs.entry(run).or_default().push(RunFile {
                path,
                bytes: u64::try_from(file.size()).unwrap_or(0),
                rows: file.num_records().unwrap_or(0) as u64,
            });
        }
        let runs = runs.into_values().map(|mut files| {
            files.sort();
            Run { files }
        });
        runs.collect()
    }
}

/// The files of one term, by run.
#[derive(Default)]
struct Files {
    newest: Option<DateTime<Utc>>,
    runs: BTreeMap<String, Vec<RunFile>>,
}

/// Begins the names of a merge's files; then comes their number, which sorts.
pub(crate) fn run_prefix(table: Table, id: &str) -> String {
    format!("{table}-run-{id}")
}

/// The run of a file that a merge has written.
fn run_of(path: &str) -> Option<&str> {
    let name = path.rsplit('/').next()?;
    let (run, _part) = name
        .rsplit_once('.')
        .and_then(|_| name.split_once(".zstd"))?;
    let (run, _number) = run.rsplit_once('-')?;
    run.contains("-run-").then_some(run)
}

/// Merges files of about one size. A large one takes part only with as many bytes
/// of smaller ones: each time that a row is written again, its file is twice as
/// large at least, mostly `least_files` times.
fn tiers(mut runs: Vec<Run>, how: &Compaction) -> Vec<Vec<Run>> {
    runs.retain(|run| run.bytes() < how.target_bytes);
    runs.sort_by_key(Run::bytes);
    let mut merges = Vec::new();
    let mut tier = Tier::default();
    for run in runs {
        let alike = run.bytes() <= tier.alike().max(how.target_bytes / SMALL);
        let enough = tier.bytes >= how.target_bytes;
        if !tier.runs.is_empty() && (!alike || enough || !tier.has_room_for(&run, how)) {
            merges.push(std::mem::take(&mut tier).runs);
        }
        tier.add(run);
    }
    merges.push(tier.runs);
    merges.retain(|runs| runs.len() >= how.least_files.max(2));
    merges
}

/// Merges all files into one run, or as many of the smallest as memory allows:
/// then once more, until one is left.
fn whole(mut runs: Vec<Run>, how: &Compaction) -> Vec<Vec<Run>> {
    runs.sort_by_key(Run::bytes);
    let mut tier = Tier::default();
    for run in runs {
        if tier.runs.len() >= 2 && !tier.has_room_for(&run, how) {
            break;
        }
        tier.add(run);
    }
    let merges = (tier.runs.len() >= 2).then_some(tier.runs);
    merges.into_iter().collect()
}

#[derive(Default)]
struct Tier {
    runs: Vec<Run>,
    bytes: u64,
    memory: u64,
}

impl Tier {
    fn add(&mut self, run: Run) {
        self.bytes += run.bytes();
        self.memory += run.memory();
        self.runs.push(run);
    }

    /// Up to which size a further run is alike: sizes that differ by little are,
    /// and a large one is of as many bytes of smaller ones.
    fn alike(&self) -> u64 {
        let least = self.runs.first().map_or(0, Run::bytes);
        self.bytes.max(2 * least)
    }

    /// What is written takes up to the target and a row group more.
    fn has_room_for(&self, run: &Run, how: &Compaction) -> bool {
        let written = how.target_bytes + how.target_bytes / 4;
        self.memory + run.memory() <= how.memory_bytes.saturating_sub(written)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use rstest::rstest;

    use super::*;

    const MB: u64 = 1 << 20;

    fn how() -> Compaction {
        Compaction {
            target_bytes: 64 * MB,
            memory_bytes: 128 * MB,
            least_files: 4,
            closed_before: DateTime::UNIX_EPOCH,
        }
    }

    fn runs(bytes: &[u64]) -> Vec<Run> {
        let run = |(number, bytes): (usize, &u64)| Run {
            files: vec![RunFile {
                path: format!("{number:03}"),
                bytes: *bytes,
                rows: bytes / 60,
            }],
        };
        bytes.iter().enumerate().map(run).collect()
    }

    fn sizes(merges: &[Vec<Run>]) -> Vec<Vec<u64>> {
        let merge = |runs: &Vec<Run>| runs.iter().map(Run::bytes).collect();
        merges.iter().map(merge).collect()
    }

    #[rstest]
    #[case::nothing(&[], vec![])]
    #[case::too_few(&[1, 1, 1], vec![])]
    #[case::small_ones_are_alike(&[9, 1, 500_000, 3], vec![vec![1, 3, 9, 500_000]])]
    #[case::a_large_one_waits(&[1, 2, 3, 4, 40 * MB], vec![vec![1, 2, 3, 4]])]
    #[case::until_there_are_others(&[10 * MB, 11 * MB, 12 * MB, 40 * MB, 63 * MB], vec![])]
    #[case::of_nearly_one_size(&[3 * MB, 3 * MB + 1, 3 * MB + 2, 3 * MB + 3],
        vec![vec![3 * MB, 3 * MB + 1, 3 * MB + 2, 3 * MB + 3]])]
    #[case::of_one_size(&[3 * MB; 4], vec![vec![3 * MB; 4]])]
    #[case::large_enough(&[64 * MB, 65 * MB, 66 * MB, 67 * MB, 68 * MB], vec![])]
    fn files_of_one_size_are_merged(#[case] bytes: &[u64], #[case] expected: Vec<Vec<u64>>) {
        let merges = tiers(runs(bytes), &how());
        assert_eq!(sizes(&merges), expected);
    }

    #[test]
    fn a_closed_term_becomes_one_run_however_large_it_is() {
        assert!(whole(runs(&[7]), &how()).is_empty());
        let all = whole(runs(&[90 * MB, 1, 2]), &how());
        assert_eq!(sizes(&all), [[1, 2, 90 * MB]]);
        // More than memory allows at once: the smallest first, never fewer than two.
        let tight = Compaction {
            memory_bytes: 0,
            ..how()
        };
        assert_eq!(sizes(&whole(runs(&[5, 3, 9]), &tight)), [[3, 5]]);
    }

    #[rstest]
    #[case(
        "term=2026-27/video-run-0197-00012.zstd.parquet",
        Some("video-run-0197")
    )]
    #[case("term=2026-27/video-0197c3b2-0000.zstd.parquet", None)]
    #[case("quarantine-run-0197-00000.zstd.parquet", Some("quarantine-run-0197"))]
    #[case("part-00001-run-c000.snappy.parquet", None)]
    fn a_run_is_told_from_the_name(#[case] path: &str, #[case] run: Option<&str>) {
        assert_eq!(run_of(path), run);
    }

    proptest! {
        /// However files come, merging ends, and few are left below the target.
        #[test]
        fn merging_ends_with_few_files(bytes in prop::collection::vec(1..3_000_000_u64, 0..200)) {
            let how = how();
            let mut left = bytes.clone();
            let mut written = 0;
            loop {
                let merges = tiers(runs(&left), &how);
                let Some(merge) = merges.first() else { break };
                let merged: Vec<u64> = merge.iter().map(Run::bytes).collect();
                for size in &merged {
                    let place = left.iter().position(|other| other == size);
                    left.swap_remove(place.expect("a file of that size"));
                }
                left.push(merged.iter().sum());
                written += merged.iter().sum::<u64>();
            }
            prop_assert_eq!(left.iter().sum::<u64>(), bytes.iter().sum::<u64>());
            prop_assert!(left.len() < 4 * 6, "{left:?}");
            prop_assert!(written <= 6 * bytes.iter().sum::<u64>());
        }
    }
}
