//! Whatever is asked, an answer does not depend on what its asker may not see: it is, with
//! its errors and plans, that of a district in which the rest does not exist.

use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use rstest::rstest;

use super::district::{days, district, district_with, document};
use crate::school::{Answer, School};

/// Students, each with the last day.
type Students = &'static [(&'static str, &'static str)];

/// Who asks, and what there is of students for them: whom, and until which day.
const ASKERS: [(&str, Students, &[&str]); 5] = [
    (
        "teacher",
        &[
            ("stu-1", "9"),
            ("stu-2", "9"),
            ("stu-3", "9"),
            ("stu-7", "9"),
        ],
        &["tea-1"],
    ),
    (
        "substitute",
        &[("stu-4", "2026-09-10"), ("stu-5", "9")],
        &["tea-2"],
    ),
    ("guardian", &[("stu-1", "9"), ("stu-5", "9")], &["par-1"]),
    ("student", &[("stu-2", "9")], &[]),
    (
        "principal",
        &[
            ("stu-1", "9"),
            ("stu-2", "9"),
            ("stu-3", "9"),
            ("stu-4", "9"),
            ("stu-6", "9"),
            ("stu-7", "9"),
        ],
        &["adm-1", "tea-1", "tea-2", "par-1", "par-2"],
    ),
];

/// The district, and what of it is there for somebody.
async fn pair(asker: usize) -> (School, School, &'static str) {
    let (who, students, people) = ASKERS[asker];
    let keeps = |user: &str, day: Option<&str>| match (day, user.starts_with("stu")) {
        (Some(day), _) => students
            .iter()
            .any(|(id, until)| *id == user && day <= *until),
        (None, true) => students.iter().any(|(id, _)| *id == user),
        (None, false) => people.contains(&user),
    };
    let rest = district_with(document(), &keeps).await;
    (district().await, rest, who)
}

fn told(answer: &Answer) -> String {
    let mut body = answer.text().to_owned();
    if !answer.status.is_success() {
        let mut problem = answer.json();
        problem["trace_id"].take();
        body = problem.to_string();
    }
    format!("{} {body}", answer.status)
}

/// Asks both, and the one with all once more: by then it may be answered from memory.
async fn same(all: &School, rest: &School, who: &str, sql: &str) -> String {
    let of_rest = told(&rest.ask_as(who, sql).await);
    for _ in 0..2 {
        let of_all = told(&all.ask_as(who, sql).await);
        assert_eq!(of_all, of_rest, "{who}: {sql}");
    }
    of_rest
}

/// Statements that look for a way around a policy. Every one ends in an order.
const ATTACKS: &[&str] = &[
    // Conditions that fail where they should not look.
    "SELECT count(*) FROM clickstream WHERE CAST(substr(url, 12) AS int) > 0",
    "SELECT count(*) FROM clickstream WHERE 1 / (CAST(substr(student_key, 7) AS int) - 6) < 9",
    "SELECT count(*) FROM users WHERE CAST(given_name AS int) = 1",
    "SELECT count(*) FROM users WHERE regexp_like(given_name, '(')",
    "SELECT count(*) FROM student_day WHERE 9223372036854775807 + page_views > 0",
    "SELECT max(CAST(email AS date)) FROM users",
    "SELECT CAST(given_name AS bigint) FROM users WHERE user_id = 'stu-6'",
    "SELECT TRY_CAST(given_name AS bigint) FROM users ORDER BY user_id",
    // What is known of files without reading them.
    "SELECT min(student_key), max(student_key), min(occurred_at), max(occurred_at) FROM clickstream",
    "SELECT count(*), count(url), count(DISTINCT student_key) FROM clickstream",
    "SELECT min(user_id), max(user_id), count(*) FROM users",
    "SELECT max(section_id), min(school_id) FROM clickstream",
    // Limits and orders.
    "SELECT count(*) FROM (SELECT student_key FROM clickstream LIMIT 3)",
    "SELECT student_key FROM clickstream ORDER BY student_key DESC LIMIT 1",
    "SELECT student_key FROM clickstream ORDER BY occurred_at, student_key LIMIT 2 OFFSET 1",
    "SELECT * FROM (SELECT student_key FROM clickstream LIMIT 9) ORDER BY 1",
    // Conditions that name somebody.
    "SELECT url FROM clickstream WHERE student_key = 'k-stu-6'",
    "SELECT url FROM clickstream WHERE student_key IN ('k-stu-5', 'k-stu-6') ORDER BY 1",
    "SELECT url FROM clickstream WHERE student_key <> 'k-stu-1' ORDER BY 1",
    "SELECT url FROM clickstream WHERE section_id = 'art-1' OR 1 = 1 ORDER BY 1",
    "SELECT url FROM clickstream WHERE true OR student_key IS NULL ORDER BY 1",
    "SELECT url FROM clickstream WHERE section_id BETWEEN 'a' AND 'z' ORDER BY 1",
    "SELECT given_name FROM users WHERE user_id LIKE 'stu-%' ORDER BY 1",
    // Joins, subqueries, sets, windows.
    "SELECT a.url FROM clickstream a JOIN clickstream b ON a.url <> b.url ORDER BY 1",
    "SELECT count(*) FROM clickstream a CROSS JOIN clickstream b",
    "SELECT u.given_name FROM users u FULL JOIN clickstream c ON true ORDER BY 1",
    "SELECT e.user_id, u.given_name FROM enrollments e LEFT JOIN users u USING (user_id) ORDER BY 1",
    "SELECT u.user_id FROM users u WHERE NOT EXISTS (SELECT 1 FROM identities i JOIN clickstream c ON c.student_key = i.student_key WHERE i.user_id = u.user_id) ORDER BY 1",
    "SELECT (SELECT max(url) FROM clickstream) AS url",
    "SELECT user_id FROM users WHERE user_id NOT IN (SELECT user_id FROM enrollments) ORDER BY 1",
    "SELECT url FROM clickstream UNION SELECT given_name FROM users ORDER BY 1",
    "SELECT student_key FROM clickstream EXCEPT SELECT student_key FROM student_day ORDER BY 1",
    "SELECT student_key, row_number() OVER (ORDER BY student_key, occurred_at) FROM clickstream ORDER BY 2",
    "SELECT student_key, lag(url) OVER (ORDER BY url) FROM clickstream ORDER BY url",
    "WITH c AS (SELECT * FROM clickstream) SELECT url FROM c ORDER BY 1",
    "WITH clickstream AS (SELECT * FROM video) SELECT student_key FROM clickstream ORDER BY 1",
    "WITH RECURSIVE r AS (SELECT 1 AS n UNION ALL SELECT n + 1 FROM r JOIN users ON true WHERE n < 3) SELECT count(*) FROM r",
    "SELECT array_agg(url ORDER BY url) FROM clickstream",
    "SELECT string_agg(given_name, ',' ORDER BY given_name) FROM users",
    "SELECT term, section_id, count(*) FROM clickstream GROUP BY ROLLUP (term, section_id) ORDER BY 1, 2, 3",
    "SELECT approx_distinct(student_key) FROM clickstream",
    "SELECT student_key FROM (VALUES ('k-stu-6')) v(student_key) JOIN clickstream USING (student_key)",
    "SELECT user_id, given_name FROM users_history ORDER BY user_id",
    "SELECT count(*) FROM generate_series(1, 3) g JOIN clickstream ON true",
    // Plans.
    "EXPLAIN SELECT url FROM clickstream WHERE student_key = 'k-stu-6'",
    "EXPLAIN SELECT max(url) FROM clickstream WHERE section_id = 'art-1'",
    "EXPLAIN SELECT u.given_name FROM users u JOIN enrollments e USING (user_id)",
    "EXPLAIN ANALYZE SELECT url FROM clickstream",
    "EXPLAIN VERBOSE SELECT url FROM clickstream",
    "EXPLAIN FORMAT TREE SELECT url FROM clickstream",
    // Settings, listings and what is no table.
    "SELECT table_name, column_name FROM information_schema.columns ORDER BY 1, 2",
    "SELECT * FROM information_schema.views",
    "SELECT * FROM information_schema.df_settings",
    "SELECT * FROM pg_catalog.pg_class",
    "SHOW TABLES",
    "SHOW ALL",
    "SHOW datafusion.explain.show_statistics",
    "SET datafusion.explain.show_statistics = true",
    "RESET datafusion.explain.show_statistics",
    "COPY clickstream TO '/tmp/x.parquet'",
    "COPY (SELECT * FROM users) TO 'x.csv'",
    "CREATE EXTERNAL TABLE x STORED AS PARQUET LOCATION '/'",
    "CREATE VIEW x AS SELECT * FROM users",
    "CREATE TABLE x AS SELECT * FROM users",
    "INSERT INTO clickstream SELECT * FROM clickstream",
    "DELETE FROM users",
    "PREPARE p AS SELECT * FROM users",
    "EXECUTE p",
    "SELECT * FROM 'north/users/part.parquet'",
    "SELECT * FROM \"file:///etc/passwd\"",
    "SELECT * FROM read_parquet('north/users')",
    "SELECT * FROM parquet_metadata('north')",
    "SELECT * FROM north.public.users",
    "SELECT * FROM public2.users",
    "SELECT _file, _row FROM clickstream",
    "SELECT url FROM clickstream FOR UPDATE",
    "SELECT url FROM clickstream TABLESAMPLE (50 PERCENT)",
    "USE north",
    "SET ROLE steward",
    "SELECT 1; SELECT * FROM users",
];

#[rstest]
#[case(0)]
#[case(1)]
#[case(2)]
#[case(3)]
#[case(4)]
#[tokio::test]
async fn no_answer_depends_on_what_is_not_shown(#[case] asker: usize) {
    let (all, rest, who) = pair(asker).await;
    let hidden: Vec<&str> = super::district::STUDENTS
        .iter()
        .map(|(user, _)| *user)
        .filter(|user| !ASKERS[asker].1.iter().any(|(id, _)| id == user))
        .collect();
    let mut answered = 0;
    for sql in ATTACKS {
        let told = same(&all, &rest, who, sql).await;
        for user in &hidden {
            assert!(
                !told.contains(&format!("SECRET-{user}")),
                "{who}: {sql}: {told}"
            );
        }
        answered += usize::from(told.starts_with("200"));
    }
    assert!(
        answered > 25,
        "{answered} of {} are answered",
        ATTACKS.len()
    );
    for path in [
        "/v1/reports/student_day",
        "/v1/reports/student_day?student_key=k-stu-6",
        "/v1/reports/student_day?order=-student_key&limit=1",
        "/v1/reports/student_day?order=-active_minutes&limit=2&format=csv",
        "/v1/reports/section_day?columns=section_id",
    ] {
        let (of_all, of_rest) = (all.look_as(who, path).await, rest.look_as(who, path).await);
        assert_eq!(told(&of_all), told(&of_rest), "{who}: {path}");
    }
}

#[rstest]
#[case(0)]
#[case(1)]
#[case(2)]
#[case(3)]
#[case(4)]
#[tokio::test]
async fn no_answer_depends_on_how_rows_lie_in_files(#[case] asker: usize) {
    let (all, rest, who) = pair(asker).await;
    // What was kept in memory before is no answer afterwards.
    for sql in ATTACKS.iter().step_by(4) {
        same(&all, &rest, who, sql).await;
    }
    assert!(all.merge_files().await >= 10);
    for sql in ATTACKS {
        same(&all, &rest, who, sql).await;
    }
}

/// Statements of a small grammar: over one or two tables, with conditions that may fail,
/// groups, orders, limits, set operations and plans.
fn statements() -> impl Strategy<Value = String> {
    let table = prop_oneof![
        Just(("clickstream", ["student_key", "url", "section_id", "value"])),
        Just((
            "assessment",
            ["student_key", "response", "section_id", "item_id"]
        )),
        Just(("users", ["user_id", "given_name", "email", "role"])),
        Just((
            "enrollments",
            ["user_id", "section_id", "role", "school_id"]
        )),
        Just((
            "student_day",
            ["student_key", "section_id", "school_id", "course_id"]
        )),
        Just(("results", ["user_id", "section_id", "comment", "status"])),
    ];
    let value = prop_oneof![
        Just("'k-stu-6'"),
        Just("'stu-5'"),
        Just("'art-1'"),
        Just("'high'"),
        Just("'SECRET-stu-3-url'"),
        Just("NULL"),
    ];
    let condition = (0..12_usize, 0..4_usize, value).prop_map(|(form, column, value)| {
        let c = format!("@{column}");
        match form {
            0 => format!("{c} = {value}"),
            1 => format!("{c} <> {value}"),
            2 => format!("{c} < {value}"),
            3 => format!("{c} IN ({value}, 'x')"),
            4 => format!("{c} LIKE '%stu%'"),
            5 => format!("{c} IS NOT NULL"),
            6 => format!("CAST({c} AS int) > 0"),
            7 => format!("1 / (length({c}) - 7) >= 0"),
            8 => format!("regexp_like({c}, {value})"),
            9 => format!("{c} BETWEEN 'a' AND {value}"),
            10 => format!("coalesce({c}, 'x') = {value}"),
            _ => format!("{c} IN (SELECT user_id FROM users)"),
        }
    });
    let conditions = prop::collection::vec((condition, prop::bool::ANY), 0..3);
    let one = (table, conditions, 0..9_usize, 0..4_usize).prop_map(
        |((table, columns), conditions, form, column)| {
            let mut text = String::new();
            for (condition, is_or) in conditions {
                let word = match (text.is_empty(), is_or) {
                    (true, _) => " WHERE ",
                    (false, true) => " OR ",
                    (false, false) => " AND ",
                };
                text = format!("{text}{word}{condition}");
            }
            let c = format!("@{column}");
            let sql = match form {
                0 => format!("SELECT count(*) AS n FROM {table}{text}"),
                1 => format!("SELECT {c} AS a FROM {table}{text} ORDER BY 1"),
                2 => format!("SELECT {c} AS a, count(*) AS n FROM {table}{text} GROUP BY {c} ORDER BY 1, 2"),
                3 => format!("SELECT min({c}) AS a, max({c}) AS b FROM {table}{text}"),
                4 => format!("SELECT {c} AS a FROM {table}{text} ORDER BY {c} DESC LIMIT 2"),
                5 => format!("SELECT DISTINCT {c} AS a FROM {table}{text} ORDER BY 1"),
                6 => format!("SELECT a FROM (SELECT {c} AS a, rank() OVER (ORDER BY {c}) AS r FROM {table}{text}) WHERE r < 4 ORDER BY a"),
                7 => format!("SELECT CAST({c} AS int) AS a FROM {table}{text} ORDER BY 1"),
                _ => format!("SELECT {c} AS a FROM {table}{text} UNION ALL SELECT user_id FROM users ORDER BY 1"),
            };
            (0..4).fold(sql, |sql, place| sql.replace(&format!("@{place}"), columns[place]))
        },
    );
    (one, prop::bool::weighted(0.2)).prop_map(|(sql, explain)| match explain {
        true => format!("EXPLAIN {sql}"),
        false => sql,
    })
}

#[test]
fn no_statement_of_a_grammar_finds_what_is_not_shown() {
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    let pairs: Vec<_> = (0..ASKERS.len())
        .map(|asker| runtime.block_on(pair(asker)))
        .collect();
    let config = Config {
        cases: 120,
        failure_persistence: None,
        ..Config::default()
    };
    let mut runner = TestRunner::new(config);
    let outcome = runner.run(&(statements(), 0..ASKERS.len()), |(sql, asker)| {
        let (all, rest, who) = &pairs[asker];
        runtime.block_on(same(all, rest, who, &sql));
        Ok(())
    });
    outcome.expect("the same answers");
}

#[test]
fn the_askers_are_told_apart() {
    // The rest is not all, for any of them.
    for (_, students, _) in ASKERS {
        let kept: usize = students.iter().map(|(user, _)| days(user).len()).sum();
        assert!(kept < 12 && kept > 0);
    }
}
