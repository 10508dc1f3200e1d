//! The bundles of one tenant, one after the other.

use std::io;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use chrono::TimeDelta;
use lake::imports::{ImportKind, Job, JobState};
use runtime::Registry;
use runtime::inbox::{Inbox, Waiting};
use schemas::{Tenant, TenantId};
use tempfile::TempPath;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::super::progress::{Progress, Step};
use super::super::turn::Turn;
use super::super::work::Work;
use super::super::{Importer, Mode, Request, RosterError};
use crate::error::chain;

/// So many processes may end while they import a bundle; then it is taken to be what
/// ends them.
const MOST_LOST: u32 = 3;

/// A bundle without a job belongs to nobody after this: whoever sent it was not answered.
const UNCLAIMED: TimeDelta = TimeDelta::days(1);

/// How long putting a job back may take at the end.
const FAREWELL: Duration = Duration::from_secs(1);

/// Imports bundles of the inbox.
pub(super) struct Bundles {
    pub importer: Importer,
    pub inbox: Inbox,
    pub registry: Registry,
}

/// How it went with all bundles of a tenant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Went {
    /// Some were imported or refused, and none is left of those that were there.
    Through,
    /// None could be imported, and no error is to blame: no job waits.
    Idle,
    /// Somebody else imports.
    Elsewhere,
    /// One is to be tried again later, and those after it with it.
    Failed,
}

/// A bundle as a file.
enum Local {
    InPlace(PathBuf),
    Copy(TempPath),
}

impl Bundles {
    /// Imports bundles in their order, as far as it goes, until `stop`.
    pub async fn import_all(
        &self,
        tenant: &TenantId,
        waiting: Vec<Waiting>,
        stop: &CancellationToken,
    ) -> Went {
        let turn = Turn::new(&self.importer.leases, tenant);
        let mut went = Went::Idle;
        for bundle in waiting {
            let imported = self.import(&turn, &bundle, stop).await;
            match imported {
                Ok(Some(one)) => went = if one == Went::Idle { went } else { one },
                Ok(None) => break,
                Err(error) => {
                    tracing::warn!(
                        tenant.id = %tenant,
                        job = %bundle.job,
                        error = chain(&error),
                        "a roster is not imported yet"
                    );
                    metrics::counter!("chalkline_roster_imports_total", "state" => "retried")
                        .increment(1);
                    went = Went::Failed;
                }
            }
            if matches!(went, Went::Failed | Went::Elsewhere) {
                break;
            }
        }
        turn.leave().await;
        went
    }

    /// Imports one bundle; `None` when it is time to stop.
    async fn import(
        &self,
        turn: &Turn<'_>,
        bundle: &Waiting,
        stop: &CancellationToken,
    ) -> Result<Option<Went>, RosterError> {
        if stop.is_cancelled() {
            return Ok(None);
        }
        if !turn.is_ours().await? {
            return Ok(Some(Went::Elsewhere));
        }
        let id = &bundle.tenant;
        let Some(mut job) = self.inbox.job(id, bundle.job).await? else {
            self.forget_unclaimed(bundle).await?;
            return Ok(Some(Went::Idle));
        };
        if !job.state.is_open() {
            self.inbox.remove(id, job.id).await?;
            return Ok(Some(Went::Through));
        }
        let Some(tenant) = self.registry.tenant(id).await? else {
            tracing::warn!(tenant.id = %id, "a roster waits of a tenant that is not there");
            return Ok(Some(Went::Idle));
        };
        if job.state == JobState::Running {
            // Its process is gone, or it would have the turn.
            job.abandon();
            job.lost += 1;
            if self.has_ended(id, &mut job).await? {
                self.inbox.remove(id, job.id).await?;
                return Ok(Some(Went::Through));
            }
        }
        let put_back = job.clone();
        let ended = tokio::select! {
            ended = self.attempt(turn, &tenant, job) => ended?,
            () = stop.cancelled() => {
                let jobs = self.importer.stored_jobs(id);
                let _ = tokio::time::timeout(FAREWELL, jobs.save(&put_back)).await;
                return Ok(None);
            }
        };
        if let Some(job) = ended {
            report(id, &job);
        }
        self.inbox.remove(id, bundle.job).await?;
        Ok(Some(Went::Through))
    }

    /// Deletes a bundle that has had no job for long.
    async fn forget_unclaimed(&self, bundle: &Waiting) -> Result<(), RosterError> {
        let now = self.importer.lake.store_time().await?;
        if now - bundle.uploaded_at > UNCLAIMED {
            tracing::warn!(
                tenant.id = %bundle.tenant,
                job = %bundle.job,
                "an upload is deleted that nobody was promised"
            );
            self.inbox.remove(&bundle.tenant, bundle.job).await?;
        }
        Ok(())
    }

    /// Whether the job of a process that is gone is at its end: it came so far, or it is
    /// not tried again.
    async fn has_ended(&self, tenant: &TenantId, job: &mut Job) -> Result<bool, RosterError> {
        let imports = self.importer.imports(tenant);
        if let Some(import) = imports.of_job(job).await? {
            job.state = JobState::Done;
            job.started_at = Some(import.started_at);
            job.finished_at = Some(import.finished_at);
            job.import = Some(import.number);
            job.tables = import.tables;
            job.error = None;
        } else if job.lost >= MOST_LOST {
            job.state = JobState::Failed;
            job.finished_at = Some(self.importer.clock.now());
            job.error = Some(format!(
                "{} processes have ended while they imported it; ask the operator to look why, \
                 then upload it again",
                job.lost
            ));
        } else {
            return Ok(false);
        }
        self.importer.stored_jobs(tenant).save(job).await?;
        report(tenant, job);
        Ok(true)
    }

    /// Brings the bundle here and imports it; `None` if somebody has removed it, or if it
    /// is not to be tried again.
    async fn attempt(
        &self,
        turn: &Turn<'_>,
        tenant: &Arc<Tenant>,
        job: Job,
    ) -> Result<Option<Job>, RosterError> {
        let local = tokio::select! {
            local = self.bring(&tenant.id, job.id) => local?,
            () = lost(turn) => return Err(RosterError::Overtaken),
        };
        let Some(local) = local else {
            return Ok(None);
        };
        let work = Work::Bundle(request(&job, local.path()));
        let id = job.id;
        let told = told(tenant.id.clone(), id);
        let ended = self.importer.run(tenant, job, work, told).await;
        match ended {
            Ok(job) => Ok(Some(job)),
            // It would go so again; the job says why.
            Err(RosterError::Panicked(_)) => Ok(self.inbox.job(&tenant.id, id).await?),
            Err(error) => Err(error),
        }
    }

    async fn bring(&self, tenant: &TenantId, job: Uuid) -> Result<Option<Local>, RosterError> {
        if let Some(path) = self.inbox.local_path(tenant, job) {
            let is_there = tokio::fs::try_exists(&path).await;
            let is_there = is_there.map_err(RosterError::Input)?;
            return Ok(is_there.then_some(Local::InPlace(path)));
        }
        let made = tokio::task::spawn_blocking(tempfile::NamedTempFile::new).await;
        let made = made.map_err(io::Error::other).and_then(|made| made);
        let (file, path) = made.map_err(RosterError::Input)?.into_parts();
        let mut file = tokio::fs::File::from_std(file);
        let copied = self.inbox.copy(tenant, job, &mut file).await?;
        Ok(copied.then_some(Local::Copy(path)))
    }
}

impl Local {
    fn path(&self) -> PathBuf {
        match self {
            Self::InPlace(path) => path.clone(),
            Self::Copy(path) => path.to_path_buf(),
        }
    }
}

/// What a job imports, which lies at `path`.
fn request(job: &Job, path: PathBuf) -> Request {
    let mut request = match job.kind {
        ImportKind::Catalog if job.delta => Request::catalog(path, Mode::Delta, &job.by),
        ImportKind::Catalog => Request::catalog(path, Mode::Bulk, &job.by),
        _ => Request::new(path, &job.by),
    };
    if let Some(name) = &job.file {
        request.name.clone_from(name);
    }
    request.source.clone_from(&job.source);
    request.forced = job.forced;
    request
}

/// Keeps the turn until it is lost.
async fn lost(turn: &Turn<'_>) {
    loop {
        tokio::time::sleep(turn.renewal()).await;
        if !matches!(turn.is_ours().await, Ok(true)) {
            return;
        }
    }
}

/// Says in the log of the process how far an import is.
fn told(tenant: TenantId, job: Uuid) -> Progress {
    let phase = Mutex::new(None);
    Arc::new(move |step: Step| {
        let mut phase = phase.lock().unwrap_or_else(PoisonError::into_inner);
        if *phase != Some(step.phase) {
            tracing::debug!(tenant.id = %tenant, %job, "roster: {}", step.phase.as_str());
            *phase = Some(step.phase);
        }
    })
}

/// Counts how a job ended, and says so.
fn report(tenant: &TenantId, job: &Job) {
    let state = job.state.as_str();
    metrics::counter!("chalkline_roster_imports_total", "state" => state).increment(1);
    if job.state == JobState::Done {
        for (table, counts) in &job.tables {
            let changes = [
                ("added", counts.added),
                ("changed", counts.changed),
                ("ended", counts.ended),
            ];
            for (change, rows) in changes.into_iter().filter(|(_, rows)| *rows > 0) {
                metrics::counter!(
                    "chalkline_roster_rows_total",
                    "table" => table.clone(),
                    "change" => change,
                )
                .increment(rows);
            }
        }
    }
    if let Some(duration) = job.duration().and_then(|duration| duration.to_std().ok()) {
        metrics::histogram!("chalkline_roster_duration_seconds").record(duration.as_secs_f64());
    }
    if let (JobState::Done | JobState::Unchanged, Some(at)) = (job.state, job.finished_at) {
        let kind = match job.kind {
            ImportKind::Catalog => "catalog",
            _ => "roster",
        };
        metrics::gauge!(
            "chalkline_roster_last_success_timestamp_seconds",
            "tenant" => tenant.to_string(),
            "kind" => kind,
        )
        .set(at.timestamp() as f64);
    }
    tracing::info!(
        tenant.id = %tenant,
        job = %job.id,
        state,
        import = job.import,
        error = job.error,
        "a roster was imported"
    );
}
