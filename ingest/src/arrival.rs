//! A body on its way: how slowly it may come.

use std::time::Duration;

use axum::body::{Body, BodyDataStream};
use bytes::Bytes;
use futures::StreamExt;
use tokio::time::{Instant, timeout_at};

use crate::Config;
use crate::error::Error;

/// Longer than anybody waits, and short enough to be added to a time.
const FOREVER: Duration = Duration::from_secs(365 * 24 * 60 * 60);

/// The bytes of a body, as they come.
pub struct Arrival {
    chunks: BodyDataStream,
    pace: Pace,
    began: Instant,
    bytes: usize,
}

impl Arrival {
    /// The body, whose sender has begun to send now.
    pub fn new(body: Body, config: &Config) -> Self {
        Self {
            chunks: body.into_data_stream(),
            pace: Pace::of(config),
            began: Instant::now(),
            bytes: 0,
        }
    }

    /// A body that may be large, whose sender may take so long for all of it.
    pub fn within(body: Body, time: Duration, config: &Config) -> Self {
        let mut arrival = Self::new(body, config);
        arrival.pace.body = time.min(FOREVER);
        arrival
    }

    /// The next bytes; `None` at the end.
    ///
    /// # Errors
    /// 408 when the sender is too slow, 400 when the body ends before its time.
    pub async fn next(&mut self) -> Result<Option<Bytes>, Error> {
        let deadline = (Instant::now() + self.pace.chunk).min(self.began + self.pace.body);
        let chunk = timeout_at(deadline, self.chunks.next()).await;
        let Some(chunk) = chunk.map_err(|_| Error::BodyTimeout)? else {
            return Ok(None);
        };
        let chunk = chunk.map_err(|source| Error::BodyCutShort(Box::new(source)))?;
        self.bytes += chunk.len();
        if self.pace.is_too_slow(self.bytes, self.began.elapsed()) {
            return Err(Error::BodyTimeout);
        }
        Ok(Some(chunk))
    }

    /// Reads and drops what comes, about `limit` bytes at most.
    pub async fn discard(mut self, limit: usize) {
        let mut dropped = 0;
        while dropped <= limit
            && let Ok(Some(chunk)) = self.next().await
        {
            dropped += chunk.len();
        }
    }
}

/// How slowly a body may come.
#[derive(Debug, Clone, Copy)]
struct Pace {
    /// The longest silence.
    chunk: Duration,
    /// The longest time for all of it.
    body: Duration,
    /// The least bytes a second, on average.
    rate: u64,
}

impl Pace {
    fn of(config: &Config) -> Self {
        Self {
            chunk: config.chunk_timeout().min(FOREVER),
            body: config.body_timeout().min(FOREVER),
            rate: config.min_body_bytes_per_second,
        }
    }

    /// Whether so many bytes after that time are too few. What comes within one silence
    /// is never too slow: many bodies are smaller than a second's bytes.
    fn is_too_slow(&self, bytes: usize, elapsed: Duration) -> bool {
        let due = u128::from(self.rate) * elapsed.as_millis() / 1000;
        elapsed > self.chunk && (bytes as u128) < due
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case::at_the_start(0, 0, false)]
    #[case::small_and_within_a_silence(1, 10_000, false)]
    #[case::drop_by_drop(2, 10_001, true)]
    #[case::just_enough(20_000, 20_000, false)]
    #[case::just_too_little(19_999, 20_000, true)]
    #[case::long_ago(usize::MAX, u64::MAX, false)]
    fn an_average_is_asked_for_after_a_while(
        #[case] bytes: usize,
        #[case] elapsed_ms: u64,
        #[case] expected: bool,
    ) {
        let pace = Pace {
            chunk: Duration::from_secs(10),
            body: Duration::from_secs(30),
            rate: 1000,
        };
        let elapsed = Duration::from_millis(elapsed_ms);
        assert_eq!(pace.is_too_slow(bytes, elapsed), expected);
    }

    #[test]
    fn without_a_rate_only_silence_is_too_slow() {
        let pace = Pace {
            chunk: Duration::ZERO,
            body: Duration::ZERO,
            rate: 0,
        };
        assert!(!pace.is_too_slow(0, Duration::from_secs(60)));
    }
}
