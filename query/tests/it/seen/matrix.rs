//! Every role, every table, every column: `matrix.txt` says what is seen of each.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use axum::http::StatusCode;
use serde_json::Value;

use super::district::{EVERYBODY, district};
use crate::school::School;

/// What of a table somebody sees: how many of its rows, and which of its columns are
/// empty or other than they are stored.
async fn seen(school: &School, who: &str, table: &str, whole: &[Value]) -> String {
    let sql = format!("SELECT * FROM {table}");
    let answer = school.ask_as(who, &sql).await;
    if answer.status != StatusCode::OK {
        return answer.problem().1;
    }
    let rows = answer.rows();
    let rows = rows.as_array().expect("rows");
    let mut line = format!("{} of {}", rows.len(), whole.len());
    let columns = whole.first().and_then(Value::as_object);
    for (column, _) in columns.into_iter().flatten() {
        let stored: BTreeSet<String> = whole.iter().map(|row| row[column].to_string()).collect();
        let shown: BTreeSet<String> = rows.iter().map(|row| row[column].to_string()).collect();
        if rows.is_empty() || shown.is_subset(&stored) {
            continue;
        }
        let is_empty = shown.iter().all(|value| value == "null");
        let word = if is_empty { "without" } else { "another" };
        write!(line, ", {word} {column}").expect("writing to a string");
    }
    line
}

#[tokio::test]
async fn what_each_role_sees_is_written_down() {
    let school = district().await;
    let tables = "SELECT DISTINCT table_name FROM information_schema.tables ORDER BY 1";
    let tables = school.lines_as("steward", tables).await;
    let mut matrix = String::new();
    for table in &tables {
        let whole = school
            .ask_as("steward", &format!("SELECT * FROM {table}"))
            .await
            .rows();
        let whole = whole.as_array().expect("rows");
        let mut lines: Vec<(&str, String)> = Vec::new();
        for (who, ..) in EVERYBODY {
            lines.push((who, seen(&school, who, table, whole).await));
        }
        // Of a table without rows only who may name it is to be seen.
        if whole.is_empty() {
            lines.retain(|(_, line)| line != "0 of 0");
        }
        writeln!(matrix, "{table}").expect("writing to a string");
        for (who, line) in lines {
            writeln!(matrix, "    {who}: {line}").expect("writing to a string");
        }
    }
    let expected = include_str!("matrix.txt");
    assert!(
        matrix == expected,
        "seen/matrix.txt says otherwise:\n{matrix}"
    );
}
