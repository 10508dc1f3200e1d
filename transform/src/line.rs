//! One life of the service: rounds of collecting, judging and publishing, from
//! what the lake said at its start.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Utc};
use eventlog::ReadError;
use runtime::RegistryError;
use schemas::{Table, Tenant, TenantId};
use tokio::time::{Instant, sleep_until, timeout};
use uuid::Uuid;

use crate::batch::{Round, Size, should_close};
use crate::consume::{Message, Readers, Stretch};
use crate::decode::{Content, Decoded};
use crate::error::{Error, chain};
use crate::judge::{Judge, Outcome};
use crate::look_up::{Answers, Homes, Questions};
use crate::membership::Membership;
use crate::patience::Patience;
use crate::place::place;
use crate::progress::Progress;
use crate::publish::Publisher;
use crate::recover::Known;
use crate::replay::Stored;
use crate::transform::Surroundings;
use crate::waiting::Waiting;

/// How often time is let pass in an idle service.
const TICK: Duration = Duration::from_millis(500);

/// Bytes of records for which the lake is asked at once. Taken apart they take a
/// few times as much until they are judged.
const ASK_BYTES: usize = 16 << 20;

/// What an operator can do about a log that dropped records.
const TRUNCATED: &str = "the log dropped records before they were published; give them back, or \
    start once with transform.accept_truncated_log = true \
    (CHALKLINE_TRANSFORM_ACCEPT_TRUNCATED_LOG=true) to go on without them";

/// What turns records into published rows during one life.
pub(crate) struct Line<'a> {
    surroundings: Surroundings<'a>,
    membership: &'a mut Membership,
    waiting: &'a mut Waiting,
    patience: Patience,
    judge: Judge,
    publisher: Publisher,
    progress: Progress,
    /// How many partitions the log had when this life began.
    partitions: u32,
    homes: Homes,
    /// The tenants of the round that is open.
    tenants: HashMap<TenantId, Option<Arc<Tenant>>>,
    /// The latest time at which an event was received.
    newest: DateTime<Utc>,
    /// Partitions that cannot be read on, and why.
    broken: BTreeMap<u32, String>,
}

/// Records that follow one of which the index does not know whether it was stored
/// before: they are judged together, when the lake was asked.
#[derive(Default)]
struct Pending {
    pieces: Vec<(u32, Vec<Decoded>)>,
    bytes: usize,
    rows: usize,
}

impl Pending {
    fn push(&mut self, partition: u32, records: Vec<Decoded>) {
        self.bytes += records.iter().map(Decoded::bytes).sum::<usize>();
        self.rows += records.len();
        self.pieces.push((partition, records));
    }
}

/// Why a round is closed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Closed {
    /// It is large or old enough.
    Full,
    /// Partitions come or go, or the log has others than before.
    Changed,
    /// There is nothing more to read, or it is time to stop.
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
            partitions: known.partitions,
            homes: known.homes,
            tenants: HashMap::new(),
            newest: DateTime::UNIX_EPOCH,
            broken: BTreeMap::new(),
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

    /// Reads the stretches to their ends, or until it is time to stop, in
    /// rounds.
    ///
    /// # Errors
    /// [`Error::Rebalanced`] when other partitions are to be read; what was read
    /// until then is published.
    async fn run(&mut self, stretches: Vec<Stretch>) -> Result<(), Error> {
        let mut readers = self.read(&stretches);
        loop {
            let (round, closed) = self.collect(&mut readers).await?;
            if !round.is_empty() {
                self.publish(round).await?;
            }
            match closed {
                Closed::Full => self.let_time_pass().await,
                Closed::Changed => return Err(Error::Rebalanced),
                Closed::Ended => {
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

    /// Fills a round until it is to be published; also says why.
    async fn collect(&mut self, readers: &mut Readers) -> Result<(Round, Closed), Error> {
        let config = &self.surroundings.transform.config;
        let limit = Size {
            rows: config.max_rows,
            bytes: config.max_bytes,
            age: config.interval(),
        };
        let mut round = Round::new(self.surroundings.transform.log.id().as_str());
        let mut begun: Option<Instant> = None;
        let mut pending = Pending::default();
        self.tenants.clear();
        loop {
            if self.surroundings.transform.log.partitions() != self.partitions {
                return Ok((round, Closed::Changed));
            }
            let tick = Instant::now() + TICK;
            let wake = begun.map_or(tick, |begun| tick.min(begun + limit.age));
            tokio::select! {
                message = readers.next() => match message? {
                    Some(Message::Records { partition, records }) => {
                        begun.get_or_insert_with(Instant::now);
                        let is_known = |record| self.judge.unknown(partition, record).is_none();
                        let is_others = |record| self.judge.is_others(partition, record);
                        if records.iter().any(is_others) {
                            // The sooner it is published what was looked up, the
                            // seldomer somebody else has published meanwhile.
                            pending.push(partition, records);
                            let closed = match self.settle(&mut round, &mut pending).await {
                                true => Closed::Full,
                                false => Closed::Ended,
                            };
                            return Ok((round, closed));
                        }
                        let goes_on = if pending.pieces.is_empty() && records.iter().all(is_known) {
                            self.take(&mut round, partition, records).await
                        } else {
                            pending.push(partition, records);
                            pending.bytes < ASK_BYTES || self.settle(&mut round, &mut pending).await
                        };
                        if !goes_on {
                            return Ok((round, Closed::Ended));
                        }
                    }
                    Some(Message::Stopped { partition, error }) => self.break_off(partition, error)?,
                    None => {
                        self.settle(&mut round, &mut pending).await;
                        return Ok((round, Closed::Ended));
                    }
                },
                () = sleep_until(wake) => self.let_time_pass().await,
                changed = self.membership.changed() => {
                    changed?;
                    return Ok((round, Closed::Changed));
                }
                // What is in the round is read again.
                () = self.waiting.mended() => return Err(Error::Mended),
                () = self.surroundings.stop.cancelled() => return Ok((round, Closed::Ended)),
            }
            let age = begun.map_or(Duration::ZERO, |begun| begun.elapsed());
            let mut size = round.size(age);
            size.rows += pending.rows;
            size.bytes += pending.bytes;
            if !should_close(size, limit) {
                continue;
            }
            if !self.settle(&mut round, &mut pending).await {
                return Ok((round, Closed::Ended));
            }
            if !round.is_empty() {
                return Ok((round, Closed::Full));
            }
        }
    }

    /// Asks the lake about the records that are pending and adds them to the
    /// round; false when it is time to stop, with some perhaps not added.
    async fn settle(&mut self, round: &mut Round, pending: &mut Pending) -> bool {
        let pending = std::mem::take(pending);
        let Some(mut answers) = self.ask(&pending.pieces).await else {
            return false;
        };
        let Some(there) = self.ask_for_missing(&pending.pieces).await else {
            return false;
        };
        answers.extend(there);
        self.judge.learn(answers);
        for (partition, records) in pending.pieces {
            if !self.take(round, partition, records).await {
                return false;
            }
        }
        self.judge.learn(Answers::new());
        true
    }

    /// What the lake says of the records that the index does not know; `None` when
    /// it is time to stop. A lake that does not answer is waited for.
    async fn ask(&mut self, pieces: &[(u32, Vec<Decoded>)]) -> Option<Answers> {
        let mut questions: BTreeMap<TenantId, (Questions, bool)> = BTreeMap::new();
        for (partition, records) in pieces {
            for record in records {
                let (Some(times), Ok(Content::Event(event, _)), false) = (
                    self.judge.unknown(*partition, record),
                    &record.content,
                    record.is_for_missing(),
                ) else {
                    continue;
                };
                let term = match self.tenant(&record.tenant).await {
                    Ok(tenant) => tenant.map(|tenant| place(&tenant, event).term),
                    Err(error) if error.is_retryable() => return None,
                    Err(_) => None,
                };
                let (questions, others) = questions.entry(record.tenant.clone()).or_default();
                let at = (*partition, record.position);
                let home = self.judge.home_elsewhere(*partition, record);
                *others |= self.judge.is_others(*partition, record);
                let home = home.unwrap_or(*partition);
                questions.ask(at, home, event, record.reach(), times, term);
            }
        }
        let mut answers = Answers::new();
        let transform = self.surroundings.transform;
        for (tenant, (questions, others)) in questions {
            if self.waiting.has(&tenant) {
                continue;
            }
            let begun = Instant::now();
            let index = self.judge.index();
            let is_within = |reach, at, other| index.is_within(reach, at, other);
            let (publisher, homes) = (&self.publisher, &self.homes);
            let look = || async {
                let newest = match others {
                    true => publisher.newest_events(&tenant).await?,
                    false => Vec::new(),
                };
                let tables = match others {
                    true => newest.iter().map(|(_, table, _)| table.clone()).collect(),
                    false => publisher.events(&tenant),
                };
                let answered = questions.answer(&tenant, homes, tables, is_within).await;
                answered.map(|answered| (answered, newest))
            };
            let ask = || async {
                let source = match look().await {
                    Ok(answered) => return Ok(answered),
                    Err(source) => source,
                };
                // Unless it is everybody's trouble.
                transform.lake.check_store().await.map_err(Error::Lake)?;
                let table = tenant.to_string();
                Err(Error::Table { table, source })
            };
            let is_away = |error: &Error| matches!(error, Error::Lake(_));
            match self.patience.ask(ask, is_away).await {
                Ok(((found, findings), newest)) => {
                    self.publisher.rely_on(&tenant, newest);
                    let files: usize = findings.iter().map(|finding| finding.files).sum();
                    let bytes: u64 = findings.iter().map(|finding| finding.bytes).sum();
                    metrics::counter!("chalkline_transform_looked_up_total")
                        .increment(questions.len() as u64);
                    metrics::counter!("chalkline_transform_looked_up_files_total")
                        .increment(files as u64);
                    metrics::counter!("chalkline_transform_looked_up_bytes_total").increment(bytes);
                    metrics::histogram!("chalkline_transform_look_up_seconds")
                        .record(begun.elapsed().as_secs_f64());
                    answers.extend(found);
                }
                Err(error) if is_away(&error) => return None,
                Err(error) => {
                    self.waiting.add(&tenant, &error);
                    self.say_health();
                }
            }
        }
        Some(answers)
    }

    /// The records that were entered because their rows were missing and whose
    /// events are stored all the same; `None` when it is time to stop.
    async fn ask_for_missing(&mut self, pieces: &[(u32, Vec<Decoded>)]) -> Option<Answers> {
        let mut askers: BTreeMap<_, Vec<(Uuid, _)>> = BTreeMap::new();
        for (partition, records) in pieces {
            for record in records.iter().filter(|record| record.is_for_missing()) {
                if let Ok(Content::Event(event, _)) = &record.content {
                    let asker = (event.id, (*partition, record.position));
                    askers.entry(&record.tenant).or_default().push(asker);
                }
            }
        }
        let mut answers = Answers::new();
        let lake = &self.surroundings.transform.lake;
        for (tenant, askers) in askers {
            let ids: HashSet<Uuid> = askers.iter().map(|(id, _)| *id).collect();
            let ask = || async {
                // Of the newest versions: rows may be gone from them since.
                let stored = Stored::new(lake.clone()).among(tenant, ids.clone()).await;
                let Err(source) = stored else {
                    return stored.map_err(Error::Lake);
                };
                // Unless it is everybody's trouble.
                lake.check_store().await.map_err(Error::Lake)?;
                let table = tenant.to_string();
                Err(Error::Table { table, source })
            };
            let is_away = |error: &Error| matches!(error, Error::Lake(_));
            match self.patience.ask(ask, is_away).await {
                Ok(stored) => {
                    let there = askers.into_iter().filter(|(id, _)| stored.contains(id));
                    answers.extend(there.map(|(_, place)| (place, None)));
                }
                Err(error) if is_away(&error) => return None,
                Err(error) => {
                    self.waiting.add(tenant, &error);
                    self.say_health();
                }
            }
        }
        Some(answers)
    }

    /// Adds records to the round; false when it is time to stop, with some
    /// perhaps not added.
    async fn take(&mut self, round: &mut Round, partition: u32, records: Vec<Decoded>) -> bool {
        for record in records {
            let tenant = match self.tenant(&record.tenant).await {
                Ok(tenant) => tenant,
                Err(error) if error.is_retryable() => return false,
                Err(error) => {
                    self.waiting.add(&record.tenant, &error.into());
                    self.say_health();
                    None
                }
            };
            let outcome = if self.waiting.has(&record.tenant) {
                Outcome::Waiting
            } else {
                let outcome = self.judge.judge(partition, &record, tenant.is_some());
                match outcome {
                    Outcome::Quarantined(home, _) | Outcome::Failed(home)
                        if self.waiting.has(&home) =>
                    {
                        Outcome::Waiting
                    }
                    outcome => outcome,
                }
            };
            match &outcome {
                Outcome::Waiting => {
                    self.progress.pin(partition, record.position);
                    metrics::counter!("chalkline_transform_waiting_records_total").increment(1);
                }
                Outcome::Duplicate { .. } => {
                    metrics::counter!("chalkline_transform_duplicates_total").increment(1);
                }
                Outcome::Quarantined(_, why) => {
                    metrics::counter!("chalkline_transform_quarantined_total", "stage" => why.stage)
                        .increment(1);
                }
                _ => {}
            }
            if let Some(again) = &record.again
                && !matches!(outcome, Outcome::Published | Outcome::Waiting)
            {
                metrics::counter!(
                    "chalkline_transform_replayed_total",
                    "cause" => again.cause.as_str(),
                    "outcome" => outcome.name(),
                )
                .increment(1);
            }
            if let Ok(Content::Event(event, _)) = &record.content {
                self.newest = self.newest.max(event.received_at);
            }
            if let (Outcome::Stored, Ok(Content::Event(event, _))) = (&outcome, &record.content)
                && let Some(home) = self.judge.home_elsewhere(partition, &record)
            {
                let table = Table::Events(event.data.family());
                round.belongs(&record.tenant, table, home);
            }
            round.add(partition, &record, &outcome, tenant.as_deref());
        }
        true
    }

    /// The tenant, if it exists. A registry that does not answer is waited for:
    /// a record whose tenant cannot be read now is not a bad record.
    async fn tenant(&mut self, id: &TenantId) -> Result<Option<Arc<Tenant>>, RegistryError> {
        if let Some(tenant) = self.tenants.get(id) {
            return Ok(tenant.clone());
        }
        let tenant = if *id == TenantId::system() || self.waiting.has(id) {
            None
        } else {
            let ask = || self.surroundings.transform.registry.tenant(id);
            self.patience.ask(ask, RegistryError::is_retryable).await?
        };
        self.tenants.insert(id.clone(), tenant.clone());
        Ok(tenant)
    }

    async fn publish(&mut self, round: Round) -> Result<(), Error> {
        let begun = Instant::now();
        let stretches = round.stretches().clone();
        let tenants = round.tenants();
        let failed = tokio::select! {
            biased;
            // Others publish it, from where the tables will say.
            late = self.membership.too_late() => {
                late?;
                tracing::warn!("a round was dropped: its partitions belong to others by now");
                return Err(Error::Rebalanced);
            }
            published = self.publisher.publish(round, &self.patience) => published?,
        };
        for (tenant, error) in &failed {
            for (partition, stretch) in &stretches {
                self.progress.pin(*partition, stretch.start);
            }
            self.waiting.add(tenant, error);
        }
        self.judge.published();
        self.progress.advance(&stretches).await?;
        self.membership.commit(&self.progress.positions());
        self.surroundings.moved.add(tenants);
        // Of what is still to come, nothing was received before this time.
        if let Some(as_of) = self.progress.as_of() {
            self.judge.forget_before(as_of.min(self.newest));
        }
        self.tell_index();
        metrics::counter!("chalkline_transform_rounds_total").increment(1);
        metrics::histogram!("chalkline_transform_round_seconds")
            .record(begun.elapsed().as_secs_f64());
        self.say_health();
        Ok(())
    }

    /// Shows how large the index is.
    fn tell_index(&self) {
        let index = self.judge.index();
        metrics::gauge!("chalkline_transform_index_events").set(index.len() as f64);
        metrics::gauge!("chalkline_transform_index_bytes").set(index.size_bytes() as f64);
    }

    async fn let_time_pass(&mut self) {
        let _ = timeout(TICK, self.progress.tick()).await;
    }

    /// A partition cannot be read on.
    fn break_off(&mut self, partition: u32, error: ReadError) -> Result<(), Error> {
        if matches!(error, ReadError::BeyondTail { .. }) {
            return Err(Error::AnotherLog {
                log_id: self.surroundings.transform.log.id().to_string(),
                source: error,
            });
        }
        tracing::error!(
            log.partition = partition,
            error = chain(&error),
            "the partition is stopped: {TRUNCATED}"
        );
        let reason = format!("partition {partition} is stopped: {error}: {TRUNCATED}");
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
