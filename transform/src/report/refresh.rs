//! One tenant's reports, from what changed to one commit each.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::io;
use std::sync::Arc;
use std::time::Instant;

use chrono::{DateTime, Utc};
use datafusion::execution::runtime_env::RuntimeEnv;
use futures::stream::{self, TryStreamExt};
use lake::{Advance, AppId, Lake, LakeError, LakeTable, Slices, TermSlices};
use runtime::{Clock, Registry};
use schemas::{Report, ReportName, Table, Tenant, TenantId, Term};
use tokio::sync::Mutex;

use crate::config::Config;
use crate::report::ReportError;
use crate::report::compute::compute;
use crate::report::dirty::{Source, dirty};
use crate::report::executor::Executor;
use crate::report::session::{runtime_env, session};

/// Tables that are kept open between refreshes; opening one reads its whole log.
const MAX_OPEN_TABLES: usize = 200;

/// How often a refresh is begun anew because another process was faster.
const MAX_CONFLICTS: usize = 3;

/// Refreshes the reports that are tables. Clones share everything; one tenant
/// is refreshed at a time, so that the memory is one refresh's.
#[derive(Clone)]
pub struct Reports {
    executor: Arc<Executor>,
    inner: Arc<Inner>,
}

struct Inner {
    lake: Lake,
    registry: Registry,
    clock: Clock,
    runtime_env: Arc<RuntimeEnv>,
    /// Tables at the version at which they were last seen.
    tables: Mutex<HashMap<(TenantId, Table), LakeTable>>,
}

/// What a refresh did.
struct Refreshed {
    slices: usize,
    rows: usize,
}

/// The tables of one tenant during one refresh of all its reports.
struct Pinned<'a> {
    inner: &'a Inner,
    tenant: &'a Tenant,
    /// Up to when the tables made of the log are complete: asked before any of
    /// them was looked at.
    as_of: DateTime<Utc>,
    tables: HashMap<Table, Option<LakeTable>>,
}

impl Reports {
    /// Nothing is refreshed yet.
    ///
    /// # Errors
    /// When the threads or the memory for it cannot be had.
    pub fn new(config: &Config, lake: Lake, registry: Registry, clock: Clock) -> io::Result<Self> {
        let runtime_env = runtime_env(config.report_memory_bytes).map_err(io::Error::other)?;
        Ok(Self {
            executor: Arc::new(Executor::new()?),
            inner: Arc::new(Inner {
                lake,
                registry,
                clock,
                runtime_env,
                tables: Mutex::default(),
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
        let failures = self.refresh_but(tenant, BTreeSet::new()).await?;
        failures.into_values().next().map_or(Ok(()), Err)
    }

    /// Refreshes all reports but some; says which failed.
    pub(crate) async fn refresh_but(
        &self,
        tenant: &TenantId,
        but: BTreeSet<&'static str>,
    ) -> Result<BTreeMap<&'static str, ReportError>, ReportError> {
        let (inner, tenant) = (Arc::clone(&self.inner), tenant.clone());
        let work = async move { inner.refresh(&tenant, &but).await };
        self.executor.run(work).await
    }
}

impl Inner {
    async fn refresh(
        &self,
        tenant: &TenantId,
        but: &BTreeSet<&'static str>,
    ) -> Result<BTreeMap<&'static str, ReportError>, ReportError> {
        let mut open = self.tables.lock().await;
        let Some(tenant) = self.registry.tenant(tenant).await? else {
            return Ok(BTreeMap::new());
        };
        let mut conflicts = 0;
        loop {
            let failures = self.refresh_once(&tenant, but, &mut open).await?;
            let conflict = failures.values().any(ReportError::is_conflict);
            if !conflict || conflicts == MAX_CONFLICTS {
                return Ok(failures);
            }
            conflicts += 1;
        }
    }

    async fn refresh_once(
        &self,
        tenant: &Tenant,
        but: &BTreeSet<&'static str>,
        open: &mut HashMap<(TenantId, Table), LakeTable>,
    ) -> Result<BTreeMap<&'static str, ReportError>, ReportError> {
        let mut take = |table| open.remove(&(tenant.id.clone(), table));
        // Before their sources: a report is never found to be made of later
        // versions than those that are pinned.
        let mut reports = Vec::new();
        for (name, report) in in_order() {
            let kind = Table::Report(name);
            let table = self.newest(&tenant.id, kind, take(kind)).await;
            reports.push((name, report, table));
        }
        let as_of = self.lake.data_as_of().await?;
        let mut pinned = Pinned {
            inner: self,
            tenant,
            as_of: as_of.unwrap_or(DateTime::UNIX_EPOCH),
            tables: HashMap::new(),
        };
        for kind in Table::BASE.into_iter().filter(|table| table.is_by_term()) {
            let table = self.newest(&tenant.id, kind, take(kind)).await?;
            pinned.tables.insert(kind, table);
        }
        let mut failures = BTreeMap::new();
        for (name, report, table) in reports {
            let stuck = |source: &Table| {
                let source = source.as_str();
                but.contains(source) || failures.contains_key(source)
            };
            if but.contains(report.name) || report.sources.iter().any(stuck) {
                continue;
            }
            let refreshed = match table {
                Ok(table) => pinned.refresh(name, report, table).await,
                Err(error) => Err(error.into()),
            };
            if let Err(error) = refreshed {
                failures.insert(report.name, error);
            }
        }
        if open.len() > MAX_OPEN_TABLES {
            open.clear();
        }
        for (kind, table) in pinned.tables {
            open.extend(table.map(|table| ((tenant.id.clone(), kind), table)));
        }
        Ok(failures)
    }

    /// A table at its newest version.
    async fn newest(
        &self,
        tenant: &TenantId,
        kind: Table,
        known: Option<LakeTable>,
    ) -> Result<Option<LakeTable>, LakeError> {
        match known {
            Some(mut table) => {
                table.refresh().await?;
                Ok(Some(table))
            }
            None => self.lake.open(tenant, kind).await,
        }
    }
}

impl Pinned<'_> {
    /// Refreshes one report, whose sources are pinned; then it is, too.
    async fn refresh(
        &mut self,
        name: ReportName,
        report: &'static Report,
        table: Option<LakeTable>,
    ) -> Result<(), ReportError> {
        let pinned = |source: &Table| self.tables.get(source).is_some_and(Option::is_some);
        let mut table = match table {
            Some(table) => table,
            None if !report.sources.iter().any(pinned) => return Ok(()),
            None => {
                let (lake, tenant) = (&self.inner.lake, &self.tenant.id);
                lake.open_or_create(tenant, Table::Report(name)).await?
            }
        };
        if let Some(done) = self.replace(name, report, &mut table).await? {
            let lag = self.inner.clock.now() - self.as_of;
            let rows = u64::try_from(done.rows).unwrap_or(u64::MAX);
            let slices = u64::try_from(done.slices).unwrap_or(u64::MAX);
            metrics::counter!("chalkline_report_slices_total", "report" => report.name)
                .increment(slices);
            metrics::counter!("chalkline_report_rows_total", "report" => report.name)
                .increment(rows);
            metrics::gauge!("chalkline_report_lag_seconds", "report" => report.name)
                .set(lag.as_seconds_f64());
        }
        self.tables.insert(Table::Report(name), Some(table));
        Ok(())
    }

    /// Replaces the dirty slices of a report; `None` when nothing has moved.
    async fn replace(
        &self,
        name: ReportName,
        report: &'static Report,
        table: &mut LakeTable,
    ) -> Result<Option<Refreshed>, ReportError> {
        let begun = Instant::now();
        let pinned = |source: &Table| self.tables.get(source).cloned().flatten();
        let definition = report.definition(self.tenant.time_zone);
        let as_of = AppId::report_as_of(report.name, &definition);
        let as_of_before = table.next_position(&as_of).await?;
        let mut sources = Vec::with_capacity(report.sources.len());
        let mut advances = Vec::with_capacity(sources.len() + 1);
        for source in &report.sources {
            let app = AppId::report(report.name, &definition, *source);
            let since = table.next_position(&app).await?;
            let source = Source {
                kind: *source,
                table: pinned(source),
                since,
            };
            advances.extend(source.version().map(|version| Advance {
                app,
                expected: since,
                next: version,
            }));
            sources.push(source);
        }
        let stands = |source: &Source| source.since == source.version();
        if as_of_before.is_some() && sources.iter().all(stands) {
            return Ok(None);
        }
        let micros = u64::try_from(self.as_of.timestamp_micros()).unwrap_or(0);
        advances.push(Advance {
            app: as_of,
            expected: as_of_before,
            // What was true once is: nothing goes back.
            next: micros.max(as_of_before.unwrap_or(0)),
        });

        let (slices, count) = self.slices(report, &sources, table, as_of_before).await?;
        let rows = self.compute(name, report, &sources, table, &slices).await?;
        let row_count = rows
            .iter()
            .flat_map(|rows| &rows.batches)
            .map(|batch| batch.num_rows())
            .sum();
        let published = table.replace(&slices, rows, &advances).await;
        let published = published.map_err(|source| ReportError::Publish {
            report: report.name,
            source,
        })?;
        metrics::histogram!("chalkline_report_refresh_seconds", "report" => report.name)
            .record(begun.elapsed().as_secs_f64());
        tracing::debug!(
            tenant.id = %self.tenant.id,
            report = report.name,
            slices = count,
            rows = row_count,
            version = published.version,
            size_bytes = published.bytes,
            duration_ms = begun.elapsed().as_millis() as u64,
            everything = slices == Slices::All,
            "refreshed"
        );
        Ok(Some(Refreshed {
            slices: count,
            rows: row_count,
        }))
    }

    /// Which slices are dirty, and how many.
    async fn slices(
        &self,
        report: &Report,
        sources: &[Source],
        table: &LakeTable,
        as_of: Option<u64>,
    ) -> Result<(Slices, usize), ReportError> {
        let known = as_of.is_some() && table.has_columns()?;
        if known && let Some(slices) = dirty(report, sources, self.tenant.time_zone).await? {
            let by_term = slices.by_term().map_err(LakeError::Rows)?;
            return Ok((Slices::Of(by_term), slices.len()));
        }
        let count = all_terms(sources).len();
        Ok((Slices::All, count))
    }

    async fn compute(
        &self,
        name: ReportName,
        report: &'static Report,
        sources: &[Source],
        table: &LakeTable,
        slices: &Slices,
    ) -> Result<Vec<lake::Rows>, ReportError> {
        let terms: BTreeMap<Term, TermSlices> = match slices {
            Slices::Of(terms) => terms.clone(),
            Slices::All => {
                tracing::info!(
                    tenant.id = %self.tenant.id,
                    report = report.name,
                    version = table.version(),
                    "computing everything"
                );
                let terms = all_terms(sources).into_iter();
                terms.map(|term| (term, TermSlices::All)).collect()
            }
        };
        let session = session(&self.inner.runtime_env);
        let zone = self.tenant.time_zone;
        stream::iter(terms.iter().map(Ok))
            .and_then(|(term, slices)| compute(report, name, sources, term, slices, zone, &session))
            .try_collect()
            .await
    }
}

/// The terms of which any source has rows.
fn all_terms(sources: &[Source]) -> BTreeSet<Term> {
    let tables = sources.iter().filter_map(|source| source.table.as_ref());
    tables.flat_map(LakeTable::terms).collect()
}

/// The reports that are tables, each after those that it reads.
fn in_order() -> Vec<(ReportName, &'static Report)> {
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
