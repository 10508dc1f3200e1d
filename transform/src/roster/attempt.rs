//! One attempt: it waits for its turn, works while it has it, and says how it went.

use std::sync::Arc;

use lake::imports::{ImportKind, Job, JobState, Jobs};
use schemas::Tenant;
use tokio::runtime::Handle;

use super::RosterError;
use super::import::Importer;
use super::progress::{Phase, Progress, Teller};
use super::turn::Turn;
use super::work::{Ended, Learned, One, Work, settings};

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
        Ok(jobs.save(job).await?)
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
