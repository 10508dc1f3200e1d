//! count: a second reader of the log, for the ledger.
//!
//! It shares nothing with the first but the log: it looks at headers only,
//! follows below what the first has decided about, and says how many events the
//! log holds. The ledger compares that with the rows of the tables.

mod following;
mod tally;

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use chrono::DateTime;
use eventlog::{Entry, EventLog};
use lake::{Advance, AppId, Lake, LakeError, LakeTable, PublishError, Rows};
use runtime::Registry;
use schemas::{Table, TenantId, layout};
use tokio::sync::watch;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

pub(crate) use self::following::Following;
use self::tally::{Key, Tally};
use crate::columns::{Count, CountRows};
use crate::config::Config;
use crate::decode::{is_beside, tenant};
use crate::error::{Error, chain};
use crate::replay::Again;

/// Positions that are counted of one partition before counts are published.
const STRETCH: u64 = 1_000_000;

/// Headers that are read of a partition at a time.
const READ_BYTES: usize = 256 << 10;

/// How long tenants are left alone whose counts could not be published.
const REST: Duration = Duration::from_secs(10);

/// How long counts are left to grow at most.
const LONGEST_PAUSE: Duration = Duration::from_secs(60);

/// What counts may add to the budget of commits, as a share of it: they are few rows,
/// and nobody waits for them.
const SHARE: f64 = 0.2;

/// How long to wait before the last counts are tried again.
const RETRY: Duration = Duration::from_millis(50);

/// How long the last counts may take once all rows are published.
const FINISH: Duration = Duration::from_secs(3);

/// The second reader.
pub(crate) struct Counter {
    log: Arc<dyn EventLog>,
    lake: Lake,
    registry: Registry,
    interval: Duration,
    /// Each publication of counts takes one for each tenant that has records.
    commits_per_second: f64,
    commits: u32,
    /// The tables that were needed so far, at the version last known.
    tables: HashMap<TenantId, LakeTable>,
    /// Tenants whose counts cannot be published now.
    waiting: BTreeSet<TenantId>,
    /// When to look after them.
    look_at: Instant,
    /// Up to where everybody else's records are counted, while somebody waits.
    ahead: BTreeMap<u32, u64>,
    /// The partitions that are counted here.
    owned: BTreeSet<u32>,
    /// Where reading stopped in each partition.
    readers: HashMap<u32, Following>,
}

impl Counter {
    /// A second reader of the log.
    pub fn new(config: &Config, log: Arc<dyn EventLog>, lake: Lake, registry: Registry) -> Self {
        Self {
            commits_per_second: config.commits_per_second(&lake) * SHARE,
            log,
            lake,
            registry,
            interval: config.count_interval(),
            commits: 0,
            tables: HashMap::new(),
            waiting: BTreeSet::new(),
            look_at: Instant::now(),
            ahead: BTreeMap::new(),
            owned: BTreeSet::new(),
            readers: HashMap::new(),
        }
    }

    /// Counts what lies below `read`, now and then, until `finished` and then
    /// once more, but not for ever. Failures only delay it.
    pub async fn run(
        mut self,
        read: watch::Receiver<BTreeMap<u32, u64>>,
        finished: CancellationToken,
    ) {
        let mut out_of_time = pin!(async {
            finished.cancelled().await;
            tokio::time::sleep(FINISH).await;
        });
        loop {
            tokio::select! {
                () = tokio::time::sleep(self.pause()) => {}
                () = finished.cancelled() => {}
            }
            let last = finished.is_cancelled();
            if last {
                self.look_at = Instant::now();
            }
            let until = read.borrow().clone();
            self.follow(&until);
            let counted = tokio::select! {
                counted = self.count(&until) => counted,
                // Where this process stops, the next one goes on.
                () = &mut out_of_time => return,
            };
            if let Err(error) = counted {
                tracing::warn!(error = chain(&error), "counting is delayed");
                // Another process may have been faster: look again.
                self.tables.clear();
                self.readers.clear();
                if last {
                    tokio::select! {
                        () = tokio::time::sleep(RETRY) => continue,
                        () = &mut out_of_time => return,
                    }
                }
            }
            if last {
                return;
            }
        }
    }

    /// How long counts are left to grow: the longer the more tables there are to
    /// commit to.
    fn pause(&mut self) -> Duration {
        let commits = f64::from(std::mem::take(&mut self.commits));
        let stretched = Duration::from_secs_f64(commits / self.commits_per_second);
        stretched.clamp(self.interval, self.interval.max(LONGEST_PAUSE))
    }

    /// Where partitions have changed hands, another process has counted, too.
    fn follow(&mut self, until: &BTreeMap<u32, u64>) {
        if !self.owned.iter().eq(until.keys()) {
            self.owned = until.keys().copied().collect();
            self.tables.clear();
            self.ahead.clear();
            self.readers
                .retain(|partition, _| until.contains_key(partition));
        }
    }

    /// Counts every partition up to `until`.
    async fn count(&mut self, until: &BTreeMap<u32, u64>) -> Result<(), Error> {
        self.look_after_waiting().await;
        loop {
            let mut tally = Tally::default();
            for (partition, until) in until {
                self.read(*partition, *until, &mut tally).await?;
            }
            if tally.stretches.is_empty() {
                return Ok(());
            }
            self.publish(tally).await?;
        }
    }

    /// Counts a stretch of a partition, from where the table of `_system` says
    /// that everything is counted.
    async fn read(&mut self, partition: u32, until: u64, tally: &mut Tally) -> Result<(), Error> {
        let counted = self.counted(&TenantId::system(), partition).await?;
        let ahead = self.ahead.get(&partition).copied().unwrap_or(0);
        let place = (TenantId::system(), partition);
        tally.counted.insert(place, counted.unwrap_or(0));
        let mut from = counted.unwrap_or(0).max(ahead);
        if from >= until {
            return Ok(());
        }
        let head = self.log.head(partition).await?;
        if head > from {
            if counted.is_some() {
                tracing::error!(
                    log.partition = partition,
                    from,
                    head,
                    "records were dropped by the log before they were counted: the ledger will \
                     not balance"
                );
            }
            from = head;
        }
        let stretch = from..until.min(from + STRETCH).max(from);
        // Put back only if all goes well.
        let mut following = match self.readers.remove(&partition) {
            Some(following) if following.next() == from => following,
            _ => Following::start(self.log.read_headers(partition, from).await?, from),
        };
        while let Some(entry) = following.below(stretch.end, READ_BYTES).await? {
            self.add(&entry, tally).await?;
        }
        self.readers.insert(partition, following);
        tally.end(partition, stretch);
        Ok(())
    }

    async fn add(&mut self, entry: &Entry, tally: &mut Tally) -> Result<(), Error> {
        let headers = &entry.record.headers;
        if tally.repeat(headers) || is_beside(headers) {
            return Ok(());
        }
        let named = tenant(headers).unwrap_or_else(TenantId::system);
        if self.waiting.contains(&named) {
            return Ok(());
        }
        let home = match tally.homes.get(&named) {
            Some(home) => home.clone(),
            None => {
                let home = match home(&self.registry, &named).await {
                    Ok(home) => home,
                    Err(error) => return self.wait(named, error),
                };
                tally.homes.insert(named.clone(), home.clone());
                home
            }
        };
        if self.waiting.contains(&home) {
            return Ok(());
        }
        let partition = entry.position.partition;
        let place = (home.clone(), partition);
        let counted = match tally.counted.get(&place) {
            Some(counted) => *counted,
            None => {
                let counted = match self.counted(&home, partition).await {
                    Ok(counted) => counted.unwrap_or(0),
                    Err(error) => return self.wait(home, error),
                };
                tally.counted.insert(place, counted);
                counted
            }
        };
        if entry.position.offset < counted {
            return Ok(());
        }
        let key = Key::of(home, partition, headers);
        let again = Again::of(headers).map(|again| again.cause);
        tally.count(named, key, again);
        Ok(())
    }

    /// Publishes the counts of each tenant, and when all are visible, in the
    /// table of `_system`, that everything is counted up to here. A crash in
    /// between counts again only what is not published.
    async fn publish(&mut self, tally: Tally) -> Result<(), Error> {
        let mut rows: BTreeMap<TenantId, CountRows> = BTreeMap::new();
        for (key, of_key) in &tally.counts {
            let stretch = &tally.stretches[&key.partition];
            let counted = tally.counted[&(key.tenant.clone(), key.partition)];
            let count = Count {
                hour: DateTime::from_timestamp(key.hour, 0).unwrap_or(DateTime::UNIX_EPOCH),
                family: key.family,
                accepted: of_key.accepted,
                partition: key.partition,
                first: stretch.start.max(counted),
                end: stretch.end,
                replayed: of_key.replayed,
            };
            let rows = rows.entry(key.tenant.clone()).or_default();
            rows.append(self.log.id().as_str(), count);
        }
        let system = rows.remove(&TenantId::system());
        for (tenant, rows) in rows {
            if let Err(error) = self.commit(&tenant, Some(rows), &tally).await {
                self.wait(tenant, error)?;
            }
        }
        if !self.waiting.is_empty() {
            let ends = tally.stretches.iter().map(|(p, stretch)| (*p, stretch.end));
            self.ahead.extend(ends);
            return Ok(());
        }
        self.commit(&TenantId::system(), system, &tally).await
    }

    async fn commit(
        &mut self,
        tenant: &TenantId,
        rows: Option<CountRows>,
        tally: &Tally,
    ) -> Result<(), Error> {
        let mut advances = Vec::with_capacity(tally.stretches.len());
        for (partition, stretch) in &tally.stretches {
            let expected = self.counted(tenant, *partition).await?;
            let believed = tally.counted.get(&(tenant.clone(), *partition));
            if believed.is_some_and(|believed| *believed != expected.unwrap_or(0)) {
                // Another process has counted the same records.
                return Err(Error::Publish {
                    table: layout::table(tenant, Table::LogCounts),
                    source: PublishError::Conflict(self.app(*partition)),
                });
            }
            advances.push(Advance {
                app: self.app(*partition),
                expected,
                next: expected.unwrap_or(0).max(stretch.end),
            });
        }
        let rows = rows.map(|mut rows| Rows {
            term: None,
            batches: vec![rows.finish()],
        });
        self.commits += 1;
        let table = self.table(tenant).await?;
        let published = table.publish(rows.into_iter().collect(), &advances).await;
        published.map_err(|source| Error::Publish {
            table: layout::table(tenant, Table::LogCounts),
            source,
        })?;
        Ok(())
    }

    /// Below which position a tenant's records of a partition are counted.
    async fn counted(&mut self, tenant: &TenantId, partition: u32) -> Result<Option<u64>, Error> {
        let app = self.app(partition);
        let position = self.table(tenant).await?.next_position(&app).await;
        position.map_err(|source| failed(tenant, source))
    }

    /// From now on this tenant's records are not counted, and nothing is said
    /// to be counted up to where everybody else's are, so that a restart counts
    /// them too.
    ///
    /// # Errors
    /// The error, when it is not this tenant's alone.
    fn wait(&mut self, tenant: TenantId, error: Error) -> Result<(), Error> {
        if tenant == TenantId::system() || !error.is_of_one_table() {
            return Err(error);
        }
        tracing::warn!(tenant.id = %tenant, error = chain(&error), "its records are not counted now");
        self.tables.remove(&tenant);
        self.waiting.insert(tenant);
        self.look_at = Instant::now() + REST;
        Ok(())
    }

    /// Now and then tries the tables of those who wait, and when all can be used
    /// begins again where the first of them stopped.
    async fn look_after_waiting(&mut self) {
        if self.waiting.is_empty() || Instant::now() < self.look_at {
            return;
        }
        self.look_at = Instant::now() + REST;
        for tenant in self.waiting.clone() {
            if self.table(&tenant).await.is_err() || home(&self.registry, &tenant).await.is_err() {
                return;
            }
        }
        self.waiting.clear();
        self.ahead.clear();
    }

    async fn table(&mut self, tenant: &TenantId) -> Result<&mut LakeTable, Error> {
        if !self.tables.contains_key(tenant) {
            let table = self.lake.open_or_create(tenant, Table::LogCounts).await;
            let table = table.map_err(|source| failed(tenant, source))?;
            self.tables.insert(tenant.clone(), table);
        }
        Ok(self.tables.get_mut(tenant).expect("just inserted"))
    }

    fn app(&self, partition: u32) -> AppId {
        AppId::counts(self.log.id().as_str(), partition)
    }
}

/// The tenant in whose tables records of `named` are: itself, if it exists.
async fn home(registry: &Registry, named: &TenantId) -> Result<TenantId, Error> {
    if *named != TenantId::system() && registry.tenant(named).await?.is_some() {
        return Ok(named.clone());
    }
    Ok(TenantId::system())
}

fn failed(tenant: &TenantId, source: LakeError) -> Error {
    Error::Table {
        table: layout::table(tenant, Table::LogCounts),
        source,
    }
}
