//! The topic: found or created, described, measured.

use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use rdkafka::admin::{AdminClient, AdminOptions, NewTopic, TopicReplication};
use rdkafka::client::DefaultClientContext;
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use tokio::time::Instant;

use super::LOOKUP_TIMEOUT;
use super::config::KafkaConfig;
use super::native::{self, Description};
use super::produce::ClientHandle;
use crate::{LogId, OpenError, ReadError};

/// A topic as it was when the log was opened, and the partitions that were seen
/// to be added since.
#[derive(Debug)]
pub(super) struct Topic {
    pub(super) name: String,
    pub(super) id: LogId,
    partitions: AtomicU32,
}

impl Topic {
    pub(super) fn new(name: &str, id: LogId, partitions: u32) -> Self {
        Self {
            name: name.to_owned(),
            id,
            partitions: AtomicU32::new(partitions),
        }
    }

    pub(super) fn partitions(&self) -> u32 {
        self.partitions.load(Ordering::Relaxed)
    }

    /// The topic has at least so many partitions: none is ever taken away.
    pub(super) fn grow(&self, partitions: u32) {
        let before = self.partitions.fetch_max(partitions, Ordering::Relaxed);
        if before < partitions {
            tracing::info!(before, log.partitions = partitions, "partitions were added");
        }
    }
}

/// Creates the topic unless it is there, and learns its id and partitions.
pub(super) async fn find_or_create(
    config: &KafkaConfig,
    client: &ClientHandle,
    until: Instant,
) -> Result<Topic, OpenError> {
    let topic_error = |source: KafkaError| OpenError::Topic {
        topic: config.topic.clone(),
        source: source.into(),
    };
    // Creating comes first: a look-up can create the topic with the broker's
    // own defaults. A refusal is final only if the topic is not there either.
    let mut last = create(config, until).await.err();
    while Instant::now() < until {
        match describe(
            client,
            &config.topic,
            LOOKUP_TIMEOUT.min(until - Instant::now()),
        )
        .await
        {
            Ok(Description { id: None, .. }) => {
                return Err(OpenError::NoTopicId {
                    topic: config.topic.clone(),
                });
            }
            Ok(Description {
                id: Some(id),
                partitions,
            }) if partitions > 0 => {
                return Ok(Topic::new(&config.topic, LogId::new(id), partitions));
            }
            Ok(_) => {}
            Err(error) if !is_passing(&error) => return Err(topic_error(last.unwrap_or(error))),
            Err(error) => last = Some(last.filter(|first| !is_passing(first)).unwrap_or(error)),
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    let last = last.unwrap_or(KafkaError::AdminOp(RDKafkaErrorCode::OperationTimedOut));
    if is_unreachable(&last) {
        let (brokers, waited) = (config.brokers.clone(), config.open_timeout());
        return Err(OpenError::Unreachable {
            brokers,
            waited,
            source: last.into(),
        });
    }
    Err(topic_error(last))
}

/// Creates the topic; fine when it is there already.
async fn create(config: &KafkaConfig, until: Instant) -> Result<(), KafkaError> {
    let admin: AdminClient<DefaultClientContext> = config.client().create()?;
    let retention_ms = (u64::from(config.retention_days) * 24 * 60 * 60 * 1000).to_string();
    let max_bytes = config.max_batch_bytes().to_string();
    let mut topic = NewTopic::new(
        &config.topic,
        config.partitions as i32,
        TopicReplication::Fixed(i32::from(config.replication_factor)),
    )
    .set("cleanup.policy", "delete")
    .set("retention.ms", &retention_ms)
    // Batches stay as their producer compressed them, ours with zstd.
    .set("compression.type", "producer")
    // Retention goes by the broker's clock: one that is wrong here could have
    // records refused as of the future, or deleted at once as outdated.
    .set("message.timestamp.type", "LogAppendTime")
    .set("max.message.bytes", &max_bytes);
    if config.replication_factor > 1 {
        topic = topic.set("min.insync.replicas", "2");
    }
    let left = until.saturating_duration_since(Instant::now());
    let options = AdminOptions::new().request_timeout(Some(left));
    let created = admin.create_topics([&topic], &options).await;
    release(admin);
    match created?.into_iter().next() {
        None | Some(Ok(_)) => {
            tracing::info!(topic = %config.topic, log.partitions = config.partitions, "created the topic");
            Ok(())
        }
        Some(Err((_, RDKafkaErrorCode::TopicAlreadyExists))) => Ok(()),
        Some(Err((_, code))) => Err(KafkaError::AdminOp(code)),
    }
}

/// The first and the next position of a partition.
pub(super) async fn bounds(
    client: &ClientHandle,
    topic: &Topic,
    partition: u32,
) -> Result<(u64, u64), ReadError> {
    let (client, name) = (client.clone(), topic.name.clone());
    let fetched = blocking(move || {
        let client = client.get();
        let ask = || client.fetch_watermarks(&name, partition as i32, LOOKUP_TIMEOUT);
        match ask() {
            // Added since the client last looked.
            Err(error) if code(&error) == Some(RDKafkaErrorCode::UnknownPartition) => {
                client.fetch_metadata(Some(&name), LOOKUP_TIMEOUT)?;
                ask()
            }
            asked => asked,
        }
    })
    .await;
    let (head, tail) = fetched.map_err(|e| ReadError::Unavailable(e.into()))?;
    Ok((head.max(0) as u64, tail.max(0) as u64))
}

/// Fails when another topic now has this one's name.
pub(super) async fn check_same(client: &ClientHandle, topic: &Topic) -> Result<(), ReadError> {
    let found = describe(client, &topic.name, LOOKUP_TIMEOUT).await;
    match found.map_err(|e| ReadError::Unavailable(e.into()))?.id {
        Some(id) if id != topic.id.as_str() => Err(ReadError::Replaced {
            opened: topic.id.clone(),
            found: LogId::new(id),
        }),
        _ => Ok(()),
    }
}

async fn describe(
    client: &ClientHandle,
    topic: &str,
    timeout: Duration,
) -> Result<Description, KafkaError> {
    let (client, topic) = (client.clone(), topic.to_owned());
    blocking(move || native::describe(client.get(), &topic, timeout)).await
}

async fn blocking<T: Send + 'static>(
    ask: impl FnOnce() -> Result<T, KafkaError> + Send + 'static,
) -> Result<T, KafkaError> {
    tokio::task::spawn_blocking(ask)
        .await
        .unwrap_or(Err(KafkaError::Canceled))
}

/// Drops a client where its goodbyes to the brokers hold nobody up.
pub(super) fn release<T: Send + 'static>(client: T) {
    match tokio::runtime::Handle::try_current() {
        Ok(runtime) => drop(runtime.spawn_blocking(move || drop(client))),
        Err(_) => drop(client),
    }
}

fn is_unreachable(error: &KafkaError) -> bool {
    use RDKafkaErrorCode::*;
    matches!(
        code(error),
        Some(
            AllBrokersDown
                | BrokerTransportFailure
                | MessageTimedOut
                | OperationTimedOut
                | RequestTimedOut
                | Resolve
        )
    )
}

/// Whether a later try may succeed; a topic just created is unknown for a moment.
fn is_passing(error: &KafkaError) -> bool {
    use RDKafkaErrorCode::*;
    is_unreachable(error)
        || matches!(
            code(error),
            Some(
                UnknownTopicOrPartition
                    | UnknownTopic
                    | LeaderNotAvailable
                    | NotController
                    | BrokerNotAvailable
            )
        )
}

fn code(error: &KafkaError) -> Option<RDKafkaErrorCode> {
    match error {
        // `rdkafka_error_code` leaves this one out.
        KafkaError::AdminOp(code) => Some(*code),
        other => other.rdkafka_error_code(),
    }
}
