//! What computing reports may take.

use std::time::Duration;

use crate::config::Config;

/// How many tenants are refreshed at a time: one that takes long holds up no
/// more than every second turn.
pub(crate) const LANES: usize = 2;

/// Files are this share of the memory, at most and at least so many bytes each.
const FILE_SHARE: usize = 32;
const LARGEST_FILE: usize = 32 << 20;
const SMALLEST_FILE: usize = 64 << 10;

/// Memory that a query takes for a row of its sources: measured with the video
/// reports, whose windows hold several copies of a row.
pub(crate) const ROW_BYTES: usize = 2 << 10;

/// Bounds that follow from the configuration.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Limits {
    /// Memory of all queries together. They spill what can be spilled.
    pub pool_bytes: usize,
    /// Bytes of rows of one file that is being written. Each lane has one, and
    /// while it is sorted and compressed takes four times as much.
    pub file_bytes: usize,
    /// Rows of the sources that one query reads. Of a term with more, a query
    /// takes some slices at a time; one slice is never divided.
    pub query_rows: usize,
    /// How long one report of one tenant may take.
    pub timeout: Duration,
}

impl Limits {
    pub fn new(config: &Config) -> Self {
        let memory = config.report_memory_bytes;
        let file_bytes = (memory / FILE_SHARE).clamp(SMALLEST_FILE, LARGEST_FILE);
        let pool_bytes = memory
            .saturating_sub(LANES * 4 * file_bytes)
            .max(memory / 2);
        Self {
            pool_bytes,
            file_bytes,
            query_rows: (pool_bytes / LANES / ROW_BYTES).max(1),
            timeout: Duration::from_secs(config.report_timeout_seconds),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_and_what_is_queried_fit_together() {
        for memory in [16 << 20, 256 << 20, 1 << 30, 16 << 30] {
            let limits = Limits::new(&Config {
                report_memory_bytes: memory,
                ..Config::default()
            });
            let together = limits.pool_bytes + LANES * 4 * limits.file_bytes;
            assert!(together <= memory, "{memory}");
            assert!(limits.pool_bytes >= memory / 2, "{memory}");
        }
        let usual = Limits::new(&Config::default());
        assert_eq!(usual.query_rows, 49_152);
    }
}
