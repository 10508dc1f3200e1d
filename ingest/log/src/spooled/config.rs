//! The settings of the section `[spool]`.

use std::path::PathBuf;
use std::time::Duration;

use serde::{Deserialize, Serialize};

/// Where records wait while Kafka does not answer, and how many.
///
/// ```
/// let config: eventlog::SpoolConfig = toml::from_str("dir = '/var/lib/chalkline-ingest/spool'")?;
/// assert!(config.problems().is_empty());
/// # Ok::<_, toml::de::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct SpoolConfig {
    /// The folder, made if absent, of one process at a time; without it there is
    /// no spool. Its disk must outlive the process: what is in it was accepted.
    pub dir: Option<PathBuf>,
    /// Compressed bytes that may wait.
    pub max_bytes: u64,
    /// How long the oldest may wait before nothing new is taken. What was taken is
    /// never dropped.
    pub max_age_hours: u64,
    /// How long an append waits for the log before its records are spooled.
    pub patience_ms: u64,
}

impl Default for SpoolConfig {
    fn default() -> Self {
        Self {
            dir: None,
            max_bytes: 1 << 30,
            max_age_hours: 24,
            patience_ms: 2_000,
        }
    }
}

/// The least [`SpoolConfig::max_bytes`]: room for a frame of the largest record.
const LEAST_BYTES: u64 = 16 << 20;

impl SpoolConfig {
    /// Everything that is wrong with the settings, one sentence each.
    pub fn problems(&self) -> Vec<String> {
        let mut problems = Vec::new();
        if self
            .dir
            .as_ref()
            .is_some_and(|dir| dir.as_os_str().is_empty())
        {
            problems.push("spool.dir must name a folder, or be absent".to_owned());
        }
        if self.max_bytes < LEAST_BYTES {
            problems.push(format!("spool.max_bytes must be at least {LEAST_BYTES}"));
        }
        for (name, value) in [
            ("max_age_hours", self.max_age_hours),
            ("patience_ms", self.patience_ms),
        ] {
            if value == 0 {
                problems.push(format!("spool.{name} must be at least 1"));
            }
        }
        problems
    }

    /// [`SpoolConfig::max_age_hours`] as a duration.
    pub(super) fn max_age(&self) -> Duration {
        Duration::from_secs(self.max_age_hours.saturating_mul(3600))
    }

    /// [`SpoolConfig::patience_ms`] as a duration.
    pub(super) fn patience(&self) -> Duration {
        Duration::from_millis(self.patience_ms)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_defaults_are_sound_and_all_problems_are_listed_at_once() {
        assert_eq!(SpoolConfig::default().problems(), Vec::<String>::new());
        let config = SpoolConfig {
            dir: Some(PathBuf::new()),
            max_bytes: 0,
            max_age_hours: 0,
            patience_ms: 0,
        };
        assert_eq!(config.problems().len(), 4);
    }

    #[test]
    fn unknown_keys_are_refused() {
        let error = toml::from_str::<SpoolConfig>("path = 'x'").unwrap_err();
        assert!(error.to_string().contains("path"), "{error}");
    }
}
