//! The page at `/`: plain files within the binary.
//!
//! Every file but the first has the digest of them all in its address, so that a
//! browser may keep it for ever and never mixes two versions. The first,
//! `index.html`, names that address and is asked for each time.

use std::collections::HashMap;
use std::io::Write as _;
use std::sync::LazyLock;

use axum::Router;
use axum::body::Bytes;
use axum::extract::Path;
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use flate2::Compression;
use flate2::write::GzEncoder;
use sha2::{Digest, Sha256};

use crate::compression::Coding;
use crate::error::Error;

/// What a browser may do with the page: run and show its own files, ask its own
/// service, and nothing else.
const CONTENT_SECURITY_POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; \
    connect-src 'self'; img-src 'self' data:; base-uri 'none'; form-action 'none'; \
    frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types 'none'";

/// Where `index.html` names the folder of the other files.
const PLACE: &str = "{{assets}}";

macro_rules! files {
    ($($path:literal)*) => {
        &[$(($path, include_bytes!(concat!("../web/", $path)))),*]
    };
}

const INDEX: &str = include_str!("../web/index.html");
const FILES: &[(&str, &[u8])] = files! {
    "icon.svg"
    "css/layout.css" "css/parts.css" "css/theme.css"
    "js/activity.js" "js/answers.js" "js/api.js" "js/assessments.js" "js/bars.js" "js/chart.js"
    "js/csv.js" "js/dialog.js"
    "js/dom.js" "js/format.js" "js/freshness.js" "js/ledger.js" "js/link.js" "js/login.js" "js/main.js"
    "js/overview.js" "js/plot.js" "js/reader.js" "js/result.js" "js/section.js" "js/session.js" "js/sql.js" "js/statements.js"
    "js/table.js" "js/theme.js" "js/video.js"
    "vendor/uPlot.LICENSE" "vendor/uPlot.iife.min.js" "vendor/uPlot.min.css"
};

/// The files, ready to be sent.
static SITE: LazyLock<Site> = LazyLock::new(Site::new);

struct Site {
    /// The digest of all files: its folder is theirs.
    version: String,
    index: File,
    files: HashMap<&'static str, File>,
}

struct File {
    content_type: &'static str,
    plain: Bytes,
    gzip: Bytes,
}

impl Site {
    fn new() -> Self {
        let mut digest = Sha256::new();
        digest.update(INDEX);
        for (path, bytes) in FILES {
            digest.update(path);
            digest.update(bytes);
        }
        let version: String = digest.finalize()[..8]
            .iter()
            .map(|byte| format!("{byte:02x}"))
            .collect();
        let index = INDEX.replace(PLACE, &format!("/assets/{version}"));
        let file = |(path, bytes): &(&'static str, &'static [u8])| {
            (*path, File::new(path, Bytes::from_static(bytes)))
        };
        Self {
            version,
            index: File::new("index.html", Bytes::from(index)),
            files: FILES.iter().map(file).collect(),
        }
    }
}

impl File {
    fn new(path: &str, plain: Bytes) -> Self {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
        let gzip = encoder
            .write_all(&plain)
            .and_then(|()| encoder.finish())
            .expect("memory takes what is written");
        Self {
            content_type: content_type(path),
            plain,
            gzip: gzip.into(),
        }
    }

    fn respond(&self, headers: &HeaderMap, cache: &'static str) -> Response {
        // The bytes differ by their coding, and so do their names.
        let is_gzip = Coding::Gzip.is_accepted(headers);
        let suffix = if is_gzip { "-gzip" } else { "" };
        let etag = format!("\"{}{suffix}\"", SITE.version);
        let mut response = if is_known(headers, &etag) {
            StatusCode::NOT_MODIFIED.into_response()
        } else if is_gzip {
            let encoding = (header::CONTENT_ENCODING, HeaderValue::from_static("gzip"));
            ([encoding], self.gzip.clone()).into_response()
        } else {
            self.plain.clone().into_response()
        };
        let etag = HeaderValue::try_from(etag).expect("hexadecimal digits");
        let fixed = [
            (header::CONTENT_TYPE, self.content_type),
            (header::CACHE_CONTROL, cache),
            (header::VARY, "accept-encoding"),
            (header::CONTENT_SECURITY_POLICY, CONTENT_SECURITY_POLICY),
            (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
            (header::REFERRER_POLICY, "no-referrer"),
            (CROSS_ORIGIN_OPENER_POLICY, "same-origin"),
            (CROSS_ORIGIN_RESOURCE_POLICY, "same-origin"),
        ];
        let headers = response.headers_mut();
        headers.insert(header::ETAG, etag);
        for (name, value) in fixed {
            headers.insert(name, HeaderValue::from_static(value));
        }
        response
    }
}

const CROSS_ORIGIN_OPENER_POLICY: HeaderName =
    HeaderName::from_static("cross-origin-opener-policy");
const CROSS_ORIGIN_RESOURCE_POLICY: HeaderName =
    HeaderName::from_static("cross-origin-resource-policy");

fn content_type(path: &str) -> &'static str {
    match path.rsplit('.').next() {
        Some("html") => "text/html; charset=utf-8",
        Some("css") => "text/css; charset=utf-8",
        Some("js") => "text/javascript; charset=utf-8",
        Some("svg") => "image/svg+xml",
        _ => "text/plain; charset=utf-8",
    }
}

/// Whether the browser holds this version already.
fn is_known(headers: &HeaderMap, etag: &str) -> bool {
    let values = headers.get_all(header::IF_NONE_MATCH).into_iter();
    values
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .any(|held| held.trim().trim_start_matches("W/") == etag)
}

/// The routes of the page.
pub(crate) fn routes() -> Router {
    Router::new()
        .route("/", get(index))
        .route("/assets/{version}/{*path}", get(asset))
}

async fn index(headers: HeaderMap) -> Response {
    SITE.index.respond(&headers, "no-cache")
}

async fn asset(Path((version, path)): Path<(String, String)>, headers: HeaderMap) -> Response {
    match SITE.files.get(path.as_str()) {
        Some(file) if version == SITE.version => {
            file.respond(&headers, "public, max-age=31536000, immutable")
        }
        _ => Error::NotFound.respond(&crate::server::trace_id()),
    }
}

#[cfg(test)]
mod tests;
