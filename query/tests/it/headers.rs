//! How answers travel: compressed for those who take it, kept by nobody.

use std::io::Read as _;

use axum::body::Body;
use axum::http::{Method, Request, StatusCode, header};
use rstest::rstest;
use serde_json::json;

use crate::school::{Answer, School, look, question, token};

const LONG: &str = "SELECT value AS n, 'the same again' AS text FROM generate_series(1, 200000)";

async fn ask(school: &School, sql: &str, accept: &str, codings: &str) -> Answer {
    let mut request = question(&token("new", "steward"), &json!({ "sql": sql }), accept);
    let codings = codings.parse().expect("a header");
    request
        .headers_mut()
        .insert(header::ACCEPT_ENCODING, codings);
    school.answer(request).await
}

fn plain(answer: &Answer) -> Vec<u8> {
    let mut bytes = Vec::new();
    match answer.headers[header::CONTENT_ENCODING].as_bytes() {
        b"gzip" => flate2::read::MultiGzDecoder::new(answer.body.as_ref())
            .read_to_end(&mut bytes)
            .map(drop)
            .expect("gzip"),
        _ => bytes = zstd::decode_all(answer.body.as_ref()).expect("zstd"),
    }
    bytes
}

#[rstest]
#[case("gzip", "gzip")]
#[case("gzip, deflate, br, zstd", "zstd")]
#[tokio::test]
async fn long_answers_are_compressed_and_the_same(#[case] accepts: &str, #[case] coding: &str) {
    let school = School::empty(query::Config::default()).await;
    for accept in ["text/csv", "application/x-ndjson"] {
        let whole = ask(&school, LONG, accept, "identity").await;
        let small = ask(&school, LONG, accept, accepts).await;
        assert_eq!(small.headers[header::CONTENT_ENCODING], coding);
        assert!(!small.headers.contains_key(header::CONTENT_LENGTH));
        let vary: Vec<_> = small.headers.get_all(header::VARY).iter().collect();
        assert_eq!(vary, ["accept, authorization", "accept-encoding"]);
        assert!(small.body.len() * 4 < whole.body.len());
        assert_eq!(plain(&small), whole.body);
    }
    let sql = "SELECT value AS n FROM generate_series(1, 20000)";
    let whole = ask(&school, sql, "application/json", "identity").await;
    let small = ask(&school, sql, "application/json", accepts).await;
    assert_eq!(small.headers["chalkline-row-count"], "20000");
    assert_eq!(plain(&small), whole.body);
}

#[tokio::test]
async fn short_answers_errors_and_arrow_are_not_compressed() {
    let school = School::empty(query::Config::default()).await;
    for (sql, accept) in [
        ("SELECT 1 AS one", "application/json"),
        ("SELECT nope", "application/json"),
        (LONG, "application/vnd.apache.arrow.stream"),
    ] {
        let answer = ask(&school, sql, accept, "gzip, zstd").await;
        assert!(!answer.headers.contains_key(header::CONTENT_ENCODING));
        let vary = answer.headers.get_all(header::VARY).iter();
        assert!(vary.into_iter().any(|value| value == "accept-encoding"));
    }
}

#[tokio::test]
async fn nothing_that_was_asked_with_a_token_is_kept() {
    let school = School::new().await;
    let steward = token("north", "steward");
    for path in [
        "/v1/tables",
        "/v1/reports",
        "/v1/reports/student_day",
        "/v1/reports/nothing",
        "/v1/sql",
        "/v1/session",
        "/nothing",
    ] {
        for request in [
            look(&steward, path),
            Request::get(path).body(Body::empty()).expect("a request"),
        ] {
            let answer = school.answer(request).await;
            let cache = answer.headers.get(header::CACHE_CONTROL);
            assert_eq!(cache.expect("it says"), "no-store", "{path}");
        }
    }
    let answer = school.ask("north", "SELECT count(*) FROM video").await;
    assert_eq!(answer.status, StatusCode::OK);
    assert_eq!(answer.headers[header::CACHE_CONTROL], "no-store");
    let mut refused = look(&steward, "/v1/sql");
    *refused.method_mut() = Method::DELETE;
    let refused = school.answer(refused).await;
    assert_eq!(refused.headers[header::CACHE_CONTROL], "no-store");
}
