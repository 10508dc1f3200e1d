//! What can be configured, with its defaults and checks.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;

use runtime::config::Check;
use runtime::http::TlsConfig;
use serde::{Deserialize, Serialize};

const MIB: usize = 1024 * 1024;

/// What the process has beyond the pools of queries, unless it is said.
const BEYOND_POOLS: usize = 1024 * MIB;

/// The section `[query]` of the configuration.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// The address at which questions are taken.
    pub listen: SocketAddr,
    /// TLS of that address; none unless both files are named.
    pub tls: TlsConfig,
    /// How long a query may work; time in which it waits for its reader does
    /// not count.
    pub timeout_seconds: u64,
    /// How long a reader may leave a streamed answer lying.
    pub stall_seconds: u64,
    /// How many threads work on queries; 0 = one per core.
    pub threads: usize,
    /// Memory for all queries together. A quarter of it is kept for tenants that hold no
    /// more than a sixteenth.
    pub memory_bytes: usize,
    /// Memory for all queries of one tenant; never of the quarter that is kept for others.
    pub tenant_memory_bytes: usize,
    /// How much memory the process may have before queries wait, and the largest ends; 0 =
    /// `memory_bytes` and 1 GiB more.
    pub rss_limit_bytes: u64,
    /// Where queries that outgrow their memory spill; the system's folder for
    /// temporary files when unset.
    pub spill_directory: Option<PathBuf>,
    /// How much all queries together may spill. A quarter of it is kept as that of memory.
    pub spill_bytes: u64,
    /// How much all queries of one tenant may spill; of a smaller `spill_bytes`, all of it.
    pub tenant_spill_bytes: u64,
    /// The longest statement.
    pub sql_bytes: usize,
    /// How many words, numbers and signs a statement may have: what bounds how
    /// deep it can nest.
    pub sql_tokens: usize,
    /// The most rows of a JSON answer.
    pub json_rows: usize,
    /// The longest JSON answer. Each is built in memory, so that an answer is
    /// whole or an error.
    pub json_bytes: usize,
    /// The most rows of a streamed answer (CSV, NDJSON, Arrow).
    pub stream_rows: usize,
    /// The longest streamed answer.
    pub stream_bytes: usize,
    /// How many queries work at once.
    pub concurrency: usize,
    /// How many queries of one tenant work at once.
    pub tenant_concurrency: usize,
    /// How many queries of one tenant may wait for their turn.
    pub tenant_queue: usize,
    /// How long a query waits for its turn.
    pub queue_seconds: u64,
    /// How long a submitted query may work.
    pub submitted_timeout_seconds: u64,
    /// How many submitted queries of one tenant work at once.
    pub submitted_concurrency: usize,
    /// How many submitted queries of one tenant may wait, work or be kept.
    pub submitted_queries: usize,
    /// How many of them may be one asker's.
    pub submitted_asker_queries: usize,
    /// How long the rows of a submitted query are kept.
    pub submitted_kept_seconds: u64,
    /// How much the kept rows of all tenants may take, where queries spill.
    pub submitted_bytes: u64,
    /// How much the kept rows of one tenant may take.
    pub submitted_tenant_bytes: u64,
    /// How much memory the rows of answers take that are kept for whoever sees the same
    /// and asks the same of the same versions; 0: none are.
    pub results_bytes: usize,
    /// How much memory is taken by what is kept of reports to tell which of their rows are
    /// about enough students; 0: nothing is kept.
    pub cells_bytes: usize,
    /// How much memory the footers of files take that are kept between queries.
    pub metadata_bytes: usize,
    /// How many tables' state is kept between queries.
    pub open_tables: usize,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 8081)),
            tls: TlsConfig::default(),
            timeout_seconds: 30,
            stall_seconds: 60,
            threads: 0,
            memory_bytes: 512 * MIB,
            tenant_memory_bytes: 256 * MIB,
            rss_limit_bytes: 0,
            spill_directory: None,
            spill_bytes: 4 * 1024 * MIB as u64,
            tenant_spill_bytes: 1024 * MIB as u64,
            sql_bytes: MIB,
            sql_tokens: 10_000,
            json_rows: 100_000,
            json_bytes: 64 * MIB,
            stream_rows: 1_000_000,
            stream_bytes: 1024 * MIB,
            concurrency: 16,
            tenant_concurrency: 4,
            tenant_queue: 16,
            queue_seconds: 10,
            submitted_timeout_seconds: 600,
            submitted_concurrency: 2,
            submitted_queries: 32,
            submitted_asker_queries: 16,
            submitted_kept_seconds: 3_600,
            submitted_bytes: 4 * 1024 * MIB as u64,
            submitted_tenant_bytes: 1024 * MIB as u64,
            results_bytes: 64 * MIB,
            cells_bytes: 32 * MIB,
            metadata_bytes: 32 * MIB,
            open_tables: 512,
        }
    }
}

impl Check for Config {
    fn problems(&self) -> Vec<String> {
        let positive = [
            ("timeout_seconds", self.timeout_seconds as usize),
            ("stall_seconds", self.stall_seconds as usize),
            ("memory_bytes", self.memory_bytes),
            ("tenant_memory_bytes", self.tenant_memory_bytes),
            ("sql_bytes", self.sql_bytes),
            ("sql_tokens", self.sql_tokens),
            ("json_rows", self.json_rows),
            ("json_bytes", self.json_bytes),
            ("stream_rows", self.stream_rows),
            ("stream_bytes", self.stream_bytes),
            ("concurrency", self.concurrency),
            ("tenant_concurrency", self.tenant_concurrency),
            ("queue_seconds", self.queue_seconds as usize),
            (
                "submitted_timeout_seconds",
                self.submitted_timeout_seconds as usize,
            ),
            ("submitted_concurrency", self.submitted_concurrency),
            ("submitted_queries", self.submitted_queries),
            ("submitted_asker_queries", self.submitted_asker_queries),
            (
                "submitted_kept_seconds",
                self.submitted_kept_seconds as usize,
            ),
            ("submitted_bytes", self.submitted_bytes as usize),
            (
                "submitted_tenant_bytes",
                self.submitted_tenant_bytes as usize,
            ),
            ("open_tables", self.open_tables),
        ];
        let mut problems: Vec<String> = positive
            .into_iter()
            .filter(|(_, value)| *value == 0)
            .map(|(name, _)| format!("[query] {name}: must be more than 0"))
            .collect();
        if self.tenant_memory_bytes > self.memory_bytes {
            problems.push("[query] tenant_memory_bytes: must not exceed memory_bytes".into());
        }
        if self.submitted_tenant_bytes > self.submitted_bytes {
            problems.push("[query] submitted_tenant_bytes: must not exceed submitted_bytes".into());
        }
        if self.tenant_concurrency > self.concurrency {
            problems.push("[query] tenant_concurrency: must not exceed concurrency".into());
        }
        problems.extend(self.tls.problems("query.tls"));
        problems
    }
}

impl Config {
    pub(crate) fn timeout(&self) -> Duration {
        Duration::from_secs(self.timeout_seconds)
    }

    pub(crate) fn stall(&self) -> Duration {
        Duration::from_secs(self.stall_seconds)
    }

    pub(crate) fn queue(&self) -> Duration {
        Duration::from_secs(self.queue_seconds)
    }

    pub(crate) fn rss_limit(&self) -> u64 {
        match self.rss_limit_bytes {
            0 => (self.memory_bytes + BEYOND_POOLS) as u64,
            bytes => bytes,
        }
    }

    pub(crate) fn cores(&self) -> usize {
        match self.threads {
            0 => std::thread::available_parallelism().map_or(1, usize::from),
            threads => threads,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_defaults_are_sound_and_every_problem_is_named() {
        assert_eq!(Config::default().problems(), Vec::<String>::new());
        let config = Config {
            timeout_seconds: 0,
            spill_bytes: 1,
            tenant_concurrency: 17,
            ..Config::default()
        };
        assert_eq!(
            config.problems(),
            [
                "[query] timeout_seconds: must be more than 0",
                "[query] tenant_concurrency: must not exceed concurrency",
            ]
        );
    }
}
