//! One attempt: it waits for its turn, works while it has it, and says how it went.

use std::sync::Arc;

use lake::imports::{ImportKind, Job, JobState, Jobs};
use schemas::Tenant;
use tokio::runtime::Handle;

use super::import::Importer;
use super::progress::{Phase, Progress, Teller};
use super::turn::Turn;
use super::work::{Ended, Learned, One, Work, settings};
use super::{RosterError, SourceError};

impl Importer {
    /// Waits for its turn, works, and says in the job how it went.
    pub(super) async fn run(
        &self,
        tenant: &Tenant,
        mut job: Job,
        work: Work,
        progress: Progress,
    ) -> Result<Job, RosterError> {
        let jobs = self.stored_jobs(&tenant.id);
        let turn = Turn::new(&self.leases, &tenant.id);
        let teller = Arc::new(Teller::new(progress));
        let (is_told, stop) = (work.is_told(), work.stop());
        if is_told {
            jobs.save(&job).await?;
        }
        let waiting = self.take_turn(&turn, &jobs, &mut job, &teller, is_told);
        let ended = stop.run_until_cancelled(waiting).await;
        let ended = ended.unwrap_or_else(|| Err(SourceError::Stopped.into()));
        let (ended, learned) = match ended {
            Ok(()) => self.work(tenant, &jobs, &turn, &job, work, &teller).await,
            Err(error) => (Err(error), Learned::default()),
        };
        job.finished_at = Some(self.clock.now());
        job.checksum = learned.checksum.or(job.checksum);
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
            // Somebody else has the job, and says how it is.
            Err(RosterError::Overtaken) if job.uploaded => return Err(RosterError::Overtaken),
            Err(error) => {
                job.error = Some(crate::error::chain(&error));
                if job.uploaded && error.is_of_bundle() {
                    job.state = JobState::Refused;
                    Ok(())
                } else if job.uploaded && !matches!(error, RosterError::Panicked(_)) {
                    job.state = JobState::Waiting;
                    (job.started_at, job.finished_at) = (None, None);
                    Err(error)
                } else {
                    job.state = JobState::Failed;
                    Err(error)
                }
            }
        };
        let was_stopped = matches!(result, Err(RosterError::Source(SourceError::Stopped)));
        if !is_told && (was_stopped || learned.is_news == Some(false)) {
            turn.leave().await;
            return result.map(|()| job);
        }
        if let Some(csv) = learned.diagnostics
            && let Err(error) = jobs.save_diagnostics(job.id, csv).await
        {
            let error: &dyn std::error::Error = &error;
            tracing::warn!(tenant.id = %tenant.id, error, "diagnostics were not stored");
        }
        // How it ended stands in the tables, whether the job can say so or not.
        let told = jobs.save(&job).await;
        // Whoever is next finds how it ended.
        turn.leave().await;
        match told {
            // It is to be found out by whoever takes the bundle next.
            Err(error) if job.uploaded => result.and(Err(error.into())),
            Err(error) => {
                let error: &dyn std::error::Error = &error;
                tracing::warn!(tenant.id = %tenant.id, error, "how the import ended was not stored");
                result.map(|()| job)
            }
            Ok(()) => result.map(|()| job),
        }
    }

    async fn take_turn(
        &self,
        turn: &Turn<'_>,
        jobs: &Jobs,
        job: &mut Job,
        teller: &Teller,
        is_told: bool,
    ) -> Result<(), RosterError> {
        let mut told = None;
        while !turn.is_ours().await? {
            // Whoever has the turn of an upload has taken it from the inbox, too.
            if job.uploaded {
                return Err(RosterError::Overtaken);
            }
            let now = tokio::time::Instant::now();
            if told.is_none_or(|told| now - told >= turn.renewal()) {
                teller.begin(Phase::Waiting, None);
                if is_told {
                    jobs.save(job).await?;
                }
                told = Some(now);
            }
            tokio::time::sleep(turn.pause()).await;
        }
        job.state = JobState::Running;
        job.started_at = Some(self.clock.now());
        job.error = None;
        if is_told {
            jobs.save(job).await?;
        }
        Ok(())
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
        let secret = match self.registry.secret(&tenant.id).await {
            Ok(secret) => secret,
            Err(error) => return (Err(error.into()), Learned::default()),
        };
        let is_told = work.is_told();
        let one = One {
            lake: self.lake.clone(),
            tenant: tenant.id.clone(),
            settings: settings(tenant, &secret),
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
                Work::Sync(request) => one.sync(request, &mut learned),
                Work::Back(to) => one.rollback(*to, &mut learned),
            };
            (ended, learned)
        });
        tokio::pin!(task);
        let _stop = StopOnDrop(Arc::clone(teller));
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
                    if (is_told || teller.is_storing())
                        && let Err(error) = jobs.save(job).await
                    {
                        let error: &dyn std::error::Error = &error;
                        tracing::debug!(tenant.id = %tenant.id, error, "the job was not renewed");
                    }
                }
            }
        }
    }
}

/// Work that nobody waits for any more makes nothing visible.
struct StopOnDrop(Arc<Teller>);

impl Drop for StopOnDrop {
    fn drop(&mut self) {
        self.0.stop();
    }
}

/// Works on a thread that may wait.
pub(super) async fn blocking<T: Send + 'static>(
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
