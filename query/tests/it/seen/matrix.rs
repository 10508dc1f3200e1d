//! Every role, every table, every column: `matrix.txt` says what is seen of each.
//! `UPDATE=1 cargo test -p query matrix` writes it anew.
//!
//! Below the name of a table stand its columns, by what they tell about people, then how
//! many of its rows those see who see the same, and which columns are not as they are
//! stored: `null`, a `pseudonym`, or `mixed` of these; `empty` ones have nothing in these
//! rows, as they are stored. `-` says that they cannot name the table.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::path::Path;

use axum::http::StatusCode;
use serde_json::Value;

use super::bounds::{assert_within, may_name, may_see};
use super::district::EVERYBODY;
use super::everything::{assert_full, everything};
use super::stored::{CLASSES, Stored, is_pseudonym};
use crate::school::School;

const AS_STORED: &str = "as stored";

/// In which order it is said what of columns is not as it is stored.
const OTHERWISE: [&str; 5] = ["null", "pseudonym", "absent", "mixed", "empty"];

#[tokio::test]
async fn what_each_role_sees_is_written_down() {
    let school = everything().await;
    let tables = Stored::all(&school).await;
    for table in &tables {
        assert_full(table);
    }
    let mut listed = BTreeMap::new();
    for (who, ..) in EVERYBODY {
        let sql = "SELECT table_name FROM information_schema.tables";
        let names: BTreeSet<String> = school.lines_as(who, sql).await.into_iter().collect();
        listed.insert(who, names);
    }
    let names: BTreeSet<String> = tables.iter().map(|table| table.name.clone()).collect();
    assert_eq!(listed["steward"], names);
    let mut matrix = String::new();
    for table in &tables {
        let mut cells: Vec<(String, Vec<&str>)> = Vec::new();
        for (who, ..) in EVERYBODY {
            let is_listed = listed[who].contains(&table.name);
            let cell = seen(&school, table, who, is_listed).await;
            match cells.iter_mut().find(|(known, _)| *known == cell) {
                Some((_, whose)) => whose.push(who),
                None => cells.push((cell, vec![who])),
            }
        }
        describe(table, &cells, &mut matrix);
    }
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/seen/matrix.txt");
    if std::env::var_os("UPDATE").is_some() {
        std::fs::write(&path, &matrix).expect("a file");
    }
    let expected = std::fs::read_to_string(&path).expect("a file");
    assert!(
        matrix == expected,
        "seen/matrix.txt says otherwise, run with UPDATE=1:\n{matrix}"
    );
}

/// What somebody sees of a table, in words.
async fn seen(school: &School, table: &Stored, who: &str, is_listed: bool) -> String {
    let name = &table.name;
    assert!(
        !is_listed || may_name(who, name),
        "{name} is shown to {who}"
    );
    let answer = school.ask_as(who, &format!("SELECT * FROM {name}")).await;
    if answer.status == StatusCode::OK {
        assert!(is_listed, "{name} is not listed for {who}");
        let rows = answer.rows();
        let rows = rows.as_array().expect("rows");
        assert_within(table, who, rows);
        return cell(table, who, rows);
    }
    let (status, code, detail) = answer.problem();
    // Who sees aggregates only may name what they cannot read row by row.
    let (expected, cell) = match is_listed && who == "analyst" {
        true => ("aggregates_only", "aggregates only"),
        false => ("table_not_shown", "-"),
    };
    let told = (status, code.as_str());
    assert_eq!(told, (403, expected), "{who} of {name}: {detail}");
    assert!(who == "analyst" || !is_listed, "{name} is listed for {who}");
    cell.to_owned()
}

fn cell(table: &Stored, who: &str, rows: &[Value]) -> String {
    if rows.is_empty() {
        return "none".to_owned();
    }
    let mut cell = match rows.len() == table.rows.len() {
        true => "all".to_owned(),
        false => rows.len().to_string(),
    };
    let stored = |seen| table.row_of(seen, |row| may_see(who, row));
    let pairs = rows.iter().map(|seen| (seen, stored(seen)));
    let pairs: Vec<(&Value, &Value)> = pairs
        .map(|(seen, stored)| (seen, stored.expect("a stored row")))
        .collect();
    for word in OTHERWISE {
        let columns = table.columns.iter().map(|(column, _)| column.as_str());
        let columns: BTreeSet<&str> = columns.filter(|of| how(&pairs, of) == word).collect();
        if !columns.is_empty() {
            let columns = table.in_words(&columns);
            write!(cell, "; {word}: {columns}").expect("writing to a string");
        }
    }
    cell
}

/// How a column is shown in rows, each beside the row that it is of.
fn how(pairs: &[(&Value, &Value)], column: &str) -> &'static str {
    let filled = pairs.iter().filter(|(_, stored)| !stored[column].is_null());
    let each = filled.map(|(seen, stored)| match seen.get(column) {
        None => "absent",
        Some(Value::Null) => "null",
        Some(value) if *value == stored[column] => AS_STORED,
        Some(value) => {
            assert!(is_pseudonym(value), "{column}: {value}");
            "pseudonym"
        }
    });
    let each: BTreeSet<&'static str> = each.collect();
    match each.len() {
        0 => "empty",
        1 => each.first().copied().unwrap_or_default(),
        _ => "mixed",
    }
}

fn describe(table: &Stored, cells: &[(String, Vec<&str>)], matrix: &mut String) {
    let mut line = |text: String| writeln!(matrix, "{text}").expect("writing to a string");
    line(format!("{}: {} rows", table.name, table.rows.len()));
    for class in CLASSES {
        let columns = table.of_class(class);
        if !columns.is_empty() {
            line(format!("    ({class}) {}", columns.join(" ")));
        }
    }
    for (cell, whose) in cells {
        line(format!("    {}: {cell}", whose.join(", ")));
    }
}
