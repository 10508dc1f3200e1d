//! The settings of the section `[ingest]`.

use std::net::{Ipv4Addr, SocketAddr};
use std::num::NonZeroU32;
use std::time::Duration;

use runtime::http::TlsConfig;
use serde::{Deserialize, Serialize};

use crate::memory;
use crate::roster::RosterConfig;

/// Where ingest listens and how much it takes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// The address of the front door; port 0 lets the system choose one.
    pub listen: SocketAddr,
    /// The largest compressed body, in bytes.
    pub max_compressed_bytes: usize,
    /// The largest body, after inflation if it was compressed, in bytes.
    pub max_body_bytes: usize,
    /// The most events in one request.
    pub max_events: usize,
    /// The largest event, in bytes of JSON as sent. A log that takes less than
    /// this in one record lowers it.
    pub max_event_bytes: usize,
    /// TLS of the front door; none unless both files are named.
    pub tls: TlsConfig,
    /// How long a client may take to send its body, in milliseconds.
    pub body_timeout_ms: u64,
    /// How long a client may be silent while it sends its body, in milliseconds.
    pub chunk_timeout_ms: u64,
    /// The bytes of its body that a client has to send in a second, on average, once it
    /// takes longer than `chunk_timeout_ms`.
    pub min_body_bytes_per_second: u64,
    /// What all requests together may hold in memory, in bytes; beyond it
    /// clients are asked to come back.
    pub memory_limit_bytes: usize,
    /// After how many seconds at the earliest a client asked to come back should do so.
    pub retry_after_seconds: u64,
    /// How many events a second a public key may post that has no rate of its own:
    /// everybody can read it.
    pub public_events_per_second: u32,
    /// How rosters and catalogues are taken.
    pub roster: RosterConfig,
    /// Whether `/dev/…` shows what came, for the tests of client apps: on loopback
    /// only.
    pub dev: bool,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 8080)),
            max_compressed_bytes: 2 << 20,
            max_body_bytes: 16 << 20,
            max_events: 10_000,
            max_event_bytes: 1_000_000,
            tls: TlsConfig::default(),
            body_timeout_ms: 30_000,
            chunk_timeout_ms: 10_000,
            min_body_bytes_per_second: 1_000,
            memory_limit_bytes: 256 << 20,
            retry_after_seconds: 2,
            public_events_per_second: 500,
            roster: RosterConfig::default(),
            dev: false,
        }
    }
}

impl Config {
    /// Everything that is wrong with the settings, one sentence each.
    pub fn problems(&self) -> Vec<String> {
        let mut problems = self.tls.problems("ingest.tls");
        for (name, zero) in [
            ("max_compressed_bytes", self.max_compressed_bytes == 0),
            ("max_body_bytes", self.max_body_bytes == 0),
            ("max_events", self.max_events == 0),
            ("max_event_bytes", self.max_event_bytes == 0),
            ("body_timeout_ms", self.body_timeout_ms == 0),
            ("chunk_timeout_ms", self.chunk_timeout_ms == 0),
            ("retry_after_seconds", self.retry_after_seconds == 0),
            (
                "public_events_per_second",
                self.public_events_per_second == 0,
            ),
        ] {
            if zero {
                problems.push(format!("ingest.{name} must be at least 1"));
            }
        }
        problems.extend(self.roster.problems());
        if self.dev && !self.listen.ip().is_loopback() {
            problems.push(
                "ingest.dev shows events to whoever asks: listen on 127.0.0.1 with it".to_owned(),
            );
        }
        let largest = self
            .max_compressed_bytes
            .saturating_add(self.max_body_bytes)
            .saturating_mul(memory::COST);
        if self.memory_limit_bytes < largest {
            problems.push(format!(
                "ingest.memory_limit_bytes must be at least {largest}, or the largest body \
                 would never be taken"
            ));
        }
        problems
    }

    /// [`Config::public_events_per_second`]; 0, which is refused before, counts as 1.
    pub(crate) fn public_rate(&self) -> NonZeroU32 {
        NonZeroU32::new(self.public_events_per_second).unwrap_or(NonZeroU32::MIN)
    }

    /// [`Config::body_timeout_ms`] as a duration.
    pub fn body_timeout(&self) -> Duration {
        Duration::from_millis(self.body_timeout_ms)
    }

    /// [`Config::chunk_timeout_ms`] as a duration.
    pub fn chunk_timeout(&self) -> Duration {
        Duration::from_millis(self.chunk_timeout_ms)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_defaults_are_sound_and_all_problems_are_listed_at_once() {
        assert_eq!(Config::default().problems(), Vec::<String>::new());
        let config = Config {
            max_events: 0,
            retry_after_seconds: 0,
            public_events_per_second: 0,
            memory_limit_bytes: 1,
            dev: true,
            listen: SocketAddr::from((Ipv4Addr::UNSPECIFIED, 8080)),
            ..Config::default()
        };
        assert_eq!(config.problems().len(), 5);
    }
}
