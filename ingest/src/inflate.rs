//! Compressed bodies: what they become, within a cap, and whose turn it is for the large.

use std::io::Read;

use crate::error::{Error, Limit};
use crate::memory::Lease;
use crate::turns::{LARGE, Turn, Turns};

/// 8 MiB, what RFC 8878 asks every decoder to support.
const ZSTD_WINDOW_LOG: u32 = 23;

/// How a body is compressed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Compression {
    /// RFC 1952.
    Gzip,
    /// RFC 8878.
    Zstd,
}

/// A compressed body, all of which has arrived.
pub struct Compressed {
    /// How it is compressed.
    pub compression: Compression,
    /// Its bytes.
    pub bytes: Vec<u8>,
}

/// What came out of a compressed body.
enum Inflated {
    /// All of it.
    Whole(Vec<u8>),
    /// So many bytes at least, of the first `read` compressed ones.
    More { at_least: usize, read: usize },
}

/// Inflates the body, which holds its place by the lease. A large one waits for its turn,
/// which it keeps; what it may become tells whether it is large.
///
/// # Errors
/// 413 over the limit, 503 when the memory is full, 400 when it does not inflate.
pub async fn inflate(
    body: Compressed,
    limit: Limit,
    mut lease: Lease,
    turns: &Turns,
) -> Result<(Vec<u8>, Lease, Option<Turn>), Error> {
    let held = lease.bytes();
    let small = limit.bytes.min(LARGE - 1);
    let (at_least, read) = match body.inflate(small, held, &mut lease)? {
        Inflated::Whole(bytes) => return Ok((bytes, lease, None)),
        Inflated::More { at_least, .. } if at_least > limit.bytes => {
            return Err(Error::TooLarge(limit));
        }
        Inflated::More { at_least, read } => (at_least, read),
    };
    let expected = at_least.saturating_mul(body.bytes.len()) / read.max(1);
    let turn = turns.take(lease.tenant(), expected.min(limit.bytes)).await;
    // A few bytes can inflate to many: keep the work off the request threads.
    let inflated =
        tokio::task::spawn_blocking(move || match body.inflate(limit.bytes, held, &mut lease)? {
            Inflated::Whole(bytes) => {
                turn.weigh(bytes.len());
                Ok((bytes, lease, Some(turn)))
            }
            Inflated::More { .. } => {
                turn.weigh(limit.bytes);
                Err(Error::TooLarge(limit))
            }
        });
    inflated.await.map_err(|_| Error::Internal)?
}

impl Compressed {
    /// Inflates from the beginning, until the end or until it is more than `most` bytes. The
    /// lease grows with them beyond what is `held` for the compressed ones.
    fn inflate(&self, most: usize, held: usize, lease: &mut Lease) -> Result<Inflated, Error> {
        let damaged = |source| Error::Compression(source);
        let mut rest = self.bytes.as_slice();
        let mut reader: Box<dyn Read + '_> = match self.compression {
            Compression::Gzip => Box::new(flate2::bufread::MultiGzDecoder::new(&mut rest)),
            Compression::Zstd => {
                let mut decoder =
                    zstd::stream::read::Decoder::with_buffer(&mut rest).map_err(damaged)?;
                decoder.window_log_max(ZSTD_WINDOW_LOG).map_err(damaged)?;
                Box::new(decoder)
            }
        };
        let mut bytes = Vec::new();
        let mut chunk = vec![0; 64 << 10];
        loop {
            let read = reader.read(&mut chunk).map_err(damaged)?;
            if read == 0 {
                return Ok(Inflated::Whole(bytes));
            }
            let at_least = bytes.len() + read;
            if at_least > most {
                drop(reader);
                let read = self.bytes.len() - rest.len();
                return Ok(Inflated::More { at_least, read });
            }
            lease
                .grow_to(held + at_least)
                .map_err(|_| Error::Overloaded)?;
            bytes.extend_from_slice(&chunk[..read]);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use futures::FutureExt;
    use rstest::rstest;
    use schemas::TenantId;

    use super::*;
    use crate::memory::Memory;

    const LIMIT: usize = 1 << 20;

    fn compressed(compression: Compression, content: &[u8]) -> Compressed {
        let bytes = match compression {
            Compression::Gzip => {
                let mut encoder =
                    flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
                encoder.write_all(content).expect("compresses");
                encoder.finish().expect("compresses")
            }
            Compression::Zstd => zstd::encode_all(content, 1).expect("compresses"),
        };
        Compressed { compression, bytes }
    }

    fn lease() -> Lease {
        let tenant = TenantId::new("a").expect("a slug");
        Memory::new(100 << 20).lease(&tenant, "web")
    }

    #[rstest]
    #[tokio::test]
    async fn a_large_one_waits_for_its_turn_and_a_small_one_for_nobody(
        #[values(Compression::Gzip, Compression::Zstd)] compression: Compression,
    ) {
        let turns = Turns::new(1);
        let tenant = TenantId::new("b").expect("a slug");
        let taken = turns.take(&tenant, 1).await;
        let limit = Limit::inflated(LIMIT);

        let content = vec![b' '; LARGE - 1];
        let small = inflate(compressed(compression, &content), limit, lease(), &turns);
        let (bytes, _, turn) = small
            .now_or_never()
            .expect("waits for nobody")
            .expect("fits");
        assert_eq!((bytes, turn.is_none()), (content, true));

        let content = vec![b' '; LARGE];
        let body = compressed(compression, &content);
        assert!(body.bytes.len() < 1_000);
        let mut large = Box::pin(inflate(body, limit, lease(), &turns));
        assert!((&mut large).now_or_never().is_none());
        assert_eq!(turns.waiting(), 1);
        drop(taken);
        let (bytes, _, turn) = large.await.expect("fits");
        assert_eq!(bytes, content);
        // It keeps the turn: to be judged.
        let mut next = Box::pin(turns.take(&tenant, 1));
        assert!((&mut next).now_or_never().is_none());
        drop(turn);
        assert!((&mut next).now_or_never().is_some());
    }

    #[rstest]
    #[case::small(1_000, 1_001)]
    #[case::large(LIMIT, LIMIT + 1)]
    #[tokio::test]
    async fn over_the_limit_it_is_refused_and_at_the_limit_it_is_not(
        #[case] limit: usize,
        #[case] over: usize,
        #[values(Compression::Gzip, Compression::Zstd)] compression: Compression,
    ) {
        let turns = Turns::new(1);
        let ask = |length: usize| {
            let body = compressed(compression, &vec![b'x'; length]);
            inflate(body, Limit::inflated(limit), lease(), &turns)
        };
        assert_eq!(ask(limit).await.expect("fits").0.len(), limit);
        let refused = ask(over).await.map(|_| ()).expect_err("too large");
        assert!(matches!(refused, Error::TooLarge(_)), "{refused:?}");
    }

    /// What is inflated twice holds its place once.
    #[tokio::test]
    async fn it_holds_what_came_and_what_it_becomes() {
        let content = vec![b'x'; LIMIT];
        let body = compressed(Compression::Zstd, &content);
        let (mut lease, came) = (lease(), body.bytes.len());
        lease.grow_to(came).expect("fits");
        let limit = Limit::inflated(LIMIT);
        let inflated = inflate(body, limit, lease, &Turns::new(1)).await;
        let (_, lease, _) = inflated.expect("fits");
        assert_eq!(lease.bytes(), came + LIMIT);
    }
}
