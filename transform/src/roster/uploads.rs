//! Imports the rosters and catalogues that were uploaded: in each tenant's inbox the oldest
//! first.
//!
//! What waits is found by looking: a notice in the log only says when to look. So none is
//! missed, and a process that was killed is followed by whoever looks next.

mod bundle;
mod config;

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::time::Duration;

use runtime::Registry;
use runtime::inbox::{Inbox, InboxError, Waiting};
use schemas::TenantId;
use tokio::sync::Notify;
use tokio::task::{Id, JoinSet};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use self::bundle::{Bundles, Went};
use super::Importer;
use crate::error::chain;

pub use self::config::RosterConfig;

/// How long a tenant is left alone whose roster cannot be imported now, at first and at
/// most.
const FIRST_PAUSE: Duration = Duration::from_secs(5);
const LONGEST_PAUSE: Duration = Duration::from_secs(600);

/// How long a tenant is left alone whose roster somebody else imports: an import may take
/// no longer.
const ELSEWHERE: Duration = Duration::from_secs(2);

/// How long whoever has no job yet is left alone at first.
const IDLE: Duration = Duration::from_millis(500);

/// How long saying how it is may take at the end.
pub(super) const FAREWELL: Duration = Duration::from_secs(2);

/// Imports what was uploaded, with others who do the same.
pub struct Uploads {
    config: RosterConfig,
    bundles: Arc<Bundles>,
    inbox: Inbox,
    uploaded: Arc<Notify>,
    importing: JoinSet<Went>,
    /// Whose imports are under way here.
    tenants: HashMap<Id, TenantId>,
    resting: HashMap<TenantId, Rest>,
}

/// Until when a tenant is left alone.
struct Rest {
    until: Instant,
    pause: Duration,
    /// Whether there was nothing to do, so that a notice ends it.
    idle: bool,
}

impl Uploads {
    /// Imports what is in the inbox; looks there when it is `uploaded`, and now and then.
    pub fn new(
        config: RosterConfig,
        importer: Importer,
        inbox: Inbox,
        registry: Registry,
        uploaded: Arc<Notify>,
    ) -> Self {
        let bundles = Bundles {
            importer,
            inbox: inbox.clone(),
            registry,
        };
        Self {
            config,
            bundles: Arc::new(bundles),
            inbox,
            uploaded,
            importing: JoinSet::new(),
            tenants: HashMap::new(),
            resting: HashMap::new(),
        }
    }

    /// Works until `stop`: then it gives up what it does, of which nothing is seen, for
    /// whoever is next.
    pub async fn run(mut self, stop: CancellationToken) {
        let uploaded = Arc::clone(&self.uploaded);
        while !stop.is_cancelled() {
            if let Err(error) = self.look(&stop).await {
                tracing::warn!(error = chain(&error), "the inbox of uploads is not seen");
            }
            let wake = self.wake();
            tokio::select! {
                () = stop.cancelled() => break,
                () = uploaded.notified() => self.resting.retain(|_, rest| !rest.idle),
                () = tokio::time::sleep_until(wake) => {}
                Some(ended) = self.importing.join_next_with_id() => match ended {
                    Ok((id, went)) => self.settle(id, Some(went)),
                    Err(error) => {
                        tracing::error!(%error, "an import has panicked");
                        self.settle(error.id(), None);
                    }
                },
            }
        }
        let farewell = async {
            while self.importing.join_next().await.is_some() {}
            let _ = self.bundles.importer.leases.release_all().await;
        };
        let _ = tokio::time::timeout(FAREWELL, farewell).await;
    }

    /// Looks what waits, and begins with as much as may be under way at once.
    async fn look(&mut self, stop: &CancellationToken) -> Result<(), InboxError> {
        let waiting = self.inbox.waiting().await?;
        metrics::gauge!("chalkline_roster_inbox_waiting").set(waiting.len() as f64);
        let mut order: Vec<TenantId> = Vec::new();
        let mut of_tenants: BTreeMap<TenantId, Vec<Waiting>> = BTreeMap::new();
        for bundle in waiting {
            let of_tenant = of_tenants.entry(bundle.tenant.clone()).or_default();
            if of_tenant.is_empty() {
                order.push(bundle.tenant.clone());
            }
            of_tenant.push(bundle);
        }
        // Who has nothing left need not be remembered.
        self.resting
            .retain(|tenant, _| of_tenants.contains_key(tenant));
        let now = Instant::now();
        for tenant in order {
            if self.importing.len() >= self.config.concurrent_imports {
                break;
            }
            let rests = self
                .resting
                .get(&tenant)
                .is_some_and(|rest| rest.until > now);
            let is_busy = self.tenants.values().any(|busy| *busy == tenant);
            let Some(waiting) = of_tenants.remove(&tenant).filter(|_| !rests && !is_busy) else {
                continue;
            };
            let (bundles, stop) = (Arc::clone(&self.bundles), stop.clone());
            let of = tenant.clone();
            let task = async move { bundles.import_all(&of, waiting, &stop).await };
            let id = self.importing.spawn(task).id();
            self.tenants.insert(id, tenant);
        }
        Ok(())
    }

    /// When to look again if nobody says so before.
    fn wake(&self) -> Instant {
        let now = Instant::now();
        let rests = self.resting.values().map(|rest| rest.until);
        let next = rests.filter(|until| *until > now).min();
        let usual = now + self.config.scan_interval();
        next.map_or(usual, |next| next.min(usual))
    }

    /// Takes note of how a tenant's imports went; `None` if that is not known.
    fn settle(&mut self, id: Id, went: Option<Went>) {
        let Some(tenant) = self.tenants.remove(&id) else {
            return;
        };
        let before = self.resting.remove(&tenant).map(|rest| rest.pause);
        let longer = |first: Duration, longest: Duration| {
            before
                .map_or(first, |pause| (pause * 2).max(first))
                .min(longest)
        };
        let pause = match went {
            Some(Went::Through) => return,
            // The notice of what comes now may come before this.
            Some(Went::Idle) => longer(IDLE, self.config.scan_interval()),
            Some(Went::Elsewhere) => ELSEWHERE.min(self.bundles.importer.leases.renewal()),
            Some(Went::Failed) | None => longer(FIRST_PAUSE, LONGEST_PAUSE),
        };
        let rest = Rest {
            until: Instant::now() + pause,
            pause,
            idle: went == Some(Went::Idle),
        };
        self.resting.insert(tenant, rest);
    }
}
