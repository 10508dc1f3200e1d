//! A school brings its history: CSV and a mapping file become events, once.

use std::io::Write as _;

use e2e::Sandbox;
use flate2::Compression;
use flate2::write::GzEncoder;
use serde_json::json;

const MAPPING: &str = r#"
time_zone = "America/Chicago"

[[events]]
type = "page.viewed"
when = [{ column = "action", is = ["view"] }]
time = "at"
actor = { template = "mailto:{email}" }
course = { value = "bio-101" }
data.url = "url"

[[events]]
type = "assessment.graded"
when = [{ column = "score" }]
time = "at"
actor = { template = "mailto:{email}" }
data.assessment = "quiz"
data.score = "score"
"#;

/// So many rows: more than one request takes.
const ROWS: usize = 2_500;

fn rows() -> String {
    let mut rows = "action,at,email,url,quiz,score\n".to_owned();
    for row in 0..ROWS {
        let at = format!("2025-09-15 {:02}:{:02}:00", 8 + row / 60 % 10, row % 60);
        let who = format!("s{}@school.example", row % 40);
        rows += &match row % 10 {
            0 => format!("grade,{at},{who},,quiz-{},{}\n", row / 10, row % 7),
            // One that is no number, to be refused.
            1 if row == 1 => format!("grade,{at},{who},,quiz-x,many\n"),
            _ => format!("view,{at},{who},https://lms.example/{row},,\n"),
        };
    }
    rows
}

#[tokio::test(flavor = "multi_thread")]
async fn history_comes_in_by_a_mapping_once() {
    let sandbox = Sandbox::up().await;
    let folder = tempfile::tempdir().expect("a folder");
    let path = |name: &str| folder.path().join(name).display().to_string();
    std::fs::write(path("mapping.toml"), MAPPING).expect("written");
    let mut gz = GzEncoder::new(Vec::new(), Compression::fast());
    gz.write_all(rows().as_bytes()).expect("memory takes all");
    let gz = gz.finish().expect("memory takes all");
    std::fs::write(path("log.csv.gz"), gz).expect("written");

    let url = sandbox.address().ingest.clone();
    let (mapping, file) = (path("mapping.toml"), path("log.csv.gz"));
    let import = ["import", "events", "--mapping", &mapping, &file];
    let target = ["--key", &sandbox.tenant.key, "--url", &url];
    let import = [&import[..], &target].concat();

    let shown = sandbox.cli(&[&import[..], &["--dry-run"]].concat());
    let events = shown["events"].as_array().expect("events");
    assert_eq!(events.len(), 10);
    assert_eq!(events[2]["time"], "2025-09-15T13:02:00.000000Z");
    assert_eq!(events[2]["data"]["url"], "https://lms.example/2");

    let grades = ROWS.div_ceil(10) as u64;
    let views = ROWS as u64 - grades - 1;
    let (code, summary) = sandbox.cli_with_code(&import);
    // What is not taken is named, and the command says that not all went well.
    assert_eq!(code, 1, "{summary}");
    assert_eq!(summary["accepted"], json!(views + grades));
    assert_eq!(summary["rejected"], json!(1));
    assert_eq!(summary["rejections"][0]["row"], json!(2));
    assert_eq!(summary["rejections"][0]["code"], "wrong_type");
    sandbox.wait_for_count("clickstream", views).await;
    sandbox.wait_for_count("assessment", grades).await;
    let first = "select min(occurred_at) as t from clickstream";
    let first = sandbox.value(first).await.to_string();
    assert!(first.contains("2025-09-15T13:01:00"), "{first}");

    // Again, remembering nothing: the same ids, so nothing is stored twice.
    let state = path("other.state");
    let again = [&import[..], &["--state", &state]].concat();
    let (_, summary) = sandbox.cli_with_code(&again);
    assert_eq!(summary["accepted"], json!(views + grades));
    sandbox.wait_for_count("duplicates", views + grades).await;
    sandbox.wait_for_count("clickstream", views).await;
    // And remembering it: nothing is sent.
    let summary = sandbox.cli(&import);
    assert_eq!(summary["skipped_rows"], json!(ROWS));
    assert_eq!(summary["events"], json!(0));
}
