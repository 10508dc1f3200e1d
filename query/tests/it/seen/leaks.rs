//! PostgreSQL's `f_leak`, over tables as they are stored: no function is handed a value
//! that its caller does not see, wherever in a statement it is called.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};

use axum::http::StatusCode;
use datafusion::arrow::array::{Array as _, BooleanArray};
use datafusion::arrow::datatypes::DataType;
use datafusion::common::cast::as_string_array;
use datafusion::error::Result;
use datafusion::logical_expr::{ColumnarValue, ScalarUDF, Volatility, create_udf};
use rstest::rstest;
use serde_json::json;

use super::district::{EVERYBODY, NORTH, district};
use crate::school::{Answer, School, question, token};

/// What `f_leak` was called with, by who called it.
#[derive(Default)]
pub struct Calls(Mutex<BTreeMap<String, BTreeSet<String>>>);

impl Calls {
    /// `f_leak(who, text)`, which is true of every text. Who calls it is an argument: of a
    /// query that was answered early something may still be on its way.
    pub fn function(self: &Arc<Self>) -> Arc<ScalarUDF> {
        let calls = Arc::clone(self);
        let function = move |arguments: &[ColumnarValue]| -> Result<ColumnarValue> {
            let arrays = ColumnarValue::values_to_arrays(arguments)?;
            let callers = as_string_array(&arrays[0])?;
            let texts = as_string_array(&arrays[1])?;
            let mut calls = calls.0.lock().expect("nobody panics");
            for (who, text) in callers.iter().zip(texts.iter()) {
                if let (Some(who), Some(text)) = (who, text) {
                    let of_one = calls.entry(who.to_owned()).or_default();
                    of_one.insert(text.to_owned());
                }
            }
            let yes = BooleanArray::from(vec![true; texts.len()]);
            Ok(ColumnarValue::Array(Arc::new(yes)))
        };
        let function = create_udf(
            "f_leak",
            vec![DataType::Utf8, DataType::Utf8],
            DataType::Boolean,
            // The planner may move calls of it wherever it likes.
            Volatility::Immutable,
            Arc::new(function),
        );
        Arc::new(function)
    }

    fn of(&self, who: &str) -> BTreeSet<String> {
        let calls = self.0.lock().expect("nobody panics");
        calls.get(who).cloned().unwrap_or_default()
    }
}

/// Statements over rows `{t}` of a key `k` and a text `v`; `f_leak` names its caller, too.
const CORPUS: &[&str] = &[
    // Conditions, alone and beside others.
    "SELECT v FROM {t} WHERE f_leak(v)",
    "SELECT v FROM {t} WHERE f_leak(v) AND k <> 'x' AND v IS NOT NULL",
    "SELECT v FROM {t} WHERE k = 'x' OR f_leak(v)",
    "SELECT count(*) AS n FROM {t} WHERE NOT f_leak(v)",
    "SELECT v FROM {t} WHERE coalesce(f_leak(v), true)",
    "SELECT v FROM {t} WHERE CASE WHEN k LIKE '%stu%' THEN f_leak(v) ELSE f_leak(v) END",
    "SELECT v FROM {t} WHERE f_leak(v) AND k <> $1",
    // What is shown, and its limits and orders.
    "SELECT f_leak(v) AS l FROM {t} LIMIT 3",
    "SELECT v FROM {t} WHERE f_leak(v) LIMIT 1",
    "SELECT v FROM {t} ORDER BY f_leak(v), v LIMIT 2",
    "SELECT v FROM {t} WHERE f_leak(v) ORDER BY k LIMIT 2",
    "SELECT v FROM (SELECT v FROM {t} ORDER BY v LIMIT 2) WHERE f_leak(v)",
    "SELECT v FROM (SELECT DISTINCT v FROM {t} LIMIT 9) WHERE f_leak(v)",
    "SELECT DISTINCT f_leak(v) AS l FROM {t}",
    "SELECT CASE WHEN f_leak(v) THEN 1 ELSE 0 END AS c FROM {t} WHERE k LIKE '%stu%'",
    // Groups and windows.
    "SELECT v, count(*) AS n FROM {t} GROUP BY v HAVING f_leak(v)",
    "SELECT v FROM (SELECT v, count(*) AS n FROM {t} GROUP BY v) ORDER BY f_leak(v)",
    "SELECT k, max(v) AS m FROM {t} GROUP BY k HAVING f_leak(max(v))",
    "SELECT f_leak(v) AS l, count(*) AS n FROM {t} GROUP BY f_leak(v)",
    "SELECT count(*) FILTER (WHERE f_leak(v)) AS n FROM {t}",
    // As statistics of files could answer it.
    "SELECT f_leak(max(v)) AS a, f_leak(min(v)) AS b FROM {t}",
    "SELECT count(*) OVER (PARTITION BY f_leak(v) ORDER BY k) AS n FROM {t}",
    "SELECT v FROM (SELECT v, row_number() OVER (ORDER BY k) AS r FROM {t}) WHERE r > 0 AND f_leak(v)",
    "SELECT u FROM (SELECT unnest(array_agg(v)) AS u FROM {t}) WHERE f_leak(u)",
    // Joins.
    "SELECT a.v FROM {t} a JOIN {t} b ON a.k = b.k AND f_leak(b.v)",
    "SELECT a.v FROM {t} a LEFT JOIN {t} b ON f_leak(b.v) AND a.k < b.k",
    "SELECT count(*) AS n FROM {t} a FULL JOIN {t} b ON a.k = b.k WHERE f_leak(coalesce(a.v, b.v))",
    "SELECT a.v FROM {t} a JOIN (VALUES ('x')) w (x) ON f_leak(a.v) AND w.x <> a.k",
    "SELECT count(*) AS n FROM generate_series(1, 2) g JOIN {t} a ON f_leak(a.v)",
    "SELECT l.v FROM {t} a JOIN LATERAL (SELECT b.v FROM {t} b WHERE b.k = a.k AND f_leak(b.v)) l ON true",
    // Subqueries, sets and recursion.
    "SELECT v FROM {t} WHERE k IN (SELECT k FROM {t} WHERE f_leak(v))",
    "SELECT v FROM {t} WHERE k NOT IN (SELECT k FROM {t} WHERE NOT f_leak(v))",
    "SELECT v FROM {t} a WHERE EXISTS (SELECT 1 FROM {t} b WHERE b.k = a.k AND f_leak(b.v))",
    "SELECT (SELECT count(*) FROM {t} b WHERE b.k = a.k AND f_leak(b.v)) AS n FROM {t} a",
    "SELECT v FROM {t} WHERE f_leak(v) UNION SELECT k FROM {t} WHERE f_leak(v)",
    "SELECT v FROM {t} EXCEPT SELECT v FROM {t} WHERE f_leak(v)",
    "WITH c AS (SELECT * FROM {t}) SELECT a.v FROM c a, c b WHERE f_leak(a.v) AND a.k = b.k",
    "WITH RECURSIVE r AS (SELECT k, v, 1 AS n FROM {t} UNION ALL SELECT k, v, n + 1 FROM r WHERE n < 3 AND f_leak(v)) SELECT count(*) AS n FROM r",
    // Plans, made and run.
    "EXPLAIN SELECT v FROM {t} WHERE f_leak(v)",
    "EXPLAIN ANALYZE SELECT v FROM {t} WHERE f_leak(v)",
];

/// Asks what is in the corpus as somebody, of these rows.
async fn ask(school: &School, who: &str, statement: &str, rows: &str) -> (String, Answer) {
    let sql = statement.replace("{t}", &format!("({rows})"));
    let sql = sql.replace("f_leak(", &format!("f_leak('{who}', "));
    let params = match sql.contains("$1") {
        true => json!(["x"]),
        false => json!([]),
    };
    let body = json!({ "sql": sql, "params": params });
    let request = question(&token(NORTH, who), &body, "application/json");
    (sql, school.answer(request).await)
}

/// The texts of these rows that somebody sees; none, when they see no rows one by one or
/// may not name the table.
async fn shown(school: &School, who: &str, rows: &str) -> Option<BTreeSet<String>> {
    let plain = "SELECT v, count(*) AS n FROM {t} GROUP BY v";
    let (_, answer) = ask(school, who, plain, rows).await;
    if answer.status == StatusCode::FORBIDDEN {
        return None;
    }
    let rows = answer.rows();
    let texts = rows.as_array().expect("rows").iter();
    let texts = texts.filter_map(|row| row["v"].as_str().map(str::to_owned));
    Some(texts.collect())
}

#[rstest]
#[case::clickstream("SELECT student_key AS k, url AS v FROM clickstream", 7)]
#[case::groups("SELECT student_key AS k, section_id AS v FROM clickstream", 4)]
// Of each event its own: those of other days tell themselves apart.
#[case::assessment("SELECT student_key AS k, event_id AS v FROM assessment", 12)]
#[case::users("SELECT user_id AS k, given_name AS v FROM users", 12)]
#[case::report(
    "SELECT student_key AS k, concat(student_key, ' ', CAST(day AS text)) AS v FROM student_day",
    11
)]
#[case::results("SELECT user_id AS k, comment AS v FROM results", 7)]
#[tokio::test]
async fn no_function_is_called_with_what_its_caller_does_not_see(
    #[case] rows: &str,
    #[case] all: usize,
) {
    let school = district().await;
    let mut in_part = 0;
    for (who, ..) in EVERYBODY {
        let shown = shown(&school, who, rows).await;
        let may_name = shown.is_some();
        let shown = shown.unwrap_or_default();
        let mut answered = 0;
        for statement in CORPUS {
            let (sql, answer) = ask(&school, who, statement, rows).await;
            answered += usize::from(answer.status == StatusCode::OK);
            let called = school.calls.of(who);
            let hidden: Vec<_> = called.difference(&shown).collect();
            assert!(hidden.is_empty(), "{who}: {sql}: {hidden:?}");
        }
        // It was called with all that they do see, so it would have told of more.
        assert_eq!(school.calls.of(who), shown, "{who}: {rows}");
        // Who sees aggregates alone calls nothing below them.
        if may_name && who != "analyst" {
            assert!(answered > 30, "{who}: {answered} are answered");
        }
        if ["steward", "district"].contains(&who) {
            assert_eq!(shown.len(), all, "{who}: {rows}");
        }
        in_part += usize::from(!shown.is_empty() && shown.len() < all);
    }
    assert!(in_part >= 5, "{in_part} see some of {rows}");
}

#[tokio::test]
async fn who_sees_groups_alone_calls_functions_on_those_that_are_shown() {
    let school = district().await;
    let rows = "SELECT student_key AS k, section_id AS v FROM clickstream";
    let having = "SELECT v, count(*) AS n FROM {t} GROUP BY v HAVING f_leak(v)";
    let (_, answer) = ask(&school, "analyst", having, rows).await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.text());
    let called = school.calls.of("analyst");
    assert_eq!(called, BTreeSet::from(["bio-1".to_owned()]));
}
