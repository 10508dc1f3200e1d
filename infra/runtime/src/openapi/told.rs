//! The document and its page, ready to be sent.

use std::sync::LazyLock;

use axum::Router;
use axum::body::Bytes;
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use ring::digest::{SHA256, digest};
use serde_json::Value;

use super::page;

const CROSS_ORIGIN_RESOURCE_POLICY: HeaderName =
    HeaderName::from_static("cross-origin-resource-policy");

/// A document and the page that is made of it.
#[derive(Debug)]
pub struct Told {
    json: File,
    page: File,
}

#[derive(Debug)]
struct File {
    content_type: &'static str,
    /// The page's own; a document is not shown.
    policy: Option<HeaderValue>,
    etag: HeaderValue,
    bytes: Bytes,
}

impl Told {
    /// Makes the page of a document.
    pub fn of(document: &Value) -> Self {
        let policy = HeaderValue::try_from(page::policy()).expect("visible characters");
        Self {
            json: File::new("application/json", None, document.to_string()),
            page: File::new(
                "text/html; charset=utf-8",
                Some(policy),
                page::render(document),
            ),
        }
    }
}

impl File {
    fn new(content_type: &'static str, policy: Option<HeaderValue>, text: String) -> Self {
        let digest = digest(&SHA256, text.as_bytes());
        // Weak: it names the text, however it is compressed on its way.
        let etag = format!("W/\"{}\"", hex::encode(&digest.as_ref()[..8]));
        Self {
            content_type,
            policy,
            etag: HeaderValue::try_from(etag).expect("hexadecimal digits"),
            bytes: text.into(),
        }
    }

    fn respond(&self, headers: &HeaderMap) -> Response {
        let mut response = match self.is_known(headers) {
            true => StatusCode::NOT_MODIFIED.into_response(),
            false => self.bytes.clone().into_response(),
        };
        let fixed = [
            (header::CONTENT_TYPE, self.content_type),
            (header::CACHE_CONTROL, "no-cache"),
            (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
            (header::REFERRER_POLICY, "no-referrer"),
        ];
        let headers = response.headers_mut();
        for (name, value) in fixed {
            headers.insert(name, HeaderValue::from_static(value));
        }
        headers.insert(header::ETAG, self.etag.clone());
        if let Some(policy) = &self.policy {
            let same = HeaderValue::from_static("same-origin");
            headers.insert(CROSS_ORIGIN_RESOURCE_POLICY, same);
            headers.insert(header::CONTENT_SECURITY_POLICY, policy.clone());
        }
        response
    }

    /// Whether the asker holds this version already.
    fn is_known(&self, headers: &HeaderMap) -> bool {
        let own = self.etag.as_bytes();
        let held = headers.get_all(header::IF_NONE_MATCH).into_iter();
        held.flat_map(|value| value.as_bytes().split(|byte| *byte == b','))
            .any(|held| held.trim_ascii() == own)
    }
}

/// `GET /openapi.json` and `GET /docs`: for everybody, without a credential. Who has
/// either already, and names it with `If-None-Match`, is answered 304.
pub fn routes<S: Clone + Send + Sync + 'static>(told: &'static LazyLock<Told>) -> Router<S> {
    let json = move |headers: HeaderMap| async move { told.json.respond(&headers) };
    let page = move |headers: HeaderMap| async move { told.page.respond(&headers) };
    Router::new()
        .route("/openapi.json", get(json))
        .route("/docs", get(page))
}

#[cfg(test)]
mod tests {
    use axum::body::Body;
    use axum::http::Request;
    use serde_json::json;
    use tower::ServiceExt;

    use super::*;

    static TOLD: LazyLock<Told> =
        LazyLock::new(|| Told::of(&json!({ "info": { "title": "Nothing" } })));

    async fn ask(path: &str, held: Option<&HeaderValue>) -> Response {
        let mut request = Request::get(path).body(Body::empty()).expect("a request");
        if let Some(held) = held {
            let headers = request.headers_mut();
            headers.insert(header::IF_NONE_MATCH, held.clone());
        }
        let answer = routes(&TOLD).oneshot(request).await;
        answer.expect("an answer")
    }

    #[tokio::test]
    async fn who_has_it_already_is_not_sent_it_again() {
        for path in ["/openapi.json", "/docs"] {
            let first = ask(path, None).await;
            assert_eq!(first.status(), StatusCode::OK);
            let etag = &first.headers()[header::ETAG];
            let again = ask(path, Some(etag)).await;
            assert_eq!(again.status(), StatusCode::NOT_MODIFIED);
            assert_eq!(&again.headers()[header::ETAG], etag);
            let body = axum::body::to_bytes(again.into_body(), usize::MAX).await;
            assert!(body.expect("a body").is_empty());

            let list = format!("\"other\", {}", etag.to_str().expect("text"));
            let list = HeaderValue::try_from(list).expect("visible characters");
            assert_eq!(ask(path, Some(&list)).await.status(), 304);
            let other = HeaderValue::from_static("\"other\"");
            assert_eq!(ask(path, Some(&other)).await.status(), 200);
        }
    }
}
