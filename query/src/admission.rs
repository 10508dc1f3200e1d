//! Who may work now: bounded per tenant and in all, waiting in turn.

use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use datafusion::execution::runtime_env::RuntimeEnv;
use schemas::TenantId;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::Config;
use crate::error::Error;
use crate::memory::Memory;

/// How many idle tenants' lanes are kept.
const IDLE_LANES: usize = 256;

/// The door before the engine.
pub(crate) struct Admission {
    memory: Memory,
    process: Arc<Semaphore>,
    tenant_concurrency: usize,
    tenant_queue: usize,
    patience: Duration,
    lanes: Mutex<HashMap<TenantId, Arc<Lane>>>,
}

/// What the queries of one tenant share.
struct Lane {
    turn: Arc<Semaphore>,
    waiting: AtomicUsize,
    runtime_env: Arc<RuntimeEnv>,
}

/// The right to work; dropped when the work has ended.
pub(crate) struct Permit {
    lane: Arc<Lane>,
    _tenant: OwnedSemaphorePermit,
    _process: OwnedSemaphorePermit,
}

impl Permit {
    /// The memory and files that the tenant's queries share.
    pub(crate) fn runtime_env(&self) -> &Arc<RuntimeEnv> {
        &self.lane.runtime_env
    }
}

/// Counts one waiting query for as long as it lives.
struct Waiting<'a>(&'a AtomicUsize);

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::AcqRel);
    }
}

impl Admission {
    pub(crate) fn new(config: &Config, memory: Memory) -> Self {
        Self {
            memory,
            process: Arc::new(Semaphore::new(config.concurrency)),
            tenant_concurrency: config.tenant_concurrency,
            tenant_queue: config.tenant_queue,
            patience: config.queue(),
            lanes: Mutex::default(),
        }
    }

    /// Waits for the tenant's turn.
    pub(crate) async fn enter(&self, tenant: &TenantId) -> Result<Permit, Error> {
        let lane = self.lane(tenant)?;
        let turn = Arc::clone(&lane.turn);
        let turns = async {
            // The tenant's own turn first: its queue must not hold others' places.
            let own = turn.acquire_owned().await;
            let process = Arc::clone(&self.process).acquire_owned().await;
            own.and_then(|own| Ok((own, process?)))
        };
        let permits = {
            let waiting = Waiting(&lane.waiting);
            // Those that can work at once wait for no time at all.
            let ahead = waiting.0.fetch_add(1, Ordering::AcqRel);
            if lane.turn.available_permits() == 0 && ahead >= self.tenant_queue {
                return Err(Error::TooMany);
            }
            tokio::time::timeout(self.patience, turns).await
        };
        let (own, process) = permits
            .map_err(|_| Error::Busy)?
            .map_err(|closed| Error::Internal(Box::new(closed)))?;
        Ok(Permit {
            lane,
            _tenant: own,
            _process: process,
        })
    }

    /// As [`Self::enter`], for as long as it takes: for what waits elsewhere, within bounds.
    pub(crate) async fn wait(&self, tenant: &TenantId) -> Result<Permit, Error> {
        let lane = self.lane(tenant)?;
        let own = Arc::clone(&lane.turn).acquire_owned().await;
        let process = Arc::clone(&self.process).acquire_owned().await;
        let closed = |closed| Error::Internal(Box::new(closed));
        Ok(Permit {
            lane,
            _tenant: own.map_err(closed)?,
            _process: process.map_err(closed)?,
        })
    }

    fn lane(&self, tenant: &TenantId) -> Result<Arc<Lane>, Error> {
        let mut lanes = self.lanes.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(lane) = lanes.get(tenant) {
            return Ok(Arc::clone(lane));
        }
        if lanes.len() >= IDLE_LANES {
            lanes.retain(|_, lane| Arc::strong_count(lane) > 1);
        }
        let runtime_env = self
            .memory
            .tenant()
            .map_err(|error| Error::Internal(Box::new(error)))?;
        let lane = Arc::new(Lane {
            turn: Arc::new(Semaphore::new(self.tenant_concurrency)),
            waiting: AtomicUsize::new(0),
            runtime_env,
        });
        lanes.insert(tenant.clone(), Arc::clone(&lane));
        Ok(lane)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn admission(patience: Duration) -> Admission {
        let config = Config {
            concurrency: 2,
            tenant_concurrency: 1,
            tenant_queue: 1,
            ..Config::default()
        };
        let memory = Memory::new(&config).expect("a temporary folder");
        Admission {
            patience,
            ..Admission::new(&config, memory)
        }
    }

    fn tenant(id: &str) -> TenantId {
        TenantId::new(id).expect("a slug")
    }

    #[tokio::test]
    async fn a_tenant_waits_for_itself_and_not_for_others() {
        let admission = Arc::new(admission(Duration::from_secs(60)));
        let first = admission.enter(&tenant("a")).await.expect("free");
        let other = admission.enter(&tenant("b")).await.expect("free");

        let queued = tokio::spawn({
            let admission = Arc::clone(&admission);
            async move { admission.enter(&tenant("a")).await.map(drop) }
        });
        tokio::task::yield_now().await;
        let refused = admission.enter(&tenant("a")).await.map(drop);
        assert!(matches!(refused, Err(Error::TooMany)), "{refused:?}");

        drop(first);
        queued.await.expect("no panic").expect("its turn came");
        drop(other);
    }

    #[tokio::test]
    async fn patience_ends() {
        let admission = admission(Duration::from_millis(10));
        let _first = admission.enter(&tenant("a")).await.expect("free");
        let waited = admission.enter(&tenant("a")).await.map(drop);
        assert!(matches!(waited, Err(Error::Busy)), "{waited:?}");
    }
}
