//! What `/openapi.json` and `/docs` tell is so.

use std::collections::BTreeSet;

use axum::body::Body;
use axum::http::{Method, Request, StatusCode, header};
use query::Config;
use runtime::{Health, Metrics};
use serde_json::Value;
use tokio::sync::OnceCell;
use tower::ServiceExt;

use crate::reports::school;
use crate::school::{Answer, School, token};

/// The document, asked for once.
async fn document(school: &School) -> &'static Value {
    static DOCUMENT: OnceCell<Value> = OnceCell::const_new();
    let ask = async || {
        let request = Request::get("/openapi.json").body(Body::empty());
        let answer = school.send(request.expect("a request")).await;
        let body = axum::body::to_bytes(answer.into_body(), usize::MAX).await;
        serde_json::from_slice(&body.expect("a body")).expect("JSON")
    };
    DOCUMENT.get_or_init(ask).await
}

/// Asserts that the document tells of such an answer, of a problem with its code, of
/// another with its media type.
pub async fn assert_told(school: &School, method: &Method, path: &str, answer: &Answer) {
    let document = document(school).await;
    let status = answer.status.as_u16().to_string();
    let name = path.strip_prefix("/v1/reports/").unwrap_or_default();
    let is_unknown = !name.is_empty() && !name.contains('/') && schemas::report(name).is_none();
    let place = match path.strip_prefix("/v1/queries/") {
        Some(rest) if rest.ends_with("/rows") => "/v1/queries/{id}/rows",
        Some(_) => "/v1/queries/{id}",
        None if is_unknown => "/v1/reports/{name}",
        None => path,
    };
    let method = method.as_str().to_ascii_lowercase();
    let operation = &document["paths"][place][method.replace("head", "get")];
    let elsewhere = document["components"]["responses"].get(format!("Elsewhere{status}"));
    let response = match elsewhere {
        // A preflight is for the browser, the page's files are the page's.
        _ if method == "options" || path.starts_with("/assets/") => return,
        Some(response) if operation.is_null() => response,
        _ => resolve(document, &operation["responses"][&status]),
    };
    let what = format!("{method} {path} answers {status}: {answer:?}");
    assert!(response.is_object(), "{what}");
    if answer.headers.contains_key(header::RETRY_AFTER) {
        assert!(response["headers"]["Retry-After"].is_object(), "{what}");
    }
    if answer.body.is_empty() {
        return;
    }
    let media_type = answer.headers[header::CONTENT_TYPE].to_str().expect("text");
    let media_type = media_type.split(';').next().unwrap_or_default();
    let told = &response["content"][media_type];
    assert!(told.is_object(), "{what}");
    if media_type == "application/problem+json" {
        let code = answer.problem().1;
        assert!(told["examples"][&code].is_object(), "{what}");
    }
}

fn resolve<'a>(document: &'a Value, value: &'a Value) -> &'a Value {
    match value["$ref"].as_str() {
        Some(name) => document.pointer(&name[1..]).expect("what is referred to"),
        None => value,
    }
}

#[tokio::test]
async fn all_routes_are_told_with_their_methods_and_no_others() {
    let mut school = School::empty(Config::default()).await;
    let told = document(&school).await["paths"].as_object().expect("paths");
    let operations = runtime::ops::router(Health::new(), Metrics::detached());
    let router = school.take().with_routes(operations).router();

    let shown = format!("{router:?}");
    let (routes, _) = shown.split_once("fallback_router").expect("a router");
    let quoted = routes.split('"').skip(1).step_by(2);
    let routes: BTreeSet<_> = quoted.filter(|path| path.starts_with('/')).collect();
    let mut paths: BTreeSet<_> = told.keys().map(String::as_str).collect();
    paths.retain(|path| !path.starts_with("/v1/reports/") || path.contains('{'));
    // What the page is made of is for the page.
    paths.insert("/assets/{version}/{*path}");
    assert_eq!(routes, paths);

    for (path, methods) in told {
        let request = Request::patch(path.replace("{name}", "student_day"));
        let request = request.body(Body::empty()).expect("a request");
        let answer = router.clone().oneshot(request).await.expect("an answer");
        assert_eq!(answer.status(), StatusCode::METHOD_NOT_ALLOWED, "{path}");
        let allowed = answer.headers()[header::ALLOW].to_str().expect("text");
        let allowed = allowed.split(',').map(str::to_ascii_lowercase);
        let allowed: BTreeSet<_> = allowed.filter(|method| method != "head").collect();
        let methods = methods.as_object().expect("methods").keys().cloned();
        assert_eq!(allowed, methods.collect(), "{path}");
    }
}

#[tokio::test]
async fn the_examples_are_answered() {
    let school = school().await;
    let mut asked = 0;
    for (path, methods) in document(&school).await["paths"].as_object().expect("paths") {
        for (method, operation) in methods.as_object().expect("methods") {
            // A code works once; how the process is only the process tells.
            if path == "/v1/session" || operation["tags"][0] == "Operators" {
                continue;
            }
            let mut address = format!("{path}?");
            for parameter in operation["parameters"].as_array().into_iter().flatten() {
                let name = parameter["name"].as_str().expect("a name");
                match (parameter["in"].as_str(), parameter["example"].as_str()) {
                    (Some("path"), Some(value)) => {
                        address = address.replace(&format!("{{{name}}}"), value);
                    }
                    (Some("query"), Some(value)) => address += &format!("{name}={value}&"),
                    _ => {}
                }
            }
            let body = &operation["requestBody"]["content"]["application/json"]["example"];
            let body = match body {
                Value::Null => Body::empty(),
                body => Body::from(body.to_string()),
            };
            let steward = token("north", "steward").reveal();
            let request = Request::builder()
                .method(method.to_uppercase().as_str())
                .uri(address.trim_end_matches(['?', '&']))
                .header(header::AUTHORIZATION, format!("Bearer {steward}"))
                .header(header::CONTENT_TYPE, "application/json")
                .body(body)
                .expect("a request");
            let answer = school.answer(request).await;
            let expected = match (path.as_str(), method.as_str()) {
                ("/v1/queries", "post") => StatusCode::ACCEPTED,
                // Nobody has submitted that one, and a steward is no learner.
                ("/v1/queries/{id}" | "/v1/queries/{id}/rows", _) => StatusCode::NOT_FOUND,
                ("/v1/audit/who-saw-me", _) => StatusCode::FORBIDDEN,
                // Of the reports only one was computed.
                _ => StatusCode::OK,
            };
            let text = answer.text();
            assert_eq!(answer.status, expected, "{method} {address}: {text}");
            asked += 1;
        }
    }
    assert_eq!(asked, 12 + schemas::reports().len());
}

#[tokio::test]
async fn the_document_needs_no_credential_and_may_be_kept() {
    let school = School::empty(Config::default()).await;
    for (path, media_type) in [
        ("/openapi.json", "application/json"),
        ("/docs", "text/html; charset=utf-8"),
    ] {
        let request = Request::get(path).body(Body::empty()).expect("a request");
        let answer = school.answer(request).await;
        assert_eq!(answer.status, StatusCode::OK);
        assert_eq!(answer.headers[header::CONTENT_TYPE], media_type);
        assert_eq!(answer.headers[header::CACHE_CONTROL], "no-cache");
        assert_eq!(answer.headers[header::VARY], "accept-encoding");
        let etag = answer.headers[header::ETAG].clone();

        let request = Request::get(path)
            .header(header::IF_NONE_MATCH, &etag)
            .header(header::ACCEPT_ENCODING, "gzip")
            .body(Body::empty());
        let again = school.answer(request.expect("a request")).await;
        assert_eq!(again.status, StatusCode::NOT_MODIFIED);
        assert_eq!(again.headers[header::ETAG], etag);
    }
    let version = &document(&school).await["info"]["version"];
    assert_eq!(version, env!("CARGO_PKG_VERSION"));
}

#[tokio::test]
async fn the_page_may_show_itself_and_nothing_else() {
    let school = School::empty(Config::default()).await;
    let request = Request::get("/docs").body(Body::empty());
    let answer = school.answer(request.expect("a request")).await;
    let header = |name: &str| answer.headers[name].to_str().expect("text").to_owned();
    let policy = header("content-security-policy");
    let begins = "default-src 'none'; style-src 'sha256-";
    assert!(policy.starts_with(begins), "{policy}");
    assert!(!policy.contains("unsafe"), "{policy}");
    assert_eq!(header("x-content-type-options"), "nosniff");
    assert_eq!(header("referrer-policy"), "no-referrer");
    assert_eq!(header("cross-origin-resource-policy"), "same-origin");
}
