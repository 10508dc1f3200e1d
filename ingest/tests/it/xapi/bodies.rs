//! What comes beside statements, what is too large, and what is refused as a whole.

use axum::http::Request;
use ingest::Config;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::{PATH, attended, errors, with};
use crate::house::House;

/// A body of statements and one attachment.
fn multipart(statement: &Value, hash: &str, content: &str) -> String {
    format!(
        "preamble\r\n--edge\r\nContent-Type: application/json\r\n\r\n{statement}\r\n\
         --edge\r\nContent-Type: text/plain\r\nContent-Transfer-Encoding: binary\r\n\
         X-Experience-API-Hash: {hash}\r\n\r\n{content}\r\n--edge--"
    )
}

#[tokio::test]
async fn attachments_are_checked_and_dropped() {
    let house = House::new().await;
    let content = "the essay of stu-1";
    let hash: String = Sha256::digest(content)
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect();
    let attachments = json!([{
        "usageType": "https://example.com/essay", "display": {"en": "Essay"},
        "contentType": "text/plain", "length": content.len(), "sha2": hash,
    }]);
    let statement = with(attended(1), "/attachments", attachments);
    let reply = house.state(&statement).await;
    assert_eq!(errors(&reply), ["missing_member /attachments/0/fileUrl"]);

    for (body, code) in [
        (
            multipart(&statement, &hash, "another essay"),
            "invalid_multipart",
        ),
        (multipart(&attended(1), &hash, content), "invalid_multipart"),
        (statement.to_string(), "invalid_multipart"),
        (multipart(&statement, &hash, content), ""),
    ] {
        let request = Request::post(PATH)
            .header("authorization", format!("Bearer {}", house.key))
            .header("content-type", "multipart/mixed; boundary=edge")
            .header("x-experience-api-version", "1.0.3");
        let reply = house
            .send(request.body(body.into()).expect("a request"))
            .await;
        assert_eq!(reply.code(), code, "{reply:?}");
    }
    let events = house.events().await;
    assert_eq!(events.len(), 1);
    assert_eq!(events[0].extra.members()["attachments"][0]["sha2"], hash);
}

#[tokio::test]
async fn other_bodies_are_refused() {
    let house = House::new().await;
    for (content_type, body, code) in [
        ("text/plain", "{}", "unsupported_media_type"),
        ("application/x-ndjson", "{}", "unsupported_media_type"),
        ("multipart/mixed", "{}", "invalid_multipart"),
        ("application/json", "{", "invalid_json"),
        ("application/json", "[]", "no_statements"),
        ("application/json", "", "no_statements"),
        ("application/json", "7", "not_statements"),
        (
            "application/x-www-form-urlencoded",
            "content=%7B%7D",
            "alternate_syntax",
        ),
        ("application/json", r#"{"events":[]}"#, "invalid_statement"),
        (
            "application/json",
            r#"{"actor":{},"actor":{}}"#,
            "invalid_statement",
        ),
    ] {
        let request = Request::post(PATH)
            .header("authorization", format!("Bearer {}", house.key))
            .header("content-type", content_type)
            .header("x-experience-api-version", "1.0.3");
        let reply = house
            .send(request.body(body.into()).expect("a request"))
            .await;
        assert_eq!((reply.status.as_u16(), reply.code()), (400, code), "{body}");
    }
}

#[tokio::test]
async fn statements_too_large_for_the_log_refuse_the_batch() {
    let house = House::with_config(Config {
        max_event_bytes: 2_000,
        ..Config::default()
    })
    .await;
    let long = json!({"response": "x".repeat(1_600)});
    // Sent in fewer bytes than allowed, but the record has more.
    let mut long = with(attended(1), "/result", long);
    long["object"]["id"] = json!(format!("https://lms.example/{}", "m".repeat(80)));
    let reply = house.state(&json!([attended(2), long])).await;
    assert_eq!(reply.code(), "statement_too_large", "{}", reply.body);
    assert_eq!(errors(&reply), ["event_too_large /1"]);
    assert!(house.records().await.is_empty());
}

#[tokio::test]
async fn a_request_is_told_a_thousand_errors() {
    let house = House::new().await;
    // 20 problems each, as many as are told of one statement.
    let odd: Value = (0..30).map(|n| (format!("m{n}"), json!(1))).collect();
    let reply = house.state(&json!(vec![odd; 1_000])).await;
    assert_eq!(reply.code(), "invalid_statement");
    assert_eq!(errors(&reply).len(), 1_000);
    assert!(
        errors(&reply)[999].ends_with("/49/m26"),
        "{:?}",
        errors(&reply)[999]
    );
    let detail = reply.body["detail"].as_str().expect("a sentence");
    assert!(
        detail.ends_with("listed; 950 more statements have some."),
        "{detail}"
    );
    assert_eq!(reply.body["rejected"], 1_000);
}

#[tokio::test]
async fn errors_do_not_repeat_long_names() {
    let house = House::new().await;
    let name = "n".repeat(100_000);
    let long = with(attended(1), "/result", json!({"extensions": {name: {}}}));
    let reply = house.state(&long).await;
    assert_eq!(errors(&reply), ["invalid_format /result/extensions"]);
}
