//! What a browser lets the pages of other sites do: post events, and read the answer.
//!
//! A preflight has no key, so it is answered to any page. Which pages may post is
//! decided by the key of the request that follows, and there are no cookies that a
//! page could borrow.

use std::time::Duration;

use axum::http::{HeaderName, Method, header};
use tower_http::cors::{Any, CorsLayer};

/// How long a browser need not ask again; none keeps it for longer.
const MAX_AGE: Duration = Duration::from_secs(7_200);

const XAPI_VERSION: HeaderName = HeaderName::from_static(crate::dialect::xapi::VERSION_HEADER);

/// What a request of a page may say of itself.
const SENT: [HeaderName; 8] = [
    header::AUTHORIZATION,
    header::CONTENT_TYPE,
    header::CONTENT_ENCODING,
    XAPI_VERSION,
    HeaderName::from_static("traceparent"),
    HeaderName::from_static("tracestate"),
    HeaderName::from_static("chalkline-look-up"),
    // Of analytics.js.
    HeaderName::from_static("x-retry-count"),
];

/// What a page may read of an answer, beside its body.
const READ: [HeaderName; 6] = [
    header::RETRY_AFTER,
    header::WWW_AUTHENTICATE,
    header::ALLOW,
    header::ACCEPT,
    header::ACCEPT_ENCODING,
    XAPI_VERSION,
];

/// Lets pages of any site use the routes with these methods.
pub fn layer(methods: impl IntoIterator<Item = Method>) -> CorsLayer {
    CorsLayer::new()
        .allow_origin(Any)
        .allow_methods(methods.into_iter().collect::<Vec<_>>())
        .allow_headers(SENT)
        .expose_headers(READ)
        .max_age(MAX_AGE)
}
