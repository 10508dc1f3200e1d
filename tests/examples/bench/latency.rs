//! Percentiles of what took how long.

use std::ops::AddAssign;
use std::time::Duration;

/// Every measured duration.
#[derive(Default)]
pub struct Latencies(Vec<Duration>);

impl Latencies {
    /// Adds one.
    pub fn add(&mut self, latency: Duration) {
        self.0.push(latency);
    }

    /// Ninety-nine of a hundred were faster; nothing when there are none.
    pub fn p99(&self) -> Duration {
        self.at(0.99)
    }

    /// Half were faster, and 99 of 100, as text.
    pub fn summary(&self) -> String {
        let millis = |share| self.at(share).as_secs_f64() * 1_000.0;
        format!("p50 {:.1} ms, p99 {:.1} ms", millis(0.5), millis(0.99))
    }

    /// That share of them were faster.
    pub fn at(&self, share: f64) -> Duration {
        let mut sorted = self.0.clone();
        sorted.sort();
        let index = (sorted.len() as f64 * share) as usize;
        let last = sorted.len().saturating_sub(1);
        sorted.get(index.min(last)).copied().unwrap_or_default()
    }
}

impl AddAssign for Latencies {
    fn add_assign(&mut self, other: Self) {
        self.0.extend(other.0);
    }
}
