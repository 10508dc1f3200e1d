//! What outgrows its memory goes on on disk, as far as it may.

use std::fs;
use std::path::Path;
use std::time::Duration;

use query::Config;
use rstest::rstest;
use serde_json::json;
use tempfile::TempDir;

use super::read;
use crate::school::{School, question, token};

const MIB: u64 = 1 << 20;

/// Rows of 24 MiB, in memory for 20 of which half are set aside for merging.
const ROWS: i64 = 800_000;
const SORTED: &str = "SELECT value * 7919 % 1000003 AS k, value, value + 1 AS b, value + 2 AS c \
     FROM generate_series(1, 800000) ORDER BY k";

fn config(folder: &TempDir) -> Config {
    Config {
        threads: 1,
        timeout_seconds: 600,
        memory_bytes: 64 * MIB as usize,
        tenant_memory_bytes: 20 * MIB as usize,
        spill_directory: Some(folder.path().to_owned()),
        ..Config::default()
    }
}

/// The bytes that queries have spilled to a folder; what is kept of answers is elsewhere.
pub fn spilled(folder: &Path) -> u64 {
    let mut bytes = 0;
    for entry in fs::read_dir(folder).expect("a folder") {
        let entry = entry.expect("an entry");
        if entry
            .file_name()
            .to_string_lossy()
            .starts_with("datafusion-")
        {
            let files = fs::read_dir(entry.path()).expect("a folder of the service's");
            // Files come and go meanwhile.
            let sizes = files.filter_map(|file| Some(file.ok()?.metadata().ok()?.len()));
            bytes += sizes.sum::<u64>();
        }
    }
    bytes
}

/// Waits until all that was spilled is gone.
async fn swept(folder: &Path) {
    for _ in 0..1_000 {
        if spilled(folder) == 0 {
            return;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    panic!("{} bytes are left", spilled(folder));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_sort_larger_than_its_memory_is_answered() {
    let folder = TempDir::new().expect("a temporary folder");
    let school = School::empty(config(&folder)).await;
    let body = json!({ "sql": SORTED });
    let response = school
        .send(question(&token("new", "steward"), &body, "text/csv"))
        .await;
    let status = response.status();
    // It has read all rows, and waits for who reads the sorted ones.
    let on_disk = spilled(folder.path());
    let (text, is_cut) = read(response).await;
    assert_eq!(status, 200, "{text}");
    assert!(on_disk > 16 * MIB, "{on_disk} bytes were spilled");
    assert!(!is_cut);

    let (mut rows, mut before) = (0, -1);
    for line in text.lines().skip(1) {
        let cells: Vec<i64> = line
            .split(',')
            .map(|cell| cell.parse().expect("a number"))
            .collect();
        let [k, value, b, c] = cells[..] else {
            panic!("{line}");
        };
        assert_eq!((b, c), (value + 1, value + 2));
        // A prime: no two rows have the same.
        assert_eq!(k, value * 7919 % 1_000_003);
        assert!(k > before, "{k} after {before}");
        before = k;
        rows += 1;
    }
    assert_eq!(rows, ROWS);
    swept(folder.path()).await;
}

#[rstest]
#[case::nothing(0, 0)]
#[case::too_little(2 * MIB, 2 * MIB)]
#[case::too_little_for_a_tenant(1024 * MIB, 2 * MIB)]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_sort_that_may_not_spill_as_much_is_refused(#[case] all: u64, #[case] each: u64) {
    let folder = TempDir::new().expect("a temporary folder");
    let config = Config {
        spill_bytes: all,
        tenant_spill_bytes: each,
        ..config(&folder)
    };
    let school = School::empty(config).await;
    let body = json!({ "sql": SORTED });
    // Again: nothing of the first is left that would count.
    for _ in 0..2 {
        let request = question(&token("new", "steward"), &body, "text/csv");
        let (status, code, _) = school.answer(request).await.problem();
        assert_eq!((status, code.as_str()), (507, "query_out_of_memory"));
        swept(folder.path()).await;
    }
    let rows = school.ask("new", "SELECT 1 AS one").await.rows();
    assert_eq!(rows, json!([{"one": 1}]));
}
