//! One report, from what changed to one commit.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;
use std::time::Instant;

use chrono::{DateTime, Utc};
use lake::{LakeError, LakeTable, MadeOf, Published, Slices, TermSlices};
use schemas::{Report, ReportName, Table, Tenant, Term};

use crate::report::ReportError;
use crate::report::compute::Computing;
use crate::report::dirty::{Source, dirty};
use crate::report::refresh::Inner;
use crate::report::session::session;

/// The tables of one tenant during one pass over its reports.
pub(crate) struct Pinned<'a> {
    inner: &'a Inner,
    tenant: &'a Tenant,
    /// Up to when the tables made of the log are complete: asked before any of
    /// them was looked at.
    as_of: Option<DateTime<Utc>>,
    tables: HashMap<Table, Result<Option<LakeTable>, Arc<LakeError>>>,
}

/// A report that has something to catch up with.
struct Behind<'a> {
    name: ReportName,
    report: &'static Report,
    sources: Vec<Source>,
    before: MadeOf,
    now: MadeOf,
    tenant: &'a Tenant,
}

impl<'a> Pinned<'a> {
    pub fn new(inner: &'a Inner, tenant: &'a Tenant, as_of: Option<DateTime<Utc>>) -> Self {
        Self {
            inner,
            tenant,
            as_of,
            tables: HashMap::new(),
        }
    }

    /// A source as it is held. One that cannot be read stops the reports that
    /// read it and no others.
    pub fn add(&mut self, kind: Table, table: Result<Option<LakeTable>, LakeError>) {
        self.tables.insert(kind, table.map_err(Arc::new));
    }

    /// The tables that could be read.
    pub fn into_tables(self) -> HashMap<Table, LakeTable> {
        let tables = self.tables.into_iter();
        tables
            .filter_map(|(kind, table)| Some((kind, table.ok().flatten()?)))
            .collect()
    }

    /// Brings one report up to its sources, which are pinned; then it is, too.
    pub async fn catch_up(
        &mut self,
        name: ReportName,
        report: &'static Report,
        table: Result<Option<LakeTable>, LakeError>,
    ) -> Result<(), ReportError> {
        let mut sources = Vec::with_capacity(report.sources.len());
        for source in &report.sources {
            sources.push((*source, self.source(report, *source)?));
        }
        let mut table = match table? {
            Some(table) => table,
            None if sources.iter().all(|(_, table)| table.is_none()) => {
                self.tables.insert(Table::Report(name), Ok(None));
                return Ok(());
            }
            None => {
                let (lake, tenant) = (&self.inner.lake, &self.tenant.id);
                lake.open_or_create(tenant, Table::Report(name)).await?
            }
        };
        let definition = report.definition(self.tenant.time_zone);
        let before = table.made_of(report).await?;
        let (inner, tenant) = (self.inner, &self.tenant.id);
        if inner.take_superseded(tenant, name, definition, before.definition) {
            let report = report.name;
            return Err(ReportError::Superseded { report });
        }
        let sources = sources.into_iter().map(|(kind, table)| Source {
            kind,
            table,
            since: before.sources.get(&kind).copied(),
        });
        let sources: Vec<Source> = sources.collect();
        let versions = sources.iter();
        let versions = versions.filter_map(|source| Some((source.kind, source.version()?)));
        let now = MadeOf {
            definition: Some(definition),
            sources: versions.collect(),
            as_of: self.as_of,
        };
        if (before.definition, &before.sources) != (now.definition, &now.sources) {
            let behind = Behind {
                name,
                report,
                sources,
                before,
                now,
                tenant: self.tenant,
            };
            behind.refresh(inner, &mut table).await?;
        }
        inner.put(tenant, name, definition);
        self.tables.insert(Table::Report(name), Ok(Some(table)));
        Ok(())
    }

    fn source(
        &self,
        report: &'static Report,
        table: Table,
    ) -> Result<Option<LakeTable>, ReportError> {
        match self.tables.get(&table) {
            Some(Ok(table)) => Ok(table.clone()),
            Some(Err(source)) => Err(ReportError::Source {
                report: report.name,
                table,
                source: Arc::clone(source),
            }),
            None => Ok(None),
        }
    }
}

impl Behind<'_> {
    /// Computes the dirty slices and replaces them.
    async fn refresh(&self, inner: &Inner, table: &mut LakeTable) -> Result<(), ReportError> {
        let begun = Instant::now();
        let report = self.report.name;
        let (mut slices, count) = self.slices(table).await?;
        let mut replaced = self.replace(inner, &slices, table).await;
        if replaced
            .as_ref()
            .is_err_and(ReportError::is_own_file_missing)
        {
            tracing::warn!(
                tenant.id = %self.tenant.id,
                report,
                "a file of the report is gone; its terms are computed as a whole"
            );
            slices = whole_terms(slices);
            replaced = self.replace(inner, &slices, table).await;
        }
        let (published, rows) = replaced?;
        let number = |count: usize| u64::try_from(count).unwrap_or(u64::MAX);
        metrics::counter!("chalkline_report_slices_total", "report" => report)
            .increment(number(count));
        metrics::counter!("chalkline_report_rows_total", "report" => report)
            .increment(number(rows));
        metrics::histogram!("chalkline_report_refresh_seconds", "report" => report)
            .record(begun.elapsed().as_secs_f64());
        tracing::debug!(
            tenant.id = %self.tenant.id,
            report,
            slices = count,
            rows,
            version = published.version,
            size_bytes = published.bytes,
            duration_ms = begun.elapsed().as_millis() as u64,
            everything = slices == Slices::All,
            "refreshed"
        );
        Ok(())
    }

    /// Which slices are dirty, and how many.
    async fn slices(&self, table: &LakeTable) -> Result<(Slices, usize), ReportError> {
        let known = self.before.definition == self.now.definition && table.has_columns()?;
        let zone = self.tenant.time_zone;
        if known && let Some(slices) = dirty(self.report, &self.sources, zone).await? {
            let by_term = slices.by_term().map_err(LakeError::Rows)?;
            return Ok((Slices::Of(by_term), slices.len()));
        }
        tracing::info!(
            tenant.id = %self.tenant.id,
            report = self.report.name,
            version = table.version(),
            "computing everything"
        );
        Ok((Slices::All, self.all_terms().len()))
    }

    /// Computes and replaces some slices; says also how many rows they have.
    async fn replace(
        &self,
        inner: &Inner,
        slices: &Slices,
        table: &mut LakeTable,
    ) -> Result<(Published, usize), ReportError> {
        let terms: BTreeMap<Term, TermSlices> = match slices {
            Slices::Of(terms) => terms.clone(),
            Slices::All => {
                let terms = self.all_terms().into_iter();
                terms.map(|term| (term, TermSlices::All)).collect()
            }
        };
        let computing = Computing {
            report: self.report,
            name: self.name,
            sources: &self.sources,
            time_zone: self.tenant.time_zone,
            session: session(&inner.runtime_env, inner.limits.pool_bytes),
            query_rows: inner.limits.query_rows,
        };
        let mut writer = table.writer(inner.limits.file_bytes);
        for (term, slices) in &terms {
            computing.write(term, slices, &mut writer).await?;
        }
        let rows = writer.rows();
        let advances = self.now.advances(self.report, &self.before);
        let published = table.replace_by(slices, writer, &advances).await;
        let published = published.map_err(|source| ReportError::Publish {
            report: self.report.name,
            source,
        })?;
        Ok((published, rows))
    }

    /// The terms of which any source has rows.
    fn all_terms(&self) -> BTreeSet<Term> {
        let tables = self.sources.iter();
        let tables = tables.filter_map(|source| source.table.as_ref());
        tables.flat_map(LakeTable::terms).collect()
    }
}

/// The same terms, with all that is in them.
fn whole_terms(slices: Slices) -> Slices {
    match slices {
        Slices::All => Slices::All,
        Slices::Of(terms) => {
            let terms = terms.into_keys();
            Slices::Of(terms.map(|term| (term, TermSlices::All)).collect())
        }
    }
}
