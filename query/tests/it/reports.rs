//! `GET /v1/reports` and `GET /v1/reports/{name}`.

use axum::http::{Method, StatusCode, header};
use proptest::prelude::*;
use proptest::test_runner::TestRunner;
use query::Config;
use rstest::rstest;
use serde_json::{Value, json};

use crate::school::{Answer, School, look, token};

/// What tenant `north` did on some days of two terms.
pub fn days() -> Vec<(&'static str, Vec<Value>)> {
    let row = |day: Option<&str>, section: Option<&str>, student: &str, seconds: Option<f64>| {
        json!({
            "day": day, "course_id": "bio-101", "section_id": section, "student_key": student,
            "page_views": 3, "seconds_watched": seconds, "sessions": 1, "active_minutes": 2.5,
        })
    };
    let (third, fourth) = (Some("bio-101-03"), Some("bio-101-04"));
    vec![
        (
            "2025-26",
            vec![
                row(Some("2026-05-04"), third, "a", Some(10.0)),
                row(Some("2026-05-05"), None, "b", None),
            ],
        ),
        (
            "2026-27",
            vec![
                row(Some("2026-09-14"), third, "a", Some(412.5)),
                row(Some("2026-09-14"), third, "b", Some(15.0)),
                row(Some("2026-09-14"), fourth, "a", None),
                row(Some("2026-09-15"), third, "b", Some(90.25)),
                row(None, fourth, "c", Some(15.0)),
            ],
        ),
    ]
}

/// The school, with a report that is up to date.
pub async fn school() -> School {
    school_with(Config {
        threads: 2,
        ..Config::default()
    })
    .await
}

async fn school_with(config: Config) -> School {
    let school = School::with(config).await;
    for (term, rows) in days() {
        school
            .refresh("north", "student_day", term, &rows, "2026-09-14T11:00:00Z")
            .await;
    }
    school
}

async fn page(school: &School, query: &str) -> Answer {
    let path = format!("/v1/reports/student_day?{query}");
    school.get("north", &path).await
}

#[rstest]
#[case("", &["2026-05-04a", "2026-05-05b", "2026-09-14a", "2026-09-14b", "2026-09-14a", "2026-09-15b", "c"])]
#[case("term=2025-26", &["2026-05-04a", "2026-05-05b"])]
#[case("term_from=2026-27", &["2026-09-14a", "2026-09-14b", "2026-09-14a", "2026-09-15b", "c"])]
#[case("day=2026-05-04&day=2026-09-15&day=", &["2026-05-04a", "2026-09-15b", "c"])]
#[case("day_from=2026-05-05&day_to=2026-09-14&student_key=b", &["2026-05-05b", "2026-09-14b"])]
#[case("section_id=", &["2026-05-05b"])]
#[case("section_id=bio-101-04", &["2026-09-14a", "c"])]
#[case("seconds_watched_from=15&seconds_watched_to=90.25", &["2026-09-14b", "2026-09-15b", "c"])]
#[case("seconds_watched=", &["2026-05-05b", "2026-09-14a"])]
#[case("page_views_from=4", &[])]
#[case("order=-seconds_watched,-day", &["2026-09-14a", "2026-09-15b", "2026-09-14b", "c", "2026-05-04a", "2026-09-14a", "2026-05-05b"])]
#[case("order=student_key,-day&term=2026-27", &["2026-09-14a", "2026-09-14a", "2026-09-15b", "2026-09-14b", "c"])]
#[case("student_key=a%27%20OR%20%271%27=%271", &[])]
#[tokio::test]
async fn a_page_holds_what_is_asked_for(#[case] query: &str, #[case] expected: &[&str]) {
    let school = school().await;
    let rows = page(&school, query).await.rows();
    let rows = rows.as_array().expect("rows").iter().map(|row| {
        let text = |name: &str| row[name].as_str().unwrap_or_default().to_owned();
        text("day") + &text("student_key")
    });
    assert_eq!(rows.collect::<Vec<_>>(), expected, "{query}");
}

#[tokio::test]
async fn a_page_says_what_it_is() {
    let school = school().await;
    let answer = page(&school, "columns=day,active_minutes&limit=6").await;
    let body = answer.json();
    assert_eq!(body["report"], "student_day");
    assert_eq!(
        body["columns"],
        json!([{"name": "day", "type": "date"}, {"name": "active_minutes", "type": "double"}])
    );
    assert_eq!(
        body["rows"][0],
        json!({"day": "2026-05-04", "active_minutes": 2.5})
    );
    assert_eq!(body["data_as_of"], "2026-09-14T11:59:20Z");
    assert_eq!(body["lag_seconds"], 40.0);
    assert!(body["next_cursor"].is_string());
    assert_eq!(answer.headers["chalkline-row-count"], "6");
    assert_eq!(answer.headers["chalkline-lag-seconds"], "40");
    assert_eq!(answer.headers[header::CACHE_CONTROL], "no-store");

    let all = page(&school, "limit=7").await;
    assert_eq!(all.json()["next_cursor"], json!(null));
    assert!(!all.headers.contains_key(header::LINK));
}

#[tokio::test]
async fn csv_tells_the_next_page_in_a_header() {
    let school = school().await;
    let mut path =
        "/v1/reports/student_day?columns=student_key,day&limit=3&format=csv&term=2026-27"
            .to_owned();
    let mut pages = Vec::new();
    loop {
        let answer = school.get("north", &path).await;
        assert_eq!(answer.status, StatusCode::OK, "{}", answer.text());
        let kind = &answer.headers[header::CONTENT_TYPE];
        assert_eq!(kind, "text/csv; charset=utf-8; header=present");
        assert_eq!(
            answer.headers["chalkline-data-as-of"],
            "2026-09-14T11:59:20Z"
        );
        pages.push(answer.text().to_owned());
        let Some(link) = answer.headers.get(header::LINK) else {
            break;
        };
        let link = link.to_str().expect("text");
        path = link
            .strip_prefix('<')
            .and_then(|link| link.strip_suffix(">; rel=\"next\""))
            .expect("a link")
            .to_owned();
    }
    assert_eq!(
        pages,
        [
            "student_key,day\r\na,2026-09-14\r\nb,2026-09-14\r\na,2026-09-14\r\n",
            "student_key,day\r\nb,2026-09-15\r\nc,\r\n",
        ]
    );
    let request = look(&token("north", "steward"), "/v1/reports/student_day?term=x");
    let mut request = request;
    let accept = "text/csv".parse().expect("a header");
    request.headers_mut().insert(header::ACCEPT, accept);
    let nothing = school.answer(request).await;
    assert!(nothing.text().starts_with("term,day,student_key,"));
    assert_eq!(nothing.text().lines().count(), 1);
}

#[tokio::test]
async fn pages_of_any_size_make_the_same_rows_as_one() {
    let school = school().await;
    let columns = [
        "day",
        "section_id",
        "student_key",
        "seconds_watched",
        "posts",
    ];
    let column = (prop::sample::select(columns.to_vec()), any::<bool>());
    let question = (1..5_usize, prop::collection::vec(column, 0..3));
    let mut runner = TestRunner::deterministic();
    for _ in 0..16 {
        let tree = question.new_tree(&mut runner).expect("a question");
        let (limit, order) = proptest::strategy::ValueTree::current(&tree);
        let keys = order
            .iter()
            .map(|(name, descending)| format!("{}{name}", if *descending { "-" } else { "" }));
        let keys: Vec<String> = keys.collect();
        let order = match keys.is_empty() {
            true => String::new(),
            false => format!("&order={}", keys.join(",")),
        };
        let whole = page(&school, order.trim_start_matches('&')).await.rows();
        let mut paged = Vec::new();
        let mut cursor = String::new();
        loop {
            let answer = page(&school, &format!("limit={limit}{order}{cursor}")).await;
            let mut body = answer.json();
            paged.append(body["rows"].as_array_mut().expect("rows"));
            match body["next_cursor"].as_str() {
                Some(next) => cursor = format!("&cursor={next}"),
                None => break,
            }
        }
        assert_eq!(json!(paged), whole, "limit={limit}{order}");
        assert_eq!(paged.len(), 7);
    }
}

/// The default order is by what does not change of a row: a row that stays is
/// seen once, whatever is refreshed between two pages.
#[tokio::test]
async fn a_refresh_between_two_pages_hides_no_row_that_stays() {
    let school = school().await;
    let first = page(&school, "limit=4").await.json();
    let rows = json!({
        "day": "2026-09-14", "course_id": "bio-101", "section_id": "bio-101-03",
        "student_key": "aa", "page_views": 1,
    });
    let later = json!({
        "day": "2026-09-14", "course_id": "bio-101", "section_id": "bio-101-09",
        "student_key": "z", "page_views": 1,
    });
    school
        .refresh(
            "north",
            "student_day",
            "2026-27",
            &[rows, later],
            "2026-09-14T11:30:00Z",
        )
        .await;
    let cursor = first["next_cursor"].as_str().expect("a cursor");
    let rest = page(&school, &format!("cursor={cursor}")).await.json();
    let students = |page: &Value| -> Vec<String> {
        let rows = page["rows"].as_array().expect("rows");
        let key = |row: &Value| row["student_key"].as_str().unwrap_or_default().to_owned();
        rows.iter().map(key).collect()
    };
    assert_eq!(students(&first), ["a", "b", "a", "b"]);
    assert_eq!(students(&rest), ["a", "z", "b", "c"]);
}

#[rstest]
#[case(
    "student_days",
    "",
    404,
    "unknown_report",
    "query_audit, section_day, slow_queries, student_day"
)]
#[case("student_day/x", "", 404, "not_found", "/v1/reports")]
#[case("%FF", "", 404, "unknown_report", "there are")]
#[case(
    "student_day",
    "secton_id=x",
    400,
    "unknown_column",
    "nearest is section_id"
)]
#[case("student_day", "limt=5", 400, "unknown_column", "nearest is limit")]
#[case(
    "student_day",
    "columns=day,minutes",
    400,
    "unknown_column",
    "has no column `minutes`"
)]
#[case(
    "student_day",
    "order=-minutes",
    400,
    "unknown_column",
    "has no column `minutes`"
)]
#[case(
    "student_day",
    "day=14.9.2026",
    400,
    "invalid_value",
    "a date such as 2026-09-14"
)]
#[case("student_day", "day_to=", 400, "invalid_value", "leave it out")]
#[case(
    "student_day",
    "posts=many",
    400,
    "invalid_value",
    "a whole number, not `many`"
)]
#[case("ledger", "balanced=yes", 400, "invalid_value", "true or false")]
#[case("ledger", "balanced_from=true", 400, "unknown_column", "has no order")]
#[case(
    "ledger",
    "hour=2026-09-14",
    400,
    "invalid_value",
    "a time with its offset"
)]
#[case("student_day", "limit=10001", 400, "invalid_value", "from 1 to 10000")]
#[case("student_day", "format=xlsx", 400, "invalid_value", "json, csv")]
#[case("student_day", "cursor=x", 400, "invalid_cursor", "without one")]
#[tokio::test]
async fn what_cannot_be_answered_is_said(
    #[case] report: &str,
    #[case] query: &str,
    #[case] status: u16,
    #[case] code: &str,
    #[case] hint: &str,
) {
    let school = School::empty(Config::default()).await;
    let path = format!("/v1/reports/{report}?{query}");
    let (got, got_code, detail) = school.get("new", &path).await.problem();
    assert_eq!((got, got_code.as_str()), (status, code), "{detail}");
    assert!(detail.contains(hint), "{detail}");
}

#[tokio::test]
async fn a_cursor_is_for_its_own_question() {
    let school = school().await;
    let first = page(&school, "student_key=a&limit=1").await.json();
    let cursor = first["next_cursor"].as_str().expect("a cursor");
    let next = page(&school, &format!("student_key=a&limit=9&cursor={cursor}")).await;
    assert_eq!(next.rows().as_array().map(Vec::len), Some(2));
    for other in ["", "student_key=b&", "student_key=a&order=day&"] {
        let refused = page(&school, &format!("{other}cursor={cursor}")).await;
        assert_eq!(refused.problem().1, "invalid_cursor", "{other}");
    }
    let path = format!("/v1/reports/ledger?cursor={cursor}");
    let refused = school.get("north", &path).await;
    assert_eq!(refused.problem().1, "invalid_cursor");
}

#[tokio::test]
async fn the_ledger_is_paged_like_any_other() {
    let school = school().await;
    let path = "/v1/reports/ledger?columns=hour,family,rejected_reasons&order=-rejected_reasons";
    let mut whole = school.get("north", path).await.rows();
    let mut paged = Vec::new();
    let mut cursor = String::new();
    loop {
        let path = format!("{path}&limit=2{cursor}");
        let mut body = school.get("north", &path).await.json();
        paged.append(body["rows"].as_array_mut().expect("rows"));
        match body["next_cursor"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => break,
        }
    }
    assert_eq!(json!(paged), whole);
    assert_eq!(paged.len(), 5);
    assert_eq!(
        whole[0].take(),
        json!({
            "hour": "2026-09-14T10:00:00Z", "family": "clickstream",
            "rejected_reasons": "invalid_time 2, unknown_type 1",
        })
    );
}

#[tokio::test]
async fn tenants_see_only_their_own_reports() {
    let school = school().await;
    let row = json!({"day": "2026-09-14", "student_key": "only-in-south"});
    school
        .refresh(
            "south",
            "student_day",
            "2026-27",
            &[row],
            "2026-09-14T11:00:00Z",
        )
        .await;
    assert!(!page(&school, "").await.text().contains("only-in-south"));
    let south = school.get("south", "/v1/reports/student_day").await.rows();
    assert_eq!(south.as_array().map(Vec::len), Some(1));
    let new = school.get("new", "/v1/reports/student_day").await.rows();
    assert_eq!(new, json!([]));
}

#[tokio::test]
async fn a_report_is_a_table_in_sql_as_well() {
    let school = school().await;
    let sql = "SELECT sum(seconds_watched) AS seconds FROM student_day WHERE student_key = $1";
    let answer = school
        .ask_with("north", json!({"sql": sql, "params": ["b"]}))
        .await;
    assert_eq!(answer.rows(), json!([{"seconds": 105.25}]));
    let sql = "SELECT column_name FROM information_schema.columns \
               WHERE table_name = 'student_day' ORDER BY ordinal_position LIMIT 3";
    assert_eq!(
        school.ask("new", sql).await.rows(),
        json!([{"column_name": "term"}, {"column_name": "day"}, {"column_name": "student_key"}])
    );
    let sql = "SELECT table_type FROM information_schema.tables WHERE table_name = 'student_day'";
    assert_eq!(
        school.ask("new", sql).await.rows(),
        json!([{"table_type": "BASE TABLE"}])
    );
}

#[tokio::test]
async fn head_is_answered_and_other_methods_are_not() {
    let school = school().await;
    let path = "/v1/reports/student_day?limit=2";
    let mut request = look(&token("north", "steward"), path);
    *request.method_mut() = Method::HEAD;
    let answer = school.answer(request).await;
    assert_eq!(answer.status, StatusCode::OK);
    assert_eq!(answer.headers["chalkline-row-count"], "2");
    assert!(answer.headers.contains_key(header::LINK));
    assert!(answer.body.is_empty());

    let mut request = look(&token("north", "steward"), path);
    *request.method_mut() = Method::POST;
    let (status, _, detail) = school.answer(request).await.problem();
    assert_eq!(status, 405);
    assert!(detail.contains("with GET"), "{detail}");

    let mut request = look(&token("north", "steward"), path);
    let accept = "text/html".parse().expect("a header");
    request.headers_mut().insert(header::ACCEPT, accept);
    assert_eq!(school.answer(request).await.problem().0, 406);
}

#[tokio::test]
async fn the_limits_of_queries_are_those_of_reports() {
    let config = Config {
        threads: 2,
        json_rows: 3,
        json_bytes: 600,
        ..Config::default()
    };
    let school = school_with(config).await;
    let rows = page(&school, "columns=day").await.rows();
    assert_eq!(rows.as_array().map(Vec::len), Some(3));
    assert_eq!(page(&school, "limit=4").await.problem().1, "invalid_value");
    assert_eq!(page(&school, "").await.problem().1, "result_too_large");
}
