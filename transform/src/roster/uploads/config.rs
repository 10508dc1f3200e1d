use std::time::Duration;

use serde::{Deserialize, Serialize};

/// How often it is looked into the folder at most and at least.
const SHORTEST_LOOK: Duration = Duration::from_millis(20);
const LONGEST_LOOK: Duration = Duration::from_secs(60);

/// How rosters and catalogues that were uploaded are imported, and events placed by what is
/// imported: the section `[transform.roster]`.
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
    /// A folder, or `s3://bucket/prefix` with the options of the lake, into which others
    /// put rosters as `<tenant>/<name>.zip` and catalogues into `<tenant>/catalog/`; none if
    /// absent.
    pub inbox: Option<String>,
    /// How long a file in it has to stay as it is before it counts as complete, in
    /// milliseconds.
    pub inbox_settle_ms: u64,
    /// Whether files that are imported are kept there, in folders `done`.
    pub inbox_keep_done: bool,
}

impl Default for RosterConfig {
    fn default() -> Self {
        Self {
            concurrent_imports: 1,
            scan_interval_ms: 60_000,
            refresh_ms: 15_000,
            memory_bytes: 256 << 20,
            inbox: None,
            inbox_settle_ms: 30_000,
            inbox_keep_done: true,
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
            ("inbox_settle_ms", self.inbox_settle_ms),
        ];
        let zeros = at_least_one.iter().filter(|(_, value)| *value == 0);
        let mut problems: Vec<_> = zeros
            .map(|(name, _)| format!("transform.roster.{name} must be at least 1"))
            .collect();
        if self.inbox.as_ref().is_some_and(String::is_empty) {
            problems
                .push("transform.roster.inbox must name a folder; leave it out for none".into());
        }
        problems
    }

    pub(crate) fn refresh(&self) -> Duration {
        Duration::from_millis(self.refresh_ms)
    }

    pub(in crate::roster) fn inbox_settle(&self) -> Duration {
        Duration::from_millis(self.inbox_settle_ms)
    }

    /// How often it is looked into the folder.
    pub(in crate::roster) fn inbox_look(&self) -> Duration {
        (self.inbox_settle() / 3).clamp(SHORTEST_LOOK, LONGEST_LOOK)
    }

    pub(super) fn scan_interval(&self) -> Duration {
        Duration::from_millis(self.scan_interval_ms)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_defaults_are_sound_and_others_need_not_be() {
        assert_eq!(RosterConfig::default().problems(), Vec::<String>::new());
        let config = RosterConfig {
            inbox: Some(String::new()),
            inbox_settle_ms: 0,
            ..RosterConfig::default()
        };
        assert_eq!(config.problems().len(), 2);
    }

    #[test]
    fn it_is_looked_into_the_folder_more_often_than_files_settle() {
        for (settle, look) in [(1, 20), (30_000, 10_000), (3_600_000, 60_000)] {
            let config = RosterConfig {
                inbox_settle_ms: settle,
                ..RosterConfig::default()
            };
            assert_eq!(config.inbox_look(), Duration::from_millis(look));
        }
    }
}
