//! Reading one partition of the topic: a consumer without a group.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use futures::{FutureExt, StreamExt};
use rdkafka::client::ClientContext;
use rdkafka::consumer::{Consumer, ConsumerContext, StreamConsumer};
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::message::{BorrowedMessage, Headers as _, Message};
use rdkafka::{Offset, TopicPartitionList};
use smallvec::SmallVec;
use tokio::task::JoinHandle;
use tokio::time::Instant;

use super::config::KafkaConfig;
use super::produce::ClientHandle;
use super::topic::{self, Topic, release};
use crate::record::Span;
use crate::{Entry, Headers, OpenError, Position, ReadError, Reader, Record};

/// How often a reader makes sure that its topic is still the same one.
const SAME_TOPIC_EVERY: Duration = Duration::from_secs(10);

/// What of a record is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Parts {
    All,
    Headers,
}

pub(super) struct KafkaReader {
    consumer: Option<StreamConsumer<Context>>,
    client: ClientHandle,
    topic: Arc<Topic>,
    partition: u32,
    parts: Parts,
    next: u64,
    /// Received and not yet returned: what a dropped `next` leaves behind.
    received: Vec<Entry>,
    received_bytes: usize,
    /// When the broker is asked next whether the topic is still the same.
    ask_at: Instant,
    asked: Option<JoinHandle<Result<(), ReadError>>>,
}

impl KafkaReader {
    pub(super) fn open(
        config: &KafkaConfig,
        client: ClientHandle,
        topic: Arc<Topic>,
        partition: u32,
        from: u64,
        parts: Parts,
    ) -> Result<Self, ReadError> {
        let consumer: StreamConsumer<Context> = config
            .client()
            // librdkafka wants a name even though no group is joined.
            .set("group.id", "chalkline-reader")
            .set("enable.auto.commit", "false")
            .set("enable.auto.offset.store", "false")
            .set("enable.partition.eof", "false")
            // A position that is gone is an error, never a jump.
            .set("auto.offset.reset", "error")
            .set("check.crcs", "true")
            // One partition's read-ahead. A fetch is compressed and becomes many
            // times as large at once; a full queue is looked at again soon.
            .set("fetch.message.max.bytes", "65536")
            .set("queued.max.messages.kbytes", "1024")
            .set("fetch.queue.backoff.ms", "5")
            .set("fetch.error.backoff.ms", "200")
            .create_with_context(Context)
            .map_err(|e| ReadError::Unavailable(OpenError::Client(e.into()).into()))?;
        let ask_at = Instant::now() + SAME_TOPIC_EVERY;
        let mut reader = Self {
            consumer: Some(consumer),
            client,
            topic,
            partition,
            parts,
            next: from,
            received: Vec::new(),
            received_bytes: 0,
            ask_at,
            asked: None,
        };
        reader.assign()?;
        Ok(reader)
    }

    /// Fetches from `next` on.
    fn assign(&mut self) -> Result<(), ReadError> {
        let mut assignment = TopicPartitionList::with_capacity(1);
        assignment
            .add_partition_offset(
                &self.topic.name,
                self.partition as i32,
                Offset::Offset(self.next as i64),
            )
            .and_then(|()| self.consumer().assign(&assignment))
            .map_err(|e| ReadError::Unavailable(e.into()))
    }

    fn consumer(&self) -> &StreamConsumer<Context> {
        self.consumer.as_ref().expect("taken only by drop")
    }

    /// Receives until the batch is full or nothing more is there. Waits for the
    /// first record only, at most until `deadline`.
    async fn receive(&mut self, max_bytes: usize, deadline: Instant) -> Result<(), KafkaError> {
        let consumer = self.consumer.as_ref().expect("taken only by drop");
        let mut messages = consumer.stream();
        while self.received_bytes < max_bytes.max(1) {
            let message = if self.received.is_empty() {
                match tokio::time::timeout_at(deadline, messages.next()).await {
                    Ok(message) => message,
                    Err(_) => return Ok(()),
                }
            } else {
                match messages.next().now_or_never() {
                    Some(message) => message,
                    None => return Ok(()),
                }
            };
            let message = message.expect("a consumer's stream has no end")?;
            let entry = entry(&message, self.partition, self.parts);
            // A re-assignment may show again what was received before it.
            if entry.position.offset >= self.next {
                self.next = entry.position.offset + 1;
                self.received_bytes += entry.record.size();
                self.received.push(entry);
            }
        }
        Ok(())
    }

    /// The received records that fit, at least one; the rest stays.
    fn take(&mut self, max_bytes: usize) -> Vec<Entry> {
        let mut bytes = 0;
        let fits = |entry: &&Entry| {
            bytes += entry.record.size();
            bytes <= max_bytes
        };
        let count = self
            .received
            .iter()
            .take_while(fits)
            .count()
            .max(1)
            .min(self.received.len());
        let rest = self.received.split_off(count);
        self.received_bytes = rest.iter().map(|e| e.record.size()).sum();
        std::mem::replace(&mut self.received, rest)
    }

    /// Asks now and then, beside the reading, whether the topic is still the
    /// same: a recreated one can reach our position unnoticed.
    fn check_topic(&mut self) -> Result<(), ReadError> {
        let Some(asked) = &mut self.asked else {
            if Instant::now() >= self.ask_at {
                let (client, topic) = (self.client.clone(), Arc::clone(&self.topic));
                let ask = async move { topic::check_same(&client, &topic).await };
                self.asked = Some(tokio::spawn(ask));
            }
            return Ok(());
        };
        let Some(answer) = asked.now_or_never() else {
            return Ok(());
        };
        self.asked = None;
        self.ask_at = Instant::now() + SAME_TOPIC_EVERY;
        match answer {
            Ok(Err(replaced @ ReadError::Replaced { .. })) => Err(replaced),
            // A broker that is away is the reading's to report.
            _ => Ok(()),
        }
    }

    /// Says what is wrong with the position, or starts anew where we are.
    async fn check_position(&mut self) -> Result<(), ReadError> {
        let (head, tail) = topic::bounds(&self.client, &self.topic, self.partition).await?;
        // Last: until here they could have become another topic's.
        topic::check_same(&self.client, &self.topic).await?;
        let (partition, from) = (self.partition, self.next);
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
        self.assign()
    }
}

#[async_trait]
impl Reader for KafkaReader {
    async fn next(&mut self, max_bytes: usize, wait: Duration) -> Result<Vec<Entry>, ReadError> {
        let deadline = Instant::now() + wait;
        let mut trouble = None;
        loop {
            self.check_topic()?;
            match self.receive(max_bytes, deadline).await {
                Ok(()) => {}
                Err(error) if is_lost_position(&error) => match self.check_position().await {
                    Err(ReadError::Unavailable(source)) => {
                        trouble = Some(ReadError::Unavailable(source))
                    }
                    other => other?,
                },
                // librdkafka tries again by itself.
                Err(error) => trouble = Some(ReadError::Unavailable(error.into())),
            }
            if !self.received.is_empty() {
                return Ok(self.take(max_bytes));
            }
            if Instant::now() >= deadline {
                return trouble.map_or(Ok(Vec::new()), Err);
            }
        }
    }
}

impl Drop for KafkaReader {
    fn drop(&mut self) {
        if let Some(consumer) = self.consumer.take() {
            release(consumer);
        }
    }
}

/// Errors after which the consumer fetches no more, or not what we opened.
fn is_lost_position(error: &KafkaError) -> bool {
    use RDKafkaErrorCode::*;
    matches!(
        error.rdkafka_error_code(),
        Some(
            AutoOffsetReset
                | OffsetOutOfRange
                | UnknownTopicOrPartition
                | UnknownTopicId
                | UnknownTopic
                | UnknownPartition
        )
    )
}

/// Copies a message out of librdkafka's buffers, in one allocation for its bytes.
fn entry(message: &BorrowedMessage<'_>, partition: u32, parts: Parts) -> Entry {
    let (key, value) = match parts {
        Parts::All => (message.key(), message.payload()),
        Parts::Headers => (None, None),
    };
    let (key, value) = (key.unwrap_or_default(), value.unwrap_or_default());
    // Each look at a header is a call into librdkafka and a check of its name.
    let native = message.headers();
    let headers: SmallVec<[(&str, &[u8]); 8]> = native
        .into_iter()
        .flat_map(|headers| headers.iter())
        .map(|header| (header.key, header.value.unwrap_or_default()))
        .collect();
    let header_bytes: usize = headers.iter().map(|(name, v)| name.len() + v.len()).sum();

    let mut all = Vec::with_capacity(key.len() + value.len() + header_bytes);
    all.extend_from_slice(key);
    all.extend_from_slice(value);
    let mut spans = Vec::with_capacity(headers.len());
    for (name, value) in headers {
        let begin = all.len();
        all.extend_from_slice(name.as_bytes());
        let middle = all.len();
        all.extend_from_slice(value);
        spans.push(Span {
            name: begin..middle,
            value: middle..all.len(),
        });
    }

    let all = Bytes::from(all);
    let (key_end, value_end) = (key.len(), key.len() + value.len());
    let position = Position {
        partition,
        offset: message.offset().max(0) as u64,
    };
    Entry {
        position,
        record: Record {
            key: all.slice(..key_end),
            value: all.slice(key_end..value_end),
            headers: Headers::named(all, spans),
        },
    }
}

/// Passes what librdkafka has to say to the log.
struct Context;

impl ClientContext for Context {
    fn error(&self, error: KafkaError, reason: &str) {
        tracing::warn!(%error, reason, "a Kafka reader has trouble");
    }
}

impl ConsumerContext for Context {}
