//! Whatever is asked, an answer does not depend on what its asker may not see: it is, with
//! its errors and plans, that of a district in which the rest does not exist.

use rstest::rstest;

use super::district::{STUDENTS, days, told};
use super::grammar::{Source, seeded, statement};
use super::rest::{ASKERS, RESEARCHER, SERVICE, pair, same};

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
    "SELECT count(*) FROM clickstream WHERE CAST(replace(element, '60', 'x') AS int) > 0",
    "SELECT count(*) FROM clickstream WHERE 100 / (count - 50) < 9",
    "SELECT max(9223372036854775807 + (count - 50)) FROM clickstream",
    "SELECT count(*) FROM student_day WHERE 100 / (posts - 10) < 9",
    // What is known of files without reading them.
    "SELECT min(student_key), max(student_key), min(occurred_at), max(occurred_at) FROM clickstream",
    "SELECT count(*), count(url), count(DISTINCT student_key) FROM clickstream",
    "SELECT min(user_id), max(user_id), count(*) FROM users",
    "SELECT max(section_id), min(school_id) FROM clickstream",
    "SELECT min(count), max(count), sum(count), min(element), max(element) FROM clickstream",
    "SELECT sum(posts), min(posts), max(posts) FROM student_day",
    // All that rosters and reports have.
    "SELECT user_id, section_id, role FROM enrollments ORDER BY 1, 2, 3",
    "SELECT user_id, agent_id FROM guardians ORDER BY 1, 2",
    "SELECT user_id, org_id, role FROM roles ORDER BY 1, 2, 3",
    "SELECT user_id, comment FROM results ORDER BY 1",
    "SELECT user_id, sex FROM demographics ORDER BY 1",
    "SELECT section_id, active_students FROM section_day ORDER BY 1",
    "SELECT course_id, second, viewers FROM video_retention ORDER BY 1, 2",
    // Limits and orders.
    "SELECT count(*) FROM (SELECT student_key FROM clickstream LIMIT 3)",
    "SELECT student_key FROM clickstream ORDER BY student_key DESC LIMIT 1",
    "SELECT student_key FROM clickstream ORDER BY occurred_at, student_key LIMIT 2 OFFSET 1",
    "SELECT count(*) FROM (SELECT student_key FROM clickstream LIMIT 9)",
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
    "SELECT student_key, lag(url) OVER (ORDER BY url, student_key, occurred_at) FROM clickstream ORDER BY url, student_key, occurred_at",
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
#[case(5)]
#[case(6)]
#[tokio::test]
async fn no_answer_depends_on_what_is_not_shown(#[case] asker: usize) {
    let asker = &ASKERS[asker];
    let who = asker.who;
    let (all, rest) = pair(asker).await;
    let is_hidden = |user: &str| asker.is_without_names() || !asker.knows(user);
    let hidden = STUDENTS.map(|(user, _)| user);
    let hidden = hidden.into_iter().filter(|user| is_hidden(user));
    let hidden: Vec<&str> = hidden.collect();
    let mut answered = 0;
    for sql in ATTACKS.iter().filter(|sql| asker.may_ask(sql)) {
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
#[case(5)]
#[case(6)]
#[tokio::test]
async fn no_answer_depends_on_how_rows_lie_in_files(#[case] asker: usize) {
    let asker = &ASKERS[asker];
    let (all, rest) = pair(asker).await;
    let attacks = || ATTACKS.iter().filter(move |sql| asker.may_ask(sql));
    // What was kept in memory before is no answer afterwards.
    for sql in attacks().step_by(4) {
        same(&all, &rest, asker.who, sql).await;
    }
    assert!(all.merge_files().await >= 10);
    for sql in attacks() {
        same(&all, &rest, asker.who, sql).await;
    }
}

/// What of events and reports is asked by everybody who may name them.
const OF_STUDENTS: [Source; 3] = [
    Source {
        table: "clickstream",
        key: "@student_key",
        grain: "@student_key, @occurred_at",
        texts: &["@student_key", "@url", "@section_id", "@element"],
        numbers: &["@count"],
    },
    Source {
        table: "assessment",
        key: "@student_key",
        grain: "@student_key, @occurred_at",
        texts: &["@student_key", "@response", "@section_id"],
        numbers: &["@attempt", "@score"],
    },
    Source {
        table: "student_day",
        key: "@student_key",
        grain: "@student_key, @day",
        texts: &["@student_key", "@section_id", "@school_id"],
        numbers: &["@posts"],
    },
];

/// What of rosters is asked by those to whom people have names.
const OF_ROSTERS: [Source; 4] = [
    Source {
        table: "users",
        key: "@user_id",
        grain: "@user_id",
        texts: &["@user_id", "@given_name", "@email"],
        numbers: &["length(@given_name)"],
    },
    Source {
        table: "enrollments",
        key: "@user_id",
        grain: "@user_id, @section_id",
        texts: &["@user_id", "@section_id", "@role", "@school_id"],
        numbers: &["length(@section_id)"],
    },
    Source {
        table: "results",
        key: "@user_id",
        grain: "@user_id",
        texts: &["@user_id", "@section_id", "@comment"],
        numbers: &["@score", "length(@comment)"],
    },
    Source {
        table: "guardians",
        key: "@user_id",
        grain: "@user_id, @agent_id",
        texts: &["@user_id", "@agent_id"],
        numbers: &["length(@agent_id)"],
    },
];

#[rstest]
#[case(0)]
#[case(1)]
#[case(2)]
#[case(3)]
#[case(4)]
#[case(5)]
#[case(6)]
#[tokio::test]
async fn no_statement_of_a_grammar_finds_what_is_not_shown(#[case] asker: usize) {
    let mut random = seeded();
    let asker = &ASKERS[asker];
    let sources = match asker.who {
        SERVICE => OF_STUDENTS[..1].to_vec(),
        RESEARCHER => OF_STUDENTS.to_vec(),
        _ => [&OF_STUDENTS[..], &OF_ROSTERS[..]].concat(),
    };
    let statements: Vec<String> = (0..24).map(|_| statement(&mut random, &sources)).collect();
    let (all, rest) = pair(asker).await;
    let mut answered = 0;
    for sql in &statements {
        let told = same(&all, &rest, asker.who, sql).await;
        answered += usize::from(told.starts_with("200"));
    }
    assert!(answered * 4 >= statements.len(), "{answered}");
    assert!(all.merge_files().await >= 10);
    for sql in &statements {
        same(&all, &rest, asker.who, sql).await;
    }
}

#[test]
fn the_askers_are_told_apart() {
    // The rest is not all, for any of them who is somebody.
    for asker in ASKERS.iter().filter(|asker| asker.who != RESEARCHER) {
        let kept = asker.students.iter().map(|(user, _)| days(user).len());
        let kept: usize = kept.sum();
        assert!(kept < 12 && kept > 0);
    }
}
