//! Imports bundles, and goes back to what was before.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use bytes::Bytes;
use chrono::NaiveDate;
use lake::{Lake, Retention};
use roster::{Bundle, Checked, Guard, Limits, Rules, Settings, Severity, TableSummary};
use runtime::{Clock, Leases};
use schemas::{Tenant, TenantId};
use tokio::runtime::Handle;
use uuid::Uuid;

use super::change::{Source, Way};
use super::diff;
use super::input::checksum;
use super::job::Jobs;
use super::progress::{Phase, Teller};
use super::snapshot::Snapshot;
use super::turn::Turn;
use super::write::Tables;
use super::{
    Counts, Found, Import, ImportKind, Imports, Job, JobState, Preview, Progress, Refusal,
    RosterError,
};

/// How often a table's log gets a checkpoint, in versions.
const CHECKPOINT_EVERY: u64 = 32;

/// How long files are kept that no table needs any more.
const RETENTION: Retention = Retention {
    removed: std::time::Duration::from_secs(24 * 3600),
    unnamed: std::time::Duration::from_secs(24 * 3600),
};

/// Imports rosters, all or nothing, one at a time.
#[derive(Debug, Clone)]
pub struct Importer {
    lake: Lake,
    leases: Leases,
    clock: Clock,
}

/// What is imported, and how.
#[derive(Debug, Clone)]
pub struct Request {
    /// A zip file or a folder.
    pub path: PathBuf,
    /// What it is called; people may read it.
    pub source: String,
    /// Who imports it.
    pub by: String,
    /// Whether it is taken although it ends more than the guard allows.
    pub forced: bool,
    /// Which share of a table may end.
    pub guard: Guard,
    /// Whose word counts.
    pub rules: Rules,
}

impl Request {
    /// The bundle at `path`, with defaults.
    pub fn new(path: impl Into<PathBuf>, by: impl Into<String>) -> Self {
        let path = path.into();
        let name = path.file_name().unwrap_or(path.as_os_str());
        Self {
            source: name.to_string_lossy().into_owned(),
            path,
            by: by.into(),
            forced: false,
            guard: Guard::default(),
            rules: Rules::default(),
        }
    }
}

/// What an import is made of.
#[derive(Debug, Clone)]
enum Work {
    Bundle(Request),
    /// The import after which it shall be as it was; before the newest if absent.
    Back(Option<u64>),
}

/// How an import ended.
enum Ended {
    Done(Box<Import>),
    Unchanged,
    Refused(Refusal),
}

/// What was learned on the way, also of an import that failed.
#[derive(Default)]
struct Learned {
    checksum: Option<String>,
    to: Option<u64>,
    found: Found,
    diagnostics: Option<Vec<u8>>,
    tables: BTreeMap<String, Counts>,
}

impl Importer {
    /// Imports into a lake. `leases` are those of [`super::LEASE`], held under a name
    /// that no other process has.
    pub fn new(lake: Lake, leases: Leases, clock: Clock) -> Self {
        Self {
            lake,
            leases,
            clock,
        }
    }

    /// Says what an import would change, and changes nothing: of each table the first
    /// `most` rows.
    ///
    /// # Errors
    /// [`RosterError`].
    pub async fn check(
        &self,
        tenant: &Tenant,
        request: Request,
        most: usize,
        progress: Progress,
    ) -> Result<Preview, RosterError> {
        let newest = self.imports(&tenant.id).newest().await?;
        let snapshot = Snapshot::open(&self.lake, &tenant.id, newest.as_ref()).await?;
        let (settings, today) = (settings(tenant), self.today(tenant));
        blocking(move || {
            let teller = Teller::new(progress);
            let checked = read(&request.path, settings, &snapshot, &teller)?;
            let (found, diagnostics) = (found(&checked), csv(&checked)?);
            let mut preview = Preview {
                tables: BTreeMap::new(),
                refusal: None,
                found,
                diagnostics,
            };
            if checked.diagnostics.is_fatal() {
                preview.refusal = Some(Refusal::Fatal(found.fatal));
                return Ok(preview);
            }
            teller.begin(Phase::Comparing, None);
            let comparison = checked.compare(&snapshot, &request.rules, today)?;
            preview.tables = diff::tables(&comparison, most)?;
            let vanished = comparison.vanished(&request.guard);
            if !vanished.is_empty() && !request.forced {
                preview.refusal = Some(Refusal::Vanished(vanished));
            }
            Ok(preview)
        })
        .await
    }

    /// Imports a bundle. The job says how it ended, also when the bundle was refused; it
    /// stays known under its id, whatever happens.
    ///
    /// Should the future be dropped or the process killed before the end, nothing of it
    /// is seen, and the next import takes out what it has written.
    ///
    /// # Errors
    /// [`RosterError`]; nothing of the import is seen.
    pub async fn import(
        &self,
        tenant: &Tenant,
        request: Request,
        progress: Progress,
    ) -> Result<Job, RosterError> {
        let job = self.job(
            &request.source,
            &request.by,
            ImportKind::Import,
            request.forced,
        );
        self.run(tenant, job, Work::Bundle(request), progress).await
    }

    /// Makes the rosters what they were after the import `to`, before the newest import
    /// if it is not said; 0 is before the first. That is an import itself: what is undone
    /// stays in the history, and can be done again by going back once more.
    ///
    /// # Errors
    /// As [`Importer::import`]; [`RosterError::NoImport`] and
    /// [`RosterError::NothingImported`].
    pub async fn rollback(
        &self,
        tenant: &Tenant,
        to: Option<u64>,
        by: &str,
        progress: Progress,
    ) -> Result<Job, RosterError> {
        let newest = self.imports(&tenant.id).newest().await?;
        let newest = newest.ok_or(RosterError::NothingImported)?.number;
        if let Some(to) = to.filter(|to| *to > newest) {
            return Err(RosterError::NoImport(to));
        }
        let goal = to.unwrap_or(newest - 1);
        let source = match goal {
            0 => "before the first import".to_owned(),
            _ => format!("import {goal}"),
        };
        let job = self.job(&source, by, ImportKind::Rollback { to: goal }, false);
        self.run(tenant, job, Work::Back(to), progress).await
    }

    /// The tenant's complete imports.
    pub fn imports(&self, tenant: &TenantId) -> Imports {
        Imports::new(self.lake.clone(), tenant.clone())
    }

    /// The newest jobs, the newest first: at most so many.
    ///
    /// # Errors
    /// [`RosterError`].
    pub async fn jobs(&self, tenant: &TenantId, most: usize) -> Result<Vec<Job>, RosterError> {
        self.stored_jobs(tenant).list(most).await
    }

    /// What is wrong with a job's bundle, as CSV; `None` if the job is not known or did
    /// not come to read its bundle.
    ///
    /// # Errors
    /// [`RosterError`].
    pub async fn diagnostics(
        &self,
        tenant: &TenantId,
        job: Uuid,
    ) -> Result<Option<Bytes>, RosterError> {
        self.stored_jobs(tenant).diagnostics(job).await
    }

    fn stored_jobs(&self, tenant: &TenantId) -> Jobs {
        let alive = self.leases.renewal() * 3;
        Jobs::new(self.lake.clone(), tenant.clone(), alive)
    }

    fn job(&self, source: &str, by: &str, kind: ImportKind, forced: bool) -> Job {
        Job {
            id: Uuid::now_v7(),
            state: JobState::Waiting,
            kind,
            source: source.to_owned(),
            checksum: None,
            by: by.to_owned(),
            forced,
            created_at: self.clock.now(),
            started_at: None,
            finished_at: None,
            import: None,
            tables: BTreeMap::new(),
            found: Found::default(),
            error: None,
        }
    }

    fn today(&self, tenant: &Tenant) -> NaiveDate {
        self.clock
            .now()
            .with_timezone(&tenant.time_zone)
            .date_naive()
    }

    /// Waits for its turn, works, and says in the job how it went.
    async fn run(
        &self,
        tenant: &Tenant,
        mut job: Job,
        work: Work,
        progress: Progress,
    ) -> Result<Job, RosterError> {
        let jobs = self.stored_jobs(&tenant.id);
        let turn = Turn::new(&self.leases, &tenant.id);
        let teller = Arc::new(Teller::new(progress));
        jobs.save(&job).await?;
        let ended = self.take_turn(&turn, &jobs, &mut job, &teller).await;
        let (ended, learned) = match ended {
            Ok(()) => {
                let (ended, learned) = self.work(tenant, &jobs, &turn, &job, work, &teller).await;
                turn.leave().await;
                (ended, learned)
            }
            Err(error) => (Err(error), Learned::default()),
        };
        job.finished_at = Some(self.clock.now());
        job.checksum = learned.checksum;
        job.found = learned.found;
        job.tables = learned.tables;
        if let (ImportKind::Rollback { to }, Some(went)) = (&mut job.kind, learned.to) {
            *to = went;
        }
        let result = match ended {
            Ok(Ended::Done(import)) => {
                job.state = JobState::Done;
                job.import = Some(import.number);
                Ok(())
            }
            Ok(Ended::Unchanged) => {
                job.state = JobState::Unchanged;
                Ok(())
            }
            Ok(Ended::Refused(refusal)) => {
                job.state = JobState::Refused;
                job.error = Some(refusal.to_string());
                Ok(())
            }
            Err(error) => {
                job.state = JobState::Failed;
                job.error = Some(crate::error::chain(&error));
                Err(error)
            }
        };
        if let Some(csv) = learned.diagnostics
            && let Err(error) = jobs.save_diagnostics(job.id, csv).await
        {
            let error: &dyn std::error::Error = &error;
            tracing::warn!(tenant.id = %tenant.id, error, "diagnostics were not stored");
        }
        // How it ended stands in the tables, whether the job can say so or not.
        if let Err(error) = jobs.save(&job).await {
            let error: &dyn std::error::Error = &error;
            tracing::warn!(tenant.id = %tenant.id, error, "how the import ended was not stored");
        }
        result.map(|()| job)
    }

    async fn take_turn(
        &self,
        turn: &Turn<'_>,
        jobs: &Jobs,
        job: &mut Job,
        teller: &Teller,
    ) -> Result<(), RosterError> {
        let mut told = None;
        while !turn.is_ours().await? {
            let now = tokio::time::Instant::now();
            if told.is_none_or(|told| now - told >= turn.renewal()) {
                teller.begin(Phase::Waiting, None);
                jobs.save(job).await?;
                told = Some(now);
            }
            tokio::time::sleep(turn.pause()).await;
        }
        job.state = JobState::Running;
        job.started_at = Some(self.clock.now());
        jobs.save(job).await
    }

    /// Works for as long as the turn is ours.
    async fn work(
        &self,
        tenant: &Tenant,
        jobs: &Jobs,
        turn: &Turn<'_>,
        job: &Job,
        work: Work,
        teller: &Arc<Teller>,
    ) -> (Result<Ended, RosterError>, Learned) {
        let one = One {
            lake: self.lake.clone(),
            tenant: tenant.id.clone(),
            settings: settings(tenant),
            today: self.today(tenant),
            clock: self.clock.clone(),
            job: job.clone(),
            teller: Arc::clone(teller),
            handle: Handle::current(),
        };
        let task = tokio::task::spawn_blocking(move || {
            let mut learned = Learned::default();
            let ended = match &work {
                Work::Bundle(request) => one.import(request, &mut learned),
                Work::Back(to) => one.rollback(*to, &mut learned),
            };
            (ended, learned)
        });
        tokio::pin!(task);
        loop {
            tokio::select! {
                done = &mut task => return done.unwrap_or_else(|error| {
                    (Err(RosterError::Panicked(panic_text(error))), Learned::default())
                }),
                () = tokio::time::sleep(turn.renewal()) => {
                    // Without the turn nothing may become visible: somebody else works.
                    if !matches!(turn.is_ours().await, Ok(true)) {
                        teller.stop();
                    }
                    if let Err(error) = jobs.save(job).await {
                        let error: &dyn std::error::Error = &error;
                        tracing::debug!(tenant.id = %tenant.id, error, "the job was not renewed");
                    }
                }
            }
        }
    }
}

/// One import, on a thread that may wait.
struct One {
    lake: Lake,
    tenant: TenantId,
    settings: Settings,
    today: NaiveDate,
    clock: Clock,
    job: Job,
    teller: Arc<Teller>,
    handle: Handle,
}

impl One {
    fn import(&self, request: &Request, learned: &mut Learned) -> Result<Ended, RosterError> {
        let (newest, snapshot) = self.before()?;
        learned.checksum = Some(checksum(&request.path).map_err(RosterError::Input)?);
        let checked = read(
            &request.path,
            self.settings.clone(),
            &snapshot,
            &self.teller,
        )?;
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

    fn rollback(&self, to: Option<u64>, learned: &mut Learned) -> Result<Ended, RosterError> {
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
            ImportKind::Import => ImportKind::Import,
            ImportKind::Rollback { to } => ImportKind::Rollback {
                to: learned.to.unwrap_or(to),
            },
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
        self.handle.block_on(imports.create(&import))?;
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
fn read(
    path: &Path,
    settings: Settings,
    snapshot: &Snapshot,
    teller: &Teller,
) -> Result<Checked, RosterError> {
    teller.begin(Phase::Reading, None);
    let mut bundle = Bundle::open(path, Limits::default())?;
    let reading = roster::read(&mut bundle, settings)?;
    teller.begin(Phase::Checking, None);
    Ok(reading.check(snapshot)?)
}

fn settings(tenant: &Tenant) -> Settings {
    Settings {
        actor_prefixes: tenant.actor_prefixes.clone(),
        ..Settings::default()
    }
}

fn found(checked: &Checked) -> Found {
    let count = |severity| checked.diagnostics.count(severity);
    Found {
        fatal: count(Severity::Fatal),
        errors: count(Severity::Error),
        warnings: count(Severity::Warning),
    }
}

fn csv(checked: &Checked) -> Result<Vec<u8>, RosterError> {
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

/// Works on a thread that may wait.
async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, RosterError> + Send + 'static,
) -> Result<T, RosterError> {
    let done = tokio::task::spawn_blocking(work).await;
    done.unwrap_or_else(|error| Err(RosterError::Panicked(panic_text(error))))
}

fn panic_text(error: tokio::task::JoinError) -> String {
    let Ok(panic) = error.try_into_panic() else {
        return "it was stopped".to_owned();
    };
    let text = panic.downcast_ref::<&str>().map(ToString::to_string);
    let text = text.or_else(|| panic.downcast_ref::<String>().cloned());
    text.unwrap_or_else(|| "a panic".to_owned())
}
