//! Golden answers as text, in the format of sqllogictest: `query` (with
//! `rowsort` for rows in any order), the SQL, `----`, a line per row; or
//! `statement error <code>` and the SQL.

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::school::{Answer, School};

#[tokio::test]
async fn golden_answers() {
    let school = School::new().await;
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut failures = String::new();
    let mut paths = files(&root.join("tests/slt"));
    paths.extend(files(&root.join("../schemas/reports")));
    // The other reports are tables that transform fills: their golden answers
    // are tested there.
    paths.retain(|path| !is_table(path));
    for path in paths {
        let text = fs::read_to_string(&path).expect("a golden file");
        for record in text.split("\n\n").map(without_comments) {
            if record.is_empty() {
                continue;
            }
            let (head, rest) = record.split_once('\n').expect("a head and SQL");
            let (sql, expected) = rest.split_once("\n----").unwrap_or((rest, ""));
            let answer = school.ask("north", sql).await;
            let (expected, got) = match head.strip_prefix("statement error ") {
                Some(code) => (code.to_owned(), answer.problem().1),
                None => compared(expected, &answer, head.contains("rowsort")),
            };
            if expected != got {
                let file = path.file_name().unwrap_or_default().to_string_lossy();
                writeln!(
                    failures,
                    "{file}: {sql}\n--- expected\n{expected}\n--- got\n{got}\n"
                )
                .expect("text");
            }
        }
    }
    assert!(failures.is_empty(), "\n{failures}");
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).expect("a folder");
    let paths = entries.map(|entry| entry.expect("an entry").path());
    let mut paths: Vec<PathBuf> = paths
        .filter(|path| path.extension().is_some_and(|extension| extension == "slt"))
        .collect();
    paths.sort();
    paths
}

fn is_table(path: &Path) -> bool {
    let name = path.file_stem().and_then(|stem| stem.to_str());
    name.is_some_and(|name| schemas::Table::from_name(name).is_some())
}

fn without_comments(record: &str) -> String {
    let lines = record.lines().filter(|line| !line.starts_with('#'));
    lines.collect::<Vec<_>>().join("\n").trim().to_owned()
}

fn compared(expected: &str, answer: &Answer, sort: bool) -> (String, String) {
    if answer.status != 200 {
        return (expected.trim().to_owned(), answer.text().to_owned());
    }
    let body = answer.json();
    let columns = body["columns"].as_array().expect("columns");
    let row = |row: &Value| {
        let cells = columns.iter().map(|column| {
            let name = column["name"].as_str().expect("a name");
            match &row[name] {
                Value::Null => "NULL".to_owned(),
                Value::String(text) if text.is_empty() => "(empty)".to_owned(),
                Value::String(text) => text.clone(),
                other => other.to_string(),
            }
        });
        cells.collect::<Vec<_>>().join(" ")
    };
    let rows = body["rows"].as_array().expect("rows");
    let mut got: Vec<String> = rows.iter().map(row).collect();
    let mut expected: Vec<&str> = expected.trim().lines().collect();
    if sort {
        got.sort();
        expected.sort_unstable();
    }
    (expected.join("\n"), got.join("\n"))
}
