//! Imports bundles and catalogues, and goes back to what was before.

use std::collections::BTreeMap;

use bytes::Bytes;
use chrono::NaiveDate;
use lake::Lake;
use lake::imports::{ImportKind, ImportSources, Imports, Job, Jobs};
use roster::Reading;
use runtime::{Clock, Leases, Registry};
use schemas::{Tenant, TenantId};
use tokio::runtime::Handle;
use uuid::Uuid;

use super::attempt::blocking;
use super::progress::{Phase, Progress, Teller};
use super::snapshot::Snapshot;
use super::sync::Reader;
use super::work::{Taking, Work, csv, found, read, settings};
use super::{Preview, Refusal, Request, RosterError, SyncRequest, diff};

/// Imports rosters, all or nothing, one at a time.
#[derive(Debug, Clone)]
pub struct Importer {
    pub(super) lake: Lake,
    pub(super) registry: Registry,
    pub(super) leases: Leases,
    pub(super) clock: Clock,
}
impl Importer {
    /// Imports into a lake, for the tenants of a registry. `leases` are those of [`super::LEASE`], held under a name
    /// that no other process has.
    pub fn new(lake: Lake, registry: Registry, leases: Leases, clock: Clock) -> Self {
        Self {
            lake,
            registry,
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
        let secret = self.registry.secret(&tenant.id).await?;
        let (settings, today) = (settings(tenant, &secret), self.today(tenant));
        blocking(move || {
            let teller = Teller::new(progress);
            let reading = read(&request, settings, &teller)?;
            let taking = Taking::from(&request);
            preview(reading, &snapshot, taking, (today, most), &teller)
        })
        .await
    }

    /// Says what reading a database would change, as [`Importer::check`] does, and changes
    /// nothing, not even from where on it is read next time.
    ///
    /// # Errors
    /// [`RosterError`].
    pub async fn check_sync(
        &self,
        tenant: &Tenant,
        request: SyncRequest,
        most: usize,
        progress: Progress,
    ) -> Result<Preview, RosterError> {
        let imports = self.imports(&tenant.id);
        let newest = imports.newest().await?;
        let before = self.sources(&tenant.id).get(&request.name).await?;
        let snapshot = Snapshot::open(&self.lake, &tenant.id, newest.as_ref()).await?;
        let secret = self.registry.secret(&tenant.id).await?;
        let (settings, today) = (settings(tenant, &secret), self.today(tenant));
        let (handle, now) = (Handle::current(), self.clock.now());
        blocking(move || {
            let teller = Teller::new(progress);
            let reader = Reader {
                request: &request,
                imports,
                handle,
                teller: &teller,
                now,
            };
            let (reading, _) = reader.read(before.as_ref(), newest.as_ref(), settings)?;
            let taking = Taking::from(&request);
            preview(reading, &snapshot, taking, (today, most), &teller)
        })
        .await
    }

    /// Reads what has changed in a database since it was read the last time, and imports
    /// it. All of it is read where that is not known: the first time, when something else
    /// was imported since, when the database or what is read of it is another, and now
    /// and then.
    ///
    /// How it went stands in [`Importer::sources`]. A job is left by those only which have
    /// changed something, or have failed in another way than the last time.
    ///
    /// # Errors
    /// [`RosterError`]; nothing of the import is seen.
    pub async fn sync(
        &self,
        tenant: &Tenant,
        request: SyncRequest,
        progress: Progress,
    ) -> Result<Job, RosterError> {
        let kind = ImportKind::Import;
        let job = self.job(&request.source(), &request.by, kind, request.forced);
        self.run(tenant, job, Work::Sync(Box::new(request)), progress)
            .await
    }

    /// The databases that were read for a tenant.
    pub fn sources(&self, tenant: &TenantId) -> ImportSources {
        ImportSources::new(self.lake.clone(), tenant.clone())
    }

    /// Imports a bundle or a catalogue. The job says how it ended, also when it was
    /// refused; it stays known under its id, whatever happens.
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
        let job = self.job(&request.source, &request.by, request.kind(), request.forced);
        self.run(tenant, job, Work::Bundle(request), progress).await
    }

    /// Makes rosters and the catalogue what they were after the import `to`, before the
    /// newest import if it is not said; 0 is before the first. That is an import itself:
    /// what is undone stays in the history, and can be done again by going back once more.
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
        Ok(self.stored_jobs(tenant).list(most).await?)
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
        Ok(self.stored_jobs(tenant).diagnostics(job).await?)
    }

    pub(super) fn stored_jobs(&self, tenant: &TenantId) -> Jobs {
        let alive = self.leases.renewal() * 3;
        Jobs::new(self.lake.clone(), tenant.clone(), alive)
    }

    fn job(&self, source: &str, by: &str, kind: ImportKind, forced: bool) -> Job {
        Job {
            forced,
            ..Job::new(Uuid::now_v7(), kind, source, by, self.clock.now())
        }
    }

    pub(super) fn today(&self, tenant: &Tenant) -> NaiveDate {
        self.clock
            .now()
            .with_timezone(&tenant.time_zone)
            .date_naive()
    }
}

/// What taking the rows would change: of each table the first `most`.
fn preview(
    reading: Reading,
    snapshot: &Snapshot,
    taking: Taking<'_>,
    (today, most): (NaiveDate, usize),
    teller: &Teller,
) -> Result<Preview, RosterError> {
    teller.begin(Phase::Checking, None);
    let checked = reading.check(snapshot)?;
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
    let comparison = checked.compare(snapshot, taking.rules, today)?;
    preview.tables = diff::tables(&comparison, most)?;
    let vanished = comparison.vanished(taking.guard);
    if !vanished.is_empty() && !taking.forced {
        preview.refusal = Some(Refusal::Vanished(vanished));
    }
    Ok(preview)
}
