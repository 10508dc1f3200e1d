//! What `/openapi.json` and `/docs` tell is so.

use std::collections::BTreeSet;

use axum::body::Body;
use axum::http::{Method, Request, StatusCode};
use serde_json::Value;
use tokio::sync::OnceCell;

use crate::house::{House, Reply};

/// The document, asked for once.
async fn document(house: &House) -> &'static Value {
    static DOCUMENT: OnceCell<Value> = OnceCell::const_new();
    let ask = async || {
        let request = Request::get("/openapi.json").body(Body::empty());
        let response = house.open(request.expect("a request")).await;
        assert_eq!(response.headers()["content-type"], "application/json");
        let body = axum::body::to_bytes(response.into_body(), usize::MAX).await;
        serde_json::from_slice(&body.expect("a body")).expect("JSON")
    };
    DOCUMENT.get_or_init(ask).await
}

/// Where the document tells of a path.
fn told_at(path: &str) -> &str {
    if path.starts_with("/v1/schemas/") {
        return "/v1/schemas/{event_type}";
    }
    match path.strip_prefix("/v1/roster/jobs/") {
        Some(rest) if rest.ends_with("/diagnostics.csv") => "/v1/roster/jobs/{job}/diagnostics.csv",
        Some(_) => "/v1/roster/jobs/{job}",
        None => path,
    }
}

/// Asserts that the document tells of such an answer, of a problem with its code.
pub async fn assert_told(house: &House, method: &Method, path: &str, reply: &Reply) {
    let document = document(house).await;
    let status = reply.status.as_u16().to_string();
    let methods = &document["paths"][told_at(path)];
    let operation = &methods[method.as_str().to_ascii_lowercase()];
    let elsewhere = document["components"]["responses"].get(format!("Elsewhere{status}"));
    let response = match elsewhere {
        // A preflight is for the browser.
        _ if method == Method::OPTIONS && reply.status == StatusCode::OK => return,
        Some(response) if operation.is_null() => response,
        _ => resolve(document, &operation["responses"][&status]),
    };
    assert!(
        response.is_object(),
        "{method} {path} answers {status}: {reply:?}"
    );
    if reply.status.is_success() {
        return;
    }
    let examples = &response["content"]["application/problem+json"]["examples"];
    let codes = examples.as_object().expect("examples");
    assert!(
        codes.contains_key(reply.code()),
        "{method} {path} answers {reply:?}"
    );
}

fn resolve<'a>(document: &'a Value, value: &'a Value) -> &'a Value {
    match value["$ref"].as_str() {
        Some(name) => document.pointer(&name[1..]).expect("what is referred to"),
        None => value,
    }
}

#[tokio::test]
async fn all_routes_are_told_with_their_methods_and_no_others() {
    let house = House::new().await;
    let told = document(&house).await["paths"].as_object().expect("paths");
    let paths: Vec<_> = told
        .keys()
        .map(String::as_str)
        .collect::<BTreeSet<_>>()
        .into_iter()
        .collect();
    assert_eq!(house.paths(), paths);
    for (path, methods) in told {
        let path = path.replace("{event_type}", "page.viewed");
        let request = Request::patch(path.replace("{job}", "0199b2f4-6c1e-7d3a-9a53-0a8f2a1d9c11"));
        let reply = house
            .send(request.body(Body::empty()).expect("a request"))
            .await;
        assert_eq!(reply.status, StatusCode::METHOD_NOT_ALLOWED, "{path}");
        let allowed: BTreeSet<_> = reply
            .header("allow")
            .split(',')
            .map(str::to_ascii_lowercase)
            .filter(|method| method != "head")
            .collect();
        let told: BTreeSet<_> = methods
            .as_object()
            .expect("methods")
            .keys()
            .cloned()
            .collect();
        assert_eq!(allowed, told, "{path}");
    }
}

#[tokio::test]
async fn the_examples_are_taken() {
    let house = House::new().await;
    let mut posted = 0;
    for (path, methods) in document(&house).await["paths"].as_object().expect("paths") {
        for (method, operation) in methods.as_object().expect("methods") {
            let content = operation["requestBody"]["content"].as_object();
            for (media_type, body) in content.into_iter().flatten() {
                let body = match &body["example"] {
                    Value::Null => continue,
                    Value::String(text) => text.clone(),
                    json => json.to_string(),
                };
                let mut address = path.clone();
                let mut request = Request::builder();
                for parameter in operation["parameters"].as_array().into_iter().flatten() {
                    let name = parameter["name"].as_str().expect("a name");
                    let example = parameter["example"].as_str();
                    match (parameter["in"].as_str(), example) {
                        (Some("header"), Some(value)) => request = request.header(name, value),
                        (Some("query"), Some(value)) => address += &format!("?{name}={value}"),
                        _ => {}
                    }
                }
                let request = request
                    .method(method.to_uppercase().as_str())
                    .uri(&address)
                    .header("authorization", format!("Bearer {}", house.key))
                    .header("content-type", media_type);
                let reply = house
                    .send(request.body(body.into()).expect("a request"))
                    .await;
                let status = reply.status.as_u16();
                assert!(
                    matches!(status, 200 | 202 | 204),
                    "{method} {address}: {reply:?}"
                );
                let counts = &reply.body;
                let whole = counts["received"].is_null() || counts["rejected"] == 0;
                assert!(whole, "{method} {address}: {reply:?}");
                posted += 1;
            }
        }
    }
    // Native, Open edX and Canvas take three types, Caliper two, xAPI one twice, and
    // Segment's fourteen paths two. A catalogue has three that are text.
    assert_eq!(posted, 3 * 3 + 2 + 2 + 14 * 2 + 3);
}

#[tokio::test]
async fn the_page_may_show_itself_and_nothing_else() {
    let house = House::new().await;
    let request = Request::get("/docs").body(Body::empty());
    let response = house.open(request.expect("a request")).await;
    assert_eq!(response.status(), StatusCode::OK);
    let header = |name: &str| response.headers()[name].to_str().expect("text").to_owned();
    assert_eq!(header("content-type"), "text/html; charset=utf-8");
    let policy = header("content-security-policy");
    assert!(
        policy.starts_with("default-src 'none'; style-src 'sha256-"),
        "{policy}"
    );
    assert_eq!(header("x-content-type-options"), "nosniff");
    assert_eq!(header("referrer-policy"), "no-referrer");
}
