//! `$1`, `$2`, …

use rstest::rstest;
use serde_json::{Value, json};

use crate::school::School;

#[rstest]
#[case("SELECT count(*) AS n FROM clickstream WHERE received_at >= $1", json!(["2026-09-14T11:00:00Z"]), json!(2))]
#[case("SELECT count(*) AS n FROM clickstream WHERE received_at >= $1", json!(["2026-09-14"]), json!(4))]
#[case("SELECT count(*) AS n FROM clickstream WHERE received_at >= $1", json!(["2026-09-14T13:05:00+02:00"]), json!(2))]
#[case("SELECT count(*) AS n FROM clickstream WHERE count > $1 AND section_id = $2", json!([2, "bio-101-03"]), json!(1))]
#[case("SELECT count(*) AS n FROM clickstream WHERE section_id IN ($1, $2)", json!(["bio-101-03", "bio-101-04"]), json!(3))]
#[case("SELECT count(*) AS n FROM clickstream WHERE section_id = ANY($1)", json!([["bio-101-03", "bio-101-04"]]), json!(3))]
#[case("SELECT count(*) AS n FROM clickstream WHERE array_has($1, section_id)", json!([["bio-101-04"]]), json!(1))]
#[case("SELECT count(*) AS n FROM assessment WHERE correct = $1", json!([true]), json!(1))]
#[case("SELECT count(*) AS n FROM assessment WHERE score < $1", json!([0.5]), json!(1))]
#[case("SELECT count(*) AS n FROM assessment WHERE score < $1", json!([1]), json!(2))]
#[case("SELECT count(*) AS n FROM clickstream WHERE $1 IS NULL", json!([null]), json!(4))]
#[case("SELECT count(*) AS n FROM clickstream WHERE section_id = $1 OR $1 IS NULL", json!(["bio-101-04"]), json!(1))]
#[case("SELECT count(*) AS n FROM (SELECT 1 FROM clickstream LIMIT $1)", json!([2]), json!(2))]
#[case("SELECT $1 AS n", json!([9007199254740993_i64]), json!(9007199254740993_i64))]
#[case("SELECT $1 || '!' AS n", json!(["'; DROP TABLE x"]), json!("'; DROP TABLE x!"))]
#[case("SELECT CAST($1 AS timestamp) AS n", json!(["2026-09-01T00:00:00"]), json!("2026-09-01T00:00:00"))]
#[tokio::test]
async fn values_are_bound(#[case] sql: &str, #[case] params: Value, #[case] expected: Value) {
    let school = School::new().await;
    let body = json!({ "sql": sql, "params": params });
    let answer = school.ask_with("north", body).await;
    assert_eq!(answer.rows()[0]["n"], expected, "{sql} {params}");
}

#[rstest]
#[case("SELECT 1", json!([1]), "invalid_parameter", "/params/0")]
#[case("SELECT $1", json!([]), "invalid_parameter", "/params/0")]
#[case("SELECT $1, $2", json!([1]), "invalid_parameter", "/params/1")]
#[case("SELECT $1", json!([1, 2]), "invalid_parameter", "/params/1")]
#[case("SELECT $1", json!([{"a": 1}]), "invalid_parameter", "/params/0")]
#[case("SELECT * FROM clickstream WHERE received_at > $1", json!(["soon"]), "invalid_parameter", "/params/0")]
#[case("SELECT * FROM clickstream WHERE count = $1", json!(["five"]), "invalid_parameter", "/params/0")]
#[case("SELECT * FROM clickstream WHERE section_id = $1 AND count = $2", json!(["a", 1.5]), "invalid_parameter", "/params/1")]
#[case("SELECT $name", json!([]), "unknown_parameter", "/sql")]
#[tokio::test]
async fn values_that_do_not_fit_are_pointed_at(
    #[case] sql: &str,
    #[case] params: Value,
    #[case] code: &str,
    #[case] pointer: &str,
) {
    let school = School::new().await;
    let body = json!({ "sql": sql, "params": params });
    let answer = school.ask_with("north", body).await;
    assert_eq!(answer.problem().1, code, "{}", answer.text());
    assert_eq!(answer.status, 400);
    assert_eq!(answer.json()["errors"][0]["pointer"], pointer);
}
