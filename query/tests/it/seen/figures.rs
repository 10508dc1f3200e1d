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
// Each row is there once, with what is about nobody and with who it is of.
#[case(
    "SELECT s.course_id AS c, count(*) AS n, count(*) FILTER (WHERE s.section_id = 'bio-1') AS s FROM clickstream c JOIN sections s USING (section_id) GROUP BY 1",
    "bio-101 10 null"
)]
#[case(
    "SELECT u.enabled AS e, count(*) AS n, count(DISTINCT e.user_id) FILTER (WHERE e.section_id = 'bio-1') AS s FROM enrollments e JOIN users u ON u.user_id = e.user_id GROUP BY 1",
    "true 11 5"
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
