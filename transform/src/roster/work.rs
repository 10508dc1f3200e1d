//! What an import does once it is its turn, on a thread that may wait.

use std::collections::BTreeMap;
use std::sync::Arc;

use chrono::NaiveDate;
use lake::imports::{Counts, Found, Import, ImportKind, Imports, Job};
use lake::{Lake, Retention};
use roster::{Bundle, Checked, Limits, Settings, Severity, TableSummary};
use runtime::Clock;
use schemas::{Tenant, TenantId};
use tokio::runtime::Handle;

use super::change::{Source, Way};
use super::input::checksum;
use super::progress::{Phase, Teller};
use super::snapshot::Snapshot;
use super::write::Tables;
use super::{Format, Refusal, Request, RosterError};

/// How often a table's log gets a checkpoint, in versions.
const CHECKPOINT_EVERY: u64 = 32;

/// How long files are kept that no table needs any more.
const RETENTION: Retention = Retention {
    removed: std::time::Duration::from_secs(24 * 3600),
    unnamed: std::time::Duration::from_secs(24 * 3600),
};

/// What an import is made of.
#[derive(Debug, Clone)]
pub(super) enum Work {
    Bundle(Request),
    /// The import after which it shall be as it was; before the newest if absent.
    Back(Option<u64>),
}

/// How an import ended.
pub(super) enum Ended {
    Done(Box<Import>),
    Unchanged,
    Refused(Refusal),
}

/// What was learned on the way, also of an import that failed.
#[derive(Default)]
pub(super) struct Learned {
    pub checksum: Option<String>,
    pub to: Option<u64>,
    pub found: Found,
    pub diagnostics: Option<Vec<u8>>,
    pub tables: BTreeMap<String, Counts>,
}
/// One import, on a thread that may wait.
pub(super) struct One {
    pub lake: Lake,
    pub tenant: TenantId,
    pub settings: Settings,
    pub today: NaiveDate,
    pub clock: Clock,
    pub job: Job,
    pub teller: Arc<Teller>,
    pub handle: Handle,
}

impl One {
    pub fn import(&self, request: &Request, learned: &mut Learned) -> Result<Ended, RosterError> {
        let (newest, snapshot) = self.before()?;
        learned.checksum = Some(checksum(&request.path).map_err(RosterError::Input)?);
        let checked = read(request, self.settings.clone(), &snapshot, &self.teller)?;
        learned.found = found(&checked);
        learned.diagnostics = Some(csv(&checked)?);
        if checked.diagnostics.is_fatal() {
            return Ok(Ended::Refused(Refusal::Fatal(learned.found.fatal)));
        }
        self.teller.begin(Phase::Comparing, None);
        let comparison = checked.compare(&snapshot, &request.rules, self.today)?;
        let summary = comparison.summary();
        let counted = summary
            .iter()
            .map(|(entity, summary)| (entity.name().to_owned(), counts(summary)));
        learned.tables = counted.collect();
        if summary.values().all(TableSummary::is_unchanged) {
            return Ok(Ended::Unchanged);
        }
        let vanished = comparison.vanished(&request.guard);
        if !vanished.is_empty() && !request.forced {
            return Ok(Ended::Refused(Refusal::Vanished(vanished)));
        }
        let changes = learned.tables.values().map(Counts::changes).sum();
        self.store(newest.as_ref(), &snapshot, &comparison, changes, learned)
    }

    pub fn rollback(&self, to: Option<u64>, learned: &mut Learned) -> Result<Ended, RosterError> {
        let (newest, snapshot) = self.before()?;
        let newest = newest.ok_or(RosterError::NothingImported)?;
        let to = to.unwrap_or(newest.number - 1);
        learned.to = Some(to);
        self.teller.begin(Phase::Comparing, None);
        let way = Way {
            snapshot: &snapshot,
            to,
            today: self.today,
        };
        let mut changes = 0;
        for entity in way.tables() {
            for change in way.changes(entity)? {
                change?;
                changes += 1;
            }
        }
        if changes == 0 {
            return Ok(Ended::Unchanged);
        }
        self.store(Some(&newest), &snapshot, &way, changes, learned)
    }

    /// What the newest import has left.
    fn before(&self) -> Result<(Option<Import>, Snapshot), RosterError> {
        let imports = Imports::new(self.lake.clone(), self.tenant.clone());
        self.handle.block_on(async {
            let newest = imports.newest().await?;
            let snapshot = Snapshot::open(&self.lake, &self.tenant, newest.as_ref()).await?;
            Ok((newest, snapshot))
        })
    }

    /// Writes all that changes, and makes it visible at once.
    fn store(
        &self,
        newest: Option<&Import>,
        snapshot: &Snapshot,
        source: &dyn Source,
        changes: u64,
        learned: &mut Learned,
    ) -> Result<Ended, RosterError> {
        self.teller.begin(Phase::Healing, None);
        let held = self
            .handle
            .block_on(Tables::heal(&self.lake, &self.tenant, newest))?;
        let mut tables = Tables {
            lake: &self.lake,
            tenant: &self.tenant,
            handle: self.handle.clone(),
            snapshot,
            number: newest.map_or(1, |newest| newest.number + 1),
            recorded_at: self.clock.now(),
            teller: &self.teller,
            held,
        };
        tables.begin(changes);
        let mut counts = BTreeMap::new();
        for entity in source.tables() {
            if self.teller.is_stopped() {
                return Err(RosterError::Overtaken);
            }
            let counted = tables.write(source, entity)?;
            if counted.changes() > 0 {
                counts.insert(entity.name().to_owned(), counted);
            }
        }
        learned.tables = counts.clone();
        self.teller.begin(Phase::Publishing, None);
        let kind = match self.job.kind {
            ImportKind::Rollback { to } => ImportKind::Rollback {
                to: learned.to.unwrap_or(to),
            },
            kind => kind,
        };
        let import = Import {
            number: tables.number,
            id: self.job.id,
            kind,
            source: self.job.source.clone(),
            checksum: learned.checksum.clone(),
            by: self.job.by.clone(),
            started_at: self.job.started_at.unwrap_or(self.job.created_at),
            finished_at: self.clock.now(),
            forced: self.job.forced,
            tables: counts,
            versions: tables.versions(),
        };
        if self.teller.is_stopped() {
            return Err(RosterError::Overtaken);
        }
        let imports = Imports::new(self.lake.clone(), self.tenant.clone());
        if !self.handle.block_on(imports.create(&import))? {
            return Err(RosterError::Overtaken);
        }
        self.teller.begin(Phase::Tidying, None);
        self.tidy(tables);
        Ok(Ended::Done(Box::new(import)))
    }

    /// Keeps the tables' logs short, and deletes files that nobody has needed for long.
    /// Nobody else does: the versions of these tables that are read are not their newest
    /// ones while an import is under way.
    fn tidy(&self, tables: Tables<'_>) {
        let written = tables.held.into_values();
        let written = written.filter(|held| held.version() > 0);
        for mut held in written {
            let tidied = self.handle.block_on(async {
                if held.checkpoint(CHECKPOINT_EVERY).await? {
                    held.vacuum(&RETENTION, self.lake.store_time().await?)
                        .await?;
                }
                Ok::<_, RosterError>(())
            });
            if let Err(error) = tidied {
                let (table, error) = (held.kind(), crate::error::chain(&error));
                tracing::warn!(tenant.id = %self.tenant, %table, error, "not tidied");
            }
        }
    }
}

/// What is wrong with the bundle, and its rows beside those that are stored.
pub(super) fn read(
    request: &Request,
    settings: Settings,
    snapshot: &Snapshot,
    teller: &Teller,
) -> Result<Checked, RosterError> {
    teller.begin(Phase::Reading, None);
    let (path, limits) = (&request.path, Limits::default());
    let reading = match request.format {
        Format::OneRoster => roster::read(&mut Bundle::open(path, limits)?, settings)?,
        Format::Catalog(mode) => roster::read_catalog(path, mode, limits, settings)?,
    };
    teller.begin(Phase::Checking, None);
    Ok(reading.check(snapshot)?)
}

pub(super) fn settings(tenant: &Tenant) -> Settings {
    Settings {
        actor_prefixes: tenant.actor_prefixes.clone(),
        ..Settings::default()
    }
}

pub(super) fn found(checked: &Checked) -> Found {
    let count = |severity| checked.diagnostics.count(severity);
    Found {
        fatal: count(Severity::Fatal),
        errors: count(Severity::Error),
        warnings: count(Severity::Warning),
    }
}

pub(super) fn csv(checked: &Checked) -> Result<Vec<u8>, RosterError> {
    let mut csv = Vec::new();
    let written = checked.diagnostics.write_csv(&mut csv);
    written.map_err(RosterError::Input)?;
    Ok(csv)
}

fn counts(summary: &TableSummary) -> Counts {
    Counts {
        added: summary.added,
        changed: summary.changed,
        ended: summary.ended,
        unchanged: summary.unchanged,
    }
}
