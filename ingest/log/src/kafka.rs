//! The log in an Apache Kafka topic, on librdkafka.

mod config;
mod consume;
mod contact;
mod delivery;
mod group;
mod native;
mod produce;
mod security;
mod topic;

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use tokio_util::task::AbortOnDropHandle;

pub use config::{Assignor, KafkaConfig};
pub use security::{Sasl, Secret, Security, Tls};

use crate::{
    AppendError, EventLog, GroupError, LogId, Member, OpenError, ReadError, Reader, Receipt, Record,
};
use consume::{KafkaReader, Parts};
use group::KafkaMember;
use produce::Sender;
use topic::Topic;

/// How long one question about offsets or the topic may take.
const LOOKUP_TIMEOUT: Duration = Duration::from_secs(5);

/// A log in a Kafka topic: durable means acknowledged by all in-sync replicas.
///
/// The producer is idempotent, so that its own retries store nothing twice.
/// The [`LogId`] is the broker's id of the topic: a recreated topic has
/// another. No transactions; offsets are committed for lag tools only, and never
/// read.
pub struct KafkaLog {
    topic: Arc<Topic>,
    sender: Arc<Sender>,
    config: KafkaConfig,
    _asking: AbortOnDropHandle<()>,
}

impl KafkaLog {
    /// Connects, creates the topic if it is absent, and warms the producer:
    /// the first `append` is as fast as the next.
    ///
    /// An existing topic keeps its partitions, whatever the configuration says.
    ///
    /// # Errors
    ///
    /// Settings that cannot work ([`OpenError::Deadlines`],
    /// [`OpenError::Setting`], [`OpenError::ReservedProperty`],
    /// [`OpenError::File`], [`OpenError::Client`]), no broker in time ([`OpenError::Unreachable`]),
    /// a wrong password or certificate ([`OpenError::Refused`]), or a topic that cannot be had ([`OpenError::Topic`],
    /// [`OpenError::NoTopicId`]).
    pub async fn open(config: KafkaConfig) -> Result<Self, OpenError> {
        config.check()?;
        config.security.check_files()?;
        let until = tokio::time::Instant::now() + config.open_timeout();
        let sender = Arc::new(Sender::connect(&config)?);
        let opened = async {
            let topic = Arc::new(topic::find_or_create(&config, &sender.client(), until).await?);
            sender.warm(&topic, until).await?;
            Ok(topic)
        };
        // Told at once what is wrong, nobody waits for a broker that is there.
        let topic = tokio::select! {
            opened = opened => opened?,
            refused = sender.refused() => return Err(refused),
        };
        tracing::info!(
            topic = %config.topic,
            log.id = %topic.id,
            log.partitions = topic.partitions(),
            "opened the Kafka log"
        );
        let asking = tokio::spawn(contact::ask(Arc::clone(&sender), Arc::clone(&topic)));
        Ok(Self {
            topic,
            sender,
            config,
            _asking: AbortOnDropHandle::new(asking),
        })
    }

    /// The first and the next position of the partition.
    async fn bounds(&self, partition: u32) -> Result<(u64, u64), ReadError> {
        if partition >= self.topic.partitions() {
            return Err(ReadError::NoPartition(partition));
        }
        topic::bounds(&self.sender.client(), &self.topic, partition).await
    }

    async fn open_reader(
        &self,
        partition: u32,
        from: u64,
        parts: Parts,
    ) -> Result<Box<dyn Reader>, ReadError> {
        let (head, tail) = self.bounds(partition).await?;
        if from < head {
            return Err(ReadError::Truncated {
                partition,
                from,
                head,
            });
        }
        if from > tail {
            return Err(ReadError::BeyondTail {
                partition,
                from,
                tail,
            });
        }
        topic::check_same(&self.sender.client(), &self.topic).await?;
        let client = self.sender.client();
        Ok(Box::new(KafkaReader::open(
            &self.config,
            client,
            Arc::clone(&self.topic),
            partition,
            from,
            parts,
        )?))
    }
}

#[async_trait]
impl EventLog for KafkaLog {
    fn id(&self) -> &LogId {
        &self.topic.id
    }

    fn partitions(&self) -> u32 {
        self.topic.partitions()
    }

    fn max_record_bytes(&self) -> usize {
        self.config.max_record_bytes
    }

    async fn append(&self, records: Vec<Record>) -> Vec<Result<Receipt, AppendError>> {
        let answers = self.sender.send(&self.topic, records).await.into_iter();
        answers.map(|answer| answer.map(Receipt::Stored)).collect()
    }

    async fn read(&self, partition: u32, from: u64) -> Result<Box<dyn Reader>, ReadError> {
        self.open_reader(partition, from, Parts::All).await
    }

    async fn read_headers(&self, partition: u32, from: u64) -> Result<Box<dyn Reader>, ReadError> {
        self.open_reader(partition, from, Parts::Headers).await
    }

    async fn head(&self, partition: u32) -> Result<u64, ReadError> {
        self.bounds(partition).await.map(|(head, _)| head)
    }

    async fn tail(&self, partition: u32) -> Result<u64, ReadError> {
        self.bounds(partition).await.map(|(_, tail)| tail)
    }

    async fn join(&self) -> Result<Box<dyn Member>, GroupError> {
        let member = KafkaMember::join(&self.config, Arc::clone(&self.topic))?;
        Ok(Box::new(member))
    }

    fn trouble(&self) -> Option<String> {
        self.sender.trouble()
    }

    async fn close(&self) {
        self.sender.close().await;
    }
}
