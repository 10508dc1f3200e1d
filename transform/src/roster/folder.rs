//! The folder into which others put rosters and catalogues, over SFTP for example: what is
//! complete in it is taken as an upload, and put aside when its job has ended.
//!
//! Where a file lies says how far it is, so whoever dies is followed by whoever looks next:
//!
//! ```text
//! <inbox>/<tenant>/<name>.zip                     somebody puts it there
//! <inbox>/<tenant>/taken/<job>-<name>.zip         it is uploaded, and its job goes on
//! <inbox>/<tenant>/done/<time>-<name>.zip         it is imported, or has changed nothing
//! <inbox>/<tenant>/failed/<time>-<name>.zip       it is refused, or has failed
//! <inbox>/<tenant>/failed/<time>-<name>.zip.error.txt
//! <inbox>/<tenant>/failed/<time>-<name>.zip.diagnostics.csv
//! <inbox>/<tenant>/catalog/…                      the same for catalogues
//! ```

mod files;
mod looks;
mod place;

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;

use bytes::Bytes;
use chrono::{DateTime, Utc};
use futures::TryStreamExt;
use lake::imports::{Job, JobState};
use object_store::path::Path;
use object_store::{ListResult, ObjectMeta};
use runtime::inbox::{Inbox, InboxError};
use runtime::{Clock, LeaseError, Leases, Registry, RegistryError, Root};
use schemas::TenantId;
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use self::files::Files;
use self::looks::{Looks, Seen};
use self::place::{Aside, Place, child};
use super::uploads::RosterConfig;
use crate::error::chain;

/// What the leases of looking into the folder are for.
pub const FOLDER_LEASE: &str = "roster-inbox";

/// Who imports what was put into the folder.
const BY: &str = "inbox folder";

/// Takes rosters and catalogues out of a folder.
pub struct Folder {
    config: RosterConfig,
    files: Files,
    leases: Leases,
    inbox: Inbox,
    registry: Registry,
    clock: Clock,
    uploaded: Arc<Notify>,
    looks: HashMap<Place, Looks>,
    /// Folders with files that are no tenant's, as far as that was said.
    strangers: HashSet<TenantId>,
}

/// Why the folder cannot be seen to.
#[derive(Debug, thiserror::Error)]
enum FolderError {
    #[error("the folder cannot be used now")]
    Folder(#[from] object_store::Error),
    #[error("a file of the folder cannot be used now")]
    File(#[from] std::io::Error),
    #[error("a file's name cannot be used; name it with letters and digits")]
    Name(#[from] object_store::path::Error),
    #[error("{0} is reached over a link; make it a folder")]
    Link(Path),
    #[error(transparent)]
    Inbox(#[from] InboxError),
    #[error(transparent)]
    Lease(#[from] LeaseError),
    #[error(transparent)]
    Registry(#[from] RegistryError),
}

impl Folder {
    /// Takes what is put into `folder`, with others who do the same by these leases
    /// ([`FOLDER_LEASE`]), and says when something is `uploaded`.
    pub fn new(
        config: RosterConfig,
        folder: Root,
        leases: Leases,
        registry: Registry,
        clock: Clock,
        uploaded: Arc<Notify>,
    ) -> Self {
        Self {
            config,
            files: Files::new(folder),
            leases,
            inbox: Inbox::new(registry.root().clone()),
            registry,
            clock,
            uploaded,
            looks: HashMap::new(),
            strangers: HashSet::new(),
        }
    }

    /// Looks into the folder again and again until `stop`.
    pub async fn run(mut self, stop: CancellationToken) {
        loop {
            let look = async {
                if let Err(error) = self.look().await {
                    tracing::warn!(error = chain(&error), "the inbox folder is not seen");
                }
                tokio::time::sleep(self.config.inbox_look()).await;
            };
            if stop.run_until_cancelled(look).await.is_none() {
                break;
            }
        }
        let farewell = self.leases.release_all();
        let _ = tokio::time::timeout(super::uploads::FAREWELL, farewell).await;
    }

    async fn look(&mut self) -> Result<(), FolderError> {
        let listed = self.files.list(None).await?;
        let names = listed.common_prefixes.iter();
        let tenants: HashSet<TenantId> = names
            .filter_map(|folder| folder.filename()?.parse().ok())
            .collect();
        self.looks
            .retain(|place, _| tenants.contains(place.tenant()));
        self.strangers.retain(|tenant| tenants.contains(tenant));
        for tenant in tenants {
            // One tenant's files need not wait for another's to be mended.
            if let Err(error) = self.see_to(&tenant).await {
                let error = chain(&error);
                tracing::warn!(tenant.id = %tenant, error, "the inbox folder is not seen to");
            }
        }
        Ok(())
    }

    async fn see_to(&mut self, tenant: &TenantId) -> Result<(), FolderError> {
        let (rosters, catalogs) = (Place::of_rosters(tenant), Place::of_catalogs(tenant));
        let listed = self.files.list(Some(&rosters.path())).await?;
        let has_catalogs = listed.common_prefixes.contains(&catalogs.path());
        // A catalogue refers to rosters, so what came with it goes first.
        self.work_off(&rosters, listed).await?;
        if has_catalogs {
            let listed = self.files.list(Some(&catalogs.path())).await?;
            self.work_off(&catalogs, listed).await?;
        }
        Ok(())
    }

    async fn work_off(&mut self, place: &Place, listed: ListResult) -> Result<(), FolderError> {
        let taken = place.aside(Aside::Taken);
        let mut under_way = Vec::new();
        if listed.common_prefixes.contains(&taken) {
            under_way = self.files.list(Some(&taken)).await?.objects;
        }
        let files = listed.objects.iter();
        let files = files.filter_map(|file| Some((file.location.filename()?, Seen::of(file))));
        let files = files.filter(|(name, _)| place.takes(name));
        let files: BTreeMap<_, _> = files.map(|(name, seen)| (name.to_owned(), seen)).collect();
        if files.is_empty() && under_way.is_empty() {
            self.looks.remove(place);
            return Ok(());
        }
        if !self.is_ours(place.tenant()).await? {
            return Ok(());
        }
        if self.files.is_linked(&taken).await? {
            return Err(FolderError::Link(taken));
        }
        let looks = self.looks.entry(place.clone()).or_default();
        let now = tokio::time::Instant::now();
        let complete = looks.complete(files, now, self.config.inbox_settle());
        for name in &complete {
            let from = child(&place.path(), name)?;
            let to = child(&taken, &place::taken(Uuid::now_v7(), name))?;
            self.files.rename(&from, &to).await?;
            tracing::info!(tenant.id = %place.tenant(), file = name, "taken from the inbox folder");
        }
        if !complete.is_empty() {
            under_way = self.files.list(Some(&taken)).await?.objects;
        }
        for file in under_way {
            let name = file.location.filename().and_then(place::parse_taken);
            if let Some((job, name)) = name {
                self.go_on(place, &file, job, name).await?;
            }
        }
        Ok(())
    }

    /// Whether a folder is that of a tenant, and nobody else looks into it.
    async fn is_ours(&mut self, tenant: &TenantId) -> Result<bool, FolderError> {
        if self.registry.tenant(tenant).await?.is_some() {
            self.strangers.remove(tenant);
            return Ok(self.leases.hold(tenant).await?);
        }
        if self.strangers.insert(tenant.clone()) {
            tracing::warn!(folder = %tenant, "files lie in the inbox folder for no tenant");
        }
        Ok(false)
    }

    /// Uploads a file whose job is not known yet, and puts one aside whose job has ended.
    async fn go_on(
        &self,
        place: &Place,
        file: &ObjectMeta,
        job: Uuid,
        name: &str,
    ) -> Result<(), FolderError> {
        let from = &file.location;
        let Some(job) = self.inbox.job(place.tenant(), job).await? else {
            if let Some(fault) = self.files.fault(from).await? {
                let to = put_aside(place, Aside::Failed, self.clock.now(), name)?;
                self.explain(&to, fault, None).await?;
                self.files.rename(from, &to).await?;
                return Ok(());
            }
            return self.upload(place, from, job, name).await;
        };
        match job.state {
            state if state.is_open() => {}
            JobState::Done | JobState::Unchanged if !self.config.inbox_keep_done => {
                self.files.delete(from).await?;
            }
            JobState::Done | JobState::Unchanged => {
                let to = put_aside(place, Aside::Done, job.created_at, name)?;
                self.files.rename(from, &to).await?;
            }
            state => {
                let to = put_aside(place, Aside::Failed, job.created_at, name)?;
                let why = job.error.as_deref().unwrap_or("no reason is known");
                let found = self.inbox.diagnostics(place.tenant(), job.id).await?;
                let why = format!("{}: {why}", state.as_str());
                self.explain(&to, &why, found).await?;
                self.files.rename(from, &to).await?;
            }
        }
        Ok(())
    }

    async fn upload(
        &self,
        place: &Place,
        file: &Path,
        id: Uuid,
        name: &str,
    ) -> Result<(), FolderError> {
        let mut chunks = self.files.open(file).await?.into_stream();
        let mut upload = self.inbox.begin(place.tenant(), id).await?;
        let copied = async {
            while let Some(chunk) = chunks.try_next().await? {
                upload.write(&chunk).await?;
            }
            Ok::<_, FolderError>(())
        };
        if let Err(error) = copied.await {
            upload.abort().await;
            return Err(error);
        }
        let stored = upload.finish().await?;
        let job = Job {
            checksum: Some(stored.checksum),
            uploaded: true,
            file: place.read_as(name),
            ..Job::new(id, place.kind(), name, BY, self.clock.now())
        };
        self.inbox.create_job(place.tenant(), &job).await?;
        self.uploaded.notify_one();
        Ok(())
    }

    /// Says beside a file what is wrong with it.
    async fn explain(
        &self,
        file: &Path,
        why: &str,
        diagnostics: Option<Bytes>,
    ) -> Result<(), FolderError> {
        let beside = |what: &str| Path::parse(format!("{file}.{what}"));
        let why = Bytes::from(format!("{why}\n"));
        self.files.write(&beside("error.txt")?, why).await?;
        if let Some(csv) = diagnostics {
            self.files.write(&beside("diagnostics.csv")?, csv).await?;
        }
        Ok(())
    }
}

/// Where a file lies that was called so, and whose import began then.
fn put_aside(
    place: &Place,
    aside: Aside,
    time: DateTime<Utc>,
    name: &str,
) -> Result<Path, FolderError> {
    let time = time.format("%Y%m%dT%H%M%S%.3fZ");
    Ok(child(&place.aside(aside), &format!("{time}-{name}"))?)
}
