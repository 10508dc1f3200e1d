//! The service: recover, then round after round of consume, deduplicate, place,
//! batch, write and publish.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Utc};
use eventlog::{EventLog, ReadError};
use lake::Lake;
use runtime::{Clock, Health, HealthCheck, Leases, Registry, RegistryError, Shutdown};
use schemas::{Tenant, TenantId};
use tokio::sync::watch;
use tokio::time::{Instant, sleep_until, timeout};
use tokio_util::sync::CancellationToken;

use crate::batch::{Round, Size, should_close};
use crate::config::Config;
use crate::consume::{Message, Readers, Stretch};
use crate::count::Counter;
use crate::decode::{Content, Decoded};
use crate::error::Error;
use crate::judge::{Judge, Outcome};
use crate::maintenance::{self, Upkeep};
use crate::patience::Patience;
use crate::progress::Progress;
use crate::publish::Publisher;
use crate::recover::recover;
use crate::report::{Moved, Reports, Schedule, Turns};
use crate::waiting::Waiting;

/// How often time is let pass in an idle service.
const TICK: Duration = Duration::from_millis(500);

/// Events in the index from which on its memory is worth a warning.
const LARGE_INDEX: usize = 10_000_000;

/// What an operator can do about a log that dropped records.
const TRUNCATED: &str = "the log dropped records before they were published; give them back, or \
    start once with transform.accept_truncated_log = true \
    (CHALKLINE_TRANSFORM_ACCEPT_TRUNCATED_LOG=true) to go on without them";

/// How long to wait before beginning again after a failure.
const RESTART_PAUSE: Duration = Duration::from_secs(1);

/// Turns the records of a log into rows of the lake, each exactly once.
pub struct Transform {
    config: Config,
    log: Arc<dyn EventLog>,
    registry: Registry,
    lake: Lake,
    clock: Clock,
    health: HealthCheck,
    upkeep_leases: Option<Leases>,
    report_leases: Option<Leases>,
}

impl Transform {
    /// The service; nothing happens before [`Transform::run`].
    pub fn new(
        config: Config,
        log: Arc<dyn EventLog>,
        registry: Registry,
        lake: Lake,
        clock: Clock,
        health: &Health,
    ) -> Self {
        Self {
            config,
            log,
            registry,
            lake,
            clock,
            health: health.check("transform"),
            upkeep_leases: None,
            report_leases: None,
        }
    }

    /// Takes turns with other processes at the upkeep of tables, by these leases
    /// ([`maintenance::LEASE`]). Without, this process does all of it.
    pub fn with_upkeep_leases(mut self, leases: Leases) -> Self {
        self.upkeep_leases = Some(leases);
        self
    }

    /// Takes turns with other processes at refreshing reports, by these leases
    /// ([`crate::REPORT_LEASE`]). Without, this process does so whenever it has
    /// published something.
    pub fn with_report_leases(mut self, leases: Leases) -> Self {
        self.report_leases = Some(leases);
        self
    }

    /// Works until `shutdown`, then publishes what it has read and returns.
    ///
    /// A log or a store that does not answer is waited for. A second writer of
    /// the same log makes this one begin again from what is published.
    ///
    /// # Errors
    /// Only when somebody has to mend something first:
    /// [`Error::is_retryable`] is false for it.
    pub async fn run(self, shutdown: Shutdown) -> Result<(), Error> {
        let _component = shutdown.component("transform");
        let stop = shutdown.token();
        let (read, followed) = watch::channel(BTreeMap::new());
        let counter = Counter::new(
            &self.config,
            Arc::clone(&self.log),
            self.lake.clone(),
            self.registry.clone(),
        );
        let reports = Reports::new(
            &self.config,
            self.lake.clone(),
            self.registry.clone(),
            self.clock.clone(),
        );
        let reports = reports.map_err(Error::Threads)?;
        let tended = Moved::default();
        let moved = Moved::with(tended.clone());
        let upkeep = Upkeep::new(
            self.config.maintenance.clone(),
            self.lake.clone(),
            self.registry.clone(),
            self.clock.clone(),
        );
        let maintenance = maintenance::Schedule::new(
            self.config.maintenance.clone(),
            upkeep,
            self.upkeep_leases.clone(),
            self.registry.clone(),
            tended,
        );
        let maintaining = maintenance.map_err(Error::Threads)?.run(stop.clone());
        let interval = self.config.report_interval();
        let turns = Turns::new(self.report_leases.clone());
        let registry = self.registry.clone();
        let schedule = Schedule::new(reports, registry, moved.clone(), interval, turns);
        let refreshing = schedule.run(stop.clone());
        let finished = CancellationToken::new();
        let counting = counter.run(followed, finished.clone());
        let working = async {
            let result = self.work_on(&read, &moved, &stop).await;
            // The counter follows to the last record.
            finished.cancel();
            result
        };
        let working = async {
            let (result, ()) = tokio::join!(working, counting);
            result
        };
        tokio::select! {
            // Reports are refreshed for as long as anything is published.
            result = working => result,
            () = refreshing => unreachable!("refreshing does not end by itself"),
            () = maintaining => unreachable!("maintaining does not end by itself"),
        }
    }

    async fn work_on(
        &self,
        read: &watch::Sender<BTreeMap<u32, u64>>,
        moved: &Moved,
        stop: &CancellationToken,
    ) -> Result<(), Error> {
        let mut waiting = Waiting::default();
        loop {
            // Whatever was published before this life.
            moved.add_all();
            let error = match self.work(read, moved, stop, &mut waiting).await {
                Ok(()) => return Ok(()),
                Err(Error::Mended) => continue,
                Err(error) => error,
            };
            self.health.not_ready(error.chain());
            if !error.is_retryable() {
                tracing::error!(error = error.chain(), "stopped");
                return Err(error);
            }
            if stop.is_cancelled() {
                // Nothing is lost: the log has it, and the next start reads it.
                tracing::warn!(error = error.chain(), "stopped before all was published");
                return Ok(());
            }
            tracing::warn!(
                error = error.chain(),
                "beginning again from what is published"
            );
            metrics::counter!("chalkline_transform_restarts_total").increment(1);
            tokio::select! {
                () = tokio::time::sleep(RESTART_PAUSE) => {}
                () = stop.cancelled() => return Ok(()),
            }
        }
    }

    /// One life: from what the lake says until it is time to stop, or until
    /// what is known is no longer true.
    async fn work(
        &self,
        read: &watch::Sender<BTreeMap<u32, u64>>,
        moved: &Moved,
        stop: &CancellationToken,
        waiting: &mut Waiting,
    ) -> Result<(), Error> {
        let recovered = tokio::select! {
            recovered = recover(&self.log, &self.lake, &self.registry, &self.config, waiting) => {
                recovered?
            }
            () = stop.cancelled() => return Ok(()),
        };
        let mut line = Line {
            transform: self,
            waiting,
            patience: Patience::new(self.health.clone(), stop.clone()),
            moved,
            stop,
            judge: recovered.judge,
            publisher: recovered.publisher,
            progress: Progress::new(
                self.lake.clone(),
                Arc::clone(&self.log),
                self.clock.clone(),
                recovered.floors,
                read.clone(),
            ),
            tenants: HashMap::new(),
            newest: DateTime::UNIX_EPOCH,
            broken: BTreeMap::new(),
            warned: false,
        };
        line.tell_index();
        line.foresee(&recovered.unfinished).await?;
        line.run(recovered.unfinished).await?;
        if stop.is_cancelled() {
            return Ok(());
        }
        line.judge.forget_settled();
        let mut live = recovered.live;
        live.retain(|stretch| !line.broken.contains_key(&stretch.partition));
        line.say_health();
        line.run(live).await?;
        // Every partition is broken: somebody has to see it.
        tokio::select! {
            () = stop.cancelled() => Ok(()),
            () = line.waiting.mended() => Err(Error::Mended),
        }
    }
}

/// What turns records into published rows during one life.
struct Line<'a> {
    transform: &'a Transform,
    waiting: &'a mut Waiting,
    patience: Patience,
    /// Whose reports are to be refreshed.
    moved: &'a Moved,
    stop: &'a CancellationToken,
    judge: Judge,
    publisher: Publisher,
    progress: Progress,
    /// The tenants of the round that is open.
    tenants: HashMap<TenantId, Option<Arc<Tenant>>>,
    /// The latest time at which an event was received.
    newest: DateTime<Utc>,
    /// Partitions that cannot be read on, and why.
    broken: BTreeMap<u32, String>,
    /// Of the size of the index.
    warned: bool,
}

impl Line<'_> {
    /// Looks through the unfinished round for events that were found to be new
    /// but are not stored yet; see [`Judge::foresee`].
    async fn foresee(&mut self, unfinished: &[Stretch]) -> Result<(), Error> {
        let mut readers = self.read(unfinished);
        loop {
            let message = tokio::select! {
                message = readers.next() => message?,
                () = self.stop.cancelled() => None,
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
    async fn run(&mut self, stretches: Vec<Stretch>) -> Result<(), Error> {
        let mut readers = self.read(&stretches);
        loop {
            let (round, more) = self.collect(&mut readers).await?;
            if !round.is_empty() {
                self.publish(round).await?;
            }
            self.let_time_pass().await;
            if !more {
                return Ok(());
            }
        }
    }

    fn read(&self, stretches: &[Stretch]) -> Readers {
        let transform = self.transform;
        Readers::start(&transform.log, stretches, transform.config.read_bytes)
    }

    /// Fills a round until it is to be published; also says whether there may
    /// be more.
    async fn collect(&mut self, readers: &mut Readers) -> Result<(Round, bool), Error> {
        let config = &self.transform.config;
        let limit = Size {
            rows: config.max_rows,
            bytes: config.max_bytes,
            age: config.interval(),
        };
        let mut round = Round::new(self.transform.log.id().as_str());
        let mut begun: Option<Instant> = None;
        self.tenants.clear();
        loop {
            let tick = Instant::now() + TICK;
            let wake = begun.map_or(tick, |begun| tick.min(begun + limit.age));
            tokio::select! {
                message = readers.next() => match message? {
                    Some(Message::Records { partition, records }) => {
                        begun.get_or_insert_with(Instant::now);
                        if !self.take(&mut round, partition, records).await {
                            return Ok((round, false));
                        }
                    }
                    Some(Message::Stopped { partition, error }) => self.break_off(partition, error)?,
                    None => return Ok((round, false)),
                },
                () = sleep_until(wake) => self.let_time_pass().await,
                // What is in the round is read again.
                () = self.waiting.mended() => return Err(Error::Mended),
                () = self.stop.cancelled() => return Ok((round, false)),
            }
            let age = begun.map_or(Duration::ZERO, |begun| begun.elapsed());
            if !round.is_empty() && should_close(round.size(age), limit) {
                return Ok((round, true));
            }
        }
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
                    Outcome::Quarantined(home, _) if self.waiting.has(&home) => Outcome::Waiting,
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
            if let Ok(Content::Event(event, _)) = &record.content {
                self.newest = self.newest.max(event.received_at);
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
            let ask = || self.transform.registry.tenant(id);
            self.patience.ask(ask, RegistryError::is_retryable).await?
        };
        self.tenants.insert(id.clone(), tenant.clone());
        Ok(tenant)
    }

    async fn publish(&mut self, round: Round) -> Result<(), Error> {
        let begun = Instant::now();
        let stretches = round.stretches().clone();
        let tenants = round.tenants();
        let failed = self.publisher.publish(round, &self.patience).await?;
        for (tenant, error) in &failed {
            for (partition, stretch) in &stretches {
                self.progress.pin(*partition, stretch.start);
            }
            self.waiting.add(tenant, error);
        }
        self.progress.advance(&stretches).await?;
        self.moved.add(tenants);
        // Of what is still to come, nothing was received before this time.
        if let Some(as_of) = self.progress.as_of() {
            self.judge.index().forget_before(as_of.min(self.newest));
        }
        self.tell_index();
        metrics::counter!("chalkline_transform_rounds_total").increment(1);
        metrics::histogram!("chalkline_transform_round_seconds")
            .record(begun.elapsed().as_secs_f64());
        self.say_health();
        Ok(())
    }

    /// Shows how large the index is, and once in a life warns of it.
    fn tell_index(&mut self) {
        let index = self.judge.index();
        metrics::gauge!("chalkline_transform_index_events").set(index.len() as f64);
        if index.len() >= LARGE_INDEX && !self.warned {
            self.warned = true;
            tracing::warn!(
                events = index.len(),
                size_bytes = index.size_bytes(),
                "the ids kept for deduplication take much memory; see that it suffices for \
                 all events of {} days",
                self.transform.config.deduplication_days
            );
        }
    }

    async fn let_time_pass(&mut self) {
        let _ = timeout(TICK, self.progress.tick()).await;
    }

    /// A partition cannot be read on.
    fn break_off(&mut self, partition: u32, error: ReadError) -> Result<(), Error> {
        if matches!(error, ReadError::BeyondTail { .. }) {
            return Err(Error::AnotherLog {
                log_id: self.transform.log.id().to_string(),
                source: error,
            });
        }
        tracing::error!(
            log.partition = partition,
            error = crate::error::chain(&error),
            "the partition is stopped: {TRUNCATED}"
        );
        let reason = format!("partition {partition} is stopped: {error}: {TRUNCATED}");
        self.broken.insert(partition, reason);
        self.say_health();
        Ok(())
    }

    fn say_health(&self) {
        let health = &self.transform.health;
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
