//! A member of a consumer group: it learns which partitions are its own and
//! publishes offsets, and fetches no record. Readers stay consumers without a
//! group, each opened at exactly the position that its owner knows.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use rdkafka::client::ClientContext;
use rdkafka::consumer::{BaseConsumer, CommitMode, Consumer, ConsumerContext, RebalanceProtocol};
use rdkafka::error::{KafkaError, KafkaResult, RDKafkaErrorCode};
use rdkafka::types::RDKafkaRespErr;
use rdkafka::{Offset, TopicPartitionList};
use tokio::sync::{mpsc, oneshot};
use tokio::time::Instant;

use super::config::KafkaConfig;
use super::topic::Topic;
use crate::{GroupError, Member, Rebalance, Revocation};

/// How long the thread waits for an event of the group.
const POLL: Duration = Duration::from_millis(100);

/// How often offsets are published at most, but for the last ones.
const COMMIT_EVERY: Duration = Duration::from_secs(1);

/// How often the brokers are asked whether the topic got more partitions.
const LOOK_EVERY: Duration = Duration::from_secs(10);

/// How long that question may hold up the thread.
const LOOK_TIMEOUT: Duration = Duration::from_secs(2);

/// Changes that may wait to be looked at: more than there can be while anybody
/// looks at all.
const CHANGES: usize = 64;

/// The owner's end of a membership; a thread of its own keeps it alive, however
/// busy the owner is.
pub(super) struct KafkaMember {
    changes: mpsc::Receiver<Rebalance>,
    shared: Arc<Shared>,
    /// Ends with the thread, once the group knows that we left.
    left: Option<oneshot::Receiver<()>>,
}

/// What the owner and the thread know together.
#[derive(Default)]
struct Shared {
    closing: AtomicBool,
    /// Offsets that are still to be published.
    offsets: Mutex<BTreeMap<u32, u64>>,
    trouble: Mutex<Option<String>>,
    /// Why the membership ended, if it did.
    expelled: Mutex<Option<KafkaError>>,
}

impl KafkaMember {
    pub(super) fn join(config: &KafkaConfig, topic: Arc<Topic>) -> Result<Self, GroupError> {
        let (sender, changes) = mpsc::channel(CHANGES);
        let shared = Arc::new(Shared::default());
        let context = Context {
            changes: sender,
            shared: Arc::clone(&shared),
            topic: Arc::clone(&topic),
            drain: config.session_timeout() / 2,
        };
        let failed = |e: KafkaError| GroupError::Join(e.into());
        let consumer: BaseConsumer<Context> = config
            .member()
            .create_with_context(context)
            .map_err(failed)?;
        consumer.subscribe(&[&topic.name]).map_err(failed)?;
        let (ended, left) = oneshot::channel();
        let thread = std::thread::Builder::new().name("kafka-member".to_owned());
        let spawned = thread.spawn(move || {
            attend(consumer);
            drop(ended);
        });
        spawned.map_err(|e| GroupError::Join(e.into()))?;
        Ok(Self {
            changes,
            shared,
            left: Some(left),
        })
    }
}

#[async_trait]
impl Member for KafkaMember {
    async fn next(&mut self) -> Result<Rebalance, GroupError> {
        match self.changes.recv().await {
            Some(change) => Ok(change),
            None => {
                let why = lock(&self.shared.expelled).take();
                Err(why.map_or(GroupError::Left, |why| GroupError::Expelled(why.into())))
            }
        }
    }

    fn commit(&self, next: &BTreeMap<u32, u64>) {
        lock(&self.shared.offsets).extend(next);
    }

    fn trouble(&self) -> Option<String> {
        lock(&self.shared.trouble).clone()
    }

    async fn leave(mut self: Box<Self>) {
        self.shared.closing.store(true, Ordering::Relaxed);
        // What nobody will look at holds nothing up.
        self.changes.close();
        while self.changes.try_recv().is_ok() {}
        if let Some(left) = self.left.take() {
            let _ = left.await;
        }
    }
}

impl Drop for KafkaMember {
    fn drop(&mut self) {
        self.shared.closing.store(true, Ordering::Relaxed);
    }
}

/// Serves the group until the owner leaves.
fn attend(consumer: BaseConsumer<Context>) {
    let context = Arc::clone(consumer.context());
    let mut committed = Instant::now();
    let mut looked = Instant::now();
    while !context.shared.closing.load(Ordering::Relaxed) {
        match consumer.poll(POLL) {
            // Every partition is paused before it is fetched.
            None | Some(Ok(_)) => {}
            Some(Err(KafkaError::MessageConsumptionFatal(code))) => {
                tracing::error!(error = %code, "expelled from the consumer group");
                *lock(&context.shared.expelled) = Some(KafkaError::MessageConsumptionFatal(code));
                break;
            }
            Some(Err(error)) => context.note(&error),
        }
        if committed.elapsed() >= COMMIT_EVERY {
            committed = Instant::now();
            context.commit(&consumer);
        }
        if looked.elapsed() >= LOOK_EVERY {
            looked = Instant::now();
            context.look(&consumer);
        }
    }
    context.commit(&consumer);
    // Says goodbye to the group; nobody has to release anything any more.
    drop(consumer);
}

/// Receives what librdkafka has to say, on the thread of [`attend`].
struct Context {
    changes: mpsc::Sender<Rebalance>,
    shared: Arc<Shared>,
    topic: Arc<Topic>,
    /// How long the owner has to finish with what is revoked.
    drain: Duration,
}

impl Context {
    /// Tells the owner.
    fn tell(&self, change: Rebalance) {
        // Too many changes that nobody looks at: the owner is gone, or as good.
        if self.changes.try_send(change).is_err() {
            self.shared.closing.store(true, Ordering::Relaxed);
        }
    }

    fn assign(&self, consumer: &BaseConsumer<Self>, list: &mut TopicPartitionList) {
        let partitions = numbers(list);
        let assigned = list
            // Explicit, so that no offset is looked up for what is never fetched.
            .set_all_offsets(Offset::End)
            .and_then(|()| match consumer.rebalance_protocol() {
                RebalanceProtocol::Cooperative => consumer.incremental_assign(list),
                _ => consumer.assign(list),
            })
            .and_then(|()| consumer.pause(list));
        if let Err(error) = assigned {
            tracing::warn!(%error, "the Kafka client did not take its partitions");
        }
        *lock(&self.shared.trouble) = None;
        if let Some(last) = partitions.last() {
            self.topic.grow(last + 1);
        }
        tracing::info!(partitions = ?partitions, "assigned");
        self.tell(Rebalance::Assigned(partitions));
    }

    fn revoke(&self, consumer: &BaseConsumer<Self>, list: &TopicPartitionList) {
        let partitions = numbers(list);
        if consumer.assignment_lost() {
            tracing::warn!(partitions = ?partitions, "lost: the session has expired");
            if !partitions.is_empty() {
                self.tell(Rebalance::Lost(partitions));
            }
        } else if !partitions.is_empty() {
            tracing::info!(partitions = ?partitions, "revoked");
            let deadline = Instant::now() + self.drain;
            let (revocation, released) = Revocation::new(partitions, deadline);
            self.tell(Rebalance::Revoked(revocation));
            // The group waits for this call to return; librdkafka keeps the
            // session alive meanwhile. Released means that the other end is gone.
            let _ = released.recv_timeout(self.drain);
            self.commit(consumer);
        }
        let unassigned = match consumer.rebalance_protocol() {
            RebalanceProtocol::Cooperative => consumer.incremental_unassign(list),
            _ => consumer.unassign(),
        };
        if let Err(error) = unassigned {
            tracing::warn!(%error, "the Kafka client did not give its partitions back");
        }
    }

    /// Publishes the offsets that wait, without waiting for an answer.
    fn commit(&self, consumer: &BaseConsumer<Self>) {
        let mut offsets = std::mem::take(&mut *lock(&self.shared.offsets));
        // A former owner's would stand below the new one's.
        let owned = consumer.assignment().map(|list| numbers(&list));
        offsets.retain(|partition, _| owned.as_ref().is_ok_and(|owned| owned.contains(partition)));
        if offsets.is_empty() {
            return;
        }
        let mut list = TopicPartitionList::with_capacity(offsets.len());
        for (partition, next) in offsets {
            let offset = Offset::Offset(next as i64);
            // Only a partition number beyond what Kafka has is refused.
            let _ = list.add_partition_offset(&self.topic.name, partition as i32, offset);
        }
        if let Err(error) = consumer.commit(&list, CommitMode::Async) {
            tracing::debug!(%error, "offsets for lag tools were not published");
        }
    }

    /// Learns of partitions that were added to the topic.
    fn look(&self, consumer: &BaseConsumer<Self>) {
        let found = consumer.fetch_metadata(Some(&self.topic.name), LOOK_TIMEOUT);
        let Ok(found) = found else { return };
        for topic in found.topics() {
            if topic.name() == self.topic.name && topic.error().is_none() {
                self.topic.grow(topic.partitions().len() as u32);
            }
        }
    }

    /// Keeps what keeps partitions from coming.
    fn note(&self, error: &KafkaError) {
        use RDKafkaErrorCode::*;
        tracing::warn!(%error, "the consumer group has trouble");
        let lasting = matches!(
            error.rdkafka_error_code(),
            Some(
                GroupAuthorizationFailed
                    | TopicAuthorizationFailed
                    | InconsistentGroupProtocol
                    | InvalidSessionTimeout
                    | InvalidGroupId
            )
        );
        if lasting {
            *lock(&self.shared.trouble) =
                Some(format!("the consumer group gives no partitions: {error}"));
        }
    }
}

impl ClientContext for Context {
    fn error(&self, error: KafkaError, reason: &str) {
        tracing::warn!(%error, reason, "a Kafka group member has trouble");
    }
}

impl ConsumerContext for Context {
    fn rebalance(
        &self,
        consumer: &BaseConsumer<Self>,
        kind: RDKafkaRespErr,
        list: &mut TopicPartitionList,
    ) {
        match kind {
            RDKafkaRespErr::RD_KAFKA_RESP_ERR__ASSIGN_PARTITIONS => self.assign(consumer, list),
            _ => self.revoke(consumer, list),
        }
    }

    fn commit_callback(&self, result: KafkaResult<()>, offsets: &TopicPartitionList) {
        let Err(error) = result else { return };
        tracing::debug!(%error, "offsets for lag tools were not published");
        // Such as while the group is rebalanced: the next time, unless there are
        // newer ones by then.
        let mut waiting = lock(&self.shared.offsets);
        for element in offsets.elements() {
            if let Offset::Offset(next) = element.offset() {
                let partition = element.partition().unsigned_abs();
                waiting.entry(partition).or_insert(next.unsigned_abs());
            }
        }
    }
}

fn numbers(list: &TopicPartitionList) -> BTreeSet<u32> {
    let elements = list.elements();
    elements
        .iter()
        .map(|e| e.partition().max(0) as u32)
        .collect()
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
