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
        let as_of = self.lake.data_as_of().await?;
        let mut pinned = Pinned {
            inner: self,
            tenant: &tenant,
            as_of: as_of.unwrap_or(DateTime::UNIX_EPOCH),
            tables: HashMap::new(),
        };
        for table in Table::BASE.into_iter().filter(|table| table.is_by_term()) {
            let known = open.remove(&(tenant.id.clone(), table));
            let table = (table, self.newest(&tenant.id, table, known).await?);
            pinned.tables.extend([table]);
        }
        let mut failures = BTreeMap::new();
        for (name, report) in in_order() {
            let stuck = |source: &Table| {
                let source = source.as_str();
                but.contains(source) || failures.contains_key(source)
            };
            if but.contains(report.name) || report.sources.iter().any(stuck) {
                continue;
            }
            let known = open.remove(&(tenant.id.clone(), Table::Report(name)));
            if let Err(error) = pinned.refresh(name, report, known).await {
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
        mut known: Option<LakeTable>,
    ) -> Result<(), ReportError> {
        let mut conflicts = 0;
        let (table, refreshed) = loop {
            match self.try_refresh(name, report, known.take()).await {
                Err(error) if error.is_conflict() && conflicts < MAX_CONFLICTS => conflicts += 1,
                result => break result?,
            }
        };
        if let Some(done) = refreshed {
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
        self.tables.insert(Table::Report(name), table);
        Ok(())
    }

    /// The report's table at its new version, and what was done if anything was.
    async fn try_refresh(
        &self,
        name: ReportName,
        report: &'static Report,
        known: Option<LakeTable>,
    ) -> Result<(Option<LakeTable>, Option<Refreshed>), ReportError> {
        let begun = Instant::now();
        let kind = Table::Report(name);
        let pinned = |source: &Table| self.tables.get(source).cloned().flatten();
        if report.sources.iter().all(|source| pinned(source).is_none()) {
            return Ok((None, None));
        }
        let table = self.inner.newest(&self.tenant.id, kind, known).await?;
        let mut table = match table {
            Some(table) => table,
            None => {
                self.inner
                    .lake
                    .open_or_create(&self.tenant.id, kind)
                    .await?
            }
        };
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
            advances.extend(source.table.as_ref().map(|table| Advance {
                app,
                expected: since,
                next: table.version(),
            }));
            sources.push(source);
        }
        let stands =
            |source: &Source| source.since == source.table.as_ref().map(LakeTable::version);
        if as_of_before.is_some() && sources.iter().all(stands) {
            return Ok((Some(table), None));
        }
        let micros = u64::try_from(self.as_of.timestamp_micros()).unwrap_or(0);
        advances.push(Advance {
            app: as_of,
            expected: as_of_before,
            // What was true once is: nothing goes back.
            next: micros.max(as_of_before.unwrap_or(0)),
        });

        let (slices, count) = self.slices(report, &sources, &table, as_of_before).await?;
        let rows = self
            .compute(name, report, &sources, &table, &slices)
            .await?;
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
        let refreshed = Refreshed {
            slices: count,
            rows: row_count,
        };
        Ok((Some(table), Some(refreshed)))
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
