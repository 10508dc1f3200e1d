use std::collections::BTreeSet;
use std::path::Path as FilePath;

use axum::body::{Body, to_bytes};
use axum::http::Request;
use rstest::rstest;
use tower::ServiceExt as _;

use super::*;

async fn ask(path: &str, headers: &[(&str, &str)]) -> Response {
    let request = headers
        .iter()
        .fold(Request::get(path), |request, (name, value)| {
            request.header(*name, *value)
        });
    let request = request.body(Body::empty()).expect("a request");
    routes().oneshot(request).await.expect("never fails")
}

async fn text(response: Response) -> String {
    let bytes = to_bytes(response.into_body(), 1 << 20)
        .await
        .expect("a body");
    String::from_utf8(bytes.to_vec()).expect("text")
}

/// The addresses that the first file names.
async fn named() -> Vec<String> {
    let index = text(ask("/", &[]).await).await;
    let parts = index.split('"');
    parts
        .filter(|part| part.starts_with("/assets/"))
        .map(str::to_owned)
        .collect()
}

#[tokio::test]
async fn everything_that_the_page_names_is_there_and_may_be_kept() {
    for path in named().await {
        let response = ask(&path, &[]).await;
        assert_eq!(response.status(), StatusCode::OK, "{path}");
        let cache = &response.headers()[header::CACHE_CONTROL];
        assert!(
            cache.to_str().expect("text").contains("immutable"),
            "{path}"
        );
    }
    let index = ask("/", &[]).await;
    assert_eq!(index.headers()[header::CACHE_CONTROL], "no-cache");
}

#[tokio::test]
async fn every_file_of_the_folder_is_served_and_every_module_preloaded() {
    let web = FilePath::new(env!("CARGO_MANIFEST_DIR")).join("web");
    let mut found = BTreeSet::new();
    for folder in ["", "css", "js", "vendor"] {
        for entry in std::fs::read_dir(web.join(folder)).expect("the folder") {
            let path = entry.expect("an entry").path();
            let name = path.strip_prefix(&web).expect("within").display();
            if path.is_file() && path.extension().is_none_or(|of| of != "md") {
                found.insert(name.to_string());
            }
        }
    }
    found.remove("index.html");
    let served: BTreeSet<String> = SITE.files.keys().map(|path| (*path).to_owned()).collect();
    assert_eq!(served, found);
    let named = named().await;
    for module in served.iter().filter(|path| path.starts_with("js/")) {
        let named = named.iter().any(|path| path.ends_with(module.as_str()));
        assert!(named, "index.html names {module}");
    }
}

#[rstest]
#[case::page("/", "text/html; charset=utf-8")]
#[case::script("js/main.js", "text/javascript; charset=utf-8")]
#[case::style("css/theme.css", "text/css; charset=utf-8")]
#[case::image("icon.svg", "image/svg+xml")]
#[tokio::test]
async fn each_answer_says_what_it_is_and_what_it_may_do(
    #[case] path: &str,
    #[case] content_type: &str,
) {
    let path = match path {
        "/" => path.to_owned(),
        _ => format!("/assets/{}/{path}", SITE.version),
    };
    let response = ask(&path, &[]).await;
    let headers = response.headers();
    assert_eq!(headers[header::CONTENT_TYPE], content_type);
    assert_eq!(headers[header::X_CONTENT_TYPE_OPTIONS], "nosniff");
    assert_eq!(headers[header::REFERRER_POLICY], "no-referrer");
    let policy = headers[header::CONTENT_SECURITY_POLICY]
        .to_str()
        .expect("text");
    assert!(policy.starts_with("default-src 'none';"));
    assert!(!policy.contains("unsafe"));
    assert!(policy.contains("require-trusted-types-for 'script'"));
}

#[tokio::test]
async fn what_a_browser_holds_is_not_sent_again() {
    let first = ask("/", &[]).await;
    let etag = first.headers()[header::ETAG].to_str().expect("text");
    let again = ask("/", &[("if-none-match", &format!("\"other\", W/{etag}"))]).await;
    assert_eq!(again.status(), StatusCode::NOT_MODIFIED);
    assert_eq!(again.headers()[header::ETAG], etag);
    assert_eq!(text(again).await, "");
    let changed = ask("/", &[("if-none-match", "\"other\"")]).await;
    assert_eq!(changed.status(), StatusCode::OK);
}

#[tokio::test]
async fn each_coding_of_a_file_has_its_own_name() {
    let plain = ask("/", &[]).await;
    let gzip = ask("/", &[("accept-encoding", "gzip")]).await;
    let etag = |response: &Response| response.headers()[header::ETAG].clone();
    assert_ne!(etag(&plain), etag(&gzip));
    for response in [&plain, &gzip] {
        assert_eq!(response.headers()[header::VARY], "accept-encoding");
    }
    let held = etag(&plain).to_str().expect("text").to_owned();
    let other = [
        ("accept-encoding", "gzip"),
        ("if-none-match", held.as_str()),
    ];
    assert_eq!(ask("/", &other).await.status(), StatusCode::OK);
}

#[rstest]
#[case("gzip, deflate, br", true)]
#[case("br, gzip;q=0.5", true)]
#[case("br, gzip; q=0", false)]
#[case("identity", false)]
#[tokio::test]
async fn it_is_compressed_for_those_who_take_that(#[case] accepts: &str, #[case] gzip: bool) {
    let response = ask("/", &[("accept-encoding", accepts)]).await;
    let encoded = response.headers().get(header::CONTENT_ENCODING);
    assert_eq!(encoded.is_some(), gzip);
}

#[rstest]
#[case("/assets/0000000000000000/js/main.js")]
#[case("/assets/0000000000000000/../src/web.rs")]
#[tokio::test]
async fn other_versions_and_files_are_not_there(#[case] path: &str) {
    let response = ask(path, &[]).await;
    assert_eq!(response.status(), StatusCode::NOT_FOUND);
}

#[test]
fn the_page_has_nothing_that_its_policy_forbids() {
    for forbidden in [
        " style=",
        "<style",
        " onclick=",
        "javascript:",
        "http://",
        "https://",
    ] {
        assert!(!INDEX.contains(forbidden), "{forbidden}");
    }
    for (path, bytes) in FILES.iter().filter(|(path, _)| path.starts_with("js/")) {
        let code = std::str::from_utf8(bytes).expect("text");
        for forbidden in ["innerHTML", "insertAdjacentHTML", "document.write", "eval("] {
            assert!(!code.contains(forbidden), "{path}: {forbidden}");
        }
    }
}
