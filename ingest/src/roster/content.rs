//! The body of an upload as it comes, inflated on the way where it is compressed.

use std::io::{self, Write};

use axum::http::{HeaderMap, header};
use bytes::Bytes;
use flate2::write::MultiGzDecoder;

use crate::arrival::Arrival;
use crate::error::Error;

/// How the body of an upload is encoded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Encoding {
    /// As it is.
    Identity,
    /// RFC 1952.
    Gzip,
}

impl Encoding {
    /// The encoding that the head says; `None` if it is another one.
    pub fn of(headers: &HeaderMap) -> Option<Self> {
        let Some(encoding) = headers.get(header::CONTENT_ENCODING) else {
            return Some(Self::Identity);
        };
        match encoding.to_str().ok()?.to_ascii_lowercase().as_str() {
            "identity" => Some(Self::Identity),
            "gzip" | "x-gzip" => Some(Self::Gzip),
            _ => None,
        }
    }
}

/// The bytes of an upload, as they come.
pub struct Content {
    arrival: Arrival,
    inflating: Option<Inflating>,
    /// Whether all of the body came: it is not asked again.
    is_over: bool,
}

struct Inflating {
    decoder: MultiGzDecoder<Vec<u8>>,
    /// What came and is not inflated yet.
    compressed: Bytes,
}

impl Content {
    /// The content of a body that is encoded so.
    pub fn new(arrival: Arrival, encoding: Encoding) -> Self {
        let inflating = (encoding == Encoding::Gzip).then(|| Inflating {
            decoder: MultiGzDecoder::new(Vec::new()),
            compressed: Bytes::new(),
        });
        Self {
            arrival,
            inflating,
            is_over: false,
        }
    }

    /// The next bytes; `None` at the end.
    ///
    /// # Errors
    /// As [`Arrival::next`], and 400 when the body does not inflate.
    pub async fn next(&mut self) -> Result<Option<Bytes>, Error> {
        loop {
            if let Some(inflating) = &mut self.inflating
                && !inflating.compressed.is_empty()
            {
                let inflated = inflating.step().map_err(Error::Compression)?;
                // A few bytes can inflate to many: others get on between them.
                tokio::task::yield_now().await;
                if inflated.is_empty() {
                    continue;
                }
                return Ok(Some(inflated));
            }
            if self.is_over {
                return Ok(None);
            }
            let chunk = self.arrival.next().await?;
            self.is_over = chunk.is_none();
            match (&mut self.inflating, chunk) {
                (None, chunk) => return Ok(chunk),
                (Some(inflating), Some(chunk)) => inflating.compressed = chunk,
                (Some(inflating), None) => {
                    let rest = inflating.finish().map_err(Error::Compression)?;
                    return Ok((!rest.is_empty()).then_some(rest));
                }
            }
        }
    }

    /// Reads and drops what comes, about `limit` bytes at most.
    pub async fn discard(self, limit: usize) {
        if !self.is_over {
            self.arrival.discard(limit).await;
        }
    }
}

impl Inflating {
    /// Inflates some of what came, to about 32 KiB at most.
    fn step(&mut self) -> io::Result<Bytes> {
        match self.decoder.write(&self.compressed)? {
            0 => return Err(io::ErrorKind::WriteZero.into()),
            taken => drop(self.compressed.split_to(taken)),
        }
        Ok(std::mem::take(self.decoder.get_mut()).into())
    }

    /// What is left at the end.
    fn finish(&mut self) -> io::Result<Bytes> {
        self.decoder.try_finish()?;
        Ok(std::mem::take(self.decoder.get_mut()).into())
    }
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;

    use axum::body::Body;
    use flate2::Compression;
    use flate2::write::GzEncoder;
    use futures::stream;
    use rstest::rstest;

    use super::*;
    use crate::Config;

    fn gzip(content: &[u8]) -> Vec<u8> {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
        encoder.write_all(content).expect("compresses");
        encoder.finish().expect("compresses")
    }

    /// All of a body that comes in chunks of this size.
    async fn read(body: &[u8], chunk: usize) -> Result<Vec<u8>, Error> {
        let chunks = body.chunks(chunk).map(Bytes::copy_from_slice);
        let chunks: Vec<_> = chunks.map(Ok::<_, Infallible>).collect();
        let body = Body::from_stream(stream::iter(chunks));
        let arrival = Arrival::new(body, &Config::default());
        let mut content = Content::new(arrival, Encoding::Gzip);
        let mut all = Vec::new();
        while let Some(bytes) = content.next().await? {
            all.extend_from_slice(&bytes);
        }
        Ok(all)
    }

    #[rstest]
    #[tokio::test]
    async fn it_inflates_whatever_the_chunks_and_the_members(
        #[values(1, 19, 1 << 20)] chunk: usize,
    ) {
        let zeros = vec![0; 300_000];
        let mixed: Vec<_> = (0..100_000_u32)
            .map(|i| i.wrapping_mul(i).to_le_bytes()[1])
            .collect();
        let body = [gzip(&zeros), gzip(&mixed)].concat();
        let read = read(&body, chunk).await.expect("inflates");
        assert!(read == [zeros, mixed].concat(), "{} bytes", read.len());
    }

    #[rstest]
    #[case::nothing(b"".to_vec())]
    #[case::no_gzip(b"content_id,kind".to_vec())]
    #[case::a_beginning(gzip(b"content_id,kind")[..9].to_vec())]
    #[case::cut_short(gzip(&[7; 5000])[..30].to_vec())]
    #[case::without_its_length(gzip(b"content_id,kind")[..34].to_vec())]
    #[case::more_than_it([gzip(b"content_id,kind"), b"more than it".to_vec()].concat())]
    #[tokio::test]
    async fn what_does_not_inflate_is_refused(#[case] body: Vec<u8>) {
        let error = read(&body, 7).await.expect_err("refused");
        assert!(matches!(error, Error::Compression(_)), "{error:?}");
    }
}
