//! What a researcher learns of who people are, whatever is asked: nothing.

use axum::http::StatusCode;
use rstest::rstest;
use serde_json::{Value, json};

use crate::school::{Answer, School, question, token};

/// What no answer to a researcher may hold.
const SECRETS: [&str; 13] = [
    "stu-1",
    "stu-2",
    "tea-1",
    "par-7",
    "ada7",
    "Ada",
    "Augusta",
    "Lovelace",
    "Somerville",
    "north.example",
    "2011-12-10",
    "female",
    "secret",
];

async fn school() -> School {
    let school = School::new().await;
    school.import_north().await;
    school
}

async fn ask(school: &School, sql: &str) -> Answer {
    let request = question(&token("north", "researcher"), &json!({ "sql": sql }), "*/*");
    school.answer(request).await
}

fn tells_nothing(sql: &str, answer: &Answer) {
    for secret in SECRETS {
        let asked = sql.contains(secret);
        assert!(
            asked || !answer.text().contains(secret),
            "{sql}: {}",
            answer.text()
        );
    }
}

#[tokio::test]
async fn a_steward_sees_everything() {
    let school = school().await;
    let sql = "SELECT given_name, email, agent_ids FROM users WHERE user_id = 'stu-1'";
    assert_eq!(
        school.ask("north", sql).await.rows(),
        json!([{ "given_name": "Augusta", "email": "Augusta@north.example", "agent_ids": ["par-7"] }])
    );
}

#[tokio::test]
async fn to_a_researcher_personal_columns_are_empty_and_identifiers_other_ones() {
    let school = school().await;
    for table in [
        "users",
        "users_history",
        "enrollments",
        "enrollments_history",
        "demographics",
        "results",
    ] {
        let sql = format!("SELECT * FROM {table}");
        let answer = ask(&school, &sql).await;
        let rows = answer.rows();
        assert!(!rows.as_array().expect("rows").is_empty(), "{table}");
        tells_nothing(&sql, &answer);
    }
    let answer = ask(&school, "SELECT * FROM users").await;
    for row in answer.rows().as_array().expect("rows") {
        for hidden in [
            "given_name",
            "family_name",
            "email",
            "user_ids",
            "agent_ids",
        ] {
            assert_eq!(row[hidden], Value::Null, "{hidden}");
        }
        assert_eq!(row["user_id"].as_str().map(str::len), Some(32));
        assert_eq!(row["grades"], json!(["09"]));
    }
}

#[tokio::test]
async fn tables_are_joined_by_pseudonyms_that_hold_for_one_query() {
    let school = school().await;
    let sql = "SELECT e.role, count(DISTINCT u.user_id) AS people, count(d.user_id) AS told \
               FROM enrollments_history e JOIN users u ON u.user_id = e.user_id \
               LEFT JOIN demographics d ON d.user_id = e.user_id \
               WHERE e.change = 'added' GROUP BY e.role ORDER BY e.role";
    assert_eq!(
        ask(&school, sql).await.rows(),
        json!([
            { "role": "student", "people": 2, "told": 1 },
            { "role": "teacher", "people": 1, "told": 0 },
        ])
    );
    // So are versions: who was renamed has two of them.
    let sql =
        "SELECT max(n) AS most FROM (SELECT count(*) AS n FROM users_history GROUP BY user_id)";
    assert_eq!(ask(&school, sql).await.rows(), json!([{ "most": 2 }]));
    let sql = "SELECT count(*) AS n FROM users_history WHERE superseded_at IS NOT NULL";
    assert_eq!(ask(&school, sql).await.rows(), json!([{ "n": 1 }]));
    let sql = "SELECT min(user_id) AS one FROM users";
    let (one, another) = (
        ask(&school, sql).await.rows(),
        ask(&school, sql).await.rows(),
    );
    assert_ne!(one, another);
}

/// Conditions, as they would find somebody.
#[rstest]
#[case("users", "given_name = 'Augusta'", 0)]
#[case("users", "given_name IN ('Ada', 'Augusta')", 0)]
#[case("users", "given_name IS NULL", 3)]
#[case("users", "given_name IS NOT NULL", 0)]
#[case("users", "given_name IS DISTINCT FROM 'Augusta'", 3)]
#[case("users", "coalesce(given_name, '') <> ''", 0)]
#[case("users", "email LIKE 'Augusta%'", 0)]
#[case("users", "email > 'A' OR email <= 'A'", 0)]
#[case("users", "user_id = 'stu-1'", 0)]
#[case("users", "user_id >= 'stu' AND user_id < 'stz'", 0)]
#[case("users", "starts_with(user_id, 'stu')", 0)]
#[case(
    "users",
    "user_id IN (SELECT user_id FROM enrollments WHERE user_id = 'stu-1')",
    0
)]
#[case("users", "array_has(user_ids, '{LDAP:ada7}')", 0)]
#[case("users", "cardinality(agent_ids) = 1", 0)]
#[case("users_history", "given_name = 'Ada'", 0)]
#[case("users_history", "user_id = 'stu-1'", 0)]
#[case("users_history", "user_id = 'stu-1' AND import = 2", 0)]
#[case("enrollments", "enrollment_id = 'e-1'", 0)]
#[case("demographics", "birth_date = DATE '2011-12-10'", 0)]
#[case("demographics", "birth_date < DATE '2012-01-01' OR sex = 'female'", 0)]
#[case("demographics", "NOT asian", 0)]
#[case("results", "comment LIKE '%secret%'", 0)]
#[case("results", "comment IS NULL", 1)]
#[tokio::test]
async fn no_condition_finds_anybody(
    #[case] table: &str,
    #[case] condition: &str,
    #[case] found: u64,
) {
    let school = school().await;
    let sql = format!("SELECT count(*) AS n FROM {table} WHERE {condition}");
    let answer = ask(&school, &sql).await;
    assert_eq!(answer.rows(), json!([{ "n": found }]), "{sql}");
    // A join whose condition it is finds as much.
    let sql = format!("SELECT count(*) AS n FROM (SELECT 1) AS one JOIN {table} ON {condition}");
    if !condition.contains("SELECT") {
        let answer = ask(&school, &sql).await;
        assert_eq!(answer.rows(), json!([{ "n": found }]), "{sql}");
    }
    for (explain, status) in [("EXPLAIN", 200), ("EXPLAIN VERBOSE", 403)] {
        let sql = format!("{explain} SELECT * FROM {table} WHERE {condition}");
        let answer = ask(&school, &sql).await;
        assert_eq!(answer.status, status, "{}", answer.text());
        tells_nothing(&sql, &answer);
    }
}

/// Statements that would make a value show, in an answer or in an error.
#[rstest]
#[case(
    "SELECT min(given_name), max(email), min(birth_date) FROM users JOIN demographics USING (user_id)"
)]
#[case("SELECT min(user_id), max(user_id) FROM users")]
#[case("SELECT approx_median(score), sum(score), max(comment) FROM results")]
#[case("SELECT string_agg(given_name, ','), array_agg(user_id), array_agg(email) FROM users")]
#[case("SELECT first_value(family_name) OVER (ORDER BY given_name) FROM users")]
#[case("SELECT CAST(given_name AS int), CAST(user_id AS int) FROM users")]
#[case("SELECT count(*) FROM users WHERE CAST(given_name AS int) > 0")]
#[case("SELECT count(*) FROM users_history WHERE CAST(email AS date) > DATE '2026-01-01'")]
#[case("SELECT count(*) FROM users WHERE CAST(user_id AS date) > DATE '2026-01-01'")]
#[case("SELECT 1 / (CASE WHEN given_name = 'Augusta' THEN 0 ELSE 1 END) FROM users")]
#[case("SELECT 1 / (CASE WHEN user_id = 'stu-1' THEN 0 ELSE 1 END) FROM users")]
#[case("SELECT arrow_cast(comment, 'Float64') FROM results")]
#[case("SELECT regexp_like('x', family_name) FROM users")]
#[case("SELECT upper(user_id), reverse(given_name), md5(user_id) FROM users")]
#[case("SELECT u FROM users u")]
#[case("SELECT named_struct('a', given_name, 'b', user_id) FROM users")]
#[case("SELECT DISTINCT given_name, family_name FROM users ORDER BY family_name")]
#[case("SELECT given_name FROM users UNION SELECT given_name FROM users_history")]
#[case("SELECT x.given_name FROM users_history x JOIN users y ON x.given_name = y.given_name")]
#[case("SELECT * FROM information_schema.columns WHERE table_name LIKE 'users%'")]
#[case("SELECT * FROM information_schema.tables")]
#[case("EXPLAIN VERBOSE SELECT max(email) FROM users_history")]
#[case("SELECT pseudonym('stu-1')")]
#[case("SHOW COLUMNS FROM users")]
#[tokio::test]
async fn no_statement_shows_anybody(#[case] sql: &str) {
    let school = school().await;
    let answer = ask(&school, sql).await;
    tells_nothing(sql, &answer);
    assert_ne!(
        answer.status,
        StatusCode::INTERNAL_SERVER_ERROR,
        "{}",
        answer.text()
    );
}
