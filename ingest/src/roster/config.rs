//! The settings of the section `[ingest.roster]`.

use std::time::Duration;

use runtime::inbox::Upload;
use serde::{Deserialize, Serialize};

/// How rosters and catalogues are taken.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct RosterConfig {
    /// The largest one, inflated, in bytes: a zip file counts as it is.
    pub max_bytes: u64,
    /// How long a client may take to send one, in milliseconds.
    pub timeout_ms: u64,
    /// How many come at the same time, each of another tenant; one takes 16 MiB of
    /// memory beside `ingest.memory_limit_bytes`.
    pub concurrent_uploads: usize,
}

impl Default for RosterConfig {
    fn default() -> Self {
        Self {
            max_bytes: 1 << 30,
            timeout_ms: 3_600_000,
            concurrent_uploads: 4,
        }
    }
}

impl RosterConfig {
    /// Everything that is wrong with the settings, one sentence each.
    pub fn problems(&self) -> Vec<String> {
        let zeros = [
            ("max_bytes", self.max_bytes),
            ("timeout_ms", self.timeout_ms),
            ("concurrent_uploads", self.concurrent_uploads as u64),
        ];
        let zeros = zeros.iter().filter(|(_, value)| *value == 0);
        let mut problems: Vec<_> = zeros
            .map(|(name, _)| format!("ingest.roster.{name} must be at least 1"))
            .collect();
        if self.max_bytes > Upload::MOST {
            let most = Upload::MOST;
            problems.push(format!("ingest.roster.max_bytes must be at most {most}"));
        }
        problems
    }

    /// [`RosterConfig::timeout_ms`] as a duration.
    pub fn timeout(&self) -> Duration {
        Duration::from_millis(self.timeout_ms)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_defaults_are_sound_and_others_need_not_be() {
        assert_eq!(RosterConfig::default().problems(), Vec::<String>::new());
        let config = RosterConfig {
            max_bytes: u64::MAX,
            timeout_ms: 0,
            concurrent_uploads: 0,
        };
        assert_eq!(config.problems().len(), 3);
        // The setting's description says so.
        assert_eq!(Upload::MEMORY, 16 << 20);
    }
}
