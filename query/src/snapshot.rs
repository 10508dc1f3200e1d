//! The tables of one query, each held at one version, and up to when they hold
//! all that happened.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Utc};
use futures::future::try_join_all;
use lake::{AppId, LakeError, LakeTable};
use schemas::{Report, ReportKind, ReportName, Table};

use crate::Principal;
use crate::freshness::Freshness;
use crate::tables::Tables;

/// What a query reads.
pub(crate) struct Snapshot {
    /// Up to when every table that is made of the log is complete.
    floors: Option<DateTime<Utc>>,
    tables: BTreeMap<Table, Pinned>,
}

/// A table at one version.
#[derive(Default)]
struct Pinned {
    /// `None` when nothing was published to it yet.
    table: Option<LakeTable>,
    /// Of a report: the versions of its sources that it has read.
    read: BTreeMap<Table, u64>,
    /// Of a report: up to when those were complete.
    read_as_of: Option<DateTime<Utc>>,
}

impl Snapshot {
    /// The newest versions, taken in an order that keeps two promises: the
    /// floors are read before any table, so that each table holds at least what
    /// they say; and the counts of the log before the tables that they are
    /// compared with, so that a counted record is never missing only because
    /// its table was looked at earlier.
    ///
    /// The sources of a report are looked at as well: whether it has read all
    /// of them says how fresh it is.
    pub(crate) async fn take(
        principal: &Principal,
        named: &BTreeSet<Table>,
        tables: &Tables,
        freshness: &Freshness,
    ) -> Result<Self, LakeError> {
        let floors = freshness.data_as_of(tables.lake()).await?;
        let needed = with_sources(named);
        let mut pinned = BTreeMap::new();
        if needed.contains(&Table::LogCounts) {
            let counts = Pinned::take(principal, Table::LogCounts, tables).await?;
            pinned.insert(Table::LogCounts, counts);
        }
        let others = needed
            .into_iter()
            .filter(|table| *table != Table::LogCounts);
        let others = others.map(async |table| {
            let pinned = Pinned::take(principal, table, tables).await?;
            Ok::<_, LakeError>((table, pinned))
        });
        pinned.extend(try_join_all(others).await?);
        Ok(Self {
            floors,
            tables: pinned,
        })
    }

    /// A table as it is held; `None` when nothing was published to it yet.
    pub(crate) fn table(&self, table: Table) -> Option<&LakeTable> {
        self.tables.get(&table)?.table.as_ref()
    }

    /// Up to when all of these tables are complete.
    pub(crate) fn data_as_of<'a>(
        &self,
        tables: impl IntoIterator<Item = &'a Table>,
    ) -> Option<DateTime<Utc>> {
        let each = tables.into_iter().map(|table| match table {
            Table::Report(name) => self.refreshed(*name),
            _ => self.floors,
        });
        each.min().unwrap_or(self.floors)
    }

    /// Up to when a report is complete.
    pub(crate) fn report_as_of(&self, report: &Report) -> Option<DateTime<Utc>> {
        match ReportName::new(report.name) {
            Some(name) if report.kind == ReportKind::Table => self.refreshed(name),
            _ => self.data_as_of(&report.sources),
        }
    }

    /// Up to when a report's rows are complete: as its sources are, if it has
    /// read all of them; else as they were when it last did.
    fn refreshed(&self, name: ReportName) -> Option<DateTime<Utc>> {
        let pinned = self.tables.get(&Table::Report(name))?;
        let sources = &name.report().sources;
        let version = |table: Table| self.table(table).map(LakeTable::version);
        let is_current = sources
            .iter()
            .all(|source| pinned.read.get(source).copied() >= version(*source));
        let current = is_current.then(|| self.data_as_of(sources)).flatten();
        current.max(pinned.read_as_of)
    }
}

impl Pinned {
    async fn take(principal: &Principal, table: Table, tables: &Tables) -> Result<Self, LakeError> {
        let Table::Report(name) = table else {
            let table = tables.pin(&principal.tenant, table, &[]).await?;
            return Ok(Self {
                table,
                ..Self::default()
            });
        };
        // What another definition or time zone made of the sources does not
        // count as read.
        let report = name.report();
        let definition = report.definition(principal.time_zone);
        let as_of = AppId::report_as_of(report.name, &definition);
        let sources = report.sources.iter();
        let sources: Vec<AppId> = sources
            .map(|source| AppId::report(report.name, &definition, *source))
            .collect();
        let apps: Vec<AppId> = sources.iter().chain([&as_of]).cloned().collect();
        let mut pinned = Self {
            table: tables.pin(&principal.tenant, table, &apps).await?,
            ..Self::default()
        };
        let Some(table) = &mut pinned.table else {
            return Ok(pinned);
        };
        for (source, app) in report.sources.iter().zip(&sources) {
            if let Some(version) = table.next_position(app).await? {
                pinned.read.insert(*source, version);
            }
        }
        let micros = table.next_position(&as_of).await?;
        pinned.read_as_of = micros
            .and_then(|micros| i64::try_from(micros).ok())
            .and_then(DateTime::from_timestamp_micros);
        Ok(pinned)
    }
}

/// These tables and all that the reports among them read, through others too.
fn with_sources(named: &BTreeSet<Table>) -> BTreeSet<Table> {
    let mut all = BTreeSet::new();
    let mut open: Vec<Table> = named.iter().copied().collect();
    while let Some(table) = open.pop() {
        if all.insert(table)
            && let Table::Report(name) = table
        {
            open.extend(&name.report().sources);
        }
    }
    all
}
