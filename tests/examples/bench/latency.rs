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

    /// Half were faster, and 99 of 100, as text.
    pub fn summary(mut self) -> String {
        self.0.sort();
        let at = |share: f64| {
            let index = (self.0.len() as f64 * share) as usize;
            let latency = self.0.get(index.min(self.0.len().saturating_sub(1)));
            latency.copied().unwrap_or_default().as_secs_f64() * 1_000.0
        };
        format!("p50 {:.1} ms, p99 {:.1} ms", at(0.5), at(0.99))
    }
}

impl AddAssign for Latencies {
    fn add_assign(&mut self, other: Self) {
        self.0.extend(other.0);
    }
}
