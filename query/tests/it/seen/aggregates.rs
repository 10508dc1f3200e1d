//! What those see who see aggregates only.

use rstest::rstest;

use super::district::district;

#[rstest]
#[case("SELECT count(*) AS n FROM clickstream", "12")]
#[case("SELECT avg(score / nullif(max_score, 0)) AS r FROM assessment", "0.5")]
#[case("SELECT count(DISTINCT student_key) AS n FROM clickstream", "7")]
#[case(
    "SELECT section_id, count(*) FROM clickstream GROUP BY section_id ORDER BY 1",
    "bio-1 7"
)]
#[case(
    "SELECT term, avg(score), stddev(score) FROM assessment GROUP BY term ORDER BY 1",
    "2026-27 0.5 0.0"
)]
#[case(
    "SELECT section_id, sum(page_views) AS views FROM student_day GROUP BY 1 HAVING count(*) > 1 ORDER BY views",
    "bio-1 21"
)]
#[case(
    "SELECT approx_percentile_cont(score, 0.5) AS p FROM assessment",
    "0.5"
)]
#[case("SELECT DISTINCT term FROM clickstream", "2026-27")]
#[case(
    "SELECT s.name, count(*) FROM clickstream c JOIN sections s USING (section_id) GROUP BY s.name",
    "bio-1 7"
)]
#[case(
    "SELECT count(*) FROM clickstream c JOIN assessment a ON a.student_key = c.student_key",
    "22"
)]
#[case(
    "SELECT e.role, count(DISTINCT u.user_id) FROM enrollments e JOIN users u ON u.user_id = e.user_id GROUP BY 1",
    "student 7"
)]
#[case(
    "SELECT role, count(*) FROM (SELECT role, user_id FROM enrollments WHERE section_id LIKE 'bio%') GROUP BY role",
    "student 5"
)]
#[case(
    "WITH c AS (SELECT section_id AS s, date_trunc('month', occurred_at) AS m FROM clickstream) SELECT s, count(*) FROM c GROUP BY s, m",
    "bio-1 7"
)]
#[case(
    "SELECT max(n) FROM (SELECT section_id, count(*) AS n FROM clickstream GROUP BY 1)",
    "7"
)]
#[case("SELECT (SELECT count(*) FROM clickstream) AS n", "12")]
#[case(
    "SELECT n, sum(n) OVER () FROM (SELECT section_id, count(*) AS n FROM clickstream GROUP BY 1)",
    "7 7"
)]
#[case(
    "SELECT count(*) FROM assessment WHERE score > 0 AND TRY_CAST(item_id AS int) IS NULL",
    "12"
)]
// Constants are made what they are at once, whatever the rows.
#[case(
    "SELECT count(*) FROM clickstream WHERE occurred_at >= DATE '2026-01-01' AND occurred_at < TIMESTAMP '2030-01-01 00:00:00'",
    "12"
)]
#[case(
    "SELECT count(*) FROM clickstream WHERE occurred_at BETWEEN '2026-01-01' AND CAST('2030-01-01' AS date)",
    "12"
)]
#[case(
    "SELECT count(*) FROM clickstream WHERE CAST(occurred_at AS date) > DATE '2026-01-01'",
    "12"
)]
#[case(
    "SELECT count(*) FROM clickstream WHERE occurred_at > now() - INTERVAL '60 years'",
    "12"
)]
#[case(
    "SELECT count(*) FROM clickstream WHERE occurred_at > current_date - INTERVAL '60 years'",
    "12"
)]
#[case(
    "SELECT count(*) FROM assessment WHERE CASE WHEN score > 0.25 THEN 1.0 ELSE 0 END > 0.5",
    "12"
)]
// Of too few people nothing is left.
#[case("SELECT count(*) FROM clickstream WHERE section_id = 'art-1'", "")]
#[case(
    "SELECT count(*) FROM clickstream WHERE occurred_at < '2026-06-01'",
    ""
)]
// Nor of figures to which too few contribute.
#[case(
    "SELECT count(*) AS n, sum(score) FILTER (WHERE section_id = 'art-1') AS s FROM assessment",
    "12 null"
)]
#[case(
    "SELECT count(*) AS n, count(*) FILTER (WHERE section_id = 'bio-1') AS s FROM assessment",
    "12 7"
)]
#[case("SELECT course_id, name FROM courses", "")]
#[case("SELECT section_id FROM sections ORDER BY 1 LIMIT 1", "art-1")]
#[tokio::test]
async fn groups_of_enough_people_are_shown(#[case] sql: &str, #[case] expected: &str) {
    let school = district().await;
    let lines = school.lines_as("analyst", sql).await;
    assert_eq!(lines.join(","), expected, "{sql}");
}

/// Beside an aggregate of students there may be others about nobody.
#[rstest]
#[case(
    "SELECT section_id, count(*) AS n, (SELECT count(*) FROM sections) AS m FROM clickstream GROUP BY 1",
    "bio-1 7 4"
)]
#[case(
    "SELECT (SELECT count(*) FROM clickstream) AS n, (SELECT count(*) FROM sections) AS m",
    "12 4"
)]
// However deep it stands, small groups are not shown.
#[case(
    "SELECT (SELECT (SELECT avg(score) FROM assessment WHERE section_id = 'art-1')) AS s",
    "null"
)]
#[case(
    "SELECT (SELECT (SELECT avg(score) FROM assessment WHERE section_id = 'bio-1')) AS s",
    "0.5"
)]
#[tokio::test]
async fn a_statement_has_one_aggregate_of_students(#[case] sql: &str, #[case] expected: &str) {
    let school = district().await;
    let lines = school.lines_as("analyst", sql).await;
    assert_eq!(lines.join(","), expected, "{sql}");
}

#[rstest]
#[case("SELECT count(*) FROM clickstream WHERE CAST(session_id AS int) > 0")]
#[case(
    "SELECT count(*) FROM clickstream WHERE 1 / (CASE WHEN section_id = 'art-1' THEN 0 ELSE 1 END) = 1"
)]
#[case("SELECT count(*) FROM clickstream WHERE count + 9223372036854775807 > 0")]
#[case(
    "SELECT count(*) FROM clickstream WHERE section_id = 'art-1' AND session_id > TIMESTAMP '2026-01-01'"
)]
#[case("SELECT count(*) FROM clickstream WHERE occurred_at > 'garbage'")]
#[case("SELECT count(*) FROM clickstream WHERE substr(section_id, 1, -1) = ''")]
#[case("SELECT count(*) FROM clickstream WHERE date_trunc('nothing', occurred_at) IS NULL")]
#[case("SELECT count(*) FROM clickstream GROUP BY CAST(section_id AS int)")]
#[case("SELECT count(*) FILTER (WHERE CAST(section_id AS int) > 0) FROM clickstream")]
// What planning would make of it fails, though it is written as what cannot.
#[case("SELECT count(*) FROM clickstream WHERE section_id > 5")]
#[case("SELECT count(*) FROM clickstream WHERE section_id IN (5, 6)")]
#[case("SELECT count(*) FROM clickstream WHERE section_id > CAST('5' AS int)")]
#[case("SELECT count(*) FROM clickstream WHERE section_id = 'art-1' AND url > DATE '2026-01-01'")]
#[case("SELECT count(*) FROM clickstream WHERE occurred_at > CAST('garbage' AS date)")]
#[case("SELECT count(*) FROM clickstream WHERE occurred_at > now() - INTERVAL '900 years'")]
#[case(
    "SELECT count(*) FROM clickstream WHERE occurred_at > now() + INTERVAL '70 years 9000000000 seconds'"
)]
#[case("SELECT count(*) FROM clickstream WHERE CASE section_id WHEN 5 THEN true ELSE false END")]
#[case("SELECT count(*) FROM clickstream WHERE nullif(section_id, 5) IS NULL")]
#[case("SELECT count(*) FROM clickstream WHERE date_trunc('dow', occurred_at) IS NULL")]
#[case(
    "SELECT count(*) FROM clickstream WHERE date_trunc('year', TRY_CAST(section_id AS time)) IS NULL"
)]
#[case("SELECT count(*) FROM assessment WHERE score > TRY_CAST(0 AS decimal(38, 37))")]
#[case(
    "SELECT count(*) FROM assessment WHERE TRY_CAST(TRY_CAST(score * 1e17 AS bigint) AS timestamp) IS NULL"
)]
#[case("SELECT count(*) FROM assessment WHERE round(1.0, TRY_CAST(score AS bigint)) = 1")]
#[case("SELECT avg(TRY_CAST(score / 0.7 AS decimal(38, 36))) FROM assessment")]
#[case("SELECT sum(TRY_CAST(score * 5e18 AS bigint)) FROM assessment")]
// One type is looked for, for all that is compared or chosen from.
#[case(
    "SELECT count(*) FROM assessment WHERE CASE WHEN section_id = 'x' THEN score ELSE CAST(0 AS decimal(38, 37)) END IS NULL"
)]
#[case(
    "SELECT count(*) FROM assessment WHERE CASE WHEN section_id = 'x' THEN score ELSE CAST(NULL AS decimal(38, 37)) END IS NULL"
)]
#[case(
    "SELECT count(*) FROM clickstream WHERE CASE WHEN section_id = 'art-1' THEN session_id ELSE occurred_at END IS NULL"
)]
#[case(
    "SELECT count(*) FROM clickstream WHERE CASE WHEN section_id = 'art-1' THEN 1.0 ELSE section_id END > 0"
)]
#[case(
    "SELECT count(*) FROM assessment WHERE CAST(CASE WHEN section_id = 'art-1' THEN 1 ELSE score * 1e300 END AS bigint) > 0"
)]
#[case("SELECT count(*) FROM clickstream WHERE '2026-01-01' IN (session_id, occurred_at)")]
#[case("SELECT count(*) FROM clickstream WHERE '5' IN (section_id, count)")]
#[case("SELECT count(*) FROM clickstream WHERE coalesce('5', section_id, count) IS NULL")]
#[case(
    "SELECT count(*) FROM clickstream WHERE CASE '5' WHEN section_id THEN true WHEN count THEN false END"
)]
#[case("SELECT count(*) FROM enrollments WHERE DATE '2026-01-01' BETWEEN end_date AND recorded_at")]
#[case("SELECT count(*) FROM enrollments WHERE current_date BETWEEN end_date AND recorded_at")]
// Constants that fail in what is done with them.
#[case(
    "SELECT count(*) FROM clickstream WHERE section_id = 'x' AND date_trunc('year', TIMESTAMP '1677-10-01 00:00:00') IS NULL"
)]
#[case(
    "SELECT count(*) FROM clickstream WHERE CASE WHEN section_id = 'x' THEN ceil(CAST('9.5' AS decimal(2, 1))) END IS NULL"
)]
#[case("SELECT avg(CAST(9 AS decimal(38, 37))) FROM clickstream")]
// What is no condition is made one.
#[case(
    "SELECT count(*) FROM clickstream WHERE CASE WHEN section_id <> 'x' THEN 1 WHEN url THEN 2 END IS NULL"
)]
#[case(
    "SELECT count(*) FILTER (WHERE CASE WHEN section_id = 'x' THEN url ELSE 'true' END) FROM clickstream"
)]
// Subqueries, and what stands beside people: whether it is asked for tells of them.
#[case(
    "SELECT count(*) FROM assessment a WHERE EXISTS (SELECT 1 FROM (VALUES (1)) v(n) WHERE 1 / (CASE WHEN a.section_id = 'art-1' THEN 0 ELSE 1 END) >= v.n)"
)]
#[case("SELECT count(*) FROM clickstream WHERE section_id IN (SELECT 5)")]
#[case(
    "SELECT count(*) FROM assessment a JOIN LATERAL (SELECT 1 AS x FROM (VALUES (1)) v(n) WHERE a.student_key < '8') l ON true"
)]
#[case(
    "SELECT count(*) FROM clickstream c JOIN (SELECT section_id, 1 / (length(section_id) - 5) AS x FROM sections) s USING (section_id) WHERE c.section_id = 'art-1'"
)]
#[case("SELECT count(*) FROM clickstream c JOIN (VALUES (5)) v(n) ON c.section_id = v.n")]
#[case("SELECT * FROM clickstream")]
#[case("SELECT sum((score - 0.5) * (score - 0.25)) FROM assessment")]
#[case("SELECT avg(score / nullif(max_score, 0.5)) FROM assessment")]
#[case("SELECT student_key FROM student_day LIMIT 1")]
#[case("SELECT given_name FROM users")]
#[case("SELECT min(url), count(*) FROM clickstream")]
#[case("SELECT max(score) FROM assessment")]
#[case("SELECT array_agg(student_key) FROM clickstream")]
#[case("SELECT string_agg(section_id, ',') FROM clickstream")]
#[case("SELECT first_value(score) FROM assessment")]
#[case("SELECT median(score) FROM assessment")]
#[case("SELECT approx_percentile_cont(score, 1.0) FROM assessment")]
#[case("SELECT student_key, count(*) FROM clickstream GROUP BY student_key")]
#[case("SELECT substr(student_key, 1, 2), count(*) FROM clickstream GROUP BY 1")]
#[case("SELECT count(*) FROM clickstream WHERE student_key = 'k-stu-1'")]
#[case("SELECT count(*) FILTER (WHERE student_key = 'k-stu-1') FROM clickstream")]
#[case("SELECT sum(CASE WHEN session_id = 'x' THEN score ELSE 0 END) FROM assessment")]
#[case(
    "SELECT sum(s) FROM (SELECT CASE WHEN session_id = 'x' THEN score ELSE 0 END AS s FROM assessment)"
)]
#[case(
    "SELECT sum(score * w) FROM assessment JOIN (VALUES ('r', 1)) v(response, w) USING (response)"
)]
#[case(
    "SELECT sum(v.w) FROM assessment a JOIN (VALUES ('k-stu-1', 1)) v(k, w) ON v.k = a.student_key"
)]
#[case("SELECT count(*) FROM clickstream a, clickstream b")]
// Rows that are there twice, once in a group with somebody and once in one without.
#[case(
    "SELECT v.n, count(*), sum(a.score) FROM assessment a CROSS JOIN (VALUES (0), (1)) v(n) WHERE v.n = 0 OR a.section_id <> 'art-1' GROUP BY v.n"
)]
#[case(
    "SELECT count(*) FILTER (WHERE v.n = 0), count(*) FILTER (WHERE v.n = 1 AND a.section_id <> 'art-1') FROM assessment a CROSS JOIN (VALUES (0), (1)) v(n)"
)]
#[case(
    "SELECT v.n, sum(a.score) FROM assessment a JOIN (VALUES (0, 'bio-1'), (0, 'art-1'), (1, 'bio-1')) v(n, s) ON a.section_id = v.s GROUP BY v.n"
)]
#[case(
    "SELECT s.name, count(*) FROM clickstream c JOIN sections s ON c.course_id = s.course_id GROUP BY 1"
)]
#[case(
    "SELECT s.name, count(*) FROM clickstream c JOIN sections s ON c.section_id = s.section_id OR s.section_id = 'bio-1' GROUP BY 1"
)]
#[case(
    "SELECT s.section_id, count(*) FROM clickstream c JOIN (SELECT name AS section_id FROM sections) s USING (section_id) GROUP BY 1"
)]
#[case(
    "SELECT s.name, count(*) FROM clickstream c JOIN sections_history s USING (section_id) GROUP BY 1"
)]
#[case(
    "SELECT d.item_id, avg(c.score) FROM assessment c JOIN assessment d ON c.student_key = d.student_key GROUP BY 1"
)]
#[case(
    "SELECT count(*), count(a.score) FROM clickstream c LEFT JOIN (SELECT student_key, score FROM assessment WHERE section_id <> 'art-1') a ON a.student_key = c.student_key"
)]
#[case("SELECT DISTINCT e.role FROM enrollments e JOIN roles r ON r.user_id = e.user_id")]
#[case("SELECT count(*) FROM clickstream a JOIN clickstream b ON a.url = b.url")]
#[case(
    "SELECT x.n FROM (SELECT count(*) AS n FROM clickstream) x CROSS JOIN (SELECT count(*) AS m FROM video) y"
)]
#[case("SELECT count(*) FROM clickstream UNION ALL SELECT count(*) FROM video")]
#[case("SELECT term, section_id, count(*) FROM clickstream GROUP BY ROLLUP (term, section_id)")]
#[case("SELECT count(*) OVER () FROM clickstream")]
#[case("SELECT count(*) FROM (SELECT * FROM clickstream LIMIT 3)")]
#[case(
    "SELECT count(*) FROM (SELECT score, rank() OVER (ORDER BY score) AS r FROM assessment) WHERE r = 1"
)]
#[case("SELECT count(*) FROM sections WHERE section_id IN (SELECT section_id FROM clickstream)")]
#[case(
    "SELECT name FROM sections s WHERE EXISTS (SELECT 1 FROM clickstream c WHERE c.section_id = s.section_id)"
)]
#[case(
    "SELECT name, (SELECT count(*) FROM clickstream c WHERE c.section_id = s.section_id) FROM sections s"
)]
#[case(
    "SELECT count(*) FROM clickstream WHERE student_key IN (SELECT column1 FROM (VALUES ('k-stu-1')))"
)]
#[case("SELECT s.name FROM sections s LEFT SEMI JOIN clickstream c USING (section_id)")]
// Two aggregates, which differ by one.
#[case("SELECT (SELECT count(*) FROM clickstream) + (SELECT count(*) FROM video) AS n")]
#[case(
    "SELECT (SELECT count(*) FROM clickstream) AS n, (SELECT count(*) FROM clickstream WHERE section_id <> 'art-1') AS m"
)]
#[case(
    "SELECT section_id, count(*), (SELECT count(*) FROM clickstream) AS total FROM clickstream GROUP BY 1"
)]
#[case(
    "SELECT section_id, count(*) FROM clickstream GROUP BY 1 HAVING count(*) < (SELECT count(*) FROM video)"
)]
#[case(
    "SELECT section_id, count(*) FROM clickstream GROUP BY 1 HAVING EXISTS (SELECT count(*) FROM video)"
)]
#[case(
    "SELECT name FROM sections WHERE section_id IN (SELECT section_id FROM clickstream GROUP BY 1)"
)]
#[case(
    "SELECT name FROM sections WHERE (SELECT count(*) FROM clickstream) > (SELECT count(*) FROM video)"
)]
#[case(
    "SELECT (SELECT count(*) FROM clickstream) AS n UNION ALL SELECT (SELECT count(*) FROM video) AS n"
)]
#[case("SELECT (SELECT (SELECT count(*) FROM clickstream)) + (SELECT count(*) FROM video) AS n")]
#[case(
    "SELECT a.n FROM (SELECT (SELECT count(*) FROM clickstream) AS n) a CROSS JOIN (SELECT (SELECT count(*) FROM video) AS n) b"
)]
#[case(
    "WITH g AS (SELECT section_id, count(*) AS n FROM clickstream GROUP BY 1) SELECT n, (SELECT sum(n) FROM g) FROM g"
)]
#[case(
    "WITH g AS (SELECT count(*) AS n FROM clickstream), h AS (SELECT count(*) AS n FROM video) SELECT g.n FROM g JOIN h ON g.n = h.n"
)]
// Or one where it would not be looked at.
#[case(
    "SELECT section_id FROM sections WHERE section_id IN (SELECT section_id FROM sections WHERE 1 < (SELECT count(*) FROM clickstream WHERE section_id = 'art-1'))"
)]
#[case(
    "SELECT x FROM (VALUES ((SELECT avg(score) FROM assessment WHERE section_id = 'art-1'))) v(x)"
)]
#[case("SELECT x FROM (VALUES ((SELECT url FROM clickstream LIMIT 1))) v(x)")]
#[case("EXPLAIN SELECT * FROM clickstream")]
#[case("SELECT unnest(played_segments) FROM video")]
#[case(
    "WITH RECURSIVE r AS (SELECT student_key FROM clickstream UNION ALL SELECT student_key FROM r WHERE false) SELECT count(*) FROM r"
)]
#[tokio::test]
async fn single_ones_are_not(#[case] sql: &str) {
    let school = district().await;
    let (status, code, detail) = school.ask_as("analyst", sql).await.problem();
    assert_eq!(
        (status, code.as_str()),
        (403, "aggregates_only"),
        "{sql}: {detail}"
    );
}

#[tokio::test]
async fn reports_about_students_are_for_sql_alone() {
    let school = district().await;
    let (status, code, _) = school
        .look_as("analyst", "/v1/reports/student_day")
        .await
        .problem();
    assert_eq!((status, code.as_str()), (403, "aggregates_only"));
    let listed = school.look_as("analyst", "/v1/reports").await;
    assert!(!listed.text().contains("\"student_day\""));
    assert!(listed.text().contains("\"section_day\""));
}

/// What is asked of groups is asked of those alone that are shown: none of these fails.
#[rstest]
#[case(
    "SELECT section_id FROM clickstream GROUP BY 1 HAVING 1 / (CASE WHEN section_id = 'art-1' THEN 0 ELSE 1 END) = 1"
)]
#[case(
    "SELECT section_id FROM clickstream GROUP BY 1 HAVING 1 / (CASE WHEN count(*) = 2 THEN 0 ELSE 1 END) = 1"
)]
#[case(
    "SELECT s FROM (SELECT section_id AS s, count(*) AS n FROM clickstream GROUP BY 1) WHERE CAST(replace(s, 'bio-', '') AS int) > 0"
)]
#[tokio::test]
async fn groups_that_are_not_shown_are_not_asked(#[case] sql: &str) {
    let school = district().await;
    assert_eq!(school.lines_as("analyst", sql).await, ["bio-1"], "{sql}");
}
