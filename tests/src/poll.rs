//! Waiting for something to become true, never for time to pass.

use std::future::Future;
use std::time::{Duration, Instant};

use crate::trial::scale;

/// How long anything may take before a test gives up: far above what it takes
/// on a busy machine, so that only a real fault reaches it.
fn deadline() -> Duration {
    Duration::from_secs(240) + Duration::from_secs(20) * (scale() - 1) as u32
}

/// The shortest and the longest time between two attempts.
const PAUSE: Duration = Duration::from_millis(200);
const LONGEST_PAUSE: Duration = Duration::from_secs(2);

/// How long to wait after an attempt that took so long, after so long in all: what is
/// waited for needs the machine more than who waits.
fn pause(attempt: Duration, waited: Duration) -> Duration {
    (attempt * 2).max(waited / 10).clamp(PAUSE, LONGEST_PAUSE)
}

/// Repeats `attempt` until it gives a value.
///
/// # Panics
/// When it did not within four minutes, or longer with many ids, with its last
/// reason.
pub async fn eventually<T, F>(what: &str, mut attempt: impl FnMut() -> F) -> T
where
    F: Future<Output = Result<T, String>>,
{
    let start = Instant::now();
    loop {
        let begun = Instant::now();
        match attempt().await {
            Ok(value) => return value,
            Err(reason) if start.elapsed() > deadline() => {
                panic!("{what}: not within {:?}: {reason}", deadline())
            }
            Err(_) => tokio::time::sleep(pause(begun.elapsed(), start.elapsed())).await,
        }
    }
}

/// Waits until `condition` holds.
///
/// # Panics
/// As [`eventually`].
pub async fn until(what: &str, mut condition: impl FnMut() -> bool) {
    eventually(what, || {
        let holds = condition();
        async move { holds.then_some(()).ok_or_else(|| "still not".to_owned()) }
    })
    .await;
}
