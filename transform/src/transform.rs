//! The service: recover, then round after round of consume, deduplicate, place,
//! batch, write and publish.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use eventlog::EventLog;
use lake::Lake;
use runtime::inbox::Inbox;
use runtime::{Clock, Health, HealthCheck, Leases, Registry, Root, Shutdown};
use tokio::sync::{Notify, watch};
use tokio_util::sync::CancellationToken;

use crate::audit::{self, Books};
use crate::config::Config;
use crate::count::Counter;
use crate::directory::Directories;
use crate::error::Error;
use crate::line::{KnownBefore, Line};
use crate::maintenance::{self, Upkeep};
use crate::membership::Membership;
use crate::recover::recover;
use crate::report::{Moved, Reports, Schedule, Turns};
use crate::roster::{Folder, Importer, Sources, Uploads};
use crate::waiting::Waiting;

/// How long to wait before beginning again after a failure.
const RESTART_PAUSE: Duration = Duration::from_secs(1);

/// How often one who has no partitions looks why.
const LOOK: Duration = Duration::from_millis(500);

/// How long saying goodbye to the group may take; who is silent is missed after
/// its session timeout.
const LEAVE: Duration = Duration::from_secs(2);

/// Turns the records of a log into rows of the lake, each exactly once.
pub struct Transform {
    pub(crate) config: Config,
    pub(crate) log: Arc<dyn EventLog>,
    pub(crate) registry: Registry,
    pub(crate) lake: Lake,
    pub(crate) clock: Clock,
    pub(crate) health: HealthCheck,
    upkeep_leases: Option<Leases>,
    report_leases: Option<Leases>,
    audit_leases: Option<Leases>,
    roster_leases: Option<Leases>,
    roster_folder: Option<(Root, Leases)>,
    /// Wakes who imports rosters that were uploaded.
    pub(crate) uploaded: Arc<Notify>,
}

/// What goes on over all lives of the service.
#[derive(Clone, Copy)]
pub(crate) struct Surroundings<'a> {
    pub transform: &'a Transform,
    /// Up to where each partition was read, for the second reader.
    pub read: &'a watch::Sender<BTreeMap<u32, u64>>,
    /// Whose reports are to be refreshed.
    pub moved: &'a Moved,
    /// What rosters say of events.
    pub directories: &'a Directories,
    pub stop: &'a CancellationToken,
}

impl Transform {
    /// The service; nothing happens before [`Transform::run`].
    pub fn new(
        config: Config,
        log: Arc<dyn EventLog>,
        registry: Registry,
        lake: Lake,
        clock: Clock,
        health: &Health,
    ) -> Self {
        Self {
            config,
            log,
            registry,
            lake,
            clock,
            health: health.check("transform"),
            upkeep_leases: None,
            report_leases: None,
            audit_leases: None,
            roster_leases: None,
            roster_folder: None,
            uploaded: Arc::default(),
        }
    }

    /// Takes turns with other processes at the upkeep of tables, by these leases
    /// ([`maintenance::LEASE`]). Without, this process does all of it.
    pub fn with_upkeep_leases(mut self, leases: Leases) -> Self {
        self.upkeep_leases = Some(leases);
        self
    }

    /// Takes turns with other processes at refreshing reports, by these leases
    /// ([`crate::REPORT_LEASE`]). Without, this process does so whenever it has
    /// published something.
    pub fn with_report_leases(mut self, leases: Leases) -> Self {
        self.report_leases = Some(leases);
        self
    }

    /// Takes turns with other processes at auditing ledgers, by these leases
    /// ([`crate::AUDIT_LEASE`]). Without, this process does all of it.
    pub fn with_audit_leases(mut self, leases: Leases) -> Self {
        self.audit_leases = Some(leases);
        self
    }

    /// Imports rosters that were uploaded, and takes turns with other processes at it, by
    /// these leases ([`crate::roster::LEASE`]). Without, this process imports none.
    pub fn with_roster_leases(mut self, leases: Leases) -> Self {
        self.roster_leases = Some(leases);
        self
    }

    /// Takes as uploads what others put into a folder, by these leases
    /// ([`crate::roster::FOLDER_LEASE`]).
    pub fn with_roster_folder(mut self, folder: Root, leases: Leases) -> Self {
        self.roster_folder = Some((folder, leases));
        self
    }

    /// Works until `shutdown`, then publishes what it has read and returns.
    ///
    /// The partitions of the log are shared with all other processes that do the
    /// same. A log or a store that does not answer is waited for. A second writer
    /// of the same partitions makes this one begin again from what is published.
    ///
    /// # Errors
    /// Only when somebody has to mend something first:
    /// [`Error::is_retryable`] is false for it.
    pub async fn run(self, shutdown: Shutdown) -> Result<(), Error> {
        let _component = shutdown.component("transform");
        let stop = shutdown.token();
        let (read, followed) = watch::channel(BTreeMap::new());
        let counter = Counter::new(
            &self.config,
            Arc::clone(&self.log),
            self.lake.clone(),
            self.registry.clone(),
        );
        let reports = Reports::new(
            &self.config,
            self.lake.clone(),
            self.registry.clone(),
            self.clock.clone(),
        );
        let reports = reports.map_err(Error::Threads)?;
        let tended = Moved::default();
        let moved = Moved::with(tended.clone());
        let directories = Directories::new(
            self.lake.clone(),
            self.registry.clone(),
            self.config.roster.refresh(),
            self.config.roster.memory_bytes,
        );
        let upkeep = Upkeep::new(
            self.config.maintenance.clone(),
            self.lake.clone(),
            self.registry.clone(),
            self.clock.clone(),
        )
        .with_directories(directories.clone());
        let maintenance = maintenance::Schedule::new(
            self.config.maintenance.clone(),
            upkeep,
            self.upkeep_leases.clone(),
            self.registry.clone(),
            tended,
            moved.clone(),
        );
        // What goes on beside publishing ends with it, for whatever reason.
        let ended = stop.child_token();
        let maintaining = maintenance.map_err(Error::Threads)?.run(ended.clone());
        let interval = self.config.report_interval();
        let turns = Turns::new(self.report_leases.clone());
        let registry = self.registry.clone();
        let schedule = Schedule::new(reports, registry, moved.clone(), interval, turns);
        let refreshing = schedule.run(ended.clone());
        let books = Books::new(self.lake.clone()).map_err(Error::Threads)?;
        let audit = audit::Schedule::new(
            self.config.audit_interval(),
            books,
            self.audit_leases.clone(),
            self.registry.clone(),
        );
        let auditing = audit.run(ended.clone());
        let uploads = self.uploads();
        let importing = async {
            if let Some(uploads) = uploads {
                uploads.run(ended.clone()).await;
            }
        };
        let folder = self.folder();
        let watching = async {
            if let Some(folder) = folder {
                folder.run(ended.clone()).await;
            }
        };
        let sources = Sources::new(self.lake.clone(), self.registry.clone());
        let telling = sources.run(ended.clone());
        let finished = CancellationToken::new();
        let counting = counter.run(followed, finished.clone());
        let working = async {
            let surroundings = Surroundings {
                transform: &self,
                read: &read,
                moved: &moved,
                directories: &directories,
                stop: &stop,
            };
            let result = surroundings.work_on().await;
            // The counter follows to the last record.
            finished.cancel();
            ended.cancel();
            result
        };
        let (result, (), (), (), (), (), (), ()) = tokio::join!(
            working,
            counting,
            refreshing,
            maintaining,
            auditing,
            importing,
            watching,
            telling
        );
        result
    }

    fn folder(&self) -> Option<Folder> {
        let (folder, leases) = self.roster_folder.as_ref()?;
        Some(Folder::new(
            self.config.roster.clone(),
            folder.clone(),
            leases.clone(),
            self.registry.clone(),
            self.clock.clone(),
            Arc::clone(&self.uploaded),
        ))
    }

    fn uploads(&self) -> Option<Uploads> {
        let leases = self.roster_leases.clone()?;
        let importer = Importer::new(
            self.lake.clone(),
            self.registry.clone(),
            leases,
            self.clock.clone(),
        );
        Some(Uploads::new(
            self.config.roster.clone(),
            importer,
            Inbox::new(self.registry.root().clone()),
            self.registry.clone(),
            Arc::clone(&self.uploaded),
        ))
    }
}

impl Surroundings<'_> {
    /// Life after life as a member of the group, until it is time to stop.
    async fn work_on(self) -> Result<(), Error> {
        let mut membership = Membership::join(self.transform.log.as_ref()).await?;
        let mut waiting = Waiting::default();
        let mut before = None;
        let result = loop {
            membership.settle();
            // Whatever was published before this life.
            self.moved.add_all();
            let error = match self.live(&mut membership, &mut waiting, &mut before).await {
                Ok(()) => break Ok(()),
                Err(Error::Mended | Error::Rebalanced) => continue,
                Err(error) => error,
            };
            self.transform.health.not_ready(error.chain());
            if !error.is_retryable() {
                tracing::error!(error = error.chain(), "stopped");
                break Err(error);
            }
            if self.stop.is_cancelled() {
                // Nothing is lost: the log has it, and the next start reads it.
                tracing::warn!(error = error.chain(), "stopped before all was published");
                break Ok(());
            }
            tracing::warn!(
                error = error.chain(),
                "beginning again from what is published"
            );
            metrics::counter!("chalkline_transform_restarts_total").increment(1);
            tokio::select! {
                () = tokio::time::sleep(RESTART_PAUSE) => {}
                () = self.stop.cancelled() => break Ok(()),
            }
            if let Error::Group(_) = error {
                membership = Membership::join(self.transform.log.as_ref()).await?;
            }
        };
        if tokio::time::timeout(LEAVE, membership.leave())
            .await
            .is_err()
        {
            tracing::warn!("the group was left without a goodbye");
        }
        result
    }

    /// One life: from what the lake says until it is time to stop, or until
    /// what is known is no longer true.
    async fn live(
        self,
        membership: &mut Membership,
        waiting: &mut Waiting,
        before: &mut Option<KnownBefore>,
    ) -> Result<(), Error> {
        let before_this = before.take();
        let owned = membership.owned().clone();
        if owned.is_empty() {
            return self.stand_by(membership).await;
        }
        let known = before_this.map(|known| (known, membership.kept().clone()));
        let recovered = tokio::select! {
            recovered = recover(self.transform, &owned, waiting, known) => recovered?,
            changed = membership.changed() => {
                changed?;
                return Err(Error::Rebalanced);
            }
            () = self.stop.cancelled() => return Ok(()),
        };
        let (unfinished, live) = (recovered.unfinished, recovered.live);
        let mut line = Line::new(self, membership, waiting, recovered.known);
        let ended = line.live(unfinished, live).await;
        if matches!(ended, Err(Error::Rebalanced)) {
            *before = line.into_known();
        }
        ended
    }

    /// Others have all partitions: ends when that changes, or when it is time to
    /// stop.
    async fn stand_by(self, membership: &mut Membership) -> Result<(), Error> {
        self.read.send_replace(BTreeMap::new());
        let health = &self.transform.health;
        loop {
            match membership.waits_for() {
                Ok(()) => health.ready(),
                Err(reason) => health.not_ready(reason),
            }
            tokio::select! {
                changed = membership.changed() => {
                    changed?;
                    return Err(Error::Rebalanced);
                }
                () = tokio::time::sleep(LOOK) => {}
                () = self.stop.cancelled() => return Ok(()),
            }
        }
    }
}
