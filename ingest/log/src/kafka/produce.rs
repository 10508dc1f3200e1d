//! Sending: records are queued in order at once, then their deliveries awaited.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use rdkafka::client::{Client, ClientContext};
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::message::{DeliveryResult, Header, Message, OwnedHeaders};
use rdkafka::producer::{BaseRecord, Producer, ProducerContext, ThreadedProducer};
use serde::Deserialize;
use tokio::sync::watch;
use tokio::time::Instant;
use tokio_util::task::TaskTracker;

use super::config::KafkaConfig;
use super::contact::Contact;
use super::delivery::{Deliveries, Delivery, Ticket};
use super::native;
use super::topic::{Topic, release};
use crate::{AppendError, OpenError, Position, Record, partition_for};

/// How long brokers may refuse us before [`Sender::refused`] says so.
const REFUSED_FOR: Duration = Duration::from_secs(3);

pub(super) struct Sender {
    config: KafkaConfig,
    client: RwLock<ClientHandle>,
    contact: Contact,
    calls: TaskTracker,
    closed: AtomicBool,
}

/// A shared handle on the producer, which also answers questions about the
/// topic over its connections.
#[derive(Clone)]
pub(super) struct ClientHandle(Arc<Released>);

/// The producer; let go without holding up the runtime.
struct Released(Option<ThreadedProducer<Context>>);

impl ClientHandle {
    pub(super) fn get(&self) -> &Client<Context> {
        self.producer().client()
    }

    fn producer(&self) -> &ThreadedProducer<Context> {
        self.0.0.as_ref().expect("taken only by drop")
    }
}

impl Drop for Released {
    fn drop(&mut self) {
        if let Some(producer) = self.0.take() {
            release(producer);
        }
    }
}

impl Sender {
    pub(super) fn connect(config: &KafkaConfig) -> Result<Self, OpenError> {
        let contact = Contact::default();
        Ok(Self {
            config: config.clone(),
            client: RwLock::new(connect(config, contact.clone())?),
            contact,
            calls: TaskTracker::new(),
            closed: AtomicBool::new(false),
        })
    }

    pub(super) fn client(&self) -> ClientHandle {
        self.client
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    pub(super) fn contact(&self) -> Contact {
        self.contact.clone()
    }

    /// The producer; a new one after a fatal error, which librdkafka raises when
    /// broker and producer disagree about what was sent, as after the topic was
    /// recreated. Records still with the old one get their answers from it.
    fn working_client(&self) -> Result<ClientHandle, OpenError> {
        let client = self.client();
        if client.get().fatal_error().is_none() {
            return Ok(client);
        }
        let mut current = self.client.write().unwrap_or_else(PoisonError::into_inner);
        if current.get().fatal_error().is_some() {
            tracing::warn!("the Kafka producer failed for good; starting another");
            *current = connect(&self.config, self.contact.clone())?;
        }
        Ok(current.clone())
    }

    /// Waits until the producer knows the topic and has its producer id: the
    /// first request of an idempotent producer waits about a second for it.
    pub(super) async fn warm(&self, topic: &Topic, until: Instant) -> Result<(), OpenError> {
        let unreachable = |source: KafkaError| OpenError::Unreachable {
            brokers: self.config.brokers.clone(),
            waited: self.config.open_timeout(),
            source: source.into(),
        };
        let client = self.client();
        let mut ready = client.get().context().has_producer_id.subscribe();
        let name = topic.name.clone();
        let left = until.saturating_duration_since(Instant::now());
        let known = tokio::task::spawn_blocking(move || {
            client.get().fetch_metadata(Some(&name), left).map(drop)
        });
        known
            .await
            .unwrap_or(Err(KafkaError::Canceled))
            .map_err(unreachable)?;

        let ready = tokio::time::timeout_at(until, ready.wait_for(|ready| *ready)).await;
        match ready {
            Ok(Ok(_)) => Ok(()),
            _ => Err(unreachable(KafkaError::MessageProduction(
                RDKafkaErrorCode::OperationTimedOut,
            ))),
        }
    }

    /// Ends when the brokers and we have not trusted each other for a while:
    /// one of several that is set up wrongly stops nobody.
    pub(super) async fn refused(&self) -> OpenError {
        let client = self.client();
        let mut refusal = client.get().context().refusal.subscribe();
        let refusal = refusal.wait_for(Option::is_some).await;
        // The client holds the sender.
        let refusal = refusal.expect("the client is there").clone();
        let (code, reason) = refusal.expect("waited for");
        tokio::time::sleep(REFUSED_FOR).await;
        OpenError::Refused {
            brokers: self.config.brokers.clone(),
            check: self.config.security.what_to_check(code),
            source: reason.into(),
        }
    }

    /// Why nothing can be sent now.
    pub(super) fn trouble(&self) -> Option<String> {
        let client = self.client();
        let is_connected = client.get().context().is_connected.load(Ordering::Relaxed);
        let brokers = &self.config.brokers;
        if !is_connected {
            return Some(format!("no Kafka broker at {brokers} answers"));
        }
        let silence = self.contact.silence()?;
        Some(format!(
            "no Kafka broker at {brokers} answers for the topic: {silence}"
        ))
    }

    pub(super) async fn send(
        &self,
        topic: &Topic,
        records: Vec<Record>,
    ) -> Vec<Result<Position, AppendError>> {
        // Before the check: `close` waits for every token taken before it.
        let _call = self.calls.token();
        if self.closed.load(Ordering::SeqCst) {
            return records.iter().map(|_| Err(AppendError::Closed)).collect();
        }
        let client = match self.working_client() {
            Ok(client) => client,
            Err(error) => {
                let error = Arc::new(error);
                return records
                    .iter()
                    .map(|_| Err(AppendError::Refused(Arc::clone(&error).into())))
                    .collect();
            }
        };
        let deliveries = Arc::new(Deliveries::new(records.len()));
        let queued: Vec<_> = records
            .iter()
            .enumerate()
            .map(|(slot, record)| self.enqueue(&client, topic, record, slot, &deliveries))
            .collect();
        drop(records);
        deliveries.arrived(queued.iter().filter(|q| q.is_err()).count() + 1);
        let in_time =
            tokio::time::timeout(self.config.produce_timeout(), deliveries.all_arrived()).await;
        if in_time.is_err() {
            tracing::warn!(
                timeout_ms = self.config.produce_timeout_ms,
                "Kafka did not answer an append in time"
            );
        }
        let answer = |(slot, queued): (usize, Result<u32, AppendError>)| {
            queued.and_then(|partition| deliveries.answer(slot, partition))
        };
        queued.into_iter().enumerate().map(answer).collect()
    }

    /// Hands the record to librdkafka, which copies it; returns its partition.
    fn enqueue(
        &self,
        client: &ClientHandle,
        topic: &Topic,
        record: &Record,
        slot: usize,
        deliveries: &Arc<Deliveries>,
    ) -> Result<u32, AppendError> {
        let size = record.size();
        if size > self.config.max_record_bytes {
            return Err(AppendError::TooLarge {
                size,
                limit: self.config.max_record_bytes,
            });
        }
        let partition = partition_for(&record.key, topic.partitions());
        let ticket = Box::new(Ticket::new(deliveries, slot));
        let mut message = BaseRecord::with_opaque_to(&topic.name, ticket)
            .partition(partition as i32)
            .key(record.key.as_ref())
            .payload(record.value.as_ref());
        if !record.headers.is_empty() {
            let headers = OwnedHeaders::new_with_capacity(record.headers.len());
            message = message.headers(record.headers.iter().fold(headers, |all, (key, value)| {
                all.insert(Header {
                    key,
                    value: Some(value),
                })
            }));
        }
        match client.producer().send(message) {
            Ok(()) => Ok(partition),
            Err((error, _)) => Err(match error.rdkafka_error_code() {
                Some(RDKafkaErrorCode::QueueFull) => AppendError::Full,
                // It was not queued, so nothing of it can arrive.
                _ => AppendError::Refused(error.into()),
            }),
        }
    }

    /// Refuses what comes from now on and waits for the rest, also for records
    /// whose callers went away.
    pub(super) async fn close(&self) {
        self.closed.store(true, Ordering::SeqCst);
        self.calls.close();
        self.calls.wait().await;
        let (client, timeout) = (self.client(), self.config.delivery_timeout());
        let flushed = tokio::task::spawn_blocking(move || client.producer().flush(timeout)).await;
        if !matches!(flushed, Ok(Ok(()))) {
            tracing::warn!("closed the Kafka log with records that no broker acknowledged");
        }
    }
}

fn connect(config: &KafkaConfig, contact: Contact) -> Result<ClientHandle, OpenError> {
    let context = Context {
        contact,
        has_producer_id: watch::Sender::new(false),
        is_connected: AtomicBool::new(true),
        refusal: watch::Sender::new(None),
    };
    let producer = config
        .client()
        .set("acks", "all")
        .set("enable.idempotence", "true")
        .set("compression.type", "zstd")
        // Half the processor time of level 3 for a few per cent more bytes.
        .set("compression.level", "1")
        // We choose the partition; producers configured alike agree.
        .set("partitioner", "murmur2_random")
        .set("linger.ms", config.linger_ms.to_string())
        .set(
            "delivery.timeout.ms",
            config.delivery_timeout_ms.to_string(),
        )
        .set("message.max.bytes", config.max_batch_bytes().to_string())
        .set(
            "queue.buffering.max.kbytes",
            config.queue_bytes.div_ceil(1024).to_string(),
        )
        // Bytes are the bound, not messages.
        .set("queue.buffering.max.messages", "0")
        // Tells when the producer id is there, and whether a broker is.
        .set("statistics.interval.ms", "250")
        .create_with_context(context)
        .map_err(|e| OpenError::Client(e.into()))?;
    Ok(ClientHandle(Arc::new(Released(Some(producer)))))
}

/// Receives librdkafka's events on the producer's own thread.
pub(super) struct Context {
    contact: Contact,
    has_producer_id: watch::Sender<bool>,
    is_connected: AtomicBool,
    /// The last time that the brokers and we did not trust each other.
    refusal: watch::Sender<Option<(RDKafkaErrorCode, String)>>,
}

impl ClientContext for Context {
    fn stats_raw(&self, statistics: &[u8]) {
        #[derive(Deserialize)]
        struct Statistics {
            eos: Eos,
            brokers: HashMap<String, Broker>,
        }
        #[derive(Deserialize)]
        struct Eos {
            idemp_state: String,
        }
        #[derive(Deserialize)]
        struct Broker {
            state: String,
        }

        match serde_json::from_slice::<Statistics>(statistics) {
            Ok(now) => {
                let is_connected = now.brokers.values().any(|broker| broker.state == "UP");
                self.is_connected.store(is_connected, Ordering::Relaxed);
                if !*self.has_producer_id.borrow() {
                    self.has_producer_id
                        .send_replace(now.eos.idemp_state == "Assigned");
                }
            }
            Err(error) => tracing::warn!(%error, "librdkafka's statistics cannot be read"),
        }
    }

    fn error(&self, error: KafkaError, reason: &str) {
        tracing::warn!(%error, reason, "the Kafka producer has trouble");
        let code = error.rdkafka_error_code();
        if let Some(code @ (RDKafkaErrorCode::Authentication | RDKafkaErrorCode::SSL)) = code {
            self.refusal.send_replace(Some((code, reason.to_owned())));
        }
    }
}

impl ProducerContext for Context {
    type DeliveryOpaque = Box<Ticket>;

    fn delivery(&self, result: &DeliveryResult<'_>, ticket: Box<Ticket>) {
        let delivery = match result {
            Ok(message) => {
                self.contact.acknowledged();
                Delivery::Stored {
                    offset: message.offset().max(0) as u64,
                }
            }
            Err((error, message)) => Delivery::Failed {
                code: error
                    .rdkafka_error_code()
                    .unwrap_or(RDKafkaErrorCode::Unknown),
                may_be_stored: native::may_be_stored(message),
            },
        };
        ticket.deliver(delivery);
    }
}

#[cfg(test)]
mod tests;
