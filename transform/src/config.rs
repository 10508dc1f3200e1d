use std::net::SocketAddr;
use std::time::Duration;

use lake::Lake;
use serde::{Deserialize, Serialize};

use crate::maintenance::MaintenanceConfig;
use crate::pace::Limits;
use crate::roster::RosterConfig;

/// How the transform service works: the section `[transform]`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// Where health and metrics are served by a transform service that runs alone.
    pub listen: SocketAddr,
    /// How long rows wait for others of their tenant before they are published:
    /// most of the time between an answer to a sender and its event in a query.
    pub interval_ms: u64,
    /// How long they wait at most when more tables have rows than commits may be
    /// made.
    pub max_interval_ms: u64,
    /// Commits of tables that may be made in a second before rows wait longer; by
    /// default 10 in a folder and 30 in an object store.
    pub commits_per_second: Option<u32>,
    /// Rows of all tenants that may wait; then much is published at once.
    pub max_rows: usize,
    /// Bytes of records whose rows may wait; memory use is a small multiple of it.
    pub max_bytes: usize,
    /// Bytes that are read of a partition at a time.
    pub read_bytes: usize,
    /// Tables that are committed at the same time.
    pub concurrent_commits: usize,
    /// Two events with one id are the same if they were received within this
    /// many days of each other.
    pub deduplication_days: u32,
    /// Memory that the ids of events may take by which repetitions are told. Those
    /// for which it does not suffice are looked up in the tables.
    pub deduplication_memory_bytes: usize,
    /// How often the second reader's counts are published.
    pub count_interval_ms: u64,
    /// Whether to go on at a start without records that the log dropped before
    /// they were published. They are lost: set it for one start, having looked,
    /// and not for good.
    pub accept_truncated_log: bool,
    /// How often at most a tenant's reports are refreshed; they follow within this
    /// time and what refreshing takes. Where that is long and more is published all
    /// the time they rest four times as long, up to a minute.
    pub report_interval_ms: u64,
    /// Memory that computing reports may take, all tenants together; what can be
    /// sorted on disk is when it does not suffice, and a term is computed in parts.
    pub report_memory_bytes: usize,
    /// How long one report of one tenant may take before it is given up and tried
    /// again later, in longer and longer pauses.
    pub report_timeout_seconds: u64,
    /// How often it is looked whether the ledgers balance.
    pub audit_interval_seconds: u64,
    /// How rosters and catalogues that were uploaded are imported.
    pub roster: RosterConfig,
    /// How tables are kept in shape.
    pub maintenance: MaintenanceConfig,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from(([127, 0, 0, 1], 8082)),
            interval_ms: 1_000,
            max_interval_ms: 60_000,
            commits_per_second: None,
            max_rows: 200_000,
            max_bytes: 128 << 20,
            read_bytes: 1 << 20,
            concurrent_commits: 4,
            deduplication_days: 7,
            deduplication_memory_bytes: 256 << 20,
            count_interval_ms: 2_000,
            accept_truncated_log: false,
            report_interval_ms: 2_000,
            report_memory_bytes: 256 << 20,
            report_timeout_seconds: 1_800,
            audit_interval_seconds: 300,
            roster: RosterConfig::default(),
            maintenance: MaintenanceConfig::default(),
        }
    }
}

impl Config {
    /// Everything that cannot work, each in one sentence; empty when all can.
    pub fn problems(&self) -> Vec<String> {
        let at_least_one = [
            ("interval_ms", self.interval_ms),
            ("max_rows", self.max_rows as u64),
            ("max_bytes", self.max_bytes as u64),
            ("read_bytes", self.read_bytes as u64),
            ("concurrent_commits", self.concurrent_commits as u64),
            ("deduplication_days", self.deduplication_days.into()),
            (
                "deduplication_memory_bytes",
                self.deduplication_memory_bytes as u64,
            ),
            ("count_interval_ms", self.count_interval_ms),
            ("report_interval_ms", self.report_interval_ms),
            ("report_memory_bytes", self.report_memory_bytes as u64),
            ("report_timeout_seconds", self.report_timeout_seconds),
            ("audit_interval_seconds", self.audit_interval_seconds),
        ];
        let zeros = at_least_one.iter().filter(|(_, value)| *value == 0);
        let mut problems: Vec<String> = zeros
            .map(|(name, _)| format!("transform.{name} must be at least 1"))
            .collect();
        if self.max_interval_ms < self.interval_ms {
            problems.push(
                "transform.max_interval_ms must be at least transform.interval_ms".to_owned(),
            );
        }
        if self.commits_per_second == Some(0) {
            problems.push("transform.commits_per_second must be at least 1".to_owned());
        }
        if self.max_bytes < self.read_bytes {
            problems.push("transform.max_bytes must be at least transform.read_bytes".to_owned());
        }
        problems.extend(self.roster.problems());
        problems.extend(self.maintenance.problems());
        problems
    }

    pub(crate) fn interval(&self) -> Duration {
        Duration::from_millis(self.interval_ms)
    }

    /// What publishing to this lake keeps to.
    pub(crate) fn limits(&self, lake: &Lake) -> Limits {
        Limits {
            interval: self.interval(),
            longest: Duration::from_millis(self.max_interval_ms),
            commits_per_second: self.commits_per_second(lake),
            rows: self.max_rows,
            bytes: self.max_bytes,
        }
    }

    /// An object store takes many commits at a time, which a folder has to sync one
    /// after the other.
    pub(crate) fn commits_per_second(&self, lake: &Lake) -> f64 {
        let usual = if lake.is_local() { 10 } else { 30 };
        self.commits_per_second.unwrap_or(usual).into()
    }

    pub(crate) fn count_interval(&self) -> Duration {
        Duration::from_millis(self.count_interval_ms)
    }

    pub(crate) fn report_interval(&self) -> Duration {
        Duration::from_millis(self.report_interval_ms)
    }

    pub(crate) fn audit_interval(&self) -> Duration {
        Duration::from_secs(self.audit_interval_seconds)
    }

    /// How long a process that audits ledgers is waited for.
    pub fn audit_lease(&self) -> Duration {
        self.audit_interval() * 3
    }

    pub(crate) fn window(&self) -> chrono::TimeDelta {
        chrono::TimeDelta::days(self.deduplication_days.into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_defaults_work_and_zeros_do_not() {
        assert!(Config::default().problems().is_empty());
        let zero = Config {
            max_rows: 0,
            max_bytes: 0,
            ..Config::default()
        };
        assert_eq!(zero.problems().len(), 3);
    }
}
