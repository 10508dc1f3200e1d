//! The settings of the Kafka log and their checks.

use std::collections::BTreeMap;
use std::time::Duration;

use rdkafka::ClientConfig;
use serde::{Deserialize, Serialize};

use super::security::Security;
use crate::OpenError;

/// Which topic on which brokers, and how long to wait for them.
///
/// ```
/// let config: eventlog::KafkaConfig = toml::from_str(r#"
///     brokers = "kafka-1:9093,kafka-2:9093"
///     replication_factor = 3
///     [security.tls]
///     ca_file = "/etc/chalkline/kafka-ca.pem"
///     [security.sasl]
///     mechanism = "SCRAM-SHA-512"
///     username = "chalkline"
///     password = "not printed"
/// "#)?;
/// assert!(!format!("{config:?}").contains("not printed"));
/// # Ok::<_, toml::de::Error>(())
/// ```
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct KafkaConfig {
    /// Addresses to start from, `host:port` separated by commas.
    pub brokers: String,
    /// The topic.
    pub topic: String,
    /// Partitions the topic is created with.
    pub partitions: u32,
    /// Replicas of each partition the topic is created with; with more than
    /// one, two must be in sync for a record to be acknowledged.
    pub replication_factor: u16,
    /// Days the topic keeps records, when created here.
    pub retention_days: u32,
    /// How long the producer gathers records for one request. Under load it gathers
    /// for longer anyway: five requests are under way at a time.
    pub linger_ms: u64,
    /// How long a sender waits for its answer; the front door's limit.
    pub request_deadline_ms: u64,
    /// How long one `append` waits; then its records are
    /// [`AppendError::Unknown`](crate::AppendError::Unknown).
    pub produce_timeout_ms: u64,
    /// How long the client tries to deliver a record, retries included.
    pub delivery_timeout_ms: u64,
    /// How long `open` waits for the brokers.
    pub open_timeout_ms: u64,
    /// Bytes that may wait to be delivered; beyond it
    /// [`AppendError::Full`](crate::AppendError::Full).
    pub queue_bytes: usize,
    /// Bytes of the largest record taken.
    pub max_record_bytes: usize,
    /// The consumer group in which those who read the topic together share its
    /// partitions, and under which lag tools find them.
    pub group: String,
    /// How the group shares them; the same for all its members.
    pub assignor: Assignor,
    /// How long a member may be silent before its partitions go to others. Half
    /// of it is what a member gets to finish with partitions that are revoked.
    pub session_timeout_ms: u64,
    /// The name of this member, if it is to keep its partitions over a restart
    /// that takes less than the session timeout; unique in the group.
    pub group_instance_id: Option<String>,
    /// Encryption and authentication; none by default.
    pub security: Security,
    /// Any further librdkafka properties, but those that the promises of this
    /// log rest on.
    pub properties: BTreeMap<String, String>,
}

impl Default for KafkaConfig {
    fn default() -> Self {
        Self {
            brokers: "127.0.0.1:9092".into(),
            topic: "chalkline-events".into(),
            partitions: 8,
            replication_factor: 1,
            retention_days: 14,
            linger_ms: 1,
            request_deadline_ms: 15_000,
            produce_timeout_ms: 12_000,
            delivery_timeout_ms: 10_000,
            open_timeout_ms: 30_000,
            queue_bytes: 64 << 20,
            max_record_bytes: 1_000_000,
            group: "chalkline-transform".into(),
            assignor: Assignor::CooperativeSticky,
            session_timeout_ms: 10_000,
            group_instance_id: None,
            security: Security::default(),
            properties: BTreeMap::new(),
        }
    }
}

/// How a consumer group shares partitions among its members.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Assignor {
    /// Cooperative: only partitions that change hands stop.
    #[default]
    CooperativeSticky,
    /// Eager: all members give everything back, then share anew.
    Range,
}

impl Assignor {
    fn as_str(self) -> &'static str {
        match self {
            Self::CooperativeSticky => "cooperative-sticky",
            Self::Range => "range",
        }
    }
}

/// What the promises of the log rest on.
const RESERVED: [&str; 30] = [
    "acks",
    "auto.offset.reset",
    "bootstrap.servers",
    "delivery.timeout.ms",
    "enable.auto.commit",
    "enable.auto.offset.store",
    "enable.gapless.guarantee",
    "enable.idempotence",
    "enable.partition.eof",
    "group.id",
    "group.instance.id",
    "group.protocol",
    "heartbeat.interval.ms",
    "isolation.level",
    "linger.ms",
    "message.max.bytes",
    "message.timeout.ms",
    "max.poll.interval.ms",
    "metadata.broker.list",
    "partition.assignment.strategy",
    "partitioner",
    "queue.buffering.max.kbytes",
    "queue.buffering.max.messages",
    "queue.buffering.max.ms",
    "request.required.acks",
    "retries",
    "session.timeout.ms",
    "message.send.max.retries",
    "statistics.interval.ms",
    "transactional.id",
];

/// Bytes of a batch around its largest record.
const BATCH_OVERHEAD: usize = 4096;

impl KafkaConfig {
    pub(super) fn open_timeout(&self) -> Duration {
        Duration::from_millis(self.open_timeout_ms)
    }

    pub(super) fn produce_timeout(&self) -> Duration {
        Duration::from_millis(self.produce_timeout_ms)
    }

    pub(super) fn delivery_timeout(&self) -> Duration {
        Duration::from_millis(self.delivery_timeout_ms)
    }

    pub(super) fn session_timeout(&self) -> Duration {
        Duration::from_millis(self.session_timeout_ms)
    }

    /// Bytes of the largest request; a broker's default allows 1,048,588.
    pub(super) fn max_batch_bytes(&self) -> usize {
        self.max_record_bytes + BATCH_OVERHEAD
    }

    /// Whether the settings can work together.
    ///
    /// # Errors
    /// [`OpenError::Deadlines`], [`OpenError::Setting`] or
    /// [`OpenError::ReservedProperty`]: the first problem found.
    pub fn check(&self) -> Result<(), OpenError> {
        check_deadlines(
            Duration::from_millis(self.request_deadline_ms),
            self.produce_timeout(),
            self.delivery_timeout(),
        )?;
        let at_least_one = [
            ("partitions", u64::from(self.partitions)),
            ("replication_factor", u64::from(self.replication_factor)),
            ("retention_days", u64::from(self.retention_days)),
        ];
        if let Some((name, _)) = at_least_one.into_iter().find(|(_, value)| *value == 0) {
            return Err(OpenError::Setting {
                name,
                problem: "must be at least 1",
            });
        }
        if self.delivery_timeout_ms <= self.linger_ms {
            return Err(OpenError::Setting {
                name: "delivery_timeout_ms",
                problem: "must be above linger_ms",
            });
        }
        if self.queue_bytes < self.max_record_bytes {
            return Err(OpenError::Setting {
                name: "queue_bytes",
                problem: "must be at least max_record_bytes",
            });
        }
        if self.group.is_empty() {
            return Err(OpenError::Setting {
                name: "group",
                problem: "must not be empty",
            });
        }
        if self.session_timeout_ms < 1000 {
            return Err(OpenError::Setting {
                name: "session_timeout_ms",
                problem: "must be at least 1000",
            });
        }
        match self
            .properties
            .keys()
            .find(|name| RESERVED.contains(&name.as_str()))
        {
            Some(name) => Err(OpenError::ReservedProperty(name.clone())),
            None => Ok(()),
        }
    }

    /// What producer, reader and administration have in common.
    pub(super) fn client(&self) -> ClientConfig {
        let mut client = ClientConfig::new();
        client
            .set("bootstrap.servers", &self.brokers)
            .set("client.id", "chalkline")
            // A broker that comes back is found in a second, not in ten.
            .set("reconnect.backoff.max.ms", "1000")
            .set("topic.metadata.refresh.interval.ms", "60000");
        self.security.apply(&mut client);
        for (name, value) in &self.properties {
            client.set(name, value);
        }
        client
    }

    /// What a member of the group is.
    pub(super) fn member(&self) -> ClientConfig {
        /// librdkafka's own, for a session that is not longer.
        const POLL_INTERVAL_MS: u64 = 300_000;
        /// Rebalances are learnt of by heartbeats.
        const HEARTBEAT_MS: u64 = 1000;
        let mut client = self.client();
        let session = self.session_timeout_ms;
        client
            .set("group.id", &self.group)
            .set("partition.assignment.strategy", self.assignor.as_str())
            .set("session.timeout.ms", session.to_string())
            .set(
                "heartbeat.interval.ms",
                HEARTBEAT_MS.min(session / 4).to_string(),
            )
            .set(
                "max.poll.interval.ms",
                POLL_INTERVAL_MS.max(session).to_string(),
            )
            .set("enable.auto.commit", "false")
            .set("enable.auto.offset.store", "false")
            .set("auto.offset.reset", "error")
            // Partitions that are added to the topic are shared this soon.
            .set("topic.metadata.refresh.interval.ms", "10000");
        if let Some(instance) = &self.group_instance_id {
            client.set("group.instance.id", instance);
        }
        client
    }
}

/// Whoever waits longer must be the one further out: else a sender is told
/// "no answer" while the record is still on its way, and every slow broker
/// turns into duplicates.
pub(super) fn check_deadlines(
    request: Duration,
    produce: Duration,
    delivery: Duration,
) -> Result<(), OpenError> {
    if request >= produce && produce >= delivery {
        Ok(())
    } else {
        Err(OpenError::Deadlines {
            request,
            produce,
            delivery,
        })
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case(15, 12, 10, true)]
    #[case(10, 10, 10, true)]
    #[case(10, 12, 10, false)]
    #[case(15, 9, 10, false)]
    #[case(9, 9, 10, false)]
    fn deadlines_must_nest(
        #[case] request: u64,
        #[case] produce: u64,
        #[case] delivery: u64,
        #[case] fine: bool,
    ) {
        let checked = check_deadlines(
            Duration::from_secs(request),
            Duration::from_secs(produce),
            Duration::from_secs(delivery),
        );
        assert_eq!(checked.is_ok(), fine);
        if let Err(error) = checked {
            let message = error.to_string();
            for number in [request, produce, delivery] {
                assert!(message.contains(&format!("({number}s)")), "{message}");
            }
            assert!(message.contains("raise request_deadline_ms"), "{message}");
        }
    }

    #[test]
    fn the_defaults_are_fine() {
        KafkaConfig::default().check().unwrap();
    }

    #[rstest]
    #[case("acks", "1")]
    #[case("enable.idempotence", "false")]
    #[case("message.timeout.ms", "1")]
    fn promises_cannot_be_configured_away(#[case] name: &str, #[case] value: &str) {
        let properties = BTreeMap::from([(name.to_owned(), value.to_owned())]);
        let config = KafkaConfig {
            properties,
            ..KafkaConfig::default()
        };
        assert!(matches!(config.check(), Err(OpenError::ReservedProperty(n)) if n == name));
    }

    #[rstest]
    #[case("brokrs = 'a:1'", "brokrs")]
    #[case(
        "[security.sasl]\nmechanism = 'PLAIN'\nusername = 'a'\npassword = 'b'\ntoken = 'c'",
        "token"
    )]
    #[case("[security.tls]\nverify = false", "verify")]
    fn unknown_keys_are_refused(#[case] toml: &str, #[case] named: &str) {
        let error = toml::from_str::<KafkaConfig>(toml).unwrap_err().to_string();
        assert!(error.contains(named), "{error}");
    }
}
