//! The tables of one query, each held at one version, and up to when they hold
//! all that happened.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Utc};
use futures::future::join_all;
use lake::{LakeError, LakeTable, MadeOf};
use schemas::{Report, ReportKind, ReportName, Table};

use crate::Principal;
use crate::catalog::Named;
use crate::freshness::Freshness;
use crate::roster::Roster;
use crate::tables::{Tables, Ticket};

/// What a query reads.
pub(crate) struct Snapshot {
    /// Up to when every table that is made of the log is complete.
    floors: Option<DateTime<Utc>>,
    tables: BTreeMap<Table, Pinned>,
    /// Tables that cannot be read.
    failed: BTreeMap<Table, LakeError>,
    roster: Roster,
}

/// A table at one version.
#[derive(Default)]
struct Pinned {
    /// `None` when nothing was published to it yet.
    table: Option<LakeTable>,
    /// Of a report: what its rows are made of.
    made_of: MadeOf,
    /// Of a report: whether it has rows that were computed by another
    /// definition than the one that counts now.
    is_outdated: bool,
}

impl Snapshot {
    /// The newest versions, taken in an order that keeps two promises: the
    /// floors are read before any table, so that each table holds at least what
    /// they say; and the counts of the log before the tables that they are
    /// compared with, so that a counted record is never missing only because
    /// its table was looked at earlier.
    ///
    /// The sources of a report are looked at as well: whether it has read all
    /// of them says how fresh it is. For that it is enough that they were looked at
    /// after the floors, not that it was just now. Tables that cannot be read are left
    /// out, see [`Snapshot::check`].
    pub(crate) async fn take(
        principal: &Principal,
        named: &Named,
        tables: &Tables,
        freshness: &Freshness,
    ) -> Result<Self, LakeError> {
        let floors = freshness.floors(tables).await?;
        let mut snapshot = Self {
            floors: floors.data_as_of,
            tables: BTreeMap::new(),
            failed: BTreeMap::new(),
            roster: Roster::take(&principal.tenant, &named.rosters, tables).await?,
        };
        let needed = with_sources(&named.read);
        let (first, others): (Vec<Table>, Vec<Table>) = needed
            .into_iter()
            .partition(|table| *table == Table::LogCounts);
        for together in [first, others] {
            let now = tables.ticket();
            let pinning = together.into_iter().map(async |table| {
                let since = match named.read.contains(&table) {
                    true => now,
                    false => floors.read,
                };
                let pinned = Pinned::take(principal, table, tables, since).await;
                (table, pinned)
            });
            for (table, pinned) in join_all(pinning).await {
                match pinned {
                    Ok(pinned) => {
                        snapshot.tables.insert(table, pinned);
                    }
                    Err(error) => {
                        snapshot.failed.insert(table, error);
                    }
                }
            }
        }
        Ok(snapshot)
    }

    /// That all of these tables could be read. A table that is looked at only
    /// to say how fresh a report is need not be among them.
    pub(crate) fn check(mut self, named: &BTreeSet<Table>) -> Result<Self, LakeError> {
        let failed = named.iter().find_map(|table| self.failed.remove(table));
        failed.map_or(Ok(self), Err)
    }

    /// One of these tables that is a report with rows of another definition:
    /// they are about to be replaced, and say nothing true until then.
    pub(crate) fn outdated(&self, named: &BTreeSet<Table>) -> Option<Table> {
        let is_outdated = |table: &&Table| self.tables.get(table).is_some_and(|t| t.is_outdated);
        named.iter().find(is_outdated).copied()
    }

    /// A table as it is held; `None` when nothing was published to it yet.
    pub(crate) fn table(&self, table: Table) -> Option<&LakeTable> {
        self.tables.get(&table)?.table.as_ref()
    }

    /// The roster tables as they are held.
    pub(crate) fn roster(&self) -> &Roster {
        &self.roster
    }

    /// The versions of what is named, each with the id of its table: what was deleted and
    /// made anew is another, whatever its version.
    pub(crate) fn versions(&self, named: &Named) -> Vec<(&'static str, u64, u64)> {
        let read = named.read.iter().map(|table| (table, self.table(*table)));
        let rosters = named.rosters.iter();
        let rosters = rosters.map(|table| (table, self.roster.table(*table)));
        let versions = read.chain(rosters).map(|(table, held)| {
            let held = held.map(LakeTable::source_version).unwrap_or_default();
            (table.as_str(), held.id, held.version)
        });
        versions.collect()
    }

    /// Up to when an answer about what is named is complete. Rosters make none older: that
    /// nothing was imported since says that nothing has come, not that something is
    /// missing. An answer about rosters alone is as of their import.
    pub(crate) fn as_of(&self, named: &Named) -> Option<DateTime<Utc>> {
        match named.read.is_empty() && !named.rosters.is_empty() {
            true => self.roster.imported_at(),
            false => self.data_as_of(&named.read),
        }
    }

    /// Up to when all of these tables are complete.
    pub(crate) fn data_as_of<'a>(
        &self,
        tables: impl IntoIterator<Item = &'a Table>,
    ) -> Option<DateTime<Utc>> {
        let each = tables.into_iter().map(|table| match table {
            Table::Report(name) => self.refreshed(*name),
            failed if self.failed.contains_key(failed) => None,
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

    /// Whether a report is being computed by a new definition.
    pub(crate) fn is_outdated(&self, report: &Report) -> bool {
        let table = ReportName::new(report.name).map(Table::Report);
        table.is_some_and(|table| self.tables.get(&table).is_some_and(|t| t.is_outdated))
    }

    /// Up to when a report's rows are complete: as its sources are, if it has
    /// read all of them; else as they were when it last did.
    fn refreshed(&self, name: ReportName) -> Option<DateTime<Utc>> {
        let pinned = self.tables.get(&Table::Report(name))?;
        if pinned.is_outdated {
            return None;
        }
        let sources = &name.report().sources;
        let is_current = sources
            .iter()
            .all(|source| self.is_read(&pinned.made_of, *source));
        let current = is_current.then(|| self.data_as_of(sources)).flatten();
        let then = pinned.made_of.as_of;
        current.max(then.filter(|as_of| *as_of > DateTime::UNIX_EPOCH))
    }

    /// Whether a report was made of a source as it is now, or later: it is
    /// looked at at another moment. A source that was deleted and made anew is
    /// another, whatever its version.
    fn is_read(&self, made_of: &MadeOf, source: Table) -> bool {
        if self.failed.contains_key(&source) {
            return false;
        }
        let read = made_of.sources.get(&source).copied().unwrap_or_default();
        let now = self.table(source).map(LakeTable::source_version);
        let now = now.unwrap_or_default();
        read.id == now.id && read.version >= now.version
    }
}

impl Pinned {
    async fn take(
        principal: &Principal,
        table: Table,
        tables: &Tables,
        since: Ticket,
    ) -> Result<Self, LakeError> {
        let tenant = &principal.tenant;
        let Table::Report(name) = table else {
            let table = tables.pin(tenant, table, &[], since).await?;
            return Ok(Self {
                table,
                ..Self::default()
            });
        };
        let report = name.report();
        let apps = MadeOf::apps(report);
        let Some(mut table) = tables.pin(tenant, table, &apps, since).await? else {
            return Ok(Self::default());
        };
        let made_of = table.made_of(report).await?;
        let definition = report.definition(principal.time_zone);
        Ok(Self {
            is_outdated: match made_of.definition {
                Some(stored) => stored != definition,
                None => table.files() > 0,
            },
            table: Some(table),
            made_of,
        })
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
