//! All reports of a tenant, one after the other, sources first.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use datafusion::execution::runtime_env::RuntimeEnv;
use lake::{Lake, LakeTable, Mark};
use runtime::{Clock, Registry};
use schemas::{Report, ReportName, Table, Tenant, TenantId};
use tokio::time::timeout;

use crate::config::Config;
use crate::report::ReportError;
use crate::report::executor::{Executor, Panicked, surviving};
use crate::report::limits::Limits;
use crate::report::pause::jittered;
use crate::report::pinned::Pinned;
use crate::report::session::runtime_env;

/// Tables that are kept open between refreshes; opening one reads its whole log.
const MAX_OPEN_TABLES: usize = 200;

/// How often a tenant is looked at anew because another process was faster, and
/// how long after the first time.
const MAX_CONFLICTS: u32 = 3;
const CONFLICT_PAUSE: Duration = Duration::from_millis(100);

/// Refreshes the reports that are tables. Clones share everything.
#[derive(Clone)]
pub struct Reports {
    executor: Arc<Executor>,
    inner: Arc<Inner>,
}

/// What all refreshes share.
pub(crate) struct Inner {
    pub lake: Lake,
    pub clock: Clock,
    pub limits: Limits,
    pub runtime_env: Arc<RuntimeEnv>,
    registry: Registry,
    known: Mutex<Known>,
}

/// What is remembered of earlier refreshes: never more than saves work.
#[derive(Default)]
struct Known {
    /// Tables at the version at which they were last seen.
    tables: HashMap<(TenantId, Table), LakeTable>,
    /// What each tenant's reports were last refreshed of.
    seen: HashMap<TenantId, Seen>,
    /// The definitions that this process has put into reports.
    put: HashMap<(TenantId, ReportName), u64>,
}

/// What a tenant's reports were refreshed of.
struct Seen {
    time_zone: Tz,
    tables: HashMap<Table, Mark>,
}

/// What a look at all reports of a tenant came to.
#[derive(Debug, Default)]
pub(crate) struct Pass {
    /// Reports that are made of all that is published, and up to when that is
    /// complete, if anybody knows.
    pub caught_up: BTreeMap<&'static str, Option<DateTime<Utc>>>,
    /// Reports that are not.
    pub failures: BTreeMap<&'static str, ReportError>,
    /// Reports that were not looked at, because one that they read fails or rests.
    pub waiting: BTreeSet<&'static str>,
}

impl Reports {
    /// Nothing is refreshed yet.
    ///
    /// # Errors
    /// When the threads or the memory for it cannot be had.
    pub fn new(config: &Config, lake: Lake, registry: Registry, clock: Clock) -> io::Result<Self> {
        let limits = Limits::new(config);
        let runtime_env = runtime_env(limits.pool_bytes).map_err(io::Error::other)?;
        Ok(Self {
            executor: Arc::new(Executor::new()?),
            inner: Arc::new(Inner {
                lake,
                clock,
                limits,
                runtime_env,
                registry,
                known: Mutex::default(),
            }),
        })
    }

    /// Brings all reports of a tenant up to what is published now. A tenant that
    /// does not exist has none.
    ///
    /// # Errors
    /// The first [`ReportError`]; the other reports are refreshed all the same,
    /// but for those that read the one that failed.
    pub async fn refresh(&self, tenant: &TenantId) -> Result<(), ReportError> {
        let pass = self.pass(tenant, BTreeSet::new()).await?;
        let failures = pass.map(|pass| pass.failures).unwrap_or_default();
        failures.into_values().next().map_or(Ok(()), Err)
    }

    /// The same, but for reports that rest and those that read them; says what
    /// became of each. `None` for a tenant that does not exist.
    ///
    /// # Errors
    /// [`ReportError`] when no report could be looked at.
    pub(crate) async fn pass(
        &self,
        tenant: &TenantId,
        resting: BTreeSet<&'static str>,
    ) -> Result<Option<Pass>, ReportError> {
        let (inner, tenant) = (Arc::clone(&self.inner), tenant.clone());
        let work = async move { inner.pass_over_conflicts(&tenant, &resting).await };
        let done = self.executor.run(work).await;
        done.unwrap_or_else(|Panicked(message)| {
            Err(ReportError::Panicked {
                report: "",
                message,
            })
        })
    }

    /// Whether a tenant's tables have moved on since its reports were last looked
    /// at, or its time zone: asks for a few objects and reads none.
    ///
    /// # Errors
    /// [`ReportError::Lake`] or [`ReportError::Registry`].
    pub(crate) async fn has_moved(&self, tenant: &TenantId) -> Result<bool, ReportError> {
        let Some(document) = self.inner.registry.tenant(tenant).await? else {
            return Ok(false);
        };
        let (time_zone, marks) = match self.inner.known().seen.get(tenant) {
            Some(seen) => (seen.time_zone, seen.tables.clone()),
            None => (document.time_zone, HashMap::new()),
        };
        if time_zone != document.time_zone {
            return Ok(true);
        }
        let reports = ReportName::all().map(Table::Report);
        for kind in base_tables().chain(reports) {
            let lake = &self.inner.lake;
            if lake.has_moved(tenant, kind, marks.get(&kind)).await? {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// The clock by which it is told how far reports are behind.
    pub(crate) fn clock(&self) -> &Clock {
        &self.inner.clock
    }
}

impl Inner {
    /// Looks at a tenant, and again after a while when another process has just
    /// done the same: most often it then finds nothing left to do.
    async fn pass_over_conflicts(
        &self,
        tenant: &TenantId,
        resting: &BTreeSet<&'static str>,
    ) -> Result<Option<Pass>, ReportError> {
        let Some(tenant) = self.registry.tenant(tenant).await? else {
            return Ok(None);
        };
        let mut conflicts = 0;
        loop {
            let pass = self.pass_once(&tenant, resting).await?;
            let lost = pass.failures.values().any(ReportError::is_conflict);
            if !lost || conflicts == MAX_CONFLICTS {
                return Ok(Some(pass));
            }
            tokio::time::sleep(jittered(CONFLICT_PAUSE * 2_u32.pow(conflicts))).await;
            conflicts += 1;
        }
    }

    async fn pass_once(
        &self,
        tenant: &Tenant,
        resting: &BTreeSet<&'static str>,
    ) -> Result<Pass, ReportError> {
        let newest = async |kind| {
            let known = self.known().tables.remove(&(tenant.id.clone(), kind));
            self.lake.reopen(&tenant.id, kind, known).await
        };
        // Before their sources: a report is never found to be made of later
        // versions than those that are pinned.
        let mut reports = Vec::new();
        for (name, report) in in_order() {
            reports.push((name, report, newest(Table::Report(name)).await));
        }
        let as_of = self.lake.data_as_of().await?;
        let mut pinned = Pinned::new(self, tenant, as_of);
        for kind in base_tables() {
            pinned.add(kind, newest(kind).await);
        }
        let mut pass = Pass::default();
        // Those that fail or rest, and all that read them.
        let mut stuck = resting.clone();
        for (name, report, table) in reports {
            if stuck.contains(report.name) {
                continue;
            }
            let mut sources = report.sources.iter();
            if sources.any(|table| stuck.contains(table.as_str())) {
                stuck.insert(report.name);
                pass.waiting.insert(report.name);
                continue;
            }
            let work = timeout(self.limits.timeout, pinned.catch_up(name, report, table));
            let done = match surviving(work).await {
                Ok(Ok(done)) => done,
                Ok(Err(_)) => Err(ReportError::Timeout {
                    report: report.name,
                    limit: self.limits.timeout,
                }),
                Err(Panicked(message)) => Err(ReportError::Panicked {
                    report: report.name,
                    message,
                }),
            };
            match done {
                Ok(()) => pass.caught_up.insert(report.name, as_of),
                Err(error) => {
                    stuck.insert(report.name);
                    pass.failures.insert(report.name, error);
                    None
                }
            };
        }
        self.remember(tenant, pinned.into_tables());
        Ok(pass)
    }

    fn remember(&self, tenant: &Tenant, tables: HashMap<Table, LakeTable>) {
        let marks = tables.iter().map(|(kind, table)| (*kind, table.mark()));
        let seen = Seen {
            time_zone: tenant.time_zone,
            tables: marks.collect(),
        };
        let mut known = self.known();
        known.seen.insert(tenant.id.clone(), seen);
        if known.tables.len() > MAX_OPEN_TABLES {
            known.tables.clear();
        }
        let tables = tables.into_iter();
        let tables = tables.map(|(kind, table)| ((tenant.id.clone(), kind), table));
        known.tables.extend(tables);
    }

    /// This process has put a definition into a report.
    pub fn put(&self, tenant: &TenantId, report: ReportName, definition: u64) {
        let key = (tenant.clone(), report);
        self.known().put.insert(key, definition);
    }

    /// Whether a definition that this process has put into a report was replaced
    /// since; told once.
    pub fn take_superseded(
        &self,
        tenant: &TenantId,
        report: ReportName,
        ours: u64,
        stored: Option<u64>,
    ) -> bool {
        let key = (tenant.clone(), report);
        let mut known = self.known();
        let superseded = stored.is_some_and(|stored| stored != ours)
            && known.put.get(&key).is_some_and(|put| *put == ours);
        if superseded {
            known.put.remove(&key);
        }
        superseded
    }

    fn known(&self) -> MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The tables made of the log that reports read.
fn base_tables() -> impl Iterator<Item = Table> {
    let is_read = |table: &Table| matches!(table, Table::Events(_));
    Table::BASE.into_iter().filter(is_read)
}

/// The reports that are tables, each after those that it reads.
pub(crate) fn in_order() -> Vec<(ReportName, &'static Report)> {
    let mut ordered: Vec<(ReportName, &'static Report)> = Vec::new();
    let mut left: Vec<ReportName> = ReportName::all().collect();
    while !left.is_empty() {
        let before = left.len();
        left.retain(|name| {
            let report = name.report();
            let known = |source: &Table| match source {
                Table::Report(source) => ordered.iter().any(|(known, _)| known == source),
                _ => true,
            };
            let ready = report.sources.iter().all(known);
            if ready {
                ordered.push((*name, report));
            }
            !ready
        });
        assert!(left.len() < before, "no report reads itself");
    }
    ordered
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_report_comes_after_its_sources() {
        let ordered = in_order();
        assert_eq!(ordered.len(), ReportName::all().count());
        let place = |name: &str| ordered.iter().position(|(_, report)| report.name == name);
        assert!(place("student_day") < place("section_day"));
    }
}
