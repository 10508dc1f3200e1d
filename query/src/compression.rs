//! Compressing answers for those who take that.
//!
//! Rows of one table are much alike: JSON shrinks to a tenth. Arrow is left as it
//! is, since its readers use its buffers where they lie.
//!
//! Whether compressing tells a secret (BREACH): that needs an answer with a secret
//! in it beside a text of the attacker's, asked for again and again by a victim's
//! browser. Our answers hold no token, and no browser asks for one on another
//! origin's behalf, since the token is a header and not a cookie.

use std::io;

use async_compression::Level;
use async_compression::tokio::bufread::{GzipEncoder, ZstdEncoder};
use axum::body::{Body, HttpBody as _};
use axum::extract::Request;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::middleware::Next;
use axum::response::Response;
use futures::TryStreamExt as _;
use tokio_util::io::{ReaderStream, StreamReader};

use crate::answer::Format;

/// Shorter bodies are sent as they are.
pub(crate) const WORTH_IT: u64 = 1024;
/// How much is compressed before others get their turn: what this much of output
/// is made of takes milliseconds.
const PIECE: usize = 16 * 1024;
/// Small enough in a fraction of the time that the smallest takes.
const GZIP_LEVEL: Level = Level::Precise(4);
const ZSTD_LEVEL: Level = Level::Precise(3);

/// How an answer is compressed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Coding {
    Zstd,
    Gzip,
}

impl Coding {
    /// The best first.
    const ALL: [Self; 2] = [Self::Zstd, Self::Gzip];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Zstd => "zstd",
            Self::Gzip => "gzip",
        }
    }

    /// The one that the client likes best, if it takes any.
    fn accepted(headers: &HeaderMap) -> Option<Self> {
        let quality = |coding: &Self| coding.quality(headers);
        // Of equals `max_by_key` takes the last.
        let best = Self::ALL.into_iter().rev().max_by_key(quality)?;
        (quality(&best) > 0).then_some(best)
    }

    /// Whether the client takes it.
    pub(crate) fn is_accepted(self, headers: &HeaderMap) -> bool {
        self.quality(headers) > 0
    }

    /// How much the client likes it, in thousandths.
    fn quality(self, headers: &HeaderMap) -> u16 {
        let values = headers.get_all(header::ACCEPT_ENCODING).into_iter();
        let codings = values
            .filter_map(|value| value.to_str().ok())
            .flat_map(|value| value.split(','));
        let mut qualities = codings.filter_map(|coding| {
            let (name, quality) = coding.split_once(';').unwrap_or((coding, "q=1"));
            if !name.trim().eq_ignore_ascii_case(self.name()) {
                return None;
            }
            let quality = quality.trim().strip_prefix("q=")?.parse::<f32>().ok()?;
            Some((quality.clamp(0.0, 1.0) * 1000.0) as u16)
        });
        qualities.next().unwrap_or(0)
    }

    fn apply(self, body: Body) -> Body {
        let reader = StreamReader::new(body.into_data_stream().map_err(io::Error::other));
        match self {
            Self::Zstd => Body::from_stream(ReaderStream::with_capacity(
                ZstdEncoder::with_quality(reader, ZSTD_LEVEL),
                PIECE,
            )),
            Self::Gzip => Body::from_stream(ReaderStream::with_capacity(
                GzipEncoder::with_quality(reader, GZIP_LEVEL),
                PIECE,
            )),
        }
    }
}

/// Compresses what the rest answers, where that is worth it. An answer that fails
/// on its way is cut as it would be uncompressed.
pub(crate) async fn compress(request: Request, next: Next) -> Response {
    let coding = Coding::accepted(request.headers());
    let mut response = next.run(request).await;
    response
        .headers_mut()
        .append(header::VARY, HeaderValue::from_static("accept-encoding"));
    let Some(coding) = coding.filter(|_| is_worth_it(&response)) else {
        return response;
    };
    let (mut head, body) = response.into_parts();
    head.headers.remove(header::CONTENT_LENGTH);
    head.headers.insert(
        header::CONTENT_ENCODING,
        HeaderValue::from_static(coding.name()),
    );
    Response::from_parts(head, coding.apply(body))
}

fn is_worth_it(response: &Response) -> bool {
    let headers = response.headers();
    let is_arrow = headers
        .get(header::CONTENT_TYPE)
        .is_some_and(|kind| kind == Format::Arrow.media_type());
    // A stream does not tell its length, and is long.
    let longest = response.body().size_hint().upper();
    response.status() == StatusCode::OK
        && !is_arrow
        && longest.is_none_or(|bytes| bytes >= WORTH_IT)
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case(None, None)]
    #[case(Some("identity"), None)]
    #[case(Some("*"), None)]
    #[case(Some("gzip, deflate, br, zstd"), Some(Coding::Zstd))]
    #[case(Some("GZIP;q=0.8, zstd; q=0.5"), Some(Coding::Gzip))]
    #[case(Some("gzip;q=0, zstd;q=0.0"), None)]
    #[case(Some("br, gzip;q=1.0"), Some(Coding::Gzip))]
    #[case(Some("gzip;level=9"), None)]
    fn the_best_coding_is_chosen(#[case] accepts: Option<&str>, #[case] expected: Option<Coding>) {
        let mut headers = HeaderMap::new();
        if let Some(accepts) = accepts {
            headers.insert(header::ACCEPT_ENCODING, accepts.parse().expect("a header"));
        }
        assert_eq!(Coding::accepted(&headers), expected);
    }
}
