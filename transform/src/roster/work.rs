//! What an import does once it is its turn, on a thread that may wait.

use std::collections::BTreeMap;
use std::sync::Arc;

use chrono::NaiveDate;
use lake::imports::{Counts, Found, Import, ImportKind, Imports, Job};
use lake::{Lake, Retention};
use roster::{Bundle, Checked, Guard, Limits, Reading, Rules, Settings, Severity, TableSummary};
use runtime::Clock;
use schemas::{StudentHasher, Tenant, TenantId, TenantSecret};
use tokio::runtime::Handle;
use tokio_util::sync::CancellationToken;

use super::change::{Source, Way};
use super::input::checksum;
use super::progress::{Phase, Teller};
use super::snapshot::Snapshot;
use super::write::Tables;
use super::{Format, Refusal, Request, RosterError, SyncRequest};

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
    Sync(Box<SyncRequest>),
    /// The import after which it shall be as it was; before the newest if absent.
    Back(Option<u64>),
}

impl Work {
    /// Whether it is known as a job from its beginning. What is done again and again is
    /// only where it was worth it.
    pub fn is_told(&self) -> bool {
        !matches!(self, Self::Sync(_))
    }

    /// Ends it when it is cancelled.
    pub fn stop(&self) -> CancellationToken {
        match self {
            Self::Sync(request) => request.stop.clone(),
            _ => CancellationToken::new(),
        }
    }
}

/// What is taken.
#[derive(Clone, Copy)]
pub(super) struct Taking<'a> {
    /// Whether it is although it ends too much.
    pub forced: bool,
    pub guard: &'a Guard,
    pub rules: &'a Rules,
}

impl<'a> From<&'a Request> for Taking<'a> {
    fn from(request: &'a Request) -> Self {
        Self {
            forced: request.forced,
            guard: &request.guard,
            rules: &request.rules,
        }
    }
}

impl<'a> From<&'a SyncRequest> for Taking<'a> {
    fn from(request: &'a SyncRequest) -> Self {
        Self {
            forced: request.forced,
            guard: &request.guard,
            rules: &request.rules,
        }
    }
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
    /// Whether it is worth a job, if it is not told as one anyway.
    pub is_news: Option<bool>,
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
        let checksum = checksum(&request.path);
        learned.checksum = Some(checksum.map_err(|source| RosterError::Unreadable {
            name: request.source.clone(),
            source,
        })?);
        let reading = read(request, self.settings.clone(), &self.teller)?;
        let checked = self.check(reading, &snapshot)?;
        self.take(
            &checked,
            newest.as_ref(),
            &snapshot,
            request.into(),
            learned,
        )
    }

    /// What is wrong with the rows, by themselves and beside those that are stored.
    pub fn check(&self, reading: Reading, snapshot: &Snapshot) -> Result<Checked, RosterError> {
        self.teller.begin(Phase::Checking, None);
        Ok(reading.check(snapshot)?)
    }

    /// Stores what was checked, unless it is refused or changes nothing.
    pub fn take(
        &self,
        checked: &Checked,
        newest: Option<&Import>,
        snapshot: &Snapshot,
        taking: Taking<'_>,
        learned: &mut Learned,
    ) -> Result<Ended, RosterError> {
        learned.found = found(checked);
        learned.diagnostics = Some(csv(checked)?);
        if checked.diagnostics.is_fatal() {
            return Ok(Ended::Refused(Refusal::Fatal(learned.found.fatal)));
        }
        self.teller.begin(Phase::Comparing, None);
        let comparison = checked.compare(snapshot, taking.rules, self.today)?;
        let summary = comparison.summary();
        let counted = summary
            .iter()
            .map(|(entity, summary)| (entity.name().to_owned(), counts(summary)));
        learned.tables = counted.collect();
        if summary.values().all(TableSummary::is_unchanged) {
            return Ok(Ended::Unchanged);
        }
        let vanished = comparison.vanished(taking.guard);
        if !vanished.is_empty() && !taking.forced {
            return Ok(Ended::Refused(Refusal::Vanished(vanished)));
        }
        let changes = learned.tables.values().map(Counts::changes).sum();
        self.store(newest, snapshot, &comparison, changes, learned)
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
    pub fn before(&self) -> Result<(Option<Import>, Snapshot), RosterError> {
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

/// The rows of a bundle or a catalogue.
pub(super) fn read(
    request: &Request,
    settings: Settings,
    teller: &Teller,
) -> Result<Reading, RosterError> {
    teller.begin(Phase::Reading, None);
    let (path, limits) = (&request.path, Limits::default());
    Ok(match request.format {
        Format::OneRoster => roster::read(&mut Bundle::open(path, limits)?, settings)?,
        Format::Catalog(mode) => {
            roster::read_catalog_as(&request.name, path, mode, limits, settings)?
        }
    })
}

pub(super) fn settings(tenant: &Tenant, secret: &TenantSecret) -> Settings {
    Settings {
        actor_prefixes: tenant.actor_prefixes.clone(),
        hasher: Some(StudentHasher::new(secret)),
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
