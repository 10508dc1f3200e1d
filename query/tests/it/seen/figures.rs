//! Figures of who sees aggregates only, one beside another.

use rstest::rstest;

use super::district::district;

/// A figure is shown that differs from the group, and from those before it, in the rows of
/// nobody or of enough people.
#[rstest]
// What it leaves out is of enough people.
#[case(
    "SELECT count(*) FILTER (WHERE section_id = 'bio-1') AS s, sum(score) AS t, count(*) AS n FROM assessment",
    "7 6.0 12"
)]
#[case(
    "SELECT term, count(*) FILTER (WHERE occurred_at > '2026-09-10') AS late FROM clickstream GROUP BY term",
    "2026-27 5"
)]
#[case(
    "SELECT count(DISTINCT student_key) AS n, count(DISTINCT student_key) FILTER (WHERE section_id = 'bio-1') AS s FROM clickstream",
    "7 4"
)]
#[case(
    "SELECT count(*) FILTER (WHERE section_id = 'bio-1' AND occurred_at > '2026-09-10') AS a, count(*) FILTER (WHERE section_id = 'bio-1' AND occurred_at < '2026-09-10') AS b FROM clickstream",
    "3 4"
)]
// It is of all.
#[case(
    "SELECT count(*) AS n, count(*) FILTER (WHERE section_id <> 'none') AS s FROM clickstream",
    "12 12"
)]
#[case(
    "SELECT count(*) AS n, count(score) AS s, avg(score) AS a FROM assessment",
    "12 12 0.5"
)]
// It leaves out one.
#[case(
    "SELECT sum(score) AS t, sum(score) FILTER (WHERE section_id <> 'art-1') AS s FROM assessment",
    "6.0 null"
)]
#[case(
    "SELECT sum(score) FILTER (WHERE section_id <> 'art-1') AS s, sum(score) AS t FROM assessment",
    "null 6.0"
)]
#[case(
    "SELECT count(*) FILTER (WHERE section_id <> 'art-1') AS s FROM clickstream",
    "null"
)]
#[case(
    "SELECT term, count(*) AS n, count(*) FILTER (WHERE section_id <> 'art-1') AS s FROM clickstream GROUP BY term",
    "2026-27 11 null"
)]
#[case(
    "SELECT count(DISTINCT student_key) AS n, count(DISTINCT student_key) FILTER (WHERE section_id <> 'art-1') AS s, approx_distinct(student_key) FILTER (WHERE section_id <> 'art-1') AS a FROM clickstream",
    "7 null null"
)]
#[case(
    "SELECT count(*) AS n FROM assessment HAVING sum(score) FILTER (WHERE section_id <> 'art-1') > 0",
    ""
)]
// It has no value of one.
#[case(
    "SELECT count(*) AS n, count(a.score) AS s, sum(a.score) AS t, count(DISTINCT a.student_key) AS k FROM clickstream c LEFT JOIN (SELECT student_key, score FROM assessment WHERE section_id <> 'art-1') a ON a.student_key = c.student_key",
    "20 null null null"
)]
#[case(
    "SELECT count(*) AS n, count(a.score) AS s, count(DISTINCT a.student_key) AS k FROM clickstream c LEFT JOIN (SELECT student_key, score FROM assessment WHERE section_id = 'bio-1') a ON a.student_key = c.student_key",
    "18 13 4"
)]
// Two of them differ in one.
#[case(
    "SELECT count(*) FILTER (WHERE section_id = 'art-1' OR section_id = 'bio-1' AND occurred_at > '2026-09-10') AS b FROM clickstream",
    "5"
)]
#[case(
    "SELECT count(*) FILTER (WHERE section_id = 'bio-1' AND occurred_at > '2026-09-10') AS a, count(*) FILTER (WHERE section_id = 'art-1' OR section_id = 'bio-1' AND occurred_at > '2026-09-10') AS b FROM clickstream",
    "3 null"
)]
// The group and two of them do.
#[case(
    "SELECT count(*) AS n, count(*) FILTER (WHERE section_id <> 'art-1' AND occurred_at < '2026-09-10') AS b FROM clickstream",
    "12 6"
)]
#[case(
    "SELECT count(*) AS n, count(*) FILTER (WHERE section_id = 'bio-1' AND occurred_at > '2026-09-10') AS a, count(*) FILTER (WHERE section_id <> 'art-1' AND occurred_at < '2026-09-10') AS b FROM clickstream",
    "12 3 null"
)]
#[tokio::test]
async fn figures_differ_in_enough_people(#[case] sql: &str, #[case] expected: &str) {
    let school = district().await;
    let lines = school.lines_as("analyst", sql).await;
    assert_eq!(lines.join(","), expected, "{sql}");
}
