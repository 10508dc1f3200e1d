//! Whose rows were read is recorded, whoever reads them and whatever of them.

use rstest::rstest;

use crate::school::School;
use crate::seen::district::district;

/// The keys that the record of the only query names.
async fn keys(school: &School) -> Vec<String> {
    let [_, finished] = school.records.of(1).await.try_into().expect("two records");
    let end = finished.end.expect("an end");
    assert_eq!(end.outcome, "answered", "{:?}", end.error);
    assert_eq!(end.scope, None);
    end.student_keys.expect("few")
}

#[rstest]
#[case::own_sections(
    "teacher",
    "SELECT student_key FROM clickstream",
    "k-stu-1 k-stu-2 k-stu-3 k-stu-7"
)]
// That a row is theirs is noted whatever is asked of it.
#[case::without_key(
    "teacher",
    "SELECT url FROM clickstream WHERE section_id = 'bio-1'",
    "k-stu-1 k-stu-2 k-stu-3 k-stu-7"
)]
#[case::counted(
    "teacher",
    "SELECT count(*) FROM clickstream",
    "k-stu-1 k-stu-2 k-stu-3 k-stu-7"
)]
#[case::names("guardian", "SELECT given_name FROM users", "k-par-1 k-stu-1 k-stu-5")]
#[case::own("student", "SELECT score FROM results", "k-stu-2")]
#[case::masked(
    "researcher",
    "SELECT user_id FROM users WHERE user_id IS NOT NULL LIMIT 100",
    "k-adm-1 k-par-1 k-par-2 k-stu-1 k-stu-2 k-stu-3 k-stu-4 k-stu-5 k-stu-6 k-stu-7 k-tea-1 k-tea-2"
)]
#[case::grant("service", "SELECT count(*) FROM clickstream", "k-stu-4")]
// Before those who see all there is no barrier; it is noted all the same.
#[case::steward(
    "steward",
    "SELECT url FROM clickstream WHERE student_key = 'k-stu-4'",
    "k-stu-4"
)]
#[case::steward_without_key(
    "steward",
    "SELECT url FROM clickstream WHERE section_id = 'art-1'",
    "k-stu-5"
)]
#[case::steward_names(
    "steward",
    "SELECT given_name FROM users WHERE user_id = 'stu-1'",
    "k-stu-1"
)]
#[case::steward_history(
    "steward",
    "SELECT given_name FROM users_history WHERE user_id = 'stu-1'",
    "k-stu-1"
)]
#[case::report(
    "steward",
    "SELECT page_views FROM student_day WHERE section_id = 'bio-2'",
    "k-stu-4"
)]
#[case::nobody("steward", "SELECT * FROM sections", "")]
#[case::plan("steward", "EXPLAIN SELECT * FROM clickstream", "")]
#[tokio::test]
async fn those_whose_rows_are_read(#[case] who: &str, #[case] sql: &str, #[case] expected: &str) {
    let school = district().await;
    let answer = school.ask_as(who, sql).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    let expected: Vec<&str> = expected.split_whitespace().collect();
    assert_eq!(keys(&school).await, expected);
}

#[tokio::test]
async fn a_page_of_a_report_reads_rows_as_well() {
    let school = district().await;
    let answer = school
        .look_as("teacher", "/v1/reports/student_day?columns=day")
        .await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    let keys = keys(&school).await;
    assert_eq!(keys, ["k-stu-1", "k-stu-2", "k-stu-3", "k-stu-7"]);
}

#[tokio::test]
async fn of_very_many_it_is_said_by_what_right() {
    use serde_json::json;

    use crate::school::{CLICKSTREAM, School, event};
    let school = School::empty(query::Config::default()).await;
    let rows: Vec<_> = (0..1_001_u64)
        .map(|n| {
            event(
                n,
                "2026-09-14T10:05:00Z",
                "x.y",
                json!({"student_key": format!("k{n}")}),
            )
        })
        .collect();
    school
        .publish("north", CLICKSTREAM, Some("2026-27"), &rows)
        .await;
    school
        .ask(
            "north",
            "SELECT count(DISTINCT student_key) AS n FROM clickstream",
        )
        .await
        .rows();
    let [_, finished] = school.records.of(1).await.try_into().expect("two records");
    let end = finished.end.expect("an end");
    assert_eq!(end.student_keys, None);
    let scope = end.scope.expect("a scope");
    assert_eq!(scope, "more than 1000 people, by clickstream: role steward");
}

#[tokio::test]
async fn whose_rows_are_shown_from_memory_is_recorded_again() {
    let school = district().await;
    let sql = "SELECT url FROM clickstream ORDER BY 1";
    let path = "/v1/reports/student_day?columns=page_views";
    let mut told = Vec::new();
    for asked in 1..=4 {
        let answer = match asked % 2 {
            1 => school.ask_as("teacher", sql).await,
            _ => school.look_as("teacher", path).await,
        };
        assert_eq!(answer.status, 200, "{}", answer.text());
        let records = school.records.of(asked).await;
        let [started, finished] = records.try_into().expect("two records");
        let end = finished.end.expect("an end");
        assert!(
            end.student_keys
                .as_ref()
                .is_some_and(|keys| !keys.is_empty())
        );
        told.push((started.reads, end.rows, end.student_keys));
    }
    assert_eq!(told[..2], told[2..]);
}
