//! A failure tells that there is a row on which to fail: nobody finds one whom they do not
//! see, though whoever sees all does, by the same statement.

use axum::http::StatusCode;
use rstest::rstest;

use super::district::district;

/// Conditions that fail on the rows of one student and day alone, which have the number
/// `{n}`.
const OF_A_ROW: [&str; 8] = [
    "CAST(replace(element, '{n}', 'x') AS bigint) >= 0",
    "CAST(CASE WHEN element = '{n}' THEN url ELSE '1' END AS bigint) > 0",
    "100 / (count - {n}) < 1000",
    "100 % (count - {n}) < 1000",
    "9223372036854775807 + (1 - abs(count - {n})) > 0",
    "CAST('20' || replace(element, '{n}', 'x') || '-01-01' AS date) < DATE '2100-01-01'",
    "substr(student_key, 1, abs(count - {n}) - 1) <> 'x'",
    "CASE WHEN count = {n} THEN 100 / (count - {n}) ELSE 1 END > 0",
];

/// Conditions that fail on every text that people wrote.
const OF_A_TEXT: [&str; 5] = [
    "CAST(url AS bigint) > 0",
    "100 / (length(url) - 16) < 1000",
    "9223372036854775807 + length(url) > 0",
    "CAST(url AS date) < DATE '2100-01-01'",
    "substr(url, 1, 5 - length(url)) <> 'x'",
];

/// Where a condition can stand.
const PLACES: [&str; 5] = [
    "SELECT count(*) AS n FROM clickstream WHERE {}",
    "SELECT count(*) FILTER (WHERE {}) AS n FROM clickstream",
    "SELECT student_key, {} AS c FROM clickstream ORDER BY 1, 2",
    "SELECT student_key FROM clickstream ORDER BY {}, 1",
    "SELECT count(*) AS n FROM clickstream JOIN sections USING (section_id) WHERE {}",
];

#[rstest]
// Another term's, another section's, a day after the last, another school's.
#[case::teacher("teacher", &OF_A_ROW, 60)]
#[case::teacher("teacher", &OF_A_ROW, 40)]
#[case::substitute("substitute", &OF_A_ROW, 41)]
#[case::guardian("guardian", &OF_A_ROW, 20)]
#[case::student("student", &OF_A_ROW, 10)]
#[case::principal("principal", &OF_A_ROW, 50)]
#[case::service("service", &OF_A_ROW, 60)]
#[case::service("service", &OF_A_TEXT, 0)]
#[case::researcher("researcher", &OF_A_TEXT, 0)]
#[tokio::test]
async fn what_is_not_seen_makes_nothing_fail(
    #[case] who: &str,
    #[case] conditions: &[&str],
    #[case] number: u32,
) {
    let school = district().await;
    for condition in conditions {
        let condition = condition.replace("{n}", &number.to_string());
        for place in PLACES {
            let sql = place.replace("{}", &condition);
            let steward = school.ask_as("steward", &sql).await;
            assert_eq!(steward.problem().1, "query_failed", "{sql}");
            let answer = school.ask_as(who, &sql).await;
            assert_eq!(
                answer.status,
                StatusCode::OK,
                "{who}: {sql}: {}",
                answer.text()
            );
        }
    }
}

/// Whether a text is a pattern would be told by a failure, too: no pattern is a row's.
#[tokio::test]
async fn patterns_are_nobodys_values() {
    let school = district().await;
    for sql in [
        "SELECT count(*) FROM clickstream WHERE regexp_like('a', replace(url, 'SECRET', '('))",
        "SELECT count(*) FROM clickstream WHERE 'a' ~ replace(element, '60', '(')",
    ] {
        for who in ["steward", "teacher", "student", "researcher"] {
            let (_, code, _) = school.ask_as(who, sql).await.problem();
            assert_eq!(code, "not_supported", "{who}: {sql}");
        }
    }
}
