//! Pages of other sites post and read the answers; nothing else of theirs is let in.

use axum::body::Body;
use axum::http::{Request, StatusCode};
use ingest::Config;
use rstest::rstest;
use serde_json::json;

use crate::house::{House, Reply, click, credential};
use crate::log_failures;

const PAGE: &str = "https://north.school.example";

async fn preflight(house: &House, path: &str, method: &str) -> Reply {
    let request = Request::options(path)
        .header("origin", PAGE)
        .header("access-control-request-method", method)
        .header(
            "access-control-request-headers",
            "authorization,content-type",
        );
    house
        .send(request.body(Body::empty()).expect("a request"))
        .await
}

#[rstest]
#[case("/v1/events", "POST")]
#[case("/v1/events?key=ck_x", "POST")]
#[case("/v1/batch", "POST")]
#[case("/v1/b", "POST")]
#[case("/v1/t", "POST")]
#[case("/caliper", "POST")]
#[case("/xapi/statements", "POST")]
#[case("/xapi/statements?statementId=x", "PUT")]
#[tokio::test]
async fn a_preflight_is_answered_to_any_page(#[case] path: &str, #[case] method: &str) {
    let house = House::new().await;
    let reply = preflight(&house, path, method).await;
    assert_eq!(reply.status, StatusCode::OK);
    assert_eq!(reply.header("access-control-allow-origin"), "*");
    assert_eq!(reply.header("access-control-allow-credentials"), "");
    assert_eq!(reply.header("access-control-max-age"), "7200");
    let methods = reply.header("access-control-allow-methods");
    assert!(
        methods.split(',').any(|allowed| allowed == method),
        "{methods}"
    );
    let headers = reply.header("access-control-allow-headers");
    for name in [
        "authorization",
        "content-type",
        "content-encoding",
        "x-experience-api-version",
        "traceparent",
        "x-retry-count",
    ] {
        assert!(
            headers.split(',').any(|allowed| allowed == name),
            "{headers}"
        );
    }
    assert!(
        reply
            .header("vary")
            .contains("access-control-request-headers")
    );
}

#[rstest]
#[case("/")]
#[case("/v1/tail")]
#[case("/v1/schemas")]
#[case("/v1/canvas")]
#[case("/v1/edx/tracking")]
#[case("/dev/all")]
#[case("/dev/reset")]
#[case("/openapi.json")]
#[tokio::test]
async fn what_is_not_for_pages_is_not_let_in(#[case] path: &str) {
    let house = House::with_config(Config {
        dev: true,
        ..Config::default()
    })
    .await;
    let reply = preflight(&house, path, "POST").await;
    assert_eq!(reply.status, StatusCode::METHOD_NOT_ALLOWED);
    assert_eq!(reply.header("access-control-allow-origin"), "");
    let request = Request::get(path)
        .header("origin", PAGE)
        .body(Body::empty());
    let reply = house.send(request.expect("a request")).await;
    assert_eq!(reply.header("access-control-allow-origin"), "");
}

/// Posts as a page does.
async fn post(house: &House, path: &str, key: &str, body: impl Into<Body>) -> Reply {
    let request = Request::post(path)
        .header("origin", PAGE)
        .header("content-type", "application/json")
        .header("x-experience-api-version", "1.0.3")
        .header("authorization", format!("Bearer {key}"));
    house
        .send(request.body(body.into()).expect("a request"))
        .await
}

#[tokio::test]
async fn a_page_reads_what_became_of_its_request() {
    let house = House::with_config(Config {
        max_body_bytes: 10_000,
        public_events_per_second: 1,
        ..Config::default()
    })
    .await;
    let page = credential("page", [5; 32]);
    let clicks = |count: u64| json!((0..count).map(click).collect::<Vec<_>>()).to_string();
    let long = " ".repeat(10_001);
    let key = credential("page", [6; 32]);
    let secret = credential("web", [1; 32]);
    for (key, body, status) in [
        (&page, clicks(10), 202),
        (&page, clicks(10), 429),
        (&page, long, 413),
        (&page, "{".to_owned(), 400),
        (&key, clicks(1), 401),
        (&secret, clicks(1), 403),
    ] {
        let reply = post(&house, "/v1/events", key, body).await;
        assert_eq!(reply.status, status, "{reply:?}");
        assert_eq!(reply.header("access-control-allow-origin"), "*");
        let read = reply.header("access-control-expose-headers");
        assert!(read.contains("retry-after"), "{read}");
    }
    for path in ["/xapi/statements", "/caliper", "/v1/batch", "/v1/t"] {
        let reply = post(&house, path, &secret, "[]").await;
        assert_eq!(
            (reply.status, reply.code()),
            (StatusCode::FORBIDDEN, "secret_key_in_page")
        );
        assert_eq!(reply.header("access-control-allow-origin"), "*");
    }
    let request = Request::get("/v1/events")
        .header("origin", PAGE)
        .body(Body::empty());
    let reply = house.send(request.expect("a request")).await;
    assert_eq!(reply.status, StatusCode::METHOD_NOT_ALLOWED);
    assert_eq!(reply.header("access-control-allow-origin"), "*");
}

#[tokio::test]
async fn a_page_reads_when_to_come_back() {
    let house = log_failures::house().await;
    let mut event = click(1);
    event["course"] = json!("full");
    let page = credential("page", [5; 32]);
    let reply = post(&house, "/v1/events", &page, event.to_string()).await;
    assert_eq!(reply.status, StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(reply.header("access-control-allow-origin"), "*");
    assert!(!reply.header("retry-after").is_empty());
}
