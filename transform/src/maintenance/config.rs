use std::time::Duration;

use chrono::TimeDelta;
use lake::Retention;
use serde::{Deserialize, Serialize};

/// How tables are kept in shape: the section `[transform.maintenance]`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct MaintenanceConfig {
    /// Whether this process does it at all.
    pub enabled: bool,
    /// How often a tenant's tables are looked at while something is published to
    /// them.
    pub interval_ms: u64,
    /// How long a process is believed to be at work for a tenant after it last
    /// said so.
    pub lease_ms: u64,
    /// Files of this size are not merged with others any more.
    pub target_bytes: u64,
    /// Memory that merging files may take.
    pub memory_bytes: u64,
    /// Files of about one size from which on they are merged.
    pub least_files: usize,
    /// A term of which nothing was received for so many days is sorted as a
    /// whole, once.
    pub closed_days: u32,
    /// Versions of a table from one checkpoint to the next.
    pub checkpoint_versions: u64,
    /// How often logs are cleaned and files deleted.
    pub clean_interval_s: u64,
    /// How long entries of a table's log are kept. Reports that were not
    /// refreshed for longer are computed as a whole. Never less than the 10
    /// minutes that a commit may take, but for tests.
    pub log_retention_s: u64,
    /// How long files are kept after they were merged or replaced: longer than
    /// the longest query.
    pub removed_retention_s: u64,
    /// How long files are kept that no version names: longer than the longest
    /// publishing, whose files nobody names before its end.
    pub unnamed_retention_s: u64,
    /// How often all event tables are searched for events that a sender repeated
    /// later than deduplication remembers.
    pub repeats_interval_s: u64,
}

impl Default for MaintenanceConfig {
    fn default() -> Self {
        Self {
            enabled: true,
            interval_ms: 10_000,
            lease_ms: 15_000,
            target_bytes: 48 << 20,
            memory_bytes: 128 << 20,
            least_files: 8,
            closed_days: 7,
            checkpoint_versions: 50,
            clean_interval_s: 3_600,
            log_retention_s: 24 * 3_600,
            removed_retention_s: 3_600,
            unnamed_retention_s: 24 * 3_600,
            repeats_interval_s: 24 * 3_600,
        }
    }
}

impl MaintenanceConfig {
    /// Everything that cannot work, each in one sentence; empty when all can.
    pub fn problems(&self) -> Vec<String> {
        let at_least_one = [
            ("interval_ms", self.interval_ms),
            ("lease_ms", self.lease_ms),
            ("target_bytes", self.target_bytes),
            ("checkpoint_versions", self.checkpoint_versions),
            ("clean_interval_s", self.clean_interval_s),
            ("repeats_interval_s", self.repeats_interval_s),
        ];
        let zeros = at_least_one.iter().filter(|(_, value)| *value == 0);
        let mut problems: Vec<String> = zeros
            .map(|(name, _)| format!("transform.maintenance.{name} must be at least 1"))
            .collect();
        if self.least_files < 2 {
            problems.push("transform.maintenance.least_files must be at least 2".to_owned());
        }
        if self.memory_bytes / 2 < self.target_bytes {
            problems.push(
                "transform.maintenance.memory_bytes must be at least twice target_bytes".to_owned(),
            );
        }
        problems
    }

    pub(crate) fn interval(&self) -> Duration {
        Duration::from_millis(self.interval_ms)
    }

    /// How long a lease lasts.
    pub fn lease(&self) -> Duration {
        Duration::from_millis(self.lease_ms)
    }

    pub(crate) fn clean_interval(&self) -> Duration {
        Duration::from_secs(self.clean_interval_s)
    }

    pub(crate) fn log_retention(&self) -> Duration {
        Duration::from_secs(self.log_retention_s)
    }

    pub(crate) fn retention(&self) -> Retention {
        Retention {
            removed: Duration::from_secs(self.removed_retention_s),
            unnamed: Duration::from_secs(self.unnamed_retention_s),
        }
    }

    pub(crate) fn repeats_interval(&self) -> TimeDelta {
        TimeDelta::from_std(Duration::from_secs(self.repeats_interval_s)).unwrap_or(TimeDelta::MAX)
    }

    /// After this time without a change nothing is left to clean.
    pub(crate) fn longest_retention(&self) -> Duration {
        let files = self.retention();
        self.log_retention().max(files.removed).max(files.unnamed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_defaults_work_and_a_merge_without_memory_does_not() {
        assert_eq!(MaintenanceConfig::default().problems(), [""; 0]);
        let tight = MaintenanceConfig {
            memory_bytes: 1,
            least_files: 1,
            interval_ms: 0,
            ..MaintenanceConfig::default()
        };
        assert_eq!(tight.problems().len(), 3);
    }
}
