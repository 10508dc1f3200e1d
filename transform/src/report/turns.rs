//! Whose turn it is to refresh a tenant's reports, where several processes
//! publish for the same tenants.

use std::collections::HashMap;
use std::convert::Infallible;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use futures::StreamExt;
use futures::stream::FuturesUnordered;
use runtime::Leases;
use schemas::TenantId;
use tokio::time::Instant;

use crate::error::chain;

/// What the leases of report refresh are for.
pub const LEASE: &str = "reports";

/// A tenant for whom this process has published nothing for so long is left to
/// whoever has.
const IDLE: Duration = Duration::from_secs(10);

/// How long giving the leases back may take at the end.
const FAREWELL: Duration = Duration::from_secs(1);

/// The tenants whose reports this process refreshes. That no two do so saves
/// work only: a refresh that is late loses its commit.
pub(crate) struct Turns {
    leases: Option<Leases>,
    last: Mutex<HashMap<TenantId, Instant>>,
}

impl Turns {
    /// Without leases it is always this process's turn.
    pub fn new(leases: Option<Leases>) -> Self {
        Self {
            leases,
            last: Mutex::default(),
        }
    }

    /// Whether this process refreshes the tenant's reports now. If not, somebody
    /// else does, or has just done so: ask again until it is.
    pub async fn is_ours(&self, tenant: &TenantId) -> bool {
        let Some(leases) = &self.leases else {
            return true;
        };
        match leases.hold(tenant).await {
            Ok(true) => {
                self.last().insert(tenant.clone(), Instant::now());
                true
            }
            Ok(false) => false,
            Err(error) => {
                tracing::warn!(
                    tenant.id = %tenant,
                    error = chain(&error),
                    "whose turn it is to refresh reports is not known"
                );
                false
            }
        }
    }

    /// Keeps the turn that [`Turns::is_ours`] gave, for as long as it is polled: it
    /// does not end. Where the turn is lost all the same, what is under way goes
    /// on, and its commits say which of the two was first.
    pub async fn keep(&self, tenant: &TenantId) -> Infallible {
        let Some(leases) = &self.leases else {
            return std::future::pending().await;
        };
        loop {
            tokio::time::sleep(leases.renewal()).await;
            self.is_ours(tenant).await;
        }
    }

    /// Leaves all tenants to others, if that does not take long.
    pub async fn leave_all(&self) {
        if let Some(leases) = &self.leases {
            // What is not given back runs out by itself.
            let _ = tokio::time::timeout(FAREWELL, leases.release_all()).await;
        }
    }

    /// When, after `now`, the next tenant is to be left to others.
    pub fn next_idle(&self, now: Instant) -> Option<Instant> {
        let last = self.last();
        let ends = last.values().map(|last| *last + IDLE);
        ends.filter(|end| *end > now).min()
    }

    /// Leaves tenants to others for whom nothing was published here for a while
    /// and who are not being served. Who is goes on meanwhile, because it may have
    /// what this waits for; those that end are returned.
    pub async fn leave_idle<F: Future>(
        &self,
        is_served: impl Fn(&TenantId) -> bool,
        served: &mut FuturesUnordered<F>,
    ) -> Vec<F::Output> {
        let mut ended = Vec::new();
        let (Some(leases), now) = (&self.leases, Instant::now()) else {
            return ended;
        };
        let is_idle =
            |tenant: &TenantId, last: &mut Instant| now >= *last + IDLE && !is_served(tenant);
        let idle: Vec<_> = self.last().extract_if(is_idle).collect();
        let leave = async {
            for (tenant, _) in idle {
                if let Err(error) = leases.release(&tenant).await {
                    // It runs out by itself.
                    tracing::debug!(tenant.id = %tenant, error = chain(&error), "not given back");
                }
            }
        };
        tokio::pin!(leave);
        loop {
            tokio::select! {
                () = &mut leave => return ended,
                Some(one) = served.next() => ended.push(one),
            }
        }
    }

    fn last(&self) -> MutexGuard<'_, HashMap<TenantId, Instant>> {
        self.last.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use runtime::Root;

    use super::*;

    #[tokio::test]
    async fn who_is_served_goes_on_while_others_are_left() {
        let folder = tempfile::tempdir().expect("a folder");
        let root = folder.path().display().to_string();
        let root = Root::open(&root, HashMap::new()).expect("a root");
        let leases = Leases::new(root, LEASE, "here".into(), Duration::from_secs(3_600));
        let turns = Turns::new(Some(leases));
        let [idle, served] = ["idle", "served"].map(|id| id.parse().expect("a tenant"));
        assert!(turns.is_ours(&idle).await);
        turns.last().insert(idle.clone(), Instant::now() - IDLE);

        let mut serving = FuturesUnordered::from_iter([turns.is_ours(&served)]);
        // It asks the store, and nobody else can ask meanwhile.
        assert!(futures::poll!(serving.next()).is_pending());
        let leave = turns.leave_idle(|_| false, &mut serving);
        let ended = tokio::time::timeout(Duration::from_secs(60), leave).await;
        let ended = ended.expect("they do not wait for each other");
        let rest: Vec<_> = serving.collect().await;
        assert_eq!([ended, rest].concat(), [true]);
        assert!(!turns.last().contains_key(&idle));
    }
}
