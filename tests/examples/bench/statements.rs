//! What players send to a learning record store: statements of xAPI's video profile.

use serde_json::Value;

use crate::load::{ID, STUDENT};

/// Statements and the events they are, a line each.
const GOLDEN: &str = include_str!("../../../ingest/tests/data/xapi/golden.ndjson");
/// How many of them, the first, FUN's video player sent to Ralph: completed, seeked,
/// interacted, paused and played.
const OF_A_PLAYER: usize = 5;

/// That many, in turn, all with one id and one student.
pub fn lay_out(size: usize) -> Vec<String> {
    let statements: Vec<String> = GOLDEN.lines().take(OF_A_PLAYER).map(statement).collect();
    statements.into_iter().cycle().take(size).collect()
}

fn statement(line: &str) -> String {
    let mut line: Value = serde_json::from_str(line).expect("a line is JSON");
    let statement = &mut line["statement"];
    statement["id"] = ID.into();
    statement["actor"]["account"]["name"] = STUDENT.into();
    statement.to_string()
}

/// Bytes of one of so many, on average, without the comma behind it.
pub fn mean_bytes(size: usize) -> usize {
    let bytes: usize = lay_out(size).iter().map(String::len).sum();
    bytes / size
}
