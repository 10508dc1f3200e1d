//! Who is let in, and what a request must look like.

use std::collections::HashMap;
use std::time::Duration;

use axum::body::Body;
use axum::http::{Method, Request, StatusCode, header};
use chrono::{DateTime, Utc};
use rstest::rstest;
use runtime::{Registry, Root, Shutdown};
use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use crate::school::{School, question, token};

#[tokio::test]
async fn each_wrong_token_has_its_own_code() {
    let school = School::empty(query::Config::default()).await;
    let stranger = token("elsewhere", "steward").reveal();
    let steward = token("north", "steward").reveal();
    let forged = token("north", "steward").reveal().replace("07", "08");
    let key = steward.replace("ct_", "ck_");
    for (value, code) in [
        (None, "token_missing"),
        (Some(steward.clone()), "token_malformed"),
        (Some("Bearer nonsense".to_owned()), "token_malformed"),
        (Some(format!("Bearer {key}")), "token_is_write_key"),
        (Some(format!("Bearer {stranger}")), "token_unknown"),
        (Some(format!("Bearer {forged}")), "token_unknown"),
        (
            Some(format!("Bearer {}", token("north", "revoked").reveal())),
            "token_revoked",
        ),
        (
            Some(format!("Bearer {}", token("north", "expired").reveal())),
            "token_expired",
        ),
    ] {
        for (method, path) in [
            (Method::POST, "/v1/sql"),
            (Method::GET, "/v1/tables"),
            (Method::GET, "/v1/reports"),
            (Method::GET, "/v1/reports/student_day"),
            (Method::GET, "/v1/reports/nothing"),
        ] {
            let mut request = Request::builder().method(method).uri(path);
            if let Some(value) = &value {
                request = request.header(header::AUTHORIZATION, value);
            }
            let request = request.body(Body::empty()).expect("a request");
            let answer = school.answer(request).await;
            assert_eq!(answer.problem().1, code, "{path}");
            assert_eq!(answer.status, StatusCode::UNAUTHORIZED);
            assert_eq!(answer.headers[header::WWW_AUTHENTICATE], "Bearer");
        }
    }
}

#[tokio::test]
async fn a_token_that_is_revoked_stops_working() {
    let school = School::empty(query::Config::default()).await;
    assert_eq!(school.ask("new", "SELECT 1").await.status, StatusCode::OK);
    revoke(&school.registry, school.clock.now()).await;
    let answer = school.ask("new", "SELECT 1").await;
    assert_eq!(answer.problem().1, "token_revoked");
}

#[tokio::test]
async fn what_was_begun_before_a_token_was_revoked_is_finished() {
    let school = School::empty(query::Config::default()).await;
    let steward = token("new", "steward");
    let body = json!({ "sql": "SELECT value FROM generate_series(1, 900000)" });
    let request = question(&steward, &body, "application/x-ndjson");
    let answer = school.send(request).await;
    assert_eq!(answer.status(), StatusCode::OK);
    revoke(&school.registry, school.clock.now()).await;
    let answered = axum::body::to_bytes(answer.into_body(), usize::MAX).await;
    let answered = answered.expect("a whole body");
    assert!(answered.ends_with(b"{\"value\":900000}\n"));
    let after = school.ask("new", "SELECT 1").await;
    assert_eq!(after.problem().1, "token_revoked");
}

/// Another process revokes it, by a registry that shares nothing with the service's.
#[tokio::test]
async fn a_token_that_was_revoked_elsewhere_stops_working() {
    let school = School::empty(query::Config::default()).await;
    assert_eq!(school.ask("new", "SELECT 1").await.status, StatusCode::OK);
    let location = school.folder.path().to_str().expect("a text path");
    let root = Root::open(location, HashMap::new()).expect("a root");
    revoke(&Registry::new(root), school.clock.now()).await;
    let refused = async {
        while school.ask("new", "SELECT 1").await.status == StatusCode::OK {
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    };
    let refused = tokio::time::timeout(Duration::from_secs(60), refused).await;
    refused.expect("it is seen");
    let after = school.ask("new", "SELECT 1").await;
    assert_eq!(after.problem().1, "token_revoked");
}

async fn revoke(registry: &Registry, now: DateTime<Utc>) {
    let new = crate::school::id("new");
    let update = registry.update(&new, |tenant| {
        for token in &mut tenant.tokens {
            token.revoked_at = Some(now);
        }
        Ok::<_, std::convert::Infallible>(())
    });
    update.await.expect("updated");
}

#[rstest]
#[case(r#"{"sql":"SELECT 1","limit":3}"#, "invalid_body")]
#[case(r#"{"sql":["SELECT 1"]}"#, "invalid_body")]
#[case("SELECT 1", "invalid_body")]
#[tokio::test]
async fn bodies_of_another_shape_are_refused(#[case] body: &'static str, #[case] code: &str) {
    let school = School::empty(query::Config::default()).await;
    let request = question(&token("new", "steward"), &json!({}), "*/*");
    let answer = school.answer(request.map(|_| Body::from(body))).await;
    assert_eq!(answer.status, StatusCode::BAD_REQUEST);
    assert_eq!(answer.problem().1, code);
}

#[tokio::test]
async fn the_rest_of_http_is_answered_clearly() {
    let school = School::empty(query::Config::default()).await;
    let steward = token("new", "steward");
    let body = json!({ "sql": "SELECT 1" });

    let mut request = question(&steward, &body, "*/*");
    request.headers_mut().remove(header::CONTENT_TYPE);
    assert_eq!(school.answer(request).await.problem().0, 415);

    let request = question(&steward, &body, "text/html");
    assert_eq!(school.answer(request).await.problem().0, 406);

    let long = json!({ "sql": "x".repeat(3 << 20) });
    let request = question(&steward, &long, "*/*");
    assert_eq!(school.answer(request).await.problem().1, "body_too_long");

    let mut request = question(&steward, &body, "*/*");
    *request.method_mut() = Method::GET;
    assert_eq!(school.answer(request).await.problem().0, 405);

    let mut request = question(&steward, &body, "*/*");
    *request.uri_mut() = "/v2/sql".parse().expect("a path");
    assert_eq!(school.answer(request).await.problem().0, 404);
}

#[tokio::test]
async fn it_serves_a_socket_until_the_shutdown() {
    let mut school = School::empty(query::Config::default()).await;
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("its address");
    let shutdown = Shutdown::new();
    let service = tokio::spawn(school.take().run(listener, shutdown.clone()));

    let mut stream = TcpStream::connect(address).await.expect("connects");
    let request = b"GET / HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n";
    stream.write_all(request).await.expect("sends");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.expect("answers");
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    assert!(answer.contains("/v1/sql"), "{answer}");

    shutdown.trigger();
    service.await.expect("ends");
    assert!(TcpStream::connect(address).await.is_err());
}
