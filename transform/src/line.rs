//! One life of the service: rounds of collecting, judging and publishing, from
//! what the lake said at its start.

mod ask;
mod publish;
mod take;

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Utc};
use eventlog::ReadError;
use schemas::{Table, TenantId};
use tokio::time::{Instant, sleep_until};

use crate::backlog::Backlog;
use crate::consume::{Message, Readers, Stretch};
use crate::decode::Decoded;
use crate::deduplicate::Index;
use crate::error::{Error, chain};
use crate::judge::Judge;
use crate::look_up::Homes;
use crate::membership::Membership;
use crate::pace::Pace;
use crate::patience::Patience;
use crate::place::Placer;
use crate::progress::Progress;
use crate::publish::{Held, Publisher};
use crate::recover::Known;
use crate::transform::Surroundings;
use crate::waiting::Waiting;
use ask::Pending;

/// How often time is let pass in an idle service.
const TICK: Duration = Duration::from_millis(500);

/// What an operator can do about a log that dropped records.
const TRUNCATED: &str = "the log dropped records before they were published; give them back, or \
    start once with transform.accept_truncated_log = true \
    (CHALKLINE_TRANSFORM_ACCEPT_TRUNCATED_LOG=true) to go on without them";

/// What an operator can do about a log that was replaced while it was read.
const REPLACED: &str = "what was in the former log and is not published is not read any more; \
    give it back, or restart to go on with the new one from its first record";

/// What turns records into published rows during one life.
pub(crate) struct Line<'a> {
    surroundings: Surroundings<'a>,
    membership: &'a mut Membership,
    waiting: &'a mut Waiting,
    patience: Patience,
    judge: Judge,
    publisher: Publisher,
    progress: Progress,
    backlog: Backlog,
    pace: Pace,
    /// When everything that was read was last noted as published or waiting.
    advanced_at: Instant,
    /// How many partitions the log had when this life began.
    partitions: u32,
    homes: Homes,
    /// Who existed when this life began.
    begun_with: HashSet<TenantId>,
    /// The tenants that were met since something was last published.
    tenants: HashMap<TenantId, Option<Placer>>,
    /// The latest time at which an event was received.
    newest: DateTime<Utc>,
    /// Partitions that cannot be read on, and why.
    broken: BTreeMap<u32, String>,
    /// Whether the index is to forget something, which it may when nothing waits.
    is_to_forget: bool,
    /// Whether all that was judged is published, and nothing else is to come.
    is_settled: bool,
}

/// What a life knew when other partitions were to be read: see [`Line::into_known`].
pub(crate) struct KnownBefore {
    pub index: Index,
    /// How many partitions the log had.
    pub partitions: u32,
    pub tables: HashMap<(TenantId, Table), Held>,
}

/// What is to be done with what was read.
#[derive(Debug, PartialEq, Eq)]
enum Closed {
    /// The rows of these tenants are due.
    Due(Vec<TenantId>),
    /// All rows: partitions come or go, or the log has others than before.
    Changed,
    /// All rows: there is nothing more to read, or it is time to stop.
    Ended,
}

impl<'a> Line<'a> {
    /// A life with the partitions that are known.
    pub fn new(
        surroundings: Surroundings<'a>,
        membership: &'a mut Membership,
        waiting: &'a mut Waiting,
        known: Known,
    ) -> Self {
        let Surroundings {
            transform,
            read,
            stop,
            ..
        } = surroundings;
        Self {
            surroundings,
            membership,
            waiting,
            patience: Patience::new(transform.health.clone(), stop.clone()),
            judge: known.judge,
            publisher: known.publisher,
            progress: Progress::new(
                transform.lake.clone(),
                Arc::clone(&transform.log),
                transform.clock.clone(),
                known.floors,
                read.clone(),
            ),
            backlog: Backlog::new(transform.log.id().as_str()),
            pace: Pace::new(transform.config.limits(&transform.lake), Instant::now()),
            advanced_at: Instant::now(),
            partitions: known.partitions,
            homes: known.homes,
            begun_with: known.tenants,
            tenants: HashMap::new(),
            newest: DateTime::UNIX_EPOCH,
            broken: BTreeMap::new(),
            is_to_forget: false,
            is_settled: false,
        }
    }

    /// Publishes what was begun and goes on from there, until it is time to stop
    /// or until what is known is no longer true.
    ///
    /// # Errors
    /// Why it is time to begin again.
    pub async fn live(
        &mut self,
        unfinished: Vec<Stretch>,
        live: Vec<Stretch>,
    ) -> Result<(), Error> {
        self.tell_index();
        self.membership.commit(&self.progress.positions());
        self.foresee(&unfinished).await?;
        self.run(unfinished).await?;
        if self.surroundings.stop.is_cancelled() {
            return Ok(());
        }
        self.judge.forget_settled();
        let mut live = live;
        live.retain(|stretch| !self.broken.contains_key(&stretch.partition));
        self.say_health();
        self.run(live).await?;
        // Every partition is broken: somebody has to see it.
        tokio::select! {
            () = self.surroundings.stop.cancelled() => Ok(()),
            () = self.waiting.mended() => Err(Error::Mended),
            changed = self.membership.changed() => {
                changed?;
                Err(Error::Rebalanced)
            }
        }
    }

    /// What this life knows of events that are stored, for the next: `None` if it
    /// was cut short, and what it judged may not be published.
    pub fn into_known(self) -> Option<KnownBefore> {
        let is_settled = self.is_settled && self.judge.is_settled();
        is_settled.then(|| KnownBefore {
            tables: self.publisher.into_held(),
            partitions: self.homes.partitions,
            index: self.judge.into_index(),
        })
    }

    /// Looks through the unfinished round for events that were found to be new
    /// but are not stored yet; see [`Judge::foresee`].
    async fn foresee(&mut self, unfinished: &[Stretch]) -> Result<(), Error> {
        let mut readers = self.read(unfinished);
        loop {
            let message = tokio::select! {
                message = readers.next() => message?,
                changed = self.membership.changed() => {
                    changed?;
                    return Err(Error::Rebalanced);
                }
                () = self.surroundings.stop.cancelled() => None,
            };
            match message {
                Some(Message::Records { partition, records }) => {
                    for record in records {
                        self.judge.foresee(partition, &record);
                    }
                }
                Some(Message::Stopped { partition, error }) => self.break_off(partition, error)?,
                None => return Ok(()),
            }
        }
    }

    /// Reads the stretches to their ends, or until it is time to stop, and
    /// publishes what is due, at the end everything.
    ///
    /// # Errors
    /// [`Error::Rebalanced`] when other partitions are to be read; what was read
    /// until then is published.
    async fn run(&mut self, stretches: Vec<Stretch>) -> Result<(), Error> {
        let mut readers = self.read(&stretches);
        loop {
            match self.collect(&mut readers).await? {
                Closed::Due(tenants) => {
                    let rounds = self.backlog.take(tenants);
                    self.publish(rounds).await?;
                    self.let_time_pass().await;
                }
                Closed::Changed => {
                    self.publish_all().await?;
                    self.is_settled = self.waiting.reason().is_none();
                    return Err(Error::Rebalanced);
                }
                Closed::Ended => {
                    self.publish_all().await?;
                    self.let_time_pass().await;
                    return Ok(());
                }
            }
        }
    }

    fn read(&self, stretches: &[Stretch]) -> Readers {
        let transform = self.surroundings.transform;
        Readers::start(&transform.log, stretches, transform.config.read_bytes)
    }

    /// Reads until something is to be published; also says what.
    ///
    /// # Errors
    /// When what is known is no longer true.
    async fn collect(&mut self, readers: &mut Readers) -> Result<Closed, Error> {
        let interval = self.surroundings.transform.config.interval();
        let mut pending = Pending::default();
        self.tenants.clear();
        loop {
            if self.surroundings.transform.log.partitions() != self.partitions {
                return Ok(Closed::Changed);
            }
            let now = Instant::now();
            let due = self.due(now);
            if (due.is_some() || pending.is_due(now, interval))
                && !self.settle(&mut pending).await?
            {
                return Ok(Closed::Ended);
            }
            if let Some(due) = due {
                return Ok(Closed::Due(due));
            }
            let wake = now + self.pause(now);
            let wake = pending.due_at(interval).map_or(wake, |at| at.min(wake));
            tokio::select! {
                message = readers.next() => match message? {
                    Some(Message::Records { partition, records }) => {
                        let is_others = |record: &&Decoded| self.judge.is_others(partition, record);
                        let others = records.iter().filter(is_others);
                        let others: BTreeSet<TenantId> = others.map(|r| r.tenant.clone()).collect();
                        if !others.is_empty() {
                            // The sooner it is published what was looked up, the
                            // seldomer somebody else has published meanwhile.
                            pending.push(partition, records);
                            return Ok(match self.settle(&mut pending).await? {
                                true => Closed::Due(others.into_iter().collect()),
                                false => Closed::Ended,
                            });
                        }
                        let is_known = |record| {
                            self.judge.unknown(partition, record).is_none()
                                && !self.judge.seeks_row(partition, record)
                        };
                        let goes_on = if pending.is_empty() && records.iter().all(is_known) {
                            self.take(partition, records).await
                        } else {
                            pending.push(partition, records);
                            !pending.is_full() || self.settle(&mut pending).await?
                        };
                        if !goes_on {
                            return Ok(Closed::Ended);
                        }
                    }
                    Some(Message::Stopped { partition, error }) => self.break_off(partition, error)?,
                    None => {
                        self.settle(&mut pending).await?;
                        return Ok(Closed::Ended);
                    }
                },
                () = sleep_until(wake) => self.let_time_pass().await,
                changed = self.membership.changed() => {
                    changed?;
                    return Ok(Closed::Changed);
                }
                // What is read and not published is read again.
                () = self.waiting.mended() => return Err(Error::Mended),
                () = self.surroundings.stop.cancelled() => return Ok(Closed::Ended),
            }
        }
    }

    /// A partition cannot be read on.
    fn break_off(&mut self, partition: u32, error: ReadError) -> Result<(), Error> {
        if matches!(error, ReadError::BeyondTail { .. }) {
            return Err(Error::AnotherLog {
                log_id: self.surroundings.transform.log.id().to_string(),
                source: error,
            });
        }
        let advice = match error {
            ReadError::Replaced { .. } => REPLACED,
            _ => TRUNCATED,
        };
        tracing::error!(
            log.partition = partition,
            error = chain(&error),
            "the partition is stopped: {advice}"
        );
        let reason = format!("partition {partition} is stopped: {error}: {advice}");
        self.broken.insert(partition, reason);
        self.say_health();
        Ok(())
    }

    fn say_health(&self) {
        let health = &self.surroundings.transform.health;
        if !self.broken.is_empty() {
            let broken = self.broken.values().cloned();
            let reasons: Vec<String> = broken.chain(self.waiting.reason()).collect();
            health.not_ready(reasons.join("; "));
        } else if let Some(reason) = self.waiting.reason() {
            health.degraded(reason);
        } else {
            health.ready();
        }
    }
}
