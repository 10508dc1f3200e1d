//! What must never run, whatever it is called.

use rstest::rstest;
use serde_json::json;

use crate::school::{School, question, token};

#[rstest]
#[case("COPY clickstream TO '{folder}/out.csv'", 403)]
#[case("COPY (SELECT 1) TO '{folder}/out.parquet' STORED AS PARQUET", 403)]
#[case(
    "CREATE EXTERNAL TABLE t STORED AS PARQUET LOCATION '{folder}/south'",
    403
)]
#[case("CREATE TABLE t AS SELECT 1", 403)]
#[case("CREATE VIEW v AS SELECT 1", 403)]
#[case("SELECT 1 INTO t", 403)]
#[case("INSERT INTO clickstream SELECT * FROM clickstream", 403)]
#[case("DELETE FROM clickstream", 403)]
#[case("UPDATE clickstream SET count = 0", 403)]
#[case("SET datafusion.execution.time_zone = '+02:00'", 403)]
#[case("SHOW datafusion.runtime.temp_directory", 403)]
#[case("PREPARE p AS SELECT 1", 403)]
#[case("SELECT 1; SELECT 2", 403)]
#[case("SELECT * FROM '/etc/passwd'", 400)]
#[case("SELECT * FROM \"/etc/passwd\"", 400)]
#[case("SELECT * FROM \"file:///etc/passwd\"", 400)]
#[case("SELECT * FROM '{folder}/south/clickstream'", 400)]
#[case("SELECT * FROM 'https://example.com/x.parquet'", 400)]
#[case("SELECT * FROM read_csv('/etc/passwd')", 400)]
#[case("SELECT * FROM read_parquet('{folder}/south')", 400)]
#[case("SELECT * FROM parquet_metadata('{folder}/south')", 400)]
#[case("SELECT * FROM glob('/*')", 400)]
#[case("SELECT input_file_name() FROM clickstream", 400)]
#[case("SELECT * FROM information_schema.df_settings", 400)]
#[case("SELECT * FROM information_schema.views", 400)]
#[case("SELECT * FROM south.clickstream", 400)]
#[case("SELECT * FROM south.public.clickstream", 400)]
#[case("SELECT * FROM datafusion.public.clickstream", 400)]
#[tokio::test]
async fn what_must_not_run_fails_closed(#[case] sql: &str, #[case] status: u16) {
    let school = School::with(query::Config::default()).await;
    let folder = school.folder.path().to_str().expect("text").to_owned();
    // The first question makes the key of the tenant's records.
    school.ask("north", "SELECT 1").await.rows();
    let before = files(school.folder.path());
    let sql = sql.replace("{folder}", &folder);
    let answer = school.ask("north", &sql).await;
    let (got, code, detail) = answer.problem();
    assert_eq!(got, status, "{sql}: {code} {detail}");
    if status == 403 {
        assert_eq!(code, "statement_not_allowed", "{sql}");
    }
    assert!(!detail.contains("DataFusion"), "{detail}");
    assert_eq!(files(school.folder.path()), before, "{sql} wrote something");
}

#[tokio::test]
async fn explain_names_no_file_and_running_it_is_for_stewards() {
    let school = School::with(query::Config::default()).await;
    let folder = school.folder.path().to_str().expect("text").to_owned();
    for sql in [
        "EXPLAIN SELECT count(*) FROM clickstream WHERE term = '2026-27'",
        "EXPLAIN VERBOSE SELECT student_key FROM clickstream WHERE count > 2",
        "EXPLAIN ANALYZE SELECT * FROM clickstream",
        "EXPLAIN FORMAT TREE SELECT * FROM clickstream",
        "EXPLAIN SELECT * FROM ledger",
    ] {
        let answer = school.ask("north", sql).await;
        assert!(
            answer
                .rows()
                .as_array()
                .is_some_and(|rows| !rows.is_empty())
        );
        let text = answer.text();
        let folder = folder.trim_start_matches('/');
        assert!(
            !text.contains(folder) && !text.contains(".parquet"),
            "{sql}: {text}"
        );
    }
    let body = json!({ "sql": "EXPLAIN ANALYZE SELECT * FROM clickstream" });
    let request = question(&token("north", "analyst"), &body, "*/*");
    assert_eq!(
        school.answer(request).await.problem().1,
        "statement_not_allowed"
    );
}

/// All files below a folder, with their sizes.
fn files(folder: &std::path::Path) -> Vec<(std::path::PathBuf, u64)> {
    let mut found = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).expect("a folder") {
            let entry = entry.expect("an entry");
            let metadata = entry.metadata().expect("its metadata");
            if metadata.is_dir() {
                folders.push(entry.path());
            } else {
                found.push((entry.path(), metadata.len()));
            }
        }
    }
    found.sort();
    found
}
