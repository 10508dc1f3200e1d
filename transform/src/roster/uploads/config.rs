use std::time::Duration;

use serde::{Deserialize, Serialize};

/// How rosters that were uploaded are imported, and events placed by what is imported: the
/// section `[transform.roster]`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct RosterConfig {
    /// How many are imported at the same time, each of another tenant.
    pub concurrent_imports: usize,
    /// How often it is looked what waits, should a notice of it be lost, in milliseconds.
    pub scan_interval_ms: u64,
    /// How old what is known of a roster may be when events are placed by it, in
    /// milliseconds. Rows that were placed by an older one are put right by upkeep.
    pub refresh_ms: u64,
    /// Memory that rosters may take by which events are placed, all tenants together, in
    /// bytes; that of one tenant may take more.
    pub memory_bytes: usize,
}

impl Default for RosterConfig {
    fn default() -> Self {
        Self {
            concurrent_imports: 1,
            scan_interval_ms: 60_000,
            refresh_ms: 15_000,
            memory_bytes: 256 << 20,
        }
    }
}

impl RosterConfig {
    /// Everything that cannot work, each in one sentence.
    pub fn problems(&self) -> Vec<String> {
        let at_least_one = [
            ("concurrent_imports", self.concurrent_imports as u64),
            ("scan_interval_ms", self.scan_interval_ms),
            ("refresh_ms", self.refresh_ms),
            ("memory_bytes", self.memory_bytes as u64),
        ];
        let zeros = at_least_one.iter().filter(|(_, value)| *value == 0);
        zeros
            .map(|(name, _)| format!("transform.roster.{name} must be at least 1"))
            .collect()
    }

    pub(crate) fn refresh(&self) -> Duration {
        Duration::from_millis(self.refresh_ms)
    }

    pub(super) fn scan_interval(&self) -> Duration {
        Duration::from_millis(self.scan_interval_ms)
    }
}
