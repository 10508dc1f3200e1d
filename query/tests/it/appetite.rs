//! What statements take that are made to take much: each is asked in a process
//! of its own, whose memory is read when it has answered.
#![cfg(target_os = "linux")]

use std::io::{Read, Write};
use std::process::{Command, Stdio};

use query::Config;
use rstest::rstest;

use crate::school::School;

const MIB: usize = 1 << 20;

/// What a statement may take beyond what the service takes at rest: its pool,
/// and what no pool counts, a few batches.
const MOST: usize = 640 * MIB;

/// No process of these tests gets more, whatever goes wrong.
const CEILING_KIB: usize = 6 << 20;

fn config() -> Config {
    Config {
        threads: 2,
        timeout_seconds: 20,
        memory_bytes: 64 * MIB,
        tenant_memory_bytes: 64 * MIB,
        spill_bytes: 256 * MIB as u64,
        ..Config::default()
    }
}

/// The most memory this process has held so far.
fn peak() -> usize {
    let status = std::fs::read_to_string("/proc/self/status").expect("Linux tells");
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let kib = line.and_then(|line| line.trim().strip_suffix(" kB"));
    kib.and_then(|kib| kib.trim().parse::<usize>().ok())
        .expect("a number of kB")
        * 1024
}

/// The other process: asks what it reads, and tells how that went.
#[tokio::test]
#[ignore = "run by the tests beside it"]
async fn asked_alone() {
    let mut sql = String::new();
    std::io::stdin()
        .read_to_string(&mut sql)
        .expect("a statement");
    let school = School::with(config()).await;
    school.ask("north", "SELECT 1").await;
    let before = peak();
    let answer = school.ask("north", &sql).await;
    let code = match answer.status.as_u16() {
        200 => "answered".to_owned(),
        _ => answer.problem().1,
    };
    println!("\ncame to {code} with {}", peak() - before);
    println!(
        "because {}",
        answer.text().chars().take(400).collect::<String>()
    );
}

/// How a statement ended, and the bytes that it took.
fn ask_alone(sql: &str) -> (String, usize) {
    let program = std::env::current_exe().expect("this program");
    let mut child = Command::new("sh")
        .args([
            "-c",
            &format!("ulimit -v {CEILING_KIB}; exec \"$0\" \"$@\""),
        ])
        .arg(program)
        .args([
            "--exact",
            "appetite::asked_alone",
            "--ignored",
            "--nocapture",
        ])
        .env("MALLOC_ARENA_MAX", "2")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("a process");
    let mut input = child.stdin.take().expect("piped");
    input.write_all(sql.as_bytes()).expect("it reads");
    drop(input);
    let output = child.wait_with_output().expect("it ends");
    let text = String::from_utf8_lossy(&output.stdout);
    let told = text.lines().find_map(|line| line.strip_prefix("came to "));
    let told = told.and_then(|told| told.split_once(" with "));
    let Some((code, bytes)) = told else {
        let errors = String::from_utf8_lossy(&output.stderr);
        panic!("the process died: {text}\n{errors}");
    };
    if let Some(because) = text.lines().find(|line| line.starts_with("because ")) {
        println!("{because}");
    }
    (code.to_owned(), bytes.parse().expect("a number"))
}

/// A chain of WITH queries: `step` makes each column `x` of the one before.
fn chain(first: &str, steps: usize, step: &str, last: &str) -> String {
    let tables = (1..=steps).map(|n| format!(", a{n} AS (SELECT {step} AS x FROM a{})", n - 1));
    let tables: String = tables.collect();
    format!(
        "WITH a0 AS ({first}){tables} {}",
        last.replace("LAST", &format!("a{steps}"))
    )
}

fn many(count: usize, column: &str, from: &str) -> String {
    let columns: Vec<String> = (0..count)
        .map(|n| column.replace("{n}", &n.to_string()))
        .collect();
    format!("SELECT {} {from}", columns.join(", "))
}

#[rstest]
#[case::text_doubles(chain(
    "SELECT event_id AS x FROM clickstream",
    30,
    "x || x",
    "SELECT max(length(x)) FROM LAST"
))]
#[case::text_is_added(format!("SELECT max(length(s{})) FROM (SELECT repeat(right(value::text, 1), 1000) AS s FROM range(8192))", " || s".repeat(400)))]
#[case::lists_double(chain(
    "SELECT [value] AS x FROM range(100)",
    40,
    "x || x",
    "SELECT max(array_length(x)) FROM LAST"
))]
#[case::lists_are_made(chain(
    "SELECT event_id AS x FROM clickstream",
    27,
    "[x, x]",
    "SELECT max(array_ndims(x)) FROM LAST"
))]
#[case::structs_are_made(chain(
    "SELECT event_id AS x FROM clickstream",
    27,
    "struct(x, x)",
    "SELECT count(x) FROM LAST"
))]
#[case::named_structs_are_made(chain(
    "SELECT event_id AS x FROM clickstream",
    27,
    "named_struct('a', x, 'b', x)",
    "SELECT count(x) FROM LAST"
))]
#[case::lists_are_zipped(chain(
    "SELECT range(value, value + 50) AS x FROM range(100)",
    25,
    "arrays_zip(x, x)",
    "SELECT count(x) FROM LAST"
))]
#[case::sums_double(chain(
    "SELECT count AS x FROM clickstream",
    40,
    "x + x",
    "SELECT * FROM LAST WHERE x > 1"
))]
#[case::choices_double(chain(
    "SELECT count AS x FROM clickstream",
    30,
    "CASE WHEN x > 1 THEN x ELSE x - 1 END",
    "SELECT * FROM LAST WHERE x > 1"
))]
#[case::coalesce_doubles(chain(
    "SELECT count AS x FROM clickstream",
    40,
    "coalesce(x, 1)",
    "SELECT * FROM LAST WHERE x > 1"
))]
#[case::join_keys_double(chain(
    "SELECT count AS x FROM clickstream",
    40,
    "x + x",
    "SELECT 1 FROM LAST JOIN video ON video.log_position = LAST.x"
))]
#[case::many_constants(many(300, "repeat('x', 15000000 + {n}) AS c{n}", ""))]
#[case::many_results(many(300, "repeat(value::text, 15000 + {n}) AS c{n}", "FROM range(1000)"))]
#[case::one_constant_in_many_columns(many(
    3000,
    "s AS c{n}",
    "FROM (SELECT repeat('x', 15000000) AS s)"
))]
#[case::a_long_constant_in_many_rows(format!("SELECT max(x) FROM (SELECT '{}' AS x, value FROM range(100000))", "y".repeat(900_000)))]
#[case::a_long_constant_compared(format!("SELECT count(*) FROM range(100000) WHERE value::text || '{0}' > '{0}'", "y".repeat(400_000)))]
#[case::a_frame_that_grows("SELECT max(array_length(a)) FROM (SELECT array_agg(value) OVER (ORDER BY value) AS a FROM range(100000))".to_owned())]
#[case::a_text_frame_that_grows("SELECT max(length(a)) FROM (SELECT string_agg(value::text, ',') OVER (ORDER BY value) AS a FROM range(100000))".to_owned())]
#[case::all_in_one_list("SELECT array_length(array_agg(value)) FROM range(100000000)".to_owned())]
#[case::all_in_one_text("SELECT length(string_agg(value::text, ',')) FROM range(100000000)".to_owned())]
#[case::centroids("SELECT approx_percentile_cont(0.5, 1000000000) WITHIN GROUP (ORDER BY value) FROM range(100)".to_owned())]
#[case::a_lambda_that_captures("SELECT max(array_length(array_transform(range(100000), i -> length(s)))) FROM (SELECT repeat(value::text, 60000) AS s FROM range(20))".to_owned())]
#[case::a_list_of_fixed_length("SELECT count(NULL::int[500000000]) FROM range(1000)".to_owned())]
#[case::a_type_of_fixed_length("SELECT arrow_cast(NULL, 'FixedSizeBinary(500000000)') FROM range(1000)".to_owned())]
#[case::unnested_beside_text("SELECT max(length(s)) FROM (SELECT repeat(value::text, 30000) AS s, unnest(range(4000)) FROM range(10))".to_owned())]
#[case::unnested("SELECT count(*) FROM (SELECT unnest(range(2000)) FROM range(100000))".to_owned())]
#[case::formats("SELECT max(length(to_char(to_timestamp(value), repeat('%c', 20000)))) FROM range(8192)".to_owned())]
#[case::crossed_texts("SELECT max(length(a.s)) FROM (SELECT repeat(right(value::text, 1), 30000) AS s FROM range(100)) a CROSS JOIN range(100000) b WHERE a.s <> b.value::text".to_owned())]
#[case::sorted_texts("SELECT s FROM (SELECT repeat(right(value::text, 1), 2000) AS s FROM range(100000)) ORDER BY s DESC LIMIT 1".to_owned())]
#[case::long_keys("SELECT count(*) FROM (SELECT repeat(right(value::text, 1), 1500) || value AS s FROM range(100000)) GROUP BY s".to_owned())]
#[case::recursion("WITH RECURSIVE r AS (SELECT 'x' AS x UNION ALL SELECT x || x FROM r) SELECT max(length(x)) FROM r".to_owned())]
#[case::recursion_in_breadth("WITH RECURSIVE r AS (SELECT 1 AS x UNION ALL SELECT x + y.value FROM r, range(10) y) SELECT count(*) FROM r".to_owned())]
#[case::a_pattern("SELECT regexp_like(value::text, '((a{1,100}){1,100}){1,100}') FROM range(100)".to_owned())]
#[case::patterns_by_row("SELECT count(regexp_match(repeat('a', 5000), value::text || '(a{1,30}){1,30}')) FROM range(10000)".to_owned())]
#[case::patterns_kept("SELECT sum(regexp_count('a', value::text || '(a{1,60}){1,60}')) FROM range(10000)".to_owned())]
#[case::tuples_are_made(chain(
    "SELECT event_id AS x FROM clickstream",
    60,
    "(x, x)",
    "SELECT count(x) FROM LAST"
))]
#[case::records_are_made(chain(
    "SELECT event_id AS x FROM clickstream",
    60,
    "{a: x, b: x}",
    "SELECT count(x) FROM LAST"
))]
#[case::maps_are_made(chain(
    "SELECT event_id AS x FROM clickstream",
    60,
    "MAP {x: x}",
    "SELECT count(x) FROM LAST"
))]
#[case::cut_to_letters("SELECT max(array_length(string_to_array(repeat(value::text, 10000), ''))) FROM range(8192)".to_owned())]
#[case::later_rows("SELECT max(a) FROM (SELECT lead(value, 4000000000000000000) OVER (ORDER BY value) AS a FROM range(1000))".to_owned())]
#[case::first_of_many("SELECT value FROM range(10) ORDER BY value LIMIT 9000000000000000000 OFFSET 9000000000000000000".to_owned())]
#[case::long_sums("SELECT sum(x * x) FROM (SELECT value::decimal(38, 10) * 99999999999999.9999 AS x FROM range(100000))".to_owned())]
fn no_statement_takes_much(#[case] sql: String) {
    let (code, bytes) = ask_alone(&sql);
    println!("{code}, {} MiB", bytes / MIB);
    assert!(bytes < MOST, "{code}, {} MiB", bytes / MIB);
    assert_ne!(code, "internal_error");
    if sql.starts_with("WITH a0") {
        // Chains are refused: planning would go on behind the answer's back.
        assert_ne!(code, "query_timeout");
    }
}
